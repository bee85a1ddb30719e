"""ICE sessions: two ufrags that check each other, tied to the leg whose SDP carries them (RFC 8445)."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from postproc.correlate.parties import Description, End, Exchange, Place, Side, sections
from postproc.correlate.rows import records
from postproc.correlate.sip import NO_TIME, moments
from postproc.model import constants
from postproc.model.deployment import CLIENT, OTHER, SERVER, Markers, marked

# Checks tied to their ICE session by credentials, whatever NAT did to the addresses.
#
# The USERNAME of a check is ``receiver's ufrag:sender's ufrag`` (RFC 8445,
# section 7.2.2). Both halves must fit: a ufrag may have four characters only,
# and in a large capture one half alone meets its like.


UNBOUNDED = float("inf")


class IceSession(NamedTuple):
    """A row of the ICE sessions; its life in nanoseconds, infinite where not known."""

    ufrag_a: str
    side_a: str | None
    ufrag_b: str
    side_b: str | None
    call: int
    leg: int | None
    start: float
    end: float


IceSessions = Mapping[frozenset[str], list[IceSession]]


def by_ufrags(ice_sessions: pd.DataFrame) -> IceSessions:
    """ICE sessions by their unordered pair of ufrags."""
    found: dict[frozenset[str], list[IceSession]] = {}
    names = ("ufrag_a", "side_a", "ufrag_b", "side_b", "call", "leg", "start", "end")
    for *row, start, end in records(ice_sessions, *names):
        session = IceSession._make([*row, *life(start, end)])
        if session.ufrag_a and session.ufrag_b and session.call is not None:
            found.setdefault(frozenset((session.ufrag_a, session.ufrag_b)), []).append(session)
    return found


def life(start: int | None, end: int | None) -> tuple[float, float]:
    """Both ends of a life in nanoseconds, infinite where not known."""
    return -UNBOUNDED if start is None else start, UNBOUNDED if end is None else end


def halves(username: str | None) -> tuple[str, str] | None:
    """Receiver's and sender's ufrag of a USERNAME; None when it is not of that form."""
    receiver, colon, sender = (username or "").partition(":")
    return (receiver, sender) if receiver and colon and sender else None


def session_of(known: IceSessions, username: str | None, time: int | None) -> IceSession | None:
    """The ICE session of a check; of several with the same ufrags the one nearest in time."""
    pair = halves(username)
    found = known.get(frozenset(pair), []) if pair else []
    if len(found) < 2 or time is None:
        return found[0] if found else None
    return min(found, key=lambda session: max(session.start - time, time - session.end, 0))


def sides_of_check(session: IceSession | None, username: str | None) -> tuple[str | None, str | None]:
    """Side of a check's sender and of its receiver; None where the ufrags do not tell."""
    pair = halves(username)
    if session is None or pair is None or session.ufrag_a == session.ufrag_b:
        return None, None
    if pair[1] == session.ufrag_a:
        return session.side_a, session.side_b
    return session.side_b, session.side_a


def direction(sender: str | None, receiver: str | None) -> str:
    """Direction as the tables name it."""
    return f"{sender}_to_{receiver}" if {sender, receiver} == {"client", "server"} else "other"


# ICE sessions: two ufrags that check each other, tied to the leg whose SDP carries them.
#
# A check's USERNAME is "receiver's ufrag:sender's ufrag" (RFC 8445, section 7.2.2),
# whatever NAT does to the addresses. Pairs come from offer and answer, section by
# section (RFC 8839); where one of the two was not seen, from the checks themselves.
# Checks that fit no leg are a session without SIP.


MARGIN = constants.nanoseconds("whose.margin_s")  # by which media may precede or outlive the signalling
PEER = {"uac": "uas", "uas": "uac"}

Offers = list[tuple[str, tuple[str | None, ...]]]  # author, ufrags by section
Pair = frozenset[str]


class Life(NamedTuple):
    """From when to when a leg lives, margins included; ns since 1970, end None if it was not seen."""

    start: int
    end: int | None

    def covers(self, time: int) -> bool:
        return self.start <= time and (self.end is None or time <= self.end)


class Ufrags(NamedTuple):
    """The ufrags of a leg: author by ufrag, and the pairs agreed on (caller's, called party's)."""

    author: dict[str, str]
    agreed: list[tuple[str, str]]


class Checks(NamedTuple):
    """What the checks of one pair of ufrags say."""

    capture: str
    frame: int
    first: int
    last: int
    software: dict[str, str]  # by sender's ufrag
    hosts: dict[str, str]  # address by ufrag, where it was first seen


