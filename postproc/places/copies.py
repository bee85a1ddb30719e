"""Match retransmissions with the same content at two places.

An unanswered STUN request, and SIP over UDP, are retransmitted byte for byte (RFC 8489, section 6.2.1; RFC
3261, section 17.1.1.2), so the first copy captured at one place may be the second that was sent. Packets
whose content is unique show when each should arrive: copies closest to that time are matched.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from postproc.read.arrays import Array
from postproc.read.packets import MIX, mixed

# ns by which copies may miss their expected time and are still paired by number, if both places show as
# many: half of the 50 ms after which WebRTC repeats a check. Smaller, jitter of close copies looks like loss;
# larger, a lost copy may be paired with the next.
BY_NUMBER = 25_000_000
# ns by which copies may miss it at all: queues hold packets for a second or two. Larger, a copy after the end
# of one capture is taken for another.
LATEST = 2_000_000_000


class Pairs(NamedTuple):
    """Rows of packets of one capture, and of the same in another; ``once``: each shows the content once."""

    one: Array
    other: Array
    once: Array


def paired_by_time(packets: Array, pairs: Pairs, joined: Iterable[tuple[int, int]]) -> Pairs:
    """Return the pairs of two captures with copies paired by time; ``joined`` are pairs of equal flows.

    Without unique contents the expected time is unknown, and copies stay paired by number.
    """
    repeated = ~pairs.once
    if not repeated.any() or repeated.all():
        return pairs
    way = _ways(joined, int(packets["flow"].max()) + 1)
    copies = _copies(packets, way, pairs.one[repeated])
    of_one = packets["capture"][copies["row"]] == packets["capture"][pairs.one[0]]
    ones, others = copies[of_one], copies[~of_one]
    ones = ones.assign(time=_expected(packets, way, pairs, ones))
    numbered = _by_number(ones, others)
    rest = [side[~side["content"].isin(numbered["content"])] for side in (ones, others)]
    copy_pairs = pd.concat([numbered, _nearest(*rest)])
    one = np.concatenate([pairs.one[pairs.once], copy_pairs["one"].to_numpy(np.int64)])
    other = np.concatenate([pairs.other[pairs.once], copy_pairs["other"].to_numpy(np.int64)])
    order = np.argsort(one, kind="stable")
    return Pairs(one[order], other[order], order < np.count_nonzero(pairs.once))


def _ways(joined: Iterable[tuple[int, int]], flows: int) -> Array:
    """Return by flow a number shared by equal flows; -1 for flows that are not joined."""
    way = np.full(flows, -1)
    for one, other in joined:
        merged = [number for number in (way[one], way[other]) if number >= 0]
        way[np.isin(way, merged)] = one
        way[[one, other]] = one
    return way


def _copies(packets: Array, way: Array, repeated: Array) -> pd.DataFrame:
    """Return all packets with these contents in both captures, in order of time."""

    def contents(rows: Array) -> Array:
        return mixed(packets["key"][rows] + way[packets["flow"][rows]].astype(np.uint64) * MIX[2])

    rows = np.flatnonzero(way[packets["flow"]] >= 0)
    content = contents(rows)
    wanted = np.isin(content, contents(repeated))
    rows = rows[wanted]
    copies = pd.DataFrame({"row": rows, "content": content[wanted], "time": packets["time"][rows]})
    return copies.sort_values("time", kind="stable", ignore_index=True)


def _expected(packets: Array, way: Array, pairs: Pairs, copies: pd.DataFrame) -> Array:
    """Return when the other capture should show the copies, from unique packets of the same flow or any."""
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
    """Pair first with first, and so on, for contents with equally many copies, all close to their time."""
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
    """Return the pairs of copies in which each is the nearest to the other."""
    nearest = []
    for side, far, names in ((ones, others, ("one", "other")), (others, ones, ("other", "one"))):
        near = pd.merge_asof(
            side.sort_values("time", kind="stable").rename(columns={"row": names[0]}),
            far.sort_values("time", kind="stable").rename(columns={"row": names[1]}),
            on="time",
            by="content",
            direction="nearest",
            tolerance=LATEST,
        )
        nearest.append(near.dropna()[["content", "one", "other"]])
    return nearest[0].merge(
        nearest[1].astype({"one": np.int64, "other": np.int64}), on=["content", "one", "other"]
    )
