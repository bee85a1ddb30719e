"""RTP sequence numbers of many streams at once (RFC 3550, appendix A.1).

Rows are sorted by stream, then time. A step is the signed distance from the
packet before. A step too wide, either way, is a jump: a sender that restarts,
which begins a new run of numbers and is no loss; or, where the next packet goes
on as if nothing had been, a single stray packet.
"""

import numpy as np

from postproc.read.arrays import Array, before, lengths, starts_of_runs

MAX_DROPOUT, MAX_MISORDER = 3000, 100
COPY_WITHIN = 10**9  # ns: the same number later than this is not the same packet
FRESH_RUN = 2 * MAX_MISORDER  # a run's numbers begin this far behind the last, so as not to meet


def steps(sequence: Array, starts: Array, first: Array) -> Array:
    """Return the step to each packet, int16; ``first`` are the numbers before the streams' first rows."""
    step: Array = (sequence - before(sequence, starts, first)).view(np.int16)
    return step


def jumps(step: Array) -> Array:
    return (step >= MAX_DROPOUT) | (step <= -MAX_MISORDER)


def copies(stream: Array, sequence: Array, time: Array) -> Array:
    """Which packets repeat the number of one that came at most COPY_WITHIN before."""
    key = stream.astype(np.int64) << 16 | sequence
    order = np.argsort(key, kind="stable")
    same = np.diff(key[order]) == 0
    copied = np.zeros(len(key), bool)
    copied[order[1:]] = same & (np.diff(time[order]) <= COPY_WITHIN)
    return copied


def strays(sequence: Array, starts: Array, first: Array) -> Array:
    """Which packets jump while their neighbours follow each other."""
    jump = jumps(steps(sequence, starts, first))
    earlier = before(sequence, starts, first)[:-1]
    healed = ~jumps((sequence[1:] - earlier).view(np.int16))
    lone = np.zeros(len(sequence), bool)
    lone[:-1] = jump[:-1] & healed
    lone[starts[1:] - 1] = False  # a stream's last packet has no neighbour yet
    lone[-1:] = False
    return _every_other(lone)


def _every_other(flags: Array) -> Array:
    """Of neighbours that are both flagged, one: the second is out of line with the first only."""
    run_starts = starts_of_runs(flags)
    place = np.arange(len(flags)) - np.repeat(run_starts, lengths(run_starts, len(flags)))
    first: Array = flags & (place % 2 == 0)
    return first


def extended(step: Array, starts: Array, first: Array) -> Array:
    """Return sequence numbers that count on beyond 65535, from ``first``, and over jumps."""
    widths = np.where(jumps(step), FRESH_RUN, step).astype(np.int64)
    total = np.cumsum(widths)
    offset = first - (total[starts] - widths[starts])
    number: Array = total + np.repeat(offset, lengths(starts, len(step)))
    return number


def highest_before(number: Array, starts: Array, first: Array) -> Array:
    """Return the highest number of the stream before each packet, ``first`` before its first one."""
    stream = np.repeat(np.arange(len(starts)), lengths(starts, len(number)))
    apart = stream << 44  # so that one accumulation serves all streams
    high = number + apart
    high[starts] = np.maximum(high[starts], first + apart[starts])
    return before(np.maximum.accumulate(high) - apart, starts, first)
