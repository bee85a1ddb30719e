"""Captures compressed by gzip, decompressed as they are: files of a ring may be compressed one by one."""

import gzip
import shutil
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from postproc.model.errors import CaptureError
from postproc.read.inputs import DAMAGED_GZIP, GZIP
from postproc.read.processes import check_made

PIECE = 1 << 20  # bytes decompressed at once


def packed(path: Path) -> bool:
    """Return whether a file is compressed by gzip. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def unpacked(path: Path, target: Path) -> Path:
    """Decompress a file to ``target`` and return that.

    Raises CaptureError if it is damaged, and TooMuchError if its content exceeds ``processes.most`` or
    half of the free space; the other half is for its reduced file.
    """
    with target.open("wb") as file:
        for piece in _pieces(path, shutil.disk_usage(target.parent).free // 2):
            file.write(piece)
    return target


def ends_alone(path: Path, target: Path, size: int) -> Path:
    """Write the first and last ``size`` bytes of a compressed file's content to ``target``, a hole between.

    Raises CaptureError as ``unpacked`` does.
    """
    total, last = 0, b""
    with target.open("wb") as file:
        for piece in _pieces(path, sys.maxsize):
            if total < size:
                file.write(piece[: size - total])
            total, last = total + len(piece), (last + piece)[-size:]
        file.seek(total - len(last))
        file.write(last)
    return target


def _pieces(path: Path, room: int) -> Iterator[bytes]:
    size, written = path.stat().st_size, 0
    try:
        with gzip.open(path) as file:
            while piece := file.read(PIECE):
                written += len(piece)
                check_made(written, size, room)
                yield piece
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CaptureError(DAMAGED_GZIP) from error
