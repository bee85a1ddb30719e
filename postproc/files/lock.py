"""A lock on a folder for one run at a time, released when its process ends in any way."""

import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from postproc.files.private import FILE
from postproc.model.errors import SetupError

NAME = ".lock"
HOLDER = re.compile(r"process (\d{1,10}) on ([\w.-]{1,64})\n")


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold the lock of a folder until the block is left.

    Raises SetupError if another run holds it, OSError if the folder cannot be written to.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415  (not needed to read results)

    path = out / NAME
    lock = FileLock(path, timeout=0, mode=FILE, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise SetupError(
            f"{out}: {_holder(path)} is writing its results there; wait for it, or name another with -o"
        ) from None
    except NotImplementedError:
        raise SetupError(f"{out}: this file system knows no locks; name another folder with -o") from None
    try:
        with suppress(OSError):  # a full disk, or Windows: then the holder stays unnamed
            path.write_text(f"process {os.getpid()} on {platform.node()}\n", encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            os.truncate(path, 0)
        lock.release()


def _holder(path: Path) -> str:
    try:
        holder = HOLDER.fullmatch(path.read_text(encoding="utf-8", errors="replace")[:100])
    except OSError:
        holder = None
    return f"another run (process {holder[1]} on {holder[2]})" if holder else "another run"
