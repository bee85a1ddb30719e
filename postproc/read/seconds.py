"""RTP summed up per stream, second since its first packet, and payload type: SECOND rows.

A second cut in two by a batch makes two rows. Rows are merged when they have
become many, so that there are not much more of them than streams times seconds.
"""

from dataclasses import dataclass, field

import numpy as np

from postproc.read import jitter
from postproc.read.arrays import Array, join, lengths, starts_of_runs, take

SECOND_NS, LAST_SECOND = 10**9, 2**31 - 1
PAUSE_NS, PAUSE_TICKS = 10**9, 180_000  # wider steps are pauses or jumps: they measure no clock
MERGE_AT = 1 << 15  # rows
WORTH = 8  # a merge leaves a row per stream to be merged again: fewer than this are not worth it
CLOCKS = len(jitter.CLOCKS)
SECOND = np.dtype([
    ("stream", "i4"), ("second", "i4"), ("payload_type", "u1"), ("packets", "i4"), ("frame", "i8"),
    ("time", "i8"), ("highest", "i8"), ("skipped", "i8"), ("elapsed", "i8"), ("ticks", "i8"),
    ("steps", "i4", (CLOCKS,)), ("distance", "f4", (CLOCKS,)), ("tail", "f4", (CLOCKS,)),
])  # fmt: skip
ADDED = ("packets", "skipped", "elapsed", "ticks", "steps", "distance")


@dataclass
class Seconds:
    """SECOND rows: merged ones, and fresh ones, of which the same second may have several."""

    done: list[Array] = field(default_factory=list)
    fresh: list[Array] = field(default_factory=list)
    streams: int = 0  # in the last merge


def keep(seconds: Seconds, rows: Array) -> None:
    seconds.fresh.append(rows)
    if sum(map(len, seconds.fresh)) >= max(MERGE_AT, WORTH * seconds.streams):
        sums = merged(seconds.fresh)
        seconds.fresh.clear()
        seconds.done.append(sums)
        seconds.streams = len(np.unique(sums["stream"]))


def merged(parts: list[Array]) -> Array:
    """Return one row per stream, second and payload type, sorted."""
    rows = join(np.zeros(0, SECOND), *parts)
    if not len(rows):
        return rows
    rows = take(rows, np.lexsort((rows["payload_type"], rows["second"], rows["stream"])))
    starts = starts_of_runs(rows["stream"], rows["second"], rows["payload_type"])
    sums = take(rows, starts)
    for name in ADDED:
        sums[name] = np.add.reduceat(rows[name], starts, axis=0)
    sums["highest"] = np.maximum.reduceat(rows["highest"], starts)
    steps = np.cumsum(rows["steps"], axis=0)
    sizes = lengths(starts, len(rows))
    to_come = np.repeat(steps[starts + sizes - 1], sizes, axis=0) - steps
    sums["tail"] = np.add.reduceat(rows["tail"] * jitter.decay(to_come), starts, axis=0)
    return sums


def by_second(
    stream: Array, since: Array, packets: Array, number: Array, skipped: Array,
    elapsed: Array, ticks: Array, comparable: Array,
) -> Array:  # fmt: skip
    """Sum up packets (rtp.PACKET) that are sorted by stream and time.

    ``since`` the stream's first packet, ``elapsed`` since the one before (ns), timestamp ``ticks``
    since then, ``number`` extended sequence numbers, ``skipped`` of them by a restart;
    ``comparable`` tells whether the packet before is of the same payload type and run.
    """
    second = np.clip(since // SECOND_NS, 0, LAST_SECOND)
    group = stream << 40 | second << 8 | packets["payload_type"]
    columns = {
        "group": group, "frame": packets["frame"], "time": packets["time"], "number": number,
        "skipped": skipped, "elapsed": elapsed, "ticks": ticks.view(np.int32).astype(np.int64),
        "marker": packets["marker"], "comparable": comparable,
    }  # fmt: skip
    if (group[1:] < group[:-1]).any():  # payload types take turns within a second
        order = np.argsort(group, kind="stable")
        columns = {name: column[order] for name, column in columns.items()}
    return _summed(**columns)


def _summed(
    group: Array, frame: Array, time: Array, number: Array, skipped: Array,
    elapsed: Array, ticks: Array, marker: Array, comparable: Array,
) -> Array:  # fmt: skip
    starts = starts_of_runs(group)
    rows = np.zeros(len(starts), SECOND)
    of_group = group[starts]
    rows["stream"], rows["second"] = of_group >> 40, of_group >> 8 & LAST_SECOND
    rows["payload_type"] = kind = of_group & 255
    rows["packets"] = sizes = lengths(starts, len(group))
    rows["frame"], rows["time"] = frame[starts], time[starts]
    rows["highest"] = np.maximum.reduceat(number, starts)
    rows["skipped"] = np.add.reduceat(skipped, starts)
    steady = comparable & (elapsed <= PAUSE_NS) & (np.abs(ticks) <= PAUSE_TICKS)
    rows["elapsed"] = np.add.reduceat(elapsed * steady, starts)
    rows["ticks"] = np.add.reduceat(ticks * steady, starts)
    member = np.repeat(np.arange(len(starts)), sizes)[comparable]
    rows["steps"], rows["distance"], rows["tail"] = jitter.sums(
        member, kind, elapsed[comparable], ticks[comparable], marker[comparable]
    )
    return rows
