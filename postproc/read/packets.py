"""Parse the network and transport layers of a window of packets: the innermost IP header, UDP and TCP.

IPv4 (RFC 791) and IPv6 (RFC 8200) are parsed, also through tunnels (read.layers), down to UDP datagrams
(RFC 768) and TCP segments (RFC 9293). A first fragment is read as far as it goes; later ones and unknown
protocols become UNCLEAR and are counted.

Addresses, endpoints (address and port) and pairs of endpoints are compared by one 64-bit hash each, of
which two are equal for different values by chance only.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from postproc.read import layers
from postproc.read.arrays import Array, gather, places, structure, take
from postproc.read.container import Interface, Window
from postproc.read.layers import (
    DEEPEST,
    FOREIGN,
    IN_IP,
    IN_UDP,
    IP_PROTOCOL,
    IPV4,
    IPV6,
    UDP_TUNNEL,
    UNCLEAR,
    network_layer,
)

UDP, TCP, FRAGMENT = 17, 6, 44
# UDP, TCP, ICMP, IGMP, IPv6 no next header, ICMPv6, EIGRP, OSPF, PIM, VRRP, IS-IS, SCTP, RSVP: no tunnels
IN_SIGHT = (UDP, TCP, 1, 2, 59, 58, 88, 89, 103, 112, 124, 132, 46)
IPV4_HEADER = structure(
    "version_ihl u1, service u1, length >u2, id >u2, fragment >u2, ttl u1, protocol u1, "
    "checksum >u2, source >u4, destination >u4"
)
IPV6_HEADER = structure(
    "version u1, flow V3, length >u2, next u1, hops u1, source_high >u8, source >u8, "
    "destination_high >u8, destination >u8"
)
FRAGMENT_HEADER = structure("next u1, reserved u1, place >u2, id >u4")
Rows = Array | slice
MAPPED = 0xFFFF << 32  # an IPv4 address is kept as ::ffff:a.b.c.d
MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0xD6E8FEB86659FD93))
HALF = np.uint64(32)
UDP_HEADER = structure("source >u2, destination >u2, length >u2, checksum >u2, head V16")
UDP_SIZE = 8
HEAD = np.dtype("V16")
TCP_HEADER = structure(
    "source >u2, destination >u2, sequence >u4, acknowledged >u4, offset u1, flags u1, window >u2, "
    "checksum >u2, urgent >u2"
)
# Treatment by IP protocol, UNCLEAR and FOREIGN being the last two places.
LOOKED_AT, TUNNEL, UNKNOWN = range(3)
SIGHT = np.full(258, UNKNOWN, np.uint8)
SIGHT[[*IN_IP, FRAGMENT]] = TUNNEL
SIGHT[[*IN_SIGHT, UNCLEAR, FOREIGN]] = LOOKED_AT
IS_TUNNEL_PORT = np.zeros(1 << 16, bool)
IS_TUNNEL_PORT[list(IN_UDP)] = True
# ns within which the fragments of a datagram arrive (RFC 8200, section 4.5); later, the id is another one's
REASSEMBLED_WITHIN = 60_000_000_000
PIECE = np.dtype(
    [("row", "i8"), ("key", "u8"), ("time", "i8"), ("start", "i8"), ("end", "i8"), ("last", "?")]
)


@dataclass(frozen=True)
class Packets:
    """One row per packet of a window; addresses and positions are of the innermost IP header.

    ``protocol`` is the IP protocol, UNCLEAR, or FOREIGN if there is no IP at all; the other columns are
    valid only where it is a protocol. Positions are in ``data``.
    """

    data: Array
    time: Array
    protocol: Array
    network: Array  # where the IP header starts
    transport: Array  # where the transport header starts
    end: Array  # where the IP packet ends by its length
    seen: Array  # where its captured part ends
    fragmented: Array  # the first of several
    addresses: Array  # (n, 4) uint64: source and destination, high and low half each
    source: Array  # hashes of the addresses
    destination: Array
    unread: Counter[str] = field(default_factory=Counter)  # packets not opened, by the header that was not
    tunnel_ports: set[int] = field(default_factory=set)  # UDP ports on which tunnels were found
    fragments: list[Array] = field(default_factory=list)  # PIECE rows

    def addresses_of(self, rows: Array) -> Array:
        """Return the addresses of some packets, viewed as bytes, which numpy copies faster than numbers."""
        whole = self.addresses.view(f"V{self.addresses.itemsize * 4}")[:, 0]
        return whole[rows].view(np.uint64).reshape(-1, 4)


class Payloads(NamedTuple):
    """One row per datagram or segment; ``rows`` are the rows of their packets.

    ``start`` is the payload's position in ``data``, ``size`` its length on the wire, ``seen`` its captured
    length. ``source`` and ``destination`` are hashes of address and port.
    """

    data: Array
    rows: Array
    source_port: Array
    destination_port: Array
    flags: Array  # of TCP
    start: Array
    size: Array
    seen: Array
    source: Array
    destination: Array
    head: Array  # the payload's first 16 bytes; it may be shorter
    sequence: Array  # of TCP

    def has_port(self, ports: tuple[int, ...]) -> Array:
        matches = np.zeros(len(self.rows), bool)
        for port in ports:
            matches |= (self.source_port == port) | (self.destination_port == port)
        return matches


@dataclass
class ForTshark:
    """Keys of connections or flows for tshark: in any case, or only if it can decrypt them."""

    certain: list[Array] = field(default_factory=list)
    secured: list[Array] = field(default_factory=list)

    def keys(self, *, keep_tls: bool) -> Array:
        arrays = self.certain + (self.secured if keep_tls else [])
        return np.unique(np.concatenate([np.zeros(0, np.uint64), *arrays]))


def host(low: Array, high: Array | None = None) -> Array:
    """Return hashes of addresses, given as their lower and higher 64 bits; higher ones default to 0."""
    number: Array = (low if high is None else high * MIX[0] + low) * MIX[1]
    return number


def endpoint(host: Array, port: Array) -> Array:
    return mixed(host + port * MIX[2])


def flow(one: Array, other: Array) -> Array:
    """Return hashes of flows or connections between two endpoints, the same in both directions."""
    return mixed(one + other)


def mixed(numbers: Array) -> Array:
    """Mix 64-bit numbers, so that sums of them collide by chance only."""
    numbers = (numbers ^ numbers >> HALF) * MIX[0]
    spread: Array = numbers ^ numbers >> HALF
    return spread


def unwrapped(window: Window, interfaces: list[Interface]) -> tuple[Packets, Payloads]:
    """Parse the packets of a window and their UDP datagrams, through all tunnels."""
    packets = _packets(window, interfaces)
    udp = _datagrams(packets)
    tried = np.zeros(len(packets.protocol), bool)
    for _ in range(DEEPEST):
        outer = np.flatnonzero(IS_TUNNEL_PORT[udp.destination_port])
        outer = outer[~tried[udp.rows[outer]]]
        if not len(outer):
            break
        tried[udp.rows] = True
        opened = _open_datagrams(packets, udp, outer)
        tried[opened] = False
        udp = _datagrams(packets)
    _count_unknown(packets)
    return packets, udp


def _packets(window: Window, interfaces: list[Interface]) -> Packets:
    kind, at = network_layer(window, interfaces)
    count = len(kind)
    seen = window.start + window.captured
    packets = Packets(
        data=window.data,
        time=window.time,
        protocol=np.full(count, UNCLEAR),
        network=at,
        transport=at.copy(),
        end=seen.copy(),
        seen=seen,
        fragmented=np.zeros(count, bool),
        addresses=np.zeros((count, 4), np.uint64),
        source=np.zeros(count, np.uint64),
        destination=np.zeros(count, np.uint64),
    )
    _read_ip(packets, slice(None), kind)
    _open_tunnels(packets, slice(None))
    return packets


def _open_tunnels(packets: Packets, rows: Rows) -> None:
    """Open IP tunnels, also nested ones; packets nested deeper than DEEPEST become UNCLEAR."""
    for _ in range(DEEPEST):
        rows = _among(rows, np.flatnonzero(SIGHT[packets.protocol[rows]] == TUNNEL))
        if not len(packets.protocol[rows]):
            return
        _open_ip(packets, rows)
    rows = _among(rows, np.flatnonzero(SIGHT[packets.protocol[rows]] == TUNNEL))
    packets.unread[layers.named(UNCLEAR)] += len(packets.protocol[rows])
    packets.protocol[rows] = UNCLEAR


def _read_ip(packets: Packets, rows: Rows, kind: Array) -> None:
    """Parse the headers at ``network``, which are of these kinds."""
    of_ipv4 = kind == IPV4
    _read_ipv4(packets, _among(rows, of_ipv4))
    others = np.flatnonzero(~of_ipv4)
    if len(others):
        _read_others(packets, _among(rows, others), kind[others])


def _among(rows: Rows, which: Array) -> Rows:
    """Return the rows that ``which`` selects from ``rows``."""
    if isinstance(rows, slice):
        return places(which) if which.dtype == bool else which
    return rows[which]


def _read_others(packets: Packets, rows: Rows, kind: Array) -> None:
    _read_ipv6(packets, _among(rows, np.flatnonzero(kind == IPV6)))
    rest = np.flatnonzero(kind != IPV6)
    where = _among(rows, rest)
    packets.protocol[where] = np.where(kind[rest] == FOREIGN, FOREIGN, UNCLEAR)
    unknown = kind[rest][kind[rest] != FOREIGN]
    if len(unknown):
        layers.count_unread(packets.unread, unknown)


def _open_ip(packets: Packets, which: Rows) -> None:
    """Open the payload of IP: a tunnel, an extension header or a fragment."""
    rows = np.arange(len(packets.protocol))[which]
    protocol = packets.protocol[rows]
    fragment = protocol == FRAGMENT
    if fragment.any():
        _read_ipv6_fragments(packets, rows[fragment])
        _open_headers(packets, rows[fragment], IP_PROTOCOL + packets.protocol[rows[fragment]])
    rows, protocol = rows[~fragment], protocol[~fragment]
    kind = np.array([IN_IP[number] for number in protocol.tolist()], np.int64)
    kind, at = layers.opened(packets.data, kind, packets.transport[rows].copy(), packets.seen[rows])
    packets.transport[rows] = at
    _open_headers(packets, rows, kind)


def _open_headers(packets: Packets, rows: Array, kind: Array) -> None:
    """Parse the headers of these kinds at ``transport`` if they are IP, else set the protocol."""
    direct = kind >= IP_PROTOCOL + UNCLEAR
    direct &= kind < UDP_TUNNEL
    packets.protocol[rows[direct]] = kind[direct] - IP_PROTOCOL
    rows, kind = rows[~direct], kind[~direct]
    if len(rows):
        packets.network[rows] = packets.transport[rows]
        packets.addresses[rows] = 0
        _read_ip(packets, rows, kind)


def _open_datagrams(packets: Packets, udp: Payloads, outer: Array) -> Array:
    """Open UDP tunnels, and return their packets; datagrams that only use a tunnel's port stay datagrams."""
    rows = udp.rows[outer]
    kind = UDP_TUNNEL + udp.destination_port[outer].astype(np.int64)
    kind, at = layers.opened(packets.data, kind, udp.start[outer].copy(), packets.seen[rows])
    tunnelled = kind != UNCLEAR
    rows = np.compress(tunnelled, rows)
    packets.transport[rows] = at[tunnelled]
    packets.tunnel_ports.update(np.unique(udp.destination_port[outer[tunnelled]]).tolist())
    _open_headers(packets, rows, kind[tunnelled])
    _open_tunnels(packets, rows)
    return rows


