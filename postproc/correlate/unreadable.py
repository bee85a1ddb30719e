"""Legs whose SIP cannot be read (TLS or WebSocket without keys): an ICE session beside one readable leg.

Nothing in the packets names both, so only what cannot be taken for another is joined: the session and
the leg meet at one machine and at one time, the leg has no ICE of its own, and neither has another that
fits as well.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

import pandas as pd

from postproc.correlate.endpoints import recording_of
from postproc.correlate.ice import Checks, Session
from postproc.correlate.rows import records

SECOND = 1_000_000_000
# A B2BUA answers its client, and so begins to check, when the other leg gets its INVITE, its provisional
# or its final answer; FreeSWITCH and Asterisk need 0.01 to 0.3 s for it in the recordings here. With
# longer times more calls of a busy server meet by chance; with shorter ones a slow server's are two calls.
NEAR = 2 * SECOND
# So much nearer in time than any other that fits, else nobody is joined.
AHEAD = SECOND


class Hidden(NamedTuple):
    """A leg without readable SIP: which leg is its neighbour, and the machine both have in common."""

    beside: str  # Call-ID
    server: str  # address
    first: bool  # the server makes the readable leg, so the hidden one comes first


class _Leg(NamedTuple):
    call_id: str
    capture: str
    uac_addr: str | None
    uas_addr: str | None
    moments: tuple[int, ...]  # at which its other side may be answered; ns since 1970


class _Fit(NamedTuple):
    apart: int  # ns
    place: int
    hidden: Hidden


def hidden_legs(
    sessions: Sequence[Session],
    legs: pd.DataFrame,
    groups: Mapping[str, int],
    with_ice: Iterable[str],
    recordings: Mapping[str, int],
) -> dict[int, Hidden]:
    """The sessions, by their place, that are the unreadable leg of a call with one readable leg.

    ``groups`` tell calls apart, by Call-ID; ``with_ice`` are the Call-IDs whose SDP has ICE;
    ``recordings`` maps captures to recordings.
    """
    known = _by_host(_single(legs, groups, {*with_ice}))
    nearest: dict[tuple[int, str], _Fit] = {}  # by session and leg
    for place, session in enumerate(sessions):
        if session.call_id is None and session.checks is not None:
            for fit in _fits(place, session.checks, known, recordings):
                held = nearest.get((place, fit.hidden.beside), fit)
                nearest[place, fit.hidden.beside] = min(held, fit)
    return {fit.place: fit.hidden for fit in _far_ahead(nearest.values())}


def _single(legs: pd.DataFrame, groups: Mapping[str, int], with_ice: set[str]) -> list[_Leg]:
    """The only legs of their calls, without ICE, in all recordings that show them."""
    members: dict[int, set[str]] = {}
    for call_id, group in groups.items():
        members.setdefault(group, set()).add(call_id)
    only = {name for held in members.values() if len(held) == 1 for name in held} - with_ice
    columns = ("call_id", "capture", "uac_addr", "uas_addr", "invite_time", "progress_time", "answer_time")
    return [
        _Leg(call_id, capture, uac, uas, tuple(time for time in moments if time is not None))
        for call_id, capture, uac, uas, *moments in records(legs, *columns)
        if call_id in only
    ]


def _by_host(legs: Iterable[_Leg]) -> dict[str, list[tuple[int, _Leg]]]:
    """By machine: the moments of the legs there, in order."""
    found: dict[str, list[tuple[int, _Leg]]] = defaultdict(list)
    for leg in legs:
        for host in {host for host in (leg.uac_addr, leg.uas_addr) if host is not None}:
            found[host].extend((moment, leg) for moment in leg.moments)
    return {host: sorted(held, key=itemgetter(0)) for host, held in found.items()}


def _fits(
    place: int,
    checks: Checks,
    known: Mapping[str, list[tuple[int, _Leg]]],
    recordings: Mapping[str, int],
) -> Iterator[_Fit]:
    hosts, where = {*checks.hosts.values()}, recording_of(recordings, checks.capture)
    if len(hosts) != 2:
        return
    for server in hosts:
        held = known.get(server, [])
        start = bisect_left(held, checks.first - NEAR, key=itemgetter(0))
        for moment, leg in held[start : bisect_right(held, checks.first + NEAR, key=itemgetter(0))]:
            ends = {leg.uac_addr, leg.uas_addr}
            # With both machines in common it would be this leg's own session.
            if not hosts <= ends and where == recording_of(recordings, leg.capture):
                apart = abs(checks.first - moment)
                yield _Fit(apart, place, Hidden(leg.call_id, server, first=leg.uac_addr == server))


def _far_ahead(fits: Collection[_Fit]) -> Iterator[_Fit]:
    """Those with nothing else as near that the session or the leg might be joined with."""
    of_session, of_leg = defaultdict(list), defaultdict(list)
    for fit in fits:
        of_session[fit.place].append(fit)
        of_leg[fit.hidden.beside].append(fit)
    for fit in fits:
        rivals = of_session[fit.place] + of_leg[fit.hidden.beside]
        if all(rival is fit or rival.apart - fit.apart >= AHEAD for rival in rivals):
            yield fit
