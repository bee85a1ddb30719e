"""Vectorised reading of headers: a header is a structured dtype, read at many positions at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
PAD = 128  # bytes that must follow the last position ever read


def structure(fields: str) -> np.dtype[Any]:
    """Return a structured dtype of ``name format`` pairs separated by commas: ``"ports 2>u2, flags u1"``."""
    pairs = (field.split() for field in fields.split(","))
    return np.dtype([(name, form) for name, form in pairs])


def gather(data: Array, at: Array, dtype: np.dtype[Any]) -> Array:
    """Return the header of this dtype at each position, aligned or not.

    Positions past the end are moved back into ``data``; the caller discards what is read there.
    """
    size = dtype.itemsize
    everywhere: Array = np.ndarray((len(data) - size + 1,), f"V{size}", data.data, 0, (1,))
    return everywhere[np.minimum(at, len(data) - size)].view(dtype)


def numbers(data: Array, at: Array, dtype: str = ">u2") -> Array:
    """Return the number of this dtype at each position, as int64; the default is 16 bits, big-endian."""
    return gather(data, at, np.dtype(dtype)).astype(np.int64)


def count_until(flags: Array) -> int:
    """Return how many rows come before the first flagged one."""
    return int(np.argmax(flags)) if flags.any() else len(flags)


def places(flags: Array) -> Array | slice:
    """Return which rows are flagged, as an index; a slice, which is cheaper, when all are."""
    return slice(None) if flags.all() else np.flatnonzero(flags)


def starts_of_runs(*columns: Array) -> Array:
    """Return where a run of equal values begins in sorted columns, as positions."""
    change = np.zeros(len(columns[0]), bool)
    change[:1] = True
    for column in columns:
        change[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(change)


def lengths(starts: Array, total: int) -> Array:
    """Return the lengths of the runs that start at these positions."""
    return np.diff(starts, append=total)


def take(rows: Array, which: Array) -> Array:
    """Return ``rows[which]`` of structured rows, without numpy's slow copying field by field."""
    return rows.view(f"V{rows.itemsize}")[which].view(rows.dtype)


def join(*parts: Array) -> Array:
    """Concatenate structured rows, without numpy's slow copying field by field."""
    size = parts[0].itemsize
    return np.concatenate([part.view(f"V{size}") for part in parts]).view(parts[0].dtype)


def before(column: Array, starts: Array, first: Array) -> Array:
    """Return each row's predecessor in its run; ``first`` where a run starts."""
    shifted = np.empty_like(column)
    shifted[1:] = column[:-1]
    shifted[starts] = first
    return shifted
