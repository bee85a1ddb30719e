"""Is an original left? Every one is looked for: as text in each encoding, as bytes, under the XOR of STUN."""

import re
import unicodedata
from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address

from postproc.share.redaction.addresses import Address, Addresses
from postproc.share.redaction.encodings import views
from postproc.share.redaction.needles import Needles
from postproc.share.redaction.words import Words, is_address

SHORTEST = 5  # signs; what is shorter is everywhere by chance
SHORTEST_NUMBER = 7  # digits; shorter ones are ports and fractions of seconds, too
AROUND = ((":", "@"), ("/", "@"), ("<", ">"), ('"', '"'))  # where a short one is a user
SIGNS = "".join({sign for pair in AROUND for sign in pair})
BOUNDED = 12  # up to this length a word counts only where it stands for itself
COOKIE = 0x2112A442
LAST_OF_LATIN = "\xff"  # of the signs that Latin-1 has, and UTF-16 in one byte
MAC_FORMS = ((2, ":"), (2, "-"), (4, "."))  # digits between separators


@dataclass(frozen=True)
class Originals:
    """What must not be found any more: words (lower case), bytes of addresses, addresses as text."""

    words: frozenset[bytes] = frozenset()
    packed: frozenset[bytes] = frozenset()
    in_hex: frozenset[bytes] = frozenset()
    addresses: frozenset[str] = frozenset()

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

    What stood in a header nobody knows does not count where it is ``kept`` elsewhere.
    """
    replaced = {word.lower() for word, new in words.seen.items() if word != new and not is_address(word)}
    meant = {word for word in replaced if word not in common and (word in words.sure or word not in kept)}
    short = {word for word in meant if not _telling(word)}
    in_place = {f"{left}{word}{right}".encode() for word in short if word.isascii() for left, right in AROUND}
    packed = {addr.packed for addr in addresses.seen} | set(addresses.macs)
    packed |= {(int(addr) ^ COOKIE).to_bytes(4) for addr in addresses.seen if isinstance(addr, IPv4Address)}
    in_hex = {each.hex() for each in (*(addr.packed for addr in addresses.seen), *addresses.macs)}
    in_hex |= {
        sign.join(re.findall("." * step, mac.hex())) for mac in addresses.macs for step, sign in MAC_FORMS
    }
    return Originals(
        words=frozenset(_written(meant - short)) | frozenset(in_place),
        packed=frozenset(packed),
        in_hex=frozenset(text.encode() for text in in_hex),
        addresses=frozenset(map(str, {**addresses.seen, **addresses.networks})),
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


def collides(addresses: Addresses, words: Words) -> bool:
    """Whether a pseudonym is also an original: it would look as if one were left."""
    if set(addresses.seen) & set(addresses.seen.values()) or set(addresses.macs) & set(
        addresses.macs.values()
    ):
        return True
    known = {word.lower() for word, new in words.seen.items() if word != new and _telling(word)}
    return any(new.lower() in known for word, new in words.seen.items() if word != new)


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
