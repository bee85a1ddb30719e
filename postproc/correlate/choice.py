"""Which leg follows from which: each leg its best upstream leg, if that is clear.

A pair is taken when both find each other best by a margin. Taken pairs leave the
others fewer choices, so that a doubt may resolve itself; what stays in doubt is
left open, never guessed. One leg may have several downstream legs: targets rung
side by side, or one after the other has failed (``fits`` says which go together).
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from postproc import constants

ENOUGH = constants.number("joining.enough")
MARGIN = constants.number("joining.margin")  # score by which the best must be ahead


class Link(NamedTuple):
    """A pair of legs (nodes): ``number`` is its place in the list it comes from."""

    upstream: int
    downstream: int
    score: float
    number: int


Fits = Callable[[Link, Link], bool]  # may both links of one upstream leg be true?


@dataclass
class Choice:
    """What was chosen: link and margin by downstream leg; and the links in doubt."""

    taken: dict[int, Link] = field(default_factory=dict)
    margin: dict[int, float] = field(default_factory=dict)
    children: dict[int, list[Link]] = field(default_factory=lambda: defaultdict(list))
    doubtful: list[Link] = field(default_factory=list)


@dataclass(frozen=True)
class _Board:
    """The links that are good enough, by either end, best first."""

    up: dict[int, list[Link]]
    down: dict[int, list[Link]]
    fits: Fits


def choose(links: Iterable[Link], fits: Fits, before: Choice | None = None) -> Choice:
    """Return the clear links, on top of those chosen ``before``."""
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
        if found := _clear(leg, board, choice):
            link, choice.margin[leg] = found
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
    """Return the link to the leg's upstream leg and its margin, if there is one beyond doubt."""
    possible = _open(leg, board, choice)
    if not possible:
        return None
    best = possible[0]
    same_call = _first_leg(best.upstream, choice)
    # Two legs of one call are no alternatives: either way the leg belongs to that call.
    others = (link.score for link in possible if _first_leg(link.upstream, choice) != same_call)
    margin = best.score - next(others, -float("inf"))
    for rival in _rivals(best, board, choice):
        margin = min(margin, best.score - rival.score)
    return (best, margin) if margin >= MARGIN else None


def _open(leg: int, board: _Board, choice: Choice) -> list[Link]:
    """Return the links that may still be true for a leg without upstream leg, best first."""
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
    """Yield links of the same upstream leg that exclude this one and have no better choice themselves."""
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
    """Yield the legs whose choice has become smaller: rivals on either side of the link."""
    for near in (link.upstream, *(other.upstream for other in board.up[link.downstream])):
        for rival in board.down[near]:
            if rival.downstream not in choice.taken:
                yield rival.downstream
