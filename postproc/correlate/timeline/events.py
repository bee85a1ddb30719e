"""Events of the timeline, and how addresses and durations are written in them."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pandas as pd
from pandas.api.extensions import ExtensionArray

from postproc.correlate.rows import column
from postproc.model.tables import TIMELINE

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


def of_rows(lane: str, rows: pd.DataFrame, **columns: Words) -> pd.DataFrame:
    """Return one event per row; ``rows`` has the columns of WHEN, ``columns`` gives the others."""
    data: dict[str, Any] = {name: rows[name].array for name in WHEN}
    for name, values in {"lane": lane, **columns}.items():
        data[name] = [values] * len(rows) if isinstance(values, str | None) else values
    events = TIMELINE.of(data)
    timed = events["time"].notna()
    return events if timed.all() else events[timed].reset_index(drop=True)


def place(addr: str | None, port: int | None) -> str | None:
    """Format a transport address: ``192.0.2.1:5060``, ``[2001:db8::1]:5060``; None without an address."""
    if addr is None or port is None:
        return addr
    return f"[{addr}]:{port}" if ":" in addr else f"{addr}:{port}"


def places(rows: pd.DataFrame, end: str) -> list[str | None]:
    """Return the transport addresses of one end, ``src`` or ``dst``, of each row."""
    pairs = zip(column(rows[f"{end}_addr"]), column(rows[f"{end}_port"]), strict=True)
    return [place(addr, port) for addr, port in pairs]


def of_calls(messages: pd.DataFrame) -> pd.DataFrame:
    """Return the messages that belong to a call, second captures left out."""
    counted = messages[messages["copy_of"].isna()] if "copy_of" in messages else messages
    return counted[counted["call"].notna()]


def milliseconds(duration: float) -> str:
    """Format a duration in ms: ``0.2 ms``, ``12 ms``, ``1.2 s``."""
    if duration >= 1000:
        return f"{duration / 1000:.1f} s"
    return f"{duration:.0f} ms" if duration >= 10 else f"{duration:.1f} ms"
