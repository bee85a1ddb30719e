"""Calls: legs joined, numbered and given their roles; ICE sessions; whose candidates are whose.

The one place where all of that meets; every step is a module of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import pandas as pd

from postproc.correlate import endpoints, ice, numbering, parties, results, sides, tokens
from postproc.correlate.arrays import Where, where
from postproc.correlate.facts import facts
from postproc.correlate.joining import join
from postproc.correlate.messages import NO_TIME, moments
from postproc.correlate.parties import Description, Place
from postproc.correlate.records import column, records
from postproc.correlate.scoring import Overlap
from postproc.correlate.sides import Ends, Markers
from postproc.tables import CANDIDATES, LEGS, Tables

PLACE = ("capture", "frame", "call_id")

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


def calls(
    events: Tables,
    legs: pd.DataFrame,
    recordings: "pd.Series[int]",
    overlap: Overlap,
    *,
    region: str | None = "DE",
    markers: Markers = Markers(),  # noqa: B008 (frozen)
    log_joins: LogJoins = (),
) -> Calls:
    """Join ``legs`` into calls.

    ``recordings`` maps captures to recordings, ``overlap`` says whether two of them ran at the same
    time. ``region`` (ISO 3166) reads national numbers; without one their last digits are compared.
    """
    sip = events.sip_messages.assign(party=parties.parties(events.sip_messages))
    authors = parties.descriptions(sip)
    ufrags = ice.ufrags(events.sdp_media, authors)
    places = where(legs, recordings)
    media, candidates = (_by_party(table, authors) for table in (events.sdp_media, events.candidates))
    found = facts(legs, sip, events.sip_headers, _addresses(media, candidates), places, region)
    call_ids = column(legs["call_id"])
    locals_ = tokens.local_parts(call_ids)
    carried = chain(
        tokens.in_call_ids(locals_),
        tokens.in_headers(events.sip_headers, places, locals_),
        tokens.in_descriptions(media, candidates, places),
        tokens.of_ice({name: held.agreed for name, held in ufrags.items()}, call_ids),
        tokens.in_logs(log_joins, call_ids),
    )
    joining = join(found, carried, overlap)
    names = list(dict.fromkeys(call_ids))  # Call-IDs by node
    groups = dict(zip(names, joining.group.tolist(), strict=True))
    lives = ice.lives(legs)
    sessions = ice.find(ufrags, lives, groups, ice.checks(events.stun_messages))
    numbered = numbering.number(legs, groups, sessions)
    roles = numbering.roles(found, joining.joined, len(names))
    known = sides.sides(Ends(
        call={name: call for name, (call, _) in numbered.legs.items()},
        shared=frozenset((names[node], end) for node, end in roles.shared),
        with_ice=frozenset((name, party) for name, held in ufrags.items() for party in held.author.values()),
        marked=sides.marks(legs, events.sdp_media, authors, markers),
    ))  # fmt: skip
    filled = _filled(legs, numbered, dict(zip(names, roles.role, strict=True)))
    spans = {name: (*number, lives[name]) for name, number in numbered.legs.items() if name in lives}
    return Calls(
        calls=results.calls(filled, joining, names, numbered, sessions),
        legs=filled,
        joins=results.joins(joining, found, legs),
        candidates=CANDIDATES.conform(sides.candidates(events.candidates, authors, known, numbered.legs)),
        ice_sessions=_ice_sessions(sessions, numbered, known, markers),
        endpoints=endpoints.endpoints(events.sdp_media, events.candidates, authors, known, spans),
    )


def _by_party(descriptions: pd.DataFrame, authors: Mapping[Place, Description]) -> pd.DataFrame:
    """Return the rows whose author is known, with the ``party`` it is."""
    told = [authors.get((place[0], place[1], place[2])) for place in records(descriptions, *PLACE)]
    named = descriptions.assign(party=[description.party if description else None for description in told])
    return named.dropna(subset=["party"])


def _addresses(media: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """What SDP says of its author's machine: connection address and host candidates."""
    hosts = candidates[(candidates["type"] == "host").fillna(False)]
    named = pd.concat([media.rename(columns={"connection_addr": "addr"}), hosts], ignore_index=True)
    return named[["capture", "call_id", "party", "addr"]].dropna(subset=["addr"])


def _filled(legs: pd.DataFrame, numbered: numbering.Numbered, role: Mapping[str, str]) -> pd.DataFrame:
    names = column(legs["call_id"])
    number = [numbered.legs[name] for name in names]
    return LEGS.conform(
        legs.assign(
            call=[call for call, _ in number],
            leg=[leg for _, leg in number],
            role=[role[name] for name in names],
        )
    )


def _ice_sessions(
    sessions: Sequence[ice.Session],
    numbered: numbering.Numbered,
    known: Mapping[sides.End, sides.Side],
    markers: Markers,
) -> pd.DataFrame:
    number = [
        (numbered.without_sip[place], None) if session.call_id is None else numbered.legs[session.call_id]
        for place, session in enumerate(sessions)
    ]
    side = [sides.of_session(session, known, markers) for session in sessions]
    return pd.DataFrame({
        "ufrag_a": pd.array([session.ufrags[0] for session in sessions], "string"),
        "side_a": pd.array([one for one, _ in side], "string"),
        "ufrag_b": pd.array([session.ufrags[1] for session in sessions], "string"),
        "side_b": pd.array([other for _, other in side], "string"),
        "call": pd.array([call for call, _ in number], "Int64"),
        "leg": pd.array([leg for _, leg in number], "Int64"),
        "start": moments([NO_TIME if s.start is None else s.start for s in sessions]),
        "end": moments([NO_TIME if s.end is None else s.end for s in sessions]),
    })  # fmt: skip
