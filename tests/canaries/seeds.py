"""Canaries: words, numbers, names of hosts, addresses that stand nowhere else; and all forms they may be found in."""

import base64
import random
import re
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from urllib.parse import quote

import numpy as np

COOKIE = bytes.fromhex("2112a442")
CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"


@dataclass
class Canaries:
    """Hands out canaries, each with the place it is put; ``seed`` says which."""

    seed: int = 1
    words: dict[str, str] = field(default_factory=dict)  # canary: place
    addresses: dict[str, str] = field(default_factory=dict)
    macs: dict[bytes, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def word(self, place: str) -> str:
        """A word of nine letters, as a name would be."""
        letters = (self._random.choice(VOWELS if n % 2 else CONSONANTS) for n in range(9))
        return self._kept("".join(letters).capitalize(), place)

    def number(self, place: str) -> str:
        """A telephone number of twelve digits."""
        return self._kept(f"49{self._random.randrange(10**9, 10**10)}", place)

    def extension(self, place: str) -> str:
        """A number of six digits: too short to be known by its form."""
        return self._kept(f"{self._random.randrange(200_000, 999_999)}", place)

    def host(self, place: str) -> str:
        return f"{self.word(place)}.{self.word(place)}.{self.word(place)}".lower()

    def addr(self, place: str) -> str:
        made = f"91.{self._random.randrange(1, 250)}.{self._random.randrange(1, 250)}.{self._random.randrange(1, 250)}"
        self.addresses[made] = place
        return made

    def addr6(self, place: str) -> str:
        made = str(ip_address(bytes.fromhex("2a020810") + self._random.randbytes(12)))
        self.addresses[made] = place
        return made

    def mac(self, place: str) -> bytes:
        made = b"\x00" + self._random.randbytes(5)
        self.macs[made] = place
        return made

    def _kept(self, canary: str, place: str) -> str:
        self.words[canary] = place
        return canary

    def __len__(self) -> int:
        return len(self.words) + len(self.addresses) + len(self.macs)


def found(data: bytes, canaries: Canaries) -> list[str]:
    """The canaries in some data, each with its place and the form it has."""
    small, both = Haystack(data.lower()), Haystack(data.lower() + b"\n" + data)
    exact, left = Haystack(data), []
    for canary, place in canaries.words.items():
        left += [f"{place}: {canary} as {form}" for form, needle in forms(canary) if small.has(needle)]
        left += [f"{place}: {canary} in base64" for needle in _base64(canary) if needle in exact]
    for canary, place in canaries.addresses.items():
        left += [f"{place}: {canary} as {form}" for form, needle in _address(canary) if needle in both]
    for canary, place in canaries.macs.items():
        told = (
            canary,
            *(canary.hex(sep).encode() if sep else canary.hex().encode() for sep in ("", ":", "-")),
        )
        left += [f"{place}: {canary.hex()}" for needle in told if needle in both]
    return left


class Haystack:
    """Data in which many needles are looked for: most are known not to be there by their first three bytes.

    ``has`` finds digits only where no other digit is beside them: longer numbers have any six of them by chance.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        first, second, third = (np.frombuffer(data, np.uint8)[at:].astype(np.uint32) for at in range(3))
        self._threes = np.zeros(1 << 24, bool)
        self._threes[first[: len(third)] << 16 | second[: len(third)] << 8 | third] = True

    def __contains__(self, needle: bytes) -> bool:
        return bool(self._threes[int.from_bytes(needle[:3])]) and needle in self._data

    def has(self, needle: bytes) -> bool:
        if needle not in self:
            return False
        return not needle.isdigit() or bool(re.search(rb"(?<!\d)" + needle + rb"(?!\d)", self._data))


@cache
def forms(canary: str) -> list[tuple[str, bytes]]:
    """How a word may be written, in small letters."""
    lower = canary.lower()
    raw = lower.encode()
    url = "".join(f"%{byte:02x}" for byte in raw).encode()
    return [
        ("text", raw),
        ("UTF-16LE", lower.encode("utf-16-le")),
        ("UTF-16BE", lower.encode("utf-16-be")),
        ("hex", raw.hex().encode()),
        ("hex of capitals", canary.encode().hex().encode()),
        ("URL", url),
        ("URL", quote(lower).encode()),
        ("reversed", raw[::-1]),
        (
            "NetBIOS",
            "".join(chr(97 + (b >> 4)) + chr(97 + (b & 15)) for b in canary.upper().encode()).encode(),
        ),
    ]


@cache
def _base64(canary: str) -> list[bytes]:
    """What every base64 of a text with the word in it has in common, wherever the word begins."""
    made = []
    for before in range(3):
        for text in (canary, canary.lower()):
            whole = base64.b64encode(b"\0" * before + text.encode()).rstrip(b"=")
            made.append(whole[(before * 8 + 5) // 6 : -1])
    return made


@cache
def _address(canary: str) -> list[tuple[str, bytes]]:
    packed = ip_address(canary).packed
    masked = bytes(a ^ b for a, b in zip(packed, COOKIE, strict=False))
    reverse = re.sub(r"\.(?:in-addr|ip6)\.arpa$", "", ip_address(canary).reverse_pointer)
    return [
        ("text", canary.encode()),
        ("bytes", packed),
        ("hex", packed.hex().encode()),
        ("reversed name", reverse.encode()),
        ("masked", masked if len(packed) == len(masked) else packed),
    ]
