"""Which copy at one place is which at the other, of packets that are sent again with the same content.

A STUN request that is not answered, and SIP over UDP, are sent again byte for byte (RFC 8489, section 6.2.1;
RFC 3261, section 17.1.1.2), so that the first copy that one place shows may be the second that was sent.
Packets whose content comes only once tell when each should be where: copies nearest to that are the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from postproc.read.arrays import Array
from postproc.read.packets import MIX, mixed

# ns by which copies may be off their time and are still paired by number, where both places show as many:
# half of the 50 ms after which WebRTC repeats a check. Else jitter of copies close together looks like loss.
BY_NUMBER = 25_000_000
# ns by which copies may be off at all: queues hold packets for a second or two. With more, a copy that comes
# after the end of one capture is taken for another.
LATEST = 2_000_000_000


@dataclass(frozen=True)
class Pairs:
    """Rows of packets of one capture, and of the same in another; ``once``: each shows the content once."""

    one: Array
    other: Array
    once: Array


def paired_by_time(packets: Array, pairs: Pairs, joined: Iterable[tuple[int, int]]) -> Pairs:
    """The pairs of two captures, with copies paired by when they are seen; ``joined`` are flows that are one.

    Where no content comes only once, nothing tells the time, and copies stay paired by their number.
    """
    again = ~pairs.once
    if not again.any() or again.all():
        return pairs
    way = _ways(joined, int(packets["flow"].max()) + 1)
    copies = _copies(packets, way, pairs.one[again])
    of_one = packets["capture"][copies["row"]] == packets["capture"][pairs.one[0]]
    ones, others = copies[of_one], copies[~of_one]
    ones = ones.assign(time=_expected(packets, way, pairs, ones))
    numbered = _by_number(ones, others)
    rest = [side[~side["content"].isin(numbered["content"])] for side in (ones, others)]
    found = pd.concat([numbered, _nearest(*rest)])
    one = np.concatenate([pairs.one[pairs.once], found["one"].to_numpy(np.int64)])
    other = np.concatenate([pairs.other[pairs.once], found["other"].to_numpy(np.int64)])
    order = np.argsort(one, kind="stable")
    return Pairs(one[order], other[order], order < np.count_nonzero(pairs.once))


def _ways(joined: Iterable[tuple[int, int]], flows: int) -> Array:
    """By flow, a number that those have in common which are one; -1 of others."""
    way = np.full(flows, -1)
    for one, other in joined:
        merged = [number for number in (way[one], way[other]) if number >= 0]
        way[np.isin(way, merged)] = one
        way[[one, other]] = one
    return way


def _copies(packets: Array, way: Array, again: Array) -> pd.DataFrame:
    """All packets of these contents, in both captures, in the order of time."""

    def contents(rows: Array) -> Array:
        return mixed(packets["key"][rows] + way[packets["flow"][rows]].astype(np.uint64) * MIX[2])

    rows = np.flatnonzero(way[packets["flow"]] >= 0)
    content = contents(rows)
    kept = np.isin(content, contents(again))
    rows = rows[kept]
    copies = pd.DataFrame({"row": rows, "content": content[kept], "time": packets["time"][rows]})
    return copies.sort_values("time", kind="stable", ignore_index=True)


def _expected(packets: Array, way: Array, pairs: Pairs, copies: pd.DataFrame) -> Array:
    """When the other capture should show them, from the packets of the same way that come once, if any do."""
    rows, times = copies["row"].to_numpy(), copies["time"].to_numpy()
    sent, arrived = packets["time"][pairs.one[pairs.once]], packets["time"][pairs.other[pairs.once]]
    order = np.argsort(sent, kind="stable")
    sent, apart = sent[order], (arrived - sent)[order]
    way_of_sent = way[packets["flow"][pairs.one[pairs.once]]][order]
    way_of_copies = way[packets["flow"][rows]]
    expected = times.copy()
    for number in np.unique(way_of_copies):
        own = way_of_sent == number
        own = own if own.any() else np.ones(len(sent), bool)
        at = way_of_copies == number
        since = sent[0]  # floating-point numbers hold no time of day to the nanosecond
        expected[at] += np.interp(times[at] - since, sent[own] - since, apart[own]).astype(np.int64)
    return expected


def _by_number(ones: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The first with the first, and so on, of contents of which both show as many, and each in its time."""
    sides = [
        side.assign(
            number=side.groupby("content").cumcount(), of=side.groupby("content")["row"].transform("size")
        )
        for side in (ones, others)
    ]
    pairs = sides[0].merge(sides[1], on=["content", "number", "of"], suffixes=("_one", "_other"))
    off = (pairs["time_other"] - pairs["time_one"]).abs().groupby(pairs["content"]).transform("max")
    pairs = pairs[off <= BY_NUMBER].rename(columns={"row_one": "one", "row_other": "other"})
    return pairs[["content", "one", "other"]]


def _nearest(ones: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Copies each of which is the nearest to the other."""
    found = []
    for side, far, names in ((ones, others, ("one", "other")), (others, ones, ("other", "one"))):
        near = pd.merge_asof(
            side.sort_values("time", kind="stable").rename(columns={"row": names[0]}),
            far.sort_values("time", kind="stable").rename(columns={"row": names[1]}),
            on="time",
            by="content",
            direction="nearest",
            tolerance=LATEST,
        )
        found.append(near.dropna()[["content", "one", "other"]])
    return found[0].merge(
        found[1].astype({"one": np.int64, "other": np.int64}), on=["content", "one", "other"]
    )