def _count_unknown(packets: Packets) -> None:
    unknown = packets.protocol[SIGHT[packets.protocol] == UNKNOWN]
    if len(unknown):
        layers.count_unread(packets.unread, IP_PROTOCOL + unknown)


def _read_ipv4(packets: Packets, rows: Rows) -> None:
    """RFC 791, section 3.1. A length of 0 comes from segmentation offload to the network card."""
    at = packets.network[rows]
    header = gather(packets.data, at, IPV4_HEADER)
    header_size = (header["version_ihl"] & 15).astype(np.int64) * 4
    length = header["length"].astype(np.int64)
    length = np.where(length == 0, packets.seen[rows] - at, length)
    sound = (header["version_ihl"] >> 4 == 4) & (header_size >= 20) & (length >= header_size)
    sound &= at + header_size <= packets.seen[rows]
    packets.protocol[rows] = np.where(sound, header["protocol"], UNCLEAR)
    for column, name, hosts in ((1, "source", packets.source), (3, "destination", packets.destination)):
        mapped = header[name].astype(np.uint64) | np.uint64(MAPPED)
        packets.addresses[rows, column], hosts[rows] = mapped, host(mapped)
    _set_extent(packets, rows, at + header_size, at + length)
    if not sound.all():
        packets.unread[layers.named(UNCLEAR)] += int(np.count_nonzero(~sound))
    pieces = np.flatnonzero((header["fragment"] & 0x3FFF != 0) & sound)
    if len(pieces):
        header = take(header, pieces)
        identity = header["id"].astype(np.uint64) << np.uint64(8) | header["protocol"]
        size = (length - header_size)[pieces]
        _note_fragments(packets, _among(rows, pieces), identity, header["fragment"], size)