class Session(NamedTuple):
    """An ICE session: its ufrags by author, or in any order if ``call_id`` is None (no SIP)."""

    call_id: str | None
    ufrags: tuple[str, str]
    start: int | None
    end: int | None
    checks: Checks | None


def ufrags_of(sdp_media: pd.DataFrame, authors: Mapping[Place, Description]) -> dict[str, Ufrags]:
    """Return the ufrags of every Call-ID."""
    exchanges: dict[Exchange, dict[str | None, Offers]] = defaultdict(lambda: defaultdict(list))
    for description, held in sections(sdp_media, authors):
        parts = exchanges[description.exchange][description.offer_answer]
        if any(held) and (part := (description.party, tuple(held))) not in parts:
            parts.append(part)
    found: dict[str, Ufrags] = defaultdict(lambda: Ufrags({}, []))
    for (call_id, *_), parts_by_kind in exchanges.items():
        if call_id is not None:
            told = found[call_id]
            for party, held_by in (part for parts in parts_by_kind.values() for part in parts):
                told.author.update({ufrag: party for ufrag in held_by if ufrag})
            told.agreed.extend(p for p in _agreed(parts_by_kind) if p not in told.agreed)
    return {call_id: told for call_id, told in found.items() if told.author}


def _agreed(parts: Mapping[str | None, Offers]) -> Iterator[tuple[str, str]]:
    for offerer, offered in parts.get("offer", ()):
        for answerer, answered in parts.get("answer", ()):
            for one, other in zip(offered, answered, strict=False):
                if one and other and offerer != answerer:
                    yield (one, other) if offerer == "uac" else (other, one)


def leg_lives(legs: pd.DataFrame) -> dict[str, Life]:
    """Return the life of every Call-ID, as far as any recording shows it."""
    found: dict[str, Life] = {}
    for call_id, start, end in records(legs, "call_id", "time", "end_time"):
        if call_id is not None and start is not None:
            life = found.get(call_id, Life(start - MARGIN, None))
            ends = [e for e in (life.end, None if end is None else end + MARGIN) if e is not None]
            found[call_id] = Life(min(life.start, start - MARGIN), max(ends, default=None))
    return found


def checks(stun_messages: pd.DataFrame) -> dict[Pair, Checks]:
    """Return what the checks say, by pair of ufrags: requests with PRIORITY, role or USE-CANDIDATE."""
    stun = stun_messages
    telling = stun["priority"].notna() | stun["role"].notna() | stun["use_candidate"].fillna(False)
    request = (stun["kind"] == "request") & (stun["method"] == "binding") & ~stun["relayed"].fillna(False)
    seen = stun[telling & request.fillna(False) & stun["time"].notna()].sort_values("time", kind="stable")
    found: dict[Pair, Checks] = {}
    columns = ("capture", "frame", "time", "username", "software", "src_addr", "dst_addr")
    for capture, frame, time, username, software, *ends in records(seen, *columns):
        if pair := halves(username):
            known = found.get(frozenset(pair), Checks(capture, frame, time, time, {}, {}))
            for ufrag, host in zip(reversed(pair), ends, strict=True):
                known.hosts.setdefault(ufrag, host)
            if software:
                known.software.setdefault(pair[1], software)
            found[frozenset(pair)] = known._replace(last=time)
    return found


def find_sessions(
    known: Mapping[str, Ufrags],
    legs: Mapping[str, Life],
    calls: Mapping[str, Hashable],
    seen: Mapping[Pair, Checks],
) -> list[Session]:
    """Return all ICE sessions.

    ``known``, ``legs`` (lives) and ``calls`` (whatever tells calls apart) are by Call-ID.
    """
    agreed: dict[Pair, list[tuple[str, tuple[str, str]]]] = {}
    for call_id in (c for c in legs if c in known):
        for ordered in known[call_id].agreed:
            agreed.setdefault(frozenset(ordered), []).append((call_id, ordered))
    found = [s for pair, held in agreed.items() for s in _agreed_sessions(held, legs, calls, seen.get(pair))]
    owners = _owners(known, legs)
    rest = ((pair, told) for pair, told in seen.items() if pair not in agreed)
    return found + [_from_checks(pair, told, owners, legs, calls) for pair, told in rest]


