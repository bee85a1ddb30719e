"""Redact packets layer by layer: addresses and payloads keep their length, checksums are recomputed.

Two passes over a capture: ``note`` learns what spans packets (TCP streams, fragments, certificates),
``packet`` replaces. From the first byte not understood, a packet is zeroed. Layers: link and tunnels
(tunnels.py), IP (RFC 791, RFC 8200), ICMP (RFC 792, RFC 4443, RFC 4861), UDP and what it carries.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from postproc.read.layers import IN_IP, IPV4, IPV6
from postproc.share.account import Kind, Tally
from postproc.share.redaction import tls
from postproc.share.redaction.addresses import Addresses
from postproc.share.redaction.dtls import Flow, Handshakes, looks_like_dtls
from postproc.share.redaction.media import Media, looks_like_rtp
from postproc.share.redaction.sip import START, Messages
from postproc.share.redaction.streams import Fragments, Streams
from postproc.share.redaction.stun import StunMessages, bound_channel, carried, looks_like_stun
from postproc.share.redaction.tunnels import (
    DEEPEST,
    Headers,
    in_datagram,
    in_packet,
    link_headers,
    nested,
    packet_behind,
    with_checksums,
)
from postproc.wire import MalformedError, hep, ip
from postproc.wire.ip import ICMP, ICMPV6, TCP, UDP, Extension, Packet
from postproc.wire.link import ARP
from postproc.wire.transport import NO_OPERATION

# Bytes kept after the Next Header field: length, routing type and segments left; length.
IP_ROUTING_KEPT, IP_OPTIONS_KEPT = 3, 1


def _ip_packet(data: bytes) -> Packet | None:
    try:
        return ip.parse(data)
    except MalformedError:
        return None


def _readdressed(packet: Packet, addresses: Addresses, payload: bytes) -> Packet:
    """Replace addresses and payload; options become padding (RFC 791; RFC 8200, section 4.2)."""
    return replace(
        packet,
        source=addresses.packed(packet.source),
        destination=addresses.packed(packet.destination),
        options=bytes([NO_OPERATION]) * len(packet.options),
        extensions=tuple(map(_void, packet.extensions)),
        checksum=None,
        payload=payload,
        trailer=bytes(len(packet.trailer)),
    )


def _void(extension: Extension) -> Extension:
    """Replace the options in an extension header with padding; fragment headers stay."""
    if extension.kind == ip.FRAGMENT:
        return extension
    size = IP_ROUTING_KEPT if extension.kind == ip.ROUTING else IP_OPTIONS_KEPT
    return extension._replace(data=extension.data[:size] + bytes(len(extension.data) - size))


def _arp(packet: bytes, addresses: Addresses) -> bytes:
    """Redact ARP for Ethernet and IPv4 (RFC 826); empty for any other kind."""
    if len(packet) < 28 or packet[:6] != bytes.fromhex("000108000604"):
        return b""
    new = packet[:8]
    for at in (8, 18):
        new += addresses.mac(packet[at : at + 6]) + addresses.packed(packet[at + 6 : at + 10])
    return new


REDIRECT = 5
TARGETED = {135: 1, 136: 1, 137: 2}  # Neighbor Discovery (RFC 4861): number of addresses after the header
HEADER = 8

Quoted = Callable[[Packet], bytes]


def icmp(packet: Packet, addresses: Addresses, quoted: Quoted) -> bytes:
    """Redact an ICMP message; the length stays, the checksum is not yet set."""
    message = packet.payload
    if len(message) < HEADER:
        return message[:4] + bytes(max(len(message) - 4, 0))
    head, rest = message[:HEADER], message[HEADER:]
    if packet.protocol == ICMP and message[0] == REDIRECT:
        head = head[:4] + addresses.packed(head[4:8])
    if message[0] in ip.ERRORS[packet.protocol]:
        detail = bytes(2) + head[6:8] if packet.protocol == ICMP else head[4:8]  # next-hop MTU, or pointer
        return head[:4] + detail + _quote(rest, addresses, quoted)
    if packet.protocol == ICMPV6 and message[0] in TARGETED:
        end = 16 * TARGETED[message[0]]
        targets = [rest[at : at + 16] for at in range(0, end, 16)]
        if all(len(target) == 16 for target in targets):
            return head + b"".join(map(addresses.packed, targets)) + bytes(len(rest) - end)
    return head + bytes(len(rest))


def _quote(rest: bytes, addresses: Addresses, quoted: Quoted) -> bytes:
    packet = _ip_packet(rest)
    return bytes(len(rest)) if packet is None else bytes(_readdressed(packet, addresses, quoted(packet)))


NO_FRAME = 0  # for reassembled datagrams
CHANNELS = range(64, 80)
HEP_ADDRESSES = (hep.SOURCE_4, hep.DESTINATION_4, hep.SOURCE_6, hep.DESTINATION_6)
# Chunks with numbers that identify nobody, and their sizes in bytes
HEP_NUMBERS = {hep.SECONDS: 4, hep.MICROSECONDS: 4, hep.SOURCE_PORT: 2, hep.DESTINATION_PORT: 2}
HEP_NUMBERS |= dict.fromkeys((hep.FAMILY, hep.PROTOCOL, hep.KIND), 1)
KEEP_ALIVE = b"\r\n\0 "
LONGEST_KEEP_ALIVE = 8
TCP_HEADER, UDP_HEADER, CHANNEL_HEADER, ICMP_HEADER = 20, 8, 4, 8


class Packets:
    """Redact the packets of one capture."""

    def __init__(
        self,
        addresses: Addresses,
        messages: Messages,
        stun: StunMessages,
        handshakes: Handshakes,
        tally: Tally,
    ) -> None:
        self._addresses, self._messages, self._stun, self._handshakes = addresses, messages, stun, handshakes
        self._streams, self._fragments, self._tally = Streams(), Fragments(), tally
        self._media = Media(messages.sessions)
        self._bound: set[bytes] = set()  # channels of TURN

    def decrypted(self, messages: Mapping[int, tuple[bytes, ...]]) -> None:
        """Set the SIP messages decrypted from TLS, by frame; call it before ``note``."""
        self._streams.decrypted = messages

    def note(self, frame: int, link_type: int, data: bytes) -> None:
        """Learn from a packet; call it for all packets before ``packet``."""
        packet = next((each for _, each in reversed([*nested(link_type, data)])), None)
        if packet is None:
            return
        if packet.fragment:
            if packet.protocol == UDP or packet.protocol in IN_IP:
                key, offset, more = packet.fragment
                self._fragments.note(frame, key, offset, more, packet.payload, cut=packet.missing > 0)
        elif packet.protocol == TCP and _whole_header(packet.payload):
            source, destination = (int.from_bytes(packet.payload[place : place + 2]) for place in (0, 2))
            ends = (packet.source, source), (packet.destination, destination)
            self._streams.note(frame, *ends, packet.payload)
        elif packet.protocol == UDP and len(packet.payload) > UDP_HEADER:
            self._note_datagram(_flow(packet), packet.payload[UDP_HEADER:])

    def learn_streams(self) -> None:
        """Learn what TCP streams carry, once all packets are noted."""
        self._streams.learn(self._note_datagram)

    def finish(self) -> None:
        """Redact streams and fragmented datagrams, once all packets are noted; repeat after learning more."""
        self._streams.finish(
            self._messages.message,
            lambda stream: tls.replaced(stream, self._handshakes),
            lambda flow, payload, cut: self._datagram(flow, payload, cut=cut),
        )
        self._fragments.finish(self._reassembled)

    def packet(self, frame: int, link_type: int, data: bytes) -> bytes:
        """Return the redacted packet, as long as the original."""
        return self._behind(link_headers(link_type, data), frame)

    def _behind(self, headers: Headers, frame: int, depth: int = 0, outside: Packet | None = None) -> bytes:
        """Redact headers and the packet after them; after an extension header that is part of ``outside``."""
        packet, rest = packet_behind(headers, outside), b""
        if headers.kind != ARP and packet is None:
            headers = headers.proven
        start = headers.redacted(self._addresses.mac)
        if headers.kind == ARP:
            rest = _arp(headers.rest, self._addresses)
        elif packet:
            new = _readdressed(packet, self._addresses, self._payload(frame, packet, depth))
            payload = _sealed(new.payload, packet, new.source, new.destination)
            rest = bytes(replace(new, payload=payload)) if headers.kind in (IPV4, IPV6) else payload
        return with_checksums(headers, start + rest.ljust(len(headers.rest), b"\0"))

    def _payload(self, frame: int, packet: Packet, depth: int = 0) -> bytes:
        """Return the redacted payload of an IP packet, its checksum not yet set."""
        if packet.fragment:
            return self._fragments.places.get(frame) or bytes(len(packet.payload))
        if packet.protocol in IN_IP:
            headers = in_packet(packet) if depth < DEEPEST else None
            if headers and packet_behind(headers, packet):
                return self._behind(headers, frame, depth + 1, packet)
        if packet.protocol == UDP:
            return self._udp(packet.payload, _flow(packet), frame, depth, cut=packet.missing > 0)
        if packet.protocol == TCP and _whole_header(packet.payload):
            return self._streams.segment(frame, packet.payload)
        if packet.protocol in (ICMP, ICMPV6):
            return icmp(packet, self._addresses, self._quoted)
        return bytes(len(packet.payload))

    def _udp(self, segment: bytes, flow: Flow, frame: int = NO_FRAME, depth: int = 0, *, cut: bool) -> bytes:
        """Redact a UDP datagram with its header, the checksum not yet set."""
        if len(segment) < UDP_HEADER:
            return segment
        length = int.from_bytes(segment[4:6])
        end = len(segment) if length < UDP_HEADER else min(length, len(segment))
        payload = segment[UDP_HEADER:end]
        headers = in_datagram(flow[3], payload) if depth < DEEPEST else None
        if headers and packet_behind(headers):
            new = self._behind(headers, frame, depth + 1)
        else:
            new = self._datagram(flow, payload, cut=cut)
        return segment[:UDP_HEADER] + new + bytes(len(segment) - end)

    def _reassembled(self, key: bytes, segment: bytes) -> bytes:
        """Redact a reassembled datagram, including its checksum."""
        size = 16 if len(key) > 2 * 16 else 4
        source, destination = key[-2 * size : -size], key[-size:]
        if (protocol := key[-2 * size - 1]) != UDP:
            return self._payload(NO_FRAME, Packet(source, destination, protocol, segment))
        ports = int.from_bytes(segment[:2]), int.from_bytes(segment[2:4])
        new = self._udp(segment, (source, ports[0], destination, ports[1]), cut=False)
        new_source, new_destination = map(self._addresses.packed, (source, destination))
        return new if new[6:8] == b"\0\0" else ip.sealed(new, UDP, new_source, new_destination)

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
        """Redact a protocol that shares ports with RTP (RFC 7983), or HEP; None if nothing proves it."""
        if looks_like_stun(payload, cut=cut):
            return self._stun.message(payload, lambda inner: self._datagram(flow, inner, cut=cut))
        if looks_like_rtp(payload):
            new = self._media.packet(flow, payload)
            self._tally.replaced[Kind.MEDIA] += new is not None
            return new
        if looks_like_dtls(payload, cut=cut):
            return self._handshakes.payload(flow, payload)
        if hep.is_hep(payload):
            return self._copied(payload, cut=cut)
        if _is_channel_data(payload, cut=cut):
            return self._channel_data(flow, payload, cut=cut)
        new = self._media.fax(flow, payload)
        self._tally.replaced[Kind.MEDIA] += new is not None
        return new

    def _copied(self, payload: bytes, *, cut: bool) -> bytes | None:
        """Redact a HEP copy: addresses and payload are replaced, ports and times stay, all else is zeroed."""
        try:
            copy, old = hep.parse(payload), not payload.startswith(hep.MAGIC)
            parts = () if old else tuple(hep.chunks(payload))
        except MalformedError:
            return None
        inner = _flow_of(copy)
        if old:
            source, destination = map(self._addresses.packed, (copy.source, copy.destination))
            start = hep.OLD_HEADER + len(source) + len(destination)
            end = len(payload) - len(copy.payload or b"")
            head = payload[: hep.OLD_HEADER] + source + destination + payload[start : min(end, start + 8)]
            return head.ljust(end, b"\0") + self._datagram(inner, payload[end:], cut=cut)
        new = bytearray(payload[: hep.HEADER].ljust(len(payload), b"\0"))
        for part in parts:
            at = part.start + hep.CHUNK_HEADER
            new[part.start : at] = payload[part.start : at]
            new[at : at + len(part.value)] = self._chunk(part, inner, cut=cut)
        return bytes(new)

    def _chunk(self, part: hep.Chunk, inner: Flow, *, cut: bool) -> bytes:
        if part.vendor != hep.GENERIC:
            return bytes(len(part.value))
        if part.kind == hep.PAYLOAD and not hep.is_hep(part.value):
            return self._datagram(inner, part.value, cut=cut)
        if part.kind in HEP_ADDRESSES and len(part.value) in hep.SIZES.values():
            return self._addresses.packed(part.value)
        stays = part.kind in HEP_NUMBERS and len(part.value) <= HEP_NUMBERS[part.kind]
        return part.value if stays else bytes(len(part.value))

    def _channel_data(self, flow: Flow, payload: bytes, *, cut: bool) -> bytes | None:
        """Redact TURN ChannelData of a channel bound in the capture, or with proven content; else None."""
        inner = payload[CHANNEL_HEADER : CHANNEL_HEADER + int.from_bytes(payload[2:4])]
        rest = bytes(len(payload) - CHANNEL_HEADER - len(inner))
        if payload[:2] not in self._bound and self._proven(flow, inner, cut=cut) is None:
            return None
        return payload[:CHANNEL_HEADER] + self._datagram(flow, inner, cut=cut) + rest

    def _note_datagram(self, flow: Flow, payload: bytes) -> None:
        """Learn certificates, media streams and channels, also inside TURN and HEP."""
        if looks_like_rtp(payload):
            self._media.note(flow, payload)
        elif looks_like_stun(payload):
            self._note_stun(flow, payload)
        elif looks_like_dtls(payload, cut=True):
            self._handshakes.note(flow, payload)
        elif hep.is_hep(payload):
            self._note_copied(payload)
        elif _is_channel_data(payload, cut=True) and len(payload) > CHANNEL_HEADER:
            self._note_datagram(flow, payload[CHANNEL_HEADER : CHANNEL_HEADER + int.from_bytes(payload[2:4])])

    def _note_copied(self, payload: bytes) -> None:
        with suppress(MalformedError):
            copy = hep.parse(payload)
            if copy.payload and not hep.is_hep(copy.payload):
                self._note_datagram(_flow_of(copy), copy.payload)

    def _note_stun(self, flow: Flow, payload: bytes) -> None:
        self._media.note_check(flow)
        if channel := bound_channel(payload):
            self._bound.add(channel)
        for inner in carried(payload):
            self._note_datagram(flow, inner)

    def _quoted(self, packet: Packet) -> bytes:
        """Redact the payload of a packet quoted in an ICMP error; the length stays."""
        if packet.protocol == UDP and not packet.fragment and len(packet.payload) >= UDP_HEADER:
            new = self._udp(packet.payload, _flow(packet), cut=packet.missing > 0)
            source, destination = map(self._addresses.packed, (packet.source, packet.destination))
            return _sealed(new, packet, source, destination)
        size = {TCP: TCP_HEADER, ICMP: ICMP_HEADER, ICMPV6: ICMP_HEADER}.get(packet.protocol, 0)
        size = 0 if packet.fragment else size
        return packet.payload[:size] + bytes(max(len(packet.payload) - size, 0))


def _flow_of(copy: hep.Copy) -> Flow:
    return copy.source, copy.source_port, copy.destination, copy.destination_port


def _is_channel_data(payload: bytes, *, cut: bool) -> bool:
    """Whether channel and length fit, apart from padding to four bytes (RFC 8656, section 12.4)."""
    if len(payload) < CHANNEL_HEADER or payload[0] not in CHANNELS:
        return False
    surplus = len(payload) - CHANNEL_HEADER - int.from_bytes(payload[2:4])
    return 0 <= surplus < CHANNEL_HEADER or (cut and surplus < 0)


def _flow(packet: Packet) -> Flow:
    ports = packet.payload[:4].ljust(4, b"\0")
    return packet.source, int.from_bytes(ports[:2]), packet.destination, int.from_bytes(ports[2:])


def _whole_header(segment: bytes) -> bool:
    return len(segment) >= TCP_HEADER and TCP_HEADER <= (segment[12] >> 4) * 4 <= len(segment)


def _sealed(payload: bytes, packet: Packet, source: bytes, destination: bytes) -> bytes:
    """Set the checksum in the transport header; zero it if part of the payload was not captured."""
    at = ip.CHECKSUM_AT.get(packet.protocol)
    if at is None or packet.fragment or len(payload) < at + 2:
        return payload
    if packet.protocol == UDP and payload[6:8] == b"\0\0":  # none was wanted
        return payload
    if packet.missing:
        return payload[:at] + b"\0\0" + payload[at + 2 :]
    return ip.sealed(payload, packet.protocol, source, destination)
