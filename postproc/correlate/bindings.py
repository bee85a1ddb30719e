"""STUN Binding transactions: their call and leg, their purpose and their outcome (RFC 8489)."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.endpoints import Index, with_bindings
from postproc.correlate.ice import direction
from postproc.correlate.rows import column, records
from postproc.correlate.whose import Owner, Traffic, by_checks, by_username, invited, owner
from postproc.model import constants
from postproc.model.columns import TEXT, TIME, array, repeated
from postproc.model.tables import BINDINGS

# STUN Binding transactions: requests and responses with one transaction ID (RFC 8489, section 6).
#
# Within a capture the ID alone pairs them: with NAT or several network cards the
# response may come from another address than the request went to. Messages are
# sorted by time, since a file with several interfaces need not be.


TUPLE = ("src_addr", "src_port", "dst_addr", "dst_port")

Key = tuple[str, str]  # capture and transaction ID


@dataclass(slots=True)
class Transaction:
    """Row numbers of a transaction's messages in ``binding_messages``, in order of time."""

    requests: list[int] = field(default_factory=list)
    successes: list[int] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)

    @property
    def first(self) -> int:
        """The first request; the first response where no request was captured."""
        return self.requests[0] if self.requests else min(self.successes[:1] + self.errors[:1])

    @property
    def responses(self) -> list[int]:
        """The responses, the one that decides first: any success beats errors."""
        return self.successes + self.errors

    @property
    def round_trip(self) -> tuple[int, int] | None:
        """The request that the first response answers (the last one sent by then), and that response."""
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
    relevant = (stun["method"] == "binding").fillna(False).astype(bool) & stun["kind"].isin(
        ("request", "success", "error")
    )
    identified = stun["transaction_id"].notna() & stun["capture"].notna()
    chosen = stun[relevant & identified & ~wrapped]
    return chosen.sort_values(["capture", "time", "frame"], kind="stable", ignore_index=True)


def grouped(messages: pd.DataFrame) -> Transactions:
    """Group messages, second captures left out, by capture and transaction ID."""
    by_key: dict[Key, Transaction] = {}
    names = ("capture", "transaction_id", "kind", "copy_of")
    for position, (capture, identity, kind, original) in enumerate(records(messages, *names)):
        if original is None:
            group = by_key.get((capture, identity))
            if group is None:
                group = by_key[capture, identity] = Transaction()
            side = {"request": group.requests, "success": group.successes}.get(kind, group.errors)
            side.append(position)
    return by_key


def copies_of(messages: pd.DataFrame) -> Counter[Key]:
    """Count the messages of each transaction that were captured twice."""
    copies = messages[messages["copy_of"].notna()]
    return Counter(records(copies, "capture", "transaction_id"))


# What a Binding transaction is for: check, keepalive or discovery.
#
# A check carries PRIORITY, a role or USE-CANDIDATE (RFC 8445, section 7.1), and so
# do the consent checks of a running call (RFC 7675). USERNAME alone proves nothing,
# since FreeSWITCH sends one to STUN servers too; nor does port 3478. A Binding on a
# flow that carries SIP, RTP, RTCP, checks or DTLS is a keepalive (RFC 5626, RFC
# 6263); the flow is recognised by its two ports, since NAT or a second network card
# may change the addresses. Anything else is a look-up at a STUN server (discovery).


PORTS = ("capture", "src_port", "dst_port")

Ports = tuple[str | None, int | None, int | None]  # capture, sender's port, receiver's port


def carries_check(stun_messages: pd.DataFrame) -> "pd.Series[bool]":
    """Return which messages carry an attribute that only connectivity checks have."""
    stun = stun_messages
    nominates = stun["use_candidate"].fillna(False).astype(bool)
    return stun["priority"].notna() | stun["role"].notna() | nominates


def busy_ports(
    checks: pd.DataFrame, sip_messages: pd.DataFrame, rtp_streams: pd.DataFrame, dtls_messages: pd.DataFrame
) -> set[Ports]:
    """Return the port pairs that carry other traffic, in both orders; relayed rows are left out."""
    rtp = _ports(rtp_streams)
    rtcp = [(capture, src + 1, dst + 1) for capture, src, dst in rtp]  # RFC 3550, section 11
    one_way = {*_ports(checks), *_ports(sip_messages), *_ports(dtls_messages), *rtp, *rtcp}
    return one_way | {(capture, dst, src) for capture, src, dst in one_way}


