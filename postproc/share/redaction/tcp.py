"""TCP connections with SIP in them: messages are replaced in the stream, not in the segment.

What is replaced may be longer than before. So each direction has a map from old
to new positions; sequence numbers, acknowledgements and payloads follow it, and
segments sent again stay equal to those sent first.

SIP that was decrypted stands in the clear afterwards: its keys may not leave, and
without them nobody could see the call. Of such a connection nothing else is left.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from postproc.share.redaction.sip import START

SYN, ACK = 0x02, 0x10
WRAP = 1 << 32
UNDECIDED = 1 << 14  # bytes of a connection looked at before it is given up
NEXT = re.compile(rb"(?<=\n)" + START.pattern)
LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
KEEP_ALIVE = b"\r\n"
END, SELECTIVE, NOTHING = 0, 5, b"\x01"
SIZES = {1: 1, 2: 4, 3: 3, 4: 2, 8: 10}  # of the options that stay (RFC 9293, RFC 7323, RFC 2018)

End = tuple[bytes, int]
Change = Callable[[bytes], bytes]


@dataclass
class Chunk:
    """A stretch of the stream, from its start to its end before and after."""

    start: int
    end: int
    new_start: int
    new: bytes

    def moved(self, position: int) -> int:
        """Where a position in the chunk is now, in proportion."""
        return self.new_start + round((position - self.start) * len(self.new) / max(self.end - self.start, 1))


@dataclass
class Direction:
    """One way of a connection: positions count from the first byte seen, or from the SYN."""

    base: int | None = None
    parts: list[tuple[int, bytes]] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    decrypted: dict[int, tuple[bytes, ...]] = field(default_factory=dict)  # messages by position

    def position(self, number: int) -> int:
        """Position of a sequence number, which wraps around."""
        return (number - (self.base or 0) + WRAP // 2) % WRAP - WRAP // 2

    def moved(self, position: int) -> int:
        index = bisect_right(self.starts, position) - 1
        if index < 0:
            return position
        chunk = self.chunks[index]
        if position <= chunk.end:
            return chunk.moved(position)
        return position - chunk.end + chunk.new_start + len(chunk.new)

    def number(self, number: int) -> int:
        """A sequence number after the change."""
        if self.base is None:
            return number
        return (self.base + self.moved(self.position(number))) % WRAP

    def content(self, position: int, size: int) -> bytes:
        """What stands now where ``size`` bytes stood."""
        start, end, found = self.moved(position), self.moved(position + size), b""
        index = max(bisect_right(self.starts, position) - 1, 0)
        for chunk in self.chunks[index:]:
            if chunk.new_start >= end:
                break
            found += chunk.new[max(start - chunk.new_start, 0) : end - chunk.new_start]
        return found

    def finish(self, change: Change) -> None:
        """Replace in the messages of the stream; ``change`` gives a message's replacement."""
        self._chunked(
            (start, len(piece), new)
            for position, data in _stretches(self.parts)
            for start, (piece, new) in _placed(position, _pieces(data, change))
        )

    def finish_decrypted(self, change: Change) -> None:
        """Put each message in the place of the segment in which it ended, and nothing in that of others."""
        end, held = -WRAP, []
        for position, data in sorted(self.parts, key=lambda part: part[0]):
            start, end = max(position, end), max(position + len(data), end)
            if start < end:  # else it was sent before
                new = b"".join(map(change, self.decrypted.get(position, ())))
                held.append((start, end - start, new))
        self._chunked(held)

    def _chunked(self, held: Iterable[tuple[int, int, bytes]]) -> None:
        """Take what stands now where so many bytes stood, front to back."""
        self.chunks, shift = [], 0
        for start, size, new in held:
            self.chunks.append(Chunk(start, start + size, start + shift, new))
            shift += len(new) - size
        self.starts = [chunk.start for chunk in self.chunks]


@dataclass
class Connection:
    """Both ways of a connection, and what it seems to carry."""

    ways: dict[End, Direction] = field(default_factory=dict)
    has_sip: bool = False
    is_decrypted: bool = False
    looked_at: int = 0

    @property
    def given_up(self) -> bool:
        return not self.has_sip and self.looked_at > UNDECIDED


