"""Call and leg of every message, assigned once here so that a call's rows are selected by its number.

SIP messages, descriptions and log lines belong to the leg with their Call-ID. A STUN message belongs to
its transaction's leg, a DTLS message to the handshake in progress, an ICMP error to what it quotes: a
transaction, else a flow (see ``whose``), else the SIP message sent just before. TURN messages, and
indications of any kind, belong to the leg that uses their flow or that the relay was allocated for.
A second capture of a packet belongs where the first does.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Any

import pandas as pd

from postproc.correlate.endpoints import (
    GATHERING,
    SLACK,
    Index,
    Pair,
    Use,
    Uses,
    pair_of,
    recording_of,
    with_handshakes,
    with_requests,
    with_streams,
)
from postproc.correlate.relays import CLIENT_AND_SERVER, inside
from postproc.correlate.rows import NS_PER_S, column, records
from postproc.correlate.spans import ALWAYS, LegKey
from postproc.correlate.whose import Traffic, by_username, owner
from postproc.model.columns import INTEGER, array
from postproc.model.tables import Tables

# An ICMP error follows the SIP message it quotes within this time when the host or the last router reports
# it. From 3 s on, the error about a neighbour that does not answer (failed ARP) could be tied to any of
# several retransmissions.
PROMPT = 2 * NS_PER_S
BY_CALL_ID = ("sip_messages", "sip_headers", "sdp_media", "transactions", "log_events")
FLOW = ("capture", "src_addr", "src_port", "dst_addr", "dst_port")

Key = tuple[str | None, str | None]  # capture and STUN transaction ID
Flow = tuple[Any, ...]  # capture and 5-tuple
Legs = Iterable[LegKey | None]


def attributed(tables: Tables, index: Index) -> Tables:
    """Return the tables with ``call`` and ``leg`` of every message.

    ``tables`` are correlated and ``index`` has the bindings; handshakes and streams are added here.
    """
    legs = _legs_by_call_id(tables.legs)
    rows = {name: _by_call_id(getattr(tables, name), legs) for name in BY_CALL_ID}
    index = with_streams(
        with_handshakes(with_requests(index, tables.bindings), tables.dtls), tables.rtp_streams
    )
    transactions = _transactions(tables, index)
    relays = _relays(tables.stun_messages, transactions, index)
    index = index._replace(others=(*index.others, relays))
    requests = _relays_wanted(tables.stun_messages, rows["sip_messages"], rows["sdp_media"], index)
    index = index._replace(others=(*index.others, requests))
    return tables.with_(
        **rows,
        stun_messages=_filled(tables.stun_messages, _of_stun(tables.stun_messages, transactions, index)),
        dtls_messages=_filled(tables.dtls_messages, _of_dtls(tables.dtls_messages, tables.dtls, index)),
        icmp_errors=_filled(tables.icmp_errors, _of_icmp(tables, rows["sip_messages"], transactions, index)),
    )


def _filled(rows: pd.DataFrame, legs: Legs) -> pd.DataFrame:
    """Return the rows with the call and leg of each."""
    if rows.empty:
        return rows
    nobody = (None, None)
    keys = [leg or nobody for leg in legs]
    call, leg = zip(*keys, strict=True)
    return rows.assign(call=array(call, INTEGER), leg=array(leg, INTEGER))


def _legs_by_call_id(legs: pd.DataFrame) -> dict[str, LegKey]:
    """Return call and leg by Call-ID, which means the same in all captures."""
    return {
        call_id: (call, leg)
        for call_id, call, leg in records(legs, "call_id", "call", "leg")
        if call is not None and call_id is not None
    }


def _by_call_id(rows: pd.DataFrame, legs: dict[str, LegKey]) -> pd.DataFrame:
    return _filled(rows, [legs.get(call_id) for (call_id,) in records(rows, "call_id")])


def _transactions(tables: Tables, index: Index) -> dict[Key, LegKey | None]:
    """Return the leg of STUN transactions: Binding ones, and checks inside TURN by their ufrags."""
    keys = records(tables.bindings, "capture", "transaction_id")
    owners = records(tables.bindings, "call", "leg")
    by_transaction: dict[Key, LegKey | None] = {
        key: None if call is None else (call, leg)
        for key, (call, leg) in zip(keys, owners, strict=True)
        if key[1] is not None
    }
    names = ("capture", "transaction_id", "username", "time")
    for capture, identity, username, time in inside(tables.stun_messages, *names):
        check_owner = by_username(index, username, time)
        if check_owner and identity is not None and by_transaction.get((capture, identity)) is None:
            by_transaction[capture, identity] = check_owner.call, check_owner.leg
    return by_transaction


def _relays(stun: pd.DataFrame, transactions: dict[Key, LegKey | None], index: Index) -> Uses:
    """Return the uses of flows to TURN servers by the checks inside: they attribute the allocation too."""
    uses: Uses = {}
    for identity, time, capture, *ends in inside(stun, "transaction_id", "time", *FLOW, by="time"):
        leg = transactions.get((capture, identity))
        if leg and time is not None and None not in ends:
            src, dst = (ends[0], ends[1]), (ends[2], ends[3])
            key = recording_of(index.recordings, capture), pair_of(src, dst)
            uses.setdefault(key, []).append(Use(time, leg, src, None, None))
    return uses


def _relays_wanted(
    stun: pd.DataFrame, sip_messages: pd.DataFrame, sdp_media: pd.DataFrame, index: Index
) -> Uses:
    """Return the uses of flows on which a host requests an allocation before it sends its description.

    Where the allocation fails, no candidate names the port. Host and time attribute the request then, if
    exactly one leg's description with ICE leaves that host within GATHERING of it.
    """
    if "allocate" not in column(stun["method"]):
        return {}
    described: dict[tuple[Any, str], list[tuple[int, LegKey]]] = {}
    described_in = records(sdp_media, "capture", "frame", "ufrag")
    with_ice = {(capture, frame) for capture, frame, ufrag in described_in if ufrag is not None}
    names = ("capture", "frame", "src_addr", "time", "call", "leg")
    for capture, frame, host, time, call, leg in records(sip_messages, *names, by="time"):
        if (capture, frame) in with_ice and None not in (host, time, call):
            key = recording_of(index.recordings, capture), host
            described.setdefault(key, []).append((time, (call, leg)))
    uses: Uses = {}
    for method, kind, time, *flow in records(stun, "method", "kind", "time", *FLOW):
        if method != "allocate" or kind != "request" or time is None or None in flow:
            continue
        if _on_flow(index, flow, time, stun=True):
            continue
        scope, src, dst = recording_of(index.recordings, flow[0]), (flow[1], flow[2]), (flow[3], flow[4])
        descriptions = described.get((scope, src[0]), [])
        begin = bisect_left(descriptions, time, key=lambda item: item[0])
        end = bisect_right(descriptions, time + GATHERING, key=lambda item: item[0])
        legs = {leg for _, leg in descriptions[begin:end]}
        if len(legs) == 1:
            uses.setdefault((scope, pair_of(src, dst)), []).append(Use(time, legs.pop(), src, None, None))
    return uses


def _of_stun(stun: pd.DataFrame, transactions: dict[Key, LegKey | None], index: Index) -> Legs:
    keys = records(stun, "capture", "transaction_id")
    flows = records(stun, "time", *FLOW)
    return [
        transactions[key] if key in transactions else _on_flow(index, flow, time, stun=True)
        for key, (time, *flow) in zip(keys, flows, strict=True)
    ]


def _on_flow(index: Index, flow: Iterable[Any], time: int | None, *, stun: bool = False) -> LegKey | None:
    capture, src_addr, src_port, dst_addr, dst_port = flow
    if time is None or None in (src_addr, src_port, dst_addr, dst_port):
        return None
    traffic = Traffic(capture, (src_addr, src_port), (dst_addr, dst_port), time, time, stun=stun)
    flow_owner = owner(index, traffic)
    return flow_owner and (flow_owner.call, flow_owner.leg)


def _of_dtls(dtls_messages: pd.DataFrame, dtls: pd.DataFrame, index: Index) -> Legs:
    """Return each message's leg: that of the latest handshake begun by then on its address pair."""
    begun: dict[tuple[str, Pair], list[tuple[int, LegKey | None]]] = {}
    ends = records(dtls, *CLIENT_AND_SERVER, by="time")
    rows = records(dtls, "capture", "time", "call", "leg", by="time")
    for (capture, time, call, leg), end in zip(rows, ends, strict=True):
        if time is not None and None not in end:
            place = capture, pair_of(end[:2], end[2:])
            begun.setdefault(place, []).append((time, None if call is None else (call, leg)))
    owners: list[LegKey | None] = []
    for time, *flow in records(dtls_messages, "time", *FLOW):
        timed = time is not None and None not in flow
        shakes = begun.get((flow[0], pair_of((flow[1], flow[2]), (flow[3], flow[4])))) if timed else None
        owners.append(_under_way(shakes, time, index) if shakes else _on_flow(index, flow, time))
    return owners


