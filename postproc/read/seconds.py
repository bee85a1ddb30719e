"""Sum up RTP per stream, second since its first packet, and payload type: SECOND rows.

Interarrival jitter (RFC 3550, section 6.4.1) is included. The recurrence J = J + (|D| - J) / 16 is linear, so
a second can be summed up before the jitter it starts with is known: J = (15/16)**steps * J + tail. The
clock rate of the timestamps is not known either until a stream ends, so sums are kept for every possible
rate, of which one is chosen in the end.

A second split between two batches makes two rows. Rows are merged when there are many, so that their number
stays close to streams times seconds.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from postproc.read.arrays import Array, lengths, starts_of_runs, structure, take
from postproc.wire.rtp import STATIC_PAYLOAD_TYPES

CLOCKS = (8000, 16000, 24000, 32000, 44100, 48000, 90000)
STATIC = {kind: rate for kind, (_, rate) in STATIC_PAYLOAD_TYPES.items() if rate in CLOCKS}
# Relative error up to which a measured rate is taken for the nearest of CLOCKS. A choice: smaller, streams of
# a bad clock get no jitter; larger, one with another rate gets a wrong jitter.
NEAR = 0.1
# ms beyond which a timestamp jumped: after a marker, as some senders do not count silence in timestamps, and
# otherwise. Choices: larger ones count jumps as jitter, smaller ones hide real jitter.
TALKSPURT_MS = 200.0
IMPLAUSIBLE_MS = 10_000.0
DECAY = ((15 / 16) ** np.arange(2048)).astype(np.float32)

SECOND_NS, LAST_SECOND = 10**9, 2**31 - 1
PAUSE_NS, PAUSE_TICKS = 10**9, 180_000  # wider steps are pauses or jumps, and are not used to measure a clock
MERGE_AT = 1 << 15  # rows
WORTH = 8  # rows per stream from which a merge pays: it leaves at least one row of each
SECOND = structure(
    "stream i4, second i4, payload_type u1, packets i4, frame i8, time i8, last i8, highest i8, "
    f"skipped i8, elapsed i8, ticks i8, steps {len(CLOCKS)}i4, distance {len(CLOCKS)}f4, "
    f"tail {len(CLOCKS)}f4"
)
ADDED = ("packets", "skipped", "elapsed", "ticks", "steps", "distance")

IN_QUESTION = np.array(
    [[STATIC.get(payload_type, clock) == clock for payload_type in range(128)] for clock in CLOCKS]
)


def decay(steps: Array) -> Array:
    """Return the share of a jitter that remains after so many steps."""
    share: Array = DECAY[np.minimum(steps, len(DECAY) - 1)]
    return share


def jitter_sums(
    group: Array, payload_types: Array, elapsed: Array, ticks: Array, marker: Array
) -> tuple[Array, Array, Array]:
    """Sum up the steps of each group: their number, the sum of |D| in ms, the tail.

    One row per step: its group, ns elapsed and timestamp ticks since the packet before.
    Results have a row per group, which has one payload type, and a column per clock.
    """
    shape = len(payload_types), len(CLOCKS)
    count, distance, tail = np.zeros(shape, np.int32), np.zeros(shape), np.zeros(shape)
    wait, limit = elapsed / 1e6, np.where(marker, TALKSPURT_MS, IMPLAUSIBLE_MS)
    by_types: dict[bytes, ClockSteps] = {}  # most clocks are possible for the same steps
    for column, clock in enumerate(CLOCKS):
        types = IN_QUESTION[column][payload_types]
        if types.tobytes() not in by_types:
            rows = np.flatnonzero(types[group])
            by_types[types.tobytes()] = ClockSteps(group[rows], wait[rows], ticks[rows], limit[rows])
        which, *sums_of_clock = _sums(by_types[types.tobytes()], ms_per_tick=1000 / clock)
        count[which, column], distance[which, column], tail[which, column] = sums_of_clock
    return count, distance, tail


@dataclass
class ClockSteps:
    """Steps for which the same clocks are possible: group, ms between arrivals, ticks, ms limit of a jump."""

    group: Array
    wait: Array
    ticks: Array
    limit: Array

    @cached_property
    def shares(self) -> tuple[Array, Array]:
        """Where groups start, and the share of each step's |D| in J at the end of its group."""
        starts = starts_of_runs(self.group)
        sizes = lengths(starts, len(self.group))
        to_come = np.repeat(starts + sizes, sizes) - 1 - np.arange(len(self.group))
        return starts, decay(to_come) / 16

    def without(self, jumps: Array) -> "ClockSteps":
        return ClockSteps(self.group[~jumps], self.wait[~jumps], self.ticks[~jumps], self.limit[~jumps])


