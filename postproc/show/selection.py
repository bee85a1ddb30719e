"""Which rows, frames and flows of a run belong to a call or a capture, and the Wireshark filter for them.

Pure: works on the tables of a run. Rows of messages, and of what is derived from them, have their call's
number; captures, joins, logs and seconds of streams are found by the rows they refer to. Media, which have no
rows of their own, and RTCP beside them are found by flow and time.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from postproc.model import filters, ownership
from postproc.model.addresses import ip_version
from postproc.model.columns import plain
from postproc.model.logtexts import LOUD
from postproc.model.tables import BY_NAME, SLACK_S, Tables

Mask: TypeAlias = "pd.Series[bool]"
# Tables of what was on the wire: the part of a capture includes rows that belong to no call.
WHOLE = frozenset(
    {
        "sip_messages",
        "sip_headers",
        "sdp_media",
        "transactions",
        "stun_messages",
        "dtls_messages",
        "icmp_errors",
    }
)


def of_call(tables: Tables, call: int, name: str) -> pd.DataFrame:
    """Return the rows of the table ``name`` that are about one call, in their order."""
    rows: pd.DataFrame = getattr(tables, name)
    shared = name in ownership.UNNUMBERED
    return _where(rows, _refers_to(tables, call, name) if shared else rows["call"] == call)


def of_capture(tables: Tables, capture: str) -> Tables:
    """Return the calls seen in a capture, with all their rows, and the captures they are in."""
    timeline = tables.timeline
    calls = timeline.loc[timeline["capture"] == capture, "call"].dropna().unique()
    captures = {capture, *timeline.loc[timeline["call"].isin(calls), "capture"]}
    cut = {}
    for name in BY_NAME:
        rows: pd.DataFrame = getattr(tables, name)
        if name in WHOLE or "call" not in rows:
            cut[name] = _where(rows, rows["capture"].isin(captures))
        else:
            cut[name] = _where(rows, rows["call"].isin(calls))
    return tables.with_(**cut | {"logs": tables.logs})


def without_captures(tables: Tables, captures: Collection[str]) -> Tables:
    """Return the run without these captures and without the calls seen in them."""
    numbered = [tables.timeline, tables.calls, tables.legs]
    removed = {
        call for rows in numbered for call in rows.loc[rows["capture"].isin(captures), "call"].dropna()
    }
    cut = {}
    for name in BY_NAME:
        rows: pd.DataFrame = getattr(tables, name)
        in_captures = rows["capture"].isin(captures)
        cut[name] = _where(
            rows, ~(in_captures | rows["call"].isin(removed) if "call" in rows else in_captures)
        )
    return tables.with_(**cut)


def _refers_to(tables: Tables, call: int, name: str) -> Mask:
    owned = ownership.had_by(tables, name)
    things = owned.loc[owned["call"] == call, "thing"]
    masks = [column.isin(things) for column in ownership.things(tables, name)]
    return pd.Series(np.logical_or.reduce(masks), getattr(tables, name).index, dtype=bool)


def _where(rows: pd.DataFrame, mask: Mask) -> pd.DataFrame:
    return rows[mask.fillna(value=False).astype(bool)].reset_index(drop=True)


ENDS = ["src_addr", "src_port", "dst_addr", "dst_port"]
HANDSHAKE_ENDS = ["client_addr", "client_port", "server_addr", "server_port"]
SLACK = pd.Timedelta(seconds=SLACK_S)


class Flow(NamedTuple):
    """UDP between two addresses and ports, the lower one first."""

    one: tuple[str, int]
    other: tuple[str, int]


@dataclass
class Span:
    """When a call used a flow, whether RTCP may run on the next port, and what its STUN ran over."""

    first: pd.Timestamp
    last: pd.Timestamp
    odd: bool = False
    transports: frozenset[str] = frozenset()

    def add(self, first: pd.Timestamp, last: pd.Timestamp, odd: bool) -> None:
        self.first, self.last, self.odd = min(self.first, first), max(self.last, last), self.odd or odd


def call_ids(tables: Tables) -> dict[int, list[str]]:
    """Return call -> the Call-IDs of its legs, in the order of the legs."""
    by_call: dict[int, list[str]] = defaultdict(list)
    legs = tables.legs.dropna(subset=["call", "call_id"]).sort_values(["call", "leg"])
    for call, call_id in zip(legs["call"], legs["call_id"], strict=True):
        if call_id not in by_call[call]:
            by_call[int(call)].append(call_id)
    return dict(by_call)


def flows(tables: Tables) -> dict[int, dict[Flow, Span]]:
    """Return call -> the flows of its STUN, DTLS and media."""
    by_call: dict[int, dict[Flow, Span]] = defaultdict(dict)
    for call, flow, first, last, odd in _used(tables):
        if (span := by_call[call].get(flow)) is None:
            by_call[call][flow] = Span(first, last, odd)
        else:
            span.add(first, last, odd)
    seen = transports(tables)
    for spans in by_call.values():
        for flow, span in spans.items():
            span.transports = frozenset(seen.get(flow, ()))
    return dict(by_call)


def transports(tables: Tables) -> dict[Flow, set[str]]:
    """Return flow -> what STUN between its ends ran over, udp or tcp."""
    rows = tables.stun_messages.drop_duplicates([*ENDS, "transport"]).dropna(subset=[*ENDS, "transport"])
    seen: dict[Flow, set[str]] = defaultdict(set)
    for addr, port, other, other_port, transport in _values(rows, [*ENDS, "transport"]):
        if flow := _nameable((addr, int(port)), (other, int(other_port))):
            seen[flow].add(transport)
    return dict(seen)


def _used(tables: Tables) -> Iterator[tuple[int, Flow, pd.Timestamp, pd.Timestamp, bool]]:
    muxed = _muxed(tables)
    stun, streams = tables.stun_messages, tables.rtp_streams
    for row in _known_spans(stun, ENDS, stun["time"], stun["time"]):
        yield *row, False
    handshakes = tables.dtls
    end = handshakes["completed"].fillna(handshakes["started"])
    for row in _known_spans(handshakes, HANDSHAKE_ENDS, handshakes["started"], end):
        yield *row, False
    for row in _known_spans(streams, ENDS, streams["first_time"], streams["last_time"]):
        yield *row, row[0] not in muxed


def _known_spans(
    table: pd.DataFrame, ends: list[str], first: "pd.Series[pd.Timestamp]", last: "pd.Series[pd.Timestamp]"
) -> Iterator[tuple[int, Flow, pd.Timestamp, pd.Timestamp]]:
    rows = table.assign(_first=first, _last=last).dropna(subset=["call", *ends, "_first", "_last"])
    columns = [rows[name] for name in ("call", *ends, "_first", "_last")]
    for call, addr, port, other_addr, other_port, start, end in zip(*columns, strict=True):
        if flow := _nameable((addr, int(port)), (other_addr, int(other_port))):
            yield int(call), flow, start, end


def _nameable(one: tuple[str, int], other: tuple[str, int]) -> Flow | None:
    """Return the flow; None when an address is none that a filter could name."""
    version = ip_version(one[0])
    return Flow(*sorted((one, other))) if version is not None and version == ip_version(other[0]) else None


def _muxed(tables: Tables) -> set[int]:
    """Return the calls all of whose descriptions have a=rtcp-mux (RFC 5761)."""
    descriptions = tables.sdp_media.dropna(subset=["call"])
    by_call = descriptions["rtcp_mux"].fillna(False).groupby(descriptions["call"]).all()
    return {int(call) for call, muxed in zip(by_call.index, by_call, strict=True) if muxed}


def call_filters(tables: Tables) -> dict[int, str]:
    """Return call -> its display filter; a flow that other calls use, too, is limited to its time."""
    ids, used_flows, tcp = call_ids(tables), flows(tables), _tcp_ports(tables)
    users = Counter(flow for spans in used_flows.values() for flow in spans)
    numbers = sorted({int(call) for call in tables.calls["call"].dropna()} | set(ids) | set(used_flows))
    return {
        call: filters.either(
            [
                filters.equals("sip.Call-ID", ids.get(call, [])),
                *_flow_filters(used_flows.get(call, {}), users, tcp.get(call, ())),
            ]
        )
        for call in numbers
    }


def _tcp_ports(tables: Tables) -> dict[int, frozenset[int]]:
    """Return call -> the ports its sides offer for ICE over TCP."""
    by_call: dict[int, list[tuple[str | None, int | None]]] = defaultdict(list)
    columns = [plain(tables.candidates[name]) for name in ("call", "transport", "port")]
    for call, transport, port in zip(*columns, strict=True):
        if call is not None:
            by_call[call].append((transport, port))
    return {call: filters.tcp_ports(offered) for call, offered in by_call.items()}


def _flow_filters(
    spans: Mapping[Flow, Span], users: Mapping[Flow, int], tcp: Collection[int]
) -> Iterator[str]:
    for flow, span in spans.items():
        offered = {"udp", *("tcp" for _, port in flow if port in tcp)}
        traffic = filters.between(flow.one, flow.other, odd=span.odd, over=span.transports or offered)
        yield filters.both([traffic, _within(span)]) if users[flow] > 1 else traffic


def _within(span: Span) -> str:
    first, last = span.first - SLACK, span.last + SLACK
    return f"frame.time_epoch >= {_epoch(first)} && frame.time_epoch <= {_epoch(last)}"


def _epoch(time: pd.Timestamp) -> str:
    seconds, rest = divmod(time.value, 1_000_000_000)
    return f"{seconds}.{rest:09d}"


MESSAGES = ("sip_messages", "stun_messages", "dtls_messages", "icmp_errors")
STREAMED = ("tls", "ws", "wss")  # only readable from the connection's opening on

TimedFlow = tuple[str, int, str, int, int, int]  # both ends; ns since the epoch, from and to
Connection = tuple[str, int, str, int]


@dataclass
class Belonging:
    """What belongs to the call in one capture; see ``read.extract.frames_of``."""

    frames: set[int] = field(default_factory=set)
    flows: list[TimedFlow] = field(default_factory=list)
    connections: dict[Connection, set[int]] = field(default_factory=dict)
    whole: set[Connection] = field(default_factory=set)


def belonging(tables: Tables, call: int) -> dict[str, Belonging]:
    """Return by capture what belongs to the call; empty when there is no such call."""
    by_capture: dict[str, Belonging] = {}
    for name in MESSAGES:
        for capture, frame in _pairs(_of(getattr(tables, name), call)[["capture", "frame"]]):
            by_capture.setdefault(capture, Belonging()).frames.add(frame)
    for capture, connection, transport in _connections(_of(tables.sip_messages, call)):
        of_capture = by_capture.setdefault(capture, Belonging())
        of_capture.connections[connection] = _ends(tables.sip_messages, capture, connection)
        of_capture.whole |= {connection} if transport in STREAMED else set()
    for capture, flow in _timed_flows(tables, call):
        for file in _files(tables.captures, capture, *flow[-2:]):
            by_capture.setdefault(file, Belonging()).flows.append(flow)
    return dict(sorted(by_capture.items()))


def _files(captures: pd.DataFrame, capture: str, since: int, until: int) -> list[str]:
    """Return the files that a flow beginning in one continues in; more than one in a ring buffer."""
    recordings = captures.set_index("capture")["recording"]
    recording = recordings.get(capture)
    if recording is None or pd.isna(recording):
        return [capture]
    times = captures.set_index("capture").loc[recordings.index[recordings == recording]]
    first, last = (times[name].astype("int64") for name in ("first_time", "last_time"))
    return sorted({capture, *times.index[(first <= until) & (last >= since)]})


def _connections(sip: pd.DataFrame) -> Iterator[tuple[str, Connection, str]]:
    """Yield the TCP connections with messages, each once, whichever direction was seen first."""
    streamed = sip[~sip["transport"].isin(["udp", "sctp"])].dropna(subset=ENDS)
    distinct = streamed.drop_duplicates(["capture", *ENDS])
    for capture, source, sport, destination, dport, transport in _values(
        distinct, ["capture", *ENDS, "transport"]
    ):
        if (source, sport) <= (destination, dport) or not _has(distinct, capture, (destination, dport)):
            yield capture, (source, int(sport), destination, int(dport)), transport


def _has(distinct: pd.DataFrame, capture: str, source: tuple[str, int]) -> bool:
    """Tell whether the other direction is listed, too."""
    same = (distinct["capture"] == capture) & (distinct["src_addr"] == source[0])
    return bool((same & (distinct["src_port"] == source[1])).any())


def _ends(sip: pd.DataFrame, capture: str, connection: Connection) -> set[int]:
    """Return the frames in which messages of a connection, of any call, end."""
    source, source_port, destination, destination_port = connection
    forth = (sip["src_addr"] == source) & (sip["src_port"] == source_port)
    forth &= (sip["dst_addr"] == destination) & (sip["dst_port"] == destination_port)
    back = (sip["src_addr"] == destination) & (sip["src_port"] == destination_port)
    back &= (sip["dst_addr"] == source) & (sip["dst_port"] == source_port)
    here = (sip["capture"] == capture) & (forth | back).fillna(value=False)
    return set(sip.loc[here, "frame"].astype("int64"))


def _timed_flows(tables: Tables, call: int) -> Iterator[tuple[str, TimedFlow]]:
    streams = _of(tables.rtp_streams, call)
    for capture, *ends, start, end in _values(streams, ["capture", *ENDS, "first_time", "last_time"]):
        for shift in (0, 1):  # RTCP on the next port (RFC 3550, section 11)
            yield from _timed_flow(capture, ends, shift, start, end)
    last = _of(tables.calls, call)["end"].max()
    columns = ["client_addr", "client_port", "server_addr", "server_port", "time", "completed"]
    for capture, *ends, start, completed in _values(_of(tables.dtls, call), ["capture", *columns]):
        times = [time for time in (start, completed, last) if not pd.isna(time)]
        if times:
            yield from _timed_flow(capture, ends, 0, min(times), max(times))


def _timed_flow(
    capture: str, ends: list[Any], shift: int, start: pd.Timestamp, end: pd.Timestamp
) -> Iterator[tuple[str, TimedFlow]]:
    source, source_port, destination, destination_port = ends
    if any(pd.isna(value) for value in (*ends, start, end)):
        return
    since, until = (start - SLACK).value, (end + SLACK).value
    yield capture, (source, source_port + shift, destination, destination_port + shift, since, until)


DIGITS = re.compile(r"\d+")
MOST_QUOTED = 20  # different lines of a call; a choice: more would bury those that explain the fault


class Quoted(NamedTuple):
    """A warning or error of a call's channels; ``times`` counts the lines that differ in numbers only."""

    log: str
    line: int
    time: pd.Timestamp | None
    level: str
    text: str
    times: int


