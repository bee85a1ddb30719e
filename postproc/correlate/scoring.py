"""Which evidence counts between two legs, and its sum.

What identifies a call (a log, a header, both ufrags) tells by itself and anywhere.
A value that is used again after a while (one ufrag, a media address) tells while
both legs live. Numbers, order and hosts tell inside the window and on one clock;
between recordings that ran side by side only together with host and causality.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from postproc.correlate import evidence
from postproc.correlate.arrays import Flags, Floats, Ints
from postproc.correlate.common import STRENGTH, Shared
from postproc.correlate.evidence import CAUSALITY, INFERRED, Pairs
from postproc.correlate.facts import Facts
from postproc.correlate.nearby import DISORDER, WINDOW

PASSING = ("ufrag", "media", "origin")
PIECES = (*STRENGTH, *INFERRED)
AT_ONCE = 250_000  # pairs scored together: bounds memory

Overlap = Callable[[int, int], bool]


class Scored(NamedTuple):
    """Pairs of legs with a column per piece of PIECES; ``siblings``: neither follows from the other."""

    pairs: Pairs
    pieces: Floats
    siblings: Flags

    @property
    def score(self) -> Floats:
        total: Floats = self.pieces.sum(axis=1)
        return total

    def followed_by(self, more: "Scored") -> "Scored":
        pairs = Pairs(*(np.concatenate(both) for both in zip(self.pairs, more.pairs, strict=True)))
        return Scored(pairs, *(np.concatenate(both) for both in zip(self[1:], more[1:], strict=True)))

    def take(self, keep: Flags | Ints) -> "Scored":
        return Scored(Pairs(*(values[keep] for values in self.pairs)), self.pieces[keep], self.siblings[keep])


def scored(facts: Facts, pairs: Pairs, identities: Sequence[Shared], overlap: Overlap) -> Scored:
    """Score the pairs; ``overlap`` says whether two recordings ran at the same time."""
    known = [_looked_up(facts, pairs, identity) for identity in identities]
    parts = []
    for start in range(0, max(len(pairs.a), 1), AT_ONCE):
        part = Pairs(*(values[start : start + AT_ONCE] for values in pairs))
        given = {i.kind: weight[start : start + AT_ONCE] for i, weight in zip(identities, known, strict=True)}
        parts.append(_scored(facts, part, given, overlap))
    pieces, siblings = np.concatenate([p.pieces for p in parts]), np.concatenate([p.siblings for p in parts])
    return Scored(pairs, pieces, siblings)


def _scored(facts: Facts, pairs: Pairs, identities: dict[str, Floats], overlap: Overlap) -> Scored:
    pieces = np.zeros((len(pairs.a), len(PIECES)))
    for kind, weight in identities.items():
        pieces[:, PIECES.index(kind)] = weight
    with np.errstate(invalid="ignore"):  # times that are not known compare as False
        for name, piece in INFERRED.items():
            pieces[:, PIECES.index(name)] = np.nan_to_num(piece(facts, pairs))
        siblings = evidence.siblings(facts, pairs)
        _strike(facts, pairs, pieces, siblings, overlap)
    return Scored(pairs, pieces, siblings)


def _strike(facts: Facts, pairs: Pairs, pieces: Floats, siblings: Flags, overlap: Overlap) -> None:
    """Set to 0 what does not count."""
    a, b = pairs.a, pairs.b
    same = facts.recording[a] == facts.recording[b]
    beside = ~same & _overlapping(facts.recording[a], facts.recording[b], overlap)
    over = facts.start[b] > facts.end[a] + DISORDER
    early = (pairs.delay < -DISORDER) & facts.invited[a] & facts.invited[b]
    linked = (_columns(pieces, ("host",)) >= 0) & (_columns(pieces, CAUSALITY) > 0)
    inferred = (same | (beside & linked)) & ~siblings & ~over & ~early & (pairs.delay <= WINDOW)
    _clear(pieces, INFERRED, ~inferred)
    _clear(pieces, PASSING, over | siblings | ~(same | beside))
    _clear(pieces, ("header", "ice"), over & (same | beside))


def _overlapping(one: Ints, other: Ints, overlap: Overlap) -> Flags:
    couples, place = np.unique(np.column_stack([one, other]), axis=0, return_inverse=True)
    said = np.array([overlap(int(first), int(second)) for first, second in couples], dtype=bool)
    return said[place.reshape(-1)]


def _columns(pieces: Floats, names: Sequence[str]) -> Floats:
    total: Floats = pieces[:, [PIECES.index(name) for name in names]].sum(axis=1)
    return total


def _clear(pieces: Floats, names: Sequence[str] | dict[str, object], where: Flags) -> None:
    for name in names:
        pieces[where, PIECES.index(name)] = 0.0


def _looked_up(facts: Facts, pairs: Pairs, identity: Shared) -> Floats:
    """Return the identity's weight for each pair, 0 where it is not theirs."""
    held = identity.couples[0] * len(facts) + identity.couples[1]
    wanted = pairs.a * len(facts) + pairs.b
    if not len(held):
        return np.zeros(len(wanted))
    place = np.minimum(np.searchsorted(held, wanted), len(held) - 1)
    return np.where(held[place] == wanted, identity.weight[place], 0.0)
