"""Wrap the IP packets of a capture in tunnels, with all outer headers."""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pcaps.make.builders import packets
from pcaps.make.builders.links import Interface, frame
from postproc.wire import ip as wire
from postproc.wire.hep import RTP, SIP, Copy
from postproc.wire.transport import UDP_HEADER

OUTER, OUTER_6 = ("192.0.2.1", "192.0.2.2"), ("2001:db8:ffff::1", "2001:db8:ffff::2")
ETHERNET, PPP, PPP_HDLC, RAW, WLAN, RADIOTAP, PPI, UNKNOWN_LINK = 1, 9, 50, 101, 105, 127, 192, 147
NETWORK_AT = {0: 4, 1: 14, 101: 0, 113: 16, 276: 20}  # link type: size of its header, without VLANs


class Tunnel(NamedTuple):
    """A function that wraps an IP packet, and the link type of the result."""

    link: int
    wrap: Callable[[bytes], bytes]


def wrapped(capture: bytes, tunnel: Tunnel) -> bytes:
    """Convert a little-endian pcapng to a nanosecond pcap with every IP packet in the tunnel."""
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, tunnel.link)]
    for nanoseconds, packet in ip_packets(capture):
        data = tunnel.wrap(packet)
        out.append(struct.pack("<IIII", *divmod(nanoseconds, 10**9), len(data), len(data)) + data)
    return b"".join(out)


def ip_packets(capture: bytes) -> Iterator[tuple[int, bytes]]:
    interfaces: list[tuple[int, int]] = []  # link type, nanoseconds a tick
    at = 0
    while at < len(capture):
        kind, size = struct.unpack_from("<II", capture, at)
        body = capture[at + 8 : at + size - 4]
        if kind == 1:
            interfaces.append((struct.unpack_from("<H", body)[0], 10 ** (9 - _digits(body[8:]))))
        elif kind == 6:
            number, high, low, captured, _ = struct.unpack_from("<IIIII", body)
            link, tick = interfaces[number]
            packet = body[20 + NETWORK_AT[link] : 20 + captured]
            if packet[0] >> 4 in (4, 6):  # others are ARP
                yield (high << 32 | low) * tick, packet
        at += size


def _digits(options: bytes) -> int:
    at = 0
    while at + 4 <= len(options):
        code, size = struct.unpack_from("<HH", options, at)
        if code == 9:
            return options[at + 4]
        at += 4 + size + -size % 4
    return 6


def hep(packet: bytes, time: int | None = None) -> bytes:
    """Return the HEPv3 copy of an IP packet's UDP or TCP payload, as an agent sends it to Homer."""
    inner = wire.parse(packet)
    head = UDP_HEADER if inner.protocol == wire.UDP else (inner.payload[12] >> 4) * 4
    source, destination = (int.from_bytes(inner.payload[at : at + 2]) for at in (0, 2))
    payload = inner.payload[head:]
    kind = RTP if payload[:1] and payload[0] >> 6 == 2 else SIP
    copy = Copy(inner.source, source, inner.destination, destination, inner.protocol, kind, payload, time)
    return bytes(copy)


def ethernet(packet: bytes, *vlans: int) -> bytes:
    return frame(Interface(vlans=tuple((0x8100, vlan) for vlan in vlans)), packet)


def _mac_header(kind: int) -> bytes:
    return bytes.fromhex("020000000002020000000001") + kind.to_bytes(2)


def ip(protocol: int, data: bytes) -> bytes:
    return packets.ip(*OUTER, protocol, data)


def ip6(protocol: int, data: bytes) -> bytes:
    return packets.ip(*OUTER_6, protocol, data)


def udp(port: int, data: bytes) -> bytes:
    return packets.udp((OUTER[0], 50000), (OUTER[1], port), data)


def _kind(packet: bytes) -> int:
    return 0x86DD if packet[0] >> 4 == 6 else 0x0800


def _in_ip(packet: bytes) -> int:
    return 41 if packet[0] >> 4 == 6 else 4


def gre(kind: int, data: bytes, *, key: bool = False, sequence: bool = False) -> bytes:
    flags = 0x2000 * key | 0x1000 * sequence
    return struct.pack(">HH", flags, kind) + b"\0\0\0\7" * key + b"\0\0\0\1" * sequence + data


