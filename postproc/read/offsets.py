"""Where the records of a window start, each behind the one before.

Records lead from one to the next, which has to be followed one by one. Blocks
of pcapng say their type and twice their length: numpy finds all places that
look like the usual one, and where each leads to the next there is nothing left
to follow. The slow way is taken from the first place that is in doubt.
"""

from dataclasses import dataclass

import numpy as np

from postproc.read.arrays import Array
from postproc.read.container import Layout

LENGTH_AGAIN = 4  # bytes at the end of a block


@dataclass(frozen=True)
class Likely:
    """Places that look like records in order of position, and where each leads.

    ``doubtful`` are those that do not lead to the next one, as indexes.
    """

    starts: Array
    ends: Array
    doubtful: Array


def record_starts(data: Array, position: int, end: int, layout: Layout) -> tuple[Array, int, bool]:
    """Where whole records start, where the last one ends, and whether the next one makes sense."""
    likely = _likely(data, position, end, layout)
    found, patience, sound = [], 1, True
    while True:
        chain, position = _chain(likely, position)
        followed, position, sound = _followed(data, position, end, layout, patience)
        found += [chain, followed]
        if len(followed) < patience:
            return np.concatenate(found), position, sound
        patience *= 2  # so that a file of unusual records is not slow


def _likely(data: Array, position: int, end: int, layout: Layout) -> Likely:
    none = np.zeros(0, np.int64)
    if layout.usual is None or position & 3:
        return Likely(none, none, none)
    words = data[position : position + (end - position & ~3)].view("<u4")
    at = np.flatnonzero(words[:-1] == layout.usual)
    length = words[at + 1]
    size = (length >> 2).astype(np.int64)
    fits = (length & 3 == 0) & (length >= layout.smallest) & (at + size <= len(words))
    at, length, size = at[fits], length[fits], size[fits]
    whole = words[at + size - 1] == length
    starts = position + 4 * at[whole]
    ends = starts + 4 * size[whole]
    return Likely(starts, ends, np.flatnonzero(ends[:-1] != starts[1:]))


def _chain(likely: Likely, position: int) -> tuple[Array, int]:
    """The places from this one on of which each leads to the next, and where the last one leads."""
    first = int(np.searchsorted(likely.starts, position))
    if first == len(likely.starts) or likely.starts[first] != position:
        return likely.starts[:0], position
    broken = int(np.searchsorted(likely.doubtful, first))
    last = int(likely.doubtful[broken]) if broken < len(likely.doubtful) else len(likely.starts) - 1
    return likely.starts[first : last + 1], int(likely.ends[last])


def _followed(data: Array, position: int, end: int, layout: Layout, most: int) -> tuple[Array, int, bool]:
    """The same, one by one, so many at most."""
    starts: list[int] = []
    append, unpack = starts.append, layout.length.unpack_from
    length_at, uncounted, smallest = layout.length_at, layout.uncounted, layout.smallest
    size, buffer, last = smallest, data.data, end - smallest
    while position <= last and len(starts) < most:
        size = unpack(buffer, position + length_at)[0] + uncounted
        if size < smallest or position + size > end:
            break
        if layout.repeated and unpack(buffer, position + size - LENGTH_AGAIN)[0] != size:
            return np.array(starts, np.int64), position, False
        append(position)
        position += size
    return np.array(starts, np.int64), position, smallest <= size <= layout.largest
