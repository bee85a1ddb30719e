"""Choose each leg's upstream leg: its best one, if that is clear."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from math import isnan
from typing import NamedTuple

import numpy as np

from postproc.correlate.joining.couples import (
    DISORDER,
    DOWNSTREAM,
    NEIGHBOURS,
    UPSTREAM,
    WINDOW,
    directed,
    within,
)
from postproc.correlate.joining.evidence import Pairs
from postproc.correlate.joining.features import Facts
from postproc.model import constants

# A pair is taken when each leg is the other's best choice by a margin. Pairs taken
# leave the others fewer choices, which may resolve a doubt; what stays in doubt is
# left open, never guessed. One leg may have several downstream legs: targets rung in
# parallel, or one after the other failed (``fits`` says which go together).


ENOUGH = constants.number("joining.enough")
MARGIN = constants.number("joining.margin")  # score by which the best must be ahead


class Link(NamedTuple):
    """A pair of legs (nodes); ``number`` is its place in the list of pairs."""

    upstream: int
    downstream: int
    score: float
    number: int


Fits = Callable[[Link, Link], bool]  # can both links of one upstream leg hold?


@dataclass
class Choice:
    """The links taken, with their margin, by downstream leg; and the links in doubt."""

    taken: dict[int, Link] = field(default_factory=dict)
    margin: dict[int, float] = field(default_factory=dict)
    children: dict[int, list[Link]] = field(default_factory=lambda: defaultdict(list))
    doubtful: list[Link] = field(default_factory=list)


class _Board(NamedTuple):
    """The links with a score of ENOUGH, by downstream (``up``) and upstream leg (``down``), best first."""

    up: dict[int, list[Link]]
    down: dict[int, list[Link]]
    fits: Fits


def choose(links: Iterable[Link], fits: Fits, before: Choice | None = None) -> Choice:
    """Return the clear links, in addition to those chosen ``before``."""
    choice = Choice()
    if before:
        choice.taken, choice.margin = dict(before.taken), dict(before.margin)
        for link in before.taken.values():
            choice.children[link.upstream].append(link)
    board = _board(links, fits)
    waiting = deque(leg for leg in board.up if leg not in choice.taken)
    queued = set(waiting)
    while waiting:
        leg = waiting.popleft()
        queued.discard(leg)
        if clear := _clear(leg, board, choice):
            link, choice.margin[leg] = clear
            choice.taken[leg] = link
            choice.children[link.upstream].append(link)
            freed = set(_freed(link, board, choice)) - queued
            waiting.extend(sorted(freed))
            queued |= freed
    choice.doubtful = [
        link for leg in board.up if leg not in choice.taken for link in _open(leg, board, choice)
    ]
    return choice


def _board(links: Iterable[Link], fits: Fits) -> _Board:
    up: dict[int, list[Link]] = defaultdict(list)
    down: dict[int, list[Link]] = defaultdict(list)
    for link in sorted(links, key=lambda link: (-link.score, link.number)):
        if link.score >= ENOUGH:
            up[link.downstream].append(link)
            down[link.upstream].append(link)
    return _Board(up, down, fits)


def _clear(leg: int, board: _Board, choice: Choice) -> tuple[Link, float] | None:
    """Return the link to the leg's upstream leg and its margin; None where the choice is not clear."""
    possible = _open(leg, board, choice)
    if not possible:
        return None
    best = possible[0]
    same_call = _first_leg(best.upstream, choice)
    # Two legs of one call are no alternatives: with either, this leg belongs to that call.
    others = (link.score for link in possible if _first_leg(link.upstream, choice) != same_call)
    margin = best.score - next(others, -float("inf"))
    for rival in _rivals(best, board, choice):
        margin = min(margin, best.score - rival.score)
    return (best, margin) if margin >= MARGIN else None


def _open(leg: int, board: _Board, choice: Choice) -> list[Link]:
    """Return the links still possible for a leg without an upstream leg, best first."""
    return [
        link
        for link in board.up[leg]
        if not _goes_round(link, choice)
        and all(board.fits(link, child) for child in choice.children.get(link.upstream, ()))
    ]


def _goes_round(link: Link, choice: Choice) -> bool:
    return _first_leg(link.upstream, choice) == link.downstream


def _first_leg(leg: int, choice: Choice) -> int:
    while leg in choice.taken:
        leg = choice.taken[leg].upstream
    return leg


def _rivals(link: Link, board: _Board, choice: Choice) -> Iterator[Link]:
    """Yield links of the same upstream leg that exclude this one and are their downstream leg's best."""
    for rival in board.down[link.upstream]:
        other = rival.downstream
        if other == link.downstream or other in choice.taken or board.fits(link, rival):
            continue
        if rival.score <= link.score - MARGIN:
            return
        possible = _open(other, board, choice)
        if possible and rival.score > possible[0].score - MARGIN and rival in possible:
            yield rival


def _freed(link: Link, board: _Board, choice: Choice) -> Iterator[int]:
    """Yield the legs left with fewer choices once the link is taken: rivals on either side."""
    for near in (link.upstream, *(other.upstream for other in board.up[link.downstream])):
        for rival in board.down[near]:
            if rival.downstream not in choice.taken:
                yield rival.downstream


# Which downstream legs of one leg go together: targets rung in parallel or in sequence.
#
# A leg that starts after another was answered is not its fork: transfers and
# conferences are calls of their own.


Together = Callable[[int, int, int], bool]  # rows: upstream leg, one and another downstream leg


def together(facts: Facts) -> Together:
    """Return a predicate: can an upstream leg have both downstream legs?"""
    start, answer, end = facts.start.tolist(), facts.answer.tolist(), facts.end.tolist()
    host, target, goal = facts.uac.host.tolist(), facts.target.tolist(), facts.uas.place.tolist()

    def compatible(upstream: int, one: int, other: int) -> bool:
        first, second = sorted((one, other), key=lambda leg: start[leg])
        if answer[first] <= start[second] or not (isnan(answer[first]) or isnan(answer[second])):
            return False
        if end[first] <= start[second] + DISORDER:
            return True  # the first failed, and the next target is tried
        pending = not answer[upstream] < start[second] - DISORDER
        elsewhere = target[one] != target[other] or goal[one] != goal[other]
        return pending and elsewhere and host[one] == host[other]

    return compatible


def side_by_side(facts: Facts, one: int, other: int) -> bool:
    """Return whether two legs (rows) from one machine may be forks of a leg that was not captured."""
    first, second = sorted((one, other), key=lambda leg: float(facts.start[leg]))
    too_late = facts.start[second] - facts.start[first] > WINDOW
    ended = facts.answer[first] <= facts.start[second] or facts.end[first] <= facts.start[second]
    both_answered = not (isnan(facts.answer[first]) or isnan(facts.answer[second]))
    return not (too_late or ended or both_answered)


def retries(facts: Facts, upstream: dict[int, int]) -> Pairs:
    """Return the pairs in which a leg may be the next attempt after a downstream leg failed.

    ``upstream`` maps the row of a downstream leg to its upstream leg's. The delay, and the window, count
    from the failure.
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
