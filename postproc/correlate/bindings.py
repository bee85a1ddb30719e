"""STUN Binding transactions: whose they are, what they are for and what became of them.

Any success beats an error: a peer that answers a retransmission with 401 or
500 has answered before. RFC 8489 gives a transaction up after 39.5 s; captures
end sooner, so a request is unanswered after 3 s or three median round trips of
its capture, whichever is longer, and pending when the capture ends before that.
"""

from statistics import median
from typing import Any

import pandas as pd

from postproc.correlate import purposes, quoted, stun_transactions
from postproc.correlate.endpoints import Index, with_bindings
from postproc.correlate.records import NS_PER_S, column, records
from postproc.correlate.stun_transactions import Transaction, Transactions
from postproc.correlate.ufrags import direction
from postproc.correlate.whose import Owner, Traffic, by_checks, by_username, invited, owner
from postproc.tables import BINDINGS

NS_PER_MS = 1_000_000
PATIENCE = 3 * NS_PER_S
MEDIANS = 3
TUPLE = list(stun_transactions.TUPLE)
ANSWER = [
    "outcome", "requests", "copies", "rtt_ms", "icmp",
    "response_frame", "mapped_addr", "mapped_port", "error_code", "error_seen",
]  # fmt: skip
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
    messages = stun_transactions.messages(stun_messages)
    known = stun_transactions.transactions(messages)
    found = _opened(messages, known).join(_answers(messages, known, icmp_errors, captures))
    used = purposes.carries_check(messages).tolist()
    checks = [any(used[at] for at in transaction.requests) for transaction in known.values()]
    busy = purposes.flows(_messages_of(messages, known, checks), sip_messages, rtp_streams, dtls_messages)
    found["purpose"] = [
        purposes.purpose(busy, is_check, ports)
        for is_check, ports in zip(checks, records(found, *purposes.PORTS), strict=True)
    ]
    return BINDINGS.conform(found.join(_owned(found, index)))


def _owned(found: pd.DataFrame, index: Index) -> pd.DataFrame:
    """Call, leg and direction of transactions: by both ufrags, then by what these checks show."""
    asked = list(records(found, "username", "time", "purpose"))
    tied = [by_username(index, username, time) for username, time, _ in asked]
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
    rows = records(found, "capture", "time", *TUPLE, "username", "mapped_addr", "mapped_port")
    return [None if None in row[:6] else _moment(row) for row in rows]


def _moment(row: tuple[Any, ...]) -> Traffic:
    capture, time, src, src_port, dst, dst_port, username, *mapped = row
    outside = None if None in mapped else (mapped[0], mapped[1])
    ends = (src, src_port), (dst, dst_port)
    return Traffic(capture, *ends, time, time, stun=True, username=username, mapped=outside)


def _opened(messages: pd.DataFrame, known: Transactions) -> pd.DataFrame:
    """First request of each transaction; a response alone gives the 5-tuple of its request."""
    names = ["capture", "frame", "time", *TUPLE, "username", "transaction_id"]
    found = messages.loc[[transaction.first for transaction in known.values()], names].reset_index(drop=True)
    asked = pd.Series([bool(transaction.requests) for transaction in known.values()], dtype=bool)
    found[TUPLE] = found[TUPLE].where(asked, found[MIRRORED].set_axis(TUPLE, axis=1))
    return found


def _answers(
    messages: pd.DataFrame, known: Transactions, icmp_errors: pd.DataFrame, captures: pd.DataFrame
) -> pd.DataFrame:
    """What became of each transaction, one row each."""
    times = column(messages["time"])
    rtts = [_rtt(transaction, times) for transaction in known.values()]
    patience, ends = _patience(known, rtts), _ends(messages, captures)
    quotes = quoted.quotes(icmp_errors, messages, known)
    copies = stun_transactions.copies(messages)
    details = list(records(messages, "frame", "error_code", "mapped_addr", "mapped_port"))
    rows = []
    for (key, transaction), rtt in zip(known.items(), rtts, strict=True):
        quote = quotes.get(key)
        last = times[transaction.requests[-1]] if transaction.requests else None
        given_up = last is None or ends.get(key[0], last) - last > patience[key[0]]
        outcome = _outcome(transaction, given_up or (quote is not None and quote.hard))
        counts = (len(transaction.requests), copies[key], rtt, quote and quote.code)
        rows.append((outcome, *counts, *_response(transaction, outcome, details)))
    return pd.DataFrame(rows, columns=ANSWER)


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
