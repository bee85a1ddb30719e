"""How likely a leg follows from any given other, before looking at the two.

Where many calls begin at the same time, each leg has many that may be its
upstream leg. And a machine that mostly passes calls on will do so again; one that
makes calls makes them. Both are learnt from the capture itself.
"""

from collections.abc import Sequence

import numpy as np

from postproc import constants
from postproc.correlate.arrays import Flags, Floats, Ints
from postproc.correlate.facts import Facts
from postproc.correlate.nearby import WINDOW

CAUTION = constants.number("joining.caution")
UNSURE = constants.number("joining.unsure")  # legs of either kind, assumed beside those seen at a place
MANY = constants.count("joining.many")


def priors(facts: Facts, following: Sequence[int]) -> Floats:
    """Return the log-odds per leg (row); ``following`` are the rows of legs that follow, as first chosen."""
    follows = np.isin(facts.node, facts.node[np.array(following, dtype="int64")])
    place, places = _habit(facts.uac.place, follows)
    machine, _ = _habit(facts.uac.host, follows)
    return np.where(places >= MANY, place, machine) - CAUTION * np.log(_rivals(facts))


def _habit(key: Ints, follows: Flags) -> tuple[Floats, Ints]:
    """Return log-odds that a leg with this key follows from another, and how many legs have the key."""
    _, group, counts = np.unique(key, return_inverse=True, return_counts=True)
    passed_on = np.bincount(group, weights=follows, minlength=len(counts))
    odds = np.log((passed_on + UNSURE) / (counts - passed_on + UNSURE))
    return odds[group], counts[group]


def _rivals(facts: Facts) -> Floats:
    """Return how many legs started in the window before each one, at least 1."""
    times = np.sort(facts.start)
    before = np.searchsorted(times, facts.start) - np.searchsorted(times, facts.start - WINDOW)
    return np.asarray(np.maximum(before, 1), dtype="float64")
