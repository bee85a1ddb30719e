"""Capture files: pcapng (draft-ietf-opsawg-pcapng-02) and classic pcap (draft-ietf-opsawg-pcap-04).

pcapng in little-endian with one section, as commonly written; classic pcap in both byte orders, with
micro- or nanoseconds. Options are held as bytes without the end-of-options marker; ``option`` builds one,
``parse_options`` splits them.
"""

import struct
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from postproc.wire import MalformedError

SECTION, INTERFACE, OLD_PACKET, NAMES, STATISTICS, ENHANCED, SECRETS = 0x0A0D0D0A, 1, 2, 4, 5, 6, 10
MAGIC, LITTLE_ENDIAN = b"\x0a\x0d\x0d\x0a", b"\x4d\x3c\x2b\x1a"
SNAPLEN = 262_144  # Wireshark's largest
END_OF_OPTIONS, COMMENT = 0, 1
SECTION_OS, SECTION_APPLICATION = 3, 4
IF_NAME, IF_DESCRIPTION, IF_TSRESOL, IF_TSOFFSET = 2, 3, 9, 14
STATISTICS_START, STATISTICS_END, STATISTICS_RECEIVED, STATISTICS_DROPPED = 2, 3, 4, 5
TLS_KEY_LOG = 0x544C534B
BODY, TRAILER = 28, 4  # bytes of an Enhanced Packet Block before its data, and of each block at its end
LONGEST_OPTION = 0xFFFF
BREAKS = {"Cc", "Zl", "Zp"}  # categories of Unicode that would break a line

PCAP_HEADER, PCAP_RECORD = 24, 16
PCAP_MAGIC = {  # byte order, digits behind the second
    b"\xd4\xc3\xb2\xa1": ("<", 6),
    b"\x4d\x3c\xb2\xa1": ("<", 9),
    b"\xa1\xb2\xc3\xd4": (">", 6),
    b"\xa1\xb2\x3c\x4d": (">", 9),
}


class Section(NamedTuple):
    """The section header block at the start of a file, of unknown section length."""

    options: bytes = b""

    def __bytes__(self) -> bytes:
        return block(SECTION, LITTLE_ENDIAN + struct.pack("<HHq", 1, 0, -1) + ended(self.options))


class Interface(NamedTuple):
    link_type: int
    snaplen: int = SNAPLEN
    options: bytes = b""

    def __bytes__(self) -> bytes:
        return block(INTERFACE, struct.pack("<HHI", self.link_type, 0, self.snaplen) + ended(self.options))


class Packet(NamedTuple):
    """``ticks`` are in the units of its interface; ``original`` is the packet's length on the wire."""

    interface: int
    ticks: int
    data: bytes
    original: int
    options: bytes = b""

    def __bytes__(self) -> bytes:
        clock = self.ticks >> 32 & 0xFFFFFFFF, self.ticks & 0xFFFFFFFF
        head = struct.pack("<IIIII", self.interface, *clock, len(self.data), self.original)
        return block(ENHANCED, head + padded(self.data) + ended(self.options))


class Statistics(NamedTuple):
    interface: int
    ticks: int
    options: bytes = b""

    def __bytes__(self) -> bytes:
        head = struct.pack("<III", self.interface, self.ticks >> 32, self.ticks & 0xFFFFFFFF)
        return block(STATISTICS, head + ended(self.options))


class Secrets(NamedTuple):
    """A key log; ``kind`` is usually TLS_KEY_LOG."""

    kind: int
    data: bytes

    def __bytes__(self) -> bytes:
        return block(SECRETS, struct.pack("<II", self.kind, len(self.data)) + padded(self.data))


class Other(NamedTuple):
    """A block of any other type, unchanged."""

    kind: int
    body: bytes

    def __bytes__(self) -> bytes:
        return block(self.kind, self.body)


Block = Section | Interface | Packet | Statistics | Secrets | Other


def blocks(data: bytes) -> Iterator[Block]:
    """Yield the blocks of a file. Raises MalformedError if one is cut, contradictory or big-endian."""
    if data[:4] != MAGIC or data[8:12] != LITTLE_ENDIAN:
        raise MalformedError("no little-endian pcapng")
    at = 0
    while at < len(data):
        kind, size = struct.unpack("<II", data[at : at + 8].ljust(8, b"\0"))
        again = data[at + size - TRAILER : at + size]
        if size < 12 or size % 4 or again != data[at + 4 : at + 8]:
            raise MalformedError(f"a block of {size} bytes at {at}")
        yield parse_block(kind, data[at + 8 : at + size - TRAILER])
        at += size


