"""Candidate pairs: the outcome of the checks on each, and the traffic over it (RFC 8445, section 6.1.2)."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.bindings import KINDS, Key
from postproc.correlate.candidates import Candidate, Mapped, Offered, Place, covered, kind_of, mapped, offered
from postproc.correlate.ice import IceSession, IceSessions, by_ufrags, halves, session_of, sides_of_check
from postproc.correlate.rows import records
from postproc.model import constants
from postproc.model.tables import PAIRS

# A candidate pair with its checks, and the pairs that nobody checked (RFC 8445, section 6.1.2).
#
# A pair counts as never checked when no capture of the run shows a check from or to
# its addresses. A reflexive candidate is checked from its base: a check seen on the
# base covers it, and the pair is not listed.


Reached = tuple[set[Place], set[Place]]  # offered addresses, local and remote

PATIENCE = constants.nanoseconds("bindings.patience_s")
MOST = 100  # pairs of a checklist set (RFC 8445, section 6.1.2.5)


@dataclass(slots=True)
class Pair:
    """Two wire addresses of an ICE session in a capture; times in nanoseconds.

    ``outcomes`` counts checks by (sent by the local end, outcome).
    """

    capture: str | None
    frame: int | None
    time: int | None
    call: int | None
    leg: int | None
    local: Place
    remote: Place
    local_ufrag: str | None
    remote_ufrag: str | None
    local_type: str | None = None
    remote_type: str | None = None
    transactions: set[str] = field(default_factory=set)
    outcomes: Counter[tuple[bool, str]] = field(default_factory=Counter)
    last_time: int | None = None
    nominated: bool = False
    dtls: str | None = None
    media_packets: int = 0

    def count(self, outcome: str | None = None) -> int:
        """Return the number of checks in both directions, all or those with one outcome."""
        return sum(n for (_, end), n in self.outcomes.items() if outcome in (None, end))


def state(pair: Pair) -> str | None:
    """Return the state that the checks prove; None while all of them are pending.

    For a nominated pair, success in one direction is enough if the other end sends no checks: it may
    be an ICE-lite agent (RFC 8445, section 2.5).
    """
    if not pair.outcomes:
        return "never_checked"
    ways = {local: {end for way, end in pair.outcomes if way == local} for local in (True, False)}
    answered = [local for local, ends in ways.items() if "success" in ends]
    if answered:
        silent = not ways[not answered[0]] & {"unanswered", "error"}
        return "succeeded" if len(answered) == 2 or (pair.nominated and silent) else "half"
    return None if pair.count() == pair.count("pending") else "failed"


def unchecked(checked: Iterable[Pair], sessions: IceSessions, offers: Offered, outside: Mapped) -> list[Pair]:
    """Return the pairs of offered candidates that were never checked, at most MOST per ICE session."""
    by_session: dict[tuple[int | None, frozenset[str | None]], list[Pair]] = {}
    for pair in checked:
        by_session.setdefault((pair.call, frozenset((pair.local_ufrag, pair.remote_ufrag))), []).append(pair)
    pairs: list[Pair] = []
    for ufrags, same_ufrags in sessions.items():
        for session in {session.call: session for session in reversed(same_ufrags)}.values():
            tried = by_session.get((session.call, ufrags), [])
            pairs += islice(_untried(session, tried, offers, outside), MOST)
    return pairs


def _untried(session: IceSession, tried: list[Pair], offers: Offered, outside: Mapped) -> Iterator[Pair]:
    mine, theirs = _local_first(session)
    local = offers.get((session.call, mine), [])
    remote = offers.get((session.call, theirs), [])
    checked = _checked(tried, [_reached(pair, mine, local, remote, outside) for pair in tried])
    same_section = _same_section(local, remote)
    visited: set[tuple[Place, Place]] = set()
    for one, other in product(local, remote):
        places = (one.place, other.place)
        if places in visited or (one.mid, other.mid) not in same_section or not _fits(one, other):
            continue
        visited.add(places)
        if places not in checked:
            yield _pair(session, one, other, mine, theirs)


def _local_first(session: IceSession) -> tuple[str, str]:
    """Return the server's ufrag, else the first one, and then the other."""
    if session.side_b == "server" and session.side_a != "server":
        return session.ufrag_b, session.ufrag_a
    return session.ufrag_a, session.ufrag_b


