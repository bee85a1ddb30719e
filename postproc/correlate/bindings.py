"""STUN Binding transactions: their call and leg, their purpose and their outcome (RFC 8489)."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.endpoints import Index, with_bindings
from postproc.correlate.ice import direction
from postproc.correlate.rows import NS_PER_MS, column, late, records
from postproc.correlate.whose import Owner, Traffic, by_checks, by_username, invited, owner
from postproc.model import constants
from postproc.model.tables import BINDINGS

# STUN Binding transactions: requests and responses with one transaction ID (RFC 8489, section 6).
#
# Within a capture the ID alone pairs them: with NAT or several network cards the
# response may come from another address than the request went to. Messages are
# sorted by time, since a file with several interfaces need not be.


TUPLE = ("src_addr", "src_port", "dst_addr", "dst_port")

Key = tuple[str, str]  # capture and transaction ID
KINDS = frozenset({"request", "success", "error"})


class Message(NamedTuple):
    """A row of stun_messages, None where it is NA; time in ns since 1970."""

    capture: str
    frame: int | None
    time: int | None
    src_addr: str | None
    src_port: int | None
    dst_addr: str | None
    dst_port: int | None
    transaction_id: str
    method: str | None
    kind: str | None
    username: str | None
    role: str | None
    priority: int | None
    use_candidate: bool | None
    error_code: int | None
    mapped_addr: str | None
    mapped_port: int | None
    peer_addr: str | None
    channel: int | None
    relayed: bool | None
    copy_of: int | None

    @property
    def ports(self) -> "Ports":
        return self.capture, self.src_port, self.dst_port

    @property
    def flow(self) -> "Flow":
        return self.capture, self.src_addr, self.src_port, self.dst_addr, self.dst_port

    @property
    def carries_check(self) -> bool:
        """Whether it has an attribute that only connectivity checks have."""
        return self.priority is not None or self.role is not None or bool(self.use_candidate)


@dataclass(slots=True)
class Transaction:
    """Places of a transaction's messages among ``binding_messages``, in order of time."""

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
    def every(self) -> list[int]:
        return self.requests + self.successes + self.errors

    @property
    def round_trip(self) -> tuple[int, int] | None:
        """The request that the first response answers (the last one sent by then), and that response."""
        if not self.responses:
            return None
        response = min(self.responses)
        sent = bisect_left(self.requests, response)
        return (self.requests[sent - 1], response) if sent else None


Messages = Sequence[Message]
Transactions = Mapping[Key, Transaction]


def binding_messages(stun_messages: pd.DataFrame) -> list[Message]:
    """Binding requests and responses by capture and time: TURN-wrapped ones and indications are left out."""
    rows = map(Message._make, records(stun_messages, *Message._fields))
    chosen = (
        row
        for row in rows
        if row.method == "binding" and row.kind in KINDS and not row.relayed
        if row.transaction_id is not None and row.capture is not None
    )
    return sorted(chosen, key=lambda row: (row.capture, late(row.time), late(row.frame)))


def grouped(messages: Iterable[Message]) -> Transactions:
    """Group messages, second captures left out, by capture and transaction ID."""
    by_key: dict[Key, Transaction] = {}
    for position, message in enumerate(messages):
        if message.copy_of is None:
            key = message.capture, message.transaction_id
            group = by_key.get(key) or by_key.setdefault(key, Transaction())
            side = {"request": group.requests, "success": group.successes}.get(message.kind or "")
            (group.errors if side is None else side).append(position)
    return by_key


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


def busy_ports(checks: Iterable[Ports], *others: pd.DataFrame, rtp_streams: pd.DataFrame) -> set[Ports]:
    """Return the port pairs that carry other traffic, in both orders; relayed rows are left out."""
    rtp = _ports(rtp_streams)
    rtcp = {(capture, (src or 0) + 1, (dst or 0) + 1) for capture, src, dst in rtp}  # RFC 3550, section 11
    one_way = {*checks}.union(rtp, rtcp, *map(_ports, others))
    return one_way | {(capture, dst, src) for capture, src, dst in one_way}


def purpose_of(busy: set[Ports], is_check: bool, ports: Ports) -> str:
    """Return the purpose of a transaction: check, keepalive or discovery."""
    if is_check:
        return "check"
    return "keepalive" if ports in busy else "discovery"


