"""Whose packets are these? Two transport addresses and a time -> call, leg and both sides.

Evidence, best first:

1. ICE checks between the same two addresses (RFC 8445): they name both ufrags,
   so NAT cannot mislead; the nearest in time count, while their leg lives.
2. DTLS handshakes there that are tied already.
3. Addresses the leg's SDP names, or their mapped addresses: both ends; or one
   end and the other's port (a server whose SDP has its public address); or one.

The leg must live at that time. Legs that fit equally well are told apart by the
time they share with the packets; if that does not help either, nothing is said.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from typing import NamedTuple

from postproc import constants
from postproc.correlate.spans import ALWAYS, LegKey, Time, overlapping, span_of
from postproc.correlate.ties import ANYWHERE, Address, Check, Evidence, Recording, Ties, pair_of, recording_of
from postproc.correlate.ufrags import halves

Sides = tuple[str | None, str | None]

SLACK = constants.nanoseconds("whose.margin_s")
CROWD = constants.count("whose.most_legs")
BOTH, WITH_PORT, ONE = 3, 2, 1  # how well two ends fit a leg
WAYS: dict[str | None, Sides] = {
    "server_to_client": ("server", "client"),
    "client_to_server": ("client", "server"),
}


class Traffic(NamedTuple):
    """Packets that went from src to dst; first and last in ns since 1970."""

    capture: str
    src: Address
    dst: Address
    first: int
    last: int


class Owner(NamedTuple):
    """The call and leg that packets belong to, and the sides of sender and receiver."""

    call: int
    leg: int | None
    src_side: str | None
    dst_side: str | None


def owner(ties: Ties, traffic: Traffic) -> Owner | None:
    """Return whose packets these are; None if unsure."""
    scope = recording_of(ties.recordings, traffic.capture)
    return (
        _by_check(ties, ties.checks, traffic)
        or _by_check(ties, ties.handshakes, traffic)
        or _by_address(ties, scope, traffic)
        or _by_address(ties, ANYWHERE, traffic)
    )


def ufrag_at(ties: Ties, traffic: Traffic, leg: LegKey, address: Address) -> str | None:
    """Return the leg's ufrag at one end of the traffic, as checks between the same addresses show it."""
    for check in _near(ties.checks, ties, traffic):
        pair = halves(check.username)
        if pair and check.leg == leg:
            receiver, sender = pair
            return sender if check.src == address else receiver
    return None


def _near(evidence: Evidence, ties: Ties, traffic: Traffic) -> list[Check]:
    """Return the checks during the traffic, else the one before and the one after, nearest first."""
    key = recording_of(ties.recordings, traffic.capture), pair_of(traffic.src, traffic.dst)
    checks, first, last = evidence.get(key, []), traffic.first, traffic.last
    low = bisect_left(checks, first, key=lambda check: check.time)
    high = bisect_right(checks, last, key=lambda check: check.time)
    if low < high:
        return checks[low:high]
    around = checks[max(low - 1, 0) : low] + checks[high : high + 1]
    return sorted(around, key=lambda check: max(first - check.time, check.time - last))


def _by_check(ties: Ties, evidence: Evidence, traffic: Traffic) -> Owner | None:
    """Return the owner by the nearest checks; of those during the traffic by most of them."""
    near = _near(evidence, ties, traffic)
    shared = {leg: _shared_time(ties, leg, traffic) for leg in {check.leg for check in near}}
    at_least = 0 if max(shared.values(), default=0) > 0 else -SLACK
    near = [check for check in near if shared[check.leg] >= at_least]
    if not near:
        return None
    leg = Counter(check.leg for check in near).most_common(1)[0][0]  # of equals the nearest
    check = next(check for check in near if check.leg == leg)
    if check.direction is None:  # a DTLS handshake does not say who is who
        return Owner(*leg, *_sides_by_address(ties, leg, traffic))
    sides = WAYS.get(check.direction, (None, None))
    return Owner(*leg, *(sides if check.src == traffic.src else sides[::-1]))


def _sides_by_address(ties: Ties, leg: LegKey, traffic: Traffic) -> Sides:
    scope = recording_of(ties.recordings, traffic.capture)
    ends = (_fit_of_other(ties, scope, end, leg, traffic)[1] for end in (traffic.src, traffic.dst))
    return _both_sides(ties, leg, (next(ends), next(ends)))


