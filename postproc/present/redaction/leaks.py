"""Is an original left? Every one is looked for: as text, in hex, as bytes, under the XOR of STUN.

All needles are looked for at once by their first four bytes.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

import numpy as np

from postproc.present.redaction.addresses import Addresses
from postproc.present.redaction.patterns import IPV4, IPV6
from postproc.present.redaction.words import WITHHELD, Words, is_address

SHORTEST = 5  # signs; what is shorter is everywhere by chance
SHORTEST_NUMBER = 7  # digits; shorter ones are ports and fractions of seconds, too
AROUND = ((":", "@"), ("/", "@"), ("<", ">"), ('"', '"'))  # where a short one is a user
BOUNDED = 12  # up to this length a word counts only where it stands for itself
COOKIE = 0x2112A442
PREFIX = 4


@dataclass(frozen=True)
class Originals:
    """What must not be found any more: words (lower case), bytes of addresses, addresses as text."""

    words: frozenset[bytes] = frozenset()
    packed: frozenset[bytes] = frozenset()
    addresses: frozenset[str] = frozenset()


def originals(addresses: Addresses, words: Words, common: Container[str], kept: Container[str]) -> Originals:
    """Everything that got a pseudonym, but for words that are ``common`` in protocols.

    What stood in a header nobody knows does not count where it is ``kept`` elsewhere.
    """
    changed = {
        word.lower() for word, new in words.seen.items() if word != new and not is_address(word)
    } - WITHHELD
    short = {word for word in changed if not _telling(word)}
    in_place = {
        f"{before}{word}{behind}".encode() for word in short if word.isascii() for before, behind in AROUND
    }
    long = {
        word for word in changed - short if word not in common and (word in words.sure or word not in kept)
    }
    told = {word.encode(errors="surrogateescape") for word in long}
    hexed = {word.hex().encode() for word in told}
    packed = {addr.packed for addr in addresses.seen} | set(addresses.macs)
    packed |= {(int(addr) ^ COOKIE).to_bytes(4) for addr in addresses.seen if isinstance(addr, IPv4Address)}
    in_hex = {addr.packed.hex().encode() for addr in addresses.seen} | {
        mac.hex().encode() for mac in addresses.macs
    }
    return Originals(
        frozenset(told | hexed | in_hex | in_place),
        frozenset(packed),
        frozenset(map(str, {**addresses.seen, **addresses.networks})),
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
    found = {word.decode(errors="replace") for word in find(data.lower(), held.words)}
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
    around = (data[max(at - 1, 0) : at], data[at + len(needle) : at + len(needle) + 1])
    return not any(each.isalnum() for each in around)
