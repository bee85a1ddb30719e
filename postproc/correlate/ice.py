"""ICE sessions: two ufrags that check each other, tied to the leg whose SDP carries them (RFC 8445)."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from postproc.correlate.parties import Description, End, Exchange, Place, Side, sections
from postproc.correlate.rows import records
from postproc.model import constants
from postproc.model.columns import INTEGER, TEXT, TIME, array
from postproc.model.deployment import CLIENT, OTHER, SERVER, Markers, marked

# Checks are attributed to their ICE session by credentials, which NAT does not change.
#
# The USERNAME of a check is ``receiver's ufrag:sender's ufrag`` (RFC 8445,
# section 7.2.2). Both halves must match: a ufrag may be as short as four
# characters, so in a large capture a single half occurs twice by chance.


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
    by_pair: dict[frozenset[str], list[IceSession]] = {}
    names = ("ufrag_a", "side_a", "ufrag_b", "side_b", "call", "leg", "start", "end")
    for *row, start, end in records(ice_sessions, *names):
        session = IceSession._make([*row, *life(start, end)])
        if session.ufrag_a and session.ufrag_b and session.call is not None:
            by_pair.setdefault(frozenset((session.ufrag_a, session.ufrag_b)), []).append(session)
    return by_pair


def life(start: int | None, end: int | None) -> tuple[float, float]:
    """Return start and end in nanoseconds, infinite where not known."""
    return -UNBOUNDED if start is None else start, UNBOUNDED if end is None else end


def halves(username: str | None) -> tuple[str, str] | None:
    """Receiver's and sender's ufrag of a USERNAME; None when it is not of that form."""
    receiver, colon, sender = (username or "").partition(":")
    return (receiver, sender) if receiver and colon and sender else None


def session_of(sessions: IceSessions, username: str | None, time: int | None) -> IceSession | None:
    """The ICE session of a check; of several with the same ufrags the one nearest in time."""
    pair = halves(username)
    matching = sessions.get(frozenset(pair), []) if pair else []
    if len(matching) < 2 or time is None:
        return matching[0] if matching else None
    return min(matching, key=lambda session: max(session.start - time, time - session.end, 0))


def sides_of_check(session: IceSession | None, username: str | None) -> tuple[str | None, str | None]:
    """Side of a check's sender and of its receiver; None where the ufrags do not tell."""
    pair = halves(username)
    if session is None or pair is None or session.ufrag_a == session.ufrag_b:
        return None, None
    if pair[1] == session.ufrag_a:
        return session.side_a, session.side_b
    return session.side_b, session.side_a


def direction(sender: str | None, receiver: str | None) -> str:
    """Return the direction word of the tables: client_to_server, server_to_client or other."""
    return f"{sender}_to_{receiver}" if {sender, receiver} == {"client", "server"} else "other"


# ICE sessions: two ufrags that check each other, tied to the leg whose SDP carries them.
#
# A check's USERNAME is "receiver's ufrag:sender's ufrag" (RFC 8445, section 7.2.2),
# whatever NAT does to the addresses. Pairs come from offer and answer, section by
# section (RFC 8839); where one of the two was not seen, from the checks themselves.
# Checks that fit no leg are a session without SIP.


MARGIN = constants.nanoseconds("whose.margin_s")  # how far media may precede or outlast the signalling
PEER = {"uac": "uas", "uas": "uac"}

Offers = list[tuple[str, tuple[str | None, ...]]]  # author, ufrags by section
Pair = frozenset[str]


class Life(NamedTuple):
    """When a leg is alive, MARGIN included; ns since 1970, ``end`` None if it was not captured."""

    start: int
    end: int | None

    def covers(self, time: int) -> bool:
        return self.start <= time and (self.end is None or time <= self.end)


class Ufrags(NamedTuple):
    """The ufrags of a leg: author by ufrag, and the pairs agreed on (caller's, called party's)."""

    author: dict[str, str]
    agreed: list[tuple[str, str]]


