"""How much speaks for two legs being the two sides of one B2BUA: scored pieces of evidence.

A score is log-odds (natural logarithm): how much more often this is seen between
a leg and the one that follows from it than between legs of different calls. The
scores of a couple add up. See ``scoring`` for when a piece counts.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from postproc import constants
from postproc.correlate.arrays import Flags, Floats, Ints, rarity, shared
from postproc.correlate.facts import Facts
from postproc.correlate.nearby import REACTION, WINDOW
from postproc.correlate.users import Users

WEIGHTS = constants.numbers("evidence")  # each is explained there
GRAIN, SLACK = WEIGHTS["grain_s"], WEIGHTS["slack_s"]


class Pairs(NamedTuple):
    """Pairs of legs: row upstream, row downstream, seconds from what may have caused the second."""

    a: Ints
    b: Ints
    delay: Floats

    def take(self, keep: Ints | Flags | slice) -> "Pairs":
        return Pairs(self.a[keep], self.b[keep], self.delay[keep])

    def followed_by(self, more: "Pairs") -> "Pairs":
        a, b = np.concatenate([self.a, more.a]), np.concatenate([self.b, more.b])
        return Pairs(a, b, np.concatenate([self.delay, more.delay]))


def callee(facts: Facts, pairs: Pairs) -> Floats:
    """The same party is called: up to 6, the rarer the more; another one -2 (it may have been diverted).

    Where neither party is the same, -6: a B2BUA that rewrites both is rarer than two calls at once.
    """
    score = _same_user(facts.callee, pairs, most=WEIGHTS["same_callee_most"], other=WEIGHTS["other_callee"])
    return score + np.where((score < 0) & (caller(facts, pairs) < 0), WEIGHTS["neither_same"], 0.0)


def caller(facts: Facts, pairs: Pairs) -> Floats:
    """The same party calls: up to 4, the rarer the more; another one -1 (trunks show their own number)."""
    return _same_user(facts.caller, pairs, most=WEIGHTS["same_caller_most"], other=WEIGHTS["other_caller"])


def _same_user(users: Users, pairs: Pairs, *, most: float, other: float) -> Floats:
    a, b = pairs.a, pairs.b
    long_a, long_b = users.tail[a] >= 0, users.tail[b] >= 0
    exact_a, exact_b = users.exact[a][:, :, None], users.exact[b][:, None, :]
    same = (users.key[a][:, :, None] == users.key[b][:, None, :]) & (users.key[a] >= 0)[:, :, None]
    # Equal at the end alone, though both are whole numbers: one has a prefix that reads as an area code.
    doubtful = (exact_a != exact_b) & (exact_a >= 0) & (exact_b >= 0)
    worth = np.minimum(users.rarity[a], most) * np.where(long_a, 1.0, WEIGHTS["short"])
    share = np.where(doubtful, WEIGHTS["doubtful"], 1.0)
    best = np.where(same, worth[:, :, None] * share, 0.0).max(axis=(1, 2))
    known = (users.key[a] >= 0).any(axis=1) & (users.key[b] >= 0).any(axis=1)
    comparable = known & (long_a.any(axis=1) == long_b.any(axis=1))
    return np.where(same.any(axis=(1, 2)), best, np.where(comparable, other, 0.0))


def invite(facts: Facts, pairs: Pairs) -> Floats:
    """The second INVITE follows soon, while the first is pending: up to 4, less after its answer.

    Clocks of two interfaces may have it seem to precede the first, but that speaks less for it.
    """
    wait = np.clip(np.abs(pairs.delay), 0.0, WINDOW - GRAIN) + GRAIN
    soon = WEIGHTS["invite"] * np.log(WINDOW / wait)
    soon += np.where(pairs.delay < 0, WEIGHTS["backward"], 0.0)
    seen = facts.invited[pairs.a] & facts.invited[pairs.b]
    answered = facts.answer[pairs.a] <= facts.start[pairs.b]
    return np.where(seen, soon, soon / 2) + np.where(answered, WEIGHTS["after_answer"], 0.0)


def progress(facts: Facts, pairs: Pairs) -> Floats:
    """Ringing, or a provisional response, is passed on: up to 2."""
    a, b = pairs.a, pairs.b
    either = (facts.ringing[a] - facts.ringing[b], facts.progress[a] - facts.progress[b])
    return np.maximum(*(WEIGHTS["progress"] * _closeness(delay) for delay in either))


def answer(facts: Facts, pairs: Pairs) -> Floats:
    """The answer is passed on: up to 4; -2 if the first leg was answered at another time after the INVITE."""
    a, b = facts.answer[pairs.a], facts.answer[pairs.b]
    delay = a - b
    near = WEIGHTS["answer"] + WEIGHTS["answer_closeness"] * _closeness(delay)
    passed_on = np.where(_soon(delay), near, 0.0)
    apart = (delay > REACTION) | ((delay < -GRAIN) & (a > facts.start[pairs.b] + GRAIN))
    return passed_on + np.where(apart, WEIGHTS["answer_apart"], 0.0)


def end(facts: Facts, pairs: Pairs) -> Floats:
    """BYE, CANCEL or failure is passed on: up to 3, and 1 more for the same failure."""
    a, b = pairs.a, pairs.b
    later = facts.end[b] - facts.end[a]
    by_a, by_b = facts.ended_by[a], facts.ended_by[b]
    same_way = (by_a == by_b) & (by_a >= 0)
    # The caller hangs up: upstream first. The called party hangs up, or refuses: downstream first.
    delay = np.where(same_way, np.where(by_a == 0, later, -later), np.abs(later))
    score = np.where(
        _soon(delay), WEIGHTS["end_passed_on"] + WEIGHTS["end_closeness"] * _closeness(delay), 0.0
    )
    same_failure = (facts.failure[a] == facts.failure[b]) & (facts.failure[a] > 0)
    score = np.where(same_way, score, WEIGHTS["end_other_way"] * score)
    return score + np.where(same_failure & _soon(delay), WEIGHTS["same_failure"], 0.0)


def lifetime(facts: Facts, pairs: Pairs) -> Floats:
    """-3 if the second leg outlives the first, -1.5 if the first goes on after both answered; else 0.5."""
    a, b = pairs.a, pairs.b
    longer = facts.end[b] - facts.end[a]
    both_answered = ~np.isnan(facts.answer[a]) & ~np.isnan(facts.answer[b])
    within = np.where((longer < -SLACK) & both_answered, WEIGHTS["goes_on"], WEIGHTS["ends_within"])
    return np.where(np.isnan(longer), 0.0, np.where(longer > SLACK, WEIGHTS["outlives"], within))


def host(facts: Facts, pairs: Pairs) -> Floats:
    """The callee's machine upstream is the caller's downstream: up to 3, the rarer the more; -1.5 if not.

    -4 if moreover the second leg goes to where the first one came from: another call of the same two.
    """
    b = pairs.b
    turned = _equal(facts.uac.host[pairs.a], facts.uas.host[b])
    place, machine = rarity(facts.uac.place), rarity(facts.uac.host)
    kinds = [link(facts, pairs) for link in (same_place, same_host, _same_hosts, _by_loopback)]
    few = np.full(len(b), WEIGHTS["by_loopback"])
    worth = [
        np.minimum(place[b], WEIGHTS["same_place_most"]),
        np.minimum(machine[b], WEIGHTS["same_host_most"]),
        np.minimum(machine[b], WEIGHTS["same_hosts_most"]),
        few,
    ]
    agent = _same_agent(facts, pairs)
    named = np.minimum(rarity(facts.uac.agent)[b], WEIGHTS["same_agent_most"])
    score = np.select(kinds, worth, 0.0) + np.where(agent, named, 0.0)
    elsewhere = np.where(turned, WEIGHTS["turned_round"], WEIGHTS["other_host"])
    return np.where(np.any([*kinds, agent], axis=0), score, elsewhere)


def same_place(facts: Facts, pairs: Pairs) -> Flags:
    """Return where the second leg comes from the very address and port the first one goes to."""
    return _equal(facts.uas.place[pairs.a], facts.uac.place[pairs.b])


def same_host(facts: Facts, pairs: Pairs) -> Flags:
    """Return where it comes from the same address."""
    return _equal(facts.uas.host[pairs.a], facts.uac.host[pairs.b])


def siblings(facts: Facts, pairs: Pairs) -> Flags:
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
    """A leg on the loopback interface is at the capturing machine, which the other may be at too."""
    one = facts.uas.loopback[pairs.a] != facts.uac.loopback[pairs.b]
    agents = facts.uas.agent[pairs.a], facts.uac.agent[pairs.b]
    others = (agents[0] >= 0) & (agents[1] >= 0) & (agents[0] != agents[1])
    return np.asarray(one & ~others & (facts.recording[pairs.a] == facts.recording[pairs.b]), dtype=bool)


def _equal(one: Ints, other: Ints) -> Flags:
    return np.asarray((one == other) & (one >= 0), dtype=bool)


def _soon(delay: Floats) -> Flags:
    return (delay >= -GRAIN) & (delay <= REACTION)


def _closeness(delay: Floats) -> Floats:
    """Return 0 for REACTION, up to 3.2 for at once; 0 outside."""
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
