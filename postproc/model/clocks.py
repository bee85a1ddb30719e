"""Put the times of several captures on one clock.

Tables hold the times of each capture's own clock. To compare times of several captures, code first moves
them to the reference clock named in table ``clocks``.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

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
# ns: clocks this close count as one. Machines with NTP in one network stay within it, and it does not
# disturb the order of a call's messages. Smaller: measurement noise moves times; larger: order suffers.
ONE_CLOCK = 1_000_000


class Clock(NamedTuple):
    """How far a clock is ahead of another: ``offset`` in ns at ``since``, and ``drift`` in ns per ns.

    ``since`` is the first common packet, by the other clock. ``drift`` is None if it cannot be estimated,
    ``drift_bound`` its 95 % error bound. ``bound`` is the largest error of the offset in ns, None if only
    packets of one direction are seen. ``residual`` is the median error left by offset, drift and the
    typical delay.
    """

    since: int = 0
    offset: float = 0.0
    drift: float | None = 0.0
    matched: int = 0
    residual: float | None = None
    bound: float | None = None
    drift_bound: float | None = None

    def corrected(self, time: Times) -> Times:
        """Convert times of this clock to the other clock."""
        slope = self.drift or 0.0
        elapsed = (time - self.since) - self.offset
        corrected: Times = time - np.rint(self.offset + elapsed * (slope / (1 + slope))).astype(np.int64)
        return corrected

    def shown(self, time: Times) -> Times:
        """Convert times of the other clock to this clock."""
        converted: Times = time + np.rint(self.offset + (time - self.since) * (self.drift or 0.0)).astype(
            np.int64
        )
        return converted


def by_one_clock(tables: Tables) -> Tables:
    """Return the tables of a run with all times on the reference clocks."""
    return with_times_moved(tables, corrections_of(tables))


def on_one_clock(tables: Any) -> Callable[[pd.DataFrame], pd.DataFrame] | None:  # noqa: ANN401  (calls.Run)
    """Return a function that does the same for one table; None if no clock needs correction."""
    corrections = corrections_of(tables)
    return (lambda rows: _moved(rows, corrections)) if corrections else None


def corrections_of(tables: Any) -> dict[str, Correction]:  # noqa: ANN401  (calls.Run)
    """Return each capture's correction, from its first row in ``clocks`` (against the main reference).

    A recording has one clock, whichever of its files the row names.
    """
    if tables.clocks.empty:
        return {}
    recording_of = recording_names(tables.captures)
    rows = tables.clocks.assign(capture=tables.clocks["capture"].replace(recording_of))
    corrections: dict[str, Correction] = {}
    for row in load(ClockRow, rows.drop_duplicates("capture").dropna(subset=["time", "offset_ms"])):
        if row.time is not None and row.offset_ms is not None:
            offset = row.offset_ms * NS_PER_MS
            drift = None if row.drift_ppm is None else row.drift_ppm * PPM
            if abs(offset) > ONE_CLOCK:
                corrections[row.capture] = Clock(row.time.value - round(offset), offset, drift).corrected
    return corrections | {
        file: corrections[name] for file, name in recording_of.items() if name in corrections
    }


def with_times_moved(tables: Tables, by_capture: Mapping[str, Correction]) -> Tables:
    """Return the tables with the times of some captures moved; table ``clocks`` stays."""
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
