"""What failed, made small: pieces left out as long as it still fails (Zeller's ddmin, 2002)."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.fuzz import files

T = TypeVar("T")
Fails = Callable[[bytes], bool]
SMALLEST = 4  # bytes that are left out together


@dataclass
class Budget:
    """How many more tries, and until when (``time.monotonic``)."""

    tries: int
    until: float

    def spend(self) -> bool:
        self.tries -= 1
        return self.tries >= 0 and time.monotonic() < self.until


def least(held: Sequence[T], fails: Callable[[list[T]], bool], budget: Budget) -> list[T]:
    """As few of the pieces, in their order, as still fail; all of them when the budget is spent at once."""
    kept, parts = list(held), 2
    while len(kept) >= 2:
        size = -(-len(kept) // parts)
        for at in range(0, len(kept), size):
            if not budget.spend():
                return kept
            fewer = kept[:at] + kept[at + size :]
            if fewer and fails(fewer):
                kept, parts = fewer, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(kept))
    return kept


def shrink(data: bytes, fails: Fails, budget: Budget) -> bytes:
    """The input made small: by what it is made of first, by bytes then."""
    parts = pieces(data)
    if len(parts) > 1:
        data = b"".join(least(parts, lambda some: fails(b"".join(some)), budget))
    size = len(data) // 2
    while size >= SMALLEST:
        some = [data[at : at + size] for at in range(0, len(data), size)]
        data = b"".join(least(some, lambda some: fails(b"".join(some)), budget))
        size //= 4
    return data


def pieces(data: bytes) -> list[bytes]:
    """The blocks of a pcapng, the records of a pcap, the lines of a text; whatever does not fit is one."""
    if data.startswith(files.MAGIC):
        found = _followed(data, 0, 4, "little", 0)
    elif data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        found = [data[:24], *_followed(data, 24, 8, "little", 16)]
    elif data[:4] in (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d"):
        found = [data[:24], *_followed(data, 24, 8, "big", 16)]
    else:
        found = data.splitlines(keepends=True)
    return [each for each in found if each]


def _followed(data: bytes, at: int, length_at: int, order: str, uncounted: int) -> list[bytes]:
    found = []
    while at + length_at + 4 <= len(data):
        said = data[at + length_at : at + length_at + 4]
        size = max(int.from_bytes(said, "little" if order == "little" else "big") + uncounted, 12)
        found.append(data[at : at + size])
        at += size
    return [*found, data[at:]]
