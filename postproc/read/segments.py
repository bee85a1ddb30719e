"""Reassemble STUN, DTLS and media in TCP: TURN (RFC 8656), ICE over TCP (RFC 6544), and HEP.

Reassembly of a connection starts at the first segment that begins with such a message. Each direction is
ordered by its sequence numbers: segments may split a message, join several, repeat or be out of order. After
a missing segment it resumes at the next one that begins with a message; those between, in which message
boundaries are unknown, are counted as not read. A message has the time of the segment with its last byte.
A segment captured twice is treated as a repetition.
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

# Segments of one direction held for a missing one: 64 are a window of 90 KB, twice what a video call has in
# flight in 200 ms. With fewer, a reordered segment counts as lost; more only cost memory.
MOST_WAITING = 64
TURN_PORT = 3478  # where ChannelData may be the first that a capture shows (RFC 8656, section 18)
WRAP = 1 << 32
TCP_LAYERS = ("ip", "tcp")


class Segment(NamedTuple):
    """A segment with its place in the capture; if truncated there, its payload is shorter than ``size``."""

    frame: int
    time: int
    interface: int
    sequence: int
    payload: bytes
    size: int


class Ends(NamedTuple):
    """Sender and receiver: the headers of IP and TCP, and the addresses in the walk's form."""

    ip: bytes
    header: bytes
    addresses: tuple[int, int, int, int]

    @property
    def ports(self) -> tuple[int, int]:
        return int.from_bytes(self.header[:2]), int.from_bytes(self.header[2:4])

    @property
    def texts(self) -> tuple[str, str]:
        """Both addresses as text."""
        source, destination = addresses(self.ip)
        return source or "", destination or ""


class At(NamedTuple):
    """Position of a window's packets in the capture: first frame, times and interfaces."""

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
    usual: Framing = Framing.TURN  # the last one known: after a lost segment it is unknown
    expected: int | None = None  # the sequence number after the buffer
    buffer: bytes = b""
    cut_at: int | None = None  # position in the buffer from which bytes were not captured
    waiting: dict[int, Segment] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)

    def take(self, segment: Segment) -> Iterator[Packet]:
        """Yield the packets that this segment completes."""
        ahead = self._ahead(segment)
        if ahead > 0:
            self.waiting.setdefault(segment.sequence, segment)
            if len(self.waiting) > MOST_WAITING:
                yield from self._skip()
            return
        yield from self._join(segment, -ahead)
        yield from self._waited()

    def rest(self) -> Iterator[Packet]:
        """Yield the packets in segments still held, at the end: those before them are not in the capture."""
        while self.waiting:
            yield from self._skip()
        self._lose()

    def _skip(self) -> Iterator[Packet]:
        """Resume after the missing segments."""
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
        """Add a segment whose first ``again`` bytes repeat earlier ones."""
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
                captured_end = end if self.cut_at is None else min(end, max(self.cut_at, place.start))
                yield Packet(segment, self.ends, framing, self.buffer[place.start : captured_end], place.size)
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
    """The connections of a capture with such messages, and the frames made from these."""

    connections: Array = field(default_factory=lambda: np.zeros(0, np.uint64))
    ways: dict[tuple[int, int], Way] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)

    def take(self, parsed: Packets, tcp: Payloads, keys: Array, begin: Array, window: At) -> Array:
        """Add the segments of a window; return possible RTP in them as PACKET rows.

        ``begin`` flags those that begin with a message.
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
                way = self.ways[ends] = Way(ends_of(parsed, tcp, place))
                packets += way.take(_segment(tcp, place, window))
        return self._sorted(packets)

    def finish(self) -> Array:
        """Process the segments still held at the end of the capture, and return possible RTP in them."""
        packets: list[Packet] = []
        for way in self.ways.values():
            packets += way.rest()
        return self._sorted(packets)

    def carries(self, keys: Array) -> Array:
        """Return which of these connections are reassembled here."""
        return np.isin(keys, self.connections)

    @property
    def unread(self) -> Counter[str]:
        return sum((way.lost for way in self.ways.values()), Counter())

    def _close(self, ends: tuple[int, int], packets: list[Packet]) -> None:
        """End the previous connection between these ends, since a new one opens."""
        if way := self.ways.get(ends):
            packets += way.rest()
            way.expected, way.framing = None, None

    def _sorted(self, packets: Iterable[Packet]) -> Array:
        """Return media as PACKET rows; turn other packets into frames."""
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


def _channel_data(tcp: Payloads, places: Array) -> Array:
    """Return which of the given segments begin with ChannelData."""
    is_channel = np.zeros(len(tcp.rows), bool)
    for place, start, size in zip(
        *(each.tolist() for each in (places, tcp.start[places], tcp.seen[places])), strict=True
    ):
        is_channel[place] = framing_of(tcp.data[start : start + size].tobytes(), turn=True) is not None
    return is_channel


def _segment(tcp: Payloads, place: int, window: At) -> Segment:
    row, start, captured = int(tcp.rows[place]), int(tcp.start[place]), int(tcp.seen[place])
    return Segment(
        window.first_frame + row,
        int(window.time[row]),
        int(window.interface[row]),
        int(tcp.sequence[place]),
        tcp.data[start : start + captured].tobytes(),
        int(tcp.size[place]),
    )


def ends_of(parsed: Packets, tcp: Payloads, place: int) -> Ends:
    """Return the ends of the segment at this place."""
    row = int(tcp.rows[place])
    network, transport = int(parsed.network[row]), int(parsed.transport[row])
    high, low, other_high, other_low = parsed.addresses[row].tolist()
    header = parsed.data[transport : transport + TCP_HEADER]
    return Ends(
        parsed.data[network:transport].tobytes(), header.tobytes(), (high, low, other_high, other_low)
    )


def _inside(packet: Packet) -> tuple[dict[str, list[bytes]], bytes, int, bool]:
    """Return a packet's messages by protocol, its innermost payload, that one's size, and whether in TURN."""
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
    """Return the message by its protocol (RFC 7983); empty for media."""
    first = data[0] if data else RTP_FIRST.start
    return {"stun": [data]} if first < DTLS_FIRST.start else {"dtls": [data]} if first in DTLS_FIRST else {}


def _behind(messages: dict[str, list[bytes]], data: bytes) -> dict[str, list[bytes]]:
    """Return a STUN message after the header of ChannelData, as tshark presents it."""
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
