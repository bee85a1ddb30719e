"""Redact data that spans packets: fragmented datagrams; SIP, TLS and framed messages in TCP.

A message may span segments or share one with others, so each direction of a connection is reassembled
first; a retransmitted segment stays equal to the original. Decrypted SIP replaces its TLS records in the
clear: the keys must not be shared, and without them nobody could see the call. The rest of such a
connection is zeroed.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from postproc.read.connections import PORTS
from postproc.share.redaction import tls
from postproc.share.redaction.dtls import Flow
from postproc.share.redaction.sip import START
from postproc.wire import MalformedError
from postproc.wire.framing import PREFIX, Framing, Place, framing_of, message

LARGEST = 65535

Reassembled = Callable[[bytes, bytes], bytes]  # key and datagram


@dataclass
class Datagram:
    """The fragments of a datagram by offset, the frames each is in, and the length (``end``) once known."""

    key: bytes
    parts: dict[int, bytes] = field(default_factory=dict)
    frames: dict[int, list[int]] = field(default_factory=dict)
    end: int | None = None

    def whole(self) -> bytes | None:
        """Return the datagram; None if a fragment is missing or overlaps another."""
        data = b""
        for offset in sorted(self.parts):
            if offset != len(data):
                return None
            data += self.parts[offset]
        return data if len(data) == self.end else None


@dataclass
class Fragments:
    """All fragmented datagrams; ``places`` maps a frame to its redacted fragment."""

    open: dict[bytes, Datagram] = field(default_factory=dict)
    done: list[Datagram] = field(default_factory=list)
    places: dict[int, bytes] = field(default_factory=dict)

    def note(self, frame: int, key: bytes, offset: int, more: bool, data: bytes, *, cut: bool) -> None:
        """Learn a fragment; one truncated in the capture makes the datagram incomplete."""
        datagram = self.open.get(key)
        if (
            datagram is None
            or (offset in datagram.parts and datagram.parts[offset] != data)
            or datagram.end == -1
        ):
            datagram = self.open[key] = Datagram(key)
            self.done.append(datagram)
        datagram.parts[offset] = data
        datagram.frames.setdefault(offset, []).append(frame)
        if cut or offset + len(data) > LARGEST:
            datagram.parts[-1] = b""  # never whole
        if not more:
            datagram.end = offset + len(data)

    def finish(self, change: Reassembled) -> None:
        """Redact the whole datagrams; ``change`` maps a UDP datagram with header to one of equal length."""
        for datagram in self.done:
            data = datagram.whole()
            if data is None:
                continue
            new = change(datagram.key, data)
            for offset, frames in datagram.frames.items():
                self.places |= dict.fromkeys(frames, new[offset : offset + len(datagram.parts[offset])])


SYN, ACK = 0x02, 0x10
WRAP = 1 << 32
# Bytes of a connection examined before it is given up as not SIP; choices that bound memory. In TLS they are
# enough for ten handshakes with long chains, or hours of signalling.
UNDECIDED, LARGEST_TLS = 1 << 14, 1 << 18
NEXT = re.compile(rb"(?<=\n)" + START.pattern)
LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
KEEP_ALIVE = b"\r\n"
END, SELECTIVE, NOTHING = 0, 5, b"\x01"
SIZES = {1: 1, 2: 4, 3: 3, 4: 2, 8: 10}  # TCP options that stay, in bytes (RFC 9293, RFC 7323, RFC 2018)

TURN_PORT, LARGEST_FRAME = 3478, 1 << 17  # RFC 8656; a 16-bit length plus header and padding fits

End = tuple[bytes, int]
Change = Callable[[bytes], bytes]
ChangePacket = Callable[[Flow, bytes, bool], bytes]  # True: the packet is truncated


@dataclass
class Direction:
    """One direction of a connection; positions count from the first byte seen, or from the SYN."""

    flow: Flow
    base: int | None = None
    parts: list[tuple[int, bytes]] = field(default_factory=list)
    stretches: list[tuple[int, bytes]] = field(default_factory=list)  # redacted, by position
    decrypted: dict[int, tuple[bytes, ...]] = field(
        default_factory=dict
    )  # messages by the position of their end

    def position(self, number: int) -> int:
        """Return the position of a sequence number, which wraps around."""
        return (number - (self.base or 0) + WRAP // 2) % WRAP - WRAP // 2

    def content(self, position: int, size: int) -> bytes:
        """Return the redacted ``size`` bytes at a position; zeros where there are none."""
        index = bisect_right(self.stretches, position, key=lambda stretch: stretch[0]) - 1
        start, data = self.stretches[index] if index >= 0 else (position, b"")
        return data[position - start : position - start + size].ljust(size, b"\0")

    def finish(self, change: Change) -> None:
        """Redact the SIP messages of the stream; ``change`` keeps a message's length."""
        self.stretches = [(start, b"".join(_pieces(data, change))) for start, data in _stretches(self.parts)]

    def finish_tls(self, change: Change) -> None:
        """Redact TLS records; after a gap, record boundaries are unknown and everything is zeroed."""
        self.stretches = [
            (start, change(data) if start == 0 else bytes(len(data)))
            for start, data in _stretches(self.parts)
        ]

    def packets(self) -> Iterator[tuple[int, Place, bytes]]:
        """Yield the packets framed in the stream: stretch position, place in the stretch, captured bytes.

        As in postproc.read.segments: after a gap, parsing resumes at the first segment that starts a packet.
        """
        segments = sorted({position: len(data) for position, data in self.parts}.items())
        turn = TURN_PORT in (self.flow[1], self.flow[3])
        for start, data in _stretches(self.parts):
            at = 0
            for position, size in segments:
                place = position - start
                if not at <= place < len(data):
                    continue
                framing = framing_of(data[place : place + size], turn=turn)
                for packet in _places(data, place, framing) if framing else ():
                    yield start, packet, data[packet.start : packet.start + packet.size]
                    at = packet.end

    def finish_framed(self, change: ChangePacket) -> None:
        """Redact framed packets; between them only RFC 4571 lengths stay."""
        new = {start: bytearray(len(data)) for start, data in _stretches(self.parts)}
        old = dict(_stretches(self.parts))
        for start, place, packet in self.packets():
            length = slice(place.start - PREFIX, place.start)
            if place.framing is Framing.RFC4571:
                new[start][length] = old[start][length]
            changed = change(self.flow, packet, len(packet) < place.size)
            new[start][place.start : place.start + len(packet)] = changed
        self.stretches = [(start, bytes(data)) for start, data in sorted(new.items())]

    def finish_decrypted(self, change: Change) -> None:
        """Put decrypted messages in place of the segments up to the one they end in; zero all else.

        They are shorter than their TLS records: spaces after the first header fill the difference
        (RFC 3261, section 7.3.1).
        """
        self.stretches = []
        starts = sorted({position for position, _ in self.parts})
        for start, data in _stretches(self.parts):
            new = bytearray(len(data))
            for end, messages in self.decrypted.items():
                text = b"".join(map(change, messages))
                at = starts[max(bisect_right(starts, end - len(text)) - 1, 0)]
                if text and start <= at and at + len(text) <= end <= start + len(data):
                    new[at - start : end - start] = _filled_up(text, end - at)
            self.stretches.append((start, bytes(new)))


