"""Which downstream legs of one leg go together: targets rung side by side, or one after the other.

A leg that starts after another was answered is no fork of it: transfers and
conferences are calls of their own.
"""

from collections.abc import Callable
from math import isnan

import numpy as np

from postproc.correlate.evidence import Pairs
from postproc.correlate.facts import Facts
from postproc.correlate.nearby import DISORDER, DOWNSTREAM, NEIGHBOURS, UPSTREAM, WINDOW, directed, within

Together = Callable[[int, int, int], bool]  # rows: upstream leg, one and another downstream leg


def together(facts: Facts) -> Together:
    """Return the question whether an upstream leg can have both downstream legs."""
    start, answer, end = facts.start.tolist(), facts.answer.tolist(), facts.end.tolist()
    host, target, goal = facts.uac.host.tolist(), facts.target.tolist(), facts.uas.place.tolist()

    def asked(upstream: int, one: int, other: int) -> bool:
        first, second = sorted((one, other), key=lambda leg: start[leg])
        if answer[first] <= start[second] or not (isnan(answer[first]) or isnan(answer[second])):
            return False
        if end[first] <= start[second] + DISORDER:
            return True  # the first has failed, the next is tried
        pending = not answer[upstream] < start[second] - DISORDER
        elsewhere = target[one] != target[other] or goal[one] != goal[other]
        return pending and elsewhere and host[one] == host[other]

    return asked


def side_by_side(facts: Facts, one: int, other: int) -> bool:
    """Return whether two legs (rows) from one machine may be forks of a leg that was not seen."""
    first, second = sorted((one, other), key=lambda leg: float(facts.start[leg]))
    far = facts.start[second] - facts.start[first] > WINDOW
    over = facts.answer[first] <= facts.start[second] or facts.end[first] <= facts.start[second]
    both = not (isnan(facts.answer[first]) or isnan(facts.answer[second]))
    return not (far or over or both)


def retries(facts: Facts, upstream: dict[int, int]) -> Pairs:
    """Return legs that may be the next try after a downstream leg failed, and from when on.

    ``upstream`` has the upstream leg's row by the downstream one's. The window counts from the failure.
    """
    followed = np.array(list(upstream), dtype="int64")
    failed = followed[np.isnan(facts.answer[followed]) & ~np.isnan(facts.end[followed])]
    free = np.flatnonzero(~np.isin(facts.node, facts.node[followed]))
    row = np.concatenate([failed, free])
    time = np.concatenate([facts.end[failed], facts.start[free]])
    place = np.repeat([UPSTREAM, DOWNSTREAM], [len(failed), len(free)])
    pairs = within(facts.uac.host[row], time, WINDOW, NEIGHBOURS)
    before, after = directed(pairs, place, time, any_order=np.zeros(len(pairs[0]), dtype=bool))
    first = np.array([upstream[leg] for leg in row[before].tolist()], dtype="int64")
    return Pairs(first, row[after], time[after] - time[before])