class Checks(NamedTuple):
    """The checks of one pair of ufrags; times in ns since 1970."""

    capture: str
    frame: int
    first: int
    last: int
    software: dict[str, str]  # by sender's ufrag
    hosts: dict[str, str]  # address by ufrag, where it was first seen
    hosts_in: dict[str, dict[str, str]]  # the same by capture: NAT makes them differ


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
    for description, ufrags in sections(sdp_media, authors):
        parts = exchanges[description.exchange][description.offer_answer]
        if any(ufrags) and (part := (description.party, tuple(ufrags))) not in parts:
            parts.append(part)
    by_call_id: dict[str, Ufrags] = defaultdict(lambda: Ufrags({}, []))
    for (call_id, *_), parts_by_kind in exchanges.items():
        if call_id is not None:
            leg_ufrags = by_call_id[call_id]
            for party, section_ufrags in (part for parts in parts_by_kind.values() for part in parts):
                leg_ufrags.author.update({ufrag: party for ufrag in section_ufrags if ufrag})
            leg_ufrags.agreed.extend(p for p in _agreed(parts_by_kind) if p not in leg_ufrags.agreed)
    return {call_id: leg_ufrags for call_id, leg_ufrags in by_call_id.items() if leg_ufrags.author}


def _agreed(parts: Mapping[str | None, Offers]) -> Iterator[tuple[str, str]]:
    for offerer, offered in parts.get("offer", ()):
        for answerer, answered in parts.get("answer", ()):
            for one, other in zip(offered, answered, strict=False):
                if one and other and offerer != answerer:
                    yield (one, other) if offerer == "uac" else (other, one)


def leg_lives(legs: pd.DataFrame) -> dict[str, Life]:
    """Return the life of every Call-ID, as far as any recording shows it."""
    lives: dict[str, Life] = {}
    for call_id, start, end in records(legs, "call_id", "time", "end_time"):
        if call_id is not None and start is not None:
            life = lives.get(call_id, Life(start - MARGIN, None))
            ends = [e for e in (life.end, None if end is None else end + MARGIN) if e is not None]
            lives[call_id] = Life(min(life.start, start - MARGIN), max(ends, default=None))
    return lives


def checks(stun_messages: pd.DataFrame) -> dict[Pair, Checks]:
    """Return the checks by pair of ufrags: Binding requests with PRIORITY, a role or USE-CANDIDATE."""
    by_pair: dict[Pair, Checks] = {}
    names = ("capture", "frame", "time", "username", "software", "src_addr", "dst_addr")
    for *row, kind, method, relayed, priority, role, use_candidate in records(
        stun_messages, *names, "kind", "method", "relayed", "priority", "role", "use_candidate", by="time"
    ):
        capture, frame, time, username, software, *ends = row
        telling = priority is not None or role is not None or use_candidate
        if not telling or kind != "request" or method != "binding" or relayed or time is None:
            continue
        if pair := halves(username):
            pair_checks = by_pair.get(frozenset(pair)) or Checks(capture, frame, time, time, {}, {}, {})
            for ufrag, host in zip(reversed(pair), ends, strict=True):
                pair_checks.hosts.setdefault(ufrag, host)
                pair_checks.hosts_in.setdefault(capture, {}).setdefault(ufrag, host)
            if software:
                pair_checks.software.setdefault(pair[1], software)
            by_pair[frozenset(pair)] = pair_checks._replace(last=time)
    return by_pair


def find_sessions(
    ufrags: Mapping[str, Ufrags],
    legs: Mapping[str, Life],
    calls: Mapping[str, Hashable],
    checks: Mapping[Pair, Checks],
) -> list[Session]:
    """Return all ICE sessions, first those of an offer and answer, then those of checks alone.

    ``known`` (ufrags), ``legs`` (lives) and ``calls`` (equal for the legs of a call) are by Call-ID;
    ``seen`` has the checks.
    """
    agreed: dict[Pair, list[tuple[str, tuple[str, str]]]] = {}
    for call_id in (c for c in legs if c in ufrags):
        for ordered in ufrags[call_id].agreed:
            agreed.setdefault(frozenset(ordered), []).append((call_id, ordered))
    sessions = [
        s
        for pair, agreed_by in agreed.items()
        for s in _agreed_sessions(agreed_by, legs, calls, checks.get(pair))
    ]
    owners = _owners(ufrags, legs)
    unagreed = ((pair, pair_checks) for pair, pair_checks in checks.items() if pair not in agreed)
    return sessions + [_from_checks(pair, pair_checks, owners, legs, calls) for pair, pair_checks in unagreed]


