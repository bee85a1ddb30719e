"""What of each capture belongs to one call: frames, UDP flows with their time, TCP connections.

Pure: from the tables of a run. The frames are those of its SIP messages, STUN
transactions, DTLS and ICMP errors; media, and what else went between its
endpoints meanwhile (RTCP, retransmitted DTLS), is told by flow and time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from postproc.tables import Tables

AROUND = pd.Timedelta(seconds=1)  # what ends the media comes within this time
STREAMED = ("tls", "ws", "wss")  # only readable from the connection's opening on
TUPLE = ["src_addr", "src_port", "dst_addr", "dst_port"]

Flow = tuple[str, int, str, int, int, int]  # both ends; ns since the epoch, from and to
Connection = tuple[str, int, str, int]
Ends = tuple[str, frozenset[Any]]  # capture, and both ends' address and port


@dataclass
class Belonging:
    """What belongs to the call in one capture; see ``read.extract.frames_of``."""

    frames: set[int] = field(default_factory=set)
    flows: list[Flow] = field(default_factory=list)
    connections: dict[Connection, set[int]] = field(default_factory=dict)
    whole: set[Connection] = field(default_factory=set)


def belonging(tables: Tables, call: int) -> dict[str, Belonging]:
    """Return what belongs to the call by capture; empty when there is no such call."""
    found: dict[str, Belonging] = {}
    sip = _sip(tables, call)
    messages = [sip, _stun(tables, call)]
    for capture, frame in _pairs(pd.concat([rows[["capture", "frame"]] for rows in messages])):
        found.setdefault(capture, Belonging()).frames.add(frame)
    for capture, connection, transport in _connections(sip):
        held = found.setdefault(capture, Belonging())
        held.connections[connection] = _ends(tables.sip_messages, capture, connection)
        held.whole |= {connection} if transport in STREAMED else set()
    for capture, flow in _flows(tables, call):
        found.setdefault(capture, Belonging()).flows.append(flow)
    quoting = _quoting(tables.icmp_errors, _spans(found, messages))
    for capture, frame in quoting:
        found[capture].frames.add(frame)
    return dict(sorted(found.items()))


def _sip(tables: Tables, call: int) -> pd.DataFrame:
    legs = tables.legs[_is(tables.legs["call"], call)]
    return tables.sip_messages[tables.sip_messages["call_id"].isin(legs["call_id"].dropna())]


def _stun(tables: Tables, call: int) -> pd.DataFrame:
    """The messages of the call's transactions, and those that made its TURN relays."""
    stun, mine = tables.stun_messages, tables.bindings[_is(tables.bindings["call"], call)]
    ids = set(zip(mine["capture"], mine["transaction_id"], strict=True))
    of_ids = [key in ids for key in zip(stun["capture"], stun["transaction_id"], strict=True)]
    found = stun[pd.Series(of_ids, stun.index, dtype=bool)]
    relays = {
        _ends_of(row) for row in _rows(found[found["relayed"].fillna(value=False)], ["capture", *TUPLE])
    }
    media = tables.rtp_streams[_is(tables.rtp_streams["call"], call)]
    relays |= {
        _ends_of(row) for row in _rows(media[media["relayed"].fillna(value=False)], ["capture", *TUPLE])
    }
    serving = [_ends_of(row) in relays for row in _rows(stun, ["capture", *TUPLE])]
    return pd.concat([found, stun[pd.Series(serving, stun.index, dtype=bool)]])


def _ends_of(row: tuple[Any, ...]) -> Ends:
    capture, source, source_port, destination, destination_port = row
    return capture, frozenset([(source, source_port), (destination, destination_port)])


def _connections(sip: pd.DataFrame) -> Iterator[tuple[str, Connection, str]]:
    """TCP connections with messages, each once, whichever way it was first seen."""
    streamed = sip[~sip["transport"].isin(["udp", "sctp"])].dropna(subset=TUPLE)
    distinct = streamed.drop_duplicates(["capture", *TUPLE])
    for capture, source, sport, destination, dport, transport in _rows(
        distinct, ["capture", *TUPLE, "transport"]
    ):
        if (source, sport) <= (destination, dport) or not _has(distinct, capture, (destination, dport)):
            yield capture, (source, int(sport), destination, int(dport)), transport


