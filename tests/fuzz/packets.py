"""Whole packets spoiled: order, headers, fragments, segments, tunnels, clocks; a trace in, a trace out."""

import struct
from collections.abc import Callable
from dataclasses import replace
from random import Random

from pcaps.make.builders import packets
from postproc.read.records import Described, Record
from postproc.wire import pcapng
from tests.fuzz import trace as traces
from tests.fuzz.kinds import NUMBERS, Kind, blob, hostile, kinds, number
from tests.fuzz.trace import ETHERNET, Datagram, Trace

MOST = 40  # packets of one trace that a change of many changes
SECOND = 10**9
IP_IP, GRE, IPV6_IN = 4, 47, 41
OUTER = "198.51.100.200", "198.51.100.201"


def _one(random: Random, trace: Trace, change: Callable[[Record], list[Record]]) -> Trace | None:
    if not trace.packets:
        return None
    held = list(trace.packets)
    at = random.randrange(len(held))
    held[at : at + 1] = change(held[at])
    return trace.with_packets(held)


def _datagrams(
    random: Random, trace: Trace, change: Callable[[Datagram, Record], list[bytes] | None], protocol: int = 0
) -> Trace | None:
    """Some datagrams, or segments, become the frames that the change makes of them."""
    held = {
        at: found
        for at, each in enumerate(trace.packets)
        if (found := traces.datagram(trace.interfaces[each.interface].link_type, each.data))
        and found.protocol == (protocol or found.protocol)
        and (found.payload or not protocol)
    }
    if not held:
        return None
    chosen = set(random.sample(sorted(held), min(len(held), random.choice((1, 5, MOST)))))
    made: list[Record] = []
    for at, each in enumerate(trace.packets):
        frames = change(held[at], each) if at in chosen else None
        made += [each] if frames is None else [traces.with_data(each, data) for data in frames]
    return trace.with_packets(made)


def packet_dropped(random: Random, trace: Trace) -> Trace | None:
    return _one(random, trace, lambda _: [])


def packet_doubled(random: Random, trace: Trace) -> Trace | None:
    return _one(random, trace, lambda each: [each] * random.choice((2, 3, 200)))


def packets_shuffled(random: Random, trace: Trace) -> Trace:
    at = random.randrange(len(trace.packets))
    some = list(trace.packets[at : at + 50])
    random.shuffle(some)
    return trace.with_packets([*trace.packets[:at], *some, *trace.packets[at + 50 :]])


def packet_cut(random: Random, trace: Trace) -> Trace:
    """A short snapshot length: of every packet, or from some place on."""
    size, since = random.choice((0, 1, 13, 14, 20, 34, 42, 54, 60, 100)), random.choice((0, 5, 20))
    return trace.with_packets(
        [*trace.packets[:since], *(each._replace(data=each.data[:size]) for each in trace.packets[since:])]
    )


def packet_padded(random: Random, trace: Trace) -> Trace | None:
    return _one(random, trace, lambda each: [traces.with_data(each, each.data + blob(random, 300))])


def packet_bytes(random: Random, trace: Trace) -> Trace | None:
    """Bytes anywhere in some packets, as a damaged line would have it."""
    held = list(trace.packets)
    for _ in range(random.choice((1, 10, 200))):
        at = random.randrange(len(held))
        if data := bytearray(held[at].data):
            data[random.randrange(len(data))] = random.choice((0, 255, random.randrange(256)))
            held[at] = held[at]._replace(data=bytes(data))
    return trace.with_packets(held)


def packet_blob(random: Random, trace: Trace) -> Trace | None:
    return _one(random, trace, lambda each: [each, traces.with_data(each, blob(random, 1400))])