def _sums(steps: ClockSteps, ms_per_tick: float) -> tuple[Array, Array, Array, Array]:
    """Return for one clock, without jumps: groups, number of steps, sum of |D|, tail."""
    change = np.abs(steps.wait - steps.ticks * ms_per_tick)
    jumps = change >= steps.limit
    if jumps.any():
        steps, change = steps.without(jumps), change[~jumps]
    starts, share = steps.shares
    distance, tail = np.add.reduceat(change, starts), np.add.reduceat(change * share, starts)
    return steps.group[starts], lengths(starts, len(change)), distance, tail


def accumulated(steps: Array, tail: Array, starts: Array) -> Array:
    """Return the jitter at the end of each row; each run of rows, in order of time, starts from 0."""
    factor, level = decay(steps), tail.astype(np.float64)
    sizes = lengths(starts, len(steps))
    place = np.arange(len(steps)) - np.repeat(starts, sizes)
    reach = 1  # rows summed up in each so far; doubles, as in a prefix sum
    while reach < sizes.max(initial=0):
        inside = place[reach:] >= reach
        level[reach:] += inside * factor[reach:] * level[:-reach]
        factor[reach:] *= np.where(inside, factor[:-reach], 1)
        reach *= 2
    return level


def clock_column(payload_type: int, ticks: int, elapsed: int) -> int | None:
    """Return the column of the clock: the static one, else the one near to ticks per second; else None."""
    if payload_type in STATIC:
        return CLOCKS.index(STATIC[payload_type])
    measured = ticks * 1e9 / elapsed if elapsed > 0 else 0.0
    nearest = min(CLOCKS, key=lambda clock: abs(measured - clock) / clock)
    return CLOCKS.index(nearest) if abs(measured - nearest) <= NEAR * nearest else None


class Steps(NamedTuple):
    """Differences of each packet from the one before it in its stream."""

    stream: Array
    since: Array  # ns after the stream's first packet
    elapsed: Array  # ns
    ticks: Array  # of the timestamp
    number: Array  # the packet's extended sequence number
    advance: Array  # of that number beyond the highest before; at most 0 if late
    skipped: Array  # numbers skipped by a restart
    comparable: Array  # same payload type, and no restart


@dataclass
class Seconds:
    """SECOND rows: merged ones, and fresh ones, which may have several rows per second."""

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
    """Take out all rows: one per stream, second and payload type, sorted.

    ``number`` renumbers the streams; those with -1 are dropped.
    """
    seconds.done += seconds.fresh
    seconds.fresh.clear()
    rows = _joined(seconds.done)
    rows["stream"] = number[rows["stream"]]
    return _merged(rows)


def _joined(parts: list[Array]) -> Array:
    """Concatenate the parts, emptying the list on the way to save memory."""
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
    sums["tail"] = np.add.reduceat(rows["tail"][order] * decay(to_come), starts, axis=0)
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
    sums["steps"], sums["distance"], sums["tail"] = jitter_sums(
        group, sums["payload_type"], steps.elapsed[rows], steps.ticks[rows], packets["marker"][rows]
    )
