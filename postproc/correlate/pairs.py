"""Candidate pairs: what became of the checks on each, and what ran over it (RFC 8445, section 6.1.2)."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from itertools import islice, product
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.bindings import Key, binding_messages
from postproc.correlate.candidates import Candidate, Mapped, Offered, Place, covered, kind_of, mapped, offered
from postproc.correlate.ice import IceSession, IceSessions, by_ufrags, halves, session_of, sides_of_check
from postproc.correlate.rows import records, timestamp
from postproc.dataclass import dataclass
from postproc.model.tables import PAIRS

# A candidate pair with its checks, and the pairs that nobody checked (RFC 8445, section 6.1.2).
#
# A pair is never checked when no capture of the run shows a check that went from
# or to its addresses. A reflexive candidate is reached from its base: a check
# seen on the base stands for it, and the pair is not listed.


Reached = tuple[set[Place], set[Place]]  # offered addresses, local and remote

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
        """Checks either way, all or those of one outcome."""
        return sum(n for (_, end), n in self.outcomes.items() if outcome in (None, end))


def state(pair: Pair) -> str | None:
    """What the checks prove; None while none is answered and none is given up.

    One way is enough for a nomination if the other end sends no checks: it may be lite.
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
    """Pairs of offered candidates that were never checked, per ICE session."""
    seen: dict[tuple[int | None, frozenset[str | None]], list[Pair]] = {}
    for pair in checked:
        seen.setdefault((pair.call, frozenset((pair.local_ufrag, pair.remote_ufrag))), []).append(pair)
    found: list[Pair] = []
    for ufrags, alike in sessions.items():
        for session in {session.call: session for session in reversed(alike)}.values():
            tried = seen.get((session.call, ufrags), [])
            found += islice(_untried(session, tried, offers, outside), MOST)
    return found


def _untried(session: IceSession, tried: list[Pair], offers: Offered, outside: Mapped) -> Iterator[Pair]:
    mine, theirs = _local_first(session)
    local = offers.get((session.call, mine), [])
    remote = offers.get((session.call, theirs), [])
    checked = _checked(tried, [_reached(pair, mine, local, remote, outside) for pair in tried])
    same_section = _same_section(local, remote)
    done: set[tuple[Place, Place]] = set()
    for one, other in product(local, remote):
        places = (one.place, other.place)
        if places in done or (one.mid, other.mid) not in same_section or not _fits(one, other):
            continue
        done.add(places)
        if places not in checked:
            yield _pair(session, one, other, mine, theirs)


def _local_first(session: IceSession) -> tuple[str, str]:
    """Ufrag of the server's side, else of the first one; and the other."""
    if session.side_b == "server" and session.side_a != "server":
        return session.ufrag_b, session.ufrag_a
    return session.ufrag_a, session.ufrag_b


def _checked(tried: list[Pair], reached: list[Reached]) -> set[tuple[Place, Place]]:
    """Offered addresses that checks went between.

    A check seen on both sides of a NAT stands for what it stands for in both captures.
    """
    views: dict[str, list[int]] = {}
    for number, pair in enumerate(tried):
        for identity in pair.transactions:
            views.setdefault(identity, []).append(number)
    found: set[tuple[Place, Place]] = set()
    for pair, (here, there) in zip(tried, reached, strict=True):
        alike = [reached[n] for n in {n for identity in pair.transactions for n in views[identity]}]
        in_common = (here.intersection(*(h for h, _ in alike)), there.intersection(*(t for _, t in alike)))
        found.update(product(in_common[0] or here, in_common[1] or there))
    return found


def _reached(
    pair: Pair, mine: str, local: list[Candidate], remote: list[Candidate], outside: Mapped
) -> Reached:
    """Offered addresses of both ends that the checks on a pair stand for."""
    here, there = (pair.local, pair.remote) if pair.local_ufrag == mine else (pair.remote, pair.local)
    return (
        covered(here, outside.get((pair.capture, here), set()), local, local=True),
        covered(there, outside.get((pair.capture, there), set()), remote, local=False),
    )