def _places(data: bytes, at: int, framing: Framing) -> Iterator[Place]:
    """Yield the packets from ``at`` on; the last one may be truncated."""
    filled = data + bytes(LARGEST_FRAME)
    try:
        while at < len(data) and (place := message(filled, at, framing)) and place.start < len(data):
            yield place
            at = place.end
    except MalformedError:
        return


def _filled_up(message: bytes, size: int) -> bytes:
    """Fill a message to ``size`` with spaces after its first header, where no length counts them."""
    start, line_end, headers = message.partition(b"\r\n")
    first, other_end, rest = headers.partition(b"\r\n")
    return start + line_end + first + b" " * (size - len(message)) + other_end + rest


@dataclass
class Connection:
    """Both directions of a connection, and what it seems to carry."""

    ways: dict[End, Direction] = field(default_factory=dict)
    has_sip: bool = False
    is_decrypted: bool = False
    is_tls: bool = False
    is_framed: bool = False
    looked_at: int = 0

    @property
    def given_up(self) -> bool:
        return (
            not self.has_sip
            and not self.is_framed
            and self.looked_at > (LARGEST_TLS if self.is_tls else UNDECIDED)
        )


@dataclass
class Streams:
    """All connections; ``places`` maps a frame to its segment's connection and sender."""

    current: dict[frozenset[End], Connection] = field(default_factory=dict)
    places: dict[int, tuple[Connection, End]] = field(default_factory=dict)
    decrypted: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict)  # SIP messages by frame

    def note(self, frame: int, source: End, destination: End, segment: bytes) -> None:
        """Learn a segment: its header and the captured part of its payload."""
        number, flags = int.from_bytes(segment[4:8]), segment[13]
        payload = segment[(segment[12] >> 4) * 4 :]
        ends = frozenset((source, destination))
        connection = self.current.get(ends)
        way = connection.ways.get(source) if connection else None
        is_retransmitted_syn = way is not None and way.base == (number + 1) % WRAP
        if connection is None or (flags & SYN and not flags & ACK and way and not is_retransmitted_syn):
            connection = self.current[ends] = Connection()
        if connection.given_up:
            return
        way = connection.ways.setdefault(source, Direction((*source, *destination)))
        if way.base is None:
            way.base = (number + bool(flags & SYN)) % WRAP
        self.places[frame] = connection, source
        if payload:
            if frame in self.decrypted:
                connection.has_sip = connection.is_decrypted = True
                way.decrypted.setdefault(way.position(number) + len(payload), self.decrypted[frame])
            connection.has_sip |= bool(START.match(payload.lstrip(KEEP_ALIVE)) or NEXT.search(payload))
            begins = not connection.looked_at and payload.startswith(tls.FIRST)
            connection.is_tls |= begins and bool(PORTS & {source[1], destination[1]})
            connection.is_framed |= (
                framing_of(payload, turn=TURN_PORT in (source[1], destination[1])) is not None
            )
            connection.looked_at += len(payload)
            way.parts.append((way.position(number), payload))
        if connection.given_up and not connection.is_tls:
            connection.ways.clear()

    def learn(self, learn: Callable[[Flow, bytes], None]) -> None:
        """Pass the packets framed in connections to ``learn``, once all segments are noted."""
        for connection in self._connections():
            for way in connection.ways.values() if connection.is_framed else ():
                for _, _, packet in way.packets():
                    learn(way.flow, packet)

    def _connections(self) -> Iterator[Connection]:
        yield from {id(place[0]): place[0] for place in self.places.values()}.values()

    def finish(self, change: Change, of_tls: Change, framed: ChangePacket) -> None:
        """Redact SIP messages, TLS records and framed packets."""
        self.places = {
            frame: place
            for frame, place in self.places.items()
            if place[0].has_sip or place[0].is_tls or place[0].is_framed
        }
        for connection in self._connections():
            for way in connection.ways.values():
                if connection.is_decrypted:
                    way.finish_decrypted(change)
                elif connection.has_sip:
                    way.finish(change)
                elif connection.is_framed:
                    way.finish_framed(framed)
                else:
                    way.finish_tls(of_tls)

    def segment(self, frame: int, segment: bytes) -> bytes:
        """Return the redacted segment, its checksum not yet set; an unknown payload is zeroed."""
        size = (segment[12] >> 4) * 4
        payload = segment[size:]
        place = self.places.get(frame)
        if place is None:
            return segment[:20] + options(segment[20:size]) + bytes(len(payload))
        connection, source = place
        way = connection.ways[source]
        content = way.content(way.position(int.from_bytes(segment[4:8])), len(payload))
        return segment[:20] + options(segment[20:size]) + content


