"""What an event is, and how addresses and durations are written in it."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from postproc.correlate.records import column, records
from postproc.correlate.spans import LegKey
from postproc.tables import TIMELINE

NORMAL, NOTE, WARNING, ERROR = "normal", "note", "warning", "error"
Words = str | None | Sequence[str | None] | ExtensionArray
WHEN = ["capture", "frame", "time", "call", "leg"]


class Event(NamedTuple):
    """A row of the timeline, its lane left out; time in ns since 1970."""

    capture: str
    frame: int | None
    time: int | None
    call: int
    leg: int | None
    kind: str
    label: str
    src: str | None
    dst: str | None
    severity: str


def table(lane: str, events: Iterable[Event]) -> pd.DataFrame:
    """Return events as a table; those without time are left out."""
    timed = [event for event in events if event.time is not None]
    if not timed:
        return TIMELINE.empty()
    columns = dict(zip(Event._fields, zip(*timed, strict=True), strict=True))
    return TIMELINE.of(columns | {"lane": [lane] * len(timed)})


def of_rows(lane: str, rows: pd.DataFrame, **said: Words) -> pd.DataFrame:
    """Return one event per row, which has the columns of WHEN; ``said`` are the others."""
    columns: dict[str, Any] = {name: rows[name].array for name in WHEN}
    for name, values in {"lane": lane, **said}.items():
        columns[name] = [values] * len(rows) if isinstance(values, str | None) else values
    events = TIMELINE.of(columns)
    timed = events["time"].notna()
    return events if timed.all() else events[timed].reset_index(drop=True)


def place(addr: str | None, port: int | None) -> str | None:
    """Write a transport address: ``192.0.2.1:5060``, ``[2001:db8::1]:5060``."""
    if addr is None or port is None:
        return addr
    return f"[{addr}]:{port}" if ":" in addr else f"{addr}:{port}"


def places(rows: pd.DataFrame, end: str) -> list[str | None]:
    """Return the transport addresses of one end, ``src`` or ``dst``, of each row."""
    pairs = zip(column(rows[f"{end}_addr"]), column(rows[f"{end}_port"]), strict=True)
    return [place(addr, port) for addr, port in pairs]


def legs_by_call_id(legs: pd.DataFrame) -> dict[str, LegKey]:
    """Return call and leg of each Call-ID that has a call; a Call-ID means the same in all captures."""
    known = legs[legs["call"].notna() & legs["call_id"].notna()]
    return {call_id: (call, leg) for call_id, call, leg in records(known, "call_id", "call", "leg")}


def of_legs(messages: pd.DataFrame, legs: pd.DataFrame) -> pd.DataFrame:
    """Return the messages whose Call-ID is a leg's, second captures left out, with call and leg."""
    counted = messages[messages["copy_of"].isna()] if "copy_of" in messages else messages
    owners = list(map(legs_by_call_id(legs).get, column(counted["call_id"])))
    known = counted[np.array([owner is not None for owner in owners], dtype=bool)]
    calls, numbers = zip(*filter(None, owners), strict=True) if len(known) else ((), ())
    return known.assign(call=pd.array(calls, dtype="Int64"), leg=pd.array(numbers, dtype="Int64"))


def milliseconds(duration: float) -> str:
    """Write a duration with two digits: ``0.2 ms``, ``12 ms``, ``1.2 s``."""
    if duration >= 1000:
        return f"{duration / 1000:.1f} s"
    return f"{duration:.0f} ms" if duration >= 10 else f"{duration:.1f} ms"
