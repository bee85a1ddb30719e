"""The language of what a command prints: ``--lang``, else the locale's."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import click

from postproc.model.text import LANGS, Lang

VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set decides (POSIX, section 8.2)


def locale_language(environment: Mapping[str, str] | None = None) -> Lang:
    """``de`` in a German locale, ``en`` in any other; the process's environment if none is given."""
    environment = os.environ if environment is None else environment
    locale = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    return "de" if locale.lower().split("_")[0].split(".")[0] == "de" else "en"


def lang_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--lang``; it gets ``lang: Lang``."""
    return click.option(
        "--lang", type=click.Choice(LANGS), default=locale_language,
        show_default="of the locale", help="Language of texts.",
    )(command)  # fmt: skip
