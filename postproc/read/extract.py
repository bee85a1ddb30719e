"""Which frames of a capture belong together: by number, by 5-tuple and time, by IP datagram.

To the frames asked for come: all packets of the UDP flows in their time; of
each TCP connection its opening and the segments that make up the messages; the
other fragments of a fragmented datagram.
"""

import struct
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import numpy as np

from postproc.model.errors import CaptureError
from postproc.read.arrays import Array, numbers
from postproc.read.container import Interface, Window
from postproc.read.inputs import said
from postproc.read.packets import (
    REASSEMBLED_WITHIN,
    Packets,
    Payloads,
    endpoint,
    flow,
    host,
    segments,
    unwrapped,
)
from postproc.read.payloads import begins_like_sip
from postproc.read.records import walkable
from postproc.read.walk import open_container, windows

SYN = 0x02

Flow = tuple[str, int, str, int, int, int]  # address and port of both ends; ns since the epoch, from and to
Connection = tuple[str, int, str, int]


class Segment(NamedTuple):
    """A TCP segment of a connection asked for."""

    frame: int
    forth: bool  # which way
    opens: bool  # SYN
    size: int
    sequence: int
    begins: bool  # with a SIP message


@dataclass
class Seen:
    """What one walk gathers."""

    frames: list[Array] = field(default_factory=list)
    segments: dict[int, list[Segment]] = field(default_factory=dict)  # by connection
    fragments: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # datagram: frame, time


def frames_of(
    capture: Path,
    frames: Collection[int],
    flows: Iterable[Flow] = (),
    connections: Mapping[Connection, Collection[int]] | None = None,
    whole: Collection[Connection] = (),
) -> Array:
    """Return the frame numbers that belong to what is asked for, ascending.

    ``connections``: TCP connections with all frames in which a SIP message ends, whosever it
    is. Those in ``whole`` are taken from their opening to the last frame asked for.
    Raises CaptureError when the capture cannot be walked.
    """
    known = {_key(connection): set(ends) for connection, ends in (connections or {}).items()}
    seen = Seen(segments={key: [] for key in known})
    by_key = _spans(flows)
    try:
        with walkable(capture) as source, source.open("rb", buffering=0) as file:
            container, first = open_container(file), 1
            for window in windows(file, container):
                _take_in(window, container.interfaces, first, by_key, seen)
                first += len(window.start)
    except OSError as error:
        raise CaptureError(said(error)) from error
    entire = {_key(connection) for connection in whole}
    wanted = set(frames)
    for key, held in seen.segments.items():
        seen.frames.append(np.array([*_of_connection(held, wanted, known[key], key in entire)], np.int64))
    chosen = np.unique(np.concatenate([np.array(sorted(wanted), np.int64), *seen.frames]))
    return np.unique(np.concatenate([chosen, _siblings(seen.fragments, set(chosen.tolist()))]))


def _take_in(
    window: Window, interfaces: list[Interface], first: int, by_key: dict[int, Array], seen: Seen
) -> None:
    found, udp = unwrapped(window, interfaces)
    seen.frames.append(first + udp.rows[_within(udp, window.time[udp.rows], by_key)])
    if seen.segments:
        _note_segments(found, first, seen)
    _note_fragments(found, first, seen)


def _within(udp: Payloads, time: Array, by_key: dict[int, Array]) -> Array:
    """Which datagrams are of a flow asked for, in its time."""
    keys = flow(udp.source, udp.destination)
    kept = np.zeros(len(keys), bool)
    known = np.fromiter(by_key, np.uint64, len(by_key))
    for row in np.flatnonzero(np.isin(keys, known)).tolist():
        spans = by_key[int(keys[row])]
        kept[row] = bool(((spans[:, 0] <= time[row]) & (time[row] <= spans[:, 1])).any())
    return kept


