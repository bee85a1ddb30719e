"""The network and transport layers of a window of packets: the innermost IP header, UDP and TCP.

IPv4 (RFC 791) and IPv6 (RFC 8200) are taken apart, with what they carry through tunnels
(read.layers); UDP datagrams (RFC 768) and TCP segments (RFC 9293) are in them. A first
fragment is read as far as it goes; later ones, and what nobody here knows, stay UNCLEAR
and are counted.

Addresses, ports at them, and pairs of these are compared by one 64-bit number each; two
different ones have the same number by chance only.
"""

from collections import Counter
from dataclasses import dataclass, field

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
# ICMP, IGMP, IPv6 without more, ICMPv6, EIGRP, OSPF, PIM, VRRP, IS-IS, SCTP: no tunnels, and no media in them
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
# by IP protocol, UNCLEAR and FOREIGN being the last two places: what is in sight, a tunnel, or neither
LOOKED_AT, TUNNEL, UNKNOWN = range(3)
SIGHT = np.full(258, UNKNOWN, np.uint8)
SIGHT[[*IN_IP, FRAGMENT]] = TUNNEL
SIGHT[[*IN_SIGHT, UNCLEAR, FOREIGN]] = LOOKED_AT
IS_TUNNEL_PORT = np.zeros(1 << 16, bool)
IS_TUNNEL_PORT[list(IN_UDP)] = True
# ns in which the fragments of a datagram come (RFC 8200, section 4.5); then an identity is used again
REASSEMBLED_WITHIN = 60_000_000_000
PIECE = np.dtype(
    [("row", "i8"), ("key", "u8"), ("time", "i8"), ("start", "i8"), ("end", "i8"), ("last", "?")]
)


@dataclass(frozen=True)
class Packets:
    """One row per packet of a window; addresses and positions are of the innermost IP header.

    ``protocol`` is the IP protocol, UNCLEAR, or FOREIGN for what is no IP at all;
    the other columns only count where it is a protocol. Positions are in ``data``.
    """

    data: Array
    time: Array
    protocol: Array
    network: Array  # where the IP header starts
    transport: Array  # where the transport header starts
    end: Array  # where the IP packet ends by its length
    seen: Array  # where the captured part of it ends
    fragmented: Array  # the first of several
    addresses: Array  # (n, 4) uint64: source and destination, high and low half each
    source: Array  # the hosts' numbers
    destination: Array
    unread: Counter[str] = field(default_factory=Counter)  # packets not looked into, by what they were
    tunnel_ports: set[int] = field(default_factory=set)  # of UDP, where tunnels are
    fragments: list[Array] = field(default_factory=list)  # PIECE rows

    def addresses_of(self, rows: Array) -> Array:
        """The addresses of some packets; numpy copies a row of numbers one by one, bytes at once."""
        whole = self.addresses.view(f"V{self.addresses.itemsize * 4}")[:, 0]
        return whole[rows].view(np.uint64).reshape(-1, 4)


