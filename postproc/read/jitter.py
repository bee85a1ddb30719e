"""Interarrival jitter (RFC 3550, section 6.4.1), gathered per stream, second and payload type.

The recurrence J = J + (|D| - J) / 16 is linear, so a second can be summed up
before the jitter it starts with is known: J = (15/16)**steps * J + tail. The
clock that turns timestamps into time is not known either while a stream goes
on: sums are kept for each clock in question, the choice is made in the end.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from postproc.read.arrays import Array, lengths, starts_of_runs

CLOCKS = (8000, 16000, 24000, 32000, 44100, 48000, 90000)
STATIC = (  # RFC 3551, section 6
    dict.fromkeys((0, 3, 4, 5, 7, 8, 9, 12, 13, 15, 18), 8000)
    | {6: 16000, 10: 44100, 11: 44100}
    | dict.fromkeys((14, 25, 26, 28, 31, 32, 33, 34), 90000)
)
NEAR = 0.1  # share by which a measured clock may miss the one it is taken for
TALKSPURT_MS = 200.0  # a marker may come with a timestamp that counts no silence
IMPLAUSIBLE_MS = 10_000.0  # beyond this the timestamps jumped, not the packets
DECAY = ((15 / 16) ** np.arange(2048)).astype(np.float32)

IN_QUESTION = np.array([
    [STATIC.get(payload_type, clock) == clock for payload_type in range(128)] for clock in CLOCKS
])  # fmt: skip


def decay(steps: Array) -> Array:
    """What is left of a jitter after so many steps, as a share."""
    share: Array = DECAY[np.minimum(steps, len(DECAY) - 1)]
    return share


def sums(
    group: Array, payload_types: Array, elapsed: Array, ticks: Array, marker: Array
) -> tuple[Array, Array, Array]:
    """Sum up the steps of each group: their number, the sum of |D| in ms, the tail.

    One row per step: its group, ns elapsed and timestamp ticks since the packet before.
    Results have a row per group, which has one payload type, and a column per clock.
    """
    shape = len(payload_types), len(CLOCKS)
    count, distance, tail = np.zeros(shape, np.int32), np.zeros(shape), np.zeros(shape)
    wait, limit = elapsed / 1e6, np.where(marker, TALKSPURT_MS, IMPLAUSIBLE_MS)
    asked: dict[bytes, Steps] = {}  # most clocks are in question for the same steps
    for column, clock in enumerate(CLOCKS):
        types = IN_QUESTION[column][payload_types]
        if types.tobytes() not in asked:
            rows = np.flatnonzero(types[group])
            asked[types.tobytes()] = Steps(group[rows], wait[rows], ticks[rows], limit[rows])
        which, *sums_of_clock = _sums(asked[types.tobytes()], ms_per_tick=1000 / clock)
        count[which, column], distance[which, column], tail[which, column] = sums_of_clock
    return count, distance, tail


@dataclass
class Steps:
    """Steps by group for which the same clocks are in question: ms of wait, ticks, ms that are a jump."""

    group: Array
    wait: Array
    ticks: Array
    limit: Array

    @cached_property
    def shares(self) -> tuple[Array, Array]:
        """Where groups start, and the share of each step's |D| that is in J when its group ends."""
        starts = starts_of_runs(self.group)
        sizes = lengths(starts, len(self.group))
        to_come = np.repeat(starts + sizes, sizes) - 1 - np.arange(len(self.group))
        return starts, decay(to_come) / 16

    def without(self, jumps: Array) -> "Steps":
        return Steps(self.group[~jumps], self.wait[~jumps], self.ticks[~jumps], self.limit[~jumps])


def _sums(steps: Steps, ms_per_tick: float) -> tuple[Array, Array, Array, Array]:
    """The same by one clock, without the steps that jump; the groups first."""
    change = np.abs(steps.wait - steps.ticks * ms_per_tick)
    jumps = change >= steps.limit
    if jumps.any():
        steps, change = steps.without(jumps), change[~jumps]
    starts, share = steps.shares
    distance, tail = np.add.reduceat(change, starts), np.add.reduceat(change * share, starts)
    return steps.group[starts], lengths(starts, len(change)), distance, tail


def accumulated(steps: Array, tail: Array, starts: Array) -> Array:
    """Carry the jitter on from row to row; each run of rows, in order of time, starts from 0."""
    kept, level = decay(steps), tail.astype(np.float64)
    sizes = lengths(starts, len(steps))
    place = np.arange(len(steps)) - np.repeat(starts, sizes)
    reach = 1  # rows already gathered in each; doubled, as sums of sums are
    while reach < sizes.max(initial=0):
        inside = place[reach:] >= reach
        level[reach:] += inside * kept[reach:] * level[:-reach]
        kept[reach:] *= np.where(inside, kept[:-reach], 1)
        reach *= 2
    return level


def clock_column(payload_type: int, ticks: int, elapsed: int) -> int | None:
    """Return the column of the clock: the static one, else the one nearest to ticks per second."""
    if payload_type in STATIC:
        return CLOCKS.index(STATIC[payload_type])
    measured = ticks * 1e9 / elapsed if elapsed > 0 else 0.0
    nearest = min(CLOCKS, key=lambda clock: abs(measured - clock) / clock)
    return CLOCKS.index(nearest) if abs(measured - nearest) <= NEAR * nearest else None