def _by_address(ties: Ties, scope: Recording, traffic: Traffic) -> Owner | None:
    """Return the owner by addresses named in SDP: the best fit, then the most shared time."""
    fits = _fits(ties, scope, traffic)
    best = max((fit for fit, _ in fits.values()), default=0)
    if not fits or (scope == ANYWHERE and best < BOTH):
        return None
    top = {leg: sides for leg, (fit, sides) in fits.items() if fit == best}
    ended = [leg for leg in top if ties.lives.get(leg, ALWAYS)[1] < ALWAYS[1]]
    # Whoever was not seen to hang up gives way: the port has been used again since.
    leg = _clearly_first({leg: _shared_time(ties, leg, traffic) for leg in ended or top})
    if leg is None:
        return _within_one_call(top, best)
    return Owner(*leg, *_both_sides(ties, leg, top[leg]))


def _fits(ties: Ties, scope: Recording, traffic: Traffic) -> dict[LegKey, tuple[int, Sides]]:
    """Return how well each leg that is at one of the addresses fits both."""
    fits: dict[LegKey, tuple[int, Sides]] = {}
    for leg, side in _legs_at(ties, scope, traffic.src, traffic).items():
        fit, other = _fit_of_other(ties, scope, traffic.dst, leg, traffic)
        fits[leg] = fit, (side, other)
    for leg, side in _legs_at(ties, scope, traffic.dst, traffic).items():
        fit, other = _fit_of_other(ties, scope, traffic.src, leg, traffic)
        if leg not in fits or fit > fits[leg][0]:
            fits[leg] = fit, (other, side)
    return fits


def _fit_of_other(
    ties: Ties, scope: Recording, address: Address, leg: LegKey, traffic: Traffic
) -> tuple[int, str | None]:
    """Return how well the other end fits a leg that one end belongs to, and the other end's side."""
    for name in _names(ties, scope, address, traffic.first):
        index = ties.places.get((scope, name))
        if index and (span := span_of(index, leg, traffic.first, traffic.last)):
            return BOTH, span.side
    sides = ties.ports.get(leg, {}).get(address[1], set())
    return (WITH_PORT if sides else ONE), (next(iter(sides)) if len(sides) == 1 else None)


def _legs_at(ties: Ties, scope: Recording, address: Address, traffic: Traffic) -> dict[LegKey, str | None]:
    """Return the legs at an address during the traffic, with their side; none if they are a crowd."""
    legs: dict[LegKey, str | None] = {}
    for name in _names(ties, scope, address, traffic.first):
        index = ties.places.get((scope, name))
        for span in overlapping(index, traffic.first, traffic.last) if index else ():
            legs.setdefault(span.leg, span.side)
            if len(legs) > CROWD:
                return {}
    return legs


def _names(ties: Ties, scope: Recording, address: Address, time: int) -> list[Address]:
    """Return the address and, where STUN told it, its last name across the NAT before that time."""
    told = ties.mapped.get((scope, address), [])
    place = max(bisect_right(told, time, key=lambda item: item[0]), 1)
    return [address, *(name for _, name in told[place - 1 : place])]


def _shared_time(ties: Ties, leg: LegKey, traffic: Traffic) -> Time:
    """Return the time that leg and packets share; below 0: the time between them."""
    start, end = ties.lives.get(leg, ALWAYS)
    return min(end, max(traffic.last, traffic.first + 1)) - max(start, traffic.first)


def _clearly_first(shares: dict[LegKey, Time]) -> LegKey | None:
    """Return the only leg, or the one that shares twice as much time as the next."""
    ranked = sorted(shares, key=lambda leg: shares[leg], reverse=True)
    if len(ranked) == 1:
        return ranked[0]
    best, second = shares[ranked[0]], shares[ranked[1]]
    clear = best >= 2 * second if best > 0 else best >= second / 2
    return ranked[0] if clear and best > second else None


def _within_one_call(top: dict[LegKey, Sides], fit: int) -> Owner | None:
    """Return the call if all legs that fit are its legs; where both ends fit, the client's leg too."""
    calls = {call for call, _ in top}
    if len(calls) != 1:
        return None
    clients = [leg for leg, sides in top.items() if "client" in sides]
    if fit == BOTH and len(clients) == 1:
        return Owner(*clients[0], *top[clients[0]])
    return Owner(calls.pop(), None, None, None)


def _both_sides(ties: Ties, leg: LegKey, sides: Sides) -> Sides:
    """Infer an unknown side where the leg has only one other."""
    named = {side for held in ties.ports.get(leg, {}).values() for side in held if side}
    others = named - set(sides)
    if (sides[0] is None) == (sides[1] is None) or len(others) != 1:
        return sides
    return sides[0] or others.pop(), sides[1] or others.pop()
