"""UDP (RFC 768) and TCP (RFC 9293) with its options. For checksums see ip.sealed, which knows the
addresses.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from postproc.wire import MalformedError

UDP_HEADER, TCP_HEADER = 8, 20
FIN, SYN, RST, PSH, ACK, URG = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
END, NO_OPERATION = 0, 1  # options of a byte
MAXIMUM_SEGMENT, WINDOW_SCALE, SACK_PERMITTED, SACK, TIMESTAMPS = (
    2,
    3,
    4,
    5,
    8,
)  # RFC 9293, RFC 7323, RFC 2018


class Datagram(NamedTuple):
    """``length`` as in the header, None to use the payload's; ``trailer`` is what follows that length.

    A length smaller than the header is that of a jumbogram (RFC 2675) or invalid: everything is payload
    then.
    """

    source_port: int
    destination_port: int
    payload: bytes
    length: int | None = None
    checksum: int = 0
    trailer: bytes = b""

    def __bytes__(self) -> bytes:
        length = UDP_HEADER + len(self.payload) if self.length is None else self.length
        head = struct.pack(">HHHH", self.source_port, self.destination_port, length, self.checksum)
        return head + self.payload + self.trailer


def parse_udp(data: bytes) -> Datagram:
    """Parse a datagram, complete or cut."""
    if len(data) < UDP_HEADER:
        raise MalformedError("no UDP header")
    source, destination, length, checksum = struct.unpack_from(">HHHH", data)
    end = length if length >= UDP_HEADER else len(data)
    stated = None if length == min(end, len(data)) else length
    return Datagram(source, destination, data[UDP_HEADER:end], stated, checksum, data[end:])


class Option(NamedTuple):
    """END and NO_OPERATION have no length; padding after END is its value."""

    kind: int
    value: bytes = b""


class Segment(NamedTuple):
    source_port: int
    destination_port: int
    sequence: int
    acknowledgement: int
    flags: int
    payload: bytes = b""
    window: int = 65535
    options: tuple[Option, ...] = ()
    urgent: int = 0
    checksum: int = 0
    reserved: int = 0  # the four bits before the flags

    def __bytes__(self) -> bytes:
        options = pack_options(self.options)
        options += bytes(-len(options) % 4)
        offset = (TCP_HEADER + len(options)) // 4 << 4 | self.reserved
        head = struct.pack(
            ">HHIIBBHHH",
            self.source_port,
            self.destination_port,
            self.sequence,
            self.acknowledgement,
            offset,
            self.flags,
            self.window,
            self.checksum,
            self.urgent,
        )
        return head + options + self.payload


def parse_tcp(data: bytes) -> Segment:
    """Parse a segment with a complete header."""
    if len(data) < TCP_HEADER:
        raise MalformedError("no TCP header")
    source, destination, sequence, acknowledgement, offset, flags, window, checksum, urgent = (
        struct.unpack_from(">HHIIBBHHH", data)
    )
    size = (offset >> 4) * 4
    if not TCP_HEADER <= size <= len(data):
        raise MalformedError("a TCP header longer than its segment")
    options = parse_options(data[TCP_HEADER:size])
    return Segment(
        source,
        destination,
        sequence,
        acknowledgement,
        flags,
        data[size:],
        window,
        options,
        urgent,
        checksum,
        offset & 15,
    )


def parse_options(data: bytes) -> tuple[Option, ...]:
    """Return the options; raises MalformedError if the length of one is wrong."""
    found, at = [], 0
    while at < len(data):
        kind = data[at]
        if kind == NO_OPERATION:
            found.append(Option(kind))
            at += 1
            continue
        size = data[at + 1] if at + 1 < len(data) and kind != END else 0
        if not 2 <= size <= len(data) - at:
            if kind != END:
                raise MalformedError("a TCP option longer than the header")
            return (*found, Option(END, data[at + 1 :]))
        found.append(Option(kind, data[at + 2 : at + size]))
        at += size
    return tuple(found)


def pack_options(options: Iterable[Option]) -> bytes:
    return b"".join(
        bytes([option.kind]) + option.value
        if option.kind in (END, NO_OPERATION)
        else bytes([option.kind, 2 + len(option.value)]) + option.value
        for option in options
    )
