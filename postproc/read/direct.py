"""Frames that need no tshark: checks, DTLS and SIP in datagrams (read.payloads), SIP over TCP, ICMP errors.

A connection on a port of SIP is plain if all that either end sends are whole messages, one after the other
by their Content-Length (RFC 3261, section 18.3), or keep-alives in segments of their own (RFC 5626, section
4.4.1), and the segments are complete and in order. Any other, be it only for one segment sent again, is
tshark's, from its first packet on: so both ways show the same messages in the same frames.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from postproc.read import dtls, payloads
from postproc.read.arrays import Array
from postproc.read.container import Interface, Window
from postproc.read.frame import Frame, addresses
from postproc.read.packets import TCP, UDP, Packets, Payloads, flow, mixed, segments, unwrapped
from postproc.read.sip import WHOLE_START_LINE, WRAP
from postproc.read.walk import open_container, windows
from postproc.wire import MalformedError, hep, sip, stun
from postproc.wire.dtls import is_encrypted
from postproc.wire.ip import ERRORS, ICMP, ICMPV6
from postproc.wire.transport import FIN, RST, SYN

OF_TCP = np.uint64(4)  # beside read.payloads' keys: a connection's own
HTTPS = 443  # its connections are told by other rules (read.tshark)
LETTER = re.compile(rb"[A-Za-z]")
LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*(\d{1,9})[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
# Bytes and segments of a message, far more than any has: 64 kB in Ethernet's segments are 45. They bound the
# work on what never ends, which is looked through again with each segment.
LONGEST, MOST_SEGMENTS = 1 << 16, 64
ICMP_HEADER = 8
Ends = tuple[str | None, str | None, tuple[int | None, int | None]]
TRANSPORTS = {UDP: "udp", TCP: "tcp"}
FLAGS = 13  # their offset in a TCP header (RFC 9293, section 3.1)
LAYERS = {ICMP: "icmp", ICMPV6: "icmpv6"}


@dataclass(slots=True)
class Sender:
    """One direction of a connection: the next sequence number, and the message begun."""

    expected: int | None = None
    begun: bytes = b""
    segments: int = 0  # of the message begun

    def take(self, sequence: int, payload: bytes) -> list[bytes]:
        """Return the messages that a segment completes. Raises MalformedError if it is not plain SIP."""
        if self.expected not in (None, sequence):
            raise MalformedError("not in order")
        self.expected = (sequence + len(payload)) % WRAP
        if not self.begun and not payload.strip(sip.KEEP_ALIVE):
            return []
        stream, at, whole = self.begun + payload, 0, []
        while at < len(stream) and (end := _end(stream, at)):
            whole.append(stream[at:end])
            at = end
        self.begun = stream[at:]
        self.segments = (0 if whole else self.segments) + bool(self.begun)
        if len(self.begun) > LONGEST or self.segments > MOST_SEGMENTS:
            raise MalformedError("too long")
        return whole


def _end(stream: bytes, at: int) -> int | None:
    """Return where the message ends that starts here; None while it is unfinished."""
    if not LETTER.match(stream, at):
        raise MalformedError("no SIP")
    body = stream.find(b"\r\n\r\n", at) + 4
    if body < 4:
        return None
    head = stream[at : body - 2]
    stated = LENGTH.findall(head)
    if not WHOLE_START_LINE.match(head) or len(stated) != 1 or len(sip.LENGTH.findall(head)) != 1:
        raise MalformedError("no plain SIP")
    if head.count(b"\n") != head.count(b"\r\n"):
        raise MalformedError("bare line feeds")
    end = body + int(stated[0])
    return end if end <= len(stream) else None


@dataclass
class PlainSip:
    """The connections of a capture on ports of SIP, as far as it has been walked."""

    senders: dict[tuple[int, int], Sender] = field(default_factory=dict)  # by both ends
    others: set[int] = field(default_factory=set)  # keys of connections that are not plain

    def take(self, tcp: Payloads, keys: Array) -> Array:
        """Take in a window's segments; return the places of those on ports of SIP."""
        places = np.flatnonzero(tcp.has_port(payloads.SIP_PORTS))
        if not len(places):
            return places
        counts = (tcp.size[places] > 0) | (tcp.flags[places] & SYN != 0)
        counts &= ~np.isin(keys[places], _numbers(self.others))
        for place in places[counts].tolist():
            key, ends = int(keys[place]), (int(tcp.source[place]), int(tcp.destination[place]))
            if key not in self.others and not self._plain(tcp, place, ends):
                self.others.add(key)
        return places

    def _plain(self, tcp: Payloads, place: int, ends: tuple[int, int]) -> bool:
        if tcp.flags[place] & SYN:
            return not tcp.size[place] and ends not in self.senders
        start, size = int(tcp.start[place]), int(tcp.size[place])
        if size != tcp.seen[place] or HTTPS in (tcp.source_port[place], tcp.destination_port[place]):
            return False
        payload = tcp.data[start : start + size].tobytes()
        try:
            self.senders.setdefault(ends, Sender()).take(int(tcp.sequence[place]), payload)
        except MalformedError:
            return False
        return True

    def for_tshark(self) -> Array:
        """Return the keys of the records of connections that are not plain, after the walk."""
        unfinished = [ends for ends, sender in self.senders.items() if sender.begun]
        source, destination = np.array(unfinished, np.uint64).reshape(-1, 2).T
        return mixed(np.append(flow(source, destination), _numbers(self.others)) + OF_TCP)


