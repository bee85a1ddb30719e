"""The part of a run's tables that is about one call, or about what one capture shows.

Every row of a message and of what is made of them bears its call's number; captures, joins, logs and
seconds of streams are found by what they are of.
"""

from collections.abc import Callable, Collection
from typing import TypeAlias

import pandas as pd

from postproc.model.tables import BY_NAME, Tables

Mask: TypeAlias = "pd.Series[bool]"
# What was on the wire: of a capture also what is no call's.
WHOLE = frozenset({
    "sip_messages", "sip_headers", "sdp_media", "transactions", "stun_messages", "dtls_messages",
    "icmp_errors",
})  # fmt: skip


def of_call(tables: Tables, call: int, name: str) -> pd.DataFrame:
    """The rows of the table ``name`` that are about one call, in their order."""
    rows: pd.DataFrame = getattr(tables, name)
    return _where(rows, OF_CALL[name](tables, call) if name in OF_CALL else rows["call"] == call)


def of_capture(tables: Tables, capture: str) -> Tables:
    """The calls seen in a capture with all that is known of them, and the captures they are in."""
    seen = tables.timeline
    calls = seen.loc[seen["capture"] == capture, "call"].dropna().unique()
    captures = {capture, *seen.loc[seen["call"].isin(calls), "capture"]}
    cut = {}
    for name in BY_NAME:
        rows: pd.DataFrame = getattr(tables, name)
        if name in WHOLE or "call" not in rows:
            cut[name] = _where(rows, rows["capture"].isin(captures))
        else:
            cut[name] = _where(rows, rows["call"].isin(calls))
    return tables.with_(**cut | {"logs": tables.logs})


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


OF_CALL: dict[str, Callable[[Tables, int], Mask]] = {
    "captures": _captures,
    "joins": _joins,
    "logs": _logs,
    "rtp_seconds": _rtp_seconds,
}


def _where(rows: pd.DataFrame, mask: Mask) -> pd.DataFrame:
    return rows[mask.fillna(value=False).astype(bool)].reset_index(drop=True)