def purpose_of(busy: set[Ports], is_check: bool, ports: Ports) -> str:
    """Return the purpose of a transaction: check, keepalive or discovery."""
    if is_check:
        return "check"
    return "keepalive" if ports in busy else "discovery"


def _ports(rows: pd.DataFrame) -> list[tuple[str, int, int]]:
    if "relayed" in rows:
        rows = rows[~rows["relayed"].fillna(False).astype(bool)]
    return list(records(rows[list(PORTS)].dropna().drop_duplicates(), *PORTS))


# ICMP errors that quote a Binding request (RFC 792, RFC 4443).
#
# A quote that is long enough names the transaction. A shorter one names only the
# 5-tuple: it is then taken to mean the last request on it, if that is recent and
# unanswered. A hard error ends a transaction at once (RFC 8489, section 6.2.1); a
# soft one (RFC 1122, section 3.2.2) is recorded, but a response may still come.


Flow = tuple[str | None, str | None, int | None, str | None, int | None]  # capture and 5-tuple

RECENT = constants.nanoseconds("bindings.icmp_recent_s")
NO_ERRORS = constants.icmp_types("icmp.harmless")  # source quench and redirect: the packet went on
SOFT = constants.icmp_types("icmp.soft")  # time exceeded, parameter problem, packet too big


class Quote(NamedTuple):
    """An ICMP error about a request."""

    code: int | None
    hard: bool


def quotes_of(icmp_errors: pd.DataFrame, messages: pd.DataFrame, groups: Transactions) -> dict[Key, Quote]:
    """Return the ICMP error of each transaction that has one: a hard one before soft ones, else the first."""
    if icmp_errors.empty:
        return {}
    tuples: list[Flow] = list(records(messages, "capture", *TUPLE))
    sent = _sent(tuples, messages, groups)
    quotes: dict[Key, Quote] = {}
    ordered = icmp_errors.sort_values(["capture", "time", "frame"], kind="stable")
    ordered = ordered[(ordered["transport"] != "tcp").fillna(True).astype(bool)]
    rows = records(ordered, "version", "type", "code", "transaction_id", "time")
    flows: Iterable[Flow] = records(ordered, "capture", *TUPLE)
    for (version, kind, code, identity, time), flow in zip(rows, flows, strict=True):
        quote = Quote(code, (version, kind) not in SOFT)
        key = _named(flow, identity, tuples, groups) if identity else _recent(flow, time, sent, groups)
        if key and (version, kind) not in NO_ERRORS and (key not in quotes or quote.hard > quotes[key].hard):
            quotes[key] = quote
    return quotes


def _named(flow: Flow, identity: str, tuples: list[Flow], transactions: Transactions) -> Key | None:
    """Return the transaction quoted by its ID; None if the quoted packet is its response."""
    capture, src_addr, src_port, dst_addr, dst_port = flow
    key = (capture or "", identity)
    if key not in transactions or not transactions[key].requests:
        return None
    request = tuples[transactions[key].first]
    return None if request == (capture, dst_addr, dst_port, src_addr, src_port) else key


def _recent(
    flow: Flow, time: int | None, sent: dict[Flow, list[tuple[int, Key]]], transactions: Transactions
) -> Key | None:
    """Return the transaction of the last request on the quoted 5-tuple, if recent and unanswered."""
    requests = sent.get(flow, [])
    before = bisect_right(requests, time, key=lambda request: request[0]) if time is not None else 0
    if not before or time is None or time - requests[before - 1][0] > RECENT:
        return None
    key = requests[before - 1][1]
    return key if not transactions[key].responses else None


