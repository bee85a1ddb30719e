"""Captures packed by gzip, unpacked byte for byte: a ring may have files that are not packed yet."""

import gzip
import shutil
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from postproc.model.errors import CaptureError
from postproc.read.inputs import DAMAGED_GZIP, GZIP
from postproc.read.processes import check_made

PIECE = 1 << 20  # bytes unpacked at once


def packed(path: Path) -> bool:
    """Whether a file is packed by gzip. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def unpacked(path: Path, target: Path) -> Path:
    """All that is in a packed file, in ``target``.

    Raises CaptureError when it is damaged, and TooMuchError when more is in it than in any honest one, or
    than half of the free space, the other half being for what is kept of it.
    """
    with target.open("wb") as file:
        for piece in _pieces(path, shutil.disk_usage(target.parent).free // 2):
            file.write(piece)
    return target


def ends_alone(path: Path, target: Path, size: int) -> Path:
    """``target``, as long as what is in a packed file: its first and last ``size`` bytes, a hole between.

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
    size, made = path.stat().st_size, 0
    try:
        with gzip.open(path) as file:
            while piece := file.read(PIECE):
                made += len(piece)
                check_made(made, size, room)
                yield piece
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CaptureError(DAMAGED_GZIP) from error