def _same_section(local: list[Candidate], remote: list[Candidate]) -> set[tuple[str | None, str | None]]:
    """Names under which both sides speak of one m= section: equal ones, else by their order.

    An answer without a=mid names its sections by number (RFC 3264, section 6: the order is the offer's).
    """
    mine = list(dict.fromkeys(candidate.mid for candidate in local))
    theirs = list(dict.fromkeys(candidate.mid for candidate in remote))
    common = set(mine) & set(theirs)
    return {(mid, mid) for mid in common} or set(zip(mine, theirs, strict=False))


def _fits(one: Candidate, other: Candidate) -> bool:
    """Candidates of one m= section that form a pair: same component, same family, UDP."""
    families = (_family(one.place), _family(other.place))
    alike = one.component == other.component and families[0] == families[1]
    return alike and families[0] is not None and one.place != other.place and _is_udp(one) and _is_udp(other)


def _is_udp(candidate: Candidate) -> bool:
    return (candidate.transport or "").lower() == "udp"


def _family(place: Place) -> int | None:
    """4, 6, or None for a name: no wire address can be compared with that."""
    addr = place[0] or ""
    if ":" in addr:
        return 6
    return 4 if addr.replace(".", "").isdigit() else None


def _pair(session: IceSession, one: Candidate, other: Candidate, mine: str, theirs: str) -> Pair:
    """The pair as it came into being: with the later of its two candidate lines."""
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


# Candidate pairs: what became of the checks on each, and what ran over it (RFC 8445, section 6.1.2).
#
# A pair is two wire addresses, whoever sent first, within one ICE session and one
# capture. An ICE restart (new ufrags, RFC 8445, section 9) makes new pairs on the
# same addresses: checks that fail after it must not hide behind earlier ones.
# DTLS and media belong to the session that had begun when they did.


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


def pairs(
    bindings: pd.DataFrame,
    ice_sessions: pd.DataFrame,
    candidates: pd.DataFrame,
    stun_messages: pd.DataFrame,
    *,
    dtls: pd.DataFrame,
    rtp_streams: pd.DataFrame,
) -> pd.DataFrame:
    """The pairs table: pairs seen in checks by time, then those offered and never checked.

    ``bindings``, ``dtls`` and ``candidates`` carry call and leg; ``rtp_streams`` may.
    """
    sessions = by_ufrags(ice_sessions)
    found = _in_checks(_checks(bindings), sessions, _lives(stun_messages))
    offers, outside = offered(candidates), mapped(bindings)
    for pair in found:
        _name_types(pair, offers, outside)
    found += unchecked(found, sessions, offers, outside)
    index = _index(found)
    _add_dtls(index, dtls)
    _add_media(index, rtp_streams)
    return PAIRS.rows(_row(pair) for pair in found)


def _checks(bindings: pd.DataFrame) -> list[Check]:
    """The checks, by time."""
    known = bindings[(bindings["purpose"] == "check").fillna(False)].sort_values("time", kind="stable")
    names = ("capture", "transaction_id", "frame", "time", "call", "leg", "direction", "username", "outcome")
    ends = records(known, "src_addr", "src_port", "dst_addr", "dst_port")
    return [
        Check._make([*row, (src_addr, src_port), (dst_addr, dst_port)])
        for row, (src_addr, src_port, dst_addr, dst_port) in zip(records(known, *names), ends, strict=True)
    ]


def _lives(stun_messages: pd.DataFrame) -> dict[Key, Life]:
    messages = binding_messages(stun_messages)
    found: dict[Key, Life] = {}
    names = ("capture", "transaction_id", "time", "kind", "use_candidate")
    for capture, identity, time, kind, nominates in records(messages, *names):
        known = found.get((capture, identity), Life(None, False))
        found[capture, identity] = Life(time, known.nominates or (kind == "request" and bool(nominates)))
    return found