def _ports(rows: pd.DataFrame) -> set[Ports]:
    relayed = column(rows["relayed"]) if "relayed" in rows else [False] * len(rows)
    ports = {pair for pair, inside in zip(records(rows, *PORTS), relayed, strict=True) if not inside}
    return {pair for pair in ports if None not in pair}


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


ICMP = ("transport", "version", "type", "code", "transaction_id")


class Quote(NamedTuple):
    """An ICMP error about a request."""

    code: int | None
    hard: bool


def quotes_of(icmp_errors: pd.DataFrame, messages: Messages, groups: Transactions) -> dict[Key, Quote]:
    """Return the ICMP error of each transaction that has one: a hard one before soft ones, else the first."""
    sent = _sent(messages, groups) if len(icmp_errors) else {}
    quotes: dict[Key, Quote] = {}
    rows = records(icmp_errors, "capture", "time", "frame", *TUPLE, *ICMP)
    for capture, time, _, *ends, transport, version, kind, code, identity in sorted(
        rows, key=lambda row: (row[0], late(row[1]), late(row[2]))
    ):
        if transport == "tcp" or (version, kind) in NO_ERRORS:
            continue
        quote, flow = Quote(code, (version, kind) not in SOFT), (capture, *ends)
        key = _named(flow, identity, messages, groups) if identity else _recent(flow, time, sent, groups)
        if key and (key not in quotes or quote.hard > quotes[key].hard):
            quotes[key] = quote
    return quotes


def _named(flow: Flow, identity: str, messages: Messages, transactions: Transactions) -> Key | None:
    """Return the transaction quoted by its ID; None if the quoted packet is its response."""
    capture, src_addr, src_port, dst_addr, dst_port = flow
    key = (capture or "", identity)
    if key not in transactions or not transactions[key].requests:
        return None
    request = messages[transactions[key].first].flow
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


def _sent(messages: Messages, transactions: Transactions) -> dict[Flow, list[tuple[int, Key]]]:
    """Return time and transaction of the requests on each 5-tuple, by time."""
    by_flow: dict[Flow, list[tuple[int, Key]]] = {}
    positions = sorted((at, key) for key, transaction in transactions.items() for at in transaction.requests)
    for request, key in ((messages[at], key) for at, key in positions):
        if request.time is not None:
            by_flow.setdefault(request.flow, []).append((request.time, key))
    return by_flow


# The bindings table.
#
# Any success beats an error: a peer that answers a retransmission with 401 or 500
# had answered the request. RFC 8489 gives a transaction up after 39.5 s, but captures
# often end sooner. So a request is unanswered after 3 s or three median round trips
# of its capture, whichever is longer, and pending when the capture ends before that.


PATIENCE = constants.nanoseconds("bindings.patience_s")
MEDIANS = constants.count("bindings.patience_round_trips")
MOMENT = ("capture", "time", *TUPLE, "mapped_addr", "mapped_port")
NOBODY = {"call": None, "leg": None, "direction": "other"}


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
    quotes = quotes_of(icmp_errors, messages, transactions)
    rows = _rows(messages, transactions, quotes, captures)
    checks = {
        key for key, each in transactions.items() if any(messages[at].carries_check for at in each.requests)
    }
    checked = (messages[at].ports for key in checks for at in transactions[key].every)
    busy = busy_ports(checked, sip_messages, dtls_messages, rtp_streams=rtp_streams)
    inside = {
        (each.capture, each.transaction_id)
        for each in messages
        if each.peer_addr is not None or each.channel is not None
    }
    for key, row in zip(transactions, rows, strict=True):
        ports = row["capture"], row["src_port"], row["dst_port"]
        row |= {"purpose": purpose_of(busy, key in checks, ports), "relayed": key in inside}
    return _owned(rows, index)


def _owned(rows: list[dict[str, Any]], index: Index) -> pd.DataFrame:
    """Return BINDINGS with call, leg and direction: by both ufrags, then by the checks so attributed."""
    by_credentials = [by_username(index, row["username"], row["time"]) for row in rows]
    tied = _table(rows, by_credentials)
    if all(by_credentials):
        return tied
    tied_index = with_bindings(index, tied)
    owners: list[Owner | None] = []
    for row, by_ufrags in zip(rows, by_credentials, strict=True):
        traffic = _traffic(row)
        match = by_ufrags or (traffic and by_checks(tied_index, traffic))
        if match is None and traffic:
            match = owner(tied_index, traffic) or (
                invited(tied_index, traffic) if row["purpose"] == "discovery" else None
            )
            # Only checks identify the sides: an address may be a relay's or the NAT's.
            match = match and match._replace(src_side=None, dst_side=None)
        owners.append(match)
    return _table(rows, owners)


