"""The display filter that shows all of a call: its legs, checks, DTLS and media.

Pure: tables in, filters out, which work without any plug-in.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple

import pandas as pd

from postproc.model import filters
from postproc.model.tables import SLACK_S, Tables

ENDS = ["src_addr", "src_port", "dst_addr", "dst_port"]
HANDSHAKE_ENDS = ["client_addr", "client_port", "server_addr", "server_port"]
SLACK = pd.Timedelta(seconds=SLACK_S)


class Flow(NamedTuple):
    """UDP between two addresses and ports, the lower one first."""

    one: tuple[str, int]
    other: tuple[str, int]


@dataclass
class Span:
    """When a flow was used by a call, and whether RTCP may run beside it."""

    first: pd.Timestamp
    last: pd.Timestamp
    odd: bool = False

    def add(self, first: pd.Timestamp, last: pd.Timestamp, odd: bool) -> None:
        self.first, self.last, self.odd = min(self.first, first), max(self.last, last), self.odd or odd


def call_ids(tables: Tables) -> dict[int, list[str]]:
    """call -> the Call-IDs of its legs, in the order of the legs."""
    found: dict[int, list[str]] = defaultdict(list)
    known = tables.legs.dropna(subset=["call", "call_id"]).sort_values(["call", "leg"])
    for call, call_id in zip(known["call"], known["call_id"], strict=True):
        if call_id not in found[call]:
            found[int(call)].append(call_id)
    return dict(found)


def flows(tables: Tables) -> dict[int, dict[Flow, Span]]:
    """call -> the flows of its STUN, DTLS and media."""
    found: dict[int, dict[Flow, Span]] = defaultdict(dict)
    for call, flow, first, last, odd in _used(tables):
        if (span := found[call].get(flow)) is None:
            found[call][flow] = Span(first, last, odd)
        else:
            span.add(first, last, odd)
    return dict(found)


def _used(tables: Tables) -> Iterator[tuple[int, Flow, pd.Timestamp, pd.Timestamp, bool]]:
    muxed = _muxed(tables)
    stun, streams = tables.stun_messages, tables.rtp_streams
    for row in _rows(stun, ENDS, stun["time"], stun["time"]):
        yield *row, False
    handshakes = tables.dtls
    end = handshakes["completed"].fillna(handshakes["started"])
    for row in _rows(handshakes, HANDSHAKE_ENDS, handshakes["started"], end):
        yield *row, False
    for row in _rows(streams, ENDS, streams["first_time"], streams["last_time"]):
        yield *row, row[0] not in muxed


def _rows(
    table: pd.DataFrame, ends: list[str], first: "pd.Series[pd.Timestamp]", last: "pd.Series[pd.Timestamp]"
) -> Iterator[tuple[int, Flow, pd.Timestamp, pd.Timestamp]]:
    known = table.assign(_first=first, _last=last).dropna(subset=["call", *ends, "_first", "_last"])
    columns = [known[name] for name in ("call", *ends, "_first", "_last")]
    for call, addr, port, other_addr, other_port, start, end in zip(*columns, strict=True):
        if flow := _flow((addr, int(port)), (other_addr, int(other_port))):
            yield int(call), flow, start, end


def _flow(one: tuple[str, int], other: tuple[str, int]) -> Flow | None:
    """None when an address is none that a filter could name."""
    try:
        versions = {ip_address(one[0]).version, ip_address(other[0]).version}
    except ValueError:
        return None
    return Flow(*sorted((one, other))) if len(versions) == 1 else None


def _muxed(tables: Tables) -> set[int]:
    """Calls all of whose descriptions say rtcp-mux (RFC 5761)."""
    offered = tables.sdp_media.dropna(subset=["call"])
    every = offered["rtcp_mux"].fillna(False).groupby(offered["call"]).all()
    return {int(call) for call, muxed in zip(every.index, every, strict=True) if muxed}


def call_filters(tables: Tables) -> dict[int, str]:
    """call -> its display filter. A flow that other calls use as well is limited to the call's time."""
    ids, used = call_ids(tables), flows(tables)
    users = Counter(flow for spans in used.values() for flow in spans)
    numbers = sorted({int(call) for call in tables.calls["call"].dropna()} | set(ids) | set(used))
    return {
        call: filters.either(
            [filters.equals("sip.Call-ID", ids.get(call, [])), *_flow_filters(used.get(call, {}), users)]
        )
        for call in numbers
    }


def _flow_filters(spans: Mapping[Flow, Span], users: Mapping[Flow, int]) -> Iterator[str]:
    for flow, span in spans.items():
        traffic = filters.between(flow.one, flow.other, odd=span.odd)
        yield filters.both([traffic, _within(span)]) if users[flow] > 1 else traffic


def _within(span: Span) -> str:
    first, last = span.first - SLACK, span.last + SLACK
    return f"frame.time_epoch >= {_epoch(first)} && frame.time_epoch <= {_epoch(last)}"


def _epoch(time: pd.Timestamp) -> str:
    seconds, rest = divmod(time.value, 1_000_000_000)
    return f"{seconds}.{rest:09d}"