def _read_ipv6(packets: Packets, rows: Rows) -> None:
    """RFC 8200, section 3."""
    at = packets.network[rows]
    header = gather(packets.data, at, IPV6_HEADER)
    payload = at + IPV6_HEADER.itemsize
    sound = (header["version"] >> 4 == 6) & (payload <= packets.seen[rows])
    packets.protocol[rows] = np.where(sound, header["next"], UNCLEAR)
    for column, name in enumerate(("source_high", "source", "destination_high", "destination")):
        packets.addresses[rows, column] = header[name]
    high_source, low_source, high_destination, low_destination = packets.addresses[rows].T
    packets.source[rows] = host(low_source, high_source)
    packets.destination[rows] = host(low_destination, high_destination)
    length = header["length"].astype(np.int64)
    _set_extent(packets, rows, payload, np.where(length == 0, packets.seen[rows], payload + length))
    if not sound.all():
        packets.unread[layers.named(UNCLEAR)] += int(np.count_nonzero(~sound))


def _set_extent(packets: Packets, rows: Rows, transport: Array, end: Array) -> None:
    packets.transport[rows] = transport
    packets.end[rows] = end
    packets.seen[rows] = np.minimum(packets.seen[rows], end)


def _read_ipv6_fragments(packets: Packets, rows: Array) -> None:
    """RFC 8200, section 4.5."""
    header = gather(packets.data, packets.transport[rows], FRAGMENT_HEADER)
    packets.transport[rows] += FRAGMENT_HEADER.itemsize
    sound = packets.transport[rows] <= packets.seen[rows]
    packets.protocol[rows] = np.where(sound, header["next"], UNCLEAR)
    place = header["place"].astype(np.int64)
    atomic = place & 0xFFF9 == 0  # RFC 6946: a whole datagram with a fragment header
    identity = header["id"].astype(np.uint64) | np.uint64(1 << 40)
    size = packets.end[rows] - packets.transport[rows]
    flags = place >> 3 | (place & 1) << 13
    which = np.flatnonzero(~atomic & sound)
    _note_fragments(packets, rows[which], identity[which], flags[which], size[which])


