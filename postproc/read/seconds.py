"""RTP summed up per stream, second since its first packet, and payload type: SECOND rows.

A second cut in two by a batch makes two rows. Rows are merged when they have
become many, so that there are not much more of them than streams times seconds.
"""

from dataclasses import dataclass, field

import numpy as np

from postproc.read import jitter
from postproc.read.arrays import Array, lengths, starts_of_runs, take

SECOND_NS, LAST_SECOND = 10**9, 2**31 - 1
PAUSE_NS, PAUSE_TICKS = 10**9, 180_000  # wider steps are pauses or jumps: they measure no clock
MERGE_AT = 1 << 15  # rows
WORTH = 8  # a merge leaves a row per stream to be merged again: fewer than this are not worth it
CLOCKS = len(jitter.CLOCKS)
SECOND = np.dtype([
    ("stream", "i4"), ("second", "i4"), ("payload_type", "u1"), ("packets", "i4"), ("frame", "i8"),
    ("time", "i8"), ("last", "i8"), ("highest", "i8"), ("skipped", "i8"), ("elapsed", "i8"), ("ticks", "i8"),
    ("steps", "i4", (CLOCKS,)), ("distance", "f4", (CLOCKS,)), ("tail", "f4", (CLOCKS,)),
])  # fmt: skip
ADDED = ("packets", "skipped", "elapsed", "ticks", "steps", "distance")


@dataclass(frozen=True)
class Steps:
    """What changed from the packet before in its stream to each packet."""

    stream: Array
    since: Array  # ns after the stream's first packet
    elapsed: Array  # ns
    ticks: Array  # of the timestamp
    number: Array  # the packet's extended sequence number
    advance: Array  # of that beyond the highest before, not above 0 if late
    skipped: Array  # numbers that a restart passed over
    comparable: Array  # same payload type, and no restart


@dataclass
class Seconds:
    """SECOND rows: merged ones, and fresh ones, of which the same second may have several."""

    done: list[Array] = field(default_factory=list)
    fresh: list[Array] = field(default_factory=list)
    streams: int = 0  # in the last merge


def keep(seconds: Seconds, rows: Array) -> None:
    seconds.fresh.append(rows)
    if sum(map(len, seconds.fresh)) >= max(MERGE_AT, WORTH * seconds.streams):
        sums = _merged(_joined(seconds.fresh))
        seconds.done.append(sums)
        seconds.streams = len(np.unique(sums["stream"]))


def merged(seconds: Seconds, number: Array) -> Array:
    """Take out everything: one row per stream, second and payload type, sorted.

    ``number`` is what each stream is to be called; those called -1 are left out.
    """
    seconds.done += seconds.fresh
    seconds.fresh.clear()
    rows = _joined(seconds.done)
    rows["stream"] = number[rows["stream"]]
    return _merged(rows)


def _joined(parts: list[Array]) -> Array:
    """The rows of all parts, which are emptied on the way: here memory is dearest."""
    rows = np.zeros(sum(map(len, parts)), SECOND)
    end = len(rows)
    while parts:
        part = parts.pop()
        rows[end - len(part) : end] = part
        end -= len(part)
    return rows


def _merged(rows: Array) -> Array:
    order = np.lexsort((rows["payload_type"], rows["second"], rows["stream"]))
    order = order[rows["stream"][order] >= 0]
    if not len(order):
        return rows[:0]
    starts = starts_of_runs(*(rows[name][order] for name in ("stream", "second", "payload_type")))
    sums = take(rows, order[starts])
    for name in ADDED:
        sums[name] = np.add.reduceat(rows[name][order], starts, axis=0)
    for name in ("highest", "last"):
        sums[name] = np.maximum.reduceat(rows[name][order], starts)
    sizes = lengths(starts, len(order))
    steps = np.cumsum(rows["steps"][order], axis=0, dtype=np.int32)
    to_come = np.repeat(steps[starts + sizes - 1], sizes, axis=0) - steps
    sums["tail"] = np.add.reduceat(rows["tail"][order] * jitter.decay(to_come), starts, axis=0)
    return sums


def by_second(packets: Array, steps: Steps) -> Array:
    """Sum up packets (rtp.PACKET) that are sorted by stream and time."""
    second = np.clip(steps.since // SECOND_NS, 0, LAST_SECOND)
    group = steps.stream << 40 | second << 8 | packets["payload_type"]
    rows = np.arange(len(group))
    if (group[1:] < group[:-1]).any():  # payload types take turns within a second
        rows = np.argsort(group, kind="stable")
    group, starts = group[rows], starts_of_runs(group[rows])
    sums = np.zeros(len(starts), SECOND)
    sums["stream"], sums["second"] = group[starts] >> 40, group[starts] >> 8 & LAST_SECOND
    sums["payload_type"] = group[starts] & 255
    sums["packets"] = lengths(starts, len(group))
    sums["frame"], sums["time"] = packets["frame"][rows[starts]], packets["time"][rows[starts]]
    sums["last"] = np.maximum.reduceat(packets["time"][rows], starts)
    sums["highest"] = np.maximum.reduceat(steps.number[rows], starts)
    sums["skipped"] = np.add.reduceat(steps.skipped[rows], starts)
    _sum_up_clock(sums, starts, rows, steps)
    _sum_up_jitter(sums, rows, packets, steps)
    return sums


def _sum_up_clock(sums: Array, starts: Array, rows: Array, steps: Steps) -> None:
    elapsed, ticks = steps.elapsed[rows], steps.ticks[rows]
    steady = steps.comparable[rows] & (elapsed <= PAUSE_NS) & (np.abs(ticks) <= PAUSE_TICKS)
    sums["elapsed"] = np.add.reduceat(elapsed * steady, starts)
    sums["ticks"] = np.add.reduceat(ticks * steady, starts)


def _sum_up_jitter(sums: Array, rows: Array, packets: Array, steps: Steps) -> None:
    comparable = steps.comparable[rows]
    group = np.repeat(np.arange(len(sums)), sums["packets"])[comparable]
    rows = rows[comparable]
    sums["steps"], sums["distance"], sums["tail"] = jitter.sums(
        group, sums["payload_type"], steps.elapsed[rows], steps.ticks[rows], packets["marker"][rows]
    )