def _checked(tried: list[Pair], reached: list[Reached]) -> set[tuple[Place, Place]]:
    """Return the pairs of offered addresses that checks covered.

    A check captured on both sides of a NAT covers only the addresses that it covers in both captures.
    """
    views: dict[str, list[int]] = {}
    for number, pair in enumerate(tried):
        for identity in pair.transactions:
            views.setdefault(identity, []).append(number)
    covered: set[tuple[Place, Place]] = set()
    for pair, (local, remote) in zip(tried, reached, strict=True):
        views_reached = [reached[n] for n in {n for identity in pair.transactions for n in views[identity]}]
        in_common = (
            local.intersection(*(near for near, _ in views_reached)),
            remote.intersection(*(far for _, far in views_reached)),
        )
        covered.update(product(in_common[0] or local, in_common[1] or remote))
    return covered


def _reached(
    pair: Pair, mine: str, local: list[Candidate], remote: list[Candidate], outside: Mapped
) -> Reached:
    """Return the offered addresses of both ends that the checks on a pair cover."""
    local_end, remote_end = (
        (pair.local, pair.remote) if pair.local_ufrag == mine else (pair.remote, pair.local)
    )
    return (
        covered(local_end, outside.get((pair.capture, local_end), set()), local, local=True),
        covered(remote_end, outside.get((pair.capture, remote_end), set()), remote, local=False),
    )


def _same_section(local: list[Candidate], remote: list[Candidate]) -> set[tuple[str | None, str | None]]:
    """Return the a=mid values by which both sides name one m= section: equal ones, else by order.

    An answer without a=mid names its sections by number (RFC 3264, section 6: the order is the offer's).
    """
    mine = list(dict.fromkeys(candidate.mid for candidate in local))
    theirs = list(dict.fromkeys(candidate.mid for candidate in remote))
    common = set(mine) & set(theirs)
    return {(mid, mid) for mid in common} or set(zip(mine, theirs, strict=False))


def _fits(one: Candidate, other: Candidate) -> bool:
    """Return whether two candidates form a pair: same component, same address family, UDP."""
    families = (_family(one.place), _family(other.place))
    same_kind = one.component == other.component and families[0] == families[1]
    return (
        same_kind and families[0] is not None and one.place != other.place and _is_udp(one) and _is_udp(other)
    )


def _is_udp(candidate: Candidate) -> bool:
    return (candidate.transport or "").lower() == "udp"


def _family(place: Place) -> int | None:
    """Return 4, 6, or None for a name, which matches no wire address."""
    addr = place[0] or ""
    if ":" in addr:
        return 6
    return 4 if addr.replace(".", "").isdigit() else None


def _pair(session: IceSession, one: Candidate, other: Candidate, mine: str, theirs: str) -> Pair:
    """Return the pair of two candidates, located at the later of their two a=candidate lines."""
    later = max(one, other, key=lambda candidate: candidate.time or 0)
    return Pair(
        later.capture,
        later.frame,
        later.time,
        session.call,
        session.leg,
        one.place,
        other.place,
        mine,
        theirs,
        one.kind,
        other.kind,
    )


# The pairs table.
#
# A pair is two wire addresses in either order, within one ICE session and one
# capture. An ICE restart (new ufrags, RFC 8445, section 9) makes new pairs on the
# same addresses, so that earlier successes do not hide failures after it.
# DTLS and media belong to the session in effect when they began.


Index = Mapping[tuple[object, ...], list[Pair]]


class Check(NamedTuple):
    """A row of bindings with purpose check."""

    capture: str
    transaction_id: str
    frame: int | None
    time: int | None
    call: int | None
    leg: int | None
    direction: str
    username: str | None
    outcome: str
    src: Place
    dst: Place


