"""Is an original left? Every one is looked for: as text, in hex, as bytes, under the XOR of STUN.

All needles are looked for at once by their first four bytes.
"""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

import numpy as np

from postproc.present.redaction.addresses import Addresses
from postproc.present.redaction.patterns import IPV4, IPV6
from postproc.present.redaction.words import Words, is_address

SHORTEST = 5  # signs; what is shorter is everywhere by chance
SHORTEST_NUMBER = 7  # digits; shorter ones are ports and fractions of seconds, too
AROUND = ((":", "@"), ("/", "@"), ("<", ">"), ('"', '"'))  # where a short one is a user
BOUNDED = 12  # up to this length a word counts only where it stands for itself
COOKIE = 0x2112A442
PREFIX = 4
DIGIT = re.compile(rb"[0-9]")


@dataclass(frozen=True)
class Originals:
    """What must not be found any more: words (lower case), bytes of addresses, addresses as text."""

    words: frozenset[bytes] = frozenset()
    packed: frozenset[bytes] = frozenset()
    in_hex: frozenset[bytes] = frozenset()
    addresses: frozenset[str] = frozenset()

    def numbered(self) -> "Originals":
        """Those that no prose can hold by chance: with digits in them."""
        return replace(
            self, words=frozenset(word for word in self.words if len(DIGIT.findall(word)) >= PREFIX)
        )


def originals(addresses: Addresses, words: Words, common: Container[str], kept: Container[str]) -> Originals:
    """Everything that got a pseudonym, but for words that are ``common`` in protocols.

    What stood in a header nobody knows does not count where it is ``kept`` elsewhere.
    """
    replaced = {word.lower() for word, new in words.seen.items() if word != new and not is_address(word)}
    meant = {word for word in replaced if word not in common and (word in words.sure or word not in kept)}
    short = {word for word in meant if not _telling(word)}
    in_place = {f"{left}{word}{right}".encode() for word in short if word.isascii() for left, right in AROUND}
    told = {word.encode(errors="surrogateescape") for word in meant - short}
    hexed = {word.hex().encode() for word in told}
    packed = {addr.packed for addr in addresses.seen} | set(addresses.macs)
    packed |= {(int(addr) ^ COOKIE).to_bytes(4) for addr in addresses.seen if isinstance(addr, IPv4Address)}
    in_hex = {each.hex().encode() for each in (*(addr.packed for addr in addresses.seen), *addresses.macs)}
    return Originals(
        words=frozenset(told | hexed | in_place),
        packed=frozenset(packed),
        in_hex=frozenset(in_hex),
        addresses=frozenset(map(str, {**addresses.seen, **addresses.networks})),
    )


def _telling(word: str) -> bool:
    """Whether a word is long enough to be found only where it is meant."""
    return len(word) >= (SHORTEST_NUMBER if word.isdecimal() else SHORTEST)


def collides(addresses: Addresses, words: Words) -> bool:
    """Whether a pseudonym is also an original: it would look as if one were left."""
    if set(addresses.seen) & set(addresses.seen.values()) or set(addresses.macs) & set(
        addresses.macs.values()
    ):
        return True
    known = {word.lower() for word, new in words.seen.items() if word != new and _telling(word)}
    return any(new.lower() in known for word, new in words.seen.items() if word != new)


def in_text(data: bytes, held: Originals) -> list[str]:
    """The originals found in text, at most a few."""
    lower = data.lower()
    found = {word.decode(errors="replace") for word in find(lower, held.words)}
    found |= {word.decode() for word in find(lower, held.in_hex, bounded=0)}
    text = data.decode("latin-1")
    for pattern in (IPV4, IPV6):
        for match in pattern.finditer(text):
            if match[0].partition("/")[0].lower() in held.addresses:
                found.add(match[0])
    return sorted(found)


def in_packets(data: bytes, held: Originals) -> list[str]:
    """The addresses found as bytes."""
    return sorted(packed.hex() for packed in find(data, held.packed, bounded=0))


def find(data: bytes, needles: Iterable[bytes], bounded: int = BOUNDED) -> set[bytes]:
    """Which needles (four bytes or more) are in the data; short ones with no letter or digit beside."""
    by_prefix: dict[bytes, list[bytes]] = {}
    for needle in needles:
        if len(needle) >= PREFIX:
            by_prefix.setdefault(needle[:PREFIX], []).append(needle)
    prefixes = np.array(sorted(int.from_bytes(prefix, "little") for prefix in by_prefix), np.uint32)
    found: set[bytes] = set()
    for shift in range(PREFIX if len(data) >= PREFIX and len(prefixes) else 0):
        usable = (len(data) - shift) // PREFIX * PREFIX
        heads = np.frombuffer(data, "<u4", usable // PREFIX, shift)
        for at in (np.flatnonzero(np.isin(heads, prefixes)) * PREFIX + shift).tolist():
            for needle in by_prefix[data[at : at + PREFIX]]:
                if needle not in found and data.startswith(needle, at) and _counts(data, at, needle, bounded):
                    found.add(needle)
    return found


def _counts(data: bytes, at: int, needle: bytes, bounded: int) -> bool:
    if len(needle) > bounded:
        return True
    before, behind = data[max(at - 1, 0) : at], data[at + len(needle) : at + len(needle) + 1]
    begins_inside = before.isalnum() and needle[:1].isalnum()
    return not begins_inside and not (behind.isalnum() and needle[-1:].isalnum())
