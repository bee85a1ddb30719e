"""Redact headers from the link layer through tunnels to IP, parsed as in postproc.read.layers.

The type and position of the next header stay; hardware addresses get pseudonyms. Everything else that names
a network, a sensor or a session (tunnel identifiers, options, tags, radio measurements) is zeroed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from postproc.read import layers
from postproc.read.arrays import PAD
from postproc.read.layers import IN_IP, IN_UDP, IP_PROTOCOL, IPV4, IPV6, LINK, UDP_TUNNEL, UNCLEAR
from postproc.wire import MalformedError, ip
from postproc.wire.ip import UDP, Packet

DEEPEST = 24  # nested IP packets, and headers between two of them; a choice against hostile input
UDP_HEADER = 8
TAGS = (layers.VLAN, layers.QINQ, layers.OLD_QINQ, layers.PPPOE)
MAC = 6

Mac = Callable[[bytes], bytes]
Rule = Callable[[bytes, Mac], bytes]


class Headers(NamedTuple):
    """Parsed headers with their kinds (postproc.read.layers), the next kind, and the remaining bytes."""

    opened: tuple[tuple[int, bytes], ...]
    kind: int
    rest: bytes

    @property
    def written(self) -> bytes:
        return b"".join(header for _, header in self.opened)

    @property
    def proven(self) -> "Headers":
        """The headers up to the first that could be arbitrary text; for headers with no packet after them."""
        count = next((n for n, each in enumerate(self.opened) if not _proves_itself(*each)), len(self.opened))
        proven = Headers(self.opened[:count], UNCLEAR, b"")
        return proven._replace(rest=(self.written + self.rest)[len(proven.written) :])

    def redacted(self, mac: Mac) -> bytes:
        """Return the redacted headers; a GRE checksum is not yet set."""
        return b"".join(
            RULES[kind](header, mac).ljust(len(header), b"\0")[: len(header)] for kind, header in self.opened
        )


def _proves_itself(kind: int, header: bytes) -> bool:
    """Whether a header is certain by itself: the capture's link type, a tag, PPPoE's version, SNAP."""
    if kind == layers.LLC:
        return int.from_bytes(header[:2]) == layers.SNAP
    return kind in TAGS or (LINK <= kind < layers.PPP_PROTOCOL and kind != LINK + 219)


def opened(kind: int, data: bytes) -> Headers:
    """Parse a header of this kind and all after it up to IP, or as far as they are understood."""
    padded = np.frombuffer(data + bytes(PAD), np.uint8)
    headers: list[tuple[int, bytes]] = []
    at = 0
    for _ in range(DEEPEST):
        if kind not in RULES:
            break
        kinds, places = layers.OPENERS[kind](padded, np.array([at]))
        following, end = int(kinds[0]), int(places[0])
        if following == UNCLEAR or not at <= end <= len(data):
            return Headers(tuple(headers), UNCLEAR, data[at:])
        headers.append((kind, data[at:end]))
        kind, at = following, end
    return Headers(tuple(headers), kind, data[at:])


def link_headers(link_type: int, data: bytes) -> Headers:
    """Return the link-layer headers of a packet."""
    return opened(LINK + link_type, data)


def packet_behind(headers: Headers, outside: Packet | None = None) -> Packet | None:
    """Return the IP packet after headers, or the rest of ``outside`` after an extension header; or None."""
    if outside and IP_PROTOCOL <= headers.kind < UDP_TUNNEL:
        return replace(outside, protocol=headers.kind - IP_PROTOCOL, payload=headers.rest)
    if headers.kind not in (IPV4, IPV6):
        return None
    try:
        return ip.parse(headers.rest)
    except MalformedError:
        return None


def in_packet(packet: Packet) -> Headers | None:
    """Return the headers of the tunnel in an IP packet; None if there is none."""
    if packet.fragment:
        return None
    if packet.protocol in IN_IP:
        return opened(IN_IP[packet.protocol], packet.payload)
    if packet.protocol == UDP and len(packet.payload) > UDP_HEADER:
        return in_datagram(int.from_bytes(packet.payload[2:4]), packet.payload[UDP_HEADER:])
    return None


def in_datagram(port: int, payload: bytes) -> Headers | None:
    """Return the headers of the tunnel in a datagram to this port; None if it is no tunnel after all."""
    if port not in IN_UDP:
        return None
    headers = opened(UDP_TUNNEL + port, payload)
    return None if headers.kind == UNCLEAR else headers


def nested(link_type: int, data: bytes) -> Iterator[tuple[bytes, Packet]]:
    """Yield the nested IP packets from the outside in, each with the headers before it."""
    headers, packet = link_headers(link_type, data), None
    for _ in range(DEEPEST):
        packet = packet_behind(headers, packet)
        if packet is None:
            return
        yield headers.written, packet
        inner = in_packet(packet)
        if inner is None:
            return
        headers = inner


def with_checksums(headers: Headers, data: bytes) -> bytes:
    """Set the GRE checksum in redacted headers and payload (RFC 2784)."""
    if headers.opened and headers.opened[0][0] == IP_PROTOCOL + layers.GRE and data[0] & 0x80:
        total = ip.checksum(data[:4] + bytes(2) + data[6:])
        return data[:4] + total.to_bytes(2) + data[6:]
    return data


def _whole(header: bytes, _: Mac) -> bytes:
    return header


def _spans(*kept: tuple[int, int]) -> Rule:
    """Return a rule that keeps these byte ranges and zeros the others."""

    def rule(header: bytes, _: Mac) -> bytes:
        new = bytearray(len(header))
        for start, end in kept:
            new[start:end] = header[start:end]
        return bytes(new)

    return rule


def _with_macs(header: bytes, mac: Mac, *places: int) -> bytes:
    for at in places:
        header = header[:at] + mac(header[at : at + MAC]) + header[at + MAC :]
    return header


def _ethernet(header: bytes, mac: Mac) -> bytes:
    return _with_macs(header, mac, 0, MAC)


def _cooked(header: bytes, mac: Mac) -> bytes:
    """Redact the address in Linux cooked capture: up to eight bytes, its length before it (SLL, SLL2)."""
    at, size = (6, int.from_bytes(header[4:6])) if len(header) == 16 else (12, header[11])
    addr = mac(header[at : at + MAC]) if size == MAC else b""
    return header[:at] + addr.ljust(8, b"\0") + header[at + 8 :]


def _wlan(header: bytes, mac: Mac) -> bytes:
    """Redact an IEEE 802.11 header (section 9.3.2), and the first subframe header of an A-MSDU."""
    control, flags = header[0], header[1]
    quality, ordered, fourth = bool(control & 0x80), bool(flags & 0x80), flags & 3 == 3
    size = 24 + MAC * fourth + 2 * quality + 4 * (quality and ordered)
    new = _with_macs(header[:size], mac, 4, 10, 16, *([24] if fourth else ()))
    subframe = header[size : size + 14]
    return new + _with_macs(subframe, mac, 0, MAC) if len(subframe) == 14 else new


def _radiotap(header: bytes, _: Mac) -> bytes:
    """Keep the bitmap of fields and the flags, which say how the 802.11 header is padded."""
    header, at = header.ljust(8, b"\0"), 8  # its length may be anything
    while header[at - 1] & 0x80 and at + 4 <= len(header):
        at += 4
    flags = (at + 7) // 8 * 8 + 8 if header[4] & 1 else at
    new = header[:at] + bytes(len(header) - at)
    return new[:flags] + header[flags : flags + 1] + new[flags + 1 :] if header[4] & 2 else new


def _ppi(header: bytes, _: Mac) -> bytes:
    """Keep the types and lengths of PPI fields."""
    new, at = header[:8], 8
    while at + 4 <= len(header):
        size = int.from_bytes(header[at + 2 : at + 4], "little")
        new += header[at : at + 4] + bytes(size)
        at += 4 + size
    return new


def _gre(header: bytes, _: Mac) -> bytes:
    """Keep flags and sequence numbers; for PPTP (version 1) also payload length and call ID."""
    spans = [(0, 4)]
    at = 4 + 4 * bool(header[0] & 0xC0)
    if header[0] & 0x20:
        spans += [(at, at + 4)] * (header[1] & 7 == 1)
        at += 4
    return _spans(*spans, (at, len(header)))(header, _)


def _gtp_u(header: bytes, _: Mac) -> bytes:
    """Keep length (in 4-byte units) and next type of GTP-U extensions (3GPP TS 29.281, section 5.2)."""
    spans = [(0, 4), (11, 12)]
    at = 12
    while at < len(header):
        size = 4 * max(header[at], 1)
        spans += [(at, at + 1), (at + size - 1, at + size)]
        at += size
    return _spans(*spans)(header, _)


def _tzsp(header: bytes, _: Mac) -> bytes:
    """Keep the kinds and lengths of TZSP tags."""
    new, at = header[:4], 4
    while at < len(header):
        alone = header[at] <= 1 or at + 1 == len(header)
        size = 0 if alone else header[at + 1]
        new += header[at : at + (1 if alone else 2)] + bytes(size)
        at += size + (1 if alone else 2)
    return new


RULES: Mapping[int, Rule] = {
    **dict.fromkeys(
        (LINK + number for number in (0, 9, 12, 14, 50, 51, 101, 104, 108, 204, 219, 228, 229)), _whole
    ),
    **dict.fromkeys((layers.LLC, layers.VLAN, layers.QINQ, layers.OLD_QINQ, layers.PPPOE), _whole),
    **dict.fromkeys((layers.MPLS, layers.MPLS_MULTICAST, IP_PROTOCOL + layers.ETHER_IP), _whole),
    **dict.fromkeys((layers.ETHERNET, layers.BRIDGED), _ethernet),
    **dict.fromkeys((LINK + 113, LINK + 276), _cooked),
    **dict.fromkeys((layers.WLAN, layers.WLAN_PADDED), _wlan),
    layers.RADIOTAP: _radiotap,
    LINK + 119: _spans((0, 8)),  # Prism: the name of the radio follows the length
    LINK + 192: _ppi,
    layers.ERSPAN: _spans((0, 4)),
    layers.ERSPAN_3: _spans((0, 4), (10, 12)),
    IP_PROTOCOL + layers.GRE: _gre,
    IP_PROTOCOL + layers.AH: _spans((0, 4), (8, 12)),
    **{IP_PROTOCOL + number: _spans((0, 2)) for number in layers.EXTENSIONS},
    **dict.fromkeys((UDP_TUNNEL + layers.VXLAN, UDP_TUNNEL + layers.OTV), _spans((0, 1))),
    UDP_TUNNEL + layers.VXLAN_GPE: _spans((0, 1), (3, 4)),
    UDP_TUNNEL + layers.GENEVE: _spans((0, 4)),
    UDP_TUNNEL + layers.GTP_U: _gtp_u,
    UDP_TUNNEL + layers.TZSP: _tzsp,
}
