"""Which pairs of legs are scored: those that share a key, close in time.

Each leg is paired with at most NEIGHBOURS others per key, so the work stays linear when thousands of
calls go to one number, or through one host, at the same time.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from postproc.correlate.joining.features import UNKNOWN, Facts, Flags, Floats, Ints, distinct
from postproc.model import constants

WINDOW = constants.number("couples.window_s")  # s between the INVITEs of two legs
REACTION = constants.number("couples.reaction_s")  # s in which a B2BUA passes on an answer or the end
DISORDER = constants.number("couples.disorder_s")
NEIGHBOURS = constants.count("couples.neighbours")
FEW = constants.count("couples.few")  # neighbours where only a product's name is shared

Couples = tuple[Ints, Ints]  # rows of legs: upstream, downstream
UPSTREAM, DOWNSTREAM, EITHER = 1, 2, 3


class Keyed(NamedTuple):
    """Legs (rows), the key that two of them must share, and the place each can take in a couple."""

    key: Ints
    row: Ints
    place: Ints  # UPSTREAM, DOWNSTREAM or EITHER


def couples(facts: Facts) -> Couples:
    """Return the couples worth scoring, each once: same number or same host, close in time."""
    by_key = [*_by_number(facts), *_by_host(facts)]
    upstream, downstream = (np.concatenate(side) for side in zip(*by_key, strict=True))
    return once(facts, upstream, downstream)


def once(facts: Facts, upstream: Ints, downstream: Ints) -> Couples:
    """Return each couple once, without couples of a leg and its own row in another recording."""
    other = facts.node[upstream] != facts.node[downstream]
    ids = distinct(upstream[other] * len(facts) + downstream[other])
    return ids // len(facts), ids % len(facts)


def within(key: Ints, time: Floats, window: float, neighbours: int) -> Couples:
    """Return the places of the earlier and the later event of pairs with one key within ``window`` s.

    Each event is paired with at most the nearest ``neighbours`` before it.
    """
    usable = np.flatnonzero((key != UNKNOWN) & ~np.isnan(time))
    order = usable[np.lexsort((time[usable], key[usable]))]
    key, time = key[order], time[order]
    pairs: list[Couples] = [(order[:0], order[:0])]
    for step in range(1, min(neighbours, len(order) - 1) + 1):
        near = (key[step:] == key[:-step]) & (time[step:] - time[:-step] <= window)
        if not near.any():
            break
        pairs.append((order[:-step][near], order[step:][near]))
    earlier, later = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return earlier, later


def directed(pairs: Couples, place: Ints, time: Floats, *, any_order: Flags) -> Couples:
    """Return pairs of events as (upstream, downstream), in order of time within DISORDER or ``any_order``."""
    earlier, later = pairs
    forward = (place[earlier] & UPSTREAM > 0) & (place[later] & DOWNSTREAM > 0)
    backward = (place[later] & UPSTREAM > 0) & (place[earlier] & DOWNSTREAM > 0)
    backward &= any_order | (time[later] - time[earlier] <= DISORDER)
    upstream = np.concatenate([earlier[forward], later[backward]])
    return upstream, np.concatenate([later[forward], earlier[backward]])


def starting(facts: Facts, legs: Keyed, window: float, neighbours: int) -> Couples:
    """Return the couples, as places in ``legs``, that share a key and start within the window."""
    time, invited = facts.start[legs.row], facts.invited[legs.row]
    earlier, later = pairs = within(legs.key, time, window, neighbours)
    # The order of two legs that precede the capture is unknown.
    return directed(pairs, legs.place, time, any_order=~(invited[earlier] & invited[later]))


def reacting(legs: Keyed, time: Floats) -> Couples:
    """Return the couples, as places in ``legs``, that share a key and whose times (by row) are close."""
    pairs = within(legs.key, time[legs.row], REACTION, FEW)
    return directed(pairs, legs.place, time[legs.row], any_order=np.ones(len(pairs[0]), dtype=bool))


def either(row: Ints, key: Ints) -> Keyed:
    """Return legs that can be upstream or downstream of each other."""
    return Keyed(key, row, np.full(len(row), EITHER))


def _by_number(facts: Facts) -> Iterator[Couples]:
    caller, callee = facts.caller.key, facts.callee.key
    combined = caller[:, :, None] * (callee.max(initial=0) + 1) + callee[:, None, :]
    present = (caller[:, :, None] >= 0) & (callee[:, None, :] >= 0)
    couple = np.where(present, combined, UNKNOWN).reshape(len(facts), caller.shape[1] * callee.shape[1])
    for keys in (couple, callee, caller):
        legs = either(*_spread(keys))
        yield _rows(legs, starting(facts, legs, WINDOW, NEIGHBOURS))
    legs = either(*_spread(np.where(facts.invited[:, None], UNKNOWN, callee)))
    yield _rows(legs, reacting(legs, facts.end))


def _by_host(facts: Facts) -> Iterator[Couples]:
    """Yield couples in which the upstream callee's host, or product, is the downstream caller's."""
    hosts = _linked(facts.uas.hosts, facts.uac.hosts)
    agents = _linked(facts.uas.agent[:, None], facts.uac.agent[:, None])
    for legs, neighbours in ((hosts, NEIGHBOURS), (agents, FEW)):
        yield _rows(legs, starting(facts, legs, WINDOW, neighbours))
        for time in (facts.answer, facts.end):
            yield _rows(legs, reacting(legs, time))


def _linked(above: Ints, below: Ints) -> Keyed:
    (row_above, key_above), (row_below, key_below) = _spread(above), _spread(below)
    place = np.repeat([UPSTREAM, DOWNSTREAM], [len(row_above), len(row_below)])
    return Keyed(np.concatenate([key_above, key_below]), np.concatenate([row_above, row_below]), place)


def _rows(legs: Keyed, places: Couples) -> Couples:
    return legs.row[places[0]], legs.row[places[1]]


def _spread(keys: Ints) -> tuple[Ints, Ints]:
    """Return rows and keys of a (legs, width) array, one place per known key."""
    row, column = np.nonzero(keys != UNKNOWN)
    return row, keys[row, column]