def _note_segments(found: Packets, first: int, seen: Seen) -> None:
    tcp = segments(found)
    keys = flow(tcp.source, tcp.destination)
    known = np.fromiter(seen.segments, np.uint64, len(seen.segments))
    rows = np.flatnonzero(np.isin(keys, known))
    begins = begins_like_sip(tcp.data, tcp.start[rows], tcp.seen[rows])
    sequence = numbers(tcp.data, found.transport[tcp.rows[rows]] + 4, ">u4")
    for row, begin, number in zip(rows.tolist(), begins.tolist(), sequence.tolist(), strict=True):
        seen.segments[int(keys[row])].append(
            Segment(
                first + int(tcp.rows[row]),
                bool(tcp.source[row] < tcp.destination[row]),
                bool(tcp.flags[row] & SYN),
                int(tcp.size[row]),
                number,
                begin,
            )
        )


def _of_connection(held: list[Segment], wanted: set[int], ends: set[int], entire: bool) -> Iterator[int]:
    """The opening, and the segments of the messages wanted; of an entire one, all until the last of them."""
    places = [place for place, segment in enumerate(held) if segment.frame in wanted]
    if not places:
        return
    opening = max((p for p in range(places[0]) if held[p].opens), default=places[0])
    opening = _first_of_opening(held, opening)
    if entire:
        yield from (segment.frame for segment in held[opening : places[-1] + 2])
        return
    yield from (segment.frame for segment in held[opening : opening + 3] if not segment.size)
    yield from _acknowledgements(held, places)
    for place in places:
        yield from _begun_before(held, place, ends)
    sent = {(s.forth, s.sequence, s.size) for s in map(held.__getitem__, places) if s.size}
    yield from (s.frame for s in held if (s.forth, s.sequence, s.size) in sent)  # sent again


def _first_of_opening(held: list[Segment], place: int) -> int:
    """SYN and SYN with ACK: the first of the two."""
    while place and held[place - 1].opens:
        place -= 1
    return place


def _acknowledgements(held: list[Segment], places: list[int]) -> Iterator[int]:
    yield from (segment.frame for segment in held[places[0] : places[-1] + 3] if not segment.size)


def _begun_before(held: list[Segment], place: int, ends: set[int]) -> Iterator[int]:
    """The segments before one that does not begin with a message, back to where that message begins."""
    last = held[place]
    while not last.begins and place:
        place -= 1
        segment = held[place]
        if segment.forth != last.forth or not segment.size:
            continue
        yield segment.frame
        if segment.begins or segment.frame in ends or segment.opens:
            return


def _note_fragments(found: Packets, first: int, seen: Seen) -> None:
    for pieces in found.fragments:
        for row, key, time in zip(*(pieces[name].tolist() for name in ("row", "key", "time")), strict=True):
            seen.fragments.setdefault(key, []).append((first + row, time))


def _siblings(fragments: dict[int, list[tuple[int, int]]], chosen: set[int]) -> Array:
    """The fragments of datagrams of which one is chosen."""
    found: list[int] = []
    for held in fragments.values():
        times = [time for frame, time in held if frame in chosen]
        if times:
            early, late = min(times) - REASSEMBLED_WITHIN, max(times) + REASSEMBLED_WITHIN
            found += [frame for frame, time in held if early <= time <= late]
    return np.array(found, np.int64)


def _spans(flows: Iterable[Flow]) -> dict[int, Array]:
    held: dict[int, list[tuple[int, int]]] = {}
    for source, source_port, destination, destination_port, start, end in flows:
        key = _key((source, source_port, destination, destination_port))
        held.setdefault(key, []).append((start, end))
    return {key: np.array(spans, np.int64) for key, spans in held.items()}


def _key(ends: Connection) -> int:
    """The number that stands for a 5-tuple, the same both ways; 0 for what is no address."""
    source, source_port, destination, destination_port = ends
    try:
        both = flow(_endpoint(source, source_port), _endpoint(destination, destination_port))
    except (ValueError, struct.error):
        return 0
    return int(both[0])


def _endpoint(addr: str, port: int) -> Array:
    parsed = ip_address(addr.partition("%")[0])
    packed = parsed.packed if parsed.version == 6 else bytes(10) + b"\xff\xff" + parsed.packed
    high, low = (np.array([number], np.uint64) for number in struct.unpack(">QQ", packed))
    return endpoint(host(low, high), np.array([port], np.uint64))