def ip_field(random: Random, trace: Trace) -> Trace | None:
    """A byte of the IP header: version, lengths, fragment, time to live, protocol, addresses."""

    def changed(each: Record) -> list[Record]:
        at = traces.network(trace.interfaces[each.interface].link_type, each.data)
        data = bytearray(each.data)
        if at is None:
            return [each._replace(data=bytes(data[:-1]))]
        data[at + random.randrange(20)] = random.choice((0, 1, 4, 6, 17, 41, 43, 44, 50, 51, 58, 60, 255))
        return [each._replace(data=bytes(data))]

    return _one(random, trace, changed)


def ip_options(random: Random, trace: Trace) -> Trace | None:
    """Options of IPv4, or extension headers of IPv6, before the transport header."""

    def changed(found: Datagram, _: Record) -> list[bytes]:
        packet = found.packet()
        if packet[0] >> 4 == 6:
            size = random.choice((0, 1, 255))
            extension = bytes([packet[6], size]) + bytes(6 + 8 * min(size, 8))
            length = struct.pack(">H", len(packet) - 40 + len(extension))
            kind = bytes([random.choice((0, 43, 60))])
            return [found.head + packet[:4] + length + kind + packet[7:40] + extension + packet[40:]]
        words = random.randint(1, 10)
        length = struct.pack(">H", len(packet) + 4 * words)
        options = random.randbytes(4 * words)
        return [
            found.head + bytes([0x45 + words]) + packet[1:2] + length + packet[4:20] + options + packet[20:]
        ]

    return _datagrams(random, trace, changed)


def fragmented(random: Random, trace: Trace) -> Trace | None:
    """Datagrams in fragments: in order or not, all of them or not, overlapping, twice."""

    def changed(found: Datagram, _: Record) -> list[bytes] | None:
        parts = packets.fragments(found.packet(), random.choice((28, 68, 200, 576)))
        if len(parts) < 2:
            return None
        done = random.choice(("whole", "shuffled", "hole", "twice", "overlapping"))
        if done == "shuffled":
            random.shuffle(parts)
        elif done == "hole":
            parts.pop(random.randrange(len(parts)))
        elif done == "twice":
            parts += parts
        elif done == "overlapping":
            offset = struct.unpack(">H", parts[1][6:8])[0]
            parts[1] = parts[1][:6] + struct.pack(">H", offset - 1 & 0xFFFF) + parts[1][8:]
        return [found.head + part for part in parts]

    return _datagrams(random, trace, changed, packets.UDP)


def udp_field(random: Random, trace: Trace) -> Trace | None:
    """Ports, length or checksum of UDP datagrams."""

    def changed(found: Datagram, _: Record) -> list[bytes]:
        data = found.frame()
        at = len(data) - len(found.payload) - 8 + random.choice((0, 2, 4, 6))
        return [data[:at] + struct.pack(">H", number(random) & 0xFFFF) + data[at + 2 :]]

    return _datagrams(random, trace, changed, packets.UDP)


def tcp_field(random: Random, trace: Trace) -> Trace | None:
    """A byte of the TCP header: ports, numbers, offset, flags, urgent pointer."""

    def changed(found: Datagram, _: Record) -> list[bytes]:
        data = bytearray(found.frame())
        data[len(data) - len(found.payload) - 20 + random.randrange(20)] = random.randrange(256)
        return [bytes(data)]

    return _datagrams(random, trace, changed, packets.TCP)


def tcp_resegmented(random: Random, trace: Trace) -> Trace | None:
    """Segments cut into others: in order or not, overlapping, sent again with another content."""

    def changed(found: Datagram, _: Record) -> list[bytes]:
        size = random.choice((1, 7, 100, 536))
        starts = range(0, min(len(found.payload), size * 300), size)
        parts = [(at, found.payload[at : at + size + random.choice((0, 0, 3))]) for at in starts]
        done = random.choice(("whole", "shuffled", "hole", "twice", "other"))
        if done == "shuffled":
            random.shuffle(parts)
        elif done == "hole":
            parts.pop(random.randrange(len(parts)))
        elif done == "twice":
            parts += parts
        elif done == "other":
            parts += [(at, bytes(len(part))) for at, part in parts]
        return [
            replace(found, sequence=found.sequence + at & 0xFFFFFFFF, payload=part).frame()
            for at, part in parts
        ]

    return _datagrams(random, trace, changed, packets.TCP)


