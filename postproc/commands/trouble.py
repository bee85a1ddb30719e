"""What stops a command: one line on stderr, and an exit status."""

import atexit
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from postproc.errors import PostprocError

COULD_NOT_RUN, INTERRUPTED = 2, 130


@contextmanager
def one_line_errors(*, debug: bool = False, interrupted: str = "interrupted") -> Iterator[None]:
    """Turn what stops a command into one line on stderr and its exit status."""
    try:
        yield
    except PostprocError as error:
        if debug:
            traceback.print_exc()
        _say(str(error))
        sys.exit(COULD_NOT_RUN)
    except KeyboardInterrupt:
        _say(interrupted)
        if threading.active_count() > 1:  # a capture is being read in this process: not waited for
            atexit._run_exitfuncs()  # removes its temporary files
            os._exit(INTERRUPTED)
        sys.exit(INTERRUPTED)


def _say(what: str) -> None:
    """In one line, whatever the names of files in it hold."""
    from postproc.present.terminal import clean

    click.echo(clean(f"postproc: {what}"), err=True)
