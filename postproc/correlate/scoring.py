"""Which evidence counts between two legs, and its sum.

What identifies a call (a log, a header, both ufrags) tells by itself and anywhere.
A value that is used again after a while (one ufrag, a media address) tells while
both legs live. Numbers, order and hosts tell inside the window and on one clock;
between recordings that ran side by side only together with host and causality.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from postproc import constants
from postproc.correlate import evidence
from postproc.correlate.arrays import Flags, Floats, Ints, distinct
from postproc.correlate.common import STRENGTH, Shared
from postproc.correlate.evidence import CAUSALITY, INFERRED, Pairs
from postproc.correlate.facts import Facts
from postproc.correlate.nearby import DISORDER, WINDOW

IDENTITY = constants.words("joining.identity")
SURE = constants.number("joining.sure")  # identity that two legs alone share
PASSING = ("ufrag", "media", "origin")
PIECES = (*STRENGTH, *INFERRED, "prior")
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

    def with_prior(self, prior: Floats) -> "Scored":
        """Return the same pairs with the prior of the downstream leg (by row), if no identity joins them."""
        pieces = self.pieces.copy()
        sure = _columns(pieces, IDENTITY) > 0
        pieces[:, PIECES.index("prior")] = np.where(sure | self.siblings, 0.0, prior[self.pairs.b])
        return Scored(self.pairs, pieces, self.siblings)

    def followed_by(self, more: "Scored") -> "Scored":
        pieces = np.concatenate([self.pieces, more.pieces])
        return Scored(
            self.pairs.followed_by(more.pairs), pieces, np.concatenate([self.siblings, more.siblings])
        )

    def take(self, keep: Flags | Ints) -> "Scored":
        return Scored(self.pairs.take(keep), self.pieces[keep], self.siblings[keep])


def scored(facts: Facts, pairs: Pairs, identities: Sequence[Shared], overlap: Overlap) -> Scored:
    """Score the pairs; ``overlap`` says whether two recordings ran at the same time."""
    known = {identity.kind: _looked_up(facts, pairs, identity) for identity in identities}
    parts = []
    for start in range(0, max(len(pairs.a), 1), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        given = {kind: weight[part] for kind, weight in known.items()}
        parts.append(_scored(facts, pairs.take(part), given, overlap))
    siblings = np.concatenate([part.siblings for part in parts])
    return Scored(pairs, np.concatenate([part.pieces for part in parts]), siblings)


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
    """Set to 0 what does not count; where both legs alone share an id, nothing counts against it."""
    a, b = pairs.a, pairs.b
    same = facts.recording[a] == facts.recording[b]
    beside = ~same & _overlapping(facts.recording[a], facts.recording[b], overlap)
    over = facts.start[b] > facts.end[a] + DISORDER
    early = (pairs.delay < -DISORDER) & facts.invited[a] & facts.invited[b]
    linked = (_columns(pieces, ("host",)) >= 0) & (_columns(pieces, CAUSALITY) > 0)
    inferred = (same | (beside & linked)) & ~siblings & ~over & ~early & (pairs.delay <= WINDOW)
    _clear(pieces, INFERRED, ~inferred)
    _clear(pieces, PASSING, over | siblings | ~(same | beside))
    _clear(pieces, ("header", "x-header", "ice"), over & (same | beside))
    sure = _columns(pieces, IDENTITY) >= SURE
    pieces[sure] = np.maximum(pieces[sure], 0.0)


def _overlapping(one: Ints, other: Ints, overlap: Overlap) -> Flags:
    count = int(max(one.max(initial=0), other.max(initial=0))) + 1
    ids = one * count + other
    known = distinct(ids)
    said = np.array([overlap(int(number // count), int(number % count)) for number in known], dtype=bool)
    return said[np.searchsorted(known, ids)]


def _columns(pieces: Floats, names: Sequence[str]) -> Floats:
    total: Floats = pieces[:, [PIECES.index(name) for name in names]].sum(axis=1)
    return total


def _clear(pieces: Floats, names: Iterable[str], where: Flags) -> None:
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
