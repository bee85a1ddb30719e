"""A recording being generated: packets of several interfaces on one clock, and the paths they take.

Times are seconds after the recording's start. A path carries payloads between two named ends ("client" and
"server", "uac" and "uas"), over any transport.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from pcaps.make.builders import packets
from pcaps.make.builders.files import Record
from pcaps.make.builders.links import Interface
from pcaps.make.builders.packets import Endpoint
from postproc.wire.framing import Framing
from postproc.wire.framing import packed as packed_for_tcp
from postproc.wire.ip import packed
from postproc.wire.transport import ACK, FIN, PSH, RST, SYN

MICROSECOND = 1e-6
LEAST_MEDIA = 160  # bytes of 20 ms of G.711; checks are smaller


class Path(Protocol):
    """``send`` puts a payload of the named end on the wire at a time."""

    def send(self, at: float, sender: str, payload: bytes) -> None: ...


class Recording:
    def __init__(self, start: str, *interfaces: Interface, unit_ns: int = 1000) -> None:
        """``start`` is UTC, ISO 8601; times are kept in multiples of ``unit_ns``."""
        self.interfaces = interfaces or (Interface(),)
        self._start_ns = int(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp()) * 10**9
        self._unit_ns = unit_ns
        self._records: list[Record] = []
        self._idents: Counter[str] = Counter()
        self._connections: list[TcpConnection] = []

    def time_ns(self, at: float) -> int:
        return self._start_ns + round(at * 1e9 / self._unit_ns) * self._unit_ns

    def ident(self, addr: str) -> int:
        """Return the host's next IPv4 identification."""
        self._idents[addr] += 1
        return (sum(packed(addr)) * 251 + self._idents[addr]) & 0xFFFF

    def packet(self, at: float, packet: bytes, *, on: Sequence[int] = (0,), lag: float = 40e-6) -> None:
        """Record an IP packet on each of the interfaces, ``lag`` s later on each further one."""
        for nth, interface in enumerate(on):
            self._records.append(Record(self.time_ns(at + nth * lag), interface, packet))

    def udp(
        self,
        at: float,
        src: Endpoint,
        dst: Endpoint,
        payload: bytes,
        *,
        on: Sequence[int] = (0,),
        mtu: int = 0,
    ) -> bytes:
        """Record a datagram, in fragments when it exceeds the MTU; return the whole IP packet for quoting."""
        whole = packets.udp(src, dst, payload, ident=self.ident(src[0]), flags=0 if mtu else 0x4000)
        parts = packets.fragments(whole, mtu) if mtu else [whole]
        for nth, part in enumerate(parts):
            self.packet(at + nth * 3 * MICROSECOND, part, on=on)
        return whole

    def connection(self, connection: "TcpConnection") -> None:
        self._connections.append(connection)

    def records(self) -> list[Record]:
        """Return everything recorded, ordered by time, then by order of generation."""
        for connection in self._connections:
            connection.flush()
        self._connections.clear()
        return sorted(self._records, key=lambda record: record.time_ns)


class UdpPath:
    """Datagrams between two ends; ``sent`` has the last IP packet of each, for ICMP to quote."""

    def __init__(
        self, recording: Recording, ends: Mapping[str, Endpoint], *, on: Sequence[int] = (0,), mtu: int = 0
    ) -> None:
        self.recording, self.ends, self.on, self.mtu = recording, dict(ends), on, mtu
        self.sent: dict[str, bytes] = {}

    def send(self, at: float, sender: str, payload: bytes) -> None:
        dst = self.ends[other(self.ends, sender)]
        self.sent[sender] = self.recording.udp(at, self.ends[sender], dst, payload, on=self.on, mtu=self.mtu)

    def refuse(self, at: float, sender: str, reporter: str) -> None:
        """Record an ICMP port unreachable for the sender's last datagram."""
        error = packets.port_unreachable(reporter, self.sent[sender], ident=self.recording.ident(reporter))
        self.recording.packet(at, error, on=self.on)


