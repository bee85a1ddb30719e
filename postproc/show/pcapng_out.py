"""pcapng as it is written: one little-endian section, its interfaces and packets.

https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html. A packet may
carry several comments, each an option of its own; Wireshark shows a comment in
one line, so what would break it is taken out.
"""

import struct
import unicodedata
from collections.abc import Iterable

SECTION, INTERFACE, ENHANCED, SECRETS, NAMES = 0x0A0D0D0A, 1, 6, 10, 4
MAGIC = 0x1A2B3C4D
COMMENT, SECTION_APPLICATION = 1, 4
END_OF_OPTIONS = bytes(4)
LONGEST_OPTION = 0xFFFF
BREAKS = {"Cc", "Zl", "Zp"}


def section(application: str) -> bytes:
    """The block every file begins with: who wrote it, of unknown length."""
    head = struct.pack("<IHHq", MAGIC, 1, 0, -1)
    return block(SECTION, head + option(SECTION_APPLICATION, _text(application)) + END_OF_OPTIONS)


def interface(link_type: int, snaplen: int, options: bytes = b"") -> bytes:
    """An interface description; ``options`` as ``option`` makes them, without an end."""
    return block(INTERFACE, struct.pack("<HHI", link_type, 0, snaplen) + _ended(options))


def packet(
    number: int, ticks: int, data: bytes, original: int, *, options: bytes = b"", comments: Iterable[str] = ()
) -> bytes:
    """An Enhanced Packet Block: of interface ``number``, at its clock's ``ticks``.

    ``comments`` come behind those that ``options`` hold.
    """
    head = struct.pack("<IIIII", number, ticks >> 32 & 0xFFFFFFFF, ticks & 0xFFFFFFFF, len(data), original)
    told = b"".join(comment(each) for each in comments)
    return block(ENHANCED, head + data + bytes(-len(data) % 4) + _ended(options + told))


def comment(text: str) -> bytes:
    """A comment option; nothing for an empty text."""
    value = _text(text)
    return option(COMMENT, value) if value else b""


def option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(kind: int, body: bytes) -> bytes:
    """A block: kind, length, body, length."""
    body += bytes(-len(body) % 4)
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size


def _ended(options: bytes) -> bytes:
    return options + END_OF_OPTIONS if options else b""


def _text(text: str) -> bytes:
    """In one line, and no longer than an option can be."""
    line = "".join(" " if unicodedata.category(char) in BREAKS else char for char in text)
    encoded = " ".join(line.split()).encode(errors="replace")
    return encoded[:LONGEST_OPTION].decode(errors="ignore").encode()
