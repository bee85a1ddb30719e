"""Files that are their owner's alone: captures and what comes of them tell who called whom, and when."""

import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from postproc.files.signals import undisturbed

FILE, FOLDER = 0o600, 0o700  # Windows knows neither: there a user's folders are his own


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Have the file written under another name, then give it its own: nobody sees half of one.

    Its owner alone may read it, unless there was one of that name: then who might read that.
    """
    making = path.with_name(f".{uuid4().hex}")
    try:
        making.touch(FILE, exist_ok=False)
        write(making)
        if path.exists():
            making.chmod(path.stat().st_mode & 0o777)
        to_disk(making)
        making.replace(path)
    finally:
        with undisturbed():
            making.unlink(missing_ok=True)


def own(path: Path) -> None:
    """Make a file that another program wrote its owner's alone."""
    path.chmod(FILE)


def make_folder(path: Path) -> None:
    """Make a folder that is its owner's alone, and what is above it; one that is there stays as it is."""
    try:
        path.mkdir(FOLDER, exist_ok=True)
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        path.mkdir(FOLDER)


def to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, would outlive a power failure."""
    try:
        opened = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    except PermissionError:  # Windows opens no folder
        if path.is_dir():
            return
        raise
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
