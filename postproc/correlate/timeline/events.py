"""Events of the timeline, and how addresses and durations are written in them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from postproc.correlate.rows import records
from postproc.model.tables import TIMELINE

NORMAL, NOTE, WARNING, ERROR = "normal", "note", "warning", "error"

Moment = tuple[str, int | None, int | None, int, int | None]  # capture, frame, time, call, leg


class Event(NamedTuple):
    """A row of the timeline; time in ns since 1970."""

    capture: str
    frame: int | None
    time: int | None
    call: int
    leg: int | None
    lane: str
    kind: str
    label: str
    src: str | None
    dst: str | None
    severity: str


def table(events: Iterable[Event]) -> pd.DataFrame:
    """Return events as TIMELINE by call and time, at one time in their order; those without are left out."""
    timed = (event for event in events if event.time is not None)
    return TIMELINE.of_tuples(timed, by=("call", "time"))


def place(addr: str | None, port: int | None) -> str | None:
    """Format a transport address: ``192.0.2.1:5060``, ``[2001:db8::1]:5060``; None without an address."""
    if addr is None or port is None:
        return addr
    return f"[{addr}]:{port}" if ":" in addr else f"{addr}:{port}"


def places(
    src: str | None, src_port: int | None, dst: str | None, dst_port: int | None
) -> tuple[str | None, str | None]:
    """Return both ends of a packet as transport addresses."""
    return place(src, src_port), place(dst, dst_port)


def moments(rows: pd.DataFrame) -> Iterator[Moment]:
    """Yield capture, frame, time, call and leg of each row, with which its event begins."""
    return records(rows, *Event._fields[:5])


def of_calls(messages: pd.DataFrame) -> pd.DataFrame:
    """Return the messages that belong to a call, second captures left out."""
    kept = [call is not None and copy is None for call, copy in records(messages, "call", "copy_of")]
    return messages if all(kept) else messages[np.array(kept)]


def milliseconds(duration: float) -> str:
    """Format a duration in ms: ``0.2 ms``, ``12 ms``, ``1.2 s``."""
    if duration >= 1000:
        return f"{duration / 1000:.1f} s"
    return f"{duration:.0f} ms" if duration >= 10 else f"{duration:.1f} ms"
