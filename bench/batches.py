"""Many packets of equal length at once: a template, and arrays for the fields that differ.

RTP streams and unrelated TCP are millions of packets that differ in a few header
fields; numpy writes these columns into rows of bytes.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Times = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Field:
    """A big-endian header field: offset in the IP packet and width in bytes, one value per packet."""

    offset: int
    width: int
    values: Integers


@dataclass(frozen=True)
class Batch:
    """Packets equal except for ``fields``, IPv4 identification and the bytes from ``random_from`` on."""

    times: Times
    interface: int
    template: bytes
    fields: list[Field] = field(default_factory=list)
    random_from: int | None = None
    seed: int = 0

    def rows(self) -> Bytes:
        """Return the IP packets, one per row."""
        rows = np.tile(np.frombuffer(self.template, np.uint8), (self.times.size, 1))
        for each in self.fields:
            rows[:, each.offset : each.offset + each.width] = big_endian(each.values, each.width)
        if self.random_from is not None:
            rng = np.random.default_rng(self.seed)
            shape = (self.times.size, len(self.template) - self.random_from)
            rows[:, self.random_from :] = rng.integers(0, 256, shape, np.uint8)
        self._identify(rows)
        return rows

    def _identify(self, rows: Bytes) -> None:
        header = rows[:, :20]
        header[:, 4:6] = big_endian(np.arange(1, self.times.size + 1), 2)
        header[:, 10:12] = 0
        header[:, 10:12] = big_endian(header_checksums(header), 2)


def big_endian(values: Integers, width: int) -> Bytes:
    """Return the lowest ``width`` bytes of each value, most significant first: one row per value."""
    return values.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - width :]


def header_checksums(headers: Bytes) -> Integers:
    """Return the Internet checksum (RFC 1071) of each row; rows have an even length."""
    total: Integers = np.ascontiguousarray(headers).view(">u2").astype(np.int64).sum(axis=1)
    for _ in range(2):
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
