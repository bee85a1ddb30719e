"""Attribute packets to a call and leg: two transport addresses and a time in, call, leg and sides out.

STUN, DTLS, RTP and ICMP all climb down the same ladder of evidence, strongest first:

1. The USERNAME of a check: both ufrags name the session, whatever NAT did to the addresses (RFC 8445).
2. Checks between the same two addresses; the nearest in time count, while their leg lives.
3. Other traffic already attributed between those addresses: DTLS handshakes, then streams.
4. Addresses named in the leg's SDP, bases seen in its checks, or their mapped addresses: both ends
   match; or one end and the other's port (a server whose SDP has its public address); or one end.
5. For a STUN server look-up: the one call whose INVITE the sender has received and not yet answered.

The leg must be alive at that time. A tie goes to the leg that overlaps the packets longest; if that
does not decide either, the packets stay unattributed.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from itertools import islice
from typing import NamedTuple

from postproc.correlate.endpoints import (
    ANYWHERE,
    GATHERING,
    SLACK,
    WAYS,
    Address,
    Index,
    Recording,
    Use,
    Uses,
    pair_of,
    recording_of,
)
from postproc.correlate.ice import halves, session_of, sides_of_check
from postproc.correlate.spans import ALWAYS, LegKey, Time, overlapping, span_of
from postproc.model import constants
from postproc.model.deployment import CLIENT, SERVER

Sides = tuple[str | None, str | None]

# An address used by more legs than this at one time identifies none of them; the cap bounds the work where
# thousands of calls share a media port, and the other end still decides. A quarter of the value, or four
# times it, changes no row of the captures in pcaps/; two legs for each of 16 targets rung at once fit below.
CROWD = constants.count("whose.most_legs")
BOTH, WITH_PORT, ONE = 3, 2, 1  # how well two ends match a leg; only the order counts


class Traffic(NamedTuple):
    """Packets that went from src to dst; first and last in ns since 1970."""

    capture: str
    src: Address
    dst: Address
    first: int
    last: int
    stun: bool = False  # may precede the leg's first message: candidates are gathered before the INVITE
    username: str | None = None  # of a STUN request
    mapped: Address | None = None  # XOR-MAPPED-ADDRESS of src in the response


class Owner(NamedTuple):
    """The call and leg that packets belong to, and the sides of sender and receiver."""

    call: int
    leg: int | None
    src_side: str | None
    dst_side: str | None
    direct: bool = False  # between the far ends of two legs, past the server between them


def owner(index: Index, traffic: Traffic) -> Owner | None:
    """Return the call, leg and sides of the traffic; None where the evidence does not decide."""
    scope = recording_of(index.recordings, traffic.capture)
    return (
        by_username(index, traffic.username, traffic.first)
        or _by_use(index, (index.checks, *index.others), traffic)
        or _by_address(index, scope, traffic)
        or _by_address(index, ANYWHERE, traffic)
    )


def by_username(index: Index, username: str | None, time: int | None) -> Owner | None:
    """Return the owner of a check by its two ufrags; of several sessions the nearest in time."""
    session = session_of(index.sessions, username, time)
    return session and Owner(session.call, session.leg, *sides_of_check(session, username))


def by_checks(index: Index, traffic: Traffic) -> Owner | None:
    """Return the owner by checks between the same two addresses."""
    return _by_use(index, (index.checks,), traffic)


def invited(index: Index, traffic: Traffic) -> Owner | None:
    """Return the one call that the sender has been invited to and not yet answered."""
    scope = recording_of(index.recordings, traffic.capture)
    invitations = index.asked.get((scope, traffic.src[0]))
    near = overlapping(invitations, traffic.first, traffic.last) if invitations else ()
    legs = {span.leg for span in islice(near, CROWD)}
    return _within_one_call(dict.fromkeys(legs, (None, None)), ONE)


def ufrag_at(index: Index, traffic: Traffic, leg: LegKey, address: Address) -> str | None:
    """Return the leg's ufrag at one end of the traffic, as checks between the same addresses show it."""
    for check in _near(index, index.checks, traffic):
        pair = halves(check.username)
        if pair and check.leg == leg:
            receiver, sender = pair
            return sender if check.src == address else receiver
    return None