def _note_fragments(packets: Packets, rows: Rows, identity: Array, flags: Array, size: Array) -> None:
    """Record fragments (``flags``: offset in units of 8 bytes, 0x2000 if more follow)."""
    pieces = np.empty(len(identity), PIECE)
    pieces["key"] = mixed((packets.source[rows] * MIX[1] + packets.destination[rows]) * MIX[2] + identity)
    pieces["row"] = np.arange(len(packets.time))[rows]
    pieces["time"], pieces["start"] = packets.time[rows], (flags & 0x1FFF).astype(np.int64) * 8
    pieces["end"], pieces["last"] = pieces["start"] + size, flags & 0x2000 == 0
    packets.fragments.append(pieces)
    packets.fragmented[rows] = pieces["start"] == 0
    packets.protocol[rows] = np.where(pieces["start"] == 0, packets.protocol[rows], UNCLEAR)


def incomplete(pieces: Array) -> Array:
    """Return which fragments (PIECE rows) belong to datagrams that the capture lacks a part of."""
    lacking = np.zeros(len(pieces), bool)
    if not len(pieces):
        return lacking
    by_datagram = np.lexsort((pieces["start"], pieces["time"], pieces["key"]))
    pieces = take(pieces, by_datagram)
    begins = np.ones(len(pieces), bool)
    begins[1:] = (pieces["key"][1:] != pieces["key"][:-1]) | (np.diff(pieces["time"]) > REASSEMBLED_WITHIN)
    datagram = np.cumsum(begins) - 1
    order = np.lexsort((pieces["start"], datagram))
    start, end = pieces["start"][order], pieces["end"][order]
    runs = np.flatnonzero(begins)
    bound = end + datagram * (1 << 20)  # so that the maximum so far never reaches into the next datagram
    reached = np.maximum.accumulate(bound) - datagram * (1 << 20)
    gap = np.zeros(len(start), bool)
    gap[1:] = start[1:] > reached[:-1]
    gap[runs] = start[runs] > 0
    broken = np.add.reduceat(gap, runs, dtype=np.int64) > 0
    broken |= np.add.reduceat(pieces["last"][order], runs, dtype=np.int64) == 0
    lacking[by_datagram] = broken[datagram]
    return lacking


