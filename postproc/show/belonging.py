"""What of each capture belongs to one call: frames, UDP flows with their time, TCP connections.

Pure: from the tables of a run. The frames are those of the messages that bear its number: SIP, STUN,
DTLS and ICMP errors. Media, which have no rows of their own, and RTCP beside them are told by flow and time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from postproc.model.tables import SLACK_S, Tables

SLACK = pd.Timedelta(seconds=SLACK_S)
MESSAGES = ("sip_messages", "stun_messages", "dtls_messages", "icmp_errors")
STREAMED = ("tls", "ws", "wss")  # only readable from the connection's opening on
TUPLE = ["src_addr", "src_port", "dst_addr", "dst_port"]

Flow = tuple[str, int, str, int, int, int]  # both ends; ns since the epoch, from and to
Connection = tuple[str, int, str, int]


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
    for name in MESSAGES:
        for capture, frame in _pairs(_of(getattr(tables, name), call)[["capture", "frame"]]):
            found.setdefault(capture, Belonging()).frames.add(frame)
    for capture, connection, transport in _connections(_of(tables.sip_messages, call)):
        held = found.setdefault(capture, Belonging())
        held.connections[connection] = _ends(tables.sip_messages, capture, connection)
        held.whole |= {connection} if transport in STREAMED else set()
    for capture, flow in _flows(tables, call):
        found.setdefault(capture, Belonging()).flows.append(flow)
    return dict(sorted(found.items()))


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
    streams = _of(tables.rtp_streams, call)
    for capture, *ends, start, end in _rows(streams, ["capture", *TUPLE, "first_time", "last_time"]):
        for shift in (0, 1):  # RTCP on the next port (RFC 3550, section 11)
            yield from _flow(capture, ends, shift, start, end)
    last = _of(tables.calls, call)["end"].max()
    columns = ["client_addr", "client_port", "server_addr", "server_port", "time", "completed"]
    for capture, *ends, start, completed in _rows(_of(tables.dtls, call), ["capture", *columns]):
        known = [each for each in (start, completed, last) if not pd.isna(each)]
        if known:
            yield from _flow(capture, ends, 0, min(known), max(known))


def _flow(
    capture: str, ends: list[Any], shift: int, start: pd.Timestamp, end: pd.Timestamp
) -> Iterator[tuple[str, Flow]]:
    source, source_port, destination, destination_port = ends
    if any(pd.isna(each) for each in (*ends, start, end)):
        return
    since, until = (start - SLACK).value, (end + SLACK).value
    yield capture, (source, source_port + shift, destination, destination_port + shift, since, until)


def _pairs(rows: pd.DataFrame) -> Iterator[tuple[str, int]]:
    known = rows.dropna()
    return zip(known["capture"], known["frame"].astype("int64"), strict=True)


def _rows(rows: pd.DataFrame, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[column] for column in columns), strict=True)


def _of(rows: pd.DataFrame, call: int) -> pd.DataFrame:
    return rows[(rows["call"] == call).fillna(value=False).astype(bool)]