def log_warnings(tables: Tables) -> dict[int, list[Quoted]]:
    """Return call -> the logs' warnings and errors on its channels, in order of time."""
    lines = tables.log_events
    loud = lines[lines["level"].isin(LOUD) & lines["call"].notna()].sort_values("time", kind="stable")
    by_call: dict[int, dict[tuple[str, str], Quoted]] = defaultdict(dict)
    columns = (plain(loud[name]) for name in ("call", "capture", "frame", "time", "level", "text"))
    for call, log, number, time, level, text in zip(*columns, strict=True):
        pattern = (level, DIGITS.sub("#", text))
        earlier = by_call[call].get(pattern)
        by_call[call][pattern] = (
            earlier._replace(times=earlier.times + 1)
            if earlier
            else Quoted(log, number, time, level, text, 1)
        )
    return {call: list(quoted.values())[:MOST_QUOTED] for call, quoted in by_call.items()}


def _pairs(rows: pd.DataFrame) -> Iterator[tuple[str, int]]:
    rows_with_frame = rows.dropna()
    return zip(rows_with_frame["capture"], rows_with_frame["frame"].astype("int64"), strict=True)


def _values(rows: pd.DataFrame, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[column] for column in columns), strict=True)


def _of(rows: pd.DataFrame, call: int) -> pd.DataFrame:
    return rows[(rows["call"] == call).fillna(value=False).astype(bool)]
