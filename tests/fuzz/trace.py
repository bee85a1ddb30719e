"""A sound capture as packets that can be changed: read, taken apart, put together again."""

import ipaddress
import re
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pcaps.make.builders import packets
from pcaps.make.builders.packets import Endpoint
from postproc.read.records import Described, Other, Record, pieces
from postproc.wire.pcapng import Interface, Packet, Section, block

Kind = Literal["sip", "stun", "channel", "dtls", "rtp", "rtcp", "icmp", "other"]
SIP_START = re.compile(rb"(?:SIP/2\.0 \d{3}|[A-Z]+ \S+ SIP/2\.0)")
COOKIE = bytes.fromhex("2112a442")
VLAN = (0x8100, 0x88A8, 0x9100)
NULL, ETHERNET, RAW, SLL, SLL2 = 0, 1, 101, 113, 276
RTCP = range(192, 224)


@dataclass(frozen=True)
class Trace:
    """A capture: interfaces, other blocks, packets in file order."""

    interfaces: tuple[Described, ...]
    others: tuple[Other, ...]
    packets: tuple[Record, ...]

    def with_packets(self, made: list[Record]) -> "Trace":
        return replace(self, packets=tuple(made))


@dataclass(frozen=True)
class Datagram:
    """A UDP datagram or TCP segment in a frame, whole and in one fragment."""

    head: bytes  # of the link layer
    protocol: int
    src: Endpoint
    dst: Endpoint
    payload: bytes
    sequence: int = 0
    acknowledged: int = 0
    flags: int = 0

    def packet(self) -> bytes:
        """The IP packet, its lengths and checksums right."""
        if self.protocol == packets.UDP:
            return packets.udp(self.src, self.dst, self.payload[:65_000])
        return packets.tcp(
            self.src,
            self.dst,
            seq=self.sequence,
            ack=self.acknowledged,
            flags=self.flags,
            payload=self.payload[:65_000],
        )

    def frame(self) -> bytes:
        return self.head + self.packet()


def read(path: Path) -> Trace:
    interfaces: list[Described] = []
    others: list[Other] = []
    held: list[Record] = []
    with pieces(path) as found:
        for piece in found:
            match piece:
                case Described():
                    interfaces.append(piece)
                case Record():
                    held.append(piece)
                case Other():
                    others.append(piece)
    return Trace(tuple(interfaces), tuple(others), tuple(held))


def pcapng(trace: Trace) -> bytes:
    blocks = [bytes(Section())]
    blocks += [bytes(Interface(each.link_type, each.snaplen, each.options)) for each in trace.interfaces]
    blocks += [block(each.kind, each.body) for each in trace.others if each.kind in (4, 10)]
    blocks += [
        bytes(Packet(each.interface, each.ticks, each.data, each.original, each.options))
        for each in trace.packets
    ]
    return b"".join(blocks)


def pcap(trace: Trace, order: str = "<", *, nanoseconds: bool = False) -> bytes:
    """As classic pcap: of one link type, all else is lost."""
    magic, unit = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    link_type = trace.interfaces[0].link_type
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262_144, link_type)]
    for each in trace.packets:
        if trace.interfaces[each.interface].link_type == link_type:
            seconds, rest = divmod(each.time, 10**9)
            lengths = len(each.data), each.original
            out.append(struct.pack(order + "IIII", seconds & 0xFFFFFFFF, rest // unit, *lengths) + each.data)
    return b"".join(out)


def with_data(record: Record, data: bytes) -> Record:
    return record._replace(data=data, original=len(data))


def network(link_type: int, data: bytes) -> int | None:
    """Where the IP header of a frame starts; None if there is none."""
    at = {NULL: 4, ETHERNET: 14, RAW: 0, SLL: 16, SLL2: 20}.get(link_type)
    if at is None or len(data) < at + 20:
        return None
    while link_type == ETHERNET and int.from_bytes(data[at - 2 : at]) in VLAN:
        at += 4
    return at if data[at : at + 1] and data[at] >> 4 in (4, 6) else None


def datagram(link_type: int, data: bytes) -> Datagram | None:
    """Take a frame apart; None where it is not plain UDP or TCP."""
    at = network(link_type, data)
    if at is None:
        return None
    ip = data[at:]
    if ip[0] >> 4 == 4:
        size, protocol = (ip[0] & 15) * 4, ip[9]
        src, dst, end = ip[12:16], ip[16:20], int.from_bytes(ip[2:4])
        if int.from_bytes(ip[6:8]) & 0x3FFF:
            return None
    else:
        size, protocol = 40, ip[6]
        src, dst, end = ip[8:24], ip[24:40], 40 + int.from_bytes(ip[4:6])
    segment = ip[size:end]
    if protocol not in (packets.UDP, packets.TCP) or len(segment) < (8 if protocol == packets.UDP else 20):
        return None
    hosts = [str(ipaddress.ip_address(each)) for each in (src, dst)]
    ends = [(host, int.from_bytes(segment[n : n + 2])) for host, n in zip(hosts, (0, 2), strict=True)]
    if protocol == packets.UDP:
        return Datagram(data[:at], protocol, *ends, segment[8:])
    payload = segment[(segment[12] >> 4) * 4 :]
    numbers = struct.unpack(">II", segment[4:12])
    return Datagram(data[:at], protocol, *ends, payload, *numbers, segment[13])


def kind(link_type: int, data: bytes) -> Kind:
    """What a frame carries, by its first bytes (RFC 7983)."""
    at = network(link_type, data)
    if at is not None and data[at + (9 if data[at] >> 4 == 4 else 6)] in (packets.ICMP, packets.ICMPV6):
        return "icmp"
    found = datagram(link_type, data)
    if found is None or not found.payload:
        return "other"
    return payload_kind(found.payload)


def payload_kind(payload: bytes) -> Kind:
    first, second = payload[0], payload[1] if len(payload) > 1 else 0
    if SIP_START.match(payload):
        return "sip"
    if first < 4 and len(payload) >= 20:
        return "stun"
    if 20 <= first < 64:
        return "dtls"
    if 64 <= first < 80:
        return "channel"
    if 128 <= first < 192:
        return "rtcp" if second in RTCP else "rtp"
    return "other"