def tcp_shifted(random: Random, trace: Trace) -> Trace | None:
    """Sequence numbers that are about to wrap, stand still, or jump."""
    shift = random.choice((0xFFFFFF00, 0x7FFFFFF0, 2**20, 1))

    def changed(found: Datagram, _: Record) -> list[bytes]:
        return [replace(found, sequence=(found.sequence + shift) & 0xFFFFFFFF).frame()]

    return _datagrams(random, trace, changed, packets.TCP)


def tcp_keep_alive(random: Random, trace: Trace) -> Trace | None:
    """Keep-alives (RFC 5626) in front of, or after, what a segment holds."""

    def changed(found: Datagram, _: Record) -> list[bytes]:
        payload = random.choice((b"\r\n\r\n" + found.payload, found.payload + b"\r\n\r\n", b"\r\n", b"\0"))
        return [replace(found, payload=payload).frame()]

    return _datagrams(random, trace, changed, packets.TCP)


def ports_swapped(random: Random, trace: Trace) -> Trace | None:
    """Other ports and addresses: 0, 65535, the other end's, multicast, loopback."""

    def changed(found: Datagram, _: Record) -> list[bytes] | None:
        if ":" in found.src[0]:
            return [replace(found, src=found.dst, dst=found.src).frame()]
        host = random.choice((found.src[0], "0.0.0.0", "255.255.255.255", "224.0.0.251", "127.0.0.1"))
        port = random.choice((0, 53, 137, 443, 3478, 5060, 5353, 65_535, found.dst[1]))
        return [replace(found, src=(host, port), dst=found.src).frame()]

    return _datagrams(random, trace, changed)


def _inside(random: Random, packet: bytes) -> bytes:
    """What an Ethernet header that says this or something else is followed by."""
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    ethernet = bytes(12) + struct.pack(">H", kind) + packet
    deep = packet
    for _ in range(30):
        deep = packets.ip(*OUTER, IP_IP, deep)
    tags = struct.pack(">HH", 7, 0x8100) * random.choice((1, 3, 30))
    return random.choice(
        (
            packets.ip(*OUTER, GRE, struct.pack(">HH", 0, kind) + packet),
            packets.ip(*OUTER, IPV6_IN if kind == 0x86DD else IP_IP, packet),
            packets.udp((OUTER[0], 4789), (OUTER[1], 4789), b"\x08\0\0\0\0\0\1\0" + ethernet),
            b"\x11\0\0\1" + struct.pack(">HH", len(packet) + 2, 0x0021) + packet,
            struct.pack(">I", 100 << 12 | 0x1FF) + packet,
            tags + struct.pack(">HH", 7, kind) + packet,
            deep,
        )
    )


def tunnelled(random: Random, trace: Trace) -> Trace | None:
    """Packets inside others: GRE, IP in IP, VXLAN, PPPoE, MPLS, VLAN tags, IPv6 in IPv4; or deep in one."""

    def changed(found: Datagram, _: Record) -> list[bytes]:
        wrapped = _inside(random, found.packet())
        kinds_ = (0x0800, 0x8864, 0x8847, 0x8100, 0x88A8)
        return [bytes(12) + struct.pack(">H", random.choice(kinds_)) + wrapped]

    return _datagrams(random, trace, changed)


def link_type_other(random: Random, trace: Trace) -> Trace:
    """The interface says it is of another kind; the packets are what they were."""
    kinds_ = (0, 1, 9, 12, 50, 51, 101, 105, 108, 113, 127, 147, 192, 228, 229, 252, 276, 65_535)
    first, *rest = trace.interfaces
    return replace(trace, interfaces=(first._replace(link_type=random.choice(kinds_)), *rest))


