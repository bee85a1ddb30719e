"""Find captures to be read as one: the files of a ring buffer, by their first and last packets.

Only the two ends of each file are read; names and the order of arguments do not matter. Files without a
pause between them are one, unless the sequence numbers of a media stream in both do not continue; after a
pause they are one if those of a stream or TCP connection do. A file that cannot be walked is read alone.
Files compressed by gzip are decompressed, and only their ends are kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from postproc.files import scratch
from postproc.model import recordings
from postproc.model.errors import CaptureError
from postproc.read.arrays import PAD, Array, gather
from postproc.read.container import LARGEST_PACKET, Container, Interface, Window
from postproc.read.inputs import Capture
from postproc.read.limits import OUTSIDE, SECOND
from postproc.read.packed import ends_alone, packed
from postproc.read.packets import segments, unwrapped
from postproc.read.rtp import headers, rtp_packets
from postproc.read.streams import MAX_DROPOUT, MAX_MISORDER
from postproc.read.walk import open_container, windows
from postproc.wire import pcapng

# Bytes read at a file's ends: some hundred packets, so that active streams are among them. With less, a
# stream of a busy ring is missed; more costs time for every file.
END = 1 << 16
LONGEST = 30 * 86_400 * SECOND  # ns a file may last, to recognise records of pcap from the end
SMALLEST_BLOCK, WORD = 12, 4  # bytes: type, and twice the length; all blocks end on a word
TCP_WINDOW = 1 << 20  # bytes that may be missing of a continued connection; a choice, a large window


@dataclass(frozen=True)
class End:
    """The packets at one end of a file."""

    window: Window
    interfaces: list[Interface]

    @cached_property
    def times(self) -> Array:
        believed: Array = self.window.time[self.window.time != OUTSIDE]
        return believed

    @cached_property
    def numbers(self) -> tuple[dict[int, list[int]], dict[tuple[int, int], list[int]]]:
        """Sequence numbers of RTP by stream, and of TCP at the end of each segment by (sender, receiver)."""
        packets, udp = unwrapped(self.window, self.interfaces)
        rtp, _ = rtp_packets(packets, udp, headers(udp), self.window.time, 1)
        streams: dict[int, list[int]] = {}
        for key, number in zip(rtp["key"].tolist(), rtp["sequence"].tolist(), strict=True):
            streams.setdefault(key, []).append(number)
        tcp = segments(packets)
        ways: dict[tuple[int, int], list[int]] = {}
        columns = (tcp.source, tcp.destination, tcp.sequence, tcp.size)
        for source, destination, number, size in zip(*(each.tolist() for each in columns), strict=True):
            ways.setdefault((source, destination), []).append(number + size)
        return streams, ways

    def goes_on_in(self, later: "End") -> bool | None:
        """Return whether numbers of a stream or connection continue in ``later``; None if none is in both."""
        streams, ways = self.numbers
        continued = [
            -MAX_MISORDER < (numbers[0] - streams[key][-1] + 0x8000) % 0x10000 - 0x8000 < MAX_DROPOUT
            for key, numbers in later.numbers[0].items()
            if key in streams
        ]
        continued += [
            True
            for ends, numbers in later.numbers[1].items()
            if ends in ways and (numbers[0] - ways[ends][-1]) % (1 << 32) < TCP_WINDOW
        ]
        return any(continued) if continued else None


class Ends(NamedTuple):
    """A file's kind, and its first and last packets."""

    kind: str
    first: End
    last: End

    def file(self, name: str) -> recordings.File:
        start, end = int(self.first.times.min()), int(self.last.times.max())
        return recordings.File(start, end, name, (self.kind, ""))


def planned(captures: Sequence[Capture]) -> list[tuple[Capture, ...]]:
    """Return the groups of captures to be read as one, in order of time; each other capture by itself."""
    if len(captures) < 2:
        return [(each,) for each in captures]
    by_name = {each.name: each for each in captures}

    @lru_cache(maxsize=2 * recordings.NEAREST)  # files are asked for by time
    def ends(name: str) -> Ends | None:
        return _ends(by_name[name])

    @cache
    def goes_on(earlier: recordings.File, later: recordings.File) -> bool | None:
        if recordings.near(earlier, later) is False:
            return False
        one, other = ends(earlier.capture), ends(later.capture)
        continues = one.last.goes_on_in(other.first) if one and other else None
        return recordings.seamless(earlier, later) if continues is None else continues

    files = [file_ends.file(each.name) for each in captures if (file_ends := _ends(each))]
    joined = recordings.chains(files, goes_on)
    chains = [tuple(by_name.pop(file.capture) for file in chain) for chain in joined]
    return chains + [(each,) for each in by_name.values()]


