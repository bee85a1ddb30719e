"""Which legs are looked at together: those that share a key, near each other in time.

Every leg meets at most so many neighbours per key. So the work stays linear when
thousands of calls go to one number, through one host, at the same time.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from postproc.correlate.arrays import UNKNOWN, Flags, Floats, Ints
from postproc.correlate.facts import Facts

WINDOW = 15.0  # s between the INVITEs of two legs
REACTION = 0.5  # s in which a B2BUA passes on an answer or the end
DISORDER = 0.05  # s by which a cause may seem to follow: clocks of two interfaces
NEIGHBOURS = 32

Couples = tuple[Ints, Ints]  # rows of legs: upstream, downstream
UPSTREAM, DOWNSTREAM, EITHER = 1, 2, 3


class Events(NamedTuple):
    """Something that happened to legs, and the key that two of them must share."""

    key: Ints
    time: Floats
    row: Ints
    place: Ints  # UPSTREAM, DOWNSTREAM or EITHER: what the leg can be in a couple


def couples(facts: Facts) -> Couples:
    """Return the couples worth a look: same number, or same host, in time; each once."""
    found = [*_by_number(facts), *_by_host(facts)]
    upstream, downstream = (np.concatenate(side) for side in zip(*found, strict=True))
    return distinct(facts, upstream, downstream)


def distinct(facts: Facts, upstream: Ints, downstream: Ints) -> Couples:
    """Return each couple once; a leg and itself, seen elsewhere, are none."""
    other = facts.node[upstream] != facts.node[downstream]
    ids = np.unique(upstream[other] * len(facts) + downstream[other])
    return ids // len(facts), ids % len(facts)


def within(events: Events, window: float, neighbours: int = NEIGHBOURS) -> Couples:
    """Return the places in ``events`` of pairs with one key at most ``window`` s apart, earlier and later.

    Of each event only the nearest ``neighbours`` before it are taken.
    """
    usable = np.flatnonzero((events.key != UNKNOWN) & ~np.isnan(events.time))
    order = usable[np.lexsort((events.time[usable], events.key[usable]))]
    key, time = events.key[order], events.time[order]
    pairs: list[Couples] = [(order[:0], order[:0])]
    for step in range(1, min(neighbours, len(order) - 1) + 1):
        near = (key[step:] == key[:-step]) & (time[step:] - time[:-step] <= window)
        if not near.any():
            break
        pairs.append((order[:-step][near], order[step:][near]))
    earlier, later = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return earlier, later


def directed(events: Events, pairs: Couples, *, any_order: Flags) -> Couples:
    """Return the couples in pairs of events: upstream comes first, or nearly so, unless ``any_order``."""
    earlier, later = pairs
    forward = (events.place[earlier] & UPSTREAM > 0) & (events.place[later] & DOWNSTREAM > 0)
    backward = (events.place[later] & UPSTREAM > 0) & (events.place[earlier] & DOWNSTREAM > 0)
    backward &= any_order | (events.time[later] - events.time[earlier] <= DISORDER)
    return (
        np.concatenate([earlier[forward], later[backward]]),
        np.concatenate([later[forward], earlier[backward]]),
    )


def starting(facts: Facts, key: Ints, row: Ints, place: Ints, window: float) -> Couples:
    """Return the couples, as places in ``row``, that share a key and start within the window."""
    events = Events(key, facts.start[row], row, place)
    earlier, later = pairs = within(events, window)
    # Of two legs that precede the capture nobody knows which came first.
    any_order = ~(facts.invited[row[earlier]] & facts.invited[row[later]])
    return directed(events, pairs, any_order=any_order)


def reacting(key: Ints, time: Floats, row: Ints, place: Ints) -> Couples:
    """Return the couples, as places in ``row``, that share a key and whose times are next to each other."""
    events = Events(key, time[row], row, place)
    earlier, later = pairs = within(events, REACTION)
    return directed(events, pairs, any_order=np.ones(len(earlier), dtype=bool))


def _by_number(facts: Facts) -> Iterator[Couples]:
    caller, callee = facts.caller.key, facts.callee.key
    both = caller[:, :, None] * (callee.max(initial=0) + 1) + callee[:, None, :]
    known = (caller[:, :, None] >= 0) & (callee[:, None, :] >= 0)
    couple = np.where(known, both, UNKNOWN).reshape(len(facts), both[0].size if len(facts) else 1)
    for keys in (couple, callee, caller):
        row, key = _spread(keys)
        yield _rows(row, starting(facts, key, row, np.full(len(row), EITHER), WINDOW))
    row, key = _spread(np.where(facts.invited[:, None], UNKNOWN, callee))
    yield _rows(row, reacting(key, facts.end, row, np.full(len(row), EITHER)))


def _by_host(facts: Facts) -> Iterator[Couples]:
    """Couples in which the callee's host or name upstream is the caller's downstream."""
    agents = max(facts.uac.hosts.max(initial=0), facts.uas.hosts.max(initial=0)) + 1
    above, below = (
        _spread(np.column_stack([end.hosts, np.where(end.agent >= 0, end.agent + agents, UNKNOWN)]))
        for end in (facts.uas, facts.uac)
    )
    row, key = np.concatenate([above[0], below[0]]), np.concatenate([above[1], below[1]])
    place = np.repeat([UPSTREAM, DOWNSTREAM], [len(above[0]), len(below[0])])
    yield _rows(row, starting(facts, key, row, place, WINDOW))
    for time in (facts.answer, facts.end):
        yield _rows(row, reacting(key, time, row, place))


def _rows(row: Ints, places: Couples) -> Couples:
    return row[places[0]], row[places[1]]


def _spread(keys: Ints) -> tuple[Ints, Ints]:
    """Return rows and keys of a (legs, width) array, one place per known key."""
    row, column = np.nonzero(keys != UNKNOWN)
    return row, keys[row, column]