class _Event(NamedTuple):
    at: float
    sender: str
    payload: bytes
    cuts: Sequence[int]


class TcpConnection:
    """A TCP connection; ``cuts`` are the offsets at which a payload is split into segments."""

    def __init__(
        self, recording: Recording, ends: Mapping[str, Endpoint], *, opened: float, on: Sequence[int] = (0,)
    ) -> None:
        self.recording, self.ends, self.on = recording, dict(ends), on
        self.mss = 1440 if any(":" in addr for addr, _ in ends.values()) else 1460
        self._opened, self._closed, self._reset = opened, 0.0, (0.0, "")
        self._events: list[_Event] = []
        self._seq = {end: sum(packed(addr)) * 65537 + port for end, (addr, port) in ends.items()}
        recording.connection(self)

    def send(self, at: float, sender: str, payload: bytes, cuts: Sequence[int] = ()) -> None:
        self._events.append(_Event(at, sender, payload, cuts))

    def close(self, at: float) -> None:
        self._closed = at

    def reset(self, at: float, sender: str) -> None:
        self._reset = at, sender

    def flush(self) -> None:
        first, second = self.ends
        for nth, (sender, flags) in enumerate([(first, SYN), (second, SYN | ACK), (first, ACK)]):
            self._segment(self._opened + nth * 15 * MICROSECOND, sender, flags)
        for event in sorted(self._events, key=lambda event: event.at):
            self._data(event)
        if self._closed:
            for nth, sender in enumerate((first, second)):
                self._segment(self._closed + nth * 30 * MICROSECOND, sender, FIN | ACK)
            self._segment(self._closed + 60 * MICROSECOND, first, ACK)
        if self._reset[1]:
            self._segment(*self._reset, RST | ACK)

    def _data(self, event: _Event) -> None:
        cuts = list(event.cuts) or list(range(self.mss, len(event.payload), self.mss))
        starts = [0, *cuts]
        for nth, (start, end) in enumerate(zip(starts, [*cuts, len(event.payload)], strict=True)):
            part = event.payload[start:end]
            self._segment(event.at + nth * 4 * MICROSECOND, event.sender, PSH | ACK, part)
        self._segment(
            event.at + len(starts) * 4 * MICROSECOND + 5 * MICROSECOND,
            other(self.ends, event.sender),
            ACK,
        )

    def _segment(self, at: float, sender: str, flags: int, payload: bytes = b"") -> None:
        peer = other(self.ends, sender)
        ack = self._seq[peer] if flags & ACK else 0
        src, dst = self.ends[sender], self.ends[peer]
        ident = self.recording.ident(src[0])
        seq = self._seq[sender]
        packet = packets.tcp(src, dst, seq=seq, ack=ack, flags=flags, payload=payload, ident=ident)
        self.recording.packet(at, packet, on=self.on)
        self._seq[sender] += len(payload) + (1 if flags & (SYN | FIN) else 0)


class FramedPath:
    """Framed packets over TCP; every fifth is split, every seventh media packet shares a segment."""

    def __init__(self, connection: TcpConnection, framing: Framing) -> None:
        self.connection, self._framing = connection, framing
        self._waiting: dict[str, bytes] = {}
        self._sent = 0

    def send(self, at: float, sender: str, payload: bytes) -> None:
        self._sent += 1
        data = self._waiting.pop(sender, b"") + packed_for_tcp(payload, self._framing)
        if self._sent % 7 == 0 and len(payload) > LEAST_MEDIA and self._framing is not Framing.HEP:
            self._waiting[sender] = data
            return
        self.connection.send(at, sender, data, [len(data) // 2] if self._sent % 5 == 0 else [])


def other(ends: Mapping[str, Endpoint], sender: str) -> str:
    """Return the name of the end that did not send."""
    return next(end for end in ends if end != sender)
