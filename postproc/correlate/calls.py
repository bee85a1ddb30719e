"""Calls: legs joined, numbered and given their roles; ICE sessions; the side of every candidate.

This module runs the steps; each of them is a module of its own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from math import exp
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from postproc.correlate.endpoints import endpoints
from postproc.correlate.ice import (
    Checks,
    Numbered,
    Session,
    Ufrags,
    checks,
    find_sessions,
    ice_sessions,
    leg_lives,
    ufrags_of,
)
from postproc.correlate.joining.evidence import PIECES, Overlap
from postproc.correlate.joining.features import Facts, Messages, facts, where
from postproc.correlate.joining.identities import Sources, tokens
from postproc.correlate.joining.join import CONSIDERED, Joined, Joining, join
from postproc.correlate.numbering import INBOUND, OUTBOUND, number, roles_of
from postproc.correlate.parties import (
    PARTIES,
    Description,
    End,
    Ends,
    Place,
    Side,
    descriptions,
    marked_ends,
    parties,
    sides_of_ends,
    with_sides,
)
from postproc.correlate.rows import column, late, records
from postproc.correlate.transfers import transferred
from postproc.correlate.unreadable import hidden_legs
from postproc.model.columns import INTEGER, TEXT, array
from postproc.model.deployment import Deployment
from postproc.model.tables import CALLS, CANDIDATES, JOINS, Tables

# The result of joining, as rows of ``calls`` and ``joins``.


# Score (log-odds) at which two legs are as likely one call as two; above 0, because most legs near a leg
# belong to other calls (docs/JOINING.md). Moving it changes confidences only: ``joining.enough`` joins.
EVEN = 5.0
# Names in ``joined_by`` for groups of evidence; a lifetime alone joins nothing.
NAMES = {
    "log": ("log",),
    "header": ("header", "x-header"),
    "ice": ("ice", "ufrag", "media", "origin"),
    "causality": ("progress", "answer", "end"),
    "number+time": ("callee", "caller", "invite"),
    "host": ("host",),
}
TOGETHER = np.array([[piece in pieces for piece in PIECES] for pieces in NAMES.values()], dtype="float64")
WORTH_NAMING = 1.0  # score from which a group is named; a choice that moves ``joined_by`` alone
# Confidence of joining a leg whose SIP is unreadable: machine and time alone join it, though without a
# rival (see ``unreadable``). A choice: below 0.9, so that no finding is certain because of it.
SURE_OF_HIDDEN = 0.8
T = TypeVar("T")


class _Leg(NamedTuple):
    """What ``calls`` takes from a row of ``legs``."""

    call: int
    leg: int
    time: int | None
    capture: str
    frame: int
    from_user: str | None
    to_user: str | None
    invite_time: int | None
    answer_time: int | None
    end_time: int | None
    final_status: int | None


def join_rows(joining: Joining, facts: Facts, legs: pd.DataFrame) -> pd.DataFrame:
    """Return JOINS: the pairs of Call-IDs considered, by time of the later leg."""
    accepted = (
        joining.group[facts.node[joining.considered.pairs.a]]
        == joining.group[facts.node[joining.considered.pairs.b]]
    )
    considered = accepted | (joining.considered.score >= CONSIDERED)
    listed = joining.considered.take(considered)
    a, b = listed.pairs.a, listed.pairs.b
    a_later = facts.start[a] > facts.start[b]
    earlier, later = np.where(a_later, b, a), np.where(a_later, a, b)
    call_ids, places = column(legs["call_id"]), [*records(legs, "capture", "frame", "time")]
    pairs = zip(*(each.tolist() for each in (earlier, later, accepted[considered])), strict=True)
    once: dict[tuple[str, str], tuple[Any, ...]] = {}
    # A pair scored again, or seen at two vantage points, is listed once, with its highest score.
    for score, pieces, (one, other, joined) in sorted(
        zip(listed.score.tolist(), listed.pieces.tolist(), pairs, strict=True), key=lambda row: -row[0]
    ):
        ids = call_ids[one], call_ids[other]
        once.setdefault(ids, (*places[other], *ids, _pieces(pieces), score, joined))
    return JOINS.of_tuples(sorted(once.values(), key=lambda row: (late(row[2]), row[4], row[3])))


def _pieces(pieces: list[float]) -> str:
    return ",".join(f"{name}={score:.2f}" for name, score in zip(PIECES, pieces, strict=True) if score)


def call_rows(
    legs: pd.DataFrame, joining: Joining, facts: Facts, numbered: Numbered, sessions: Sequence[Session]
) -> pd.DataFrame:
    """Return CALLS without verdict; ``legs`` are numbered."""
    members: dict[int, list[_Leg]] = defaultdict(list)
    for row in records(legs, *_Leg._fields):
        members[row[0]].append(_Leg._make(row))
    number = dict(zip(facts.node.tolist(), legs["call"].tolist(), strict=True))
    links: dict[int, list[Joined]] = defaultdict(list)
    for link in joining.joined:
        links[number[link.a]].append(link)
    sure = _sureness(joining, facts, number, links)
    rows = [
        _call(call, group, joined_by(links[call]), *sure[call]) for call, group in sorted(members.items())
    ]
    hidden = {call for call, leg in numbered.without_sip.values() if leg is not None}
    rows = [_with_hidden_leg(row) if row["call"] in hidden else row for row in rows]
    alone = (
        (call, sessions[place].checks) for place, (call, leg) in numbered.without_sip.items() if leg is None
    )
    rows += [_without_sip(call, checks) for call, checks in alone if checks]
    return CALLS.rows(sorted(rows, key=lambda row: row["call"]))


def _sureness(
    joining: Joining, facts: Facts, number: Mapping[int, int], links: Mapping[int, list[Joined]]
) -> dict[int, tuple[float, bool]]:
    """Return confidence (0 to 1) and ambiguity by call; ``number`` is the call of each node.

    A joined call is as certain as its weakest link: by that link's score, or its margin over the next
    choice. A single leg is certain in so far as no other single leg matches it. Each choice left open
    adds one more call that the legs may equally belong to.
    """
    doubts = Counter(number[node] for link in joining.doubtful for node in (link.upstream, link.downstream))
    fits = _single_fits(joining, facts)
    sure = {}
    for node, call in number.items():
        weakest = min(
            (min(link.score - EVEN, link.margin) for link in links.get(call, ())), default=-fits[node]
        )
        confidence = 1 / (1 + exp(-weakest)) if call in links or not doubts[call] else 1.0
        sure[call] = min(confidence, 1 / (1 + doubts[call])), doubts[call] > 0
    return sure


def _single_fits(joining: Joining, facts: Facts) -> list[float]:
    """Return per node the score above EVEN of the best pairing with another single leg; -inf if none."""
    pairs = joining.considered.pairs
    a, b = facts.node[pairs.a], facts.node[pairs.b]
    size = np.bincount(joining.group, minlength=len(joining.group))
    open_ = (size[joining.group[a]] == 1) & (size[joining.group[b]] == 1) & ~joining.considered.siblings
    best = np.full(len(joining.group), -np.inf)
    for node in (a, b):
        np.maximum.at(best, node[open_], joining.considered.score[open_] - EVEN)
    return best.tolist()


def _call(call: int, legs: list[_Leg], joined: str, confidence: float, ambiguous: bool) -> dict[str, Any]:
    legs = sorted(legs, key=lambda leg: (leg.leg, leg.time or 0))
    first = [leg for leg in legs if leg.leg == legs[0].leg]
    start = [leg.invite_time for leg in legs if leg.invite_time is not None]
    answered = [leg.answer_time for leg in first if leg.answer_time is not None]
    answered = answered or [leg.answer_time for leg in legs if leg.answer_time is not None]
    ends = [leg.end_time for leg in legs if leg.end_time is not None]
    return {
        "capture": first[0].capture,
        "frame": first[0].frame,
        "time": first[0].time,
        "call": call,
        "legs": len({leg.leg for leg in legs}),
        "from_user": _known(leg.from_user for leg in first),
        "to_user": _known(leg.to_user for leg in first),
        "joined_by": joined,
        "joined_confidence": confidence,
        "ambiguous": ambiguous,
        "start": min(start, default=first[0].time),
        "answer": min(answered, default=None),
        "end": max(ends, default=None),
        "final_status": _known(leg.final_status for leg in first),
    }


def _with_hidden_leg(row: dict[str, Any]) -> dict[str, Any]:
    return row | {
        "legs": row["legs"] + 1,
        "joined_by": "host",
        "joined_confidence": min(row["joined_confidence"], SURE_OF_HIDDEN),
    }


def _without_sip(call: int, checks: Checks) -> dict[str, Any]:
    return {
        "capture": checks.capture,
        "frame": checks.frame,
        "time": checks.first,
        "call": call,
        "legs": 0,
        "joined_by": "ice",
        "joined_confidence": 1.0,
        "ambiguous": False,
        "start": checks.first,
    }


def _known(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def joined_by(links: Sequence[Joined]) -> str:
    """Return what joins the legs, strongest first, separated by commas; "single" without links."""
    if not links:
        return "single"
    worth = dict(
        zip(NAMES, (TOGETHER @ np.sum([link.pieces for link in links], axis=0)).tolist(), strict=True)
    )
    order = sorted(NAMES, key=lambda name: -worth[name])
    return ",".join(name for name in order if worth[name] >= WORTH_NAMING) or order[0]


LogJoins = Iterable[tuple[str, str]]  # Call-IDs that a log says are one call


class Calls(NamedTuple):
    """Tables calls, legs, joins and candidates, and the data by which STUN, DTLS and media find their call.

    ``ice_sessions``: ufrag_a, side_a, ufrag_b, side_b, call, leg, start, end. ``endpoints``: call, leg,
    side, addr, port, start, end. ``authors``: the author of each session description. ``sides``: the
    side of both ends of each Call-ID. ``unreadable``: by call and leg, the checks of legs whose SIP is
    unreadable.
    """

    calls: pd.DataFrame
    legs: pd.DataFrame
    joins: pd.DataFrame
    candidates: pd.DataFrame
    ice_sessions: pd.DataFrame
    endpoints: pd.DataFrame
    authors: Mapping[Place, Description]
    sides: Mapping[End, Side]
    unreadable: Mapping[tuple[int, int], Checks]


class _Authored(NamedTuple):
    """SIP messages with their ``party``, the author of each description, and ufrags by Call-ID."""

    sip: pd.DataFrame
    authors: dict[Place, Description]
    ufrags: dict[str, Ufrags]


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
    time. The deployment's markers identify sides; its region is used to read national numbers.
    """
    authored = _authored(events)
    places = where(legs, recordings)
    messages, sources = _evidence(events, authored, log_joins)
    leg_facts = facts(legs, messages, places, deployment.region or None)
    joining = join(leg_facts, tokens(legs, sources, places), overlap)
    names = list(dict.fromkeys(column(legs["call_id"])))  # Call-IDs by node
    joined = dict(zip(names, joining.group.tolist(), strict=True))
    groups = transferred(joined, legs, events.sip_messages, events.sip_headers)
    lives = leg_lives(legs)
    sessions = find_sessions(authored.ufrags, lives, groups, checks(events.stun_messages))
    numbers = {str(capture): number for capture, number in recordings.items()}
    hidden = hidden_legs(sessions, legs, groups, authored.ufrags, numbers)
    numbered = number(legs, groups, sessions, hidden)
    roles = roles_of(leg_facts, joining.joined, len(names))
    shared = frozenset((names[node], end) for node, end in roles.shared) | {
        (hidden_leg.beside, "uac" if hidden_leg.first else "uas") for hidden_leg in hidden.values()
    }
    role = dict(zip(names, roles.role, strict=True))
    role |= {hidden_leg.beside: OUTBOUND if hidden_leg.first else INBOUND for hidden_leg in hidden.values()}
    marks = marked_ends(legs, events.sdp_media, authored.authors, deployment.markers)
    sides = sides_of_ends(_ends(numbered, shared, authored, marks))
    filled = _filled(legs, numbered, role)
    spans = {name: (*number, lives[name]) for name, number in numbered.legs.items() if name in lives}
    return Calls(
        calls=call_rows(filled, joining, leg_facts, numbered, sessions),
        legs=filled,
        joins=join_rows(joining, leg_facts, legs),
        candidates=CANDIDATES.conform(with_sides(events.candidates, authored.authors, sides, numbered.legs)),
        ice_sessions=ice_sessions(
            sessions,
            numbered,
            sides,
            deployment.markers,
            {place: hidden_leg.server for place, hidden_leg in hidden.items()},
        ),
        endpoints=endpoints(
            events.sdp_media, events.candidates, authored.authors, sides, spans, signalling=_signalling(legs)
        ),
        authors=authored.authors,
        sides=sides,
        unreadable={
            (call, leg): session_checks
            for place, (call, leg) in numbered.without_sip.items()
            if leg is not None and (session_checks := sessions[place].checks)
        },
    )


