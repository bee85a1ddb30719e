"""ICMP errors that quote a Binding request (RFC 792, RFC 4443).

A quote that is long enough names the transaction. A shorter one names the
5-tuple: then the last request on it is meant, if that is recent and nobody
answered it. A hard error ends a transaction at once (RFC 8489, section 6.2.1);
a soft one (RFC 1122, section 3.2.2) is told, but an answer may still come.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from postproc import constants
from postproc.correlate.records import column, records
from postproc.correlate.stun_transactions import TUPLE, Key, Transactions

Flow = tuple[str | None, str | None, int | None, str | None, int | None]  # capture and 5-tuple

RECENT = constants.nanoseconds("bindings.icmp_recent_s")
NO_ERRORS = constants.icmp_types("icmp.harmless")  # source quench and redirect: the packet went on
SOFT = constants.icmp_types("icmp.soft")  # time exceeded, parameter problem, packet too big


class Quote(NamedTuple):
    """An ICMP error about a request."""

    code: int | None
    hard: bool


def quotes(icmp_errors: pd.DataFrame, messages: pd.DataFrame, known: Transactions) -> dict[Key, Quote]:
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
