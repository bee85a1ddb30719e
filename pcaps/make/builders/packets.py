"""IP packets with correct lengths and checksums."""

from dataclasses import replace

from postproc.wire import ip as wire
from postproc.wire.ip import DONT_FRAGMENT, ICMP, ICMPV6, TCP, UDP, Packet, packed
from postproc.wire.transport import (
    MAXIMUM_SEGMENT,
    NO_OPERATION,
    SYN,
    WINDOW_SCALE,
    Datagram,
    Option,
    Segment,
)

Endpoint = tuple[str, int]

SYN_OPTIONS = (Option(MAXIMUM_SEGMENT, b"\x05\xb4"), Option(NO_OPERATION), Option(WINDOW_SCALE, b"\x07"))
QUOTED = {ICMP: 548, ICMPV6: 1232}  # bytes: RFC 1812, section 4.3.2.3; RFC 4443, section 2.4


def ip(
    src: str,
    dst: str,
    protocol: int,
    data: bytes,
    *,
    ident: int = 0,
    flags: int = DONT_FRAGMENT,
    ttl: int = 64,
) -> bytes:
    """Return an IP packet; the checksum of the UDP, TCP or ICMPv6 message in it is set."""
    source, destination = packed(src), packed(dst)
    data = wire.sealed(data, protocol, source, destination) if protocol in wire.CHECKSUM_AT else data
    return bytes(Packet(source, destination, protocol, data, ttl, identification=ident, flags=flags))


def udp(
    src: Endpoint, dst: Endpoint, payload: bytes, *, ident: int = 0, flags: int = DONT_FRAGMENT, ttl: int = 64
) -> bytes:
    data = bytes(Datagram(src[1], dst[1], payload))
    return ip(src[0], dst[0], UDP, data, ident=ident, flags=flags, ttl=ttl)


def tcp(
    src: Endpoint, dst: Endpoint, *, seq: int, ack: int, flags: int, payload: bytes = b"", ident: int = 0
) -> bytes:
    window, options = (64240, SYN_OPTIONS) if flags & SYN else (502, ())
    segment = Segment(src[1], dst[1], seq, ack, flags, payload, window, options)
    return ip(src[0], dst[0], TCP, bytes(segment), ident=ident)


def port_unreachable(reporter: str, packet: bytes, *, ident: int = 0) -> bytes:
    """Return an ICMP error that quotes a packet, addressed to its sender."""
    victim = wire.written(wire.parse(packet).source)
    protocol = ICMPV6 if ":" in victim else ICMP
    error = wire.port_unreachable(packet, QUOTED[protocol])
    return ip(reporter, victim, protocol, bytes(error), ident=ident, flags=0)


def fragments(packet: bytes, mtu: int) -> list[bytes]:
    """Split a packet into fragments for an MTU."""
    return [bytes(replace(part, checksum=None)) for part in wire.fragments(wire.parse(packet), mtu)]
