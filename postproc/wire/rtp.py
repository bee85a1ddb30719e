"""RTP and the frame of RTCP (RFC 3550). SRTP has the same headers (RFC 3711)."""

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from postproc.wire import MalformedError

HEADER, RTCP_HEADER, VERSION = 12, 4, 2
SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, BYE, APPLICATION = range(200, 205)
RTCP_TYPES = range(192, 224)  # RFC 5761, section 4: what no payload type with a marker may look like
CNAME = 1
STATIC_PAYLOAD_TYPES = {  # RFC 3551, tables 4 and 5: encoding and clock rate of those that need no rtpmap
    0: ("PCMU", 8000),
    3: ("GSM", 8000),
    4: ("G723", 8000),
    5: ("DVI4", 8000),
    6: ("DVI4", 16000),
    7: ("LPC", 8000),
    8: ("PCMA", 8000),
    9: ("G722", 8000),
    10: ("L16", 44100),
    11: ("L16", 44100),
    12: ("QCELP", 8000),
    13: ("CN", 8000),
    14: ("MPA", 90000),
    15: ("G728", 8000),
    16: ("DVI4", 11025),
    17: ("DVI4", 22050),
    18: ("G729", 8000),
    25: ("CelB", 90000),
    26: ("JPEG", 90000),
    28: ("nv", 90000),
    31: ("H261", 90000),
    32: ("MPV", 90000),
    33: ("MP2T", 90000),
    34: ("H263", 90000),
}


class Extension(NamedTuple):
    """``profile`` 0xBEDE is the one-byte header of RFC 8285; ``data`` is a number of 32-bit words."""

    profile: int
    data: bytes


class Packet(NamedTuple):
    """``payload`` includes the padding, since its last byte, encrypted in SRTP, has the length."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False
    padding: bool = False
    contributors: tuple[int, ...] = ()
    extension: Extension | None = None

    def __bytes__(self) -> bytes:
        flags = VERSION << 6 | self.padding << 5 | (self.extension is not None) << 4 | len(self.contributors)
        head = struct.pack(
            ">BBHII",
            flags,
            self.marker << 7 | self.payload_type,
            self.sequence & 0xFFFF,
            self.timestamp & 0xFFFFFFFF,
            self.ssrc,
        )
        head += b"".join(each.to_bytes(4) for each in self.contributors)
        if self.extension:
            head += (
                struct.pack(">HH", self.extension.profile, len(self.extension.data) // 4)
                + self.extension.data
            )
        return head + self.payload


def parse(data: bytes) -> Packet:
    if len(data) < HEADER or data[0] >> 6 != VERSION:
        raise MalformedError("no RTP header")
    flags, kind, sequence, timestamp, ssrc = struct.unpack_from(">BBHII", data)
    at = HEADER + 4 * (flags & 15)
    contributors = tuple(int.from_bytes(data[place : place + 4]) for place in range(HEADER, at, 4))
    extension = None
    if flags & 0x10 and at + 4 <= len(data):
        profile, words = struct.unpack_from(">HH", data, at)
        extension = Extension(profile, data[at + 4 : at + 4 + 4 * words])
        at += 4 + 4 * words
    if at > len(data) or bool(flags & 0x10) != (extension is not None):
        raise MalformedError("an RTP header longer than its packet")
    return Packet(
        kind & 0x7F,
        sequence,
        timestamp,
        ssrc,
        data[at:],
        kind >= 0x80,
        bool(flags & 0x20),
        contributors,
        extension,
    )


class RtcpPacket(NamedTuple):
    """``entries`` is the number of report blocks or sources; ``body`` starts with the sender's SSRC."""

    kind: int
    entries: int
    body: bytes
    padding: bool = False

    def __bytes__(self) -> bytes:
        flags = VERSION << 6 | self.padding << 5 | self.entries
        return struct.pack(">BBH", flags, self.kind, len(self.body) // 4) + self.body


def parse_rtcp(data: bytes) -> Iterator[RtcpPacket]:
    """Yield the packets of a compound (RFC 3550, section 6.1). In SRTCP only the first header is
    unencrypted.
    """
    for flags, kind, start, end in rtcp_parts(data):
        yield RtcpPacket(kind, flags & 0x1F, data[start:end], bool(flags & 0x20))


def rtcp_parts(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield first byte, type, and start and end of the body of each packet of a compound."""
    at = 0
    while at < len(data):
        if at + RTCP_HEADER > len(data) or data[at] >> 6 != VERSION or data[at + 1] not in RTCP_TYPES:
            raise MalformedError("no RTCP header")
        flags, kind, words = struct.unpack_from(">BBH", data, at)
        end = at + RTCP_HEADER + 4 * words
        if end > len(data):
            raise MalformedError("an RTCP packet longer than its datagram")
        yield flags, kind, at + RTCP_HEADER, end
        at = end


def sender_report(
    ssrc: int, info: tuple[int, int, int, int, int], reports: Iterable[tuple[int, ...]]
) -> RtcpPacket:
    """Return a sender report. ``info``: NTP seconds and fraction, RTP timestamp, packets, octets; six
    words per report.
    """
    words = [ssrc, *info, *(word for report in reports for word in report)]
    body = b"".join(word.to_bytes(4) for word in words)
    return RtcpPacket(SENDER_REPORT, (len(words) - 6) // 6, body)


def source_description(ssrc: int, cname: bytes) -> RtcpPacket:
    """Return one source with its CNAME; items end with a zero byte, padded to 32 bits (section 6.5)."""
    items = bytes([CNAME, len(cname)]) + cname + b"\0"
    return RtcpPacket(SOURCE_DESCRIPTION, 1, ssrc.to_bytes(4) + items + bytes(-len(items) % 4))
