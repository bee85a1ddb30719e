"""Select calls of a dataset, opening only the partitions they are in."""

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from postproc.dataset.partitions import WALKS, Partition, files, partitions
from postproc.dataset.rows import UID, numbered
from postproc.model.columns import TEXT
from postproc.model.errors import SchemaError, SetupError
from postproc.model.tables import BY_NAME
from postproc.results import Run

AGO = re.compile(r"(\d{1,5})([dhm])")
SECONDS = {"d": 86400, "h": 3600, "m": 60}
UNREADABLE = (OSError, ValueError, KeyError, TypeError, pa.ArrowException, SchemaError)


class Wanted(NamedTuple):
    """A selection of calls by time (``until`` is exclusive), site, verdicts, causes, uids; empty: any."""

    since: pd.Timestamp | None = None
    until: pd.Timestamp | None = None
    site: str | None = None
    verdicts: Collection[str] = ()
    causes: Collection[str] = ()
    uids: Collection[str] = ()

    def has(self, partition: Partition) -> bool:
        """Return whether the partition may have such calls."""
        return (
            (self.site is None or partition.site == self.site)
            and (self.since is None or partition.end > self.since)
            and (self.until is None or partition.hour < self.until)
        )

    def among(self, calls: pd.DataFrame) -> pd.DataFrame:
        """Return the calls that match."""
        mask = pd.Series(True, index=calls.index)
        start = calls["start"].fillna(calls["time"])
        if self.since is not None:
            mask &= start >= self.since
        if self.until is not None:
            mask &= start < self.until
        for column, values in (("verdict", self.verdicts), ("cause", self.causes), (UID, self.uids)):
            if values:
                mask &= calls[column].isin(list(values))
        return calls[mask.astype(bool)].reset_index(drop=True)


EVERY = Wanted()


def moment(text: str, now: pd.Timestamp | None = None) -> pd.Timestamp:
    """Parse a time: ISO 8601, by default UTC, or an age like ``30d``, ``12h``, ``5m``; else SetupError."""
    ago = AGO.fullmatch(text)
    try:
        if ago:
            return (now or pd.Timestamp.now("UTC")) - pd.Timedelta(seconds=int(ago[1]) * SECONDS[ago[2]])
        time = pd.Timestamp(text)
    except ValueError as error:
        raise SetupError(f"{text!r} is no time: 2026-11-22, 2026-11-22T10:30, 30d, 12h") from error
    return time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")


def wanted(
    since: str | None = None,
    until: str | None = None,
    *,
    site: str | None = None,
    verdicts: Collection[str] = (),
    causes: Collection[str] = (),
    uids: Collection[str] = (),
) -> Wanted:
    """Return a selection, parsing times by ``moment``; SetupError if one is malformed."""
    return Wanted(
        moment(since) if since else None, moment(until) if until else None, site, verdicts, causes, uids
    )


def is_dataset(folder: Path) -> bool:
    return next(partitions(folder, "calls"), None) is not None


def calls(folder: Path, which: Wanted = EVERY) -> pd.DataFrame:
    """Return the selected calls, by start, with their ``site``."""
    return _calls(folder, which)[0]


def load(folder: Path, which: Wanted = EVERY) -> Run:
    """Return the selected calls as a run, numbered by start; SetupError if there is no dataset."""
    selected, where = _calls(folder, which)
    uids = set(selected[UID])
    rows_by_table = {"calls": selected.drop(columns="site")}
    try:
        for name in (*BY_NAME, WALKS):
            if name != "calls":
                rows_by_table[name] = _rows(folder, name, where, uids)
        tables, walks = numbered(rows_by_table)
    except UNREADABLE as error:
        raise SetupError(f"{folder}: damaged, or written by another version: {error}") from error
    lang = set(rows_by_table[WALKS]["lang"])
    return Run(tables, folder, walks=walks, lang="de" if lang == {"de"} else "en")


def rows(folder: Path, table: str, which: Wanted = EVERY) -> pd.DataFrame:
    """Return the rows of one table that belong to the selected calls, with their ``call_uid``."""
    selected, where = _calls(folder, which)
    try:
        return _rows(folder, table, where, set(selected[UID]))
    except UNREADABLE as error:
        raise SetupError(f"{folder}: damaged, or written by another version: {error}") from error


def _calls(folder: Path, which: Wanted) -> tuple[pd.DataFrame, list[Partition]]:
    """Return the selected calls, and the partitions that have some."""
    if not is_dataset(folder):
        raise SetupError(f"{folder}: no dataset here; `postproc run PATH --dataset {folder}` makes one")
    selected, where = [], []
    try:
        for partition in filter(which.has, partitions(folder, "calls")):
            rows = BY_NAME["calls"].conform(pd.concat(_read(folder, "calls", [partition])))
            matching = which.among(rows)
            if len(matching):
                selected.append(matching.assign(site=partition.site))
                where.append(partition)
    except UNREADABLE as error:
        raise SetupError(f"{folder}: damaged, or written by another version: {error}") from error
    if not selected:
        return BY_NAME["calls"].empty().assign(site=pd.Series([], dtype=TEXT)), []
    return pd.concat(selected).sort_values(["start", UID], kind="stable", ignore_index=True), where


def _rows(folder: Path, name: str, where: Iterable[Partition], uids: set[str]) -> pd.DataFrame:
    read = [rows[rows[UID].isin(uids)] for rows in _read(folder, name, where)]
    empty = pd.DataFrame({"lang": [], "walk": []}) if name == WALKS else BY_NAME[name].empty()
    if not read:
        return empty.assign(call_uid=pd.Series([], dtype=TEXT))
    return pd.concat(read, ignore_index=True)


def _read(folder: Path, table: str, where: Iterable[Partition]) -> Iterator[pd.DataFrame]:
    """Yield the rows of these partitions, file by file."""
    for partition in where:
        for path in files(folder, table, partition):
            yield pq.read_table(path, partitioning=None).to_pandas()
