"""Score the evidence that two legs are the two sides of one B2BUA.

A score is log-odds (natural logarithm): how much more often something is seen between a leg and the one
that follows from it than between legs of different calls. The scores of a couple add up. docs/JOINING.md
says where each weight comes from, and what changes when it moves.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from postproc.correlate.joining.couples import DISORDER, REACTION, WINDOW
from postproc.correlate.joining.features import Facts, Flags, Floats, Ints, Users, distinct, rarity, shared
from postproc.correlate.joining.identities import STRENGTH, Shared
from postproc.model import constants

WEIGHTS = constants.numbers("evidence")  # each is explained in constants.toml
GRAIN, OUTLIVES = WEIGHTS["grain_s"], WEIGHTS["slack_s"]


class Pairs(NamedTuple):
    """Pairs of legs: upstream row, downstream row, and seconds from the possible cause to the second leg."""

    a: Ints
    b: Ints
    delay: Floats

    def take(self, keep: Ints | Flags | slice) -> "Pairs":
        return Pairs(self.a[keep], self.b[keep], self.delay[keep])

    def followed_by(self, more: "Pairs") -> "Pairs":
        a, b = np.concatenate([self.a, more.a]), np.concatenate([self.b, more.b])
        return Pairs(a, b, np.concatenate([self.delay, more.delay]))


def callee(facts: Facts, pairs: Pairs) -> Floats:
    """Score the called party: up to 6 for the same one, more the rarer it is; -2 for another (a diversion).

    -6 where neither party is the same: a B2BUA that rewrites both is rarer than two calls at once.
    """
    score = _same_user(facts.callee, pairs, most=WEIGHTS["same_callee_most"], other=WEIGHTS["other_callee"])
    return score + np.where((score < 0) & (caller(facts, pairs) < 0), WEIGHTS["neither_same"], 0.0)


def caller(facts: Facts, pairs: Pairs) -> Floats:
    """Score the calling party: up to 4 for the same one, more the rarer it is; -1 for another (a trunk's)."""
    return _same_user(facts.caller, pairs, most=WEIGHTS["same_caller_most"], other=WEIGHTS["other_caller"])


def _same_user(users: Users, pairs: Pairs, *, most: float, other: float) -> Floats:
    a, b = pairs.a, pairs.b
    long_a, long_b = users.tail[a] >= 0, users.tail[b] >= 0
    exact_a, exact_b = users.exact[a][:, :, None], users.exact[b][:, None, :]
    same = (users.key[a][:, :, None] == users.key[b][:, None, :]) & (users.key[a] >= 0)[:, :, None]
    # Both are complete numbers, equal only in their last digits: one has a prefix like an area code.
    doubtful = (exact_a != exact_b) & (exact_a >= 0) & (exact_b >= 0)
    worth = np.minimum(users.rarity[a], most) * np.where(long_a, 1.0, WEIGHTS["short"])
    share = np.where(doubtful, WEIGHTS["doubtful"], 1.0)
    best = np.where(same, worth[:, :, None] * share, 0.0).max(axis=(1, 2))
    both_named = (users.key[a] >= 0).any(axis=1) & (users.key[b] >= 0).any(axis=1)
    comparable = both_named & (long_a.any(axis=1) == long_b.any(axis=1))
    return np.where(same.any(axis=(1, 2)), best, np.where(comparable, other, 0.0))


def invite(facts: Facts, pairs: Pairs) -> Floats:
    """Score the delay to the second INVITE: up to 4 the sooner it follows, less after the first's answer.

    It may seem to precede the first where two interfaces' clocks differ; that lowers the score.
    """
    wait = np.clip(np.abs(pairs.delay), 0.0, WINDOW - GRAIN) + GRAIN
    soon = WEIGHTS["invite"] * np.log(WINDOW / wait)
    soon += np.where(pairs.delay < 0, WEIGHTS["backward"], 0.0)
    both_invited = facts.invited[pairs.a] & facts.invited[pairs.b]
    answered = facts.answer[pairs.a] <= facts.start[pairs.b]
    return np.where(both_invited, soon, soon / 2) + np.where(answered, WEIGHTS["after_answer"], 0.0)


def progress(facts: Facts, pairs: Pairs) -> Floats:
    """Score ringing or another provisional response passed on: up to 2."""
    a, b = pairs.a, pairs.b
    either = (facts.ringing[a] - facts.ringing[b], facts.progress[a] - facts.progress[b])
    return np.maximum(*(WEIGHTS["progress"] * _closeness(delay) for delay in either))


def answer(facts: Facts, pairs: Pairs) -> Floats:
    """Score the answer passed on: up to 4; -2 if the first leg was answered at another time."""
    a, b = facts.answer[pairs.a], facts.answer[pairs.b]
    delay = a - b
    near = WEIGHTS["answer"] + WEIGHTS["answer_closeness"] * _closeness(delay)
    passed_on = np.where(_soon(delay), near, 0.0)
    apart = (delay > REACTION) | ((delay < -GRAIN) & (a > facts.start[pairs.b] + GRAIN))
    return passed_on + np.where(apart, WEIGHTS["answer_apart"], 0.0)


def end(facts: Facts, pairs: Pairs) -> Floats:
    """Score BYE, CANCEL or failure passed on: up to 3, and 1 more for the same failure."""
    a, b = pairs.a, pairs.b
    later = facts.end[b] - facts.end[a]
    by_a, by_b = facts.ended_by[a], facts.ended_by[b]
    same_way = (by_a == by_b) & (by_a >= 0)
    # If the caller hangs up, upstream ends first; if the called party hangs up or refuses, downstream does.
    delay = np.where(same_way, np.where(by_a == 0, later, -later), np.abs(later))
    score = np.where(
        _soon(delay), WEIGHTS["end_passed_on"] + WEIGHTS["end_closeness"] * _closeness(delay), 0.0
    )
    same_failure = (facts.failure[a] == facts.failure[b]) & (facts.failure[a] > 0)
    score = np.where(same_way, score, WEIGHTS["end_other_way"] * score)
    return score + np.where(same_failure & _soon(delay), WEIGHTS["same_failure"], 0.0)


def lifetime(facts: Facts, pairs: Pairs) -> Floats:
    """Score lifetimes: -3 if the second leg outlives the first, -1.5 if an answered first goes on, or 0.5."""
    a, b = pairs.a, pairs.b
    longer = facts.end[b] - facts.end[a]
    both_answered = ~np.isnan(facts.answer[a]) & ~np.isnan(facts.answer[b])
    within = np.where((longer < -OUTLIVES) & both_answered, WEIGHTS["goes_on"], WEIGHTS["ends_within"])
    return np.where(np.isnan(longer), 0.0, np.where(longer > OUTLIVES, WEIGHTS["outlives"], within))


def host(facts: Facts, pairs: Pairs) -> Floats:
    """Score the machine between: up to 3 if the upstream callee's is the downstream caller's, else -1.5.

    A rarer machine scores more. -4 if it differs and the second leg goes back to where the first came
    from: another call between the same two.
    """
    b = pairs.b
    turned = _equal(facts.uac.host[pairs.a], facts.uas.host[b])
    place, machine = rarity(facts.uac.place), rarity(facts.uac.host)
    kinds = [link(facts, pairs) for link in (same_place, same_host, _same_hosts, _by_loopback)]
    loopback = np.full(len(b), WEIGHTS["by_loopback"])
    worth = [
        np.minimum(place[b], WEIGHTS["same_place_most"]),
        np.minimum(machine[b], WEIGHTS["same_host_most"]),
        np.minimum(machine[b], WEIGHTS["same_hosts_most"]),
        loopback,
    ]
    agent = _same_agent(facts, pairs)
    by_agent = np.minimum(rarity(facts.uac.agent)[b], WEIGHTS["same_agent_most"])
    score = np.select(kinds, worth, 0.0) + np.where(agent, by_agent, 0.0)
    elsewhere = np.where(turned, WEIGHTS["turned_round"], WEIGHTS["other_host"])
    return np.where(np.any([*kinds, agent], axis=0), score, elsewhere)


def same_place(facts: Facts, pairs: Pairs) -> Flags:
    """Return where the second leg comes from the address and port the first one goes to."""
    return _equal(facts.uas.place[pairs.a], facts.uac.place[pairs.b])


def same_host(facts: Facts, pairs: Pairs) -> Flags:
    """Return where it comes from the same address."""
    return _equal(facts.uas.host[pairs.a], facts.uac.host[pairs.b])


def are_siblings(facts: Facts, pairs: Pairs) -> Flags:
    """Return where neither leg can follow from the other: both start, or both end, at one machine."""
    a, b = pairs.a, pairs.b
    place = _equal(facts.uac.place[a], facts.uac.place[b]) | _equal(facts.uas.place[a], facts.uas.place[b])
    machine = _equal(facts.uac.host[a], facts.uac.host[b]) | _equal(facts.uas.host[a], facts.uas.host[b])
    agent = _same_agent(facts, pairs) & (facts.uas.agent[a] != facts.uac.agent[a])
    linked = same_host(facts, pairs) | _same_hosts(facts, pairs) | agent
    return np.asarray((place & ~same_place(facts, pairs)) | (machine & ~linked), dtype=bool)


def _same_hosts(facts: Facts, pairs: Pairs) -> Flags:
    return shared(facts.uas.hosts[pairs.a], facts.uac.hosts[pairs.b])


def _same_agent(facts: Facts, pairs: Pairs) -> Flags:
    return _equal(facts.uas.agent[pairs.a], facts.uac.agent[pairs.b])


def _by_loopback(facts: Facts, pairs: Pairs) -> Flags:
    """Return where exactly one leg uses loopback: both may be at the capturing machine."""
    one = facts.uas.loopback[pairs.a] != facts.uac.loopback[pairs.b]
    agents = facts.uas.agent[pairs.a], facts.uac.agent[pairs.b]
    others = (agents[0] >= 0) & (agents[1] >= 0) & (agents[0] != agents[1])
    return np.asarray(one & ~others & (facts.recording[pairs.a] == facts.recording[pairs.b]), dtype=bool)


def _equal(one: Ints, other: Ints) -> Flags:
    return np.asarray((one == other) & (one >= 0), dtype=bool)


def _soon(delay: Floats) -> Flags:
    return (delay >= -GRAIN) & (delay <= REACTION)


def _closeness(delay: Floats) -> Floats:
    """Return up to 3.2 (natural logarithm) for an immediate reaction, 0 at REACTION and beyond."""
    near = np.log(REACTION / (np.clip(delay, 0.0, REACTION) + GRAIN))
    return np.where(_soon(delay), np.maximum(near, 0.0), 0.0)


Piece = Callable[[Facts, Pairs], Floats]
INFERRED: dict[str, Piece] = {
    "callee": callee,
    "caller": caller,
    "invite": invite,
    "progress": progress,
    "answer": answer,
    "end": end,
    "lifetime": lifetime,
    "host": host,
}
CAUSALITY = ("progress", "answer", "end")


# Which evidence counts between two legs, and its sum.
#
# What identifies a call (a log, a header, both ufrags) counts by itself and anywhere.
# A value that is reused after a while (one ufrag, a media address) counts while both
# legs live. Numbers, order and hosts count inside the window and on one clock;
# between recordings that ran in parallel, only together with host and causality.


IDENTITY = constants.words("joining.identity")
SURE = constants.number("joining.sure")  # identity that two legs alone share
PASSING = ("ufrag", "media", "origin")
PIECES = (*STRENGTH, *INFERRED, "prior")
AT_ONCE = 50_000  # pairs scored together; bounds memory and changes no result

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
        """Return the pairs with the prior of their downstream leg (by row), where no identity joins them."""
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


def scored(
    facts: Facts, pairs: Pairs, identities: Sequence[Shared], overlap: Overlap, least: float = -np.inf
) -> Scored:
    """Score the pairs and return those that reach ``least``.

    ``overlap`` says whether two recordings ran at the same time.
    """
    weights = {identity.kind: _looked_up(facts, pairs, identity) for identity in identities}
    parts = []
    for start in range(0, max(len(pairs.a), 1), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        chunk = {kind: weight[part] for kind, weight in weights.items()}
        all_of_part = _scored(facts, pairs.take(part), chunk, overlap)
        parts.append(all_of_part.take(all_of_part.score >= least))
    return reduce(Scored.followed_by, parts)


def _scored(facts: Facts, pairs: Pairs, identities: dict[str, Floats], overlap: Overlap) -> Scored:
    pieces = np.zeros((len(pairs.a), len(PIECES)))
    for kind, weight in identities.items():
        pieces[:, PIECES.index(kind)] = weight
    with np.errstate(invalid="ignore"):  # times that are not known compare as False
        for name, piece in INFERRED.items():
            pieces[:, PIECES.index(name)] = np.nan_to_num(piece(facts, pairs))
        siblings = are_siblings(facts, pairs)
        _strike(facts, pairs, pieces, siblings, overlap)
    return Scored(pairs, pieces, siblings)


def _strike(facts: Facts, pairs: Pairs, pieces: Floats, siblings: Flags, overlap: Overlap) -> None:
    """Set to 0 the pieces that do not count, and negative ones where only two legs share an identity."""
    a, b = pairs.a, pairs.b
    same = facts.recording[a] == facts.recording[b]
    beside = ~same & _overlapping(facts.recording[a], facts.recording[b], overlap)
    ended = facts.start[b] > facts.end[a] + DISORDER
    early = (pairs.delay < -DISORDER) & facts.invited[a] & facts.invited[b]
    linked = (_columns(pieces, ("host",)) >= 0) & (_columns(pieces, CAUSALITY) > 0)
    inferred = (same | (beside & linked)) & ~siblings & ~ended & ~early & (pairs.delay <= WINDOW)
    _clear(pieces, INFERRED, ~inferred)
    _clear(pieces, PASSING, ended | siblings | ~(same | beside))
    _clear(pieces, ("header", "x-header", "ice"), ended & (same | beside))
    sure = _columns(pieces, IDENTITY) >= SURE
    pieces[sure] = np.maximum(pieces[sure], 0.0)


def _overlapping(one: Ints, other: Ints, overlap: Overlap) -> Flags:
    count = int(max(one.max(initial=0), other.max(initial=0))) + 1
    ids = one * count + other
    unique = distinct(ids)
    overlaps = np.array([overlap(int(number // count), int(number % count)) for number in unique], dtype=bool)
    return overlaps[np.searchsorted(unique, ids)]


def _columns(pieces: Floats, names: Sequence[str]) -> Floats:
    total: Floats = pieces[:, [PIECES.index(name) for name in names]].sum(axis=1)
    return total


def _clear(pieces: Floats, names: Iterable[str], where: Flags) -> None:
    for name in names:
        pieces[where, PIECES.index(name)] = 0.0


def _looked_up(facts: Facts, pairs: Pairs, identity: Shared) -> Floats:
    """Return the identity's weight for each pair, 0 where the pair does not share it."""
    shared_ids = identity.couples[0] * len(facts) + identity.couples[1]
    pair_ids = pairs.a * len(facts) + pairs.b
    if not len(shared_ids):
        return np.zeros(len(pair_ids))
    place = np.minimum(np.searchsorted(shared_ids, pair_ids), len(shared_ids) - 1)
    return np.where(shared_ids[place] == pair_ids, identity.weight[place], 0.0)


# Prior: how likely a leg follows from any given other, before comparing the two.
#
# Where many calls begin at once, each leg has many possible upstream legs. And a
# machine that mostly forwards calls, or mostly originates them, is likely to do so
# again. Both are estimated from the capture itself.


CAUTION = constants.number("joining.caution")
UNSURE = constants.number("joining.unsure")  # pseudo-count of legs of either kind at a place
MANY = constants.count(
    "joining.many"
)  # legs from one port that make it a place of its own, else the machine is


def priors(facts: Facts, following: Sequence[int]) -> Floats:
    """Return the prior log-odds per leg (row); ``following``: rows of downstream legs of the first choice."""
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
