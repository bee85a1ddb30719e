"""Packets, layer by layer: addresses and payloads are replaced by such of equal length, checksums set right.

Twice through a capture: ``note`` learns what is spread over packets (TCP streams, fragments, certificates),
``packet`` replaces. What is not understood is null from there on. Layers: link (https://www.tcpdump.org/linktypes.html),
IP (RFC 791, RFC 8200), ICMP (RFC 792, RFC 4443, RFC 4861), UDP and what it carries.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from postproc.share.account import Kind, Tally
from postproc.share.redaction.addresses import Addresses
from postproc.share.redaction.dtls import Flow, Handshakes, looks_like_dtls
from postproc.share.redaction.sip import START, Messages
from postproc.share.redaction.streams import Fragments, Media, Streams, looks_like_rtp
from postproc.share.redaction.stun import StunMessages, bound_channel, carried, looks_like_stun

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


def ip_packet(data: bytes) -> Packet | None:
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


def ip_header(packet: Packet, source: bytes, destination: bytes) -> bytes:
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


IPV4, IPV6, ARP, NOTHING = 0x0800, 0x86DD, 0x0806, 0
IP_TYPES = (IPV4, IPV6)
PPPOE, PPP = 0x8864, {0x0021: IPV4, 0x0057: IPV6}  # RFC 2516
VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
RAW, LOOPBACK = (12, 14, 101, 228, 229), (0, 108)
ETHERNET, SLL, SLL2 = 1, 113, 276
AF_INET, AF_INET6 = 2, (10, 23, 24, 28, 30)


def link(link_type: int, data: bytes, addresses: Addresses) -> tuple[int, int, bytes]:
    """What follows (IPV4, IPV6 or NOTHING), where, and the new head up to there.

    Of what is no IP packet the head is all that may stay.
    """
    if link_type in RAW:
        return {4: IPV4, 6: IPV6}.get(data[0] >> 4 if data else 0, NOTHING), 0, b""
    if link_type in LOOPBACK and len(data) >= 4:
        kind = _family(data[:4])
        return kind, 4, data[:4] if kind else b""
    if link_type == ETHERNET and len(data) >= 14:
        macs = addresses.mac(data[:6]) + addresses.mac(data[6:12])
        return _typed(data, 12, 14, macs, addresses)
    if link_type == SLL and len(data) >= 16:
        return _typed(data, 14, 16, data[:6] + _hardware(data[6:14], data[5], addresses), addresses)
    if link_type == SLL2 and len(data) >= 20:
        kind = int.from_bytes(data[:2])
        head = data[:12] + _hardware(data[12:20], data[11], addresses)
        return (kind if kind in IP_TYPES else NOTHING), 20, head
    return NOTHING, 0, b""


def _typed(data: bytes, type_at: int, at: int, head: bytes, addresses: Addresses) -> tuple[int, int, bytes]:
    """Follow VLAN tags to what they tag."""
    kind = int.from_bytes(data[type_at : type_at + 2])
    while kind in VLAN_TAGS and at + 4 <= len(data):
        kind, at = int.from_bytes(data[at + 2 : at + 4]), at + 4
    if kind == PPPOE and at + 8 <= len(data):
        kind, at = PPP.get(int.from_bytes(data[at + 6 : at + 8]), NOTHING), at + 8
    head += data[type_at:at]
    if kind == ARP:
        return NOTHING, at, head + _arp(data[at:], addresses)
    return (kind if kind in IP_TYPES else NOTHING), at, head


def _hardware(field: bytes, length: int, addresses: Addresses) -> bytes:
    return addresses.mac(field[:6]) + bytes(2) if length == 6 else bytes(8)


def _family(head: bytes) -> int:
    family = int.from_bytes(head, "little")
    family = int.from_bytes(head) if family > 0xFFFF else family
    return IPV4 if family == AF_INET else IPV6 if family in AF_INET6 else NOTHING


def _arp(packet: bytes, addresses: Addresses) -> bytes:
    """Ethernet and IPv4 (RFC 826), the only ones that ARP carries today."""
    if len(packet) < 28 or packet[:6] != bytes.fromhex("000108000604"):
        return b""
    new = packet[:8]
    for at in (8, 18):
        new += addresses.mac(packet[at : at + 6]) + addresses.packed(packet[at + 6 : at + 10])
    return new


ERRORS = {ICMP: (3, 4, 5, 11, 12), ICMPV6: (1, 2, 3, 4)}
REDIRECT = 5
TARGETED = {135: 1, 136: 1, 137: 2}  # neighbour discovery: how many addresses follow the header
HEADER = 8

Quoted = Callable[[Packet], bytes]


def icmp(packet: Packet, addresses: Addresses, quoted: Quoted) -> bytes:
    """A message as long as before, its checksum not yet set."""
    message = packet.payload
    if len(message) < HEADER:
        return message[:4] + bytes(max(len(message) - 4, 0))
    head, rest = message[:HEADER], message[HEADER:]
    if packet.protocol == ICMP and message[0] == REDIRECT:
        head = head[:4] + addresses.packed(head[4:8])
    if message[0] in ERRORS[packet.protocol]:
        told = bytes(2) + head[6:8] if packet.protocol == ICMP else head[4:8]  # size that fits, or place
        return head[:4] + told + _quote(rest, addresses, quoted)
    if packet.protocol == ICMPV6 and message[0] in TARGETED:
        end = 16 * TARGETED[message[0]]
        targets = [rest[at : at + 16] for at in range(0, end, 16)]
        if all(len(target) == 16 for target in targets):
            return head + b"".join(map(addresses.packed, targets)) + bytes(len(rest) - end)
    return head + bytes(len(rest))


def _quote(rest: bytes, addresses: Addresses, quoted: Quoted) -> bytes:
    packet = ip_packet(rest)
    if packet is None:
        return bytes(len(rest))
    source, destination = map(addresses.packed, (packet.source, packet.destination))
    new = ip_header(packet, source, destination) + quoted(packet)
    return new + bytes(len(rest) - len(new))


CHANNELS = range(64, 80)
KEEP_ALIVE = b"\r\n\0 "
LONGEST_KEEP_ALIVE = 8
TCP_HEADER, UDP_HEADER, CHANNEL_HEADER, ICMP_HEADER = 20, 8, 4, 8


class Packets:
    """Replaces in the packets of one capture."""

    def __init__(
        self, addresses: Addresses, messages: Messages, stun: StunMessages, handshakes: Handshakes,
        tally: Tally,
    ) -> None:  # fmt: skip
        self._addresses, self._messages, self._stun, self._handshakes = addresses, messages, stun, handshakes
        self._streams, self._fragments, self._tally = Streams(), Fragments(), tally
        self._media = Media(messages.sessions)
        self._bound: set[bytes] = set()  # channels of TURN

    def decrypted(self, messages: Mapping[int, tuple[bytes, ...]]) -> None:
        """Learn the SIP messages that were in TLS, by frame, before any packet of theirs."""
        self._streams.decrypted = messages

    def note(self, frame: int, link_type: int, data: bytes) -> None:
        """Learn a packet, before any is replaced."""
        kind, at, _ = link(link_type, data, self._addresses)
        packet = ip_packet(data[at:]) if kind in IP_TYPES else None
        if packet is None:
            return
        if packet.fragment:
            if packet.protocol == UDP:
                key, offset, more = packet.fragment
                self._fragments.note(frame, key, offset, more, packet.payload, cut=packet.missing > 0)
        elif packet.protocol == TCP and _whole_header(packet.payload):
            source, destination = (int.from_bytes(packet.payload[place : place + 2]) for place in (0, 2))
            ends = (packet.source, source), (packet.destination, destination)
            self._streams.note(frame, *ends, packet.payload)
        elif packet.protocol == UDP and len(packet.payload) > UDP_HEADER:
            self._note_datagram(_flow(packet), packet.payload[UDP_HEADER:])

    def finish(self) -> None:
        """All packets are noted: replace in what is spread over several; again when more is learnt."""
        self._streams.finish(self._messages.message)
        self._fragments.finish(self._reassembled)

    def packet(self, frame: int, link_type: int, data: bytes) -> bytes:
        """A packet as it is now, as long as before."""
        kind, at, head = link(link_type, data, self._addresses)
        packet = ip_packet(data[at:]) if kind in IP_TYPES else None
        if packet is None:
            return head + bytes(len(data) - len(head))
        source, destination = map(self._addresses.packed, (packet.source, packet.destination))
        payload = _sealed(self._payload(frame, packet), packet, source, destination)
        return head + ip_header(packet, source, destination) + payload + bytes(packet.trailer)

    def _payload(self, frame: int, packet: Packet) -> bytes:
        """What the IP packet carries now, the checksum not yet set."""
        if packet.fragment:
            return self._fragments.places.get(frame) or bytes(len(packet.payload))
        if packet.protocol == UDP:
            return self._udp(packet.payload, _flow(packet), cut=packet.missing > 0)
        if packet.protocol == TCP and _whole_header(packet.payload):
            return self._streams.segment(frame, packet.payload)
        if packet.protocol in (ICMP, ICMPV6):
            return icmp(packet, self._addresses, self._quoted)
        return bytes(len(packet.payload))

    def _udp(self, segment: bytes, flow: Flow, *, cut: bool) -> bytes:
        """A datagram with its header, the checksum not yet set."""
        if len(segment) < UDP_HEADER:
            return segment
        length = int.from_bytes(segment[4:6])
        end = len(segment) if length < UDP_HEADER else min(length, len(segment))
        new = self._datagram(flow, segment[UDP_HEADER:end], cut=cut)
        return segment[:UDP_HEADER] + new + bytes(len(segment) - end)

    def _reassembled(self, key: bytes, segment: bytes) -> bytes:
        """A datagram that was fragmented, with its checksum."""
        source, destination = (key[:16], key[16:32]) if len(key) > 32 else (key[3:7], key[7:11])
        ports = int.from_bytes(segment[:2]), int.from_bytes(segment[2:4])
        new = self._udp(segment, (source, ports[0], destination, ports[1]), cut=False)
        new_source, new_destination = map(self._addresses.packed, (source, destination))
        return new if new[6:8] == b"\0\0" else sealed(new, 6, new_source, new_destination, UDP)

    def _datagram(self, flow: Flow, payload: bytes, *, cut: bool) -> bytes:
        start = payload.lstrip(KEEP_ALIVE)
        if not start and len(payload) <= LONGEST_KEEP_ALIVE:
            return payload
        if START.match(start):
            return payload[: len(payload) - len(start)] + self._messages.message(start)
        new = self._proven(flow, payload, cut=cut)
        if new is None:
            self._tally.replaced[Kind.PAYLOAD] += 1
            return bytes(len(payload))
        return new

    def _proven(self, flow: Flow, payload: bytes, *, cut: bool) -> bytes | None:
        """What shares a port with RTP (RFC 7983) and proves to be what it looks like; None for all else."""
        if looks_like_stun(payload, cut=cut):
            return self._stun.message(payload, lambda inner: self._datagram(flow, inner, cut=cut))
        if looks_like_rtp(payload):
            new = self._media.packet(flow, payload)
            self._tally.replaced[Kind.MEDIA] += new is not None
            return new
        if looks_like_dtls(payload, cut=cut):
            return self._handshakes.payload(flow, payload)
        if _is_channel_data(payload, cut=cut):
            return self._channel_data(flow, payload, cut=cut)
        return None

    def _channel_data(self, flow: Flow, payload: bytes, *, cut: bool) -> bytes | None:
        """A message of TURN if its channel was asked for somewhere, or what it carries proves itself."""
        inner = payload[CHANNEL_HEADER : CHANNEL_HEADER + int.from_bytes(payload[2:4])]
        rest = bytes(len(payload) - CHANNEL_HEADER - len(inner))
        if payload[:2] not in self._bound and self._proven(flow, inner, cut=cut) is None:
            return None
        return payload[:CHANNEL_HEADER] + self._datagram(flow, inner, cut=cut) + rest

    def _note_datagram(self, flow: Flow, payload: bytes) -> None:
        """Learn certificates, streams and channels, in TURN, too."""
        if looks_like_rtp(payload):
            self._media.note(flow, payload)
        elif looks_like_stun(payload):
            self._note_stun(flow, payload)
        elif looks_like_dtls(payload, cut=True):
            self._handshakes.note(flow, payload)
        elif _is_channel_data(payload, cut=True) and len(payload) > CHANNEL_HEADER:
            self._note_datagram(flow, payload[CHANNEL_HEADER : CHANNEL_HEADER + int.from_bytes(payload[2:4])])

    def _note_stun(self, flow: Flow, payload: bytes) -> None:
        self._media.note_check(flow)
        if channel := bound_channel(payload):
            self._bound.add(channel)
        for inner in carried(payload):
            self._note_datagram(flow, inner)

    def _quoted(self, packet: Packet) -> bytes:
        """The payload of a packet that an ICMP error quotes, as long as before."""
        if packet.protocol == UDP and not packet.fragment and len(packet.payload) >= UDP_HEADER:
            new = self._udp(packet.payload, _flow(packet), cut=packet.missing > 0)
            source, destination = map(self._addresses.packed, (packet.source, packet.destination))
            return _sealed(new, packet, source, destination)
        kept = {TCP: TCP_HEADER, ICMP: ICMP_HEADER, ICMPV6: ICMP_HEADER}.get(packet.protocol, 0)
        kept = 0 if packet.fragment else kept
        return packet.payload[:kept] + bytes(max(len(packet.payload) - kept, 0))


def _is_channel_data(payload: bytes, *, cut: bool) -> bool:
    """Its length fits, but for padding to four bytes (RFC 8656, section 12.4)."""
    if len(payload) < CHANNEL_HEADER or payload[0] not in CHANNELS:
        return False
    left = len(payload) - CHANNEL_HEADER - int.from_bytes(payload[2:4])
    return 0 <= left < CHANNEL_HEADER or (cut and left < 0)


def _flow(packet: Packet) -> Flow:
    ports = packet.payload[:4].ljust(4, b"\0")
    return packet.source, int.from_bytes(ports[:2]), packet.destination, int.from_bytes(ports[2:])


def _whole_header(segment: bytes) -> bool:
    return len(segment) >= TCP_HEADER and TCP_HEADER <= (segment[12] >> 4) * 4 <= len(segment)


def _sealed(payload: bytes, packet: Packet, source: bytes, destination: bytes) -> bytes:
    """The payload with the checksum of its header; null where a part of it is not there."""
    at = {UDP: 6, TCP: 16, ICMPV6: 2, ICMP: 2}.get(packet.protocol)
    if at is None or packet.fragment or len(payload) < at + 2:
        return payload
    if packet.protocol == UDP and payload[6:8] == b"\0\0":  # none was wanted
        return payload
    if packet.missing:
        return payload[:at] + b"\0\0" + payload[at + 2 :]
    if packet.protocol == ICMP:
        blank = payload[:at] + b"\0\0" + payload[at + 2 :]
        return payload[:at] + struct.pack(">H", checksum(blank)) + payload[at + 2 :]
    return sealed(payload, at, source, destination, packet.protocol)