def parse_block(kind: int, body: bytes) -> Block:
    """Parse a block's body; one that is too short for its type is padded with zero bytes."""
    if kind == SECTION:
        return Section(whole_options(body[16:]))
    if kind == INTERFACE:
        link_type, _, snaplen = struct.unpack_from("<HHI", body.ljust(8, b"\0"))
        return Interface(link_type, snaplen, whole_options(body[8:]))
    if kind in (ENHANCED, OLD_PACKET):
        return parse_packet(kind, body)
    if kind == STATISTICS:
        interface, high, low = struct.unpack_from("<III", body.ljust(12, b"\0"))
        return Statistics(interface, high << 32 | low, whole_options(body[12:]))
    if kind == SECRETS:
        secret, size = struct.unpack_from("<II", body.ljust(8, b"\0"))
        return Secrets(secret, body[8 : 8 + size])
    return Other(kind, body)


def parse_packet(kind: int, body: bytes) -> Packet:
    """Parse the body of an Enhanced Packet Block or of the obsolete Packet Block."""
    interface, high, low, captured, original = struct.unpack_from("<5I", body.ljust(BODY - 8, b"\0"))
    if kind == OLD_PACKET:  # beside it, a count of packets dropped
        interface &= 0xFFFF
    end = BODY - 8 + captured
    options = whole_options(body[end + (-captured & 3) :])
    return Packet(interface, high << 32 | low, body[BODY - 8 : end], original, options)


def block(kind: int, body: bytes) -> bytes:
    """Return a block: type, length, body, length."""
    body = padded(body)
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size


def option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + padded(value)


def parse_options(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield code and value of each complete option."""
    at = 0
    while at + 4 <= len(body):
        code, size = struct.unpack_from("<HH", body, at)
        end = at + 4 + size + (-size & 3)
        if code == END_OF_OPTIONS or end > len(body):
            return
        yield code, body[at + 4 : at + 4 + size]
        at = end


def whole_options(body: bytes) -> bytes:
    """Return the complete options without the end-of-options marker."""
    return body[: sum(4 + len(value) + (-len(value) & 3) for _, value in parse_options(body))]


def comment(text: str) -> bytes:
    """Return a comment as an option, in one line, as Wireshark shows it; nothing for an empty text."""
    value = option_text(text)
    return option(COMMENT, value) if value else b""


def comments(texts: Iterable[str]) -> bytes:
    """Return the comments of a packet, each as an option of its own."""
    return b"".join(map(comment, texts))


def option_text(text: str) -> bytes:
    """Return text in one line, limited to the size of an option."""
    line = "".join(" " if unicodedata.category(char) in BREAKS else char for char in text)
    encoded = " ".join(line.split()).encode(errors="replace")
    return encoded[:LONGEST_OPTION].decode(errors="ignore").encode()


def ended(options: bytes) -> bytes:
    return options + option(END_OF_OPTIONS, b"") if options else b""


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


class PcapHeader(NamedTuple):
    """``digits`` after the second, 6 or 9; ``order`` is a byte order of struct."""

    link_type: int
    order: str = "<"
    digits: int = 6
    snaplen: int = SNAPLEN

    def __bytes__(self) -> bytes:
        magic = next(magic for magic, dialect in PCAP_MAGIC.items() if dialect == (self.order, self.digits))
        return magic + struct.pack(self.order + "HHiIII", 2, 4, 0, 0, self.snaplen, self.link_type)


class PcapRecord(NamedTuple):
    """``fraction`` of a second in the file's unit; ``original`` is the packet's length on the wire."""

    second: int
    fraction: int
    data: bytes
    original: int

    def pack(self, order: str) -> bytes:
        return (
            struct.pack(order + "IIII", self.second, self.fraction, len(self.data), self.original) + self.data
        )


def parse_pcap(data: bytes) -> tuple[PcapHeader, Iterator[PcapRecord]]:
    """Return the header and the complete records."""
    if data[:4] not in PCAP_MAGIC or len(data) < PCAP_HEADER:
        raise MalformedError("no classic pcap")
    order, digits = PCAP_MAGIC[data[:4]]
    snaplen, link_type = struct.unpack_from(order + "II", data, 16)
    return PcapHeader(link_type, order, digits, snaplen), _pcap_records(data, order)


def _pcap_records(data: bytes, order: str) -> Iterator[PcapRecord]:
    at = PCAP_HEADER
    while at + PCAP_RECORD <= len(data):
        second, fraction, captured, original = struct.unpack_from(order + "IIII", data, at)
        at += PCAP_RECORD
        if at + captured > len(data):
            return
        yield PcapRecord(second, fraction, data[at : at + captured], original)
        at += captured
