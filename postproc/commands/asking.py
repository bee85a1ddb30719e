"""Questions to the person at the terminal, with answers by letter in the language spoken."""

from collections.abc import Mapping
from typing import TypeVar

import click

from postproc.model.text import Lang, Text

YES = Text("y", "j")
ANSWERS: Mapping[Lang, Mapping[str, bool]] = {
    "en": {"y": True, "yes": True, "n": False, "no": False},
    "de": {"j": True, "ja": True, "y": True, "yes": True, "n": False, "nein": False, "no": False},
}
NONE_OF = Text("Please answer with one of: {words}", "Bitte mit einem davon antworten: {words}")

Answer = TypeVar("Answer")


def confirmed(question: str, lang: Lang, *, default: bool | None = False) -> bool:
    """Whether the answer is yes; an empty line is ``default``, or no answer where that is None.

    As ``click.confirm``, which knows English letters only. click.Abort at the end of the input.
    """
    yes, no = YES.of(lang), "n"
    shown = f"{yes.upper() if default else yes}/{no.upper() if default is False else no}"
    return picked(f"{question} [{shown}]", ANSWERS[lang], lang, default)


def picked(question: str, answers: Mapping[str, Answer], lang: Lang, default: Answer | None = None) -> Answer:
    """What the word typed stands for, upper or lower case; asked again until it stands for something."""
    while True:
        given = click.prompt(question, default="", show_default=False, err=True).strip().lower()
        if given in answers:
            return answers[given]
        if not given and default is not None:
            return default
        click.echo(NONE_OF.of(lang, words=", ".join(answers)), err=True)