def pptp(packet: bytes) -> bytes:
    data = ppp(packet)
    return struct.pack(">HHHHII", 0x3081, 0x880B, len(data), 7, 1, 1) + data


def ppp(packet: bytes) -> bytes:
    return b"\xff\x03" + (0x57 if packet[0] >> 4 == 6 else 0x21).to_bytes(2) + packet


def pppoe(packet: bytes) -> bytes:
    data = ppp(packet)[2:]
    return struct.pack(">BBHH", 0x11, 0, 7, len(data)) + data


def mpls(data: bytes, *labels: int) -> bytes:
    entries = (label << 12 | (place == len(labels) - 1) << 8 | 64 for place, label in enumerate(labels))
    return b"".join(entry.to_bytes(4) for entry in entries) + data


def vxlan(data: bytes) -> bytes:
    return struct.pack(">II", 0x08000000, 7 << 8) + data


def geneve(kind: int, data: bytes, options: bytes = b"") -> bytes:
    return struct.pack(">BBHI", len(options) // 4, 0, kind, 7 << 8) + options + data


def gtp_u(packet: bytes, *, extended: bool = False) -> bytes:
    """Return GTP-U; ``extended`` adds a PDU session container (type 0x85), as in 5G."""
    more = bytes.fromhex("00000085") + bytes.fromhex("01100900") if extended else b""
    return struct.pack(">BBHI", 0x30 | 4 * extended, 0xFF, len(packet) + len(more), 7) + more + packet


def tzsp(protocol: int, data: bytes) -> bytes:
    return struct.pack(">BBHB", 1, 0, protocol, 0) + b"\x0a\x01\xc0" + b"\x01" + data


def wlan(packet: bytes, *, four_addresses: bool = False, quality: bool = True) -> bytes:
    control = bytes([0x88 if quality else 0x08, 3 if four_addresses else 2])
    addresses = bytes.fromhex("020000000001020000000002020000000003")
    head = control + bytes(2) + addresses + bytes(2)
    head += bytes.fromhex("020000000004") * four_addresses + bytes(2) * quality
    return head + b"\xaa\xaa\x03\0\0\0" + _kind(packet).to_bytes(2) + packet


def radiotap(data: bytes, *, clock: bool = False) -> bytes:
    """Return radiotap with flags and rate, as most drivers write; ``clock`` adds eight bytes before them."""
    fields = bytes(8) * clock + b"\0\x04"
    return struct.pack("<BBHI", 0, 0, 8 + len(fields), 0x06 | clock) + fields + data


def padded_radiotap(packet: bytes) -> bytes:
    """Pad the 802.11 header to a multiple of four, which a flag announces."""
    inside = wlan(packet)
    return struct.pack("<BBHIBB", 0, 0, 10, 0x06, 0x20, 4) + inside[:26] + bytes(2) + inside[26:]


def erspan_2(data: bytes) -> bytes:
    return gre(0x88BE, struct.pack(">HHI", 0x1007, 1, 0) + data, sequence=True)


def erspan_3(data: bytes, *, platform: bool = False) -> bytes:
    head = struct.pack(">HHIHH", 0x2007, 1, 0, 0, platform)
    return gre(0x22EB, head + bytes(8) * platform + data, sequence=True)


TUNNELS = {
    "4in4, 6in4": Tunnel(ETHERNET, lambda p: ethernet(ip(_in_ip(p), p))),
    "4in6": Tunnel(ETHERNET, lambda p: ethernet(ip6(_in_ip(p), p))),
    "GRE": Tunnel(ETHERNET, lambda p: ethernet(ip(47, gre(_kind(p), p)))),
    "GRE with key and number over IPv6": Tunnel(
        RAW, lambda p: ip6(47, gre(_kind(p), p, key=True, sequence=True))
    ),
    "GRE-Ethernet": Tunnel(ETHERNET, lambda p: ethernet(ip(47, gre(0x6558, ethernet(p, 7), key=True)))),
    "PPTP": Tunnel(RAW, lambda p: ip(47, pptp(p))),
    "ERSPAN I": Tunnel(ETHERNET, lambda p: ethernet(ip(47, gre(0x88BE, ethernet(p))))),
    "ERSPAN II": Tunnel(ETHERNET, lambda p: ethernet(ip(47, erspan_2(ethernet(p, 7))))),
    "ERSPAN III": Tunnel(ETHERNET, lambda p: ethernet(ip(47, erspan_3(ethernet(p))))),
    "ERSPAN III with a platform header": Tunnel(RAW, lambda p: ip(47, erspan_3(ethernet(p), platform=True))),
    "VXLAN": Tunnel(ETHERNET, lambda p: ethernet(udp(4789, vxlan(ethernet(p))))),
    "VXLAN as Linux had it": Tunnel(ETHERNET, lambda p: ethernet(udp(8472, vxlan(ethernet(p, 7, 8))))),
    "Geneve": Tunnel(ETHERNET, lambda p: ethernet(udp(6081, geneve(0x6558, ethernet(p), bytes(8))))),
    "Geneve with IP": Tunnel(ETHERNET, lambda p: ethernet(udp(6081, geneve(_kind(p), p)))),
    "GTP-U": Tunnel(ETHERNET, lambda p: ethernet(udp(2152, gtp_u(p)))),
    "GTP-U of 5G": Tunnel(RAW, lambda p: udp(2152, gtp_u(p, extended=True))),
    "TZSP": Tunnel(ETHERNET, lambda p: ethernet(udp(37008, tzsp(1, ethernet(p))))),
    "TZSP with 802.11": Tunnel(ETHERNET, lambda p: ethernet(udp(37008, tzsp(18, wlan(p))))),
    "MPLS": Tunnel(ETHERNET, lambda p: _mac_header(0x8847) + mpls(p, 16, 17)),
    "MPLS pseudo-wire": Tunnel(ETHERNET, lambda p: _mac_header(0x8847) + mpls(bytes(4) + ethernet(p), 16)),
    "MPLS pseudo-wire without control word": Tunnel(
        ETHERNET, lambda p: _mac_header(0x8847) + mpls(ethernet(p), 16, 17)
    ),
    "PPPoE": Tunnel(ETHERNET, lambda p: _mac_header(0x8864) + pppoe(p)),
    "PPPoE in a VLAN": Tunnel(ETHERNET, lambda p: _mac_header(0x8100) + b"\0\7\x88\x64" + pppoe(p)),
    "PPP": Tunnel(PPP, ppp),
    "PPP without address": Tunnel(PPP, lambda p: ppp(p)[2:]),
    "PPP in HDLC": Tunnel(PPP_HDLC, ppp),
    "802.11": Tunnel(WLAN, wlan),
    "802.11 with radiotap": Tunnel(RADIOTAP, lambda p: radiotap(wlan(p, quality=False))),
    "802.11 with four addresses": Tunnel(
        RADIOTAP, lambda p: radiotap(wlan(p, four_addresses=True), clock=True)
    ),
    "802.11 with padding": Tunnel(RADIOTAP, padded_radiotap),
    "802.11 in PPI": Tunnel(PPI, lambda p: struct.pack("<BBHI", 0, 0, 8, 105) + wlan(p)),
    "VXLAN in GRE in MPLS in a VLAN": Tunnel(
        ETHERNET,
        lambda p: (
            _mac_header(0x8100)
            + b"\0\7\x88\x47"
            + mpls(ip(47, gre(0x0800, udp(4789, vxlan(ethernet(p, 7))))), 16)
        ),
    ),
}
UNKNOWN = {
    "ESP 1": Tunnel(
        ETHERNET, lambda p: ethernet(ip(50, bytes(4) + b"\0\0\0\1" + bytes(x ^ 0x5A for x in p)))
    ),
    "ethertype 0x88b5 1": Tunnel(ETHERNET, lambda p: _mac_header(0x88B5) + p),
    "IP protocol 253 1": Tunnel(ETHERNET, lambda p: ethernet(ip(253, p))),
    "link type 147 1": Tunnel(UNKNOWN_LINK, lambda p: p),
}
