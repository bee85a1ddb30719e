"""TCP connections of the way in: to web servers, to the application's own ports, and of SIP.

Counts are made window by window with numpy: packets, bytes by sequence number, times of each side's last
packet. Only the segments that open, close or reset a connection, the first ones of each side (a TLS
handshake), and those that begin like a head of HTTP or the closing frame of a WebSocket are read one by
one. So a download costs no more than counting its packets.

A segment captured twice counts as a repetition, as bytes are counted by sequence numbers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from postproc.read.arrays import Array, starts_of_runs
from postproc.read.packets import Packets, Payloads
from postproc.read.payloads import FIRST_BYTES, SIP_PORTS, tls_content
from postproc.read.segments import At, Ends, ends_of
from postproc.wire import http
from postproc.wire.dtls import APPLICATION_DATA
from postproc.wire.transport import ACK, FIN, RST, SYN

# The registered ports of HTTP and HTTPS, those usual behind a proxy, the server's ports for the mobile
# application and the Web API, and secure SIP over WebSocket.
HTTP_PORTS, SERVER_PORTS = (80, 443, 8080, 8181, 8443), (2230, 2231)
PORTS = (*HTTP_PORTS, *SERVER_PORTS, 7443, 8089, *SIP_PORTS)
IS_PORT = np.zeros(1 << 16, bool)
IS_PORT[list(PORTS)] = True
# Bytes held of a side's beginning until its handshake is complete: a chain of four certificates with RSA keys
# of 4096 bits is 8 KB. And bytes held of all connections, which bounds memory.
LARGEST_START, MOST_STARTS = 1 << 15, 1 << 26
MOST_CONNECTIONS = 200_000  # of a capture; later ones are only counted, which bounds memory
MOST_HEADS = 1 << 18  # of HTTP; later ones are ignored
# ns; a SYN is retransmitted after a second at the earliest (RFC 6298, section 2); sooner it is a copy.
AGAIN = 200_000_000
HEAD_STARTS = np.array([int.from_bytes(text) for text in http.BEGINNINGS], np.uint32)
CLOSE_FRAME, MASKED, SHORTEST = 0x88, 0x80, 0x7F  # RFC 6455, section 5.2
WRAP = 1 << 32
# Segments beginning with application data that end a side's beginning: in TLS 1.3 a client's first one may
# hold its Finished, the second is a request.
ENOUGH = 2


class Event(NamedTuple):
    frame: int
    time: int  # ns since the epoch


class HttpHead(NamedTuple):
    """A head of HTTP in clear, as far as it was captured."""

    frame: int
    time: int
    from_client: bool
    data: bytes


@dataclass(slots=True)
class Side:
    """What one end sent; ``reached`` is the number of bytes from its first sequence number."""

    first_sequence: int | None = None
    reached: int = 0
    packets: int = 0
    opening: int = 0  # of these, SYNs
    data: int = 0  # segments with payload
    last: int | None = None  # ns: of its last packet, and of its last with payload
    last_data: int | None = None
    since_other: int = 0  # segments with payload since the other side's last packet; and the first one's time
    since: int | None = None
    fin: Event | None = None
    reset: Event | None = None
    start: list[tuple[int, int, int, bytes, int]] = field(
        default_factory=list
    )  # offset, frame, time, bytes, size
    keyed: int = 0  # of these, segments that begin with a record of application data
    started: bool = False  # its beginning is complete
    head: bytearray | None = None  # of HTTP, continued in the next segment
    head_at: Event | None = None
    heads: set[int] = field(default_factory=set)  # sequence numbers of heads, to recognise repetitions

    def offset(self, sequence: int) -> int:
        return (sequence - (self.first_sequence or 0)) % WRAP


@dataclass(slots=True)
class Connection:
    """A connection; ``ends`` are sender and receiver of its first packet."""

    ends: Ends
    server_first: bool  # the server sent the first packet
    first: Event
    client: int  # hash of the client's endpoint
    syns: list[Event] = field(default_factory=list)
    syn_ack: Event | None = None
    initial: int | None = None  # sequence number of the client's SYN
    sides: tuple[Side, Side] = field(default_factory=lambda: (Side(), Side()))  # client's, server's
    heads: list[HttpHead] = field(default_factory=list)
    closes: list[tuple[bool, Event]] = field(
        default_factory=list
    )  # of WebSockets: whether the client's, when
    last_data: int | None = None  # ns
    pause: int = 0  # ns: the longest between two segments with payload, and when it ended
    pause_ended: int = 0

    @property
    def places(self) -> tuple[str, int, str, int]:
        """Addresses and ports: the client's, the server's."""
        source, destination = self.ends.texts
        one, other = self.ends.ports
        return (destination, other, source, one) if self.server_first else (source, one, destination, other)


@dataclass
class Connections:
    """The connections of a capture on these ports, in the order of their first packets."""

    every: list[Connection] = field(default_factory=list)
    current: dict[int, Connection] = field(default_factory=dict)  # by key
    held: int = 0  # bytes of beginnings
    heads: int = 0
    left_out: int = 0  # connections

    def take(self, packets: Packets, tcp: Payloads, keys: Array, at: At) -> None:
        """Add the segments of a window; ``keys`` are those of their connections."""
        chosen = np.flatnonzero(IS_PORT[tcp.source_port] | IS_PORT[tcp.destination_port])
        if not len(chosen):
            return
        order = chosen[np.argsort(keys[chosen], kind="stable")]
        own = keys[order]
        opens = np.flatnonzero(tcp.flags[order] & (SYN | ACK) == SYN)
        starts = np.union1d(starts_of_runs(own), opens)  # whatever a SYN opens may be another connection
        window = _Window.of(tcp, at, order)
        for begin, end in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True):
            connection = self._connection(packets, window, begin, int(own[begin]))
            if connection is not None:
                self._count(connection, window, begin, end)

    def _connection(self, packets: Packets, window: "_Window", begin: int, key: int) -> Connection | None:
        """Return the segment's connection; a SYN with another sequence number opens a new one."""
        current, place = self.current.get(key), int(window.order[begin])
        flags, sequence = int(window.tcp.flags[place]), int(window.tcp.sequence[place])
        opens = flags & (SYN | ACK) == SYN
        if current is not None and not (opens and _opens_another(current, sequence)):
            return current
        if len(self.every) >= MOST_CONNECTIONS:
            self.left_out += 1
            self.current.pop(key, None)
            return None
        source, target = int(window.tcp.source_port[place]), int(window.tcp.destination_port[place])
        from_server = bool(flags & SYN and flags & ACK) or (
            not opens and bool(IS_PORT[source]) and (not IS_PORT[target] or source < target)
        )
        client = window.tcp.destination if from_server else window.tcp.source
        opened = Connection(
            ends_of(packets, window.tcp, place), from_server, window.event(begin), int(client[place])
        )
        self.current[key] = opened
        self.every.append(opened)
        return opened

    def _count(self, connection: Connection, window: "_Window", begin: int, end: int) -> None:
        order, tcp = window.order[begin:end], window.tcp
        of_client = tcp.source[order] == np.uint64(connection.client)
        size, flags = tcp.size[order], tcp.flags[order]
        for place in np.flatnonzero(flags & (SYN | FIN | RST)).tolist():
            _note_flags(
                connection,
                bool(of_client[place]),
                int(flags[place]),
                int(tcp.sequence[order[place]]),
                window.event(begin + place),
            )
        times = window.at.time[tcp.rows[order]]
        for number, which in enumerate((np.flatnonzero(of_client), np.flatnonzero(~of_client))):
            if len(which):
                _count_side(connection.sides[number], tcp.sequence[order[which]], size[which], times[which])
        _note_silence(connection, of_client, size, times)
        self._look(connection, window, range(begin, end), of_client)

    def _look(self, connection: Connection, window: "_Window", run: range, of_client: Array) -> None:
        """Read the relevant segments: a side's first ones, heads of HTTP, closing frames of WebSockets."""
        for number, side in enumerate(connection.sides):
            if side.started and side.head is None:
                continue
            of_side = of_client if number == 0 else ~of_client
            own = run.start + np.flatnonzero(of_side & window.filled[run.start : run.stop])
            for place in own.tolist():
                if side.started or self._hold(side, window, place):
                    break
            for place in own.tolist():
                if side.head is None or self._go_on(connection, side, window, place):
                    break
        for place in window.heads[slice(*np.searchsorted(window.heads, (run.start, run.stop)))].tolist():
            side = connection.sides[0 if of_client[place - run.start] else 1]
            self._take_head(connection, side, window, place)
        if connection.heads:
            for place in window.closes[
                slice(*np.searchsorted(window.closes, (run.start, run.stop)))
            ].tolist():
                connection.closes.append((bool(of_client[place - run.start]), window.event(place)))

    def _hold(self, side: Side, window: "_Window", place: int) -> bool:
        """Hold a segment of a side's beginning; return True when the beginning is complete."""
        size, data = window.payload(place)
        offset, event = side.offset(window.sequence(place)), window.event(place)
        if offset >= LARGEST_START or self.held >= MOST_STARTS:
            side.started = True
            return True
        content = window.content(place)
        if not side.start and content == 0:
            side.started = True  # no TLS
            return True
        side.start.append((offset, event.frame, event.time, data, size))
        self.held += len(data)
        side.keyed += content == APPLICATION_DATA
        side.started = side.keyed == ENOUGH
        return side.started

    def _take_head(self, connection: Connection, side: Side, window: "_Window", place: int) -> None:
        sequence = window.sequence(place)
        if sequence in side.heads or self.heads >= MOST_HEADS:
            return
        side.heads.add(sequence)
        self.heads += 1
        side.head, side.head_at = bytearray(), window.event(place)
        self._go_on(connection, side, window, place, begins=True)

    def _go_on(
        self, connection: Connection, side: Side, window: "_Window", place: int, *, begins: bool = False
    ) -> bool:
        """Add a segment to an incomplete head; return True when no more of it is expected."""
        size, data = window.payload(place)
        if side.head is None or side.head_at is None:
            return True
        if not begins and window.event(place).frame <= side.head_at.frame:
            return False
        side.head += data
        whole = http.END in side.head or len(data) < size or len(side.head) >= http.LONGEST_HEAD
        if whole:
            connection.heads.append(
                HttpHead(*side.head_at, side is connection.sides[0], bytes(side.head[: http.LONGEST_HEAD]))
            )
            side.head = None
        return whole