def _numbers(keys: Iterable[int]) -> Array:
    return np.array([*keys], np.uint64)


def icmp(packets: Packets) -> Array:
    """Return the rows of whole ICMP messages."""
    of_icmp = (packets.protocol == ICMP) | (packets.protocol == ICMPV6)
    rows = np.flatnonzero(of_icmp & ~packets.fragmented & (packets.seen == packets.end))
    return rows[packets.end[rows] - packets.transport[rows] >= ICMP_HEADER]


def direct_frames(path: Path, frame_numbers: Array, times: Array) -> Iterator[Frame]:
    """Yield the frames in a file of such packets, with these numbers and times of the capture."""
    senders: dict[Ends, Sender] = {}
    with path.open("rb", buffering=0) as file:
        container, first = open_container(file), 0
        for window in windows(file, container):
            end = first + len(window.start)
            numbers, own = frame_numbers[first:end], times[first:end]
            yield from _frames(window, container.interfaces, numbers, own, senders)
            first = end


def _frames(
    window: Window,
    interfaces: list[Interface],
    frame_numbers: Array,
    times: Array,
    senders: dict[Ends, Sender],
) -> Iterator[Frame]:
    packets, udp = unwrapped(window, interfaces)
    tcp = segments(packets)
    start, end = packets.transport.copy(), packets.end.copy()  # of the payload
    start[udp.rows], end[udp.rows] = udp.start, udp.start + udp.size
    start[tcp.rows] = tcp.start
    columns = (
        frame_numbers,
        times,
        window.interface,
        packets.protocol,
        window.start,
        window.start + window.captured,
        packets.network,
        packets.transport,
        start,
        end,
    )
    data = window.data.tobytes()
    for number, time, interface, protocol, begin, stop, ip, transport, payload, payload_end in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        ip_header, header, message = data[ip:transport], data[transport:payload], data[payload:payload_end]
        src, dst = addresses(ip_header)
        ports: tuple[int | None, int | None] = (None, None)
        if header:
            ports = int.from_bytes(header[:2]), int.from_bytes(header[2:4])
        carrier = TRANSPORTS.get(protocol)
        certificates: tuple[str, ...] = ()
        if protocol == UDP:
            kind = _kind(message)
            messages = {kind: [message]}
            certificates = (kind == "dtls" and dtls.certificates(message)) or ()
        elif protocol == TCP:
            sender = senders.setdefault((src, dst, ports), Sender())
            whole = sender.take(int.from_bytes(header[4:8]), message) if message else []
            if not whole and not header[FLAGS] & (FIN | RST):
                continue
            messages = {"sip": whole} if whole else {}
        elif message[0] in ERRORS[protocol]:
            messages = {LAYERS[protocol]: [message]}
        else:
            continue
        yield Frame(
            number,
            time,
            interface,
            ("ip", *filter(None, (carrier, *messages))),
            src,
            ports[0],
            dst,
            ports[1],
            carrier,
            ip_header,
            header,
            data[begin:stop],
            messages,
            certificates,
        )


def _kind(message: bytes) -> str:
    """Return the protocol of a datagram that is read directly."""
    if message[4:8] != stun.COOKIE and hep.is_hep(message):
        return "hep"
    if message[0] in dtls.PLAIN or is_encrypted(message):
        return "dtls"
    return "stun" if message[0] < dtls.PLAIN.start else "sip"