def _sent(
    tuples: list[Flow], messages: pd.DataFrame, transactions: Transactions
) -> dict[Flow, list[tuple[int, Key]]]:
    """Return time and transaction of the requests on each 5-tuple, by time."""
    times = column(messages["time"])
    by_flow: dict[Flow, list[tuple[int, Key]]] = {}
    positions = sorted((at, key) for key, transaction in transactions.items() for at in transaction.requests)
    for at, key in positions:
        if times[at] is not None:
            by_flow.setdefault(tuples[at], []).append((times[at], key))
    return by_flow


# The bindings table.
#
# Any success beats an error: a peer that answers a retransmission with 401 or 500
# had answered the request. RFC 8489 gives a transaction up after 39.5 s, but captures
# often end sooner. So a request is unanswered after 3 s or three median round trips
# of its capture, whichever is longer, and pending when the capture ends before that.


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
    """Return BINDINGS, by capture and time (RFC 8489, section 6; RFC 8445, section 7).

    ``index`` has the ICE sessions and the legs' addresses. ``rtp_streams`` and ``dtls_messages`` need
    only capture, 5-tuple and ``relayed``.
    """
    messages = binding_messages(stun_messages)
    transactions = grouped(messages)
    rows = _opened(messages, transactions).join(_answers(messages, transactions, icmp_errors, captures))
    check_marks = carries_check(messages).tolist()
    checks = [any(check_marks[at] for at in transaction.requests) for transaction in transactions.values()]
    busy = busy_ports(_messages_of(messages, transactions, checks), sip_messages, rtp_streams, dtls_messages)
    rows["purpose"] = [
        purpose_of(busy, is_check, ports)
        for is_check, ports in zip(checks, records(rows, *PORTS), strict=True)
    ]
    inside = messages[messages["peer_addr"].notna() | messages["channel"].notna()]
    relayed = {*records(inside, "capture", "transaction_id")}
    rows["relayed"] = [key in relayed for key in transactions]
    rows["counted_in"] = repeated(None, len(rows), TEXT)
    return BINDINGS.conform(rows.join(_owned(rows, index)))


def _owned(rows: pd.DataFrame, index: Index) -> pd.DataFrame:
    """Return call, leg and direction of transactions: by both ufrags, then by the checks so attributed."""
    keys = list(records(rows, "username", "time", "purpose"))
    by_credentials = [by_username(index, username, time) for username, time, _ in keys]
    if all(by_credentials):
        return _columns(by_credentials)
    tied_index = with_bindings(index, rows.join(_columns(by_credentials)))
    owners: list[Owner | None] = []
    for by_ufrags, traffic, (_, _, purpose) in zip(by_credentials, _traffic(rows), keys, strict=True):
        match = by_ufrags or (traffic and by_checks(tied_index, traffic))
        if match is None and traffic:
            match = owner(tied_index, traffic) or (
                invited(tied_index, traffic) if purpose == "discovery" else None
            )
            # Only checks identify the sides: an address may be a relay's or the NAT's.
            match = match and match._replace(src_side=None, dst_side=None)
        owners.append(match)
    return _columns(owners)


def _columns(owners: list[Owner | None]) -> pd.DataFrame:
    nobody = (None, None, "other")
    rows = [(w.call, w.leg, direction(w.src_side, w.dst_side)) if w else nobody for w in owners]
    return pd.DataFrame(rows, columns=["call", "leg", "direction"], dtype=object)


def _traffic(transactions: pd.DataFrame) -> list[Traffic | None]:
    """Return each transaction as traffic of one moment; None where time or an address is not known."""
    rows = records(transactions, "capture", "time", *ENDS, "username", "mapped_addr", "mapped_port")
    return [None if None in row[:6] else _moment(row) for row in rows]


def _moment(row: tuple[Any, ...]) -> Traffic:
    capture, time, src, src_port, dst, dst_port, username, *mapped = row
    outside = None if None in mapped else (mapped[0], mapped[1])
    ends = (src, src_port), (dst, dst_port)
    return Traffic(capture, *ends, time, time, stun=True, username=username, mapped=outside)


