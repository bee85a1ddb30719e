"""What a call is called everywhere: an identity from its packets alone.

The number of a call is its rank in a run and changes with the inputs. Its identity is that of its first
message: the first INVITE, else the first other SIP message, else the first check. Of that message count what
every capture of it shows, however it is named, cut or ordered.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from postproc.correlate.rows import records
from postproc.model.columns import TEXT, array
from postproc.model.tables import Tables

# Hex digits: 128 bits. Among 10^12 calls the chance that two are the same is 10^-15.
DIGITS = 32
# A capture converted from pcapng to pcap (editcap -F pcap) keeps microseconds only.
UNIT_NS = 1000
ENDS = ("src_addr", "src_port", "dst_addr", "dst_port")

First = tuple[tuple[Any, ...], tuple[Any, ...]]  # what decides which message is the first; what it says


def with_uids(tables: Tables) -> Tables:
    """The tables with ``call_uid`` of each call; times are to be those of the captures themselves.

    A message that several captures show counts as the earliest of them has it, so that neither names nor
    the clock that a run takes for right change anything.
    """
    first: dict[int, First] = {}
    for call, order, said in _messages(tables):
        if call not in first or order < first[call][0]:
            first[call] = order, said
    uids = [_digest(first[call][1]) if call in first else None for call in tables.calls["call"]]
    return tables.with_(calls=tables.calls.assign(call_uid=array(uids, TEXT)))


def _messages(tables: Tables) -> Iterator[tuple[int, tuple[Any, ...], tuple[Any, ...]]]:
    """Call, rank and content of what a call may begin with."""
    calls = dict(records(tables.legs, "call_id", "call"))
    of_sip = records(tables.sip_messages, "call_id", "time", "method", "to_tag", *ENDS)
    for call_id, time, method, to_tag, *ends in of_sip:
        call = calls.get(call_id)
        if call is not None:
            initial = method == "INVITE" and to_tag is None
            yield call, *_ranked(not initial, time, call_id, ends)
    with_sip = set(calls.values())
    for call, time, transaction, *ends in records(
        tables.stun_messages, "call", "time", "transaction_id", *ENDS
    ):
        if call is not None and call not in with_sip:
            yield call, *_ranked(False, time, transaction, ends)


def _ranked(later: bool, time: int | None, identity: str, ends: list[Any]) -> First:
    said = ((time or 0) // UNIT_NS, identity, *(str(each) for each in ends))
    return (later, *said), said


def _digest(said: tuple[Any, ...]) -> str:
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:DIGITS]
