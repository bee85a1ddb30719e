"""Files that only their owner can read: captures and results reveal who called whom, and when."""

import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from postproc.files.signals import undisturbed

FILE, FOLDER = 0o600, 0o700  # without effect on Windows, where a user's folders are private


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name and rename it, so that no reader sees part of it.

    Only its owner can read it, unless it replaces a file, whose permissions it then gets.
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
    """Make a file written by another program readable by its owner only."""
    path.chmod(FILE)


def make_folder(path: Path) -> None:
    """Make a folder that only its owner can enter, and its parents; an existing one stays as it is."""
    try:
        path.mkdir(FOLDER, exist_ok=True)
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        path.mkdir(FOLDER)


def to_disk(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk."""
    try:
        opened = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    except PermissionError:  # Windows cannot open folders
        if path.is_dir():
            return
        raise
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
