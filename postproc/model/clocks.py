"""Times by one clock: what a capture's clock shows more than another's, and the times which that would show.

Tables have times as each capture shows them. Who sets those of several captures side by side moves them
first, to the clock of the reference that table ``clocks`` names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from postproc.model.calls import recording_names
from postproc.model.columns import TIME
from postproc.model.loading import load
from postproc.model.rows import ClockRow
from postproc.model.tables import CLOCKS, Tables

Times = NDArray[Any]  # ns
Correction = Callable[[Times], Times]

PPM, NS_PER_MS = 1e-6, 1e6
# ns by which clocks may differ and still be taken for one: less does not disturb the order of a call's
# messages, and machines with NTP in one network keep it.
ONE_CLOCK = 1_000_000


@dataclass(frozen=True)
class Clock:
    """What a clock shows more than another: ``offset`` in ns at ``since``, and ``drift`` per ns.

    ``since`` is by the other, the first packet that both show. ``drift`` is None where the packets do not
    tell it, ``drift_bound`` what it may be wrong by in 95 of 100. ``bound``: ns by which the offset may be
    wrong, None if packets of one way only are seen. ``residual`` is the median of what offset, drift and the
    usual delay leave.
    """

    since: int = 0
    offset: float = 0.0
    drift: float | None = 0.0
    matched: int = 0
    residual: float | None = None
    bound: float | None = None
    drift_bound: float | None = None

    def corrected(self, time: Times) -> Times:
        """Times of this clock as the other would show them."""
        slope = self.drift or 0.0
        elapsed = (time - self.since) - self.offset
        corrected: Times = time - np.rint(self.offset + elapsed * (slope / (1 + slope))).astype(np.int64)
        return corrected

    def shown(self, time: Times) -> Times:
        """Times of the other as this clock shows them."""
        shown: Times = time + np.rint(self.offset + (time - self.since) * (self.drift or 0.0)).astype(
            np.int64
        )
        return shown


def by_one_clock(tables: Tables) -> Tables:
    """The tables of a run with the times that the references' clocks would show."""
    return with_times_moved(tables, corrections_of(tables))


def on_one_clock(tables: Any) -> Callable[[pd.DataFrame], pd.DataFrame] | None:  # noqa: ANN401  (calls.Run)
    """The same, table by table as it is wanted; None where all clocks are right."""
    corrections = corrections_of(tables)
    return (lambda rows: _moved(rows, corrections)) if corrections else None


def corrections_of(tables: Any) -> dict[str, Correction]:  # noqa: ANN401  (calls.Run)
    """By capture, its correction: the first row of ``clocks`` is by the clock that counts for all.

    A recording has one clock, whichever of its files the row names.
    """
    if tables.clocks.empty:
        return {}
    recording_of = recording_names(tables.captures)
    rows = tables.clocks.assign(capture=tables.clocks["capture"].replace(recording_of))
    found: dict[str, Correction] = {}
    for row in load(ClockRow, rows.drop_duplicates("capture").dropna(subset=["time", "offset_ms"])):
        if row.time is not None and row.offset_ms is not None:
            offset = row.offset_ms * NS_PER_MS
            drift = None if row.drift_ppm is None else row.drift_ppm * PPM
            if abs(offset) > ONE_CLOCK:
                found[row.capture] = Clock(row.time.value - round(offset), offset, drift).corrected
    return found | {file: found[name] for file, name in recording_of.items() if name in found}


def with_times_moved(tables: Tables, by_capture: Mapping[str, Correction]) -> Tables:
    """The tables with the times of some captures moved; those of ``clocks`` are their own."""
    if not by_capture:
        return tables
    moved = {table.name: _moved(rows, by_capture) for table, rows in tables.items() if table is not CLOCKS}
    return tables.with_(**moved)


def _moved(rows: pd.DataFrame, by_capture: Mapping[str, Correction]) -> pd.DataFrame:
    columns = [str(name) for name in rows if str(rows[name].dtype) == TIME]
    if not columns or "capture" not in rows:
        return rows
    which = [
        (str(name), np.asarray(at))
        for name, at in rows.groupby("capture").indices.items()
        if name in by_capture
    ]
    if not which:
        return rows
    return rows.assign(**{name: _column(rows[name], which, by_capture) for name in columns})


def _column(
    times: "pd.Series[pd.Timestamp]", which: list[tuple[str, Times]], by_capture: Mapping[str, Correction]
) -> "pd.Series[pd.Timestamp]":
    values = times.to_numpy("datetime64[ns]").astype(np.int64)
    missing = times.isna().to_numpy()
    for name, at in which:
        values[at] = by_capture[name](values[at])
    stamps = pd.Series(pd.to_datetime(values, utc=True), index=times.index)
    return stamps.mask(missing)