def _has(distinct: pd.DataFrame, capture: str, source: tuple[str, int]) -> bool:
    """Whether the other direction is listed, too."""
    same = (distinct["capture"] == capture) & (distinct["src_addr"] == source[0])
    return bool((same & (distinct["src_port"] == source[1])).any())


def _ends(sip: pd.DataFrame, capture: str, connection: Connection) -> set[int]:
    """The frames of a connection in which any message ends."""
    source, source_port, destination, destination_port = connection
    forth = (sip["src_addr"] == source) & (sip["src_port"] == source_port)
    forth &= (sip["dst_addr"] == destination) & (sip["dst_port"] == destination_port)
    back = (sip["src_addr"] == destination) & (sip["src_port"] == destination_port)
    back &= (sip["dst_addr"] == source) & (sip["dst_port"] == source_port)
    here = (sip["capture"] == capture) & (forth | back).fillna(value=False)
    return set(sip.loc[here, "frame"].astype("int64"))


def _flows(tables: Tables, call: int) -> Iterator[tuple[str, Flow]]:
    streams = tables.rtp_streams[_is(tables.rtp_streams["call"], call)]
    for capture, *ends, start, end in _rows(streams, ["capture", *TUPLE, "first_time", "last_time"]):
        for shift in (0, 1):  # RTCP on the next port (RFC 3550, section 11)
            yield from _flow(capture, ends, shift, start, end)
    last = tables.calls.loc[_is(tables.calls["call"], call), "end"].max()
    dtls = tables.dtls[_is(tables.dtls["call"], call)]
    columns = ["client_addr", "client_port", "server_addr", "server_port", "time", "completed"]
    for capture, *ends, start, completed in _rows(dtls, ["capture", *columns]):
        known = [each for each in (start, completed, last) if not pd.isna(each)]
        if known:
            yield from _flow(capture, ends, 0, min(known), max(known))


def _flow(
    capture: str, ends: list[Any], shift: int, start: pd.Timestamp, end: pd.Timestamp
) -> Iterator[tuple[str, Flow]]:
    source, source_port, destination, destination_port = ends
    if any(pd.isna(each) for each in (*ends, start, end)):
        return
    since, until = (start - AROUND).value, (end + AROUND).value
    yield capture, (source, source_port + shift, destination, destination_port + shift, since, until)


def _spans(found: dict[str, Belonging], messages: list[pd.DataFrame]) -> dict[Ends, list[tuple[int, int]]]:
    """When the call used which 5-tuple of a capture, in ns since the epoch."""
    spans: dict[Ends, list[tuple[int, int]]] = {}
    for capture, held in found.items():
        for *ends, start, end in held.flows:
            spans.setdefault(_ends_of((capture, *ends)), []).append((start, end))
    for rows in messages:
        for *ends, time in _rows(rows.dropna(subset=[*TUPLE, "time"]), ["capture", *TUPLE, "time"]):
            spans.setdefault(_ends_of(tuple(ends)), []).append((time.value, (time + AROUND).value))
    return spans


def _quoting(icmp: pd.DataFrame, spans: dict[Ends, list[tuple[int, int]]]) -> Iterator[tuple[str, int]]:
    """Frames of the errors that quote a packet of the call."""
    for *ends, frame, time in _rows(icmp, ["capture", *TUPLE, "frame", "time"]):
        if any(start <= time.value <= end for start, end in spans.get(_ends_of(tuple(ends)), ())):
            yield ends[0], int(frame)


def _pairs(rows: pd.DataFrame) -> Iterator[tuple[str, int]]:
    known = rows.dropna()
    return zip(known["capture"], known["frame"].astype("int64"), strict=True)


def _rows(rows: pd.DataFrame, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[column] for column in columns), strict=True)


def _is(column: pd.Series, call: int) -> pd.Series:
    return (column == call).fillna(value=False).astype(bool)
