"""Estimate the offset and drift of two captures' clocks from the packets that both show.

Packets from the first place to the second appear late by their delay, those in the other direction early.
The fastest in each direction bound the offset: the middle is taken, and half of the distance is its error
bound, since a path that is slower in one direction looks the same.

Drift is the slope of a line common to both directions. Queues make packets late and never early, so the line
through the fastest packets is the best estimate if many are nearly the fastest (Moon, Skelly and Towsley,
"Estimation and removal of clock skew from network delay measurements", INFOCOM 1999). If few are, as over
radio, the middle of the packets is better. Of the two lines, the one that changes less when half of the
packets are left out is used. That change is its uncertainty; the larger it is, the more weight the prior
has that clocks drift little.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from postproc.model.clocks import PPM, Clock
from postproc.read.arrays import Array

# Prior: quartz clocks drift by up to 100 ppm, with equal probability. A virtual machine's may drift more:
# each further USUAL_TAIL makes it e times less likely. A slope above STEEPEST is no drift, but a clock being
# set or a queue filling. A choice; wider, short captures give more drift by chance.
USUAL, USUAL_TAIL, STEEPEST = 100 * PPM, 5 * PPM, 500 * PPM
SEARCHED = 40 * STEEPEST  # range of slopes, wide enough for an undetermined slope to scatter visibly
# Of each two neighbouring pieces of the time one is left out, because a queue makes the delays of
# consecutive packets alike, which are therefore not independent.
PIECES, HALVES = 16, 32
# Factor by which the line of the fastest is better than its halves show: with twice the packets its error
# halves if delays have a sharp minimum, else it falls with the square root, as that of the middle does.
GAIN_OF_FASTEST = 1.5
# Factor by which the better of two lines is worse than its halves show, since the choice is partly chance. In
# simulations (uniform, exponential, normal, gamma, log-normal delays, with queues; 8 to 60 s, 8 to 6,000
# packets) the drift is then within twice the deviation in 95 % of cases.
LOSS_OF_CHOICE = 1.4
LARGEST_HALF = 20_000  # packets; more only take longer
FEWEST = 8  # packets from which on a half of them still makes a line
OUTLIERS = 10  # median distances from the median: farther packets are mismatched, or the clock was set
LEAST_OUTLYING = 100_000_000  # ns; no packet nearer than this counts as mismatched
STEPS = 40  # of the search for the slope: each removes a third of the range, which ends below 0.01 ppm
BINS = 2_000  # of packets, whose fastest make the line; more only take longer
LEAST_DEVIATION = 0.01 * PPM  # resolution of the search
GRID = np.linspace(-6, 6, 481)  # in deviations: beyond 6 the weight is negligible
FAR = 3.0  # median distances from the middle line beyond which a packet is ignored there


def clock(time: Array, other: Array, back: Array) -> Clock:
    """Estimate the clock that showed ``other`` relative to the one that showed ``time`` (ns).

    ``back`` flags packets that passed the other place first; none if directions are unknown.
    """
    apart = (other - time).astype(np.float64)
    sound = np.ones(len(time), bool)
    for way in (back, ~back):
        sound[way] = _sound(apart[way])
    time, apart, back = time[sound], apart[sound], back[sound]
    since = int(time.min())
    line = _Line((time - since).astype(np.float64), np.where(back, -apart, apart), np.where(back, -1.0, 1.0))
    drift, drift_bound = _drift(line)
    residuals = line.left(drift or 0.0)
    ways = [residuals[line.way == way] for way in (1, -1)]
    fastest = [float(way.min()) for way in ways if len(way)]
    residual = np.median(np.concatenate([np.abs(way - np.median(way)) for way in ways if len(way)]))
    offset, bound = fastest[0] * float(line.way[0]), None
    if len(fastest) > 1:
        offset, bound = (fastest[0] - fastest[1]) / 2, max(sum(fastest), 0.0) / 2
    return Clock(since, offset, drift, len(residuals), float(residual), bound, drift_bound)


def _sound(apart: Array) -> Array:
    """Return which differences are no outliers, which no queue explains."""
    if not len(apart):
        return np.zeros(0, bool)
    distance = np.abs(apart - np.median(apart))
    verdict: Array = distance <= max(OUTLIERS * float(np.median(distance)), LEAST_OUTLYING)
    return verdict


class _Line(NamedTuple):
    """Lateness of packets in both directions: delay plus ``way`` (1 or -1) times the clocks' difference."""

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
    """Return the slope on which halves of the packets agree best, and its error bound; None if unknown."""
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
    """Yield random halves: per direction one of each two neighbouring pieces of the time."""
    lots = np.random.default_rng(len(line.late))  # seeded, so that the same packets give the same halves
    since, length = line.elapsed.min(), max(float(np.ptp(line.elapsed)), 1.0)
    piece = np.minimum((line.elapsed - since) / length * PIECES, PIECES - 1).astype(np.int64)
    way = (line.way > 0).astype(np.int64)
    share = min(1.0, 2 * LARGEST_HALF / len(line.late))
    for _ in range(HALVES):
        chosen = lots.integers(0, 2, (2, PIECES // 2))[way, piece // 2] == piece % 2
        if share < 1:
            chosen &= lots.random(len(chosen)) < share
        yield line.only(np.flatnonzero(chosen))


def _likely(drift: float, deviation: float) -> tuple[float, float]:
    """Return mean and twice the deviation of the drift, given a measured one and the prior."""
    near = drift + deviation * GRID
    slopes = np.union1d(near, USUAL * GRID)
    log = -((slopes - drift) ** 2) / (2 * deviation**2) - np.maximum(np.abs(slopes) - USUAL, 0.0) / USUAL_TAIL
    weight = np.exp(log - log.max()) * np.gradient(slopes)
    mean = float(np.average(slopes, weights=weight))
    return mean, 2 * float(np.sqrt(np.average((slopes - mean) ** 2, weights=weight)))


def _slope_of_fastest(line: _Line) -> float:
    """Return the slope of the lines below all packets of each direction that are closest to them."""
    line = line.only(np.concatenate([_fastest(line, which) for which in line.ways()]))
    ways = line.ways()

    def distance(slope: float) -> float:
        residuals = line.left(slope)
        return float(residuals.sum() - sum(len(which) * residuals[which].min() for which in ways))

    low, high = -SEARCHED, SEARCHED
    for _ in range(STEPS):
        third = (high - low) / 3
        if distance(low + third) < distance(high - third):
            high -= third
        else:
            low += third
    return (low + high) / 2


def _fastest(line: _Line, which: Array) -> Array:
    """Return the fastest of each BINS-th part of consecutive packets."""
    size = -(-len(which) // BINS)
    if size == 1:
        return which
    residuals = line.left(_slope_of_middle(line))[which]
    starts = np.arange(0, len(which), size)
    lowest = np.repeat(np.minimum.reduceat(residuals, starts), np.diff(starts, append=len(which)))
    fastest: Array = which[residuals == lowest]
    return fastest


def _slope_of_middle(line: _Line) -> float:
    """Return the least-squares slope through the packets of each direction, ignoring those far from it."""
    slope, inliers = 0.0, np.ones(len(line.late), bool)
    for _ in range(3):
        above, below = 0.0, 0.0
        for which in line.ways():
            near = which[inliers[which]]
            elapsed = line.elapsed[near] - line.elapsed[near].mean()
            above += float((elapsed * line.late[near] * line.way[near]).sum())
            below += float((elapsed * elapsed).sum())
        slope = above / below if below else 0.0
        residuals = line.left(slope)
        for which in line.ways():
            distance = np.abs(residuals[which] - np.median(residuals[which]))
            inliers[which] = distance <= FAR * max(float(np.median(distance)), 1.0)
    return slope