def options(data: bytes) -> bytes:
    """Redact TCP options: sizes, timestamps and SACK stay, unknown options become no-operations."""
    new, at = b"", 0
    while at < len(data):
        kind = data[at]
        size = data[at + 1] if kind > 1 and at + 1 < len(data) else 1
        option = data[at : at + max(size, 1)]
        if kind == END:
            return new + bytes(len(data) - at)
        stays = len(option) == SIZES.get(kind) or (kind == SELECTIVE and len(option) % 8 == 2)
        new += option if stays else NOTHING * len(option)
        at += len(option)
    return new


def _stretches(parts: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Return the gapless stretches with their positions; where parts overlap, the first counts."""
    stretches: list[tuple[int, bytearray]] = []
    for position, data in sorted(parts, key=lambda part: part[0]):
        end = stretches[-1][0] + len(stretches[-1][1]) if stretches else None
        if end is None or position > end:
            stretches.append((position, bytearray(data)))
        else:
            stretches[-1][1].extend(data[end - position :])
    return [(position, bytes(data)) for position, data in stretches]


def _pieces(data: bytes, change: Change) -> Iterator[bytes]:
    """Yield redacted messages, keep-alives unchanged, and zeros for anything else."""
    at = 0
    while at < len(data):
        rest = data[at:]
        blank = len(rest) - len(rest.lstrip(KEEP_ALIVE))
        if blank:
            piece = new = rest[:blank]
        elif START.match(rest):
            piece = rest[: _length(rest)]
            new = change(piece)
        else:
            following = NEXT.search(rest)
            piece = rest[: following.start() if following else len(rest)]
            new = bytes(len(piece))
        yield new
        at += len(piece)


def _length(stream: bytes) -> int:
    """Return the captured length of the message at the start (RFC 3261, section 18.3)."""
    head, gap, _ = stream.partition(b"\r\n\r\n")
    if not gap:
        return len(stream)
    content_length = LENGTH.search(head)
    return min(len(head) + len(gap) + (int(content_length[1]) if content_length else 0), len(stream))
