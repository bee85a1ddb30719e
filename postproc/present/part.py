"""The part of a run's tables that is about one call, or about what one capture shows.

Tables that name calls are cut by call, those of messages by Call-ID, stream, or the
frames that belong to the call.
"""

from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

import pandas as pd

from postproc.present.belonging import TUPLE, belonging
from postproc.tables import BY_NAME, Tables

Mask: TypeAlias = "pd.Series[bool]"


def of_call(tables: Tables, call: int, name: str) -> pd.DataFrame:
    """The rows of the table ``name`` that are about one call, in their order."""
    rows: pd.DataFrame = getattr(tables, name)
    if "call" in rows:
        return _where(rows, rows["call"] == call)
    if name in OF_CALL:
        return _where(rows, OF_CALL[name](tables, call))
    return _where(rows, rows["call_id"].isin(_call_ids(tables, [call])))


def of_capture(tables: Tables, capture: str) -> Tables:
    """The calls seen in a capture with all that is known of them, and the captures they are in."""
    seen = tables.timeline
    calls = seen.loc[seen["capture"] == capture, "call"].dropna().unique()
    captures = {capture, *seen.loc[seen["call"].isin(calls), "capture"]}
    ids = _call_ids(tables, calls)
    cut = {}
    for name in BY_NAME:
        rows: pd.DataFrame = getattr(tables, name)
        if "call" in rows:
            cut[name] = _where(rows, rows["call"].isin(calls))
        elif name == "log_events":
            cut[name] = _where(rows, rows["call_id"].isin(ids))
        elif name != "logs":
            cut[name] = _where(rows, rows["capture"].isin(captures))
    return tables.with_(**cut)


def without_captures(tables: Tables, captures: Collection[str]) -> Tables:
    """The run without these captures and the calls seen in them."""
    shown = [tables.timeline, tables.calls, tables.legs]
    gone = {call for rows in shown for call in rows.loc[rows["capture"].isin(captures), "call"].dropna()}
    cut = {}
    for name in BY_NAME:
        rows: pd.DataFrame = getattr(tables, name)
        lost = rows["capture"].isin(captures)
        cut[name] = _where(rows, ~(lost | rows["call"].isin(gone) if "call" in rows else lost))
    return tables.with_(**cut)


def _call_ids(tables: Tables, calls: Collection[int]) -> list[str]:
    return list(tables.legs.loc[tables.legs["call"].isin(calls), "call_id"].dropna())


def _captures(tables: Tables, call: int) -> Mask:
    seen = tables.timeline.loc[tables.timeline["call"] == call, "capture"]
    return tables.captures["capture"].isin(seen)


def _joins(tables: Tables, call: int) -> Mask:
    ids = _call_ids(tables, [call])
    return tables.joins["call_id_a"].isin(ids) | tables.joins["call_id_b"].isin(ids)


def _rtp_seconds(tables: Tables, call: int) -> Mask:
    streams = tables.rtp_streams
    return tables.rtp_seconds["stream"].isin(streams.loc[streams["call"] == call, "stream"].dropna())


def _logs(tables: Tables, call: int) -> Mask:
    return tables.logs["capture"].isin(of_call(tables, call, "log_events")["capture"])


def _named(rows: pd.DataFrame, tables: Tables, call: int) -> Mask:
    """The messages whose frames belong to the call."""
    frames = {(capture, frame) for capture, held in belonging(tables, call).items() for frame in held.frames}
    places = zip(rows["capture"], rows["frame"], strict=True)
    return pd.Series([place in frames for place in places], rows.index, dtype=bool)


def _dtls_messages(tables: Tables, call: int) -> Mask:
    """What went between the ends of the call's handshakes while these and their media lasted."""
    spans = _spans(tables, call)
    rows = tables.dtls_messages
    found = []
    for capture, *ends, time in zip(*(rows[name] for name in ["capture", *TUPLE, "time"]), strict=True):
        since, until = spans.get((capture, frozenset([tuple(ends[:2]), tuple(ends[2:])])), (1, 0))
        found.append(not pd.isna(time) and since <= time.value <= until)
    return pd.Series(found, rows.index, dtype=bool)


def _spans(tables: Tables, call: int) -> Mapping[tuple[str, frozenset[object]], tuple[int, int]]:
    """(capture, both ends) -> when the call used them, in ns since 1970."""
    spans: dict[tuple[str, frozenset[object]], tuple[int, int]] = {}
    for capture, held in belonging(tables, call).items():
        for flow in held.flows:
            ends = capture, frozenset([flow[:2], flow[2:4]])
            since, until = spans.get(ends, flow[4:])
            spans[ends] = min(since, flow[4]), max(until, flow[5])
    return spans


OF_CALL: dict[str, Callable[[Tables, int], Mask]] = {
    "captures": _captures,
    "joins": _joins,
    "logs": _logs,
    "rtp_seconds": _rtp_seconds,
    "dtls_messages": _dtls_messages,
    "stun_messages": lambda tables, call: _named(tables.stun_messages, tables, call),
    "icmp_errors": lambda tables, call: _named(tables.icmp_errors, tables, call),
}


def _where(rows: pd.DataFrame, mask: Mask) -> pd.DataFrame:
    return rows[mask.fillna(value=False).astype(bool)].reset_index(drop=True)
