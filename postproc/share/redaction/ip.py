"""IP headers taken apart and put together, and checksums (RFC 791, RFC 8200, RFC 1071)."""

import struct
from dataclasses import dataclass

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
LARGEST = 65535
NO_OPERATION = b"\x01"


@dataclass(frozen=True, slots=True)
class Packet:
    """An IP packet as far as it was captured; ``trailer`` is what follows it in the frame.

    ``head`` has the header and all extension headers, ``protocol`` is what ``payload`` is;
    ``missing`` bytes of it were not captured.
    """

    version: int
    head: bytes
    source: bytes
    destination: bytes
    protocol: int
    payload: bytes
    missing: int
    trailer: int
    fragment: tuple[bytes, int, bool] | None = None  # datagram's key, offset, more to come


def parse(data: bytes) -> Packet | None:
    """The IP packet at the start of the data; None where its header is not there or not sound."""
    if len(data) >= 20 and data[0] >> 4 == 4:
        return _ipv4(data)
    return _ipv6(data) if len(data) >= 40 and data[0] >> 4 == 6 else None


def _ipv4(data: bytes) -> Packet | None:
    size, length = (data[0] & 15) * 4, int.from_bytes(data[2:4])
    length = length or len(data)  # segmentation left to the network card
    if size < 20 or size > len(data) or length < size:
        return None
    flags = int.from_bytes(data[6:8])
    key = data[4:6] + data[9:10] + data[12:20]
    part = (key, (flags & 0x1FFF) * 8, bool(flags & 0x2000)) if flags & 0x3FFF else None
    payload = data[size:length]
    return Packet(
        4, data[:size], data[12:16], data[16:20], data[9], payload,
        length - size - len(payload), max(len(data) - length, 0), part,
    )  # fmt: skip


def _ipv6(data: bytes) -> Packet | None:
    length = int.from_bytes(data[4:6]) or len(data) - 40
    end, at, protocol = min(40 + length, len(data)), 40, data[6]
    part = None
    while protocol in (HOP_BY_HOP, ROUTING, DESTINATION, FRAGMENT) and at + 8 <= end:
        size = 8 if protocol == FRAGMENT else 8 * (data[at + 1] + 1)
        if at + size > end:
            return None
        if protocol == FRAGMENT:
            flags = int.from_bytes(data[at + 2 : at + 4])
            key = data[8:40] + data[at + 4 : at + 8] + data[at : at + 1]
            part = (key, flags & 0xFFF8, bool(flags & 1)) if flags & 0xFFF9 else None
        protocol, at = data[at], at + size
    return Packet(
        6, data[:at], data[8:24], data[24:40], protocol, data[at:end],
        40 + length - end, max(len(data) - 40 - length, 0), part,
    )  # fmt: skip


def header(packet: Packet, source: bytes, destination: bytes) -> bytes:
    """The headers with other addresses; options are made void."""
    if packet.version == 6:
        return packet.head[:8] + source + destination + _extensions(packet)
    options = NO_OPERATION * (len(packet.head) - 20)
    new = packet.head[:10] + b"\0\0" + source + destination + options
    return new[:10] + struct.pack(">H", checksum(new)) + new[12:]


def _extensions(packet: Packet) -> bytes:
    """Fragment headers stay, the others get padding for options (RFC 8200, section 4.2)."""
    extensions, at, protocol, new = packet.head[40:], 0, packet.head[6], b""
    while at + 8 <= len(extensions):
        length = 8 if protocol == FRAGMENT else 8 * (extensions[at + 1] + 1)
        kept = {FRAGMENT: 8, ROUTING: 4}.get(protocol, 2)
        new += extensions[at : at + kept] + bytes(length - kept)
        protocol, at = extensions[at], at + length
    return new


def checksum(data: bytes) -> int:
    """Internet checksum (RFC 1071)."""
    data += bytes(len(data) & 1)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def sealed(segment: bytes, at: int, source: bytes, destination: bytes, protocol: int) -> bytes:
    """The segment with its checksum at ``at`` set right."""
    blank = segment[:at] + b"\0\0" + segment[at + 2 :]
    pseudo = source + destination + struct.pack(">II", len(segment), protocol)
    found = checksum(pseudo + blank) or (LARGEST if protocol == UDP else 0)
    return segment[:at] + struct.pack(">H", found) + segment[at + 2 :]
