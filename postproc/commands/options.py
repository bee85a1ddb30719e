"""Options and error handling that commands share: ``--lang``, ``--tshark``, ``--debug``, quick imports."""

import errno
import os
import sys
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from postproc.commands.interrupts import INTERRUPTED, Heeded
from postproc.commands.language import OPTION, locale_language, spoken
from postproc.model.errors import PostprocError
from postproc.model.text import LANGS
from postproc.read.programs import SETTING

COULD_NOT_RUN = 2


def lang_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--lang``; the command gets ``lang: Lang``."""
    return click.option(
        OPTION,
        type=click.Choice(LANGS),
        default=locale_language,
        show_default="of the locale",
        help="Language of the output.",
    )(command)


def speaks(command: click.Command) -> click.Command:
    """Have a command and its subcommands accept ``--lang`` where it only affects help and errors."""
    if not any(OPTION in parameter.opts for parameter in command.params):
        option = click.Option(
            [OPTION], type=click.Choice(LANGS), expose_value=False, help="Language of the output."
        )
        command.params.append(option)
    for subcommand in command.commands.values() if isinstance(command, click.Group) else ():
        speaks(subcommand)
    return command


def tshark_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--tshark``, which is stored in the environment, where workers and notebooks find it."""
    return click.option(
        "--tshark",
        envvar=SETTING,
        show_envvar=True,
        metavar="PATH",
        expose_value=False,
        callback=_keep,
        help="tshark to use.  [default: the first on PATH]",
    )(command)


def _keep(context: click.Context, option: click.Parameter, value: str | None) -> None:
    """Store the path; it is made absolute only if it was typed and is not a mere program name."""
    typed = option.name and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
    if value and typed:
        os.environ[SETTING] = os.path.abspath(value) if os.path.dirname(value) else value  # noqa: PTH100, PTH120


def rule_names(_context: click.Context, _option: click.Parameter, begun: str) -> list[str]:
    """Complete a rule's name or code, after the last comma."""
    from postproc.diagnose.rules import RULES

    before, comma, last = begun.rpartition(",")
    names = [name for rule in RULES for name in (rule.name, rule.code)]
    return [f"{before}{comma}{name}" for name in names if name.lower().startswith(last.lower())]


def deployments(_context: click.Context, _option: click.Parameter, begun: str) -> list[CompletionItem]:
    """Complete a shipped deployment's name, or a file."""
    from postproc.read.deployment import SHIPPED

    shipped = [CompletionItem(name) for name in SHIPPED if name.startswith(begun)]
    return [*shipped, CompletionItem(begun, type="file")]


def call_numbers(context: click.Context, _option: click.Parameter, begun: str) -> list[CompletionItem]:
    """Complete a call number from the results named before, with verdict and headline as help."""
    from postproc import results
    from postproc.model.errors import PostprocError

    # While the line ends in an option without value, click has not assigned arguments to parameters yet.
    values = (context.params.get(name) for name in ("results", "capture", "captures"))
    value = next(filter(None, (*context.args, *values)), None)
    folder = value[0] if isinstance(value, tuple) else value
    try:
        calls = results.load(folder).calls if folder else None
    except PostprocError:
        return []
    rows = () if calls is None else zip(calls["call"], calls["headline"].fillna(""), strict=True)
    return [CompletionItem(str(call), help=text) for call, text in rows if str(call).startswith(begun)]


def zone_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--tz``; the command gets ``tz: str``."""
    return click.option(
        "--tz",
        default="local",
        show_default=True,
        metavar="ZONE",
        help="Time zone of the output: UTC, log (that of the log), local, or a name like Europe/Berlin.",
    )(command)


def debug_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--debug``; the command gets ``debug: bool``."""
    return click.option("--debug", is_flag=True, help="Print a traceback with each error.")(command)


def guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--debug``, and turn what stops a command into one line on stderr and its exit status."""

    @debug_option
    @wraps(command)
    def guard(*, debug: bool, **values: object) -> None:
        with one_line_errors(debug=debug):
            command(**values)

    return guard


class one_line_errors:  # noqa: N801  (read as what it does: with one_line_errors())
    """Turn what stops a command into one line on stderr and its exit status."""

    def __init__(self, *, debug: bool = False, interrupted: str = "interrupted") -> None:
        self._debug = debug
        self._interrupted = interrupted
        self._signals = Heeded()

    def __enter__(self) -> None:
        self._signals.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._signals.__exit__(kind, error, trace)
        if error is None:
            return
        # A library may have turned the interruption into an error of its own.
        if self._signals.came or isinstance(error, KeyboardInterrupt):
            _say(self._interrupted)
            sys.exit(INTERRUPTED)
        if isinstance(error, PostprocError) or (isinstance(error, OSError) and error.errno != errno.EPIPE):
            if self._debug:
                _trace(error)
            _say(_reason(error))
            sys.exit(COULD_NOT_RUN)


def _say(message: str) -> None:
    """Print one line on stderr, with control characters in file names escaped."""
    from postproc.model.messages import in_language
    from postproc.show.terminal import clean

    click.echo(clean(f"postproc: {in_language(message, spoken())}"), err=True)


def _trace(error: BaseException) -> None:
    from postproc.show.terminal import trace

    click.echo(trace(error), err=True)


def _reason(error: Exception) -> str:
    """Return the error's text; OSErrors name the file concerned, if there is one."""
    if not isinstance(error, OSError):
        return str(error)
    from postproc.read.inputs import said

    return f"{error.filename}: {said(error)}" if error.filename else said(error)
