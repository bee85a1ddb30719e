"""IP (RFC 791, RFC 8200) with fragments and extension headers, its checksum (RFC 1071), and ICMP.

A packet contains what was captured of it: ``missing`` bytes of its payload are absent, ``trailer`` is what
follows it in the frame (Ethernet padding). A length or checksum of None is calculated when packing; a
value from the wire, right or wrong, is kept.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, inet_ntop
from typing import NamedTuple

from postproc.wire import MalformedError

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
EXTENSIONS = frozenset({HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION})
HEADER4, HEADER6, ICMP_HEADER = 20, 40, 8
LARGEST = 65535
DONT_FRAGMENT, MORE_FRAGMENTS = 0x4000, 0x2000  # of the 16 bits with the fragment's offset
# The messages that quote the packet they are about (RFC 792; RFC 4443, section 2.1: types below 128)
ERRORS = {ICMP: frozenset({3, 4, 5, 11, 12}), ICMPV6: frozenset({1, 2, 3, 4})}
PORT_UNREACHABLE = {ICMP: (3, 3), ICMPV6: (1, 4)}


class Endpoint(NamedTuple):
    addr: str
    port: int


class Extension(NamedTuple):
    """An extension header of IPv6: its type, and its bytes without the first, the next header."""

    kind: int
    data: bytes


class Fragment(NamedTuple):
    """``datagram`` is the same for all fragments of one datagram (RFC 791, section 3.2; RFC 8200, section
    4.5).
    """

    datagram: bytes
    offset: int
    more: bool


@dataclass(frozen=True, slots=True)
class Packet:
    """``service`` is the type of service or traffic class; ``flags`` IPv4's flags with the fragment
    offset.
    """

    source: bytes
    destination: bytes
    protocol: int
    payload: bytes
    hop_limit: int = 64
    service: int = 0
    identification: int = 0
    flags: int = DONT_FRAGMENT
    options: bytes = b""  # IPv4's
    flow_label: int = 0
    extensions: tuple[Extension, ...] = ()
    length: int | None = None  # as the header has it: 0 where the network card cuts into segments
    checksum: int | None = None
    missing: int = 0
    trailer: bytes = field(default=b"", repr=False)

    @property
    def version(self) -> int:
        return 6 if len(self.source) == 16 else 4

    @property
    def fragment(self) -> Fragment | None:
        """None for a complete datagram, including an atomic fragment (RFC 6946)."""
        if self.version == 4:
            place = self.flags
            key = self.identification.to_bytes(2) + bytes([self.protocol])
            offset, more = (place & 0x1FFF) * 8, bool(place & MORE_FRAGMENTS)
        else:
            data = next((each.data for each in self.extensions if each.kind == FRAGMENT), bytes(7))
            place, key = int.from_bytes(data[1:3]), data[3:7] + bytes([self.protocol])
            offset, more = place & 0xFFF8, bool(place & 1)
        return Fragment(key + self.source + self.destination, offset, more) if offset or more else None

    def __bytes__(self) -> bytes:
        head = self._header4() if self.version == 4 else self._header6()
        return head + self.payload + self.trailer

    def _header4(self) -> bytes:
        size = HEADER4 + len(self.options)
        length = size + len(self.payload) + self.missing if self.length is None else self.length
        start = struct.pack(
            ">BBHHHBB",
            0x40 | size // 4,
            self.service,
            length,
            self.identification,
            self.flags,
            self.hop_limit,
            self.protocol,
        )
        rest = self.source + self.destination + self.options
        total = checksum(start + rest) if self.checksum is None else self.checksum
        return start + total.to_bytes(2) + rest

    def _header6(self) -> bytes:
        following = [each.kind for each in self.extensions] + [self.protocol]
        chain = b"".join(
            bytes([kind]) + each.data for kind, each in zip(following[1:], self.extensions, strict=True)
        )
        length = len(chain) + len(self.payload) + self.missing if self.length is None else self.length
        first = 6 << 28 | self.service << 20 | self.flow_label
        head = struct.pack(">IHBB", first, length, following[0], self.hop_limit)
        return head + self.source + self.destination + chain


def parse(data: bytes) -> Packet:
    """Parse the packet at the start of the data, as far as captured."""
    version = data[0] >> 4 if data else 0
    if version == 4 and len(data) >= HEADER4:
        return _parse4(data)
    if version == 6 and len(data) >= HEADER6:
        return _parse6(data)
    raise MalformedError("no IP header")


def _parse4(data: bytes) -> Packet:
    first, service, length, identification, flags, hop_limit, protocol, total = struct.unpack_from(
        ">BBHHHBBH", data
    )
    size, end = (first & 15) * 4, length or len(data)
    if not HEADER4 <= size <= min(len(data), end):
        raise MalformedError("an IPv4 header longer than its packet")
    payload = data[size:end]
    return Packet(
        data[12:16],
        data[16:20],
        protocol,
        payload,
        hop_limit,
        service,
        identification,
        flags,
        data[20:size],
        length=None if length else 0,
        checksum=None if total == checksum(data[:10] + data[12:size]) else total,
        missing=end - size - len(payload),
        trailer=data[end:],
    )


def _parse6(data: bytes) -> Packet:
    first, length, protocol, hop_limit = struct.unpack_from(">IHBB", data)
    total = HEADER6 + (length or len(data) - HEADER6)
    end, at, extensions = min(total, len(data)), HEADER6, []
    while protocol in EXTENSIONS and at + 8 <= end:
        size = 8 if protocol == FRAGMENT else 8 * (data[at + 1] + 1)
        if at + size > end:
            raise MalformedError("an IPv6 extension header longer than its packet")
        extensions.append(Extension(protocol, data[at + 1 : at + size]))
        protocol, at = data[at], at + size
    return Packet(
        data[8:24],
        data[24:40],
        protocol,
        data[at:end],
        hop_limit,
        first >> 20 & 0xFF,
        flags=0,
        flow_label=first & 0xFFFFF,
        extensions=tuple(extensions),
        length=None if length else 0,
        missing=total - end,
        trailer=data[end:],
    )


def fragments(packet: Packet, mtu: int) -> Iterator[Packet]:
    """Split an IPv4 packet into fragments that fit the MTU (RFC 791, section 3.2)."""
    size = (mtu - HEADER4 - len(packet.options)) // 8 * 8
    if packet.version == 6 or HEADER4 + len(packet.options) + len(packet.payload) <= mtu:
        yield packet
        return
    for at in range(0, len(packet.payload), size):
        more = MORE_FRAGMENTS if at + size < len(packet.payload) else 0
        yield replace(packet, payload=packet.payload[at : at + size], flags=at // 8 | more)


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    data += bytes(len(data) & 1)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


CHECKSUM_AT = {UDP: 6, TCP: 16, ICMPV6: 2, ICMP: 2}


def sealed(segment: bytes, protocol: int, source: bytes, destination: bytes) -> bytes:
    """Return the segment with the correct checksum, including the pseudo-header (RFC 8200, section 8.1)."""
    at = CHECKSUM_AT[protocol]
    blank = segment[:at] + b"\0\0" + segment[at + 2 :]
    pseudo = b"" if protocol == ICMP else source + destination + struct.pack(">II", len(segment), protocol)
    total = checksum(pseudo + blank) or (LARGEST if protocol == UDP else 0)
    return segment[:at] + total.to_bytes(2) + segment[at + 2 :]


def packed(addr: str) -> bytes:
    return ip_address(addr).packed


def written(addr: bytes) -> str:
    return inet_ntop(AF_INET if len(addr) == 4 else AF_INET6, addr)


class IcmpMessage(NamedTuple):
    """``rest`` are the four bytes whose meaning depends on the type: an MTU, a pointer, an echo
    identifier.
    """

    protocol: int  # ICMP or ICMPV6
    kind: int
    code: int
    rest: bytes
    body: bytes
    checksum: int = 0

    @property
    def is_error(self) -> bool:
        return self.kind in ERRORS[self.protocol]

    def quoted(self) -> Packet:
        """Return the packet quoted by an error. Raises MalformedError if it quotes none."""
        if not self.is_error:
            raise MalformedError("no error")
        return parse(self.body)

    def __bytes__(self) -> bytes:
        return struct.pack(">BBH", self.kind, self.code, self.checksum) + self.rest + self.body


def parse_icmp(protocol: int, data: bytes) -> IcmpMessage:
    if len(data) < ICMP_HEADER:
        raise MalformedError("no ICMP header")
    kind, code, total = struct.unpack_from(">BBH", data)
    return IcmpMessage(protocol, kind, code, data[4:ICMP_HEADER], data[ICMP_HEADER:], total)


def port_unreachable(packet: bytes, most: int = LARGEST) -> IcmpMessage:
    """Return a port unreachable error (RFC 792; RFC 4443, section 3.1) that quotes at most ``most`` bytes."""
    protocol = ICMPV6 if packet[0] >> 4 == 6 else ICMP
    return IcmpMessage(protocol, *PORT_UNREACHABLE[protocol], bytes(4), packet[:most])
