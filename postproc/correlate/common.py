"""Legs that carry the same token, and how much that tells.

Log-odds of a value that two legs alone carry, less for every doubling of its
carriers: a parallel ring shares one id among many legs, a product name among all.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from postproc import constants
from postproc.correlate.arrays import Floats, Ints, coded, distinct
from postproc.correlate.facts import Facts
from postproc.correlate.nearby import Couples, either, once, starting
from postproc.correlate.tokens import Token

STRENGTH = constants.numbers("tokens.strength")
DOUBLING = constants.numbers("tokens.doubling")
USUALLY = DOUBLING["usually"]
EVER = float("inf")


class Shared(NamedTuple):
    """Couples of legs with a token of one kind in common; ``weight`` of the rarest."""

    kind: str
    couples: Couples
    weight: Floats


def shared(facts: Facts, tokens: Iterable[Token]) -> list[Shared]:
    """Return the couples that share tokens, by kind of token."""
    by_kind: dict[str, dict[Token, None]] = {kind: {} for kind in STRENGTH}
    for token in tokens:
        by_kind[token.kind][token] = None
    return [_of_kind(facts, kind, list(held)) for kind, held in by_kind.items() if held]


def _of_kind(facts: Facts, kind: str, tokens: list[Token]) -> Shared:
    row = np.array([token.row for token in tokens], dtype="int64")
    (value,) = coded(token.value for token in tokens)
    weight = STRENGTH[kind] - DOUBLING.get(kind, USUALLY) * np.log2(_carriers(facts.node[row], value) / 2)
    worth = weight > 0
    row, value, weight = row[worth], value[worth], weight[worth]
    first, second = starting(facts, either(row, value), EVER)
    return _rarest(facts, kind, (row[first], row[second]), weight[first])


def _carriers(node: Ints, value: Ints) -> Ints:
    """Return for each token how many Call-IDs carry its value."""
    nodes = int(node.max(initial=0)) + 1
    carriers: Ints = np.bincount(distinct(value * nodes + node) // nodes)[value]
    return carriers


def _rarest(facts: Facts, kind: str, couples: Couples, weight: Floats) -> Shared:
    upstream, downstream = once(facts, *couples)
    best = np.zeros(len(upstream))
    ids = upstream * len(facts) + downstream
    found = couples[0] * len(facts) + couples[1]
    place = np.searchsorted(ids, found)
    of_two = facts.node[couples[0]] != facts.node[couples[1]]
    np.maximum.at(best, place[of_two], weight[of_two])
    return Shared(kind, (upstream, downstream), best)