def _under_way(begun: list[tuple[int, LegKey | None]], time: int, index: Index) -> LegKey | None:
    place = bisect_right(begun, time, key=lambda handshake: handshake[0])
    leg = begun[place - 1][1] if place else None
    return leg if leg and time <= index.lives.get(leg, ALWAYS)[1] + SLACK else None


def _of_icmp(
    tables: Tables, sip_messages: pd.DataFrame, transactions: dict[Key, LegKey | None], index: Index
) -> Legs:
    errors = tables.icmp_errors
    if errors.empty:
        return []
    flows = list(records(errors, *FLOW))
    sent = _sip_sent(sip_messages, set(flows))
    rows = records(errors, "capture", "transaction_id", "time")
    return [
        transactions.get((capture, identity))
        or _on_flow(index, flow, time)
        or _by_sip(sent.get(flow, []), time)
        for (capture, identity, time), flow in zip(rows, flows, strict=True)
    ]


def _sip_sent(sip_messages: pd.DataFrame, quoted: set[Flow]) -> dict[Flow, list[tuple[int, LegKey]]]:
    """Return the SIP messages of calls on the flows that ICMP errors quote, in time order."""
    by_flow: dict[Flow, list[tuple[int, LegKey]]] = {}
    flows = records(sip_messages, *FLOW, by="time")
    rows = records(sip_messages, "time", "call", "leg", "copy_of", by="time")
    for key, (time, call, leg, copy_of) in zip(flows, rows, strict=True):
        if key in quoted and copy_of is None and None not in (time, call):
            by_flow.setdefault(key, []).append((time, (call, leg)))
    return by_flow


def _by_sip(sent: list[tuple[int, LegKey]], time: int | None) -> LegKey | None:
    """Return the leg of the SIP sent within PROMPT before the error; None if there is none or several."""
    if time is None:
        return None
    begin = bisect_left(sent, time - PROMPT, key=lambda item: item[0])
    end = bisect_right(sent, time, key=lambda item: item[0])
    legs = {leg for _, leg in sent[begin:end]}
    return legs.pop() if len(legs) == 1 else None