@dataclass
class Streams:
    """All connections; ``places`` says by frame which one a segment is of."""

    current: dict[frozenset[End], Connection] = field(default_factory=dict)
    places: dict[int, tuple[Connection, End, End]] = field(default_factory=dict)
    decrypted: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict)  # SIP messages by frame

    def note(self, frame: int, source: End, destination: End, segment: bytes) -> None:
        """Learn a segment: header and as much of its payload as there is."""
        number, flags = int.from_bytes(segment[4:8]), segment[13]
        payload = segment[(segment[12] >> 4) * 4 :]
        ends = frozenset((source, destination))
        connection = self.current.get(ends)
        way = connection.ways.get(source) if connection else None
        again = way is not None and way.base == (number + 1) % WRAP
        if connection is None or (flags & SYN and not flags & ACK and way and not again):
            connection = self.current[ends] = Connection()
        if connection.given_up:
            return
        way = connection.ways.setdefault(source, Direction())
        if way.base is None:
            way.base = (number + bool(flags & SYN)) % WRAP
        self.places[frame] = connection, source, destination
        if payload:
            if frame in self.decrypted:
                connection.has_sip = connection.is_decrypted = True
                way.decrypted.setdefault(way.position(number), self.decrypted[frame])
            connection.has_sip |= bool(START.match(payload.lstrip(KEEP_ALIVE)) or NEXT.search(payload))
            connection.looked_at += len(payload)
            way.parts.append((way.position(number), payload))
        if connection.given_up:
            connection.ways.clear()

    def finish(self, change: Change) -> None:
        self.places = {frame: place for frame, place in self.places.items() if place[0].has_sip}
        for connection in {id(place[0]): place[0] for place in self.places.values()}.values():
            for way in connection.ways.values():
                if connection.is_decrypted:
                    way.finish_decrypted(change)
                else:
                    way.finish(change)

    def segment(self, frame: int, segment: bytes) -> bytes:
        """The segment as it is now, its checksum not yet set; without SIP its payload is null."""
        size = (segment[12] >> 4) * 4
        payload = segment[size:]
        place = self.places.get(frame)
        if place is None:
            return segment[:20] + options(segment[20:size]) + bytes(len(payload))
        connection, source, destination = place
        way, back = connection.ways[source], connection.ways.get(destination, Direction())
        number, acknowledged = int.from_bytes(segment[4:8]), int.from_bytes(segment[8:12])
        content = way.content(way.position(number), len(payload)) if payload else b""
        new = way.number(number).to_bytes(4)
        new += (back.number(acknowledged) if segment[13] & ACK else acknowledged).to_bytes(4)
        return segment[:4] + new + segment[12:20] + options(segment[20:size], back) + content


def options(held: bytes, back: Direction | None = None) -> bytes:
    """TCP options: sizes and times stay, selective acknowledgements move, what is unknown is void."""
    new, at = b"", 0
    while at < len(held):
        kind = held[at]
        size = held[at + 1] if kind > 1 and at + 1 < len(held) else 1
        option = held[at : at + max(size, 1)]
        if kind == END:
            return new + bytes(len(held) - at)
        if kind == SELECTIVE and len(option) % 8 == 2:
            edges = [int.from_bytes(option[place : place + 4]) for place in range(2, len(option), 4)]
            moved = [back.number(edge) for edge in edges] if back else edges
            new += option[:2] + b"".join(edge.to_bytes(4) for edge in moved)
        else:
            new += option if len(option) == SIZES.get(kind) else NOTHING * len(option)
        at += len(option)
    return new


def _placed(
    position: int, pieces: Iterable[tuple[bytes, bytes]]
) -> Iterator[tuple[int, tuple[bytes, bytes]]]:
    """Each piece with the position at which it stood."""
    for piece, new in pieces:
        yield position, (piece, new)
        position += len(piece)


def _stretches(parts: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """What is there without a gap, each with its position; what came first counts."""
    found: list[tuple[int, bytearray]] = []
    for position, data in sorted(parts, key=lambda part: part[0]):
        end = found[-1][0] + len(found[-1][1]) if found else None
        if end is None or position > end:
            found.append((position, bytearray(data)))
        else:
            found[-1][1].extend(data[end - position :])
    return [(position, bytes(data)) for position, data in found]


def _pieces(data: bytes, change: Change) -> list[tuple[bytes, bytes]]:
    """Messages, keep-alives between them, and what is neither: null; each with its replacement."""
    found, at = [], 0
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
        found.append((piece, new))
        at += len(piece)
    return found


def _length(stream: bytes) -> int:
    """Length of the message at the start, as far as it is there (RFC 3261, section 18.3)."""
    head, gap, _ = stream.partition(b"\r\n\r\n")
    if not gap:
        return len(stream)
    told = LENGTH.search(head)
    return min(len(head) + len(gap) + (int(told[1]) if told else 0), len(stream))
