"""HEP, the Homer Encapsulation Protocol, versions 1 to 3: agents send copies of what they capture.

Version 3 is a list of chunks (https://github.com/sipcapture/HEP, HEP3 network protocol specification,
revision 12). Versions 1 and 2 are a header of fixed fields, as written by Kamailio's siptrace module
(``hep_hdr``, ``hep_iphdr``, ``hep_timehdr``), with the time in the sender's byte order.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from postproc.wire import MalformedError

MAGIC, HEADER, CHUNK_HEADER = b"HEP3", 6, 6
GENERIC = 0  # the vendor of all chunks that the specification defines
FAMILY, PROTOCOL, SOURCE_4, DESTINATION_4, SOURCE_6, DESTINATION_6 = range(1, 7)
SOURCE_PORT, DESTINATION_PORT, SECONDS, MICROSECONDS, KIND, AGENT = range(7, 13)
PAYLOAD, COMPRESSED = 15, 16
SIP, RTP, RTCP = 1, 4, 5  # kinds of what is copied; RTCP mostly as JSON
INET, INET6 = 2, 10
OLD_HEADER, OLD_TIME = 8, 12
SIZES = {INET: 4, INET6: 16}
MILLION = 10**6


class Chunk(NamedTuple):
    """A chunk of version 3: the position of its header, and its value."""

    start: int
    vendor: int
    kind: int
    value: bytes


class Copy(NamedTuple):
    """A packet seen by an agent: the addresses of its IP header, and the payload of UDP or TCP.

    ``time`` is in nanoseconds by the agent's clock, None if not given; ``payload`` is None if compressed
    or absent.
    """

    source: bytes
    source_port: int
    destination: bytes
    destination_port: int
    protocol: int  # of IP
    kind: int
    payload: bytes | None
    time: int | None = None

    def __bytes__(self) -> bytes:
        """Return the version 3 message."""
        long = len(self.source) == SIZES[INET6]
        chunks = [
            (FAMILY, bytes([INET6 if long else INET])),
            (PROTOCOL, bytes([self.protocol])),
            (SOURCE_6 if long else SOURCE_4, self.source),
            (DESTINATION_6 if long else DESTINATION_4, self.destination),
            (SOURCE_PORT, self.source_port.to_bytes(2)),
            (DESTINATION_PORT, self.destination_port.to_bytes(2)),
        ]
        if self.time is not None:
            second, rest = divmod(self.time, 10**9)
            chunks += [(SECONDS, second.to_bytes(4)), (MICROSECONDS, (rest // 1000).to_bytes(4))]
        chunks += [(KIND, bytes([self.kind])), (AGENT, bytes(4)), (PAYLOAD, self.payload or b"")]
        body = b"".join(
            struct.pack(">HHH", GENERIC, kind, CHUNK_HEADER + len(value)) + value for kind, value in chunks
        )
        return MAGIC + (HEADER + len(body)).to_bytes(2) + body


def is_hep(data: bytes) -> bool:
    """Return whether the data starts like HEP: version 3, or an older one with the length of its header."""
    if data.startswith(MAGIC):
        return True
    return len(data) > OLD_HEADER and data[0] in (1, 2) and data[2] in SIZES and _old_sizes(data) is not None


def parse(data: bytes) -> Copy:
    """Parse a complete message."""
    return _parse_3(data) if data.startswith(MAGIC) else _parse_old(data)


def chunks(data: bytes) -> Iterator[Chunk]:
    """Yield the chunks of version 3; raises MalformedError if one is incomplete."""
    at, end = HEADER, int.from_bytes(data[len(MAGIC) : HEADER])
    if end > len(data):
        raise MalformedError("HEP that is not whole")
    while at < end:
        vendor, kind, size = struct.unpack_from(">HHH", data, at) if at + CHUNK_HEADER <= end else (0, 0, 0)
        if size < CHUNK_HEADER or at + size > end:
            raise MalformedError("a chunk longer than its message")
        yield Chunk(at, vendor, kind, data[at + CHUNK_HEADER : at + size])
        at += size


def _parse_3(data: bytes) -> Copy:
    found = {chunk.kind: chunk.value for chunk in chunks(data) if chunk.vendor == GENERIC}
    long = SOURCE_6 in found
    source, destination = (
        found.get(SOURCE_6 if long else SOURCE_4),
        found.get(DESTINATION_6 if long else DESTINATION_4),
    )
    if source is None or destination is None or {len(source), len(destination)} != {16 if long else 4}:
        raise MalformedError("HEP without addresses")

    def number(kind: int) -> int:
        return int.from_bytes(found.get(kind, b"")[:4])

    time = (number(SECONDS) * MILLION + number(MICROSECONDS)) * 1000 if number(SECONDS) else None
    ports = number(SOURCE_PORT) & 0xFFFF, number(DESTINATION_PORT) & 0xFFFF
    return Copy(
        source, ports[0], destination, ports[1], number(PROTOCOL), number(KIND), found.get(PAYLOAD), time
    )


def _old_sizes(data: bytes) -> tuple[int, int, int] | None:
    """Return, for versions 1 and 2, the size of an address and the positions of time and payload."""
    address = SIZES[data[2]]
    addressed = OLD_HEADER + 2 * address
    timed = addressed + OLD_TIME * (data[0] == 2)
    return (address, addressed, timed) if data[1] in (addressed, timed) and len(data) >= timed else None


def _parse_old(data: bytes) -> Copy:
    sizes = _old_sizes(data) if is_hep(data) else None
    if sizes is None:
        raise MalformedError("no HEP")
    size, time_at, start = sizes
    ports = int.from_bytes(data[4:6]), int.from_bytes(data[6:8])
    source, destination = data[OLD_HEADER : OLD_HEADER + size], data[OLD_HEADER + size : time_at]
    return Copy(
        source, ports[0], destination, ports[1], data[3], SIP, data[start:], _old_time(data[time_at:start])
    )


def _old_time(data: bytes) -> int | None:
    """Read the time in the byte order that makes the microseconds less than a second; most senders are
    little-endian.
    """
    if len(data) < 8:
        return None
    orders = [struct.unpack_from(order + "II", data) for order in ("<", ">")]
    second, micro = next((each for each in orders if each[1] < MILLION), (0, 0))
    return (second * MILLION + micro) * 1000 if second else None
