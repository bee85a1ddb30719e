"""Assign rows of tables without call numbers to calls, by the object that row and call share.

A capture belongs to every call it shows, a row of ``rtp_seconds`` to its stream's call, a TCP connection to
the calls whose SIP it carried. Such a row may belong to several calls.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from postproc.model.calls import connection
from postproc.model.loading import load
from postproc.model.rows import ConnectionEventRow, SipMessageRow
from postproc.model.tables import Tables


class Shared(NamedTuple):
    """The columns that name a row's object, and the table and column that assign this object to calls."""

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
    """Return the objects of an unnumbered table's rows, one series per column; ``joins`` has two legs."""
    if name in OF_NO_CALL:
        return [_objects([None] * len(getattr(tables, name)))]
    if name == CONNECTIONS:
        return [_objects(map(connection, load(ConnectionEventRow, tables.connection_events)))]
    rows: pd.DataFrame = getattr(tables, name)
    return [_objects(rows[column]) for column in SHARED[name].columns]


def had_by(tables: Tables, name: str) -> pd.DataFrame:
    """Return the objects of all calls for a table: columns ``thing`` and ``call``."""
    pairs: list[tuple[Any, Any]] = []
    if name == CONNECTIONS:
        streamed = (tables.sip_messages["transport"] != "udp").fillna(value=False).astype(bool)
        sip = load(SipMessageRow, tables.sip_messages[streamed])
        pairs = [(connection(row), row.call) for row in sip]
    elif name not in OF_NO_CALL:
        rows: pd.DataFrame = getattr(tables, SHARED[name].table)
        pairs = list(zip(rows[SHARED[name].column], rows["call"], strict=True))
    return pd.DataFrame(
        {"thing": _objects(thing for thing, _ in pairs), "call": _objects(call for _, call in pairs)}
    ).dropna()


def _objects(values: Iterable[Any]) -> "pd.Series[Any]":
    return pd.Series(list(values), dtype=object)
