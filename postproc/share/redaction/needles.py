"""Many words looked for in many bytes at once, by their first four bytes."""

from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np

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
