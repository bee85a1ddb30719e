"""Questions to the user at the terminal, answered by a letter of the command's language."""

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
    """Return whether the user answers yes; an empty line means ``default``, or asks again where that is None.

    Like ``click.confirm``, which only knows English letters. Raises click.Abort at the end of the input.
    """
    yes, no = YES.of(lang), "n"
    shown = f"{yes.upper() if default else yes}/{no.upper() if default is False else no}"
    return picked(f"{question} [{shown}]", ANSWERS[lang], lang, default)


def picked(question: str, answers: Mapping[str, Answer], lang: Lang, default: Answer | None = None) -> Answer:
    """Ask until the user types one of the words, in any case, and return what the word stands for.

    An empty line means ``default``, if there is one.
    """
    while True:
        typed = click.prompt(question, default="", show_default=False, err=True).strip().lower()
        if typed in answers:
            return answers[typed]
        if not typed and default is not None:
            return default
        click.echo(NONE_OF.of(lang, words=", ".join(answers)), err=True)
