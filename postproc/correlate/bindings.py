"""STUN Binding transactions: whose they are, what they are for and what became of them (RFC 8489)."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field
from statistics import median
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.endpoints import Index, with_bindings
from postproc.correlate.ice import direction
from postproc.correlate.rows import column, records
from postproc.correlate.whose import Owner, Traffic, by_checks, by_username, invited, owner
from postproc.dataclass import dataclass
from postproc.model import constants
from postproc.model.columns import TEXT, TIME, array, repeated
from postproc.model.tables import BINDINGS

# STUN Binding transactions: requests and responses with one transaction ID (RFC 8489, section 6).
#
# The ID alone pairs them, within one capture: NAT and several network cards may
# let the response come from another address than the request went to. Messages
# are in order of time, since a file with several interfaces need not be.


TUPLE = ("src_addr", "src_port", "dst_addr", "dst_port")

Key = tuple[str, str]  # capture and transaction ID


@dataclass(slots=True)
class Transaction:
    """Positions of its messages among those of ``messages``, in order of time."""

    requests: list[int] = field(default_factory=list)
    successes: list[int] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)

    @property
    def first(self) -> int:
        """The first request; the first response where no request was captured."""
        return self.requests[0] if self.requests else min(self.successes[:1] + self.errors[:1])

    @property
    def responses(self) -> list[int]:
        """The response that decides first: any success beats errors."""
        return self.successes + self.errors

    @property
    def round_trip(self) -> tuple[int, int] | None:
        """The first response and before it the request it answers: the last one sent by then."""
        if not self.responses:
            return None
        response = min(self.responses)
        sent = bisect_left(self.requests, response)
        return (self.requests[sent - 1], response) if sent else None


Transactions = Mapping[Key, Transaction]


def binding_messages(stun_messages: pd.DataFrame) -> pd.DataFrame:
    """Binding requests and responses by capture and time: TURN-wrapped ones and indications are left out."""
    stun = stun_messages
    wrapped = stun["relayed"].fillna(False).astype(bool)
    asks = (stun["method"] == "binding").fillna(False).astype(bool) & stun["kind"].isin(
        ("request", "success", "error")
    )
    named = stun["transaction_id"].notna() & stun["capture"].notna()
    kept = stun[asks & named & ~wrapped]
    return kept.sort_values(["capture", "time", "frame"], kind="stable", ignore_index=True)


def grouped(messages: pd.DataFrame) -> Transactions:
    """Group messages, second captures left out, by capture and transaction ID."""
    found: dict[Key, Transaction] = {}
    names = ("capture", "transaction_id", "kind", "copy_of")
    for position, (capture, identity, kind, original) in enumerate(records(messages, *names)):
        if original is None:
            known = found.get((capture, identity))
            if known is None:
                known = found[capture, identity] = Transaction()
            side = {"request": known.requests, "success": known.successes}.get(kind, known.errors)
            side.append(position)
    return found


def copies_of(messages: pd.DataFrame) -> Counter[Key]:
    """How many messages of a transaction were captured twice."""
    again = messages[messages["copy_of"].notna()]
    return Counter(records(again, "capture", "transaction_id"))


# What a Binding transaction is for: check, keepalive or discovery.
#
# A check carries PRIORITY, a role or USE-CANDIDATE (RFC 8445, section 7.1): the
# consent checks of a running call included (RFC 7675). USERNAME alone proves
# nothing, FreeSWITCH sends one to STUN servers too; nor does port 3478. What is
# sent where SIP, RTP, RTCP, checks or DTLS flow keeps that flow's binding alive
# (RFC 5626, RFC 6263): the two ports tell, since NAT and a second network card
# may change the addresses. The rest asks a STUN server for a mapped address.


PORTS = ("capture", "src_port", "dst_port")

Ports = tuple[str | None, int | None, int | None]  # capture, sender's port, receiver's port


def carries_check(stun_messages: pd.DataFrame) -> "pd.Series[bool]":
    """Which messages carry an attribute that only connectivity checks have."""
    stun = stun_messages
    nominates = stun["use_candidate"].fillna(False).astype(bool)
    return stun["priority"].notna() | stun["role"].notna() | nominates


def busy_ports(
    checks: pd.DataFrame, sip_messages: pd.DataFrame, rtp_streams: pd.DataFrame, dtls_messages: pd.DataFrame
) -> set[Ports]:
    """Port pairs that carry something else, both ways round; relayed rows are left out."""
    rtp = _ports(rtp_streams)
    rtcp = [(capture, src + 1, dst + 1) for capture, src, dst in rtp]  # RFC 3550, section 11
    one_way = {*_ports(checks), *_ports(sip_messages), *_ports(dtls_messages), *rtp, *rtcp}
    return one_way | {(capture, dst, src) for capture, src, dst in one_way}


def purpose_of(busy: set[Ports], is_check: bool, ports: Ports) -> str:
    """The purpose of a transaction whose requests went from port to port."""
    if is_check:
        return "check"
    return "keepalive" if ports in busy else "discovery"


def _ports(rows: pd.DataFrame) -> list[tuple[str, int, int]]:
    if "relayed" in rows:
        rows = rows[~rows["relayed"].fillna(False).astype(bool)]
    return list(records(rows[list(PORTS)].dropna().drop_duplicates(), *PORTS))


# ICMP errors that quote a Binding request (RFC 792, RFC 4443).
#
# A quote that is long enough names the transaction. A shorter one names the
# 5-tuple: then the last request on it is meant, if that is recent and nobody
# answered it. A hard error ends a transaction at once (RFC 8489, section 6.2.1);
# a soft one (RFC 1122, section 3.2.2) is told, but an answer may still come.


Flow = tuple[str | None, str | None, int | None, str | None, int | None]  # capture and 5-tuple

RECENT = constants.nanoseconds("bindings.icmp_recent_s")
NO_ERRORS = constants.icmp_types("icmp.harmless")  # source quench and redirect: the packet went on
SOFT = constants.icmp_types("icmp.soft")  # time exceeded, parameter problem, packet too big


class Quote(NamedTuple):
    """An ICMP error about a request."""

    code: int | None
    hard: bool


def quotes_of(icmp_errors: pd.DataFrame, messages: pd.DataFrame, known: Transactions) -> dict[Key, Quote]:
    """The ICMP error of each transaction that has one; a hard one beats a soft one, else the first."""
    if icmp_errors.empty:
        return {}
    tuples: list[Flow] = list(records(messages, "capture", *TUPLE))
    sent = _sent(tuples, messages, known)
    found: dict[Key, Quote] = {}
    ordered = icmp_errors.sort_values(["capture", "time", "frame"], kind="stable")
    ordered = ordered[(ordered["transport"] != "tcp").fillna(True).astype(bool)]
    rows = records(ordered, "version", "type", "code", "transaction_id", "time")
    flows: Iterable[Flow] = records(ordered, "capture", *TUPLE)
    for (version, kind, code, identity, time), flow in zip(rows, flows, strict=True):
        quote = Quote(code, (version, kind) not in SOFT)
        key = _named(flow, identity, tuples, known) if identity else _recent(flow, time, sent, known)
        if key and (version, kind) not in NO_ERRORS and (key not in found or quote.hard > found[key].hard):
            found[key] = quote
    return found


def _named(flow: Flow, identity: str, tuples: list[Flow], known: Transactions) -> Key | None:
    """The transaction quoted by its ID, unless it is the response that was refused."""
    capture, src_addr, src_port, dst_addr, dst_port = flow
    key = (capture or "", identity)
    if key not in known or not known[key].requests:
        return None
    request = tuples[known[key].first]
    return None if request == (capture, dst_addr, dst_port, src_addr, src_port) else key


def _recent(
    flow: Flow, time: int | None, sent: dict[Flow, list[tuple[int, Key]]], known: Transactions
) -> Key | None:
    """The transaction of the last request on the quoted 5-tuple, if recent and unanswered."""
    there = sent.get(flow, [])
    before = bisect_right(there, time, key=lambda request: request[0]) if time is not None else 0
    if not before or time is None or time - there[before - 1][0] > RECENT:
        return None
    key = there[before - 1][1]
    return key if not known[key].responses else None


def _sent(
    tuples: list[Flow], messages: pd.DataFrame, known: Transactions
) -> dict[Flow, list[tuple[int, Key]]]:
    """Time and transaction of the requests on each 5-tuple, by time."""
    times = column(messages["time"])
    found: dict[Flow, list[tuple[int, Key]]] = {}
    positions = sorted((at, key) for key, transaction in known.items() for at in transaction.requests)
    for at, key in positions:
        if times[at] is not None:
            found.setdefault(tuples[at], []).append((times[at], key))
    return found


# STUN Binding transactions: whose they are, what they are for and what became of them.
#
# Any success beats an error: a peer that answers a retransmission with 401 or
# 500 has answered before. RFC 8489 gives a transaction up after 39.5 s; captures
# end sooner, so a request is unanswered after 3 s or three median round trips of
# its capture, whichever is longer, and pending when the capture ends before that.


NS_PER_MS = 1_000_000
PATIENCE = constants.nanoseconds("bindings.patience_s")
MEDIANS = constants.count("bindings.patience_round_trips")
ENDS = list(TUPLE)
ANSWER = [
    "outcome",
    "requests",
    "last_time",
    "copies",
    "rtt_ms",
    "icmp",
    "response_frame",
    "mapped_addr",
    "mapped_port",
    "error_code",
    "error_seen",
]
MIRRORED = ["dst_addr", "dst_port", "src_addr", "src_port"]


def bindings(
    stun_messages: pd.DataFrame,
    index: Index,
    *,
    icmp_errors: pd.DataFrame,
    sip_messages: pd.DataFrame,
    rtp_streams: pd.DataFrame,
    dtls_messages: pd.DataFrame,
    captures: pd.DataFrame,
) -> pd.DataFrame:
    """The bindings table, by capture and time (RFC 8489, section 6; RFC 8445, section 7).

    ``index`` has the ICE sessions and the legs' addresses. Of ``rtp_streams`` and ``dtls_messages`` only
    capture, 5-tuple and ``relayed`` count.
    """
    messages = binding_messages(stun_messages)
    known = grouped(messages)
    found = _opened(messages, known).join(_answers(messages, known, icmp_errors, captures))
    used = carries_check(messages).tolist()
    checks = [any(used[at] for at in transaction.requests) for transaction in known.values()]
    busy = busy_ports(_messages_of(messages, known, checks), sip_messages, rtp_streams, dtls_messages)
    found["purpose"] = [
        purpose_of(busy, is_check, ports)
        for is_check, ports in zip(checks, records(found, *PORTS), strict=True)
    ]
    inside = messages[messages["peer_addr"].notna() | messages["channel"].notna()]
    relayed = {*records(inside, "capture", "transaction_id")}
    found["relayed"] = [key in relayed for key in known]
    found["counted_in"] = repeated(None, len(found), TEXT)
    return BINDINGS.conform(found.join(_owned(found, index)))


def _owned(found: pd.DataFrame, index: Index) -> pd.DataFrame:
    """Call, leg and direction of transactions: by both ufrags, then by what these checks show."""
    asked = list(records(found, "username", "time", "purpose"))
    tied = [by_username(index, username, time) for username, time, _ in asked]
    if all(tied):
        return _columns(tied)
    seen = with_bindings(index, found.join(_columns(tied)))
    owners: list[Owner | None] = []
    for known, traffic, (_, _, purpose) in zip(tied, _traffic(found), asked, strict=True):
        whose = known or (traffic and by_checks(seen, traffic))
        if whose is None and traffic:
            whose = owner(seen, traffic) or (invited(seen, traffic) if purpose == "discovery" else None)
            # Only checks say who is who: an address may be a relay's, or the NAT's.
            whose = whose and whose._replace(src_side=None, dst_side=None)
        owners.append(whose)
    return _columns(owners)


def _columns(owners: list[Owner | None]) -> pd.DataFrame:
    nobody = (None, None, "other")
    rows = [(w.call, w.leg, direction(w.src_side, w.dst_side)) if w else nobody for w in owners]
    return pd.DataFrame(rows, columns=["call", "leg", "direction"], dtype=object)


def _traffic(found: pd.DataFrame) -> list[Traffic | None]:
    """The transactions as traffic of one moment; None where time or an address is not known."""
    rows = records(found, "capture", "time", *ENDS, "username", "mapped_addr", "mapped_port")
    return [None if None in row[:6] else _moment(row) for row in rows]


def _moment(row: tuple[Any, ...]) -> Traffic:
    capture, time, src, src_port, dst, dst_port, username, *mapped = row
    outside = None if None in mapped else (mapped[0], mapped[1])
    ends = (src, src_port), (dst, dst_port)
    return Traffic(capture, *ends, time, time, stun=True, username=username, mapped=outside)


def _opened(messages: pd.DataFrame, known: Transactions) -> pd.DataFrame:
    """First request of each transaction; a response alone gives the 5-tuple of its request."""
    names = ["capture", "frame", "time", *ENDS, "username", "role", "transaction_id"]
    found = messages.loc[[transaction.first for transaction in known.values()], names].reset_index(drop=True)
    asked = pd.Series([bool(transaction.requests) for transaction in known.values()], dtype=bool)
    found[ENDS] = found[ENDS].where(asked, found[MIRRORED].set_axis(ENDS, axis=1))
    return found


def _answers(
    messages: pd.DataFrame, known: Transactions, icmp_errors: pd.DataFrame, captures: pd.DataFrame
) -> pd.DataFrame:
    """What became of each transaction, one row each."""
    times = column(messages["time"])
    rtts = [_rtt(transaction, times) for transaction in known.values()]
    patience, ends = _patience(known, rtts), _ends(messages, captures)
    quotes = quotes_of(icmp_errors, messages, known)
    copies = copies_of(messages)
    details = list(records(messages, "frame", "error_code", "mapped_addr", "mapped_port"))
    rows = []
    for (key, transaction), rtt in zip(known.items(), rtts, strict=True):
        quote = quotes.get(key)
        last = times[transaction.requests[-1]] if transaction.requests else None
        given_up = last is None or ends.get(key[0], last) - last > patience[key[0]]
        outcome = _outcome(transaction, given_up or (quote is not None and quote.hard))
        counts = (len(transaction.requests), last, copies[key], rtt, quote and quote.code)
        rows.append((outcome, *counts, *_response(transaction, outcome, details)))
    found = pd.DataFrame(rows, columns=ANSWER)
    # Not from the frame: beside a None its nanoseconds are floats, which are 128 ns apart.
    at = ANSWER.index("last_time")
    return found.assign(last_time=array([row[at] for row in rows], TIME))


def _rtt(transaction: Transaction, times: list[int | None]) -> float | None:
    """Milliseconds from the last request before the first response to that response."""
    round_trip = transaction.round_trip
    if round_trip is None:
        return None
    asked, answered = (times[at] for at in round_trip)
    return None if asked is None or answered is None else (answered - asked) / NS_PER_MS


def _patience(known: Transactions, rtts: list[float | None]) -> dict[str, float]:
    """Nanoseconds after which a request counts as unanswered, by capture."""
    by_capture: dict[str, list[float]] = {capture: [] for capture, _ in known}
    for (capture, _), rtt in zip(known, rtts, strict=True):
        if rtt is not None:
            by_capture[capture].append(rtt)
    medians = {name: median(seen or [0]) * NS_PER_MS for name, seen in by_capture.items()}
    return {name: max(PATIENCE, MEDIANS * usual) for name, usual in medians.items()}


def _ends(messages: pd.DataFrame, captures: pd.DataFrame) -> dict[str, int]:
    """Time of the last packet by capture; of its last STUN message where that is not known."""
    heard = {capture: time for capture, time in records(messages, "capture", "time") if time is not None}
    ends = {capture: time for capture, time in records(captures, "capture", "last_time") if time is not None}
    return heard | ends


def _outcome(transaction: Transaction, given_up: bool) -> str:
    if not transaction.requests:
        return "response_only"
    if transaction.successes:
        return "success"
    if transaction.errors:
        return "error"
    return "unanswered" if given_up else "pending"


def _response(transaction: Transaction, outcome: str, details: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """What the responses say, as in ANSWER; an error nobody asked for says nothing."""
    frame = details[transaction.responses[0]][0] if transaction.responses else None
    mapped = details[transaction.successes[0]][2:] if transaction.successes else (None, None)
    code = details[transaction.errors[0]][1] if transaction.errors else None
    return frame, *mapped, code if outcome == "error" else None, code if outcome == "success" else None


def _messages_of(messages: pd.DataFrame, known: Transactions, chosen: list[bool]) -> pd.DataFrame:
    """The messages of the chosen transactions."""
    picked = [
        at
        for transaction, wanted in zip(known.values(), chosen, strict=True)
        if wanted
        for at in transaction.requests + transaction.successes + transaction.errors
    ]
    return messages.loc[picked]