@dataclass(frozen=True)
class Payloads:
    """One row per datagram or segment; ``rows`` are the packets they are in.

    ``start`` is the payload's position in ``data``, ``size`` its length on the wire, ``seen``
    how much of it was captured. ``source`` and ``destination`` stand for address and port.
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
        found = np.zeros(len(self.rows), bool)
        for port in ports:
            found |= (self.source_port == port) | (self.destination_port == port)
        return found


@dataclass
class ForTshark:
    """Keys of connections or flows to be shown to tshark: for certain, or where it can decrypt them."""

    certain: list[Array] = field(default_factory=list)
    secured: list[Array] = field(default_factory=list)

    def keys(self, *, keep_tls: bool) -> Array:
        found = self.certain + (self.secured if keep_tls else [])
        return np.unique(np.concatenate([np.zeros(0, np.uint64), *found]))


def host(low: Array, high: Array | None = None) -> Array:
    """Numbers of addresses, given as their lower and higher 64 bits; no higher ones are 0."""
    number: Array = (low if high is None else high * MIX[0] + low) * MIX[1]
    return number


def endpoint(host: Array, port: Array) -> Array:
    return mixed(host + port * MIX[2])


def flow(one: Array, other: Array) -> Array:
    """Numbers of flows or connections between two endpoints, the same both ways."""
    return mixed(one + other)


def mixed(numbers: Array) -> Array:
    """Spread 64-bit numbers, so that sums of them meet by chance only."""
    numbers = (numbers ^ numbers >> HALF) * MIX[0]
    spread: Array = numbers ^ numbers >> HALF
    return spread


def unwrapped(window: Window, interfaces: list[Interface]) -> tuple[Packets, Payloads]:
    """Take apart the packets of a window, and the UDP datagrams in them, through all tunnels."""
    found = _packets(window, interfaces)
    udp = _datagrams(found)
    tried = np.zeros(len(found.protocol), bool)
    for _ in range(DEEPEST):
        outer = np.flatnonzero(IS_TUNNEL_PORT[udp.destination_port])
        outer = outer[~tried[udp.rows[outer]]]
        if not len(outer):
            break
        tried[udp.rows] = True
        opened = _open_datagrams(found, udp, outer)
        tried[opened] = False
        udp = _datagrams(found)
    _count_unknown(found)
    return found, udp


def _packets(window: Window, interfaces: list[Interface]) -> Packets:
    kind, at = network_layer(window, interfaces)
    count = len(kind)
    seen = window.start + window.captured
    found = Packets(
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
    _read_ip(found, slice(None), kind)
    _open_tunnels(found, slice(None))
    return found


def _open_tunnels(found: Packets, rows: Rows) -> None:
    """Go on to what is in IP tunnels, one in the other; what is deeper than DEEPEST is not looked at."""
    for _ in range(DEEPEST):
        rows = _among(rows, np.flatnonzero(SIGHT[found.protocol[rows]] == TUNNEL))
        if not len(found.protocol[rows]):
            return
        _open_ip(found, rows)
    rows = _among(rows, np.flatnonzero(SIGHT[found.protocol[rows]] == TUNNEL))
    found.unread[layers.named(UNCLEAR)] += len(found.protocol[rows])
    found.protocol[rows] = UNCLEAR


def _read_ip(found: Packets, rows: Rows, kind: Array) -> None:
    """Read the headers at ``network``, which are of these kinds."""
    of_ipv4 = kind == IPV4
    _read_ipv4(found, _among(rows, of_ipv4))
    others = np.flatnonzero(~of_ipv4)
    if len(others):
        _read_others(found, _among(rows, others), kind[others])


def _among(rows: Rows, which: Array) -> Rows:
    """Rows of rows."""
    if isinstance(rows, slice):
        return places(which) if which.dtype == bool else which
    return rows[which]


def _read_others(found: Packets, rows: Rows, kind: Array) -> None:
    _read_ipv6(found, _among(rows, np.flatnonzero(kind == IPV6)))
    rest = np.flatnonzero(kind != IPV6)
    where = _among(rows, rest)
    found.protocol[where] = np.where(kind[rest] == FOREIGN, FOREIGN, UNCLEAR)
    unknown = kind[rest][kind[rest] != FOREIGN]
    if len(unknown):
        layers.count_unread(found.unread, unknown)


def _open_ip(found: Packets, which: Rows) -> None:
    """Go on to what IP carries here: a tunnel, an extension header or a fragment."""
    rows = np.arange(len(found.protocol))[which]
    protocol = found.protocol[rows]
    fragment = protocol == FRAGMENT
    if fragment.any():
        _read_ipv6_fragments(found, rows[fragment])
        _go_on(found, rows[fragment], IP_PROTOCOL + found.protocol[rows[fragment]])
    rows, protocol = rows[~fragment], protocol[~fragment]
    kind = np.array([IN_IP[number] for number in protocol.tolist()], np.int64)
    kind, at = layers.opened(found.data, kind, found.transport[rows].copy(), found.seen[rows])
    found.transport[rows] = at
    _go_on(found, rows, kind)


def _go_on(found: Packets, rows: Array, kind: Array) -> None:
    """Headers of these kinds stand at ``transport``: read IP, or take the protocol it carries."""
    direct = kind >= IP_PROTOCOL + UNCLEAR
    direct &= kind < UDP_TUNNEL
    found.protocol[rows[direct]] = kind[direct] - IP_PROTOCOL
    rows, kind = rows[~direct], kind[~direct]
    if len(rows):
        found.network[rows] = found.transport[rows]
        found.addresses[rows] = 0
        _read_ip(found, rows, kind)


def _open_datagrams(found: Packets, udp: Payloads, outer: Array) -> Array:
    """Go on to what is in UDP tunnels; datagrams that are none of their port's stay datagrams."""
    rows = udp.rows[outer]
    kind = UDP_TUNNEL + udp.destination_port[outer].astype(np.int64)
    kind, at = layers.opened(found.data, kind, udp.start[outer].copy(), found.seen[rows])
    tunnelled = kind != UNCLEAR
    rows = np.compress(tunnelled, rows)
    found.transport[rows] = at[tunnelled]
    found.tunnel_ports.update(np.unique(udp.destination_port[outer[tunnelled]]).tolist())
    _go_on(found, rows, kind[tunnelled])
    _open_tunnels(found, rows)
    return rows


def _count_unknown(found: Packets) -> None:
    unknown = found.protocol[SIGHT[found.protocol] == UNKNOWN]
    if len(unknown):
        layers.count_unread(found.unread, IP_PROTOCOL + unknown)