class Life(NamedTuple):
    """Last message of a transaction, and whether a request nominates."""

    last_time: int | None
    nominates: bool


NO_LIFE = Life(None, False)


def pairs(
    bindings: pd.DataFrame,
    ice_sessions: pd.DataFrame,
    candidates: pd.DataFrame,
    stun_messages: pd.DataFrame,
    *,
    dtls: pd.DataFrame,
    rtp_streams: pd.DataFrame,
) -> pd.DataFrame:
    """Return PAIRS: pairs seen in checks by time, then those offered and never checked.

    ``bindings``, ``dtls`` and ``candidates`` carry call and leg; ``rtp_streams`` may.
    """
    sessions = by_ufrags(ice_sessions)
    all_pairs = _in_checks(_checks(bindings), sessions, _lives(stun_messages))
    offers, outside = offered(candidates), mapped(bindings)
    for pair in all_pairs:
        _name_types(pair, offers, outside)
    all_pairs += unchecked(all_pairs, sessions, offers, outside)
    index = _index(all_pairs)
    _add_dtls(index, dtls)
    _add_media(index, rtp_streams)
    return PAIRS.rows(_row(pair) for pair in all_pairs)


def _checks(bindings: pd.DataFrame) -> list[Check]:
    """Return the checks by time."""
    names = ("capture", "transaction_id", "frame", "time", "call", "leg", "direction", "username", "outcome")
    ends = ("purpose", "src_addr", "src_port", "dst_addr", "dst_port")
    rows = zip(records(bindings, *names, by="time"), records(bindings, *ends, by="time"), strict=True)
    return [
        Check._make([*row, (src_addr, src_port), (dst_addr, dst_port)])
        for row, (purpose, src_addr, src_port, dst_addr, dst_port) in rows
        if purpose == "check"
    ]


def _lives(stun_messages: pd.DataFrame) -> dict[Key, Life]:
    lives: dict[Key, Life] = {}
    names = ("capture", "transaction_id", "time", "kind", "use_candidate", "method", "relayed")
    for capture, identity, time, kind, use_candidate, method, relayed in records(stun_messages, *names):
        if method == "binding" and kind in KINDS and not relayed:
            last, nominates = lives.get((capture, identity), NO_LIFE)
            nominates |= kind == "request" and bool(use_candidate)
            lives[capture, identity] = Life(max(last or 0, time or 0) or None, nominates)
    return lives


def _in_checks(checks: Iterable[Check], sessions: IceSessions, lives: Mapping[Key, Life]) -> list[Pair]:
    """Return the pairs in the order of their first check."""
    by_key: dict[tuple[object, ...], Pair] = {}
    for check in checks:
        session = session_of(sessions, check.username, check.time)
        ufrag_pair = frozenset(halves(check.username) or ()) if session else None
        ends = frozenset((check.src, check.dst))
        key = (check.capture, check.call, check.leg, ufrag_pair, ends)
        if key not in by_key:
            by_key[key] = _opened(
                check, local_sends=_local_sends(check, sides_of_check(session, check.username))
            )
        _count(by_key[key], check, lives.get((check.capture, check.transaction_id), Life(check.time, False)))
    return list(by_key.values())


def _local_sends(check: Check, sides: tuple[str | None, str | None]) -> bool:
    """Return whether the check's sender is the local end: the server, else who sent first."""
    sender, receiver = sides
    if "server" in sides and sender != receiver:
        return sender == "server"
    return check.direction != "client_to_server"


def _opened(check: Check, *, local_sends: bool) -> Pair:
    receiver, sender = halves(check.username) or (None, None)
    mine, theirs = (check.src, sender), (check.dst, receiver)
    (local, local_ufrag), (remote, remote_ufrag) = (mine, theirs) if local_sends else (theirs, mine)
    return Pair(
        check.capture,
        check.frame,
        check.time,
        check.call,
        check.leg,
        local,
        remote,
        local_ufrag,
        remote_ufrag,
    )


