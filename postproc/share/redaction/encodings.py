"""What bytes may say: the ways in which text is written so that nobody sees it at once.

Each view is the data read in one of them, the rest left as it is or left out. A word that is
looked for in all views is found however somebody, or some program, wrote it down.
"""

import binascii
import html
import re
import zlib
from collections.abc import Callable, Iterable, Iterator

DEPTH = 3  # of what is decoded out of what was decoded: base64 of gzip of UTF-16
LARGEST = 64 << 20  # bytes unpacked of one stream; what is written here holds none of that size
WIDE = re.compile(rb"(?:[^\0]\0\0\0){4,}|(?:\0\0\0[^\0]){4,}")  # UTF-32
GAPS = re.compile(rb"\0\0+")
PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
QUOTED = re.compile(rb"=([0-9A-Fa-f]{2})|=[ \t]*\r?\n")
ESCAPED = re.compile(rb"\\(?:u\{?([0-9A-Fa-f]{4,6})\}?|x([0-9A-Fa-f]{2})|([0-7]{3}))")
ENTITY = re.compile(rb"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,31});")
IDNA = re.compile(rb"xn--([a-z0-9-]{1,59})", re.IGNORECASE)
WRAPPED = re.compile(rb"(?<=[A-Za-z0-9+/]{40})\r?\n[ \t]*(?=[A-Za-z0-9+/]{2})")  # MIME, PEM: 64 or 76 signs
BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{7,}")
HEX = re.compile(rb"[0-9A-Fa-f]{2}(?:[:\- ]?[0-9A-Fa-f]{2}){3,}")
PACKED = {b"\x1f\x8b\x08": 31, b"\x78\x01": 15, b"\x78\x5e": 15, b"\x78\x9c": 15, b"\x78\xda": 15}  # wbits
URL_SAFE = bytes.maketrans(b"-_", b"+/")
SEPARATORS = b":- "

Read = Callable[[bytes], bytes]


def views(data: bytes, depth: int = DEPTH) -> Iterator[bytes]:
    """The data itself, and what it says in other encodings, as far as any of it looks so."""
    yield data
    text = narrowed(data)
    if text is not data:
        yield text
    for pattern, read in READERS:
        if pattern.search(text):
            yield read(text)
    if depth:
        for decoded in (*_of_base64(text), *_of_hex(text)):
            yield from views(decoded, 0)
        for unpacked in _unpacked(data, text):
            yield from views(unpacked, depth - 1)


def narrowed(data: bytes) -> bytes:
    """Text of UTF-16 and UTF-32 without the nulls between its signs; several nulls part what is apart."""
    if b"\0" not in data:
        return data
    text = WIDE.sub(lambda found: b"\n" + found[0].replace(b"\0", b"") + b"\n", data)
    return GAPS.sub(b"\n", text).replace(b"\0", b"")


def _percent(data: bytes) -> bytes:
    return PERCENT.sub(lambda found: bytes([int(found[1], 16)]), data)


def _quoted(data: bytes) -> bytes:
    return QUOTED.sub(lambda found: bytes([int(found[1], 16)]) if found[1] else b"", data)


def _escaped(data: bytes) -> bytes:
    return ESCAPED.sub(_sign, data)


def _sign(found: re.Match[bytes]) -> bytes:
    if not found[1]:  # a byte, of whatever it is a part
        return bytes([int(found[3], 8) & 0xFF if found[3] else int(found[2], 16)])
    return chr(min(int(found[1], 16), 0x10FFFF)).encode("utf-8", "surrogatepass")


def _entities(data: bytes) -> bytes:
    return ENTITY.sub(lambda found: html.unescape(found[0].decode()).encode("utf-8", "replace"), data)


def _idna(data: bytes) -> bytes:
    return IDNA.sub(lambda found: _label(found[1]), data)


def _label(label: bytes) -> bytes:
    try:
        return label.lower().decode("punycode").encode("utf-8", "replace")
    except (UnicodeError, OverflowError, IndexError, ValueError):
        return label


READERS: tuple[tuple[re.Pattern[bytes], Read], ...] = (
    (PERCENT, _percent),
    (QUOTED, _quoted),
    (ESCAPED, _escaped),
    (ENTITY, _entities),
    (IDNA, _idna),
)


def _of_base64(text: bytes) -> Iterator[bytes]:
    """What runs of base64 say, begun at each of their first four signs: who knows where one begins."""
    runs = _runs(BASE64, WRAPPED.sub(b"", text))
    for skipped in range(4):
        yield b"\n".join(_decoded(run[skipped:]) for run in runs)


def _decoded(run: bytes) -> bytes:
    usable = run[: len(run) - (len(run) % 4 == 1)]
    return binascii.a2b_base64(usable + b"=" * (-len(usable) % 4))


def _of_hex(text: bytes) -> Iterator[bytes]:
    runs = [run.translate(None, SEPARATORS) for run in _runs(HEX, text, translate=False)]
    for skipped in range(2):
        yield b"\n".join(bytes.fromhex(_even(run[skipped:]).decode()) for run in runs)


def _even(digits: bytes) -> bytes:
    return digits[: len(digits) // 2 * 2]


def _runs(pattern: re.Pattern[bytes], text: bytes, *, translate: bool = True) -> list[bytes]:
    """The different runs, in any order that is always the same."""
    found = dict.fromkeys(pattern.findall(text))
    return [run.translate(URL_SAFE) for run in found] if translate else list(found)


def _unpacked(data: bytes, text: bytes) -> Iterator[bytes]:
    """What was packed by zlib: in the data itself, or in base64 in it."""
    whole = (_decoded(run) for run in _runs(BASE64, WRAPPED.sub(b"", text)) if len(run) > 20)
    for candidate in (data, *whole):
        yield from _streams(candidate)


def _streams(data: bytes) -> Iterable[bytes]:
    for magic, bits in PACKED.items():
        if data.startswith(magic) and (found := _inflated(data, bits)):
            yield found


def _inflated(data: bytes, bits: int) -> bytes:
    try:
        return zlib.decompressobj(bits).decompress(data, LARGEST)
    except zlib.error:
        return b""