def _opened(messages: pd.DataFrame, groups: Transactions) -> pd.DataFrame:
    """Return the first request of each transaction; for a response alone its 5-tuple reversed."""
    names = ["capture", "frame", "time", *ENDS, "username", "role", "transaction_id"]
    rows = messages.loc[[transaction.first for transaction in groups.values()], names].reset_index(drop=True)
    has_request = pd.Series([bool(transaction.requests) for transaction in groups.values()], dtype=bool)
    rows[ENDS] = rows[ENDS].where(has_request, rows[MIRRORED].set_axis(ENDS, axis=1))
    return rows


def _answers(
    messages: pd.DataFrame, transactions: Transactions, icmp_errors: pd.DataFrame, captures: pd.DataFrame
) -> pd.DataFrame:
    """Return the outcome of each transaction, one row each with the columns ANSWER."""
    times = column(messages["time"])
    rtts = [_rtt(transaction, times) for transaction in transactions.values()]
    patience, ends = _patience(transactions, rtts), _ends(messages, captures)
    quotes = quotes_of(icmp_errors, messages, transactions)
    copies = copies_of(messages)
    details = list(records(messages, "frame", "error_code", "mapped_addr", "mapped_port"))
    rows = []
    for (key, transaction), rtt in zip(transactions.items(), rtts, strict=True):
        quote = quotes.get(key)
        last = times[transaction.requests[-1]] if transaction.requests else None
        given_up = last is None or ends.get(key[0], last) - last > patience[key[0]]
        outcome = _outcome(transaction, given_up or (quote is not None and quote.hard))
        counts = (len(transaction.requests), last, copies[key], rtt, quote and quote.code)
        rows.append((outcome, *counts, *_response(transaction, outcome, details)))
    table = pd.DataFrame(rows, columns=ANSWER)
    # Not from the DataFrame: beside a None its ns become floats, which at this size are 256 ns apart.
    at = ANSWER.index("last_time")
    return table.assign(last_time=array([row[at] for row in rows], TIME))


def _rtt(transaction: Transaction, times: list[int | None]) -> float | None:
    """Return the ms from the last request before the first response to that response."""
    round_trip = transaction.round_trip
    if round_trip is None:
        return None
    sent, answered = (times[at] for at in round_trip)
    return None if sent is None or answered is None else (answered - sent) / NS_PER_MS


def _patience(transactions: Transactions, rtts: list[float | None]) -> dict[str, float]:
    """Return by capture after how many ns a request counts as unanswered."""
    by_capture: dict[str, list[float]] = {capture: [] for capture, _ in transactions}
    for (capture, _), rtt in zip(transactions, rtts, strict=True):
        if rtt is not None:
            by_capture[capture].append(rtt)
    medians = {name: median(round_trips or [0]) * NS_PER_MS for name, round_trips in by_capture.items()}
    return {name: max(PATIENCE, MEDIANS * usual) for name, usual in medians.items()}


def _ends(messages: pd.DataFrame, captures: pd.DataFrame) -> dict[str, int]:
    """Return the time of each capture's last packet, else of its last STUN message."""
    last_stun = {capture: time for capture, time in records(messages, "capture", "time") if time is not None}
    ends = {capture: time for capture, time in records(captures, "capture", "last_time") if time is not None}
    return last_stun | ends


def _outcome(transaction: Transaction, given_up: bool) -> str:
    if not transaction.requests:
        return "response_only"
    if transaction.successes:
        return "success"
    if transaction.errors:
        return "error"
    return "unanswered" if given_up else "pending"


def _response(transaction: Transaction, outcome: str, details: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return response frame, mapped address, error code and overruled error, in the order of ANSWER."""
    frame = details[transaction.responses[0]][0] if transaction.responses else None
    mapped = details[transaction.successes[0]][2:] if transaction.successes else (None, None)
    code = details[transaction.errors[0]][1] if transaction.errors else None
    return frame, *mapped, code if outcome == "error" else None, code if outcome == "success" else None


def _messages_of(messages: pd.DataFrame, transactions: Transactions, chosen: list[bool]) -> pd.DataFrame:
    """Return the messages of the chosen transactions."""
    picked = [
        at
        for transaction, is_chosen in zip(transactions.values(), chosen, strict=True)
        if is_chosen
        for at in transaction.requests + transaction.successes + transaction.errors
    ]
    return messages.loc[picked]
