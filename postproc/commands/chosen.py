"""Arguments that are captures, or the results folder of a run, with the number it gave a call."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from postproc.commands.options import call_numbers
from postproc.model.text import Lang

if TYPE_CHECKING:
    from postproc.results import Run


def call_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--call``; the command gets ``call: int | None``."""
    text = "Only this call, by its number as shown by `run`."
    return click.option(
        "--call", type=click.IntRange(min=1), metavar="N", help=text, shell_complete=call_numbers
    )(command)


def is_results(path: Path) -> bool:
    """Tell whether the folder has results of a run."""
    from postproc.results import SUMMARY

    return (path / SUMMARY).is_file()


def need_captures(run: "Run", given: Path) -> None:
    """Raise CaptureError with the reason when no capture of a run over ``given`` could be read."""
    from postproc.model.errors import CaptureError
    from postproc.show.terminal import clean

    if run.captures.empty:
        reason = run.unread[0].reason if run.unread else "no capture"
        raise CaptureError(clean(f"{given}: {reason}"))


class Chosen(NamedTuple):
    """A run, and those of its captures that were selected: name in its tables -> path."""

    run: "Run"
    captures: Mapping[str, Path]


def chosen(arguments: Sequence[Path], call: int | None, lang: Lang) -> Chosen:
    """Return the captures with a call, all of them if ``call`` is None, and the run that numbers it.

    Raises CaptureError when no capture can be read, or one has changed; SetupError without such a call.
    """
    from postproc import pipeline
    from postproc.model.calls import no_such
    from postproc.model.errors import SetupError
    from postproc.read.inputs import located
    from postproc.show.selection import belonging

    run = pipeline.given(arguments, lang=lang)
    need_captures(run, arguments[0])
    numbers = sorted(run.calls["call"].dropna().astype(int))
    if call is not None and call not in numbers:
        raise SetupError(no_such(call, numbers))
    rows = run.captures.dropna(subset=["path"])
    paths = {name: located(path) for name, path in zip(rows["capture"], rows["path"], strict=True)}
    names = paths if call is None else belonging(run.tables, call)
    return Chosen(run, {name: paths[name] for name in names if name in paths})