def _agreed_sessions(
    held: list[tuple[str, tuple[str, str]]],
    legs: Mapping[str, Life],
    calls: Mapping[str, Hashable],
    told: Checks | None,
) -> Iterator[Session]:
    """One session per call: legs that relay the same descriptions count once."""
    firsts: dict[Hashable, tuple[str, tuple[str, str]]] = {}
    for call_id, pair in sorted(held, key=lambda item: legs[item[0]].start):
        firsts.setdefault(calls[call_id], (call_id, pair))
    for call_id, pair in firsts.values():
        life = legs[call_id]
        if told and len(firsts) == 1:  # nobody else has the pair: another clock does no harm
            life = Life(min(life.start, told.first), life.end and max(life.end, told.last))
        yield Session(call_id, pair, life.start, life.end, told)


def _owners(known: Mapping[str, Ufrags], legs: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Return the legs (Call-ID and author) that have a ufrag, by ufrag."""
    owners: dict[str, list[tuple[str, str]]] = {}
    for call_id in legs:
        for ufrag, party in known[call_id].author.items() if call_id in known else ():
            owners.setdefault(ufrag, []).append((call_id, party))
    return owners


def _from_checks(
    pair: Pair,
    told: Checks,
    owners: Mapping[str, list[tuple[str, str]]],
    legs: Mapping[str, Life],
    calls: Mapping[str, Hashable],
) -> Session:
    """Checks that no offer and answer explain: of the one call alive with one of the ufrags, else of none."""
    one, other = sorted(pair) if len(pair) == 2 else (*pair, *pair)
    held = [
        (call_id, (ufrag, peer) if party == "uac" else (peer, ufrag))
        for ufrag, peer in ((one, other), (other, one))
        for call_id, party in owners.get(ufrag, ())
        if legs[call_id].covers(told.first) or legs[call_id].covers(told.last)
    ]
    if len({calls[call_id] for call_id, _ in held}) == 1:
        call_id, ufrag_pair = min(held, key=lambda item: legs[item[0]].start)
        return Session(call_id, ufrag_pair, *legs[call_id], told)
    return Session(None, (one, other), told.first, told.last, told)


# ICE sessions with the call, leg and sides they belong to: how STUN, DTLS and media find their call.


OPPOSITE = {SERVER: CLIENT, CLIENT: SERVER}


class Numbered(NamedTuple):
    """Call and leg by Call-ID; those of ICE sessions without SIP by their place among the sessions.

    Such a session is a call by itself, with no leg, or the unreadable leg of one.
    """

    legs: dict[str, tuple[int, int]]
    without_sip: dict[int, tuple[int, int | None]]


def ice_sessions(
    sessions: Sequence[Session],
    numbered: Numbered,
    known: Mapping[End, Side],
    markers: Markers,
    servers: Mapping[int, str],
) -> pd.DataFrame:
    """Return ufrag_a, side_a, ufrag_b, side_b, call, leg, start, end; leg is NA of a call without SIP.

    ``servers``: the server's address where a session is an unreadable leg, by its place.
    """
    number = [
        numbered.without_sip[place] if session.call_id is None else numbered.legs[session.call_id]
        for place, session in enumerate(sessions)
    ]
    side = [sides_of(session, known, markers, servers.get(place)) for place, session in enumerate(sessions)]
    return pd.DataFrame(
        {
            "ufrag_a": pd.array([session.ufrags[0] for session in sessions], "string"),
            "side_a": pd.array([one for one, _ in side], "string"),
            "ufrag_b": pd.array([session.ufrags[1] for session in sessions], "string"),
            "side_b": pd.array([other for _, other in side], "string"),
            "call": pd.array([call for call, _ in number], "Int64"),
            "leg": pd.array([leg for _, leg in number], "Int64"),
            "start": moments([NO_TIME if s.start is None else s.start for s in sessions]),
            "end": moments([NO_TIME if s.end is None else s.end for s in sessions]),
        }
    )


def sides_of(
    session: Session, known: Mapping[End, Side], markers: Markers, server: str | None = None
) -> tuple[str, str]:
    """Return the sides of a session's two ufrags; without SIP by the server, or by what the checks say."""
    if session.call_id is not None:
        return known[session.call_id, "uac"][0], known[session.call_id, "uas"][0]
    if session.checks and server:
        one, other = (SERVER if session.checks.hosts.get(u) == server else CLIENT for u in session.ufrags)
        return one, other
    software = session.checks.software if session.checks else {}
    one_marked, other_marked = (marked(markers.stun_software, software.get(u)) for u in session.ufrags)
    if one_marked == other_marked:
        return OTHER, OTHER
    return (
        one_marked or OPPOSITE.get(other_marked or "", OTHER),
        other_marked or OPPOSITE.get(one_marked or "", OTHER),
    )
