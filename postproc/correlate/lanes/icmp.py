"""ICMP errors that answer a call's packets.

Whose they are follows from the STUN transaction they quote, else from the
addresses quoted, else from the SIP message they follow.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import starmap
from typing import Any

import pandas as pd

from postproc.correlate.attribution import Traffic, owner
from postproc.correlate.lanes.events import NOTE, WARNING, Event, legs_by_call_id, places, table
from postproc.correlate.records import NS_PER_S, records
from postproc.correlate.spans import ALWAYS, LegKey
from postproc.correlate.ties import Ties

PROMPT = 2 * NS_PER_S  # an ICMP error follows the SIP message it quotes within this time
MEANINGS = {
    (4, 3, 0): "network unreachable", (4, 3, 1): "host unreachable", (4, 3, 2): "protocol unreachable",
    (4, 3, 3): "port unreachable", (4, 3, 4): "fragmentation needed", (4, 3, 9): "prohibited",
    (4, 3, 10): "prohibited", (4, 3, 13): "prohibited", (4, 11, 0): "time to live exceeded",
    (6, 1, 0): "no route", (6, 1, 1): "prohibited", (6, 1, 3): "address unreachable",
    (6, 1, 4): "port unreachable", (6, 2, 0): "packet too big", (6, 3, 0): "hop limit exceeded",
}  # fmt: skip

QUOTE = ("capture", "src_addr", "src_port", "dst_addr", "dst_port")

Sent = dict[tuple[Any, ...], list[tuple[int, LegKey]]]  # by capture and 5-tuple


def events(
    icmp_errors: pd.DataFrame,
    *,
    sip_messages: pd.DataFrame,
    bindings: pd.DataFrame,
    legs: pd.DataFrame,
    ties: Ties,
) -> pd.DataFrame:
    """Return the errors that quote a packet of a call; after the call's end they are usual."""
    known = icmp_errors[icmp_errors["copy_of"].isna() & icmp_errors["time"].notna()]
    quotes = set(records(known, *QUOTE))
    sent, checks = _sip_sent(sip_messages, legs, quotes), _checks(bindings)
    return table("icmp", _events(known, ties, checks, sent))


def _events(
    icmp_errors: pd.DataFrame, ties: Ties, checks: dict[tuple[Any, ...], LegKey], sent: Sent
) -> Iterator[Event]:
    quotes = records(icmp_errors, *QUOTE)
    ends = zip(places(icmp_errors, "src"), places(icmp_errors, "dst"), strict=True)
    ids = records(icmp_errors, "capture", "frame", "time", "reporter", "transaction_id")
    meanings = starmap(_meaning, records(icmp_errors, "version", "type", "code"))
    for row, quote, meaning, (src, dst) in zip(ids, quotes, meanings, ends, strict=True):
        capture, frame, time, reporter, transaction = row
        leg = checks.get((capture, transaction)) or _by_addresses(ties, quote, time)
        leg = leg or _by_sip(sent.get(quote, []), time)
        if leg is not None:
            severity = NOTE if time > ties.lives.get(leg, ALWAYS)[1] else WARNING
            label = f"{meaning}: {dst or '?'}"
            yield Event(capture, frame, time, *leg, "error", label, reporter, src, severity)


def _checks(bindings: pd.DataFrame) -> dict[tuple[Any, ...], LegKey]:
    """Return the legs of STUN transactions."""
    known = bindings[bindings["call"].notna() & bindings["transaction_id"].notna()]
    keys = records(known, "capture", "transaction_id")
    return dict(zip(keys, records(known, "call", "leg"), strict=True))


def _by_addresses(ties: Ties, quote: tuple[Any, ...], time: int) -> LegKey | None:
    if None in quote:
        return None
    whose = owner(ties, Traffic(quote[0], quote[1:3], quote[3:5], time, time))
    return whose and (whose.call, whose.leg)


def _sip_sent(sip_messages: pd.DataFrame, legs: pd.DataFrame, quoted: set[tuple[Any, ...]]) -> Sent:
    """Return the messages sent where errors quote one, in time order."""
    leg_of = legs_by_call_id(legs)
    to_quoted = sip_messages["dst_addr"].isin({quote[3] for quote in quoted})
    ordered = sip_messages[sip_messages["copy_of"].isna() & to_quoted].sort_values("time", kind="stable")
    keys = records(ordered, *QUOTE)
    found: Sent = {}
    for key, (time, call_id) in zip(keys, records(ordered, "time", "call_id"), strict=True):
        if key in quoted and time is not None and call_id in leg_of:
            found.setdefault(key, []).append((time, leg_of[call_id]))
    return found


def _by_sip(sent: list[tuple[int, LegKey]], time: int) -> LegKey | None:
    """Return the leg whose message went out just before, if it was the only one."""
    begin = bisect_left(sent, time - PROMPT, key=lambda item: item[0])
    end = bisect_right(sent, time, key=lambda item: item[0])
    legs = {leg for _, leg in sent[begin:end]}
    return legs.pop() if len(legs) == 1 else None


def _meaning(version: int | None, kind: int | None, code: int | None) -> str:
    return MEANINGS.get((version or 4, kind or 0, code or 0), f"ICMP type {kind} code {code}")
