"""Temporary folders that do not stay: the dead cannot clear up, so the next run does it for them.

Each folder of ours holds a file that is locked as long as its process lives; the
system takes the lock away with the process, however that ended. The file also
names the folder's inode: one that somebody unpacked is none of ours.
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
except ImportError:  # Windows: nothing can be proven dead there, and nothing is cleared away
    fcntl = None  # type: ignore[assignment]

PREFIX = "postproc-"
NAME = re.compile(r"postproc-\w{8}(\.gone)?")  # as mkdtemp makes them
ALIVE = "alive"


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is gone, with all in it, when the block is left."""
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
    """The same for all temporary files of this process, whoever in it makes them."""
    before = tempfile.tempdir
    with folder() as place:
        tempfile.tempdir = str(place)
        try:
            yield place
        finally:
            tempfile.tempdir = before


def clear(place: Path) -> None:
    """Remove a folder in which another thread may still be at work: it finds the place gone."""
    gone = place.with_name(f"{place.name}.gone")
    try:
        place.rename(gone)
    except OSError:
        gone = place
    shutil.rmtree(gone, ignore_errors=True)


def clear_stale() -> None:
    """Remove the folders of ours whose processes are gone: this user's only, and no links."""
    for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if (held := _of_the_dead(place)) is not None:
            shutil.rmtree(place, ignore_errors=True)
            os.close(held)


def _mark(place: Path) -> int | None:
    """Lock a file in the folder; it bears its name only when it is locked, so nobody takes us for dead."""
    if fcntl is None:
        return None
    making = place / f".{ALIVE}"
    held = os.open(making, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(held, _inode(place.lstat()))
        making.rename(place / ALIVE)
    except OSError:  # a file system without locks
        making.unlink(missing_ok=True)
    return held


def _of_the_dead(place: Path) -> int | None:
    """The lock of a folder that no living process holds, now ours; None if that is not certain."""
    try:
        seen = place.lstat()
        if fcntl is None or not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid():
            return None
        if not NAME.fullmatch(place.name):
            return None
        held = os.open(place / ALIVE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = os.read(held, 100) == _inode(seen)
    except OSError:
        ours = False
    if not ours:
        os.close(held)
        return None
    return held


def _inode(seen: os.stat_result) -> bytes:
    return f"{seen.st_dev}:{seen.st_ino}\n".encode()
