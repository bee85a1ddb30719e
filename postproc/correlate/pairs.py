"""Candidate pairs: what became of the checks on each, and what ran over it (RFC 8445, section 6.1.2).

A pair is two wire addresses, whoever sent first, within one ICE session and one
capture. An ICE restart (new ufrags, RFC 8445, section 9) makes new pairs on the
same addresses: checks that fail after it must not hide behind earlier ones.
DTLS and media belong to the session that had begun when they did.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate import offered, stun_transactions, ufrags
from postproc.correlate.checklist import Pair, state, unchecked
from postproc.correlate.offered import Mapped, Offered, Place
from postproc.correlate.records import records, timestamp
from postproc.correlate.stun_transactions import Key
from postproc.correlate.ufrags import Sessions
from postproc.tables import PAIRS

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
    sessions = ufrags.sessions(ice_sessions)
    found = _checked(_checks(bindings), sessions, _lives(stun_messages))
    offers, outside = offered.offered(candidates), offered.mapped(bindings)
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
    messages = stun_transactions.messages(stun_messages)
    found: dict[Key, Life] = {}
    names = ("capture", "transaction_id", "time", "kind", "use_candidate")
    for capture, identity, time, kind, nominates in records(messages, *names):
        known = found.get((capture, identity), Life(None, False))
        found[capture, identity] = Life(time, known.nominates or (kind == "request" and bool(nominates)))
    return found


def _checked(checks: Iterable[Check], sessions: Sessions, lives: Mapping[Key, Life]) -> list[Pair]:
    """Pairs in the order of their first check."""
    found: dict[tuple[object, ...], Pair] = {}
    for check in checks:
        session = ufrags.session_of(sessions, check.username, check.time)
        ufrag_pair = frozenset(ufrags.halves(check.username) or ()) if session else None
        ends = frozenset((check.src, check.dst))
        key = (check.capture, check.call, check.leg, ufrag_pair, ends)
        if key not in found:
            found[key] = _opened(
                check, local_sends=_local_sends(check, ufrags.sides(session, check.username))
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
    receiver, sender = ufrags.halves(check.username) or (None, None)
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
    pair.local_type = offered.kind_of(pair.local, outer_local, local, local=True)
    pair.remote_type = offered.kind_of(pair.remote, outer_remote, remote, local=False)


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
