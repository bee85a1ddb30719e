"""Select the frames of a capture that belong together: by number, by 5-tuple and time, by IP datagram.

To the requested frames are added: all packets of the UDP flows within their time span; of each TCP
connection its opening and the segments that make up the messages; the other fragments of a datagram.
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
    """A TCP segment of a requested connection."""

    frame: int
    forth: bool  # the direction: True from the smaller endpoint number to the larger
    opens: bool  # SYN
    size: int
    sequence: int
    begins: bool  # with a SIP message


@dataclass
class Seen:
    """What one walk collects."""

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
    """Return the numbers of the requested frames and of those that belong to them, ascending.

    ``connections``: TCP connections with all frames in which any SIP message ends. Those in ``whole`` are
    taken from their opening to the last requested frame.
    Raises CaptureError if the capture cannot be walked.
    """
    message_ends = {_key(connection): set(ends) for connection, ends in (connections or {}).items()}
    gathered = Seen(segments={key: [] for key in message_ends})
    by_key = _spans(flows)
    try:
        with walkable(capture) as source, source.open("rb", buffering=0) as file:
            container, first = open_container(file), 1
            for window in windows(file, container):
                _take_in(window, container.interfaces, first, by_key, gathered)
                first += len(window.start)
    except OSError as error:
        raise CaptureError(said(error)) from error
    entire = {_key(connection) for connection in whole}
    requested = set(frames)
    for key, segments_ in gathered.segments.items():
        gathered.frames.append(
            np.array([*_of_connection(segments_, requested, message_ends[key], key in entire)], np.int64)
        )
    chosen = np.unique(np.concatenate([np.array(sorted(requested), np.int64), *gathered.frames]))
    return np.unique(np.concatenate([chosen, _siblings(gathered.fragments, set(chosen.tolist()))]))


def _take_in(
    window: Window, interfaces: list[Interface], first: int, by_key: dict[int, Array], gathered: Seen
) -> None:
    packets, udp = unwrapped(window, interfaces)
    gathered.frames.append(first + udp.rows[_within(udp, window.time[udp.rows], by_key)])
    if gathered.segments:
        _note_segments(packets, first, gathered)
    _note_fragments(packets, first, gathered)


def _within(udp: Payloads, time: Array, by_key: dict[int, Array]) -> Array:
    """Return which datagrams are of a requested flow within its time span."""
    keys = flow(udp.source, udp.destination)
    matching = np.zeros(len(keys), bool)
    flow_keys = np.fromiter(by_key, np.uint64, len(by_key))
    for row in np.flatnonzero(np.isin(keys, flow_keys)).tolist():
        spans = by_key[int(keys[row])]
        matching[row] = bool(((spans[:, 0] <= time[row]) & (time[row] <= spans[:, 1])).any())
    return matching


def _note_segments(packets: Packets, first: int, gathered: Seen) -> None:
    tcp = segments(packets)
    keys = flow(tcp.source, tcp.destination)
    connection_keys = np.fromiter(gathered.segments, np.uint64, len(gathered.segments))
    rows = np.flatnonzero(np.isin(keys, connection_keys))
    begins = begins_like_sip(tcp.data, tcp.start[rows], tcp.seen[rows])
    sequence = numbers(tcp.data, packets.transport[tcp.rows[rows]] + 4, ">u4")
    for row, begin, number in zip(rows.tolist(), begins.tolist(), sequence.tolist(), strict=True):
        gathered.segments[int(keys[row])].append(
            Segment(
                first + int(tcp.rows[row]),
                bool(tcp.source[row] < tcp.destination[row]),
                bool(tcp.flags[row] & SYN),
                int(tcp.size[row]),
                number,
                begin,
            )
        )


def _of_connection(sent: list[Segment], requested: set[int], ends: set[int], entire: bool) -> Iterator[int]:
    """Yield the frames of the opening and of the requested messages; if ``entire``, all up to the last."""
    places = [place for place, segment in enumerate(sent) if segment.frame in requested]
    if not places:
        return
    opening = max((p for p in range(places[0]) if sent[p].opens), default=places[0])
    opening = _first_of_opening(sent, opening)
    if entire:
        yield from (segment.frame for segment in sent[opening : places[-1] + 2])
        return
    yield from (segment.frame for segment in sent[opening : opening + 3] if not segment.size)
    yield from _acknowledgements(sent, places)
    for place in places:
        yield from _begun_before(sent, place, ends)
    contents = {(s.forth, s.sequence, s.size) for s in map(sent.__getitem__, places) if s.size}
    yield from (s.frame for s in sent if (s.forth, s.sequence, s.size) in contents)  # sent again


def _first_of_opening(sent: list[Segment], place: int) -> int:
    """Return the place of the SYN before a SYN with ACK."""
    while place and sent[place - 1].opens:
        place -= 1
    return place


def _acknowledgements(sent: list[Segment], places: list[int]) -> Iterator[int]:
    yield from (segment.frame for segment in sent[places[0] : places[-1] + 3] if not segment.size)


def _begun_before(sent: list[Segment], place: int, ends: set[int]) -> Iterator[int]:
    """Yield the segments before one that continues a message, back to where that message begins."""
    last = sent[place]
    while not last.begins and place:
        place -= 1
        segment = sent[place]
        if segment.forth != last.forth or not segment.size:
            continue
        yield segment.frame
        if segment.begins or segment.frame in ends or segment.opens:
            return


def _note_fragments(packets: Packets, first: int, gathered: Seen) -> None:
    for pieces in packets.fragments:
        for row, key, time in zip(*(pieces[name].tolist() for name in ("row", "key", "time")), strict=True):
            gathered.fragments.setdefault(key, []).append((first + row, time))


def _siblings(fragments: dict[int, list[tuple[int, int]]], chosen: set[int]) -> Array:
    """Return the fragments of datagrams of which one is chosen."""
    frames: list[int] = []
    for pieces in fragments.values():
        times = [time for frame, time in pieces if frame in chosen]
        if times:
            early, late = min(times) - REASSEMBLED_WITHIN, max(times) + REASSEMBLED_WITHIN
            frames += [frame for frame, time in pieces if early <= time <= late]
    return np.array(frames, np.int64)


def _spans(flows: Iterable[Flow]) -> dict[int, Array]:
    by_key: dict[int, list[tuple[int, int]]] = {}
    for source, source_port, destination, destination_port, start, end in flows:
        key = _key((source, source_port, destination, destination_port))
        by_key.setdefault(key, []).append((start, end))
    return {key: np.array(spans, np.int64) for key, spans in by_key.items()}


def _key(ends: Connection) -> int:
    """Return the number of a 5-tuple, the same in both directions; 0 if an address is malformed."""
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
