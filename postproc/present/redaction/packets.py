"""Packets, layer by layer: addresses and payloads are replaced, lengths and checksums set right.

Twice through a capture: ``note`` learns what is spread over packets (TCP
streams, fragments, certificates), ``packet`` replaces. What is not understood
is null from there on.
"""

import struct

from postproc.present.redaction import ip, media
from postproc.present.redaction.addresses import Addresses
from postproc.present.redaction.dtls import CONTENT_TYPES, Flow, Handshakes
from postproc.present.redaction.fragments import Fragments
from postproc.present.redaction.icmp import icmp
from postproc.present.redaction.ip import ICMP, ICMPV6, TCP, UDP, Packet
from postproc.present.redaction.link import IP_TYPES, link
from postproc.present.redaction.sip import START, Messages
from postproc.present.redaction.stun import StunMessages, looks_like_stun
from postproc.present.redaction.tcp import Streams

CHANNELS = range(64, 80)
KEEP_ALIVE = b"\r\n\0 "
LONGEST_KEEP_ALIVE = 8
TCP_HEADER, UDP_HEADER, CHANNEL_HEADER = 20, 8, 4


class Packets:
    """Replaces in the packets of one capture."""

    def __init__(
        self, addresses: Addresses, messages: Messages, stun: StunMessages, handshakes: Handshakes
    ) -> None:
        self._addresses, self._messages, self._stun, self._handshakes = addresses, messages, stun, handshakes
        self._streams, self._fragments = Streams(), Fragments()

    def note(self, frame: int, link_type: int, data: bytes) -> None:
        """Learn a packet, before any is replaced."""
        kind, at, _ = link(link_type, data, self._addresses)
        packet = ip.parse(data[at:]) if kind in IP_TYPES else None
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

    def packet(self, frame: int, link_type: int, data: bytes, original: int) -> tuple[bytes, int]:
        """A packet as it is now, and its length on the wire."""
        kind, at, head = link(link_type, data, self._addresses)
        packet = ip.parse(data[at:]) if kind in IP_TYPES else None
        if packet is None:
            return head + bytes(len(data) - len(head)), original
        source, destination = map(self._addresses.packed, (packet.source, packet.destination))
        offset, payload = self._payload(frame, packet)
        payload = _sealed(payload, packet, source, destination)
        size = len(payload) + packet.missing
        new = head + ip.header(packet, source, destination, size, offset) + payload + bytes(packet.trailer)
        return new, max(original + len(new) - len(data), len(new))

    def _payload(self, frame: int, packet: Packet) -> tuple[int | None, bytes]:
        """What the IP packet carries now; where it is a fragment, its offset."""
        if packet.fragment:
            return self._fragments.places.get(frame) or (None, bytes(len(packet.payload)))
        if packet.protocol == UDP:
            return None, self._udp(packet.payload, _flow(packet), packet.missing)
        if packet.protocol == TCP and _whole_header(packet.payload):
            return None, self._streams.segment(frame, packet.payload)
        if packet.protocol in (ICMP, ICMPV6):
            return None, icmp(packet, self._addresses, self._quoted)
        return None, bytes(len(packet.payload))

    def _udp(self, segment: bytes, flow: Flow | None, missing: int) -> bytes:
        """A datagram with its header, the checksum not yet set."""
        if len(segment) < UDP_HEADER:
            return segment
        length = int.from_bytes(segment[4:6])
        end = len(segment) if length < UDP_HEADER else min(length, len(segment))
        payload = segment[UDP_HEADER:end]
        new = self._datagram(flow, payload)
        if len(new) + UDP_HEADER + missing > ip.LARGEST:
            new = bytes(len(payload))
        told = length + len(new) - len(payload) if length >= UDP_HEADER else length
        return segment[:4] + struct.pack(">H", told) + segment[6:8] + new + bytes(len(segment) - end)

    def _reassembled(self, key: bytes, segment: bytes) -> bytes:
        """A datagram that was fragmented, with its checksum."""
        source, destination = (key[:16], key[16:32]) if len(key) > 32 else (key[3:7], key[7:11])
        ports = int.from_bytes(segment[:2]), int.from_bytes(segment[2:4])
        new = self._udp(segment, (source, ports[0], destination, ports[1]), 0)
        new_source, new_destination = map(self._addresses.packed, (source, destination))
        return new if new[6:8] == b"\0\0" else ip.sealed(new, 6, new_source, new_destination, UDP)

    def _datagram(self, flow: Flow | None, payload: bytes) -> bytes:
        start = payload.lstrip(KEEP_ALIVE)
        if not start and len(payload) <= LONGEST_KEEP_ALIVE:
            return payload
        if START.match(start):
            return payload[: len(payload) - len(start)] + self._messages.message(start)
        return self._by_first_byte(flow, payload)

    def _by_first_byte(self, flow: Flow | None, payload: bytes) -> bytes:
        """What shares a port with RTP (RFC 7983); null is what nothing is known of."""
        if looks_like_stun(payload):
            return self._stun.message(payload, lambda inner: self._nested(flow, inner))
        if _is_channel_data(payload):
            inner = payload[CHANNEL_HEADER : CHANNEL_HEADER + int.from_bytes(payload[2:4])]
            rest = len(payload) - CHANNEL_HEADER - len(inner)
            return payload[:CHANNEL_HEADER] + self._nested(flow, inner) + bytes(rest)
        if media.looks_like_rtp(payload):
            return media.media(payload)
        if payload[0] in CONTENT_TYPES and payload[1:2] == b"\xfe" and flow:
            return self._handshakes.payload(flow, payload)
        return bytes(len(payload))

    def _nested(self, flow: Flow | None, payload: bytes) -> bytes:
        """What TURN carries; it may not change its length."""
        new = self._datagram(flow, payload) if payload else payload
        return new if len(new) == len(payload) else bytes(len(payload))

    def _note_datagram(self, flow: Flow, payload: bytes) -> None:
        """Learn certificates, in TURN, too."""
        if payload[0] in CONTENT_TYPES:
            self._handshakes.note(flow, payload)
        elif _is_channel_data(payload) and payload[4:5] and payload[4] in CONTENT_TYPES:
            self._handshakes.note(flow, payload[4:])
        elif looks_like_stun(payload) and len(payload) > 1000:
            for at in range(20, len(payload) - 13, 4):
                if payload[at] == 22 and payload[at + 1] == 0xFE:
                    self._handshakes.note(flow, payload[at:])

    def _quoted(self, packet: Packet) -> bytes:
        """The payload of a packet that an ICMP error quotes, as long as before."""
        if packet.protocol == UDP and not packet.fragment and len(packet.payload) >= UDP_HEADER:
            new = self._udp(packet.payload, _flow(packet), packet.missing)
            kept = packet.payload[4:6]  # what is quoted keeps its length
            as_long = (new[:4] + kept + new[6:]).ljust(len(packet.payload), b"\0")[: len(packet.payload)]
            source, destination = map(self._addresses.packed, (packet.source, packet.destination))
            return _sealed(as_long, packet, source, destination)
        if packet.protocol == TCP:
            return packet.payload[:TCP_HEADER] + bytes(max(len(packet.payload) - TCP_HEADER, 0))
        return packet.payload[:8] + bytes(max(len(packet.payload) - 8, 0))


def _is_channel_data(payload: bytes) -> bool:
    """Its length fits, but for padding to four bytes (RFC 8656, section 12.4)."""
    if len(payload) < CHANNEL_HEADER or payload[0] not in CHANNELS:
        return False
    return 0 <= len(payload) - CHANNEL_HEADER - int.from_bytes(payload[2:4]) < CHANNEL_HEADER


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
        return payload[:at] + struct.pack(">H", ip.checksum(blank)) + payload[at + 2 :]
    return ip.sealed(payload, at, source, destination, packet.protocol)
