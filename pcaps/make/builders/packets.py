"""IP packets with right lengths and checksums (RFC 791, 8200, 768, 9293, 792, 4443)."""

import ipaddress
import struct

Endpoint = tuple[str, int]

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
FIN, SYN, PSH, ACK = 0x01, 0x02, 0x08, 0x10
MORE_FRAGMENTS = 0x2000


def checksum(data: bytes) -> int:
    """Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data[: len(data) // 2 * 2]))
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(addr: str) -> bytes:
    return ipaddress.ip_address(addr).packed


def _pseudo_header(src: str, dst: str, protocol: int, length: int) -> bytes:
    if ":" in src:
        return packed(src) + packed(dst) + struct.pack(">IxxxB", length, protocol)
    return packed(src) + packed(dst) + struct.pack(">xBH", protocol, length)


def _sealed(src: str, dst: str, protocol: int, data: bytes, at: int) -> bytes:
    """Data with the transport checksum, pseudo header included, written at an offset."""
    total = checksum(_pseudo_header(src, dst, protocol, len(data)) + data)
    if protocol == UDP and total == 0:
        total = 0xFFFF
    return data[:at] + struct.pack(">H", total) + data[at + 2 :]


def ip(
    src: str, dst: str, protocol: int, data: bytes, *, ident: int = 0, flags: int = 0x4000, ttl: int = 64
) -> bytes:
    if ":" in src:
        return struct.pack(">IHBB", 6 << 28, len(data), protocol, ttl) + packed(src) + packed(dst) + data
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(data), ident, flags, ttl, protocol, 0)
    head += packed(src) + packed(dst)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + data


def udp(
    src: Endpoint, dst: Endpoint, payload: bytes, *, ident: int = 0, flags: int = 0x4000, ttl: int = 64
) -> bytes:
    data = struct.pack(">HHHH", src[1], dst[1], 8 + len(payload), 0) + payload
    return ip(src[0], dst[0], UDP, _sealed(src[0], dst[0], UDP, data, 6), ident=ident, flags=flags, ttl=ttl)


def tcp(
    src: Endpoint, dst: Endpoint, *, seq: int, ack: int, flags: int, payload: bytes = b"", ident: int = 0
) -> bytes:
    options = struct.pack(">BBHBBBB", 2, 4, 1460, 1, 3, 3, 7) if flags & SYN else b""
    offset, window = (20 + len(options)) << 10, 64240 if flags & SYN else 502
    head = struct.pack(">HHIIHHHH", src[1], dst[1], seq, ack, offset | flags, window, 0, 0)
    data = head + options + payload
    return ip(src[0], dst[0], TCP, _sealed(src[0], dst[0], TCP, data, 16), ident=ident)


def port_unreachable(reporter: str, packet: bytes, *, ident: int = 0) -> bytes:
    """The ICMP (RFC 792, type 3 code 3) or ICMPv6 (RFC 4443, type 1 code 4) error quoting a packet."""
    if packet[0] >> 4 == 6:
        victim = str(ipaddress.ip_address(packet[8:24]))
        data = struct.pack(">BBHI", 1, 4, 0, 0) + packet[:1232]
        return ip(reporter, victim, ICMPV6, _sealed(reporter, victim, ICMPV6, data, 2))
    victim = str(ipaddress.ip_address(packet[12:16]))
    data = struct.pack(">BBHI", 3, 3, 0, 0) + packet[:548]
    data = data[:2] + struct.pack(">H", checksum(data)) + data[4:]
    return ip(reporter, victim, ICMP, data, ident=ident, flags=0)


def fragments(packet: bytes, mtu: int) -> list[bytes]:
    """An IPv4 packet in as many fragments as the MTU demands (RFC 791, section 3.2)."""
    if packet[0] >> 4 == 6 or len(packet) <= mtu:
        return [packet]
    size = (mtu - 20) // 8 * 8
    src, dst = (str(ipaddress.ip_address(packet[i : i + 4])) for i in (12, 16))
    ident, data = struct.unpack(">H", packet[4:6])[0], packet[20:]
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    flags = [i * size // 8 | (MORE_FRAGMENTS if i < len(parts) - 1 else 0) for i in range(len(parts))]
    return [
        ip(src, dst, packet[9], part, ident=ident, flags=flag, ttl=packet[8])
        for part, flag in zip(parts, flags, strict=True)
    ]