def _ends(capture: Capture) -> Ends | None:
    """Return the ends of a capture; None if it cannot be walked."""
    try:
        if not packed(capture.path):
            return _ends_of(capture.path, whole=True)
        with scratch.folder() as folder:
            return _ends_of(ends_alone(capture.path, folder / "ends", END), whole=False)
    except (OSError, CaptureError):
        return None


def _ends_of(path: Path, *, whole: bool) -> Ends | None:
    """Return the ends of a file; ``whole`` is False if the file has a hole between them."""
    with FileIO(path) as file:
        container = open_container(file)
        first = next(windows(file, container, END))
        if not len(first.time):
            return None
        kind = f"{_section(path, container)} {container.interfaces}"
        last = _last(file, container, int(first.time[0]), path.stat().st_size)
        if last is None and whole:
            last = _last_whole(file)
    if last is None:
        return None
    both = Ends(kind, End(first, container.interfaces), End(last, container.interfaces))
    return both if len(both.first.times) and len(both.last.times) else None


def _section(path: Path, container: Container) -> str:
    """Return what files of one capture share: the format, and of pcapng the section header's options."""
    with path.open("rb") as file:
        head = file.read(pcapng.PCAP_HEADER)
        if container.format == "pcap":
            return head[:4].hex()
        more = file.read(min(int.from_bytes(head[4:8], "little"), END) - len(head))
    return f"{head[8:16].hex()} {more.hex()}"


def _last(file: FileIO, container: Container, first: int, size: int) -> Window | None:
    """Return the packets at the end of a file; None if it does not end with a whole record."""
    base = max(size - END, container.header)
    data = np.zeros(size - base + PAD, np.uint8)
    file.seek(base)
    if file.readinto(data[: size - base].data) != size - base:
        return None
    end = size - base
    positions = _blocks(data, end) if container.format == "pcapng" else _records(data, end, container, first)
    starts = np.array(sorted(positions), np.int64)
    if not len(starts):
        return None
    window, sound = container.records(container, data, base, starts, np.diff(starts, append=end))
    return window if sound and len(window.time) else None


def _last_whole(file: FileIO) -> Window | None:
    """Return the last packets of a file that ends inside a record, by walking all of it."""
    file.seek(0)
    last = None
    for window in windows(file, open_container(file)):
        last = replace(window, data=window.data.copy()) if len(window.time) else last
    return last


def _blocks(data: Array, end: int) -> Iterator[int]:
    """Yield where blocks of pcapng start, backwards: a block's length is repeated at its end."""
    if end % WORD:
        return
    words = data[:end].view("<u4").astype(np.uint32, copy=False).data  # ten times as fast as an array
    while end >= SMALLEST_BLOCK:
        length = words[end // WORD - 1]
        start = end - length
        if length < SMALLEST_BLOCK or length % WORD or start < 0 or words[start // WORD + 1] != length:
            return
        yield start
        end = start


def _records(data: Array, end: int, container: Container, first: int) -> Iterator[int]:
    """Yield where records of pcap start: the plausible places from which a chain leads to the file's end."""
    order = container.layout.length.format[0]
    fields = np.dtype([(name, f"{order}u4") for name in ("second", "fraction", "captured", "original")])
    at = np.arange(max(end - pcapng.PCAP_RECORD + 1, 0))
    head = gather(data, at, fields)
    second, captured = head["second"].astype(np.int64), head["captured"].astype(np.int64)
    likely = (second >= first // SECOND - 1) & (second <= (first + LONGEST) // SECOND)
    likely &= (head["fraction"] < 10 ** container.interfaces[0].resolution) & (captured <= LARGEST_PACKET)
    likely &= (captured <= head["original"]) & (at + pcapng.PCAP_RECORD + captured <= end)
    leads = {end}
    for start, size in zip(at[likely][::-1].tolist(), captured[likely][::-1].tolist(), strict=True):
        if start + pcapng.PCAP_RECORD + size in leads:
            leads.add(start)
    return iter(leads - {end})