def interface_odd(random: Random, trace: Trace) -> Trace:
    """Resolution, offset, name or snapshot length of an interface: any value, any length."""
    code, size = random.choice(((9, 1), (9, 1), (14, 8), (14, 8), (2, 0), (3, 0), (11, 9), (12, 0), (1, 0)))
    value = random.choice(NUMBERS).to_bytes(9, "little")[:size] if size else hostile(random)[:60_000]
    odd = random.choice((value, value, value[:-1], value + b"\0"))
    first, *rest = trace.interfaces
    options = random.choice((b"", first.options)) + pcapng.option(code, odd)
    snaplen = random.choice((first.snaplen, 0, 1, 2**32 - 1))
    return replace(trace, interfaces=(Described(first.link_type, snaplen, options), *rest))


def interfaces_many(random: Random, trace: Trace) -> Trace:
    """Hundreds of interfaces, and packets of any of them."""
    count = random.choice((3, 600))
    held = [each._replace(interface=random.randrange(count)) for each in trace.packets]
    return replace(trace, interfaces=trace.interfaces[:1] * count, packets=tuple(held))


def ticks_any(random: Random, trace: Trace) -> Trace:
    """Times at the ends of what 64 bits hold, before 1970, after 2262, in some packets or all of them."""
    some = random.choice((1, 5, len(trace.packets)))
    chosen = set(random.sample(range(len(trace.packets)), min(some, len(trace.packets))))
    value = random.choice((*NUMBERS, 9_223_372_036_854_775, 4_102_444_800_000_000, random.randrange(2**64)))
    return trace.with_packets(
        [
            each._replace(ticks=value & (1 << 64) - 1, time=value & (1 << 62) - 1) if at in chosen else each
            for at, each in enumerate(trace.packets)
        ]
    )


def clock_stepped(random: Random, trace: Trace) -> Trace:
    """From some packet on the clock is ahead or behind: by seconds, days, years."""
    since = random.randrange(len(trace.packets))
    step = random.choice((-3600, -1, 1, 60, 86_400, 31_536_000, -1_700_000_000)) * 1_000_000
    return trace.with_packets(
        [
            each._replace(ticks=(each.ticks + step) % 2**64, time=each.time + step * 1000)
            if at >= since
            else each
            for at, each in enumerate(trace.packets)
        ]
    )


def comment_hostile(random: Random, trace: Trace) -> Trace | None:
    option = pcapng.option(random.choice((1, 2, 4, 2988, 0x8001)), hostile(random)[:60_000])
    return _one(random, trace, lambda each: [each._replace(options=option)])


def ethernet_only(random: Random, trace: Trace) -> Trace | None:
    """Other protocols in between: ARP, LLDP, STP, 802.1X, names, DHCP, nothing known."""
    if trace.interfaces[0].link_type != ETHERNET:
        return None
    types = (0x0806, 0x88CC, 0x0026, 0x888E, 0x8035, 0xFFFF)
    ports = (53, 67, 137, 161, 443, 514, 1900, 5353, 5355)
    at = packets.udp(("192.0.2.7", 40_000), ("192.0.2.53", random.choice(ports)), blob(random, 300))
    data = random.choice(
        (bytes(12) + struct.pack(">H", random.choice(types)) + blob(random, 200), bytes(12) + b"\x08\0" + at)
    )
    return _one(random, trace, lambda each: [each, traces.with_data(each, data)])


PACKETS: tuple[Kind[Trace], ...] = (
    *kinds(
        "packets",
        packet_dropped,
        packet_doubled,
        packets_shuffled,
        packet_cut,
        packet_padded,
        packet_bytes,
        packet_blob,
        comment_hostile,
        ethernet_only,
    ),
    *kinds("ip", ip_field, ip_options, fragmented, udp_field, ports_swapped, tunnelled),
    *kinds("tcp", tcp_field, tcp_resegmented, tcp_shifted, tcp_keep_alive),
    *kinds("link", link_type_other, interface_odd, interfaces_many),
    *kinds("clock", ticks_any, clock_stepped),
)