def _near(index: Index, uses: Uses, traffic: Traffic) -> list[Use]:
    """Return the uses of the address pair during the traffic, else the nearest before and after it."""
    key = recording_of(index.recordings, traffic.capture), pair_of(traffic.src, traffic.dst)
    uses_there, first, last = uses.get(key, []), traffic.first, traffic.last
    low = bisect_left(uses_there, first, key=lambda use: use.time)
    high = bisect_right(uses_there, last, key=lambda use: use.time)
    if low < high:
        return uses_there[low:high]
    around = uses_there[max(low - 1, 0) : low] + uses_there[high : high + 1]
    return sorted(around, key=lambda use: max(first - use.time, use.time - last))


def _by_use(index: Index, evidence: tuple[Uses, ...], traffic: Traffic) -> Owner | None:
    """Return the owner by earlier traffic on the address pair: the leg most often seen, else the nearest."""
    for uses in evidence:
        near = _near(index, uses, traffic)
        shared = {leg: _shared_time(index, leg, traffic) for leg in {use.leg for use in near}}
        alive = max(shared.values(), default=0) > 0
        near = [use for use in near if shared[use.leg] >= (0 if alive else -_slack(index, use.leg, traffic))]
        if near:
            leg = Counter(use.leg for use in near).most_common(1)[0][0]  # of equals the nearest
            return _used(index, next(use for use in near if use.leg == leg), traffic)
    return None


def _slack(index: Index, leg: LegKey, traffic: Traffic) -> int:
    """Return how far (ns) outside the leg's life the traffic may lie."""
    before = traffic.last < index.lives.get(leg, ALWAYS)[0]
    return GATHERING if traffic.stun and before else SLACK


def _used(index: Index, use: Use, traffic: Traffic) -> Owner:
    if use.direction is None:  # a DTLS handshake or a stream does not say who is who
        return Owner(*use.leg, *_sides_by_address(index, use.leg, traffic))
    ends = WAYS.get(use.direction, (None, None))
    return Owner(*use.leg, *(ends if use.src == traffic.src else ends[::-1]))


def _sides_by_address(index: Index, leg: LegKey, traffic: Traffic) -> Sides:
    scope = recording_of(index.recordings, traffic.capture)
    ends = (_fit_of_other(index, scope, end, leg, traffic)[1] for end in (traffic.src, traffic.dst))
    return _both_sides(index, leg, (next(ends), next(ends)))


def _by_address(index: Index, scope: Recording, traffic: Traffic) -> Owner | None:
    """Return the owner by the legs' known addresses: the best match, then the longest overlap in time."""
    fits = _fits(index, scope, traffic)
    best = max((fit for fit, _ in fits.values()), default=0)
    if not fits or (scope == ANYWHERE and best < BOTH):
        return None
    top = {leg: sides for leg, (fit, sides) in fits.items() if fit == best}
    ended = [leg for leg in top if index.lives.get(leg, ALWAYS)[1] < ALWAYS[1]]
    # A leg whose end was captured beats one that seems to go on: by now its port has been reused.
    leg = _clearly_first({leg: _shared_time(index, leg, traffic) for leg in ended or top})
    if leg is None:
        return _past_the_server(top, best) or _within_one_call(top, best)
    return Owner(*leg, *_both_sides(index, leg, top[leg]))


def _fits(index: Index, scope: Recording, traffic: Traffic) -> dict[LegKey, tuple[int, Sides]]:
    """Return, for each leg at either address, how well it matches both and the sides of src and dst.

    A base belongs to its leg for as long as checks use it. Outside the leg's life this holds for STUN
    only, since a recording without SIP may run on another clock.
    """
    fits: dict[LegKey, tuple[int, Sides]] = {}
    for leg, side in _legs_at(index, scope, traffic.src, traffic).items():
        fit, other = _fit_of_other(index, scope, traffic.dst, leg, traffic)
        fits[leg] = fit, (side, other)
    for leg, side in _legs_at(index, scope, traffic.dst, traffic).items():
        fit, other = _fit_of_other(index, scope, traffic.src, leg, traffic)
        if leg not in fits or fit > fits[leg][0]:
            fits[leg] = fit, (other, side)
    if traffic.stun:
        return fits
    return {leg: fit for leg, fit in fits.items() if _shared_time(index, leg, traffic) >= -SLACK}


