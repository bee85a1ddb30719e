"""Yes and no at the terminal, in the letters of the language."""

import click
import pytest
from click.testing import CliRunner

from postproc.commands.asking import confirmed, picked


def answer(lang, typed, default):
    said = []

    @click.command()
    def command():
        said.append(confirmed("Gut?", lang, default=default))

    done = CliRunner().invoke(command, input=typed)
    return said[0] if said else None, done.output


@pytest.mark.parametrize(
    ("lang", "typed", "default", "shown", "told"),
    [
        ("de", "J\n", False, "[j/N]", True),
        ("de", "ja\n", False, "[j/N]", True),
        ("de", "y\n", False, "[j/N]", True),
        ("de", "nein\n", True, "[J/n]", False),
        ("de", "\n", True, "[J/n]", True),
        ("en", "\n", False, "[y/N]", False),
        ("en", "YES\n", False, "[y/N]", True),
    ],
)
def test_the_letters_are_those_of_the_language(lang, typed, default, shown, told):
    said, output = answer(lang, typed, default)
    assert (said, shown in output) == (told, True)


@pytest.mark.parametrize("lang", ["en", "de"])
def test_what_is_no_answer_is_asked_again_in_the_language(lang):
    said, output = answer(lang, "vielleicht\n\nn\n", None)
    assert said is False
    assert output.count("Gut?") == 3
    assert output.count("Bitte mit einem davon" if lang == "de" else "Please answer with") == 2
    assert "Error" not in output


def test_the_end_of_the_input_answers_nothing():
    assert answer("de", "", False)[0] is None


def test_a_word_stands_for_what_it_is_told_to():
    @click.command()
    def command():
        click.echo(picked("?", {"a": "first", "b": "second"}, "en"))

    assert CliRunner().invoke(command, input="B\n").stdout == "second\n"
