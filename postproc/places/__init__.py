"""Captures of one call at several places: found by what both show; their clocks, and what got lost between.

``find`` tells which captures show the same packets, from the event tables and a second look at the files
concerned. Correlation sees them by one clock (``Places.by_one_clock``); whose the packets are it says itself,
and ``Places.compared`` adds the tables ``clocks`` and ``passages``, and has each thing count once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from postproc.model.columns import TIME
from postproc.model.loading import load
from postproc.model.recordings import INVITE_DIALOG, recordings, views
from postproc.model.rows import ClockRow
from postproc.model.tables import CLOCKS, PASSAGES, Tables
from postproc.places.clocks import PPM, Clock
from postproc.places.datagrams import SIP, Datagrams, Files, datagrams
from postproc.places.matches import matches
from postproc.places.once import Once
from postproc.places.overlaps import Comparison, Overlap
from postproc.places.owners import owners
from postproc.places.passages import NS_PER_MS, clocks, clocks_by_root, courses, passages
from postproc.places.shared import groups
from postproc.read.arrays import Array

__all__ = ["Places", "by_own_clocks", "find"]

# ns by which clocks may differ and still be taken for one: less does not disturb the order of a call's
# messages, and machines with NTP in one network keep it.
ONE_CLOCK = 1_000_000

Moved = Callable[[Array], Array]


@dataclass(frozen=True)
class Places:
    """Captures that show the same packets, by group."""

    overlaps: tuple[Overlap, ...]

    @property
    def groups(self) -> list[list[str]]:
        return [seen.captures for seen in self.overlaps]

    @property
    def repeated(self) -> frozenset[tuple[str, int]]:
        """Frames of SIP messages that the root of their group shows, too, else one named before."""
        found = set()
        for seen in self.overlaps:
            for (_, other), common in seen.common.items():
                rows = common.one if other == seen.root else common.other
                sip = seen.packets[rows[seen.packets["kind"][rows] == SIP]]
                names = (seen.captures[number] for number in sip["capture"].tolist())
                found |= set(zip(names, sip["frame"].tolist(), strict=True))
        return frozenset(found)

    def by_one_clock(self, tables: Tables) -> Tables:
        """The tables with the times that the root of each group would show."""
        compared = {
            seen.captures[number]: comparison
            for seen in self.overlaps
            for number in range(len(seen.captures))
            if (comparison := seen.comparison(seen.root, number)) and _matters(comparison)
        }
        return _moved(tables, {name: each.corrected for name, each in compared.items()})

    def compared(self, tables: Tables) -> Tables:
        """The tables with ``clocks`` and ``passages``, and with call and leg only where a row counts."""
        by_clock: dict[tuple[str, str], dict[str, Any]] = {}
        rows: list[dict[str, Any]] = []
        for seen in self.overlaps:
            legs = courses(seen, owners(seen, tables), tables.captures, tables.sip_messages)
            every = [row for course in legs for row in clocks(seen, course)]
            every += clocks_by_root(seen)
            for row in sorted(every, key=lambda row: row["reference"] != seen.captures[seen.root]):
                by_clock.setdefault((row["capture"], row["reference"]), row)
            rows += [row for course in legs for row in passages(seen, course)]
            tables = Once(seen, legs).tables(tables)
        return tables.with_(clocks=CLOCKS.rows(by_clock.values()), passages=PASSAGES.rows(rows))


def find(events: Tables, files: Mapping[str, Files]) -> Places:
    """The captures that show the same packets; ``files`` are what each capture is read from.

    Raises CaptureError where a file that was read cannot be read again.
    """
    found = []
    for group in groups(events, recordings(events.captures, events.sip_messages, views(events))):
        seen = datagrams({name: files[name] for name in group.captures}, group.pairs, events)
        same = matches(seen, events)
        if len(same.one):
            found.append(Overlap(seen, same, _root(seen, events), events.captures))
    return Places(tuple(found))


def _root(seen: Datagrams, events: Tables) -> int:
    """The capture whose clock counts: of those with calls the one with most packets, else the first."""
    messages = events.sip_messages
    methods = messages["method"].fillna(messages["cseq_method"])
    with_calls = set(messages.loc[methods.isin(INVITE_DIALOG), "capture"])
    packets = dict(zip(events.captures["capture"], events.captures["packets"], strict=True))
    holding = [number for number, name in enumerate(seen.captures) if name in with_calls]
    return min(holding, key=lambda number: (-packets[seen.captures[number]], number), default=0)


def by_own_clocks(tables: Tables) -> Tables:
    """The tables of a run with each time as its capture shows it: the first row of ``clocks`` tells."""
    rows = tables.clocks.drop_duplicates("capture").dropna(subset=["time", "offset_ms"])
    shown: dict[str, Moved] = {}
    for row in load(ClockRow, rows):
        if row.capture != row.reference and row.time is not None and row.offset_ms is not None:
            offset = row.offset_ms * NS_PER_MS
            drift = None if row.drift_ppm is None else row.drift_ppm * PPM
            each = Clock(row.time.value - round(offset), offset, drift)
            if abs(offset) > ONE_CLOCK:
                shown[row.capture] = each.shown
    return _moved(tables, shown)


def _matters(comparison: Comparison) -> bool:
    return abs(sum(clock.offset for clock in comparison.clocks)) > ONE_CLOCK


def _moved(tables: Tables, by_capture: Mapping[str, Moved]) -> Tables:
    """The tables with the times of some captures moved, but in ``clocks`` and ``passages``."""
    moved = {}
    for table, rows in tables.items():
        columns = [column.name for column in table.columns if column.dtype == TIME]
        which = [
            (str(name), np.asarray(at))
            for name, at in rows.groupby("capture").indices.items()
            if name in by_capture
        ]
        if which and columns and table not in (CLOCKS, PASSAGES):
            moved[table.name] = rows.assign(
                **{name: _column(rows[name], which, by_capture) for name in columns}
            )
    return tables.with_(**moved)


def _column(
    times: "pd.Series[pd.Timestamp]", which: list[tuple[str, Array]], by_capture: Mapping[str, Moved]
) -> "pd.Series[pd.Timestamp]":
    values = times.to_numpy("datetime64[ns]").astype(np.int64)
    missing = times.isna().to_numpy()
    for name, at in which:
        values[at] = by_capture[name](values[at])
    stamps = pd.Series(pd.to_datetime(values, utc=True), index=times.index)
    return stamps.mask(missing)