class _Window(NamedTuple):
    """The segments of a window on PORTS; places refer to ``order``, which is by connection."""

    tcp: Payloads
    at: At
    order: Array
    filled: Array  # whether any payload was captured
    contents: Array  # types of the TLS record that each begins with
    heads: Array  # places of segments that begin like a head of HTTP
    closes: Array  # places of segments with just the closing frame of a WebSocket (RFC 6455, section 5.5.1)

    @classmethod
    def of(cls, tcp: Payloads, at: At, order: Array) -> "_Window":
        head, filled = tcp.head[order].view(FIRST_BYTES), tcp.seen[order] > 0
        like_http = np.isin((head["first"] >> np.uint64(32)).astype(np.uint32), HEAD_STARTS)
        length = head["length"].astype(np.int64)
        size = 2 + (length & SHORTEST) + np.where(length & MASKED, 4, 0)
        closing = (head["opcode"] == CLOSE_FRAME) & (tcp.size[order] == size)
        return cls(
            tcp,
            at,
            order,
            filled,
            tls_content(tcp)[order],
            np.flatnonzero(like_http & filled),
            np.flatnonzero(closing & filled),
        )

    def event(self, place: int) -> Event:
        row = int(self.tcp.rows[self.order[place]])
        return Event(self.at.first_frame + row, int(self.at.time[row]))

    def sequence(self, place: int) -> int:
        return int(self.tcp.sequence[self.order[place]])

    def payload(self, place: int) -> tuple[int, bytes]:
        """Return the payload's size on the wire, and its captured bytes."""
        which = self.order[place]
        start, captured = int(self.tcp.start[which]), int(self.tcp.seen[which])
        return int(self.tcp.size[which]), self.tcp.data[start : start + captured].tobytes()

    def content(self, place: int) -> int:
        """Return the content type of the TLS record at its start, 0 if there is none."""
        return int(self.contents[place])


