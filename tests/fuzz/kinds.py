"""What every mutation is made of: a name, what it changes, and the change."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

from tests.hostile import TEXTS

T = TypeVar("T")
# Where arithmetic goes wrong: around zero, and around what 8, 16, 31, 32, 53, 63 and 64 bits hold.
NUMBERS = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    12,
    15,
    16,
    19,
    20,
    99,
    100,
    127,
    128,
    255,
    256,
    699,
    700,
    999,
    1000,
    32_767,
    32_768,
    65_534,
    65_535,
    65_536,
    70_000,
    262_144,
    262_145,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**32,
    2**53,
    2**63 - 1,
    2**63,
    2**64 - 1,
    2**64,
)
HOSTILE = tuple(text.encode("utf-8", "surrogatepass") for text in TEXTS.values())


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One way to spoil something; ``change`` returns None where there is nothing to spoil."""

    of: str
    name: str
    change: Callable[[Random, T], T | None]


def kinds(of: str, *changes: Callable[[Random, T], T | None]) -> tuple[Kind[T], ...]:
    """Kinds named after their functions."""
    return tuple(Kind(of, change.__name__, change) for change in changes)


def number(random: Random) -> int:
    return random.choice(NUMBERS)


def digits(random: Random) -> bytes:
    """A number as somebody may write it, or what only looks like one."""
    written = str(number(random)).encode()
    odd = (b"-1", b"+1", b"", b"1e9", b"0x10", b"\xd9\xa3", b"1" * 400, b" 1", b"NaN", b"00" + written)
    return written if random.random() < 0.7 else random.choice(odd)


def hostile(random: Random) -> bytes:
    return random.choice(HOSTILE)


def blob(random: Random, most: int = 64) -> bytes:
    return random.randbytes(random.randint(1, most))
