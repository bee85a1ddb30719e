"""How the clocks of two captures differ, told from the packets that both show.

Packets from the one to the other arrive late by their delay, those the other way early. The fastest each way
bound the difference of the clocks: what is half way between is taken, and half of their distance
is what it may be wrong by, as a way slower in one direction looks the same (METHODS 13.2).

Drift is the slope of the line, one for both ways. Queues make packets late and never early, so that the
line that touches the fastest packets is the best guess where many are nearly the fastest (Moon, Skelly
and Towsley, "Estimation and removal of clock skew from network delay measurements", INFOCOM 1999);
where hardly any is, as over radio, the middle of them is. Which it is, the packets tell: the line is
taken that stays the same when half of them are left out. How much it then moves is how unsure it is, and
the less sure it is, the more it counts that clocks drift little.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from postproc.model.clocks import PPM, Clock
from postproc.read.arrays import Array

# Quartz clocks drift by at most 100 ppm, and by any less with equal chance. That of a virtual machine may
# drift by more: each further USUAL_TAIL makes it e times less likely. What is steeper than STEEPEST is no
# drift, but a clock that is set, or a queue that fills.
USUAL, USUAL_TAIL, STEEPEST = 100 * PPM, 5 * PPM, 500 * PPM
SEARCHED = 40 * STEEPEST  # so that a slope that nothing tells is seen to be anywhere
# Left out is one of each two neighbouring pieces of the time, so that delays of packets that follow each
# other, which a queue makes alike, do not pass for as many proofs.
PIECES, HALVES = 16, 32
# By how much the line of the fastest is better than its halves show: with twice the packets its error halves
# where delays have a sharp floor, and falls with the root elsewhere, as the middle's does.
GAIN_OF_FASTEST = 1.5
# By how much the better of two lines is worse than its halves show, as chance has a say in which it is. With
# made clocks and delays (uniform, exponential, normal, gamma, log-normal, with queues; 8 to 60 s, 8 to 6,000
# packets) the drift is then within twice the deviation in 95 of 100.
LOSS_OF_CHOICE = 1.4
LARGEST_HALF = 20_000  # packets: more tell no more, and take longer
FEWEST = 8  # packets, so that a half of them makes a line at all
OUTLIERS = 10  # times the median distance from the median: mismatched, or the clock was set
LEAST_OUTLYING = 100_000_000  # ns: no packet nearer than this is taken for mismatched
STEPS = 40  # of the search for the slope: each takes a third off, so that it ends below 0.01 ppm
BINS = 2_000  # of packets, whose fastest make the line: more tell no more, and take longer
LEAST_DEVIATION = 0.01 * PPM  # what the search leaves
GRID = np.linspace(-6, 6, 481)  # deviations, beyond which nothing is left to weigh
FAR = 3.0  # median distances from the middle, beyond which a packet does not count there


def clock(time: Array, other: Array, back: Array) -> Clock:
    """The clock that showed ``other``, by the one that showed ``time``.

    ``back`` are packets that it saw before the other place did; where the ways are not known, none.
    """
    apart = (other - time).astype(np.float64)
    sound = np.ones(len(time), bool)
    for way in (back, ~back):
        sound[way] = _sound(apart[way])
    time, apart, back = time[sound], apart[sound], back[sound]
    since = int(time.min())
    line = _Line((time - since).astype(np.float64), np.where(back, -apart, apart), np.where(back, -1.0, 1.0))
    drift, drift_bound = _drift(line)
    left = line.left(drift or 0.0)
    ways = [left[line.way == way] for way in (1, -1)]
    fastest = [float(way.min()) for way in ways if len(way)]
    residual = np.median(np.concatenate([np.abs(way - np.median(way)) for way in ways if len(way)]))
    offset, bound = fastest[0] * float(line.way[0]), None
    if len(fastest) > 1:
        offset, bound = (fastest[0] - fastest[1]) / 2, max(sum(fastest), 0.0) / 2
    return Clock(since, offset, drift, len(left), float(residual), bound, drift_bound)


def _sound(apart: Array) -> Array:
    """Without what no queue explains."""
    if not len(apart):
        return np.zeros(0, bool)
    distance = np.abs(apart - np.median(apart))
    verdict: Array = distance <= max(OUTLIERS * float(np.median(distance)), LEAST_OUTLYING)
    return verdict


@dataclass(frozen=True)
class _Line:
    """How late packets are, either way: their delay, and ``way`` (1 or -1) times what the clocks differ."""

    elapsed: Array
    late: Array
    way: Array

    def left(self, slope: float) -> Array:
        rest: Array = self.late - self.way * slope * self.elapsed
        return rest

    def only(self, which: Array) -> "_Line":
        return _Line(self.elapsed[which], self.late[which], self.way[which])

    def ways(self) -> list[Array]:
        return [which for way in (1, -1) if len(which := np.flatnonzero(self.way == way)) > 1]


def _drift(line: _Line) -> tuple[float | None, float | None]:
    """The slope that halves of the packets agree on best, and what it may be wrong by."""
    if len(line.late) < FEWEST:
        return None, None
    halves = [half for half in _halves(line) if half.ways()]
    guesses = []
    for slope, gain in ((_slope_of_fastest, GAIN_OF_FASTEST), (_slope_of_middle, 1.0)):
        drift = slope(line)
        moved = np.array([slope(half) - drift for half in halves])
        guesses.append((float(np.sqrt(np.mean(moved**2))) / gain, drift))
    deviation, drift = min(guesses)
    likely, bound = _likely(drift, max(deviation * LOSS_OF_CHOICE, LEAST_DEVIATION))
    return (likely, bound) if abs(likely) <= STEEPEST else (None, None)


def _halves(line: _Line) -> Iterator[_Line]:
    """Of each way one of each two neighbouring pieces of the time, taken by lot."""
    lots = np.random.default_rng(len(line.late))  # the same packets, the same halves
    since, length = line.elapsed.min(), max(float(np.ptp(line.elapsed)), 1.0)
    piece = np.minimum((line.elapsed - since) / length * PIECES, PIECES - 1).astype(np.int64)
    way = (line.way > 0).astype(np.int64)
    share = min(1.0, 2 * LARGEST_HALF / len(line.late))
    for _ in range(HALVES):
        kept = lots.integers(0, 2, (2, PIECES // 2))[way, piece // 2] == piece % 2
        if share < 1:
            kept &= lots.random(len(kept)) < share
        yield line.only(np.flatnonzero(kept))


def _likely(drift: float, deviation: float) -> tuple[float, float]:
    """The mean of what a clock may drift by that seems to drift so much, and twice the deviation from it."""
    near = drift + deviation * GRID
    slopes = np.union1d(near, USUAL * GRID)
    log = -((slopes - drift) ** 2) / (2 * deviation**2) - np.maximum(np.abs(slopes) - USUAL, 0.0) / USUAL_TAIL
    weight = np.exp(log - log.max()) * np.gradient(slopes)
    mean = float(np.average(slopes, weights=weight))
    return mean, 2 * float(np.sqrt(np.average((slopes - mean) ** 2, weights=weight)))


def _slope_of_fastest(line: _Line) -> float:
    """The slope of lines below all packets of each way, least far from them."""
    line = line.only(np.concatenate([_fastest(line, which) for which in line.ways()]))
    ways = line.ways()

    def distance(slope: float) -> float:
        left = line.left(slope)
        return float(left.sum() - sum(len(which) * left[which].min() for which in ways))

    low, high = -SEARCHED, SEARCHED
    for _ in range(STEPS):
        third = (high - low) / 3
        if distance(low + third) < distance(high - third):
            high -= third
        else:
            low += third
    return (low + high) / 2


def _fastest(line: _Line, which: Array) -> Array:
    """Of so many packets that follow each other the fastest."""
    size = -(-len(which) // BINS)
    if size == 1:
        return which
    left = line.left(_slope_of_middle(line))[which]
    starts = np.arange(0, len(which), size)
    lowest = np.repeat(np.minimum.reduceat(left, starts), np.diff(starts, append=len(which)))
    fastest: Array = which[left == lowest]
    return fastest


def _slope_of_middle(line: _Line) -> float:
    """The slope of least squares through the packets of each way, without those far from it."""
    slope, kept = 0.0, np.ones(len(line.late), bool)
    for _ in range(3):
        above, below = 0.0, 0.0
        for which in line.ways():
            near = which[kept[which]]
            elapsed = line.elapsed[near] - line.elapsed[near].mean()
            above += float((elapsed * line.late[near] * line.way[near]).sum())
            below += float((elapsed * elapsed).sum())
        slope = above / below if below else 0.0
        left = line.left(slope)
        for which in line.ways():
            distance = np.abs(left[which] - np.median(left[which]))
            kept[which] = distance <= FAR * max(float(np.median(distance)), 1.0)
    return slope
