"""Which call an address belongs to at a time: for STUN that names no known ufrags.

Two sources. What SDP said of a leg (media endpoints) holds in every capture for
the leg's life. What checks showed on the wire holds in their own capture only:
the 5-tuple of a check that is tied by its ufrags claims what else is sent on it,
and a look-up from the same base shortly before belongs to the same call.

Ports are used again. The life nearest in time owns the address; where several
calls live on it at once the other end must tell them apart, or nothing is said.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import NamedTuple

import pandas as pd

from postproc import constants
from postproc.correlate import ufrags
from postproc.correlate.records import records
from postproc.correlate.spans import ALWAYS, LegKey, Span, Spans, overlapping, spans
from postproc.correlate.ufrags import Session

Place = tuple[str | None, int | None]
Flow = tuple[str, Place, Place]  # capture, sender, receiver
Key = tuple[object, ...]
Legs = Mapping[int, int | None]  # call -> its leg

MARGIN = constants.nanoseconds("whose.margin_s")  # by which media endpoints outlast their leg on both ends
GATHERING = constants.nanoseconds("whose.gathering_s")
CROWD = constants.count("whose.most_lives")  # more lives on one address at once tell nothing


class Places(NamedTuple):
    """Who lives at an address; ``slack`` is how far a span reaches beyond the life itself."""

    held: Mapping[Key, Spans]
    slack: int


class Request(NamedTuple):
    """A transaction, as far as it tells whose it is."""

    flow: Flow
    mapped: Place
    time: int | None
    username: str | None


class Claim(NamedTuple):
    """A check tied by its ufrags."""

    capture: str
    src: Place
    dst: Place
    time: int
    leg: LegKey


def owned(found: pd.DataFrame, ice_sessions: pd.DataFrame, endpoints: pd.DataFrame) -> pd.DataFrame:
    """Call, leg and direction of transactions: by both ufrags, else by address and time.

    ``found`` needs capture, time, 5-tuple, username and mapped address; the rows stay in order.
    """
    known, asked = ufrags.sessions(ice_sessions), _requests(found)
    tied = [ufrags.session_of(known, request.username, request.time) for request in asked]
    seen = [(request, session) for request, session in zip(asked, tied, strict=True) if session]
    ways = _ways(seen)
    wire = from_checks(
        Claim(*request.flow, request.time, (session.call, session.leg))
        for request, session in seen
        if request.time is not None
    )
    offered = from_sdp(endpoints)
    rows = []
    for request, session in zip(asked, tied, strict=True):
        leg = (session.call, session.leg) if session else _by_address(wire, offered, request)
        rows.append((*leg, ways.get((request.flow, leg[0]), "other")) if leg else (None, None, "other"))
    return pd.DataFrame(rows, columns=["call", "leg", "direction"])


def _ways(seen: Iterable[tuple[Request, Session]]) -> dict[tuple[Flow, int], str]:
    """Direction of each flow of a call, and of the flow against it."""
    ways: dict[tuple[Flow, int], str] = {}
    for request, session in seen:
        capture, src, dst = request.flow
        sender, receiver = ufrags.sides(session, request.username)
        ways[(capture, src, dst), session.call] = ufrags.direction(sender, receiver)
        ways[(capture, dst, src), session.call] = ufrags.direction(receiver, sender)
    return ways


def _requests(found: pd.DataFrame) -> list[Request]:
    names = ("src_addr", "src_port", "dst_addr", "dst_port", "mapped_addr", "mapped_port")
    return [
        Request((capture, (src, sport), (dst, dport)), (mapped, mport), time, username)
        for capture, time, username, src, sport, dst, dport, mapped, mport in records(
            found, "capture", "time", "username", *names
        )
    ]


def _by_address(wire: Places, offered: Places, request: Request) -> LegKey | None:
    """The leg that claims the 5-tuple, else the one that either end or the mapped address belongs to."""
    if request.time is None:
        return None
    capture, src, dst = request.flow
    claimed = agreed([nearest(wire, request.flow, request.time)])
    return claimed or agreed(
        [nearest(wire, (capture, place), request.time) for place in (src, dst)]
        + [nearest(offered, place, request.time) for place in (src, dst, request.mapped)]
    )


def from_sdp(endpoints: pd.DataFrame) -> Places:
    """Places by (addr, port) of the media endpoints."""
    found: dict[Key, list[Span]] = {}
    for addr, port, call, leg, start, end in records(
        endpoints, "addr", "port", "call", "leg", "start", "end"
    ):
        if None not in (addr, port, call):
            begins, ends = ALWAYS[0] if start is None else start, ALWAYS[1] if end is None else end
            found.setdefault((addr, port), []).append(Span(begins, ends, (call, leg), None))
    return Places({key: spans(lives) for key, lives in found.items()}, MARGIN)


def from_checks(claims: Iterable[Claim]) -> Places:
    """Places by (capture, src, dst), either way round, and by (capture, place)."""
    lives: dict[tuple[str, Place, Place, LegKey], tuple[int, int]] = {}
    for capture, src, dst, time, leg in claims:
        first, last = lives.get((capture, src, dst, leg), (time, time))
        lives[capture, src, dst, leg] = min(first, time), max(last, time)
    found: dict[Key, list[Span]] = {}
    for (capture, src, dst, leg), (first, last) in lives.items():
        span = Span(first - GATHERING, last + GATHERING, leg, None)
        for key in ((capture, src, dst), (capture, dst, src), (capture, src), (capture, dst)):
            found.setdefault(key, []).append(span)
    return Places({key: spans(near) for key, near in found.items()}, GATHERING)


def nearest(places: Places, key: Key, time: int) -> Legs:
    """Calls that have the address at the time, each with its leg; several where it is shared."""
    there = places.held.get(key)
    near = list(islice(overlapping(there, time, time), CROWD)) if there else []
    if len(near) == 1:
        return dict([near[0].leg])
    if len(near) in (0, CROWD):
        return {}
    distances = [_away(span, places.slack, time) for span in near]
    least = min(distances)
    owners = [span.leg for span, away in zip(near, distances, strict=True) if away == least]
    return dict(sorted(owners, key=_leg_number, reverse=True))  # of two legs of a call the first stays


def _away(span: Span, slack: int, time: int) -> tuple[float, bool]:
    """How far the time is outside the life itself; a life without end gives way to one with an end."""
    away = max(span.start + slack - time, time - (span.end - slack), 0)
    return away, span.end == ALWAYS[1]


def _leg_number(owner: LegKey) -> float:
    return ALWAYS[1] if owner[1] is None else owner[1]


def agreed(found: Iterable[Legs]) -> LegKey | None:
    """Call and leg the addresses agree on; failing that, the only call that addresses name alone."""
    known = [owners for owners in found if owners]
    common = set(known[0]).intersection(*known[1:]) if known else set()
    alone = {call for owners in known if len(owners) == 1 for call in owners}
    for calls in (common, alone):
        if len(calls) == 1:
            call = min(calls)
            return call, next(owners[call] for owners in known if call in owners)
    return None
