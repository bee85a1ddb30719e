"""A call's identity, derived from its packets alone, the same in every run that contains them.

A call's number is its rank in a run and changes with the inputs. Its identity is a digest of its first
message: the first INVITE, else the first other SIP message, else the first check. Only those properties of
the message count that every capture of it shows, however the file is named, cut or ordered.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from postproc.correlate.rows import records
from postproc.model.columns import TEXT, array, plain
from postproc.model.tables import Tables

# Hex digits: 128 bits. Among 10^12 calls the chance that two are the same is 10^-15.
DIGITS = 32
# A capture converted from pcapng to pcap (editcap -F pcap) keeps microseconds only.
UNIT_NS = 1000
ENDS = ("src_addr", "src_port", "dst_addr", "dst_port")

First = tuple[Any, ...]  # whether other messages come first; the content that is digested


def with_uids(tables: Tables) -> Tables:
    """Return the tables with ``call_uid`` of each call; NA for a call without messages.

    Times must be those of the captures themselves. Of a message in several captures the earliest copy
    counts, so that neither file names nor the run's reference clock change the identity.
    """
    first: dict[int, First] = {}
    for call, later, time, identity, ends in _messages(tables):
        order = later, (time or 0) // UNIT_NS
        if call not in first or order <= first[call][:2]:
            content = (*order, identity, *map(str, ends))
            first[call] = min(first.get(call, content), content)
    uids = [_digest(first[call][1:]) if call in first else None for call in plain(tables.calls["call"])]
    return tables.with_(calls=tables.calls.assign(call_uid=array(uids, TEXT)))


def _messages(tables: Tables) -> Iterator[tuple[int, bool, int | None, str, list[Any]]]:
    """Yield call, whether others come first, time, identity and ends of messages a call may begin with."""
    calls = dict(records(tables.legs, "call_id", "call"))
    of_sip = records(tables.sip_messages, "call_id", "time", "method", "to_tag", *ENDS)
    for call_id, time, method, to_tag, *ends in of_sip:
        call = calls.get(call_id)
        if call is not None:
            yield call, method != "INVITE" or to_tag is not None, time, call_id, ends
    with_sip = set(calls.values())
    if with_sip.issuperset(plain(tables.calls["call"])):
        return
    for call, time, transaction, *ends in records(
        tables.stun_messages, "call", "time", "transaction_id", *ENDS
    ):
        if call is not None and call not in with_sip:
            yield call, False, time, transaction, ends


def _digest(content: tuple[Any, ...]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:DIGITS]
