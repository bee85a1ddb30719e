"""STUN, DTLS and media in TCP: TURN (RFC 8656), ICE over TCP (RFC 6544), and HEP, put together from segments.

A connection is taken up at the first segment that begins with a message of one of them. Each direction is put
together by its sequence numbers: segments may split a message, join several, come again or out of order.
Where one is missing the stream goes on at the next segment that begins with a message; those between,
in which nobody knows where a message begins, are counted as not looked at. A message counts at the time of
the segment with its last byte. The same segment captured twice is one that comes again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from postproc.read import hep, stun
from postproc.read.arrays import Array
from postproc.read.frame import Frame, addresses
from postproc.read.packets import Packets, Payloads
from postproc.read.payloads import DTLS_FIRST
from postproc.read.rtp import RTP_FIRST, MediaPacket, media_rows
from postproc.wire import MalformedError
from postproc.wire.framing import Framing, framing_of, message
from postproc.wire.stun import CHANNEL_HEADER
from postproc.wire.transport import SYN, TCP_HEADER

# Segments of one direction that wait for one before them: 64 are a window of 90 KB, twice what a call with
# video has under way in 200 ms. With fewer a reordered segment counts as lost; more only cost memory.
MOST_WAITING = 64
TURN_PORT = 3478  # where ChannelData may be the first that a capture shows (RFC 8656, section 18)
WRAP = 1 << 32
TCP_LAYERS = ("ip", "tcp")


class Segment(NamedTuple):
    """A segment with its place in the capture; cut there, its payload is shorter than ``size``."""

    frame: int
    time: int
    interface: int
    sequence: int
    payload: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Ends:
    """Who sends to whom: the headers of IP and TCP, and the addresses as the walk has them."""

    ip: bytes
    header: bytes
    addresses: tuple[int, int, int, int]

    @property
    def ports(self) -> tuple[int, int]:
        return int.from_bytes(self.header[:2]), int.from_bytes(self.header[2:4])

    @property
    def texts(self) -> tuple[str, str]:
        """Both addresses as tables have them."""
        source, destination = addresses(self.ip)
        return source or "", destination or ""


class At(NamedTuple):
    """Where the packets of a window stand in the capture."""

    first_frame: int
    time: Array
    interface: Array


class Packet(NamedTuple):
    """A packet that a stream carried: ``data`` is as much as was captured of ``size`` bytes."""

    segment: Segment
    ends: Ends
    framing: Framing
    data: bytes
    size: int


@dataclass(slots=True)
class Way:
    """One direction of a connection."""

    ends: Ends
    framing: Framing | None = None
    usual: Framing = Framing.TURN  # the last one: behind a lost segment none is known
    expected: int | None = None  # the sequence number of what follows the buffer
    buffer: bytes = b""
    cut_at: int | None = None  # where in the buffer the capture shows nothing more
    waiting: dict[int, Segment] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)

    def take(self, segment: Segment) -> Iterator[Packet]:
        """The packets that are whole with this segment."""
        ahead = self._ahead(segment)
        if ahead > 0:
            self.waiting.setdefault(segment.sequence, segment)
            if len(self.waiting) > MOST_WAITING:
                yield from self._skip()
            return
        yield from self._join(segment, -ahead)
        yield from self._waited()

    def rest(self) -> Iterator[Packet]:
        """What still waits: segments before it are not in the capture."""
        while self.waiting:
            yield from self._skip()
        self._lose()

    def _skip(self) -> Iterator[Packet]:
        """Go on behind what is missing."""
        first = min(self.waiting.values(), key=self._ahead)
        self._lose()
        self.expected, self.framing = first.sequence, None
        yield from self._waited()

    def _waited(self) -> Iterator[Packet]:
        while self.waiting:
            first = min(self.waiting.values(), key=self._ahead)
            ahead = self._ahead(first)
            if ahead > 0:
                return
            del self.waiting[first.sequence]
            yield from self._join(first, -ahead)

    def _ahead(self, segment: Segment) -> int:
        if self.expected is None:
            return 0
        return (segment.sequence - self.expected + WRAP // 2) % WRAP - WRAP // 2

    def _join(self, segment: Segment, again: int) -> Iterator[Packet]:
        """Add a segment of which so many bytes have come before."""
        if self.expected is not None and again >= segment.size:
            return
        self.expected = (segment.sequence + segment.size) % WRAP
        new = segment.payload[again:]
        if self.framing is None:
            self.buffer, self.cut_at = b"", None
            self.framing = framing_of(segment.payload, turn=TURN_PORT in self.ends.ports)
            if self.framing is None:
                self._count_lost()
                return
            self.usual = self.framing
        if len(segment.payload) < segment.size and self.cut_at is None:
            self.cut_at = len(self.buffer) + len(new)
        self.buffer += new + bytes(segment.size - again - len(new))
        yield from self._whole(segment, self.framing)

    def _whole(self, segment: Segment, framing: Framing) -> Iterator[Packet]:
        at = 0
        try:
            while place := message(self.buffer, at, framing):
                end = place.start + place.size
                seen = end if self.cut_at is None else min(end, max(self.cut_at, place.start))
                yield Packet(segment, self.ends, framing, self.buffer[place.start : seen], place.size)
                at = place.end
                if self.cut_at is not None and at >= self.cut_at and at < len(self.buffer):
                    raise MalformedError("where the next message starts was not captured")
        except MalformedError:
            self._lose()
            self._count_lost()
            return
        self.buffer = self.buffer[at:]
        if self.cut_at is not None:
            self.cut_at = self.cut_at - at if self.cut_at > at else 0 if self.buffer else None

    def _count_lost(self) -> None:
        self.lost[f"{self.usual.value} behind a lost segment"] += 1

    def _lose(self) -> None:
        self.buffer, self.cut_at, self.framing = b"", None, None


@dataclass
class Streams:
    """The connections of a capture that carry such messages, and the frames made of these."""

    connections: Array = field(default_factory=lambda: np.zeros(0, np.uint64))
    ways: dict[tuple[int, int], Way] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)

    def take(self, found: Packets, tcp: Payloads, keys: Array, begin: Array, window: At) -> Array:
        """Take in the segments of a window; return what of their content may be RTP, as PACKET rows.

        ``begin`` are those that begin with a message.
        """
        begin = begin | _channel_data(tcp, np.flatnonzero(tcp.has_port((TURN_PORT,)) & ~self.carries(keys)))
        self.connections = np.union1d(self.connections, keys[begin]) if begin.any() else self.connections
        if not len(self.connections):
            return media_rows([])
        opens = tcp.flags & SYN != 0
        chosen = np.flatnonzero(self.carries(keys) & ((tcp.size > 0) | opens))
        packets: list[Packet] = []
        for place in chosen.tolist():
            ends = int(tcp.source[place]), int(tcp.destination[place])
            if opens[place]:
                self._close(ends, packets)
            elif way := self.ways.get(ends):
                packets += way.take(_segment(tcp, place, window))
            else:
                way = self.ways[ends] = Way(ends_of(found, tcp, place))
                packets += way.take(_segment(tcp, place, window))
        return self._sorted(packets)

    def finish(self) -> Array:
        """The end of the capture: what still waits is behind a segment that is not there."""
        packets: list[Packet] = []
        for way in self.ways.values():
            packets += way.rest()
        return self._sorted(packets)

    def carries(self, keys: Array) -> Array:
        """Which of these connections are read here."""
        return np.isin(keys, self.connections)

    @property
    def unread(self) -> Counter[str]:
        return sum((way.lost for way in self.ways.values()), Counter())

    def _close(self, ends: tuple[int, int], packets: list[Packet]) -> None:
        """A connection is opened: what was between these ends before is another one."""
        if way := self.ways.get(ends):
            packets += way.rest()
            way.expected, way.framing = None, None

    def _sorted(self, packets: Iterable[Packet]) -> Array:
        """Return media; what else is in the packets becomes frames."""
        media: list[MediaPacket] = []
        for packet in packets:
            if packet.framing is Framing.HEP:
                media += hep.media_of(packet.data, packet.segment.frame, packet.segment.time)
            messages, data, size, relayed = _inside(packet)
            if data and data[0] in RTP_FIRST:
                place, ends = packet.segment, packet.ends
                media.append(
                    MediaPacket(place.time, place.frame, ends.addresses, ends.ports, data, size, relayed)
                )
            elif messages:
                self.frames.append(_frame(packet, messages))
        return media_rows(media)


def _channel_data(tcp: Payloads, asked: Array) -> Array:
    """Which of the segments asked about are ChannelData, whole."""
    found = np.zeros(len(tcp.rows), bool)
    for place, start, size in zip(
        *(each.tolist() for each in (asked, tcp.start[asked], tcp.seen[asked])), strict=True
    ):
        found[place] = framing_of(tcp.data[start : start + size].tobytes(), turn=True) is not None
    return found


def _segment(tcp: Payloads, place: int, window: At) -> Segment:
    row, start, seen = int(tcp.rows[place]), int(tcp.start[place]), int(tcp.seen[place])
    return Segment(
        window.first_frame + row,
        int(window.time[row]),
        int(window.interface[row]),
        int(tcp.sequence[place]),
        tcp.data[start : start + seen].tobytes(),
        int(tcp.size[place]),
    )


def ends_of(found: Packets, tcp: Payloads, place: int) -> Ends:
    """The ends of the segment at this place."""
    row = int(tcp.rows[place])
    network, transport = int(found.network[row]), int(found.transport[row])
    high, low, other_high, other_low = found.addresses[row].tolist()
    header = found.data[transport : transport + TCP_HEADER]
    return Ends(found.data[network:transport].tobytes(), header.tobytes(), (high, low, other_high, other_low))


def _inside(packet: Packet) -> tuple[dict[str, list[bytes]], bytes, int, bool]:
    """A packet's messages by protocol; what it carries in the end, its size, whether TURN carries it."""
    data = packet.data
    if packet.framing is Framing.HEP:
        return {"hep": [data]}, b"", 0, False
    if packet.framing is Framing.RFC4571:
        return _by_first_byte(data), data, packet.size, False
    if data[0] >> 6:
        inner, size = data[CHANNEL_HEADER:], packet.size - CHANNEL_HEADER
        return {"stun": [data[:CHANNEL_HEADER]]} | _behind(_by_first_byte(inner), data), inner, size, True
    inside = stun.carried(data).payload
    return {"stun": [data]}, inside, len(inside), bool(inside)


def _by_first_byte(data: bytes) -> dict[str, list[bytes]]:
    """RFC 7983."""
    first = data[0] if data else RTP_FIRST.start
    return {"stun": [data]} if first < DTLS_FIRST.start else {"dtls": [data]} if first in DTLS_FIRST else {}


def _behind(messages: dict[str, list[bytes]], data: bytes) -> dict[str, list[bytes]]:
    """A STUN message behind the header of ChannelData, as tshark shows it."""
    return {"stun": [data[:CHANNEL_HEADER], *messages["stun"]]} if "stun" in messages else messages


def _frame(packet: Packet, messages: dict[str, list[bytes]]) -> Frame:
    segment, ends = packet.segment, packet.ends
    source, destination = addresses(ends.ip)
    return Frame(
        segment.frame,
        segment.time,
        segment.interface,
        (*TCP_LAYERS, *messages),
        source,
        ends.ports[0],
        destination,
        ends.ports[1],
        "tcp",
        ends.ip,
        ends.header,
        ends.ip + ends.header + packet.data,
        messages,
    )
