"""IPv4 packets of one host on two interfaces: UDP, TCP and ICMP.

Checksums of UDP and TCP are zero, as with checksum offload.
"""

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from postproc.wire import ip
from postproc.wire.ip import ICMP, TCP, UDP, Endpoint, packed
from postproc.wire.transport import ACK, PSH, SYN, Datagram, Segment

LOOPBACK, ETHERNET = 0, 1
IP_LENGTH, UDP_LENGTH, TCP_LENGTH = ip.HEADER4, 8, 20
DELIVERY = 20e-6  # seconds until the receiver acknowledges


class Packet(NamedTuple):
    """An IP packet and its interface."""

    time: float
    interface: int
    data: bytes


def interface_of(addr: str) -> int:
    return LOOPBACK if addr.startswith("127.") else ETHERNET


def ipv4(protocol: int, src: str, dst: str, payload: bytes, identification: int = 0) -> bytes:
    return bytes(ip.Packet(packed(src), packed(dst), protocol, payload, identification=identification))


def udp_segment(src: Endpoint, dst: Endpoint, payload: bytes) -> bytes:
    return bytes(Datagram(src.port, dst.port, payload))


def tcp_segment(src: Endpoint, dst: Endpoint, sequence: int, acknowledged: int, flags: int) -> bytes:
    return bytes(Segment(src.port, dst.port, sequence, acknowledged, flags))


class Wire:
    """Record packets of the captured host, each with the next IPv4 identification."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self._identifications = count(1)

    def udp(self, time: float, src: Endpoint, dst: Endpoint, payload: bytes) -> None:
        self.ip(time, UDP, src.addr, dst.addr, udp_segment(src, dst, payload))

    def ip(self, time: float, protocol: int, src: str, dst: str, payload: bytes) -> None:
        identification = next(self._identifications) & 0xFFFF
        data = ipv4(protocol, src, dst, payload, identification)
        self.packets.append(Packet(time, interface_of(dst), data))

    def port_unreachable(self, time: float, src: Endpoint, dst: Endpoint, payload: bytes) -> None:
        """Record an ICMP port unreachable from ``dst`` for a datagram."""
        quoted = ipv4(UDP, src.addr, dst.addr, udp_segment(src, dst, payload))
        error = ip.sealed(bytes(ip.port_unreachable(quoted)), ICMP, packed(dst.addr), packed(src.addr))
        self.ip(time, ICMP, dst.addr, src.addr, error)


class Write(NamedTuple):
    """Data that an endpoint writes to the connection: one segment per piece."""

    time: float
    sender: Endpoint
    pieces: Sequence[bytes]


class Connection:
    """One TCP connection; its writes must come in order of time."""

    def __init__(self, wire: Wire, client: Endpoint, server: Endpoint) -> None:
        self._wire = wire
        self._other = {client: server, server: client}
        self._sequence = {client: 1000, server: 5000}
        self._free = 0.0  # time of the last segment's delivery

    def open(self, time: float) -> None:
        client, server = self._other
        self._segment(time, client, SYN)
        self._segment(time + DELIVERY, server, SYN | ACK)
        self._segment(time + 2 * DELIVERY, client, ACK)

    def write(self, write: Write) -> None:
        time = max(write.time, self._free)
        for piece in write.pieces:
            self._segment(time, write.sender, PSH | ACK, piece)
            time += DELIVERY
        self._segment(time, self._other[write.sender], ACK)
        self._free = time + DELIVERY

    def _segment(self, time: float, src: Endpoint, flags: int, payload: bytes = b"") -> None:
        dst = self._other[src]
        acknowledged = self._sequence[dst] if flags & ACK else 0
        header = tcp_segment(src, dst, self._sequence[src], acknowledged, flags)
        self._wire.ip(time, TCP, src.addr, dst.addr, header + payload)
        advance = len(payload) + (1 if flags & SYN else 0)
        self._sequence[src] = (self._sequence[src] + advance) & 0xFFFFFFFF