def _count(pair: Pair, check: Check, life: Life) -> None:
    pair.transactions.add(check.transaction_id)
    pair.outcomes[check.src == pair.local, _outcome(check, life)] += 1
    pair.nominated |= life.nominates and check.outcome == "success"
    pair.last_time = max(pair.last_time or 0, life.last_time or 0) or None


def _outcome(check: Check, life: Life) -> str:
    """Return the outcome; a pending check still sent PATIENCE after its first request is unanswered."""
    overdue = (life.last_time or 0) - (check.time or 0) >= PATIENCE
    return "unanswered" if check.outcome == "pending" and overdue else check.outcome


def _name_types(pair: Pair, offers: Offered, outside: Mapped) -> None:
    local, remote = (
        offers.get((pair.call, ufrag), []) if pair.call is not None and ufrag else []
        for ufrag in (pair.local_ufrag, pair.remote_ufrag)
    )
    outer_local, outer_remote = (outside.get((pair.capture, end), set()) for end in (pair.local, pair.remote))
    pair.local_type = kind_of(pair.local, outer_local, local, local=True)
    pair.remote_type = kind_of(pair.remote, outer_remote, remote, local=False)


def _index(pairs: Iterable[Pair]) -> Index:
    """Index the pairs by (capture, addresses, call) and by (capture, addresses); in order of time."""
    index: dict[tuple[object, ...], list[Pair]] = {}
    for pair in sorted(pairs, key=lambda pair: pair.time or 0):
        ends = frozenset((pair.local, pair.remote))
        index.setdefault((pair.capture, ends, pair.call), []).append(pair)
        index.setdefault((pair.capture, ends), []).append(pair)
    return index


def _pair_at(
    index: Index, capture: str, ends: frozenset[Place], call: int | None, time: int | None
) -> Pair | None:
    """Return the pair of the latest session begun by then, else of the first one; None without any."""
    pairs_there = index.get((capture, ends) if call is None else (capture, ends, call), [])
    begun = bisect_right(pairs_there, time or 0, key=lambda pair: pair.time or 0)
    return pairs_there[max(begun - 1, 0)] if pairs_there else None


def _add_dtls(index: Index, dtls: pd.DataFrame) -> None:
    """Set each pair's DTLS state: a completed handshake's, else the last one's."""
    names = (
        "capture",
        "call",
        "started",
        "state",
        "client_addr",
        "client_port",
        "server_addr",
        "server_port",
    )
    for capture, call, time, outcome, *ends in records(dtls, *names, by="started"):
        pair = _pair_at(index, capture, frozenset(((ends[0], ends[1]), (ends[2], ends[3]))), call, time)
        if pair and pair.dtls != "complete":
            pair.dtls = outcome


def _add_media(index: Index, rtp_streams: pd.DataFrame) -> None:
    names = (
        "relayed",
        "capture",
        "call",
        "first_time",
        "time",
        "packets",
        "src_addr",
        "src_port",
        "dst_addr",
        "dst_port",
    )
    for relayed, capture, call, first, time, packets, *ends in records(rtp_streams, *names):
        flow = frozenset(((ends[0], ends[1]), (ends[2], ends[3])))
        pair = _pair_at(index, capture, flow, call, time if first is None else first)
        if pair and not relayed:
            pair.media_packets += packets or 0


def _row(pair: Pair) -> dict[str, Any]:
    checked = bool(pair.outcomes)
    return {
        "capture": pair.capture,
        "frame": pair.frame,
        "time": pair.time,
        "call": pair.call,
        "leg": pair.leg,
        "local_addr": pair.local[0],
        "local_port": pair.local[1],
        "local_type": pair.local_type,
        "remote_addr": pair.remote[0],
        "remote_port": pair.remote[1],
        "remote_type": pair.remote_type,
        "sent": pair.count(),
        "answered": pair.count("success"),
        "errors": pair.count("error"),
        "first_time": pair.time if checked else None,
        "last_time": pair.last_time if checked else None,
        "nominated": pair.nominated,
        "dtls": pair.dtls,
        "media_packets": pair.media_packets,
        "state": state(pair),
    }