def _signalling(legs: pd.DataFrame) -> dict[End, str]:
    """Return the address that each party's SIP comes from."""
    rows = records(legs, "call_id", "uac_addr", "uas_addr")
    hosts = ((call_id, dict(zip(PARTIES, addrs, strict=True))) for call_id, *addrs in rows)
    return {(call_id, party): addr for call_id, of in hosts for party, addr in of.items() if addr}


def _authored(events: Tables) -> _Authored:
    sip = events.sip_messages.assign(party=parties(events.sip_messages))
    authors = descriptions(sip)
    return _Authored(sip, authors, ufrags_of(events.sdp_media, authors))


def _evidence(events: Tables, authored: _Authored, log_joins: LogJoins) -> tuple[Messages, Sources]:
    media, candidates = (
        _by_party(table, authored.authors) for table in (events.sdp_media, events.candidates)
    )
    pairs = {name: ufrags.agreed for name, ufrags in authored.ufrags.items()}
    return (
        Messages(authored.sip, events.sip_headers, _addresses(media, candidates)),
        Sources(events.sip_headers, media, candidates, pairs, log_joins),
    )


def _by_party(rows: pd.DataFrame, authors: Mapping[Place, Description]) -> pd.DataFrame:
    """Return the rows of descriptions with their author's ``party``, NA where it is not known."""
    written = map(authors.get, records(rows, "capture", "frame", "call_id"))
    return rows.assign(party=array([author and author.party for author in written], TEXT))


def _addresses(media: pd.DataFrame, candidates: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Yield the addresses of the author's own machine in SDP: connection address and host candidates."""
    key = ("capture", "call_id", "party")
    named = records(media, *key, "connection_addr")
    typed = zip(column(candidates["type"]), records(candidates, *key, "addr"), strict=True)
    hosts = (host for kind, host in typed if kind == "host")
    for capture, call_id, party, addr in chain(named, hosts):
        if party is not None and addr is not None:
            yield capture, call_id, party, addr


def _ends(numbered: Numbered, shared: frozenset[End], authored: _Authored, marked: Mapping[End, str]) -> Ends:
    with_ice = {(name, party) for name, ufrags in authored.ufrags.items() for party in ufrags.author.values()}
    call = {name: number for name, (number, _) in numbered.legs.items()}
    return Ends(call, shared, frozenset(with_ice), marked)


def _filled(legs: pd.DataFrame, numbered: Numbered, role: Mapping[str, str]) -> pd.DataFrame:
    names = column(legs["call_id"])
    call, leg = (array([numbered.legs[name][part] for name in names], INTEGER) for part in (0, 1))
    return legs.assign(call=call, leg=leg, role=array([role[name] for name in names], TEXT))
