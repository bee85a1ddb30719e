"""Calls: legs joined, numbered and given their roles; ICE sessions; whose candidates are whose.

The one place where all of that meets; every step is a module of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from postproc.correlate import ice, numbering, results, sides
from postproc.correlate.arrays import where
from postproc.correlate.endpoints import endpoints
from postproc.correlate.facts import Messages, facts
from postproc.correlate.ice_sessions import ice_sessions
from postproc.correlate.joining import join
from postproc.correlate.parties import Description, Place, descriptions, parties
from postproc.correlate.records import column, records
from postproc.correlate.scoring import Overlap
from postproc.correlate.sides import Ends
from postproc.correlate.tokens import Sources, tokens
from postproc.deployment import Deployment
from postproc.tables import CANDIDATES, LEGS, Tables

LogJoins = Iterable[tuple[str, str]]  # Call-IDs that a log says are one call


@dataclass(frozen=True)
class Calls:
    """Tables calls, legs, joins and candidates; and the frames by which STUN, DTLS and media find their call.

    ``ice_sessions``: ufrag_a, side_a, ufrag_b, side_b, call, leg, start, end.
    ``endpoints``: call, leg, side, addr, port, start, end.
    """

    calls: pd.DataFrame
    legs: pd.DataFrame
    joins: pd.DataFrame
    candidates: pd.DataFrame
    ice_sessions: pd.DataFrame
    endpoints: pd.DataFrame


class _Told(NamedTuple):
    """What the messages say of their authors: messages by party, descriptions, ufrags by Call-ID."""

    sip: pd.DataFrame
    authors: dict[Place, Description]
    ufrags: dict[str, ice.Ufrags]


def calls(
    events: Tables,
    legs: pd.DataFrame,
    recordings: "pd.Series[int]",
    overlap: Overlap,
    *,
    deployment: Deployment,
    log_joins: LogJoins = (),
) -> Calls:
    """Join ``legs`` into calls.

    ``recordings`` maps captures to recordings, ``overlap`` says whether two of them ran at the same
    time. The deployment's markers tell sides, its region reads national numbers.
    """
    told = _told(events)
    places = where(legs, recordings)
    messages, sources = _evidence(events, told, log_joins)
    found = facts(legs, messages, places, deployment.region or None)
    joining = join(found, tokens(legs, sources, places), overlap)
    names = list(dict.fromkeys(column(legs["call_id"])))  # Call-IDs by node
    groups = dict(zip(names, joining.group.tolist(), strict=True))
    lives = ice.lives(legs)
    sessions = ice.find(told.ufrags, lives, groups, ice.checks(events.stun_messages))
    numbered = numbering.number(legs, groups, sessions)
    roles = numbering.roles(found, joining.joined, len(names))
    shared = frozenset((names[node], end) for node, end in roles.shared)
    marks = sides.marks(legs, events.sdp_media, told.authors, deployment.markers)
    known = sides.sides(_ends(numbered, shared, told, marks))
    filled = _filled(legs, numbered, dict(zip(names, roles.role, strict=True)))
    spans = {name: (*number, lives[name]) for name, number in numbered.legs.items() if name in lives}
    return Calls(
        calls=results.calls(filled, joining, found, numbered, sessions),
        legs=filled,
        joins=results.joins(joining, found, legs),
        candidates=CANDIDATES.conform(
            sides.candidates(events.candidates, told.authors, known, numbered.legs)
        ),
        ice_sessions=ice_sessions(sessions, numbered, known, deployment.markers),
        endpoints=endpoints(events.sdp_media, events.candidates, told.authors, known, spans),
    )


def _told(events: Tables) -> _Told:
    sip = events.sip_messages.assign(party=parties(events.sip_messages))
    authors = descriptions(sip)
    return _Told(sip, authors, ice.ufrags(events.sdp_media, authors))


def _evidence(events: Tables, told: _Told, log_joins: LogJoins) -> tuple[Messages, Sources]:
    media, candidates = (_by_party(table, told.authors) for table in (events.sdp_media, events.candidates))
    pairs = {name: held.agreed for name, held in told.ufrags.items()}
    return (
        Messages(told.sip, events.sip_headers, _addresses(media, candidates)),
        Sources(events.sip_headers, media, candidates, pairs, log_joins),
    )


def _by_party(rows: pd.DataFrame, authors: Mapping[Place, Description]) -> pd.DataFrame:
    """Return the rows of descriptions whose author is known, with the ``party`` it is."""
    told = map(authors.get, records(rows, "capture", "frame", "call_id"))
    named = rows.assign(party=pd.array([found.party if found else None for found in told], "string"))
    return named.dropna(subset=["party"])


def _addresses(media: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """Return what SDP says of its author's machine: connection address and host candidates."""
    hosts = candidates[(candidates["type"] == "host").fillna(False)]
    named = pd.concat([media.rename(columns={"connection_addr": "addr"}), hosts], ignore_index=True)
    return named[["capture", "call_id", "party", "addr"]].dropna(subset=["addr"])


def _ends(
    numbered: numbering.Numbered, shared: frozenset[sides.End], told: _Told, marked: Mapping[sides.End, str]
) -> Ends:
    with_ice = {(name, party) for name, held in told.ufrags.items() for party in held.author.values()}
    call = {name: number for name, (number, _) in numbered.legs.items()}
    return Ends(call, shared, frozenset(with_ice), marked)


def _filled(legs: pd.DataFrame, numbered: numbering.Numbered, role: Mapping[str, str]) -> pd.DataFrame:
    names = column(legs["call_id"])
    call, leg = ([numbered.legs[name][part] for name in names] for part in (0, 1))
    return LEGS.conform(legs.assign(call=call, leg=leg, role=[role[name] for name in names]))
