"""Join legs into calls: score all plausible pairs, and choose the clear ones.

A leg and those that follow from it, across any number of B2BUAs, make a call. Legs with two equally good
choices stay apart; their pairs are kept in ``joins``.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from postproc.correlate.joining.choose import ENOUGH, Choice, Link, choose, retries, side_by_side, together
from postproc.correlate.joining.couples import Couples, couples, once
from postproc.correlate.joining.evidence import Overlap, Pairs, Scored, priors, scored
from postproc.correlate.joining.features import Facts, Floats, Ints
from postproc.correlate.joining.identities import Token, shared_tokens
from postproc.model import constants

CONSIDERED = constants.number("joining.considered")  # score from which a pair is worth keeping
BEST = constants.count("joining.best")  # pairs kept per downstream leg
# Attempts of a sequential hunt that are followed, each from the failure of the one before. The loop ends by
# itself when a round finds nothing; the bound is for broken input.
ROUNDS = constants.count("joining.rounds")


class Joined(NamedTuple):
    """A pair of legs (nodes) joined into one call; siblings follow from a leg that was not captured."""

    a: int
    b: int
    rows: tuple[int, int]
    pieces: Floats
    score: float
    margin: float
    siblings: bool


class Joining(NamedTuple):
    """The result; nodes are the numbers of Call-IDs in ``Facts.node``."""

    considered: Scored
    joined: list[Joined]
    group: Ints  # call of each node: the number of one of its nodes
    doubtful: list[Link]  # by node: no better than another link, so not taken


def join(facts: Facts, tokens: Iterable[Token], overlap: Overlap) -> Joining:
    """Join the legs; ``overlap`` says whether two recordings ran at the same time."""
    identities = shared_tokens(facts, tokens)
    a, b = _all(facts, [couples(facts), *(identity.couples for identity in identities)])
    pairs = Pairs(a, b, facts.start[b] - facts.start[a])
    considered = _best(facts, scored(facts, pairs, identities, overlap, least=CONSIDERED))
    # A first choice shows which machines forward calls; the prior from it goes into the second.
    prior = priors(facts, list(_rows(considered, _choose(facts, considered, None))))
    considered = considered.with_prior(prior)
    choice = _choose(facts, considered, None)
    for _ in range(ROUNDS):
        tried = scored(facts, retries(facts, _rows(considered, choice)), identities, overlap).with_prior(
            prior
        )
        tried = tried.take(tried.score >= ENOUGH)
        considered, links_before = considered.followed_by(tried), len(choice.taken)
        choice = _choose(facts, considered, choice) if len(tried.pairs.a) else choice
        if len(choice.taken) == links_before:
            break
    return _result(facts, considered, choice)


def _all(facts: Facts, groups: list[Couples]) -> Couples:
    return once(facts, *(np.concatenate(side) for side in zip(*groups, strict=True)))


def _best(facts: Facts, good: Scored) -> Scored:
    """Return each pair of Call-IDs once, in its better direction, and the BEST pairs per downstream leg."""
    a, b = facts.node[good.pairs.a], facts.node[good.pairs.b]
    nodes = int(facts.node.max(initial=0)) + 1
    order = np.lexsort((-good.score, np.minimum(a, b) * nodes + np.maximum(a, b)))
    _, first = np.unique((np.minimum(a, b) * nodes + np.maximum(a, b))[order], return_index=True)
    once = good.take(order[first])
    b = facts.node[once.pairs.b]
    order = np.lexsort((-once.score, b))
    rank = np.arange(len(order)) - np.searchsorted(b[order], b[order])
    return once.take(order[rank < BEST])


def _choose(facts: Facts, considered: Scored, before: Choice | None) -> Choice:
    """Choose among the pairs that are not siblings."""
    nodes = (facts.node[considered.pairs.a].tolist(), facts.node[considered.pairs.b].tolist())
    links = list(map(Link, *nodes, considered.score.tolist(), range(len(considered.siblings))))
    a, b = considered.pairs.a.tolist(), considered.pairs.b.tolist()
    fork = together(facts)

    def fits(link: Link, other: Link) -> bool:
        return fork(a[link.number], b[link.number], b[other.number])

    return choose((link for link in links if not considered.siblings[link.number]), fits, before)


def _rows(considered: Scored, choice: Choice) -> dict[int, int]:
    """Return the upstream leg's row by the downstream one's."""
    a, b = considered.pairs.a, considered.pairs.b
    return {int(b[link.number]): int(a[link.number]) for link in choice.taken.values()}


def _result(facts: Facts, considered: Scored, choice: Choice) -> Joining:
    group = list(range(int(facts.node.max(initial=-1)) + 1))
    joined = [_joined(considered, link, margin) for link, margin in _by_number(choice)]
    for link in joined:
        _unite(group, link.a, link.b)
    for forks in _forks(facts, considered, choice):
        if _unite(group, forks.upstream, forks.downstream):
            joined.append(_joined(considered, forks, float("inf")))
    calls = np.array([_root(group, node) for node in range(len(group))], dtype="int64")
    return Joining(considered, joined, calls, choice.doubtful)


def _forks(facts: Facts, considered: Scored, choice: Choice) -> Iterator[Link]:
    """Yield pairs that follow from one leg that was not captured, best first: only a token joins them."""
    first = {link.upstream for link in choice.taken.values()}
    sure = np.flatnonzero(considered.siblings & (considered.score >= ENOUGH))
    for number in sure[np.argsort(-considered.score[sure], kind="stable")].tolist():
        a, b = int(considered.pairs.a[number]), int(considered.pairs.b[number])
        link = Link(int(facts.node[a]), int(facts.node[b]), float(considered.score[number]), number)
        ends = {link.upstream, link.downstream}
        # Legs with a captured upstream leg belong to its call; a leg that others follow from is no fork.
        if not ends <= choice.taken.keys() and ends.isdisjoint(first) and side_by_side(facts, a, b):
            yield link


def _by_number(choice: Choice) -> Iterator[tuple[Link, float]]:
    for link in sorted(choice.taken.values(), key=lambda link: link.number):
        yield link, choice.margin[link.downstream]


def _joined(considered: Scored, link: Link, margin: float) -> Joined:
    rows = int(considered.pairs.a[link.number]), int(considered.pairs.b[link.number])
    pieces, siblings = considered.pieces[link.number], bool(considered.siblings[link.number])
    return Joined(link.upstream, link.downstream, rows, pieces, link.score, margin, siblings)


def _unite(group: list[int], one: int, other: int) -> bool:
    """Put two nodes into one group; return whether they were apart."""
    first, second = sorted((_root(group, one), _root(group, other)))
    group[second] = first
    return first != second


def _root(group: list[int], node: int) -> int:
    while group[node] != node:
        group[node] = group[group[node]]
        node = group[node]
    return node
