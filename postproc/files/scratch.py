"""Temporary folders; those of dead processes are removed by the next run.

Each folder has a file that is locked while its process lives; the system releases the lock when the process
ends in any way. The file also has the folder's inode, so that an unpacked copy of a folder is not taken for
one of this program's.
"""

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: no process can be proven dead there, so nothing is removed
    fcntl = None  # type: ignore[assignment]

PREFIX = "postproc-"
NAME = re.compile(r"postproc-\w{8}(\.gone)?")  # as made by mkdtemp and ``clear``
ALIVE = "alive"


@contextmanager
def folder() -> Iterator[Path]:
    """Make a temporary folder that is removed with its content when the block is left."""
    place = Path(tempfile.mkdtemp(prefix=PREFIX))
    mark = _mark(place)
    try:
        yield place
    finally:
        clear(place)
        if mark is not None:
            os.close(mark)


@contextmanager
def home() -> Iterator[Path]:
    """Make such a folder the place of all temporary files of this process."""
    before = tempfile.tempdir
    with folder() as place:
        tempfile.tempdir = str(place)
        try:
            yield place
        finally:
            tempfile.tempdir = before


def clear(place: Path) -> None:
    """Remove a folder that another thread may still use; renamed first, so that no file is added."""
    renamed = place.with_name(f"{place.name}.gone")
    try:
        place.rename(renamed)
    except OSError:
        renamed = place
    shutil.rmtree(renamed, ignore_errors=True)


def clear_stale() -> None:
    """Remove the temporary folders of this user's dead processes; links are ignored."""
    for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if (lock := _of_the_dead(place)) is not None:
            shutil.rmtree(place, ignore_errors=True)
            os.close(lock)


def _mark(place: Path) -> int | None:
    """Make the locked file in the folder; it is named after it is locked, so it is never seen unlocked."""
    if fcntl is None:
        return None
    making = place / f".{ALIVE}"
    lock = os.open(making, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(lock, _inode(place.lstat()))
        making.rename(place / ALIVE)
    except OSError:  # a file system without locks
        making.unlink(missing_ok=True)
    return lock


def _of_the_dead(place: Path) -> int | None:
    """Take the lock of a folder and return it if no living process holds it; None if that is uncertain."""
    try:
        status = place.lstat()
        if fcntl is None or not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            return None
        if not NAME.fullmatch(place.name):
            return None
        lock = os.open(place / ALIVE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = os.read(lock, 100) == _inode(status)
    except OSError:
        ours = False
    if not ours:
        os.close(lock)
        return None
    return lock


def _inode(status: os.stat_result) -> bytes:
    return f"{status.st_dev}:{status.st_ino}\n".encode()
