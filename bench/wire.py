"""IPv4 packets of one host on two interfaces: UDP, TCP and ICMP.

Checksums of UDP and TCP are zero, as where the network card fills them in.
"""

import struct
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

LOOPBACK, ETHERNET = 0, 1
ICMP, TCP, UDP = 1, 6, 17
SYN, PUSH, ACK = 0x02, 0x08, 0x10
IP_LENGTH, UDP_LENGTH, TCP_LENGTH = 20, 8, 20
DELIVERY = 20e-6  # seconds until the receiver's kernel acknowledges


class Endpoint(NamedTuple):
    addr: str
    port: int


class Packet(NamedTuple):
    """An IP packet and where it was seen."""

    time: float
    interface: int
    data: bytes


def packed_address(addr: str) -> bytes:
    return bytes(map(int, addr.split(".")))


def interface_of(addr: str) -> int:
    return LOOPBACK if addr.startswith("127.") else ETHERNET


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    even = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(even) // 2}H", even))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(protocol: int, src: str, dst: str, payload: bytes, identification: int = 0) -> bytes:
    length = IP_LENGTH + len(payload)
    start = struct.pack(">BBHHHBB", 0x45, 0, length, identification, 0x4000, 64, protocol)
    end = packed_address(src) + packed_address(dst)
    return start + struct.pack(">H", checksum(start + end)) + end + payload


def udp_segment(src: Endpoint, dst: Endpoint, payload: bytes) -> bytes:
    return struct.pack(">HHHH", src.port, dst.port, UDP_LENGTH + len(payload), 0) + payload


def tcp_segment(src: Endpoint, dst: Endpoint, sequence: int, acknowledged: int, flags: int) -> bytes:
    return struct.pack(">HHIIBBHHH", src.port, dst.port, sequence, acknowledged, 0x50, flags, 65535, 0, 0)


class Wire:
    """Records packets of the watched host, each with the next IPv4 identification."""

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
        """``dst`` says that nobody listens there: ICMP type 3, code 3, quoting the datagram (RFC 792)."""
        quoted = ipv4(UDP, src.addr, dst.addr, udp_segment(src, dst, payload))
        body = struct.pack(">I", 0) + quoted
        message = struct.pack(">BBH", 3, 3, checksum(b"\3\3\0\0" + body)) + body
        self.ip(time, ICMP, dst.addr, src.addr, message)


class Write(NamedTuple):
    """What an endpoint writes into the connection: one segment per piece."""

    time: float
    sender: Endpoint
    pieces: Sequence[bytes]


class Connection:
    """One TCP connection; its writes must come in order of time."""

    def __init__(self, wire: Wire, client: Endpoint, server: Endpoint) -> None:
        self._wire = wire
        self._other = {client: server, server: client}
        self._sequence = {client: 1000, server: 5000}
        self._free = 0.0  # when the last segment is through

    def open(self, time: float) -> None:
        client, server = self._other
        self._segment(time, client, SYN)
        self._segment(time + DELIVERY, server, SYN | ACK)
        self._segment(time + 2 * DELIVERY, client, ACK)

    def write(self, write: Write) -> None:
        time = max(write.time, self._free)
        for piece in write.pieces:
            self._segment(time, write.sender, PUSH | ACK, piece)
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
