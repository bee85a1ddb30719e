"""Walks a capture file front to back, in windows of a few megabytes.

A plain loop collects where the records start, which is all that has to be done
one by one; their contents are sliced out of the window by numpy.
"""

import sys
from collections.abc import Iterator
from io import FileIO

import numpy as np

from postproc.errors import CaptureError
from postproc.read import inputs, pcap, pcapng
from postproc.read.arrays import PAD, Array, count_until, numbers
from postproc.read.container import Container, Layout, NotWalkable, Window

WINDOW = 8 << 20
HEAD = 24
SMALLEST_IN_WORDS = 3


def capture_format(head: bytes) -> str | None:
    """Name the capture or compression format of which these are the first bytes; None if none."""
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
    return pcap.container(head) if form == "pcap" else pcapng.container(head)


def windows(file: FileIO, container: Container, size: int = WINDOW) -> Iterator[Window]:
    """Yield the packets window by window; a record larger than the window widens it.

    When done, ``container`` knows the number of packets, and whether and why it ends early.
    """
    data = np.zeros(size + PAD, np.uint8)
    filled = base = 0
    start = container.header
    file.seek(0)
    while True:
        got = file.readinto(data[filled:-PAD].data)
        filled += got
        starts, end, sound = _starts(data, start, filled, container.layout)
        window, whole = container.records(container, data, base, starts, np.diff(starts, append=end))
        container.packets += len(window.start)
        yield window
        if not got or not sound or not whole:
            break
        data, start, filled, base = _moved(data, end, filled), 0, filled - end, base + end
    _conclude(container, sound and whole, leftover=filled > end)


def _starts(data: Array, position: int, end: int, layout: Layout) -> tuple[Array, int, bool]:
    """Where whole records start, where the last one ends, and whether the next one makes sense."""
    quick = _in_words(data, position, end) if layout.in_words and sys.byteorder == "little" else None
    found, position = quick if quick else (np.zeros(0, np.int64), position)
    slow, position, sound = _one_by_one(data, position, end, layout)
    return np.concatenate([found, slow]), position, sound


def _in_words(data: Array, position: int, end: int) -> tuple[Array, int] | None:
    """The same for records of whole 32-bit words, as far as they go; None if their lengths are odd."""
    words = data[: len(data) & ~3].data.cast("I")
    starts: list[int] = []
    append, at, last = starts.append, position >> 2, (end >> 2) - 2
    while at < last:
        append(at)
        size = words[at + 1] >> 2
        if size < SMALLEST_IN_WORDS:
            break
        at += size
    if not starts or position & 3:
        return None
    found = np.array(starts, np.int64) << 2
    lengths = numbers(data, found + 4, "<u4")
    good = count_until((lengths & 3 > 0) | (lengths < SMALLEST_IN_WORDS << 2) | (found + lengths > end))
    return found[:good], int(found[good - 1] + lengths[good - 1]) if good else position


def _one_by_one(data: Array, position: int, end: int, layout: Layout) -> tuple[Array, int, bool]:
    starts: list[int] = []
    append, unpack = starts.append, layout.length.unpack_from
    length_at, uncounted, smallest = layout.length_at, layout.uncounted, layout.smallest
    size, buffer = smallest, data.data
    while position + smallest <= end:
        size = unpack(buffer, position + length_at)[0] + uncounted
        if size < smallest or position + size > end:
            break
        append(position)
        position += size
    return np.array(starts, np.int64), position, smallest <= size <= layout.largest


def _moved(data: Array, end: int, filled: int) -> Array:
    """The window with what is left over in front, twice as wide if that fills half of it."""
    rest = filled - end
    wide = data if rest < (len(data) - PAD) // 2 else np.zeros(2 * len(data), np.uint8)
    wide[:rest] = data[end:filled]
    return wide


def _conclude(container: Container, sound: bool, leftover: bool) -> None:
    container.cut_short = leftover or not sound
    if not sound:
        container.warnings.append(f"corrupt after packet {container.packets}: the rest is not read")
    elif leftover:
        container.warnings.append(f"cut short after packet {container.packets}")
