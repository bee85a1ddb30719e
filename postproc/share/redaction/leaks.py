"""Is an original left? Every one is looked for: as text in each encoding, as bytes, under the XOR of STUN.

``views`` gives what bytes may say: the data read in each of the ways in which text is written so that nobody
sees it at once, the rest left as it is or left out. A word that is looked for in all views is found however
somebody, or some program, wrote it down.
"""

import binascii
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


PREFIX = 4  # bytes; a needle has at least these
TABLE_BITS = 18  # a quarter of a megabyte: stays in the processor's cache
MULTIPLIER = np.uint32(0x9E3779B1)  # Knuth's, for hashing by multiplication
BLOCK = 1 << 20  # heads looked at in one go

Counts = Callable[[bytes, int, bytes], bool]  # whether a needle counts where it stands


class Needles:
    """What is looked for; ``counts`` says whether something found counts in its place."""

    def __init__(self, needles: Iterable[bytes], counts: Counts = lambda _data, _at, _needle: True) -> None:
        self._by_prefix: dict[bytes, list[bytes]] = {}
        for needle in sorted({each for each in needles if len(each) >= PREFIX}):
            self._by_prefix.setdefault(needle[:PREFIX], []).append(needle)
        self._counts = counts

    def found(self, data: bytes) -> set[bytes]:
        """Which needles are in the data."""
        found: set[bytes] = set()
        for at in self._candidates(data):
            for needle in self._by_prefix.get(data[at : at + PREFIX], ()):
                if needle not in found and data.startswith(needle, at) and self._counts(data, at, needle):
                    found.add(needle)
        return found

    def _candidates(self, data: bytes) -> Iterable[int]:
        """Places where a needle may begin."""
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


SHORTEST = 5  # signs; what is shorter is everywhere by chance
SHORTEST_NUMBER = 7  # digits; shorter ones are ports and fractions of seconds, too
AROUND = ((":", "@"), ("/", "@"), ("<", ">"), ('"', '"'))  # where a short one is a user
SIGNS = "".join({sign for pair in AROUND for sign in pair})
BOUNDED = 12  # up to this length a word counts only where it stands for itself
TELLING_BYTES = 3  # not null: 10.0.0.6 as bytes is found among nulls by chance, in lengths and counts, too
COOKIE = 0x2112A442
LAST_OF_LATIN = "\xff"  # of the signs that Latin-1 has, and UTF-16 in one byte
MAC_FORMS = ((2, ":"), (2, "-"), (4, "."))  # digits between separators


@dataclass(frozen=True)
class Originals:
    """What must not be found any more: words (lower case), bytes of addresses, addresses as text.

    ``ambiguous`` of the originals are not among them: each is the pseudonym of another as well.
    """

    words: frozenset[bytes] = frozenset()
    packed: frozenset[bytes] = frozenset()
    in_hex: frozenset[bytes] = frozenset()
    addresses: frozenset[str] = frozenset()
    ambiguous: int = 0

    def besides(self, ours: Container[str]) -> "Originals":
        """Without the words that prose of ours says, whoever is called that."""
        told = {word: word.decode(errors="replace").strip(SIGNS) for word in self.words}
        return replace(self, words=frozenset(word for word, bare in told.items() if bare not in ours))

    @cached_property
    def needles(self) -> tuple[Needles, ...]:
        """What is looked for in text: words, addresses, and these in hex."""
        return (
            Needles(self.words, _stands_alone),
            Needles(_spelled(self.addresses), _is_address),
            Needles(self.in_hex),
        )

    @cached_property
    def bytes_of_addresses(self) -> Needles:
        return Needles(self.packed)


def originals(addresses: Addresses, words: Words, common: Container[str], kept: Container[str]) -> Originals:
    """Everything that got a pseudonym, but for words that are ``common`` in protocols.

    What stood in a header nobody knows does not count where it is ``kept`` elsewhere, nor does what is also
    the pseudonym of another: found, it would say nothing. With any key some are: of ninety addresses
    10.0.50.10 to 99 there are as many pseudonyms.
    """
    hosts = addresses.seen.keys() - set(addresses.seen.values())
    macs = addresses.macs.keys() - set(addresses.macs.values())
    pseudonyms = {new.lower() for word, new in words.seen.items() if word != new}

    replaced = {word.lower() for word, new in words.seen.items() if word != new and not is_address(word)}
    counting = {word for word in replaced if word not in common and (word in words.sure or word not in kept)}
    meant = counting - pseudonyms
    short = {word for word in meant if not _telling(word)}
    in_place = {f"{left}{word}{right}".encode() for word in short if word.isascii() for left, right in AROUND}
    packed = {addr.packed for addr in hosts} | macs
    packed |= {(int(addr) ^ COOKIE).to_bytes(4) for addr in hosts if isinstance(addr, IPv4Address)}
    in_hex = {each.hex() for each in (*(addr.packed for addr in hosts), *macs)}
    in_hex |= {sign.join(re.findall("." * step, mac.hex())) for mac in macs for step, sign in MAC_FORMS}
    return Originals(
        words=frozenset(_written(meant - short)) | frozenset(in_place),
        packed=frozenset(each for each in packed if len(each) - each.count(0) >= TELLING_BYTES),
        in_hex=frozenset(text.encode() for text in in_hex),
        addresses=frozenset(map(str, hosts | (addresses.networks.keys() - set(addresses.networks.values())))),
        ambiguous=len(addresses.seen) - len(hosts) + len(addresses.macs) - len(macs) + len(counting - meant),
    )


def _written(words: Iterable[str]) -> Iterator[bytes]:
    """Words as bytes, in lower case as far as they are ASCII; of a host its labels backwards, too."""
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
    """Addresses as people, host names and the DNS write them."""
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
    """Whether a word is long enough to be found only where it is meant."""
    if any(map(str.isalpha, word)):
        return len(word) >= SHORTEST
    return sum(map(str.isdigit, word)) >= SHORTEST_NUMBER  # "2.0 403" is what every answer says


def in_text(data: bytes, held: Originals) -> list[str]:
    """The originals found in text, in whichever encoding."""
    found: set[bytes] = set()
    for view in views(data):
        lower = view.lower()
        for needles in held.needles:
            found |= needles.found(lower)
    return sorted(word.decode(errors="replace") for word in found)


def in_packets(data: bytes, held: Originals) -> list[str]:
    """The addresses found as bytes."""
    return sorted(packed.hex() for packed in held.bytes_of_addresses.found(data))


def _stands_alone(data: bytes, at: int, needle: bytes) -> bool:
    """Whether a word that is short has no letter or digit beside it."""
    if len(needle) > BOUNDED:
        return True
    before, behind = data[max(at - 1, 0) : at], data[at + len(needle) : at + len(needle) + 1]
    begins_inside = before.isalnum() and needle[:1].isalnum()
    return not begins_inside and not (behind.isalnum() and needle[-1:].isalnum())


def _is_address(data: bytes, at: int, needle: bytes) -> bool:
    """Whether the digits are all of an address, not the end or the beginning of another, or of a version."""
    before, behind = data[max(at - 1, 0) : at], data[at + len(needle) : at + len(needle) + 2]
    if before.isalnum() or before in (b".", b"_") or (before == b":" and b":" in needle):
        return False
    continues = (behind[:1] == b"." and behind[1:].isdigit()) or (b":" in needle and behind[:1] == b":")
    return not behind[:1].isalnum() and not continues
