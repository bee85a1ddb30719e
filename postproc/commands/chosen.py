"""What commands are given: captures, or the results folder of a run with the number it gave a call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from postproc.commands.options import call_numbers
from postproc.model.text import Lang

if TYPE_CHECKING:
    from postproc.results import Run


def call_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--call``; it gets ``call: int | None``."""
    text = "This call only, by its number as `run` shows it."
    return click.option(
        "--call", type=click.IntRange(min=1), metavar="N", help=text, shell_complete=call_numbers
    )(command)


def is_results(path: Path) -> bool:
    """Whether there are results of a run in it."""
    from postproc.results import SUMMARY

    return (path / SUMMARY).is_file()


@dataclass(frozen=True)
class Chosen:
    """A run, and the captures of it that are wanted, by their names in its tables."""

    run: "Run"
    captures: Mapping[str, Path]


def chosen(given: Sequence[Path], call: int | None, lang: Lang) -> Chosen:
    """The captures with a call, all of them if none is named, and the run that numbers it.

    CaptureError when no capture can be read, or one is not what it was; SetupError without such a call.
    """
    from postproc import pipeline
    from postproc.model.calls import no_such
    from postproc.model.errors import CaptureError, SetupError
    from postproc.read.inputs import located
    from postproc.show.selection import belonging
    from postproc.show.terminal import clean

    run = pipeline.given(given, lang=lang)
    if run.captures.empty:
        reason = run.unread[0].reason if run.unread else "no capture"
        raise CaptureError(clean(f"{given[0]}: {reason}"))
    known = sorted(run.calls["call"].dropna().astype(int))
    if call is not None and call not in known:
        raise SetupError(no_such(call, known))
    rows = run.captures.dropna(subset=["path"])
    paths = {name: located(path) for name, path in zip(rows["capture"], rows["path"], strict=True)}
    wanted = paths if call is None else belonging(run.tables, call)
    return Chosen(run, {name: paths[name] for name in wanted if name in paths})
