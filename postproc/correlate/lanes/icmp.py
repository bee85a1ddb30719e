"""ICMP errors that answer a call's packets."""

from collections.abc import Iterator
from itertools import starmap

import pandas as pd

from postproc.correlate.endpoints import ALWAYS, LegKey, Time, lives
from postproc.correlate.lanes.events import NOTE, WARNING, Event, of_calls, places, table
from postproc.correlate.records import records

MEANINGS = {
    (4, 3, 0): "network unreachable", (4, 3, 1): "host unreachable", (4, 3, 2): "protocol unreachable",
    (4, 3, 3): "port unreachable", (4, 3, 4): "fragmentation needed", (4, 3, 9): "prohibited",
    (4, 3, 10): "prohibited", (4, 3, 13): "prohibited", (4, 11, 0): "time to live exceeded",
    (6, 1, 0): "no route", (6, 1, 1): "prohibited", (6, 1, 3): "address unreachable",
    (6, 1, 4): "port unreachable", (6, 2, 0): "packet too big", (6, 3, 0): "hop limit exceeded",
}  # fmt: skip


def events(icmp_errors: pd.DataFrame, legs: pd.DataFrame) -> pd.DataFrame:
    """Return the errors that quote a packet of a call; after the end of its leg they are usual."""
    return table("icmp", _events(of_calls(icmp_errors), lives(legs)))


def _events(icmp_errors: pd.DataFrame, living: dict[LegKey, tuple[Time, Time]]) -> Iterator[Event]:
    ends = zip(places(icmp_errors, "src"), places(icmp_errors, "dst"), strict=True)
    ids = records(icmp_errors, "capture", "frame", "time", "call", "leg", "reporter")
    meanings = starmap(_meaning, records(icmp_errors, "version", "type", "code"))
    for (capture, frame, time, call, leg, reporter), meaning, (src, dst) in zip(
        ids, meanings, ends, strict=True
    ):
        over = time is not None and time > living.get((call, leg), ALWAYS)[1]
        label, severity = f"{meaning}: {dst or '?'}", NOTE if over else WARNING
        yield Event(capture, frame, time, call, leg, "error", label, reporter, src, severity)


def _meaning(version: int | None, kind: int | None, code: int | None) -> str:
    return MEANINGS.get((version or 4, kind or 0, code or 0), f"ICMP type {kind} code {code}")