def _read_ipv4(found: Packets, rows: Rows) -> None:
    """RFC 791, section 3.1. A length of 0 is segmentation left to the network card."""
    at = found.network[rows]
    header = gather(found.data, at, IPV4_HEADER)
    header_size = (header["version_ihl"] & 15).astype(np.int64) * 4
    length = header["length"].astype(np.int64)
    length = np.where(length == 0, found.seen[rows] - at, length)
    sound = (header["version_ihl"] >> 4 == 4) & (header_size >= 20) & (length >= header_size)
    sound &= at + header_size <= found.seen[rows]
    found.protocol[rows] = np.where(sound, header["protocol"], UNCLEAR)
    for column, name, hosts in ((1, "source", found.source), (3, "destination", found.destination)):
        mapped = header[name].astype(np.uint64) | np.uint64(MAPPED)
        found.addresses[rows, column], hosts[rows] = mapped, host(mapped)
    _set_extent(found, rows, at + header_size, at + length)
    if not sound.all():
        found.unread[layers.named(UNCLEAR)] += int(np.count_nonzero(~sound))
    pieces = np.flatnonzero((header["fragment"] & 0x3FFF != 0) & sound)
    if len(pieces):
        header = take(header, pieces)
        identity = header["id"].astype(np.uint64) << np.uint64(8) | header["protocol"]
        size = (length - header_size)[pieces]
        _note_fragments(found, _among(rows, pieces), identity, header["fragment"], size)


def _read_ipv6(found: Packets, rows: Rows) -> None:
    """RFC 8200, section 3."""
    at = found.network[rows]
    header = gather(found.data, at, IPV6_HEADER)
    payload = at + IPV6_HEADER.itemsize
    sound = (header["version"] >> 4 == 6) & (payload <= found.seen[rows])
    found.protocol[rows] = np.where(sound, header["next"], UNCLEAR)
    for column, name in enumerate(("source_high", "source", "destination_high", "destination")):
        found.addresses[rows, column] = header[name]
    high_source, low_source, high_destination, low_destination = found.addresses[rows].T
    found.source[rows] = host(low_source, high_source)
    found.destination[rows] = host(low_destination, high_destination)
    length = header["length"].astype(np.int64)
    _set_extent(found, rows, payload, np.where(length == 0, found.seen[rows], payload + length))
    if not sound.all():
        found.unread[layers.named(UNCLEAR)] += int(np.count_nonzero(~sound))


def _set_extent(found: Packets, rows: Rows, transport: Array, end: Array) -> None:
    found.transport[rows] = transport
    found.end[rows] = end
    found.seen[rows] = np.minimum(found.seen[rows], end)


def _read_ipv6_fragments(found: Packets, rows: Array) -> None:
    """RFC 8200, section 4.5."""
    header = gather(found.data, found.transport[rows], FRAGMENT_HEADER)
    found.transport[rows] += FRAGMENT_HEADER.itemsize
    sound = found.transport[rows] <= found.seen[rows]
    found.protocol[rows] = np.where(sound, header["next"], UNCLEAR)
    place = header["place"].astype(np.int64)
    atomic = place & 0xFFF9 == 0  # RFC 6946: a whole datagram all the same
    identity = header["id"].astype(np.uint64) | np.uint64(1 << 40)
    size = found.end[rows] - found.transport[rows]
    flags = place >> 3 | (place & 1) << 13
    which = np.flatnonzero(~atomic & sound)
    _note_fragments(found, rows[which], identity[which], flags[which], size[which])


def _note_fragments(found: Packets, rows: Rows, identity: Array, flags: Array, size: Array) -> None:
    """Remember fragments (flags: the offset in eights, 0x2000 if more follow); only the first has ports."""
    pieces = np.empty(len(identity), PIECE)
    pieces["key"] = mixed((found.source[rows] * MIX[1] + found.destination[rows]) * MIX[2] + identity)
    pieces["row"] = np.arange(len(found.time))[rows]
    pieces["time"], pieces["start"] = found.time[rows], (flags & 0x1FFF).astype(np.int64) * 8
    pieces["end"], pieces["last"] = pieces["start"] + size, flags & 0x2000 == 0
    found.fragments.append(pieces)
    found.fragmented[rows] = pieces["start"] == 0
    found.protocol[rows] = np.where(pieces["start"] == 0, found.protocol[rows], UNCLEAR)


def incomplete(pieces: Array) -> Array:
    """Which fragments are of datagrams of which a part is not in the capture."""
    found = np.zeros(len(pieces), bool)
    if not len(pieces):
        return found
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
    found[by_datagram] = broken[datagram]
    return found


def _datagrams(packets: Packets) -> Payloads:
    """The UDP datagrams whose length agrees with that of the IP packet, unless that is a fragment."""
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
    """The TCP segments whose header was captured whole, and that are not in fragments."""
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
