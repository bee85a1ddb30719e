"""Walks a capture file front to back, in windows of a few megabytes.

It is found out where the records start; their contents are sliced out of the
window by numpy.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from io import FileIO

import numpy as np

from postproc.model.errors import CaptureError
from postproc.read import inputs, pcap, pcapng
from postproc.read.arrays import PAD, Array
from postproc.read.container import Container, NotWalkable, Window
from postproc.read.offsets import record_starts

WINDOW = 8 << 20  # more would not stay in the cache of a processor
HEAD = 24


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

    A file that grows meanwhile is read as far as it went at the beginning.
    When done, ``container`` knows the number of packets, and whether and why it ends early.
    """
    data = np.zeros(size + PAD, np.uint8)
    filled = base = 0
    start = container.header
    left = os.fstat(file.fileno()).st_size
    file.seek(0)
    while True:
        got = file.readinto(data[filled : min(len(data) - PAD, filled + left)].data)
        left -= got
        filled += got
        starts, end, sound = record_starts(data, start, filled, container.layout)
        window, whole = container.records(container, data, base, starts, np.diff(starts, append=end))
        yield _settled(window, container)
        if not got or not sound or not whole:
            break
        data, start, filled, base = _moved(data, end, filled), 0, filled - end, base + end
    _conclude(container, sound and whole, leftover=filled > end)


def _settled(window: Window, container: Container) -> Window:
    """The window, counted, with times that can be reckoned with: nobody else sees others."""
    time, guessed = container.clock.settle(window.time, container.packets + 1)
    container.packets += len(window.start)
    return replace(window, time=time, guessed=guessed) if len(guessed) else window


def _moved(data: Array, end: int, filled: int) -> Array:
    """The window with what is left over in front, twice as wide if that fills half of it."""
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