def _datagrams(packets: Packets) -> Payloads:
    """Return the UDP datagrams that fit into their IP packet, and those in first fragments."""
    rows = np.flatnonzero(packets.protocol == UDP)
    at = packets.transport[rows]
    header = gather(packets.data, at, UDP_HEADER)
    length = header["length"].astype(np.int64)
    start, end = at + UDP_SIZE, at + length
    sane = (length >= UDP_SIZE) & (start <= packets.seen[rows])
    sane &= (end <= packets.end[rows]) | packets.fragmented[rows]
    if not sane.all():
        rows, header, start, end = rows[sane], take(header, sane), start[sane], end[sane]
    columns = _columns(packets, rows, header, start, end)
    none = np.zeros(len(rows), np.uint8)
    return Payloads(**columns, flags=none, head=header["head"], sequence=none)


def segments(packets: Packets) -> Payloads:
    """Return the TCP segments with a completely captured header that are not in fragments."""
    rows = np.flatnonzero((packets.protocol == TCP) & ~packets.fragmented)
    at = packets.transport[rows]
    header = gather(packets.data, at, TCP_HEADER)
    start = at + (header["offset"] >> 4).astype(np.int64) * 4
    sane = (start >= at + TCP_HEADER.itemsize) & (start <= packets.seen[rows])
    if not sane.all():
        rows, header, start = rows[sane], take(header, sane), start[sane]
    columns = _columns(packets, rows, header, start, packets.end[rows])
    head = gather(packets.data, start, HEAD)
    return Payloads(**columns, flags=header["flags"], head=head, sequence=header["sequence"])


def _columns(packets: Packets, rows: Array, header: Array, start: Array, end: Array) -> dict[str, Array]:
    source_port, destination_port = (header[name].astype(np.uint64) for name in ("source", "destination"))
    return {
        "data": packets.data,
        "rows": rows,
        "source_port": source_port,
        "destination_port": destination_port,
        "start": start,
        "size": end - start,
        "seen": np.maximum(np.minimum(packets.seen[rows], end) - start, 0),
        "source": endpoint(packets.source[rows], source_port),
        "destination": endpoint(packets.destination[rows], destination_port),
    }
