"""Legs with unreadable SIP (TLS or WebSocket without keys): an ICE session beside one readable leg.

Nothing in the packets names both, so only an unambiguous match is joined: session and leg meet at one
machine at one time, the leg has no ICE of its own, and neither has another candidate that matches as well.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

import pandas as pd

from postproc.correlate.endpoints import recording_of
from postproc.correlate.ice import Checks, Session
from postproc.correlate.rows import NS_PER_S, records

# A B2BUA answers its client, and so starts checks, when the other leg sends its INVITE or receives a
# provisional or final answer; FreeSWITCH and Asterisk take 0.01 to 0.3 s in the recordings of pcaps/. Longer
# times let unrelated calls of a busy server meet by chance; shorter ones split the calls of a slow server.
NEAR = 2 * NS_PER_S
# A match must be nearer in time than any rival by this much, else nothing is joined. A choice: smaller joins
# more calls on a busy server, and more of them wrongly.
AHEAD = NS_PER_S


class Hidden(NamedTuple):
    """A leg with unreadable SIP: the Call-ID of its readable neighbour, and the server between them."""

    beside: str  # Call-ID
    server: str  # address
    first: bool  # the server initiates the readable leg, so the hidden leg precedes it


class _Leg(NamedTuple):
    call_id: str
    capture: str
    uac_addr: str | None
    uas_addr: str | None
    moments: tuple[int, ...]  # at which the server may answer the hidden leg; ns since 1970


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
    """Return, by place in ``sessions``, those that are the unreadable leg of a call with one readable leg.

    ``groups`` maps a Call-ID to its call; ``with_ice`` are the Call-IDs whose SDP has ICE;
    ``recordings`` maps captures to recordings.
    """
    by_host = _by_host(_single(legs, groups, {*with_ice}))
    nearest: dict[tuple[int, str], _Fit] = {}  # by session and leg
    for place, session in enumerate(sessions):
        if session.call_id is None and session.checks is not None:
            for fit in _fits(place, session.checks, by_host, recordings):
                best = nearest.get((place, fit.hidden.beside), fit)
                nearest[place, fit.hidden.beside] = min(best, fit)
    return {fit.place: fit.hidden for fit in _far_ahead(nearest.values())}


def _single(legs: pd.DataFrame, groups: Mapping[str, int], with_ice: set[str]) -> list[_Leg]:
    """Return legs without ICE that are the only leg of their call, one per recording that shows them."""
    members: dict[int, set[str]] = {}
    for call_id, group in groups.items():
        members.setdefault(group, set()).add(call_id)
    only = {name for call_ids in members.values() if len(call_ids) == 1 for name in call_ids} - with_ice
    columns = ("call_id", "capture", "uac_addr", "uas_addr", "invite_time", "progress_time", "answer_time")
    return [
        _Leg(call_id, capture, uac, uas, tuple(time for time in moments if time is not None))
        for call_id, capture, uac, uas, *moments in records(legs, *columns)
        if call_id in only
    ]


def _by_host(legs: Iterable[_Leg]) -> dict[str, list[tuple[int, _Leg]]]:
    """Return by host the moments of the legs there, in order."""
    by_host: dict[str, list[tuple[int, _Leg]]] = defaultdict(list)
    for leg in legs:
        for host in {host for host in (leg.uac_addr, leg.uas_addr) if host is not None}:
            by_host[host].extend((moment, leg) for moment in leg.moments)
    return {host: sorted(moments, key=itemgetter(0)) for host, moments in by_host.items()}


def _fits(
    place: int,
    checks: Checks,
    by_host: Mapping[str, list[tuple[int, _Leg]]],
    recordings: Mapping[str, int],
) -> Iterator[_Fit]:
    seen: dict[Hashable, dict[str, str]] = defaultdict(dict)  # by recording
    for capture, hosts_of in checks.hosts_in.items():
        seen[recording_of(recordings, capture)] = hosts_of | seen[recording_of(recordings, capture)]
    views = ((where, {*hosts_of.values()}) for where, hosts_of in seen.items())
    pairs = [(where, hosts) for where, hosts in views if len(hosts) == 2]
    for where, hosts, server in ((*pair, host) for pair in pairs for host in pair[1]):
        moments = by_host.get(server, [])
        start = bisect_left(moments, checks.first - NEAR, key=itemgetter(0))
        for moment, leg in moments[start : bisect_right(moments, checks.first + NEAR, key=itemgetter(0))]:
            ends = {leg.uac_addr, leg.uas_addr}
            # If leg and session share both hosts, the session is that leg's own.
            if not hosts <= ends and where == recording_of(recordings, leg.capture):
                apart = abs(checks.first - moment)
                yield _Fit(apart, place, Hidden(leg.call_id, server, first=leg.uac_addr == server))


def _far_ahead(fits: Collection[_Fit]) -> Iterator[_Fit]:
    """Yield the matches that no rival of the session or the leg comes within AHEAD of."""
    of_session, of_leg = defaultdict(list), defaultdict(list)
    for fit in fits:
        of_session[fit.place].append(fit)
        of_leg[fit.hidden.beside].append(fit)
    for fit in fits:
        rivals = of_session[fit.place] + of_leg[fit.hidden.beside]
        if all(rival is fit or rival.apart - fit.apart >= AHEAD for rival in rivals):
            yield fit
