"""Yield the parts of a capture one after the other, to be copied or changed.

Packets have their timestamp in the file's units, their comments and all other options. Classic pcap yields
the same kinds of parts; other formats (gzip, big-endian pcapng ...) are converted first.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from postproc.files import scratch
from postproc.model.errors import CaptureError
from postproc.read.capture import converted
from postproc.read.container import Container, NotWalkable, Window
from postproc.read.inputs import readable, said
from postproc.read.walk import WINDOW, open_container, windows
from postproc.wire.pcapng import (
    BODY,
    IF_TSRESOL,
    PCAP_RECORD,
    SNAPLEN,
    TRAILER,
    Interface,
    option,
    parse_block,
    parse_packet,
)


class Described(NamedTuple):
    """An interface: its LINKTYPE, snapshot length and the pcapng options of its description."""

    link_type: int
    snaplen: int
    options: bytes


class Other(NamedTuple):
    """A pcapng block that is no packet and no interface: TLS secrets, names, statistics."""

    kind: int
    body: bytes


class Record(NamedTuple):
    """A packet: ``ticks`` in units of its interface's clock, ``time`` in ns since the epoch.

    ``original`` is its length on the wire, ``options`` the pcapng options without opt_endofopt.
    """

    frame: int
    time: int
    interface: int
    ticks: int
    data: bytes
    original: int
    options: bytes


Piece = Described | Other | Record


@contextmanager
def pieces(path: Path, window: int = WINDOW) -> Iterator[Iterator[Piece]]:
    """Open a capture and yield an iterator of its parts in file order.

    Raises CaptureError if it cannot be read. The iterator stops where the file is damaged.
    """
    with walkable(path) as source:
        try:
            with source.open("rb", buffering=0) as file:
                yield _pieces(file, window)
        except OSError as error:
            raise CaptureError(said(error)) from error


@contextmanager
def walkable(path: Path) -> Iterator[Path]:
    """Yield the capture, or a converted copy if it cannot be walked; CaptureError if neither works."""
    try:
        refused = _refused(path)
    except OSError as error:
        raise CaptureError(said(error)) from error
    if not refused:
        yield path
        return
    try:
        with scratch.folder() as folder:
            yield converted(path, folder / "converted.pcapng")
    except NotWalkable as error:
        name = readable(path.name)
        raise CaptureError(f"{name}: {error}, so that it cannot be copied packet by packet") from error


def _refused(path: Path) -> bool:
    """Return whether the capture has to be converted to be walked."""
    with path.open("rb", buffering=0) as file:
        try:
            for _ in windows(file, open_container(file)):
                pass
        except NotWalkable:
            return True
    return False


def _pieces(file: FileIO, size: int) -> Iterator[Piece]:
    container = open_container(file)
    take = _of_pcap if container.format == "pcap" else _of_pcapng
    frame = 0
    for window in windows(file, container, size):
        yield from take(container, window, frame)
        frame += len(window.start)


def _of_pcap(container: Container, window: Window, frame: int) -> Iterator[Piece]:
    clock = container.interfaces[0]
    order = container.layout.length.format[0]
    if window.others:
        yield Described(clock.link_type, SNAPLEN, option(IF_TSRESOL, bytes([clock.resolution])))
    starts = window.start.tolist()
    for row, (start, captured, time) in enumerate(
        zip(starts, window.captured.tolist(), window.time.tolist(), strict=True), frame + 1
    ):
        data = window.data[start : start + captured].tobytes()
        second, fraction, _, original = struct.unpack_from(
            order + "4I", window.data.data, start - PCAP_RECORD
        )
        ticks = second * 10**clock.resolution + fraction
        yield Record(row, time, 0, ticks, data, max(original, captured), b"")


def _of_pcapng(container: Container, window: Window, frame: int) -> Iterator[Piece]:
    """Yield the blocks of a window in file order; positions differ from the file's by ``moved``."""
    if not len(window.start):
        moved = 0 if not window.others else window.others[0][0]
        yield from (_other(window, at - moved, size) for at, size in window.others)
        return
    moved = int(window.record_at[0] - (window.start[0] - BODY))
    blocks = [(at, _other(window, at - moved, size)) for at, size in window.others]
    times = window.time.tolist()
    for row, (at, size) in enumerate(
        zip(window.record_at.tolist(), window.record_size.tolist(), strict=True)
    ):
        block = window.data[at - moved : at - moved + size].tobytes()
        blocks.append((at, _packet(block, frame + row + 1, times[row])))
    blocks.sort(key=lambda block: block[0])
    yield from _described_first([piece for _, piece in blocks], len(container.interfaces))


def _described_first(parts: list[Piece], known: int) -> list[Piece]:
    """Return the parts in order, but interfaces first if a packet precedes the description of its own.

    The walk accepts such packets. ``known`` is the number of interfaces described after these parts.
    """
    described = known - sum(isinstance(piece, Described) for piece in parts)
    for piece in parts:
        if isinstance(piece, Record) and piece.interface >= described:
            return sorted(parts, key=lambda piece: not isinstance(piece, Described))
        described += isinstance(piece, Described)
    return parts


def _other(window: Window, at: int, size: int) -> Piece:
    block = window.data[at : at + size].tobytes()
    kind, body = int.from_bytes(block[:4], "little"), block[8:-TRAILER]
    parsed = parse_block(kind, body)
    if isinstance(parsed, Interface):  # even a truncated one counts: packets refer to it by number
        return Described(parsed.link_type, parsed.snaplen, parsed.options)
    return Other(kind, body)


def _packet(block: bytes, frame: int, time: int) -> Record:
    parsed = parse_packet(int.from_bytes(block[:4], "little"), block[8:-TRAILER])
    original = max(parsed.original, len(parsed.data))
    return Record(frame, time, parsed.interface, parsed.ticks, parsed.data, original, parsed.options)
