"""``python -m postproc`` and the command ``postproc``."""

import os
import sys


def main() -> None:
    """Run the command line."""
    from postproc.current_folder import leave_out  # noqa: PLC0415

    leave_out()
    from postproc.cli import cli  # noqa: PLC0415  (processes that read captures import this module)

    try:
        cli(prog_name="postproc")
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        _leave(end.code)


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
