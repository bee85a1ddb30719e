"""What stops a command: one line on stderr, and an exit status."""

import errno
import sys
from types import TracebackType

import click

from postproc.commands.interrupts import INTERRUPTED, Heeded
from postproc.model.errors import PostprocError

COULD_NOT_RUN = 2


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
        # A library may have made an error of its own of the interruption.
        if self._signals.came or isinstance(error, KeyboardInterrupt):
            _say(self._interrupted)
            sys.exit(INTERRUPTED)
        if isinstance(error, PostprocError) or (isinstance(error, OSError) and error.errno != errno.EPIPE):
            if self._debug:
                _trace(error)
            _say(_said(error))
            sys.exit(COULD_NOT_RUN)


def _say(what: str) -> None:
    """In one line, whatever the names of files in it hold."""
    from postproc.show.terminal import clean

    click.echo(clean(f"postproc: {what}"), err=True)


def _trace(error: BaseException) -> None:
    from postproc.show.terminal import trace

    click.echo(trace(error), err=True)


def _said(error: Exception) -> str:
    """The error in one line; the system names the file it is about, if there is one."""
    if not isinstance(error, OSError):
        return str(error)
    from postproc.read.inputs import said

    return f"{error.filename}: {said(error)}" if error.filename else said(error)
