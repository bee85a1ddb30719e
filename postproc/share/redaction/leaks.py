"""Search redacted output for originals that are left: as text in every encoding, as bytes, under STUN's XOR.

``views`` yields the decodings of some bytes (percent, quoted-printable, escapes, entities, base64 ...); what
is not encoded stays or is left out. A word searched for in all views is found in whichever encoding it was
written.
"""

import binascii
import codecs
import html
import re
import unicodedata
import zlib
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address

import numpy as np

from postproc.share.redaction.addresses import Address, Addresses
from postproc.share.redaction.words import Words, is_address

DEPTH = 3  # nested decodings: base64 of gzip of UTF-16; a choice, one more multiplies the work
LARGEST = 64 << 20  # bytes unpacked per stream, against zip bombs; larger than any stream written here
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
    """Yield the data itself and its decodings in every encoding of which it shows signs."""
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
    """Strip the nulls of UTF-16 and UTF-32 text; a run of nulls becomes a line break."""
    if b"\0" not in data:
        return data
    text = WIDE.sub(lambda match: b"\n" + match[0].replace(b"\0", b"") + b"\n", data)
    return GAPS.sub(b"\n", text).replace(b"\0", b"")


def _percent(data: bytes) -> bytes:
    return PERCENT.sub(lambda match: bytes([int(match[1], 16)]), data)


def _quoted(data: bytes) -> bytes:
    return QUOTED.sub(lambda match: bytes([int(match[1], 16)]) if match[1] else b"", data)


def _escaped(data: bytes) -> bytes:
    return ESCAPED.sub(_sign, data)


def _sign(found: re.Match[bytes]) -> bytes:
    if not found[1]:  # a single byte, perhaps part of a multi-byte character
        return bytes([int(found[3], 8) & 0xFF if found[3] else int(found[2], 16)])
    return chr(min(int(found[1], 16), 0x10FFFF)).encode("utf-8", "surrogatepass")


def _entities(data: bytes) -> bytes:
    return ENTITY.sub(lambda match: html.unescape(match[0].decode()).encode("utf-8", "replace"), data)


def _idna(data: bytes) -> bytes:
    return IDNA.sub(lambda match: _label(match[1]), data)


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
    """Yield the decoded base64 runs at each of four alignments: a run may begin inside a longer word."""
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
    """Return the distinct runs in order of appearance."""
    runs = dict.fromkeys(pattern.findall(text))
    return [run.translate(URL_SAFE) for run in runs] if translate else list(runs)


def _unpacked(data: bytes, text: bytes) -> Iterator[bytes]:
    """Yield zlib streams unpacked: the data itself, or base64 within it."""
    whole = (_decoded(run) for run in _runs(BASE64, WRAPPED.sub(b"", text)) if len(run) > 20)
    for candidate in (data, *whole):
        yield from _streams(candidate)


def _streams(data: bytes) -> Iterable[bytes]:
    for magic, bits in PACKED.items():
        if data.startswith(magic) and (unpacked := _inflated(data, bits)):
            yield unpacked


def _inflated(data: bytes, bits: int) -> bytes:
    try:
        return zlib.decompressobj(bits).decompress(data, LARGEST)
    except zlib.error:
        return b""


PREFIX = 4  # bytes: the shortest needle, and what is hashed of each
TABLE_BITS = 18  # a table of 256 kB stays in the processor's cache; fewer bits give more false candidates
MULTIPLIER = np.uint32(0x9E3779B1)  # Knuth's, for hashing by multiplication
BLOCK = 1 << 20  # four-byte heads hashed at a time; bounds memory

Counts = Callable[[bytes, int, bytes], bool]  # data, position, needle: whether the match counts


