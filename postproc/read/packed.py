"""Captures packed by gzip, unpacked byte for byte: a ring may have files that are not packed yet."""

import gzip
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

from postproc.model.errors import CaptureError
from postproc.read.inputs import GZIP
from postproc.read.processes import TooMuchError, most

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
    room = shutil.disk_usage(target.parent).free // 2
    with target.open("wb") as file:
        for piece in _pieces(path):
            file.write(piece)
            if file.tell() > room:
                raise TooMuchError(
                    "too little temporary space to unpack it: free some, or point TMPDIR elsewhere"
                )
    return target


def ends_alone(path: Path, target: Path, size: int) -> Path:
    """``target``, as long as what is in a packed file: its first and last ``size`` bytes, a hole between.

    Raises CaptureError as ``unpacked`` does.
    """
    total, last = 0, b""
    with target.open("wb") as file:
        for piece in _pieces(path):
            if total < size:
                file.write(piece[: size - total])
            total, last = total + len(piece), (last + piece)[-size:]
        file.seek(total - len(last))
        file.write(last)
    return target


def _pieces(path: Path) -> Iterator[bytes]:
    left = most(path.stat().st_size)
    try:
        with gzip.open(path) as file:
            while piece := file.read(PIECE):
                left -= len(piece)
                if left < 0:
                    raise TooMuchError(f"unpacked it is larger than {most(path.stat().st_size) / 1e9:.1f} GB")
                yield piece
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CaptureError("damaged gzip file") from error