def _table(rows: list[dict[str, Any]], owners: list[Owner | None]) -> pd.DataFrame:
    whose = (
        {"call": o.call, "leg": o.leg, "direction": direction(o.src_side, o.dst_side)} if o else NOBODY
        for o in owners
    )
    return BINDINGS.rows(row | columns for row, columns in zip(rows, whose, strict=True))


def _traffic(row: dict[str, Any]) -> Traffic | None:
    """Return a transaction as traffic of one moment; None where time or an address is not known."""
    capture, time, *ends, mapped_addr, mapped_port = (row[name] for name in MOMENT)
    if None in (capture, time, *ends):
        return None
    outside = None if None in (mapped_addr, mapped_port) else (mapped_addr, mapped_port)
    src, dst = (ends[0], ends[1]), (ends[2], ends[3])
    return Traffic(capture, src, dst, time, time, stun=True, username=row["username"], mapped=outside)


def _rows(
    messages: Messages, transactions: Transactions, quotes: Mapping[Key, Quote], captures: pd.DataFrame
) -> list[dict[str, Any]]:
    """Return each transaction: its first request, a response alone with its ends swapped, and its outcome."""
    rtts = [_rtt(transaction, messages) for transaction in transactions.values()]
    patience, ends = _patience(transactions, rtts), _ends(messages, captures)
    copies = Counter((each.capture, each.transaction_id) for each in messages if each.copy_of is not None)
    rows = []
    for (key, transaction), rtt in zip(transactions.items(), rtts, strict=True):
        quote, first = quotes.get(key), messages[transaction.first]
        last = messages[transaction.requests[-1]].time if transaction.requests else None
        given_up = last is None or ends.get(key[0], last) - last > patience[key[0]]
        outcome = _outcome(transaction, given_up or (quote is not None and quote.hard))
        src, dst = (first.src_addr, first.src_port), (first.dst_addr, first.dst_port)
        if not transaction.requests:
            src, dst = dst, src
        rows.append(
            {
                "capture": key[0],
                "frame": first.frame,
                "time": first.time,
                "src_addr": src[0],
                "src_port": src[1],
                "dst_addr": dst[0],
                "dst_port": dst[1],
                "transaction_id": key[1],
                "username": first.username,
                "role": first.role,
                "outcome": outcome,
                "requests": len(transaction.requests),
                "last_time": last,
                "copies": copies.get(key, 0),
                "rtt_ms": rtt,
                "icmp": quote and quote.code,
                **_response(transaction, outcome, messages),
            }
        )
    return rows


def _rtt(transaction: Transaction, messages: Messages) -> float | None:
    """Return the ms from the last request before the first response to that response."""
    round_trip = transaction.round_trip
    if round_trip is None:
        return None
    sent, answered = (messages[at].time for at in round_trip)
    return None if sent is None or answered is None else (answered - sent) / NS_PER_MS


def _patience(transactions: Transactions, rtts: list[float | None]) -> dict[str, float]:
    """Return by capture after how many ns a request counts as unanswered."""
    by_capture: dict[str, list[float]] = {capture: [] for capture, _ in transactions}
    for (capture, _), rtt in zip(transactions, rtts, strict=True):
        if rtt is not None:
            by_capture[capture].append(rtt)
    medians = {name: median(round_trips or [0]) * NS_PER_MS for name, round_trips in by_capture.items()}
    return {name: max(PATIENCE, MEDIANS * usual) for name, usual in medians.items()}


def _ends(messages: Messages, captures: pd.DataFrame) -> dict[str, int]:
    """Return the time of each capture's last packet, else of its last STUN message."""
    last_stun = {each.capture: each.time for each in messages if each.time is not None}
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


def _response(transaction: Transaction, outcome: str, messages: Messages) -> dict[str, Any]:
    """Return response frame, mapped address, error code and overruled error."""
    code = messages[transaction.errors[0]].error_code if transaction.errors else None
    success = messages[transaction.successes[0]] if transaction.successes else None
    return {
        "response_frame": messages[transaction.responses[0]].frame if transaction.responses else None,
        "mapped_addr": success and success.mapped_addr,
        "mapped_port": success and success.mapped_port,
        "error_code": code if outcome == "error" else None,
        "error_seen": code if outcome == "success" else None,
    }
