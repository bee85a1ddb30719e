"""Captures that show the same packets: what each two have in common, and their clocks' difference."""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from postproc.model.clocks import NS_PER_MS, Clock
from postproc.places.clocks import clock
from postproc.places.datagrams import Datagrams
from postproc.places.matches import PROVING, Matches
from postproc.places.ways import BACK, FORTH, UNKNOWN, Joined, ways
from postproc.read.arrays import Array, starts_of_runs

# Certainty that matching packets are the same. STUN, DTLS and SIP carry random numbers. RTP may be forwarded
# by a B2BUA (places.matches), and its headers match more easily than its payload. The last two are choices:
# they limit the confidence of findings by places.
CERTAIN, BY_PAYLOAD, BY_HEADERS = 1.0, 0.9, 0.7


class Common(NamedTuple):
    """Packets in two captures, the lower number first; ``once`` flags content that is unique in both."""

    joined: list[Joined]
    ways: Mapping[int, int]  # by the one's flow
    one: Array
    other: Array
    once: Array


class Comparison(NamedTuple):
    """A capture's clock relative to a reference's; ``first`` is the row of its first packet in both.

    Several clocks if the two have no packet in common, but each has some with a third.
    """

    clocks: tuple[Clock, ...] = ()
    first: int | None = None
    certainty: float = CERTAIN

    def corrected(self, time: Array) -> Array:
        for each in self.clocks:
            time = each.corrected(time)
        return time

    @property
    def matched(self) -> int:
        return self.clocks[0].matched if len(self.clocks) == 1 else 0


class Overlap:
    """Captures connected by common packets; ``spans`` are their first and last times (ns).

    ``root`` is the capture with the reference clock, ``offsets_ms`` each clock's offset from it, if given.
    """

    def __init__(
        self,
        datagrams: Datagrams,
        matches: Matches,
        root: int,
        captures: pd.DataFrame,
        offsets_ms: Sequence[float | None],
    ) -> None:
        self.root = root
        self._offsets_ms = offsets_ms
        self.captures, self.flows, self.packets = datagrams.captures, datagrams.flows, datagrams.packets
        self.common = dict(_by_captures(datagrams, matches))
        spans = captures.set_index("capture").loc[datagrams.captures, ["first_time", "last_time"]]
        self.spans = np.array([spans[name].astype("int64") for name in spans], np.int64).T
        self.neighbours = _neighbours(self.common)
        self._comparisons: dict[tuple[int, int], Comparison | None] = {}

    def partners(self, one: int, other: int) -> Array:
        """Return by packet the row of the same packet in the other capture, -1 if it lacks it."""
        partner = np.full(len(self.packets), -1)
        if common := self.common.get((min(one, other), max(one, other))):
            rows = (common.one, common.other) if one < other else (common.other, common.one)
            partner[rows[0]] = rows[1]
        return partner

    def first_seen(self, flow: int, other: int) -> int:
        """Return FORTH if the flow's capture sees its packets before the other, BACK if after, or UNKNOWN."""
        one = self.flows[flow][0]
        common = self.common.get((min(one, other), max(one, other)))
        if common is None:
            return UNKNOWN
        if one < other:
            return common.ways.get(flow, UNKNOWN)
        return -max(
            (common.ways[each.flows[0]] for each in common.joined if each.flows[1] == flow), default=0
        )

    def comparison(self, reference: int, capture: int) -> Comparison | None:
        """Return the capture's clock relative to the reference's; None if it is unknown."""
        if (reference, capture) not in self._comparisons:
            self._comparisons[reference, capture] = self._compared(reference, capture)
        return self._comparisons[reference, capture]

    def _compared(self, reference: int, capture: int) -> Comparison | None:
        if reference == capture:
            return Comparison()
        offset_ms = self._offsets_ms[capture]
        if reference == self.root and offset_ms is not None:
            meeting = capture in self.neighbours[reference]
            first = self._direct(reference, capture) if meeting else Comparison()
            return Comparison((Clock(0, offset_ms * NS_PER_MS, None, first.matched),), first.first)
        path = self._path(reference, capture)
        if path is None:
            return None
        steps = [self._direct(ahead, here) for here, ahead in pairwise(path)]
        clocks = tuple(step.clocks[0] for step in steps)
        return Comparison(clocks, steps[0].first, min(step.certainty for step in steps))

    def _path(self, reference: int, capture: int) -> list[int] | None:
        """Return a shortest path from capture to reference by common packets; None if there is none."""
        ahead = {reference: reference}
        waiting = deque([reference])
        while waiting and capture not in ahead:
            here = waiting.popleft()
            new = [neighbour for neighbour in self.neighbours[here] if neighbour not in ahead]
            ahead |= dict.fromkeys(new, here)
            waiting += new
        if capture not in ahead:
            return None
        path = [capture]
        while path[-1] != reference:
            path.append(ahead[path[-1]])
        return path

    def _direct(self, reference: int, capture: int) -> Comparison:
        common = self.common[min(reference, capture), max(reference, capture)]
        rows = (common.one, common.other) if reference < capture else (common.other, common.one)
        which = common.once if common.once.any() else np.ones(len(common.once), bool)
        ours, theirs = (each[which] for each in rows)
        way = np.array([common.ways[flow] for flow in self.packets["flow"][common.one[which]].tolist()])
        back = way == (BACK if reference < capture else FORTH)
        times = self.packets["time"]
        first = int(theirs[np.argmin(times[theirs])])
        return Comparison(
            (clock(times[ours], times[theirs], back),), first, self._certainty(common.one, common.other)
        )

    def _certainty(self, one: Array, other: Array) -> float:
        if np.isin(self.packets["kind"][one], PROVING).any():
            return CERTAIN
        payload = self.packets["payload"]
        return BY_PAYLOAD if ((payload[one] != 0) & (payload[other] != 0)).any() else BY_HEADERS


def _neighbours(common: Mapping[tuple[int, int], Common]) -> dict[int, list[int]]:
    """Return by capture those with common packets, most packets first."""
    neighbours: dict[int, list[int]] = defaultdict(list)
    for one, other in sorted(common, key=lambda pair: -len(common[pair].one)):
        neighbours[one].append(other)
        neighbours[other].append(one)
    return neighbours


def _by_captures(datagrams: Datagrams, matches: Matches) -> Iterator[tuple[tuple[int, int], Common]]:
    """Yield what each two captures have in common, by their numbers."""
    packets = datagrams.packets
    columns = [packets[name][rows] for name in ("capture", "flow") for rows in (matches.one, matches.other)]
    order = np.lexsort(columns[::-1])
    captures = [column[order] for column in columns[:2]]
    for at in _runs(order, *captures):
        joined = [
            Joined(
                (int(columns[2][rows[0]]), int(columns[3][rows[0]])), matches.one[rows], matches.other[rows]
            )
            for rows in _runs(at, columns[2][at], columns[3][at])
        ]
        pair = int(columns[0][at[0]]), int(columns[1][at[0]])
        one, other, once = matches.one[at], matches.other[at], matches.once[at]
        yield pair, Common(joined, ways(datagrams, joined), one, other, once)


def _runs(order: Array, *columns: Array) -> list[Array]:
    """Split ``order`` into runs of equal columns."""
    return np.split(order, starts_of_runs(*columns)[1:]) if len(order) else []