def _in_checks(checks: Iterable[Check], sessions: IceSessions, lives: Mapping[Key, Life]) -> list[Pair]:
    """Pairs in the order of their first check."""
    found: dict[tuple[object, ...], Pair] = {}
    for check in checks:
        session = session_of(sessions, check.username, check.time)
        ufrag_pair = frozenset(halves(check.username) or ()) if session else None
        ends = frozenset((check.src, check.dst))
        key = (check.capture, check.call, check.leg, ufrag_pair, ends)
        if key not in found:
            found[key] = _opened(
                check, local_sends=_local_sends(check, sides_of_check(session, check.username))
            )
        _count(found[key], check, lives.get((check.capture, check.transaction_id), Life(check.time, False)))
    return list(found.values())


def _local_sends(check: Check, sides: tuple[str | None, str | None]) -> bool:
    """The server's side is local; where no side is the server's, the first sender."""
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
    pair.outcomes[check.src == pair.local, check.outcome] += 1
    pair.nominated |= life.nominates and check.outcome == "success"
    pair.last_time = max(pair.last_time or 0, life.last_time or 0) or None


def _name_types(pair: Pair, offers: Offered, outside: Mapped) -> None:
    local, remote = (
        offers.get((pair.call, ufrag), []) if pair.call is not None and ufrag else []
        for ufrag in (pair.local_ufrag, pair.remote_ufrag)
    )
    outer_local, outer_remote = (outside.get((pair.capture, end), set()) for end in (pair.local, pair.remote))
    pair.local_type = kind_of(pair.local, outer_local, local, local=True)
    pair.remote_type = kind_of(pair.remote, outer_remote, remote, local=False)


def _index(found: Iterable[Pair]) -> Index:
    """Pairs by capture, addresses and call, and by capture and addresses alone; in order of time."""
    index: dict[tuple[object, ...], list[Pair]] = {}
    for pair in sorted(found, key=lambda pair: pair.time or 0):
        ends = frozenset((pair.local, pair.remote))
        index.setdefault((pair.capture, ends, pair.call), []).append(pair)
        index.setdefault((pair.capture, ends), []).append(pair)
    return index


def _pair_at(
    index: Index, capture: str, ends: frozenset[Place], call: int | None, time: int | None
) -> Pair | None:
    """The pair of the last session that had begun by then, else of the first one."""
    there = index.get((capture, ends) if call is None else (capture, ends, call), [])
    begun = bisect_right(there, time or 0, key=lambda pair: pair.time or 0)
    return there[max(begun - 1, 0)] if there else None


def _add_dtls(index: Index, dtls: pd.DataFrame) -> None:
    """A completed handshake counts, else the last one."""
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
    for capture, call, time, outcome, *ends in records(dtls.sort_values("started", kind="stable"), *names):
        pair = _pair_at(index, capture, frozenset(((ends[0], ends[1]), (ends[2], ends[3]))), call, time)
        if pair and pair.dtls != "complete":
            pair.dtls = outcome


def _add_media(index: Index, rtp_streams: pd.DataFrame) -> None:
    direct = rtp_streams[~rtp_streams["relayed"].fillna(False).astype(bool)]
    names = (
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
    for capture, call, first, time, packets, *ends in records(direct, *names):
        flow = frozenset(((ends[0], ends[1]), (ends[2], ends[3])))
        pair = _pair_at(index, capture, flow, call, time if first is None else first)
        if pair:
            pair.media_packets += packets or 0


def _row(pair: Pair) -> dict[str, Any]:
    seen = bool(pair.outcomes)
    return {
        "capture": pair.capture,
        "frame": pair.frame,
        "time": timestamp(pair.time),
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
        "first_time": timestamp(pair.time) if seen else None,
        "last_time": timestamp(pair.last_time) if seen else None,
        "nominated": pair.nominated,
        "dtls": pair.dtls,
        "media_packets": pair.media_packets,
        "state": state(pair),
    }
