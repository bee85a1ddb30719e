"""``--tshark``: which tshark a command runs."""

import os
from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from postproc.read.programs import SETTING


def tshark_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--tshark``. It is kept in the environment, where workers and notebooks find it."""
    return click.option(
        "--tshark", envvar=SETTING, show_envvar=True, metavar="PATH", expose_value=False, callback=_keep,
        help="The tshark to run.  [default: the first on PATH]",
    )(command)  # fmt: skip


def _keep(context: click.Context, option: click.Parameter, value: str | None) -> None:
    """Set it; as a path from where one stands only if it was typed, and not as a mere name."""
    typed = option.name and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
    if value and typed:
        os.environ[SETTING] = os.path.abspath(value) if os.path.dirname(value) else value  # noqa: PTH100, PTH120