def _agreed_sessions(
    agreed: list[tuple[str, tuple[str, str]]],
    legs: Mapping[str, Life],
    calls: Mapping[str, Hashable],
    checks: Checks | None,
) -> Iterator[Session]:
    """Yield one session per call: legs that relay the same descriptions count once."""
    firsts: dict[Hashable, tuple[str, tuple[str, str]]] = {}
    for call_id, pair in sorted(agreed, key=lambda item: legs[item[0]].start):
        firsts.setdefault(calls[call_id], (call_id, pair))
    for call_id, pair in firsts.values():
        life = legs[call_id]
        if checks and len(firsts) == 1:  # no other call has the pair, so a clock offset does no harm
            life = Life(min(life.start, checks.first), life.end and max(life.end, checks.last))
        yield Session(call_id, pair, life.start, life.end, checks)


def _owners(ufrags: Mapping[str, Ufrags], legs: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Return the legs (Call-ID and author) that have a ufrag, by ufrag."""
    owners: dict[str, list[tuple[str, str]]] = {}
    for call_id in legs:
        for ufrag, party in ufrags[call_id].author.items() if call_id in ufrags else ():
            owners.setdefault(ufrag, []).append((call_id, party))
    return owners


def _from_checks(
    pair: Pair,
    checks: Checks,
    owners: Mapping[str, list[tuple[str, str]]],
    legs: Mapping[str, Life],
    calls: Mapping[str, Hashable],
) -> Session:
    """Return the session of checks without offer/answer: the one live call with a ufrag, else no call."""
    one, other = sorted(pair) if len(pair) == 2 else (*pair, *pair)
    owning_legs = [
        (call_id, (ufrag, peer) if party == "uac" else (peer, ufrag))
        for ufrag, peer in ((one, other), (other, one))
        for call_id, party in owners.get(ufrag, ())
        if legs[call_id].covers(checks.first) or legs[call_id].covers(checks.last)
    ]
    if len({calls[call_id] for call_id, _ in owning_legs}) == 1:
        call_id, ufrag_pair = min(owning_legs, key=lambda item: legs[item[0]].start)
        return Session(call_id, ufrag_pair, *legs[call_id], checks)
    return Session(None, (one, other), checks.first, checks.last, checks)


# ICE sessions with the call, leg and sides they belong to: how STUN, DTLS and media find their call.


OPPOSITE = {SERVER: CLIENT, CLIENT: SERVER}


class Numbered(NamedTuple):
    """Call and leg by Call-ID; for ICE sessions without SIP, by their place among the sessions.

    Such a session is a call of its own without a leg, or the leg of a call whose SIP is unreadable.
    """

    legs: dict[str, tuple[int, int]]
    without_sip: dict[int, tuple[int, int | None]]


def ice_sessions(
    sessions: Sequence[Session],
    numbered: Numbered,
    sides: Mapping[End, Side],
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
    side = [sides_of(session, sides, markers, servers.get(place)) for place, session in enumerate(sessions)]
    return pd.DataFrame(
        {
            "ufrag_a": array([session.ufrags[0] for session in sessions], TEXT),
            "side_a": array([one for one, _ in side], TEXT),
            "ufrag_b": array([session.ufrags[1] for session in sessions], TEXT),
            "side_b": array([other for _, other in side], TEXT),
            "call": array([call for call, _ in number], INTEGER),
            "leg": array([leg for _, leg in number], INTEGER),
            "start": array([session.start for session in sessions], TIME),
            "end": array([session.end for session in sessions], TIME),
        }
    )


def sides_of(
    session: Session, sides: Mapping[End, Side], markers: Markers, server: str | None = None
) -> tuple[str, str]:
    """Return the sides of a session's two ufrags; without SIP by ``server`` or the SOFTWARE of its checks."""
    if session.call_id is not None:
        return sides[session.call_id, "uac"][0], sides[session.call_id, "uas"][0]
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
