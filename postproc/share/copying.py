"""Copy a capture to a new pcapng file packet by packet, selecting packets or adding comments.

Files are written under a temporary name and renamed, so that no reader sees part of one; only their owner
can read them, since captures hold personal data.
"""

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from postproc.files.private import FILE
from postproc.model.errors import SetupError
from postproc.read.inputs import said
from postproc.read.records import Described, Other, Piece, Record, pieces
from postproc.version import __version__
from postproc.wire import pcapng

APPLICATION = f"legshark {__version__}"
SECTION = bytes(pcapng.Section(pcapng.option(pcapng.SECTION_APPLICATION, APPLICATION.encode())))
COPIED = (pcapng.SECRETS, pcapng.NAMES)  # not statistics, which apply to the complete capture

Comments = Callable[[int], Iterable[str]]


def copy(
    capture: Path, target: Path, *, only: Collection[int] | None = None, comments: Comments = lambda _: ()
) -> int:
    """Write the packets of a capture, or ``only`` those frames; return how many.

    ``comments`` returns the comments of a frame. Raises CaptureError if the capture cannot be read,
    SetupError if the copy cannot be written.
    """
    written = 0
    with pieces(capture) as parts, replacing(target) as file:
        file.write(SECTION)
        for piece in parts:
            if isinstance(piece, Record) and only is not None and piece.frame not in only:
                continue
            file.write(_block(piece, comments))
            written += isinstance(piece, Record)
    return written


def _block(piece: Piece, comments: Comments) -> bytes:
    match piece:
        case Record():
            options = piece.options + pcapng.comments(comments(piece.frame))
            return bytes(pcapng.Packet(piece.interface, piece.ticks, piece.data, piece.original, options))
        case Described():
            return bytes(pcapng.Interface(piece.link_type, piece.snaplen, piece.options))
        case Other(kind=kind) if kind in COPIED:
            return bytes(pcapng.Other(kind, piece.body))
    return b""


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """Open a private file that gets its name when it is complete; SetupError if it cannot be written."""
    making = target.with_name(f".{uuid4().hex}")
    try:
        making.touch(FILE, exist_ok=False)
        with making.open("wb") as file:
            yield file
        making.replace(target)
    except OSError as error:
        raise SetupError(f"{target}: {said(error)}") from error
    finally:
        making.unlink(missing_ok=True)


def moved(path: Path, target: Path) -> None:
    """Move a file, also to another disk; SetupError if that fails."""
    with path.open("rb") as source, replacing(target) as file:
        shutil.copyfileobj(source, file, 1 << 20)