def _opens_another(connection: Connection, sequence: int) -> bool:
    """Return whether a SYN opens another connection between the same ends, and is no retransmission."""
    return connection.initial != sequence


def _note_flags(connection: Connection, of_client: bool, flags: int, sequence: int, event: Event) -> None:
    side = connection.sides[0 if of_client else 1]
    if flags & SYN:
        side.opening += 1
        side.first_sequence = (sequence + 1) % WRAP
        if of_client:
            connection.initial = sequence
            if not connection.syns or event.time - connection.syns[-1].time > AGAIN:
                connection.syns.append(event)
        elif connection.syn_ack is None:
            connection.syn_ack = event
    if flags & FIN and side.fin is None:
        side.fin = event
    if flags & RST and side.reset is None:
        side.reset = event


def _count_side(side: Side, sequences: Array, sizes: Array, times: Array) -> None:
    filled = np.flatnonzero(sizes > 0)
    side.packets += len(sizes)
    side.data += len(filled)
    side.last = int(times[-1])
    if not len(filled):
        return
    side.last_data = int(times[filled[-1]])
    if side.first_sequence is None:
        side.first_sequence = int(sequences[filled[0]])
    ends = sequences[filled].astype(np.int64) + sizes[filled] - (side.first_sequence + side.reached)
    ahead = (ends + WRAP // 2) % WRAP - WRAP // 2
    side.reached += max(int(ahead.max()), 0)


def _note_silence(connection: Connection, of_client: Array, sizes: Array, times: Array) -> None:
    """Update the longest pause, and what each side sent since the other's last packet."""
    spoke = times[sizes > 0]
    if len(spoke):
        before = spoke[:1] if connection.last_data is None else [connection.last_data]
        pauses = np.diff(spoke, prepend=before)
        longest = int(np.argmax(pauses))
        if pauses[longest] > connection.pause:
            connection.pause, connection.pause_ended = int(pauses[longest]), int(spoke[longest])
        connection.last_data = int(spoke[-1])
    for number, side in enumerate(connection.sides):
        own = of_client if number == 0 else ~of_client
        others = np.flatnonzero(~own)
        behind = own.copy()
        if len(others):
            side.since_other, side.since = 0, None
            behind[: int(others[-1]) + 1] = False
        sent = np.flatnonzero(behind & (sizes > 0))
        if len(sent):
            side.since_other += len(sent)
            side.since = int(times[sent[0]]) if side.since is None else side.since


def assembled(side: Side) -> tuple[bytes, Array, list[tuple[int, int, int]]]:
    """Return a side's reassembled beginning: its bytes, which of them were captured, and its segments.

    Segments are (offset, frame, time), ascending.
    """
    if not side.start:
        return b"", np.zeros(0, bool), []
    end = min(max(offset + size for offset, _, _, _, size in side.start), LARGEST_START)
    stream, captured = bytearray(end), np.zeros(end, bool)
    for offset, _, _, data, _ in side.start:
        part = data[: max(end - offset, 0)]
        stream[offset : offset + len(part)] = part
        captured[offset : offset + len(part)] = True
    return bytes(stream), captured, sorted(_first_seen(side.start))


def _first_seen(segments: Iterable[tuple[int, int, int, bytes, int]]) -> Iterator[tuple[int, int, int]]:
    offsets: set[int] = set()
    for offset, frame, time, _, _ in segments:
        if offset not in offsets:
            offsets.add(offset)
            yield offset, frame, time