def _fit_of_other(
    index: Index, scope: Recording, address: Address, leg: LegKey, traffic: Traffic
) -> tuple[int, str | None]:
    """Return how well ``address`` fits a leg that the other end belongs to, and the side at ``address``."""
    for name in _names(index, scope, address, traffic):
        spans_there = index.places.get((scope, name))
        if spans_there and (span := span_of(spans_there, leg, traffic.first, traffic.last)):
            return BOTH, span.side
    sides = index.ports.get(leg, {}).get(address[1], set())
    return (WITH_PORT if sides else ONE), (next(iter(sides)) if len(sides) == 1 else None)


def _legs_at(index: Index, scope: Recording, address: Address, traffic: Traffic) -> dict[LegKey, str | None]:
    """Return the legs at an address during the traffic, with their side; empty if more than CROWD."""
    legs: dict[LegKey, str | None] = {}
    for name in _names(index, scope, address, traffic):
        spans_there = index.places.get((scope, name))
        for span in overlapping(spans_there, traffic.first, traffic.last) if spans_there else ():
            legs.setdefault(span.leg, span.side)
            if len(legs) > CROWD:
                return {}
    return legs


def _names(index: Index, scope: Recording, address: Address, traffic: Traffic) -> list[Address]:
    """Return the address and the latest address STUN showed for it across the NAT before the traffic."""
    if address == traffic.src and traffic.mapped:
        return [address, traffic.mapped]
    mappings = index.mapped.get((scope, address), [])
    after = max(bisect_right(mappings, traffic.first, key=lambda item: item[0]), 1)
    return [address, *(name for _, name in mappings[after - 1 : after])]


def _shared_time(index: Index, leg: LegKey, traffic: Traffic) -> Time:
    """Return the overlap of leg and traffic in ns; negative is the gap between them."""
    start, end = index.lives.get(leg, ALWAYS)
    return min(end, max(traffic.last, traffic.first + 1)) - max(start, traffic.first)


def _clearly_first(shares: dict[LegKey, Time]) -> LegKey | None:
    """Return the only leg, or the one that overlaps at least twice as long as the next; else None.

    The factor is a choice: a smaller one decides more often, a larger one leaves more rows unattributed.
    """
    ranked = sorted(shares, key=lambda leg: shares[leg], reverse=True)
    if len(ranked) == 1:
        return ranked[0]
    best, second = shares[ranked[0]], shares[ranked[1]]
    clear = best >= 2 * second if best > 0 else best >= second / 2
    return ranked[0] if clear and best > second else None


def _past_the_server(top: dict[LegKey, Sides], fit: int) -> Owner | None:
    """Return the first leg of a call whose server passed each far end's address to the other.

    Media bypasses such a server: each end is the server's address on one leg and a far end's on the other.
    """
    if fit < BOTH or len({call for call, _ in top}) != 1:
        return None
    sides_by_end = [{sides[end] for sides in top.values()} for end in (0, 1)]
    if not all(SERVER in sides and sides - {SERVER, None} for sides in sides_by_end):
        return None
    clients = [leg for leg, sides in top.items() if CLIENT in sides]
    leg = min(clients or top, key=lambda leg: leg[1] or 0)
    return Owner(*leg, *top[leg], direct=True)


def _within_one_call(top: dict[LegKey, Sides], fit: int) -> Owner | None:
    """Return the call if all matching legs are its own; the client's leg too where both ends match."""
    calls = {call for call, _ in top}
    if len(calls) != 1:
        return None
    if len(top) == 1:
        return Owner(*next(iter(top)), None, None)
    clients = [leg for leg, sides in top.items() if "client" in sides]
    if fit == BOTH and len(clients) == 1:
        return Owner(*clients[0], *top[clients[0]])
    return Owner(calls.pop(), None, None, None)


def _both_sides(index: Index, leg: LegKey, sides: Sides) -> Sides:
    """Infer the one unknown side where the leg has exactly one other side."""
    known_sides = {side for port_sides in index.ports.get(leg, {}).values() for side in port_sides if side}
    others = known_sides - set(sides)
    if (sides[0] is None) == (sides[1] is None) or len(others) != 1:
        return sides
    return sides[0] or others.pop(), sides[1] or others.pop()
