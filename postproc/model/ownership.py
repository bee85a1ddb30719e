"""Whose the rows of tables are that bear no call's number: of the calls that have what they are of in common.

A capture is a call's that shows something of it, a row of ``rtp_seconds`` its stream's, a TCP connection
that of the SIP which went over it. Such a row may be of several calls.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from postproc.model.calls import connection
from postproc.model.loading import load
from postproc.model.rows import ConnectionEventRow, SipMessageRow
from postproc.model.tables import Tables


class Shared(NamedTuple):
    """Columns that name what a row is of, and where calls have it."""

    columns: tuple[str, ...]
    table: str
    column: str


SHARED: Mapping[str, Shared] = {
    "captures": Shared(("capture",), "timeline", "capture"),
    "clocks": Shared(("capture",), "timeline", "capture"),
    "joins": Shared(("call_id_a", "call_id_b"), "legs", "call_id"),
    "logs": Shared(("capture",), "log_events", "capture"),
    "rtp_seconds": Shared(("stream",), "rtp_streams", "stream"),
}
CONNECTIONS = "connection_events"
OF_NO_CALL = frozenset({"connections", "tls", "http"})  # the way in, before any call
UNNUMBERED = frozenset({*SHARED, CONNECTIONS, *OF_NO_CALL})


def things(tables: Tables, name: str) -> list["pd.Series[Any]"]:
    """What the rows of an unnumbered table are of; a row of ``joins`` is of two legs."""
    if name in OF_NO_CALL:
        return [_objects([None] * len(getattr(tables, name)))]
    if name == CONNECTIONS:
        return [_objects(map(connection, load(ConnectionEventRow, tables.connection_events)))]
    rows: pd.DataFrame = getattr(tables, name)
    return [_objects(rows[column]) for column in SHARED[name].columns]


def had_by(tables: Tables, name: str) -> pd.DataFrame:
    """Each such thing that a call has: columns ``thing`` and ``call``."""
    found: list[tuple[Any, Any]] = []
    if name == CONNECTIONS:
        streamed = (tables.sip_messages["transport"] != "udp").fillna(value=False).astype(bool)
        sip = load(SipMessageRow, tables.sip_messages[streamed])
        found = [(connection(row), row.call) for row in sip]
    elif name not in OF_NO_CALL:
        rows: pd.DataFrame = getattr(tables, SHARED[name].table)
        found = list(zip(rows[SHARED[name].column], rows["call"], strict=True))
    return pd.DataFrame(
        {"thing": _objects(thing for thing, _ in found), "call": _objects(call for _, call in found)}
    ).dropna()


def _objects(values: Iterable[Any]) -> "pd.Series[Any]":
    return pd.Series(list(values), dtype=object)
