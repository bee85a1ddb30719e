"""Words and times of legs as arrays, so that many pairs of legs are compared at once.

Words become small numbers, equal where the words are; UNKNOWN equals nothing.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from postproc import constants
from postproc.correlate.records import column

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

UNKNOWN = -1
BACKGROUND = constants.count("evidence.background")


class Where(NamedTuple):
    """Where the legs are: recording by capture, row of ``legs`` by recording and Call-ID."""

    recordings: dict[str | None, int]
    rows: dict[tuple[int, str | None], int]


def where(legs: pd.DataFrame, recordings: "pd.Series[int]") -> Where:
    """Index the legs; a capture that ``recordings`` does not know is a recording of its own."""
    known: dict[str | None, int] = {str(name): int(number) for name, number in recordings.items()}
    for capture in column(legs["capture"]):
        known.setdefault(capture, max(known.values(), default=UNKNOWN) + 1)
    keys = zip((known[capture] for capture in column(legs["capture"])), column(legs["call_id"]), strict=True)
    return Where(known, {key: row for row, key in enumerate(keys)})


def leg_rows(table: pd.DataFrame, legs: Where) -> Ints:
    """Return the leg's row for each row of a message table, UNKNOWN where it is of no leg."""
    recording, row = legs.recordings.get, legs.rows.get
    keys = zip(column(table["capture"]), column(table["call_id"]), strict=True)
    return np.array([row((recording(name, UNKNOWN), call), UNKNOWN) for name, call in keys], dtype="int64")


def coded(*columns: Iterable[Any]) -> list[Ints]:
    """Number the words of several columns alike, from 0; None is UNKNOWN."""
    lists = [list(words) for words in columns]
    words = pd.Series([word for held in lists for word in held], dtype="object")
    numbered = pd.factorize(words)[0].astype("int64")
    return np.split(numbered, np.cumsum([len(held) for held in lists])[:-1])


def padded(rows: Ints, values: Ints, height: int, width: int) -> Ints:
    """Spread (row, value) over the rows of an array, in their order: the first ``width`` of each row."""
    order = np.argsort(rows, kind="stable")
    rows, values = rows[order], values[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    keep = (place < width) & (rows >= 0)
    table = np.full((height, int(place[keep].max(initial=0)) + 1), UNKNOWN, dtype="int64")
    table[rows[keep], place[keep]] = values[keep]
    return table


def shared(one: Ints, other: Ints) -> Flags:
    """Return where two (pairs, width) arrays have a known word in common."""
    equal = (one[:, :, None] == other[:, None, :]) & (one[:, :, None] >= 0)
    return np.asarray(equal.any(axis=(1, 2)), dtype=bool)


def rarity(words: Ints) -> Floats:
    """Return how surprising each word is in a leg of another call: -log of its share of the legs.

    ``words`` has one row per leg, of one word or several.
    """
    _, place, counts = np.unique(words, return_inverse=True, return_counts=True)
    others = np.maximum(counts[place].reshape(words.shape) - 1, 1)
    surprise: Floats = -np.log(np.minimum(others / (len(words) + BACKGROUND), 1.0))
    return surprise


def distinct(numbers: Ints) -> Ints:
    """Return each number once, sorted; millions of them faster than numpy.unique, which hashes."""
    ordered = np.sort(numbers)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered
