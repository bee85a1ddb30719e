"""Is an original left? Looks for every one in what was written: as text, in hex, as bytes, under the XOR of STUN.

All needles are looked for at once by their first four bytes.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

import numpy as np

from postproc.present.redaction.addresses import Addresses
from postproc.present.redaction.patterns import IPV4, IPV6
from postproc.present.redaction.words import Words, is_address

SHORTEST = 5  # signs; what is shorter is everywhere by chance
BOUNDED = 12  # up to this length a word counts only where it stands for itself
COOKIE = 0x2112A442
PREFIX = 4


@dataclass(frozen=True)
class Originals:
    """What must not be found any more: words (lower case), bytes of addresses, addresses as text."""

    words: frozenset[bytes] = frozenset()
    packed: frozenset[bytes] = frozenset()
    addresses: frozenset[str] = frozenset()


def originals(addresses: Addresses, words: Words, common: Container[str]) -> Originals:
    """Everything that got a pseudonym."""
    plain = {word.lower() for word, new in words.seen.items() if word != new and len(word) >= SHORTEST}
    told = {word.encode(errors="surrogateescape") for word in plain if word not in common and not is_address(word)}
    hexed = {word.hex().encode() for word in told}
    packed = {addr.packed for addr in addresses.seen} | set(addresses.macs)
    packed |= {(int(addr) ^ COOKIE).to_bytes(4) for addr in addresses.seen if isinstance(addr, IPv4Address)}
    in_hex = {addr.packed.hex().encode() for addr in addresses.seen} | {mac.hex().encode() for mac in addresses.macs}
    return Originals(
        frozenset(told | hexed | in_hex), frozenset(packed), frozenset(map(str, {**addresses.seen, **addresses.networks}))
    )


def collides(addresses: Addresses, words: Words) -> bool:
    """Whether a pseudonym is also an original: it would look as if one were left."""
    if set(addresses.seen) & set(addresses.seen.values()) or set(addresses.macs) & set(addresses.macs.values()):
        return True
    long = {word.lower() for word, new in words.seen.items() if len(word) >= SHORTEST and word != new}
    return any(new.lower() in long for new in words.seen.values())


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
    """Which needles, of four bytes or more, are in the data; short ones only where no letter or digit adjoins."""
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