class Needles:
    """A set of byte strings to search for; ``counts`` decides whether a match counts in its context."""

    def __init__(self, needles: Iterable[bytes], counts: Counts = lambda _data, _at, _needle: True) -> None:
        self._by_prefix: dict[bytes, list[bytes]] = {}
        for needle in sorted({each for each in needles if len(each) >= PREFIX}):
            self._by_prefix.setdefault(needle[:PREFIX], []).append(needle)
        self._counts = counts

    def found(self, data: bytes) -> set[bytes]:
        """Return the needles that occur in the data."""
        matches: set[bytes] = set()
        for at in self._candidates(data):
            for needle in self._by_prefix.get(data[at : at + PREFIX], ()):
                if needle not in matches and data.startswith(needle, at) and self._counts(data, at, needle):
                    matches.add(needle)
        return matches

    def _candidates(self, data: bytes) -> Iterable[int]:
        """Yield positions where a needle may begin, by a hash of its first four bytes."""
        for shift in range(PREFIX if len(data) >= PREFIX and self._by_prefix else 0):
            heads = np.frombuffer(data, "<u4", (len(data) - shift) // PREFIX, shift)
            for start in range(0, len(heads), BLOCK):
                hits = np.flatnonzero(self._table[_hashed(heads[start : start + BLOCK])])
                yield from ((hits + start) * PREFIX + shift).tolist()

    @cached_property
    def _table(self) -> np.ndarray:
        table = np.zeros(1 << TABLE_BITS, bool)
        prefixes = np.array([int.from_bytes(prefix, "little") for prefix in self._by_prefix], np.uint32)
        table[_hashed(prefixes)] = True
        return table


def _hashed(heads: np.ndarray) -> np.ndarray:
    return (heads * MULTIPLIER) >> np.uint32(32 - TABLE_BITS)


# Choices; with shorter words or numbers, chance matches (ports, fractions of seconds) become false alarms.
SHORTEST = 5  # characters
SHORTEST_NUMBER = 7  # digits
AROUND = ((":", "@"), ("/", "@"), ("<", ">"), ('"', '"'))  # between these a short word is a user
SIGNS = "".join({sign for pair in AROUND for sign in pair})
IN_SIGNS = tuple(left.encode() for left, _ in AROUND)
# Bytes on each side that have to be text around a short word between signs. With none, `"a0"` was found in
# one of a thousand copies: random bytes of a packet, read as base64, spell four given ones that often.
AMID = 4
CONTINUED = bytes(range(0x80, 0xC0))  # the later bytes of a character in UTF-8
UNWRITTEN = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
UTF_8 = codecs.getincrementaldecoder("utf-8")
BOUNDED = (
    12  # characters: up to here only whole words count; a choice, longer words rarely occur inside others
)
TELLING_BYTES = 3  # non-zero bytes: 10.0.0.6 as bytes occurs by chance in lengths and counts
COOKIE = 0x2112A442
LAST_OF_LATIN = "\xff"  # the last character of Latin-1
MAC_FORMS = ((2, ":"), (2, "-"), (4, "."))  # digits between separators


@dataclass(frozen=True)
class Originals:
    """The originals that must not remain: words (lower case), addresses as bytes, in hex and as text.

    ``ambiguous`` counts originals left out because each is also the pseudonym of another.
    """

    words: frozenset[bytes] = frozenset()
    packed: frozenset[bytes] = frozenset()
    in_hex: frozenset[bytes] = frozenset()
    addresses: frozenset[str] = frozenset()
    ambiguous: int = 0

    def besides(self, ours: Container[str]) -> "Originals":
        """Return the originals without the words that legshark's own prose uses."""
        bare_words = {word: word.decode(errors="replace").strip(SIGNS) for word in self.words}
        return replace(self, words=frozenset(word for word, bare in bare_words.items() if bare not in ours))

    @cached_property
    def needles(self) -> tuple[Needles, ...]:
        """The needles for text: words, addresses, and addresses in hex."""
        return (
            Needles(self.words, _stands_alone),
            Needles(_spelled(self.addresses), _is_address),
            Needles(self.in_hex),
        )

    @cached_property
    def bytes_of_addresses(self) -> Needles:
        return Needles(self.packed)


def originals(addresses: Addresses, words: Words, common: Container[str], kept: Container[str]) -> Originals:
    """Return everything that got a pseudonym, except words that are ``common`` in protocols.

    A word that is not sure to name somebody does not count if it is ``kept`` elsewhere, nor does an original
    that is also the pseudonym of another: finding it would prove nothing. Some are, whatever the key: the
    ninety addresses 10.0.50.10 to 10.0.50.99 map onto each other.
    """
    hosts = addresses.seen.keys() - set(addresses.seen.values())
    macs = addresses.macs.keys() - set(addresses.macs.values())
    pseudonyms = {new.lower() for word, new in words.seen.items() if word != new}

    replaced = {word.lower() for word, new in words.seen.items() if word != new and not is_address(word)}
    counting = {word for word in replaced if word not in common and (word in words.sure or word not in kept)}
    unambiguous = counting - pseudonyms
    short = {word for word in unambiguous if not _telling(word)}
    in_place = {f"{left}{word}{right}".encode() for word in short if word.isascii() for left, right in AROUND}
    packed = {addr.packed for addr in hosts} | macs
    packed |= {(int(addr) ^ COOKIE).to_bytes(4) for addr in hosts if isinstance(addr, IPv4Address)}
    in_hex = {each.hex() for each in (*(addr.packed for addr in hosts), *macs)}
    in_hex |= {sign.join(re.findall("." * step, mac.hex())) for mac in macs for step, sign in MAC_FORMS}
    return Originals(
        words=frozenset(_written(unambiguous - short)) | frozenset(in_place),
        packed=frozenset(each for each in packed if len(each) - each.count(0) >= TELLING_BYTES),
        in_hex=frozenset(text.encode() for text in in_hex),
        addresses=frozenset(map(str, hosts | (addresses.networks.keys() - set(addresses.networks.values())))),
        ambiguous=len(addresses.seen)
        - len(hosts)
        + len(addresses.macs)
        - len(macs)
        + len(counting - unambiguous),
    )


def _written(words: Iterable[str]) -> Iterator[bytes]:
    """Yield words as bytes, ASCII in lower case; of a host also its labels reversed and in DNS format."""
    for word in words:
        lower = word.lower()
        for form in {lower, lower.upper(), unicodedata.normalize("NFD", lower)}:
            yield form.encode("utf-8", "surrogateescape").lower()
            if form.isascii() or max(form) <= LAST_OF_LATIN:
                yield form.encode("latin-1").lower()
        labels = lower.split(".")
        if len(labels) > 1 and all(0 < len(label) < 64 and label.isascii() for label in labels):
            yield ".".join(reversed(labels)).encode()
            yield b"".join(bytes([len(label)]) + label.encode() for label in labels)


def _spelled(addresses: Collection[str]) -> Iterator[bytes]:
    """Yield addresses as written in text, host names and the DNS."""
    for addr in map(ip_address, addresses):
        yield from (form.encode() for form in _forms(addr))


def _forms(addr: Address) -> Iterator[str]:
    yield str(addr)
    yield addr.reverse_pointer.removesuffix(".arpa")
    if isinstance(addr, IPv6Address):
        yield addr.exploded
        yield ":".join(f"{int(group, 16):x}" for group in addr.exploded.split(":"))
    else:
        yield str(addr).replace(".", "-")
        yield str(addr).replace(".", "_")


def _telling(word: str) -> bool:
    """Whether a word is long enough not to match by chance."""
    if any(map(str.isalpha, word)):
        return len(word) >= SHORTEST
    return sum(map(str.isdigit, word)) >= SHORTEST_NUMBER  # "2.0 403" is in every SIP response


def in_text(data: bytes, sought: Originals) -> list[str]:
    """Return the originals found in text, in whichever encoding."""
    matches: set[bytes] = set()
    for view in views(data):
        lower = view.lower()
        for needles in sought.needles:
            matches |= needles.found(lower)
    return sorted(word.decode(errors="replace") for word in matches)


def in_packets(data: bytes, sought: Originals) -> list[str]:
    """Return, in hex, the addresses found as bytes."""
    return sorted(packed.hex() for packed in sought.bytes_of_addresses.found(data))


def _stands_alone(data: bytes, at: int, needle: bytes) -> bool:
    """Whether a short word has no letter or digit beside it, and one between signs stands in text."""
    if len(needle) > BOUNDED:
        return True
    if needle[:1] in IN_SIGNS and not _amid_text(data, at, at + len(needle)):
        return False
    before, behind = data[max(at - 1, 0) : at], data[at + len(needle) : at + len(needle) + 1]
    begins_inside = before.isalnum() and needle[:1].isalnum()
    return not begins_inside and not (behind.isalnum() and needle[-1:].isalnum())


def _amid_text(data: bytes, start: int, end: int) -> bool:
    """Whether what surrounds a match reads as text in UTF-8; it may begin or end within a character."""
    before = data[max(start - AMID, 0) : start].lstrip(CONTINUED)
    try:
        around = before.decode() + UTF_8().decode(data[end : end + AMID])
    except UnicodeDecodeError:
        return False
    return not UNWRITTEN.search(around)


def _is_address(data: bytes, at: int, needle: bytes) -> bool:
    """Whether the match is a whole address, not part of a longer one or of a version number."""
    before, behind = data[max(at - 1, 0) : at], data[at + len(needle) : at + len(needle) + 2]
    if before.isalnum() or before in (b".", b"_") or (before == b":" and b":" in needle):
        return False
    continues = (behind[:1] == b"." and behind[1:].isdigit()) or (b":" in needle and behind[:1] == b":")
    return not behind[:1].isalnum() and not continues
