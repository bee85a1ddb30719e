"""``python -m postproc`` and the command ``postproc``."""

import os
import sys
from contextlib import ExitStack
from io import TextIOWrapper

from postproc.commands.interrupts import deaf, leave_at_once


def main() -> None:
    """Run the command line; all its temporary files are in one folder, removed at the end."""
    from postproc.current_folder import leave_out  # noqa: PLC0415
    from postproc.memory import prepare  # noqa: PLC0415

    prepare()
    leave_out()
    if isinstance(
        sys.stdout, TextIOWrapper
    ):  # a pipe of Windows has the console's few signs: "?" for the others
        sys.stdout.reconfigure(errors="replace")
    leaving = ExitStack()
    leave_at_once(leaving.close)
    from postproc.cli import cli  # noqa: PLC0415  (processes that read captures import this module)
    from postproc.files import scratch  # noqa: PLC0415  (a signal is heeded while they are imported)

    scratch.clear_stale()
    leaving.enter_context(scratch.home())
    try:
        cli(prog_name="postproc")
    except SystemExit as end:
        deaf()
        leaving.close()
        if not isinstance(end.code, int):
            raise
        _leave(end.code)
    finally:
        leaving.close()


def _leave(status: int) -> None:
    """Exit without freeing every object first, which takes a while and helps nobody."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads it any more
        os._exit(status or 1)
    os._exit(status)


if __name__ == "__main__":
    main()
