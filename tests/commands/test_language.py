"""The language of texts: the option's, else the locale's."""

import click
import pytest
from click.testing import CliRunner

from postproc.commands.options import lang_option, locale_language


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de"}, "de"),
        ({"LANG": "DE_AT"}, "de"),
        ({"LANG": "de.UTF-8"}, "de"),
        ({"LANG": "den_CA.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US", "LC_MESSAGES": "de_CH"}, "de"),
        ({"LC_ALL": "", "LANG": "de_DE"}, "de"),
    ],
)
def test_the_first_variable_that_is_set_decides(environment, lang):
    assert locale_language(environment) == lang


@click.command()
@lang_option
def speak(lang):
    click.echo(lang)


def test_the_option_wins_over_the_locale():
    run = CliRunner(env={"LC_ALL": "de_DE.UTF-8"})
    assert run.invoke(speak).output == "de\n"
    assert run.invoke(speak, ["--lang", "en"]).output == "en\n"
    assert run.invoke(speak, ["--lang", "fr"]).exit_code == 2
