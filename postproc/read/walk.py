"""Walk a capture file from front to back in windows of a few megabytes, hashing it on the way.

Each record's length leads to the next record. Blocks of pcapng have a type and their length twice, so numpy
finds all places that look like the usual block, and where each leads to the next nothing is left to follow.
Only from the first doubtful place on are records followed one by one. numpy then slices their contents.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from postproc.model.errors import CaptureError
from postproc.read import inputs
from postproc.read.arrays import PAD, Array
from postproc.read.container import Container, Layout, NotWalkable, Window, pcap_container, pcapng_container

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

WINDOW = 8 << 20  # bytes; more does not stay in a processor's cache
SMALLEST = 1 << 12  # bytes; clearing more memory than a small file needs costs as much as reading it
HEAD = 24
LENGTH_AGAIN = 4  # bytes of the length at the end of a block
PIECE = 1 << 20  # bytes hashed at a time that were not read otherwise


def capture_format(head: bytes) -> str | None:
    """Return the capture or compression format with these first bytes; None if there is none."""
    magics = (
        inputs.MAGIC | {"gzip": (inputs.GZIP,)} | {form: (magic,) for form, magic in inputs.PACKED.items()}
    )
    return next((form for form, starts in magics.items() if head.startswith(starts)), None)


def open_container(file: FileIO) -> Container:
    """Read the file header. Raises CaptureError, or NotWalkable for what editcap can convert."""
    head = file.read(HEAD)
    form = capture_format(head)
    if not head:
        raise CaptureError("empty file")
    if form is None:
        raise CaptureError("not a capture file")
    if form not in ("pcap", "pcapng"):
        raise NotWalkable(f"{form} has to be converted")
    if len(head) < HEAD:
        raise CaptureError("cut short inside the file header")
    return pcap_container(head) if form == "pcap" else pcapng_container(head)


def windows(file: FileIO, container: Container, size: int = WINDOW) -> Iterator[Window]:
    """Yield the packets window by window; a record larger than the window widens it.

    A file that grows meanwhile is read up to its size at the beginning. At the end ``container`` has the
    number of packets, and whether and why the file ends early.
    """
    remaining = os.fstat(file.fileno()).st_size
    size = min(size, max(remaining, SMALLEST))
    data = np.zeros(size + PAD, np.uint8)
    filled = base = 0
    start = container.header
    file.seek(0)
    while True:
        count = file.readinto(data[filled : min(len(data) - PAD, filled + remaining)].data)
        remaining -= count
        filled += count
        starts, end, sound = record_starts(data, start, filled, container.layout)
        window, whole = container.records(container, data, base, starts, np.diff(starts, append=end))
        yield _settled(window, container)
        if not count or not sound or not whole:
            break
        data, start, filled, base = _moved(data, end, filled), 0, filled - end, base + end
    _conclude(container, sound and whole, leftover=filled > end)


def _settled(window: Window, container: Container) -> Window:
    """Count the window's packets, and return it with implausible times replaced."""
    time, guessed = container.clock.settle(window.time, container.packets + 1)
    container.packets += len(window.start)
    return replace(window, time=time, guessed=guessed) if len(guessed) else window


def _moved(data: Array, end: int, filled: int) -> Array:
    """Return the window's buffer with the remaining bytes at its front, twice as wide if they fill half."""
    rest = filled - end
    wide = data if rest < (len(data) - PAD) // 2 else np.zeros(2 * len(data), np.uint8)
    wide[:rest] = data[end:filled]
    return wide


def _conclude(container: Container, sound: bool, leftover: bool) -> None:
    container.cut_short = leftover or not sound
    if not sound:
        why = container.excess or "corrupt"
        container.warnings.append(f"{why} after packet {container.packets}: the rest is not read")
    elif leftover:
        container.warnings.append(f"cut short after packet {container.packets}")
    if container.clock.warning:
        container.warnings.append(container.clock.warning)


class Likely(NamedTuple):
    """Places that look like records in order of position, and where each ends.

    ``doubtful`` are the indexes of those that do not lead to the next one.
    """

    starts: Array
    ends: Array
    doubtful: Array


def record_starts(data: Array, position: int, end: int, layout: Layout) -> tuple[Array, int, bool]:
    """Return where whole records start, where the last one ends, and whether the next one is plausible."""
    likely = _likely(data, position, end, layout)
    starts, patience, sound = [], 1, True
    while True:
        chain, position = _chain(likely, position)
        followed, position, sound = _followed(data, position, end, layout, patience)
        starts += [chain, followed]
        if len(followed) < patience:
            return np.concatenate(starts), position, sound
        patience *= 2  # so that a file of unusual records is not slow


def _likely(data: Array, position: int, end: int, layout: Layout) -> Likely:
    none = np.zeros(0, np.int64)
    if layout.usual is None or position & 3:
        return Likely(none, none, none)
    words = data[position : position + (end - position & ~3)].view("<u4")
    at = np.flatnonzero(words[:-1] == layout.usual)
    length = words[at + 1]
    size = (length >> 2).astype(np.int64)
    fits = (length & 3 == 0) & (length >= layout.smallest) & (at + size <= len(words))
    at, length, size = at[fits], length[fits], size[fits]
    whole = words[at + size - 1] == length
    starts = position + 4 * at[whole]
    ends = starts + 4 * size[whole]
    return Likely(starts, ends, np.flatnonzero(ends[:-1] != starts[1:]))


def _chain(likely: Likely, position: int) -> tuple[Array, int]:
    """Return the places from ``position`` on that lead one to the next, and where the last one ends."""
    first = int(np.searchsorted(likely.starts, position))
    if first == len(likely.starts) or likely.starts[first] != position:
        return likely.starts[:0], position
    broken = int(np.searchsorted(likely.doubtful, first))
    last = int(likely.doubtful[broken]) if broken < len(likely.doubtful) else len(likely.starts) - 1
    return likely.starts[first : last + 1], int(likely.ends[last])


def _followed(data: Array, position: int, end: int, layout: Layout, most: int) -> tuple[Array, int, bool]:
    """Follow at most ``most`` records one by one; return their starts, their end, and whether it is sound."""
    starts: list[int] = []
    append, unpack = starts.append, layout.length.unpack_from
    length_at, uncounted, smallest = layout.length_at, layout.uncounted, layout.smallest
    size, buffer, last = smallest, data.data, end - smallest
    while position <= last and len(starts) < most:
        size = unpack(buffer, position + length_at)[0] + uncounted
        if size < smallest or position + size > end:
            break
        if layout.repeated and unpack(buffer, position + size - LENGTH_AGAIN)[0] != size:
            return np.array(starts, np.int64), position, False
        append(position)
        position += size
    return np.array(starts, np.int64), position, smallest <= size <= layout.largest


class Hashing(FileIO):
    """A file that hashes its bytes as they are read into buffers, from the beginning on."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._hash = hashlib.sha256()
        self._done = 0
        self._size = os.fstat(self.fileno()).st_size  # bytes appended later are ignored

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        at = self.tell()
        count = super().readinto(memoryview(buffer)[: max(self._size - at, 0)])
        if at == self._done:
            self._hash.update(memoryview(buffer)[:count])
            self._done += count
        return count

    def sha256(self) -> str:
        """Return the SHA-256 of all bytes, in hex; bytes not read so far are read now."""
        self.seek(self._done)
        piece = bytearray(PIECE)
        while self.readinto(piece):
            pass
        return self._hash.hexdigest()
