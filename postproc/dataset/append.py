"""Add calls to a dataset: all rows of a call or none, and each call once.

The files of an append are written to a folder ``_making-ID``. Renaming it to ``_ready-ID`` commits them; then
each file is moved to its place, those of ``calls`` last. If a process dies, the next append moves its
committed files and deletes uncommitted ones, whose calls are in no table. Hive, Spark and pyarrow ignore
names that begin with ``_``.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from postproc.dataset.partitions import Partition, files, partitions, site_name
from postproc.dataset.rows import UID, by_call
from postproc.files import lock, private
from postproc.model.columns import plain
from postproc.model.errors import SetupError
from postproc.read.inputs import said
from postproc.results import Run

MAKING, READY = "_making-", "_ready-"
# s that an append waits for others to the same dataset, and between its attempts; one append takes about 1 s.
PATIENCE, PAUSE = 30.0, 0.1


class Appended(NamedTuple):
    """Number of calls added, and of those already in the dataset."""

    added: int
    there: int


def append(
    folder: Path, run: Run, site: str, calls: frozenset[str] | None = None, patience: float = PATIENCE
) -> Appended:
    """Add the calls of a run that are not in the dataset yet; ``calls`` (uids) restricts them.

    Waits up to ``patience`` s for other writers. SetupError if the dataset cannot be written.
    """
    site = site_name(site)
    rows = by_call(run)
    starts = {
        uid: Partition.of(start if start is not None else time, site)
        for uid, start, time in zip(
            *(plain(rows["calls"][name]) for name in (UID, "start", "time")), strict=True
        )
        if (calls is None or uid in calls) and not (start is None and time is None)
    }
    try:
        with alone(folder, patience):
            present = _known(folder, {each.hour for each in starts.values()})
            new = {uid: where for uid, where in starts.items() if uid not in present}
            if new:
                _settle(_written(folder, rows, new), folder)
            return Appended(len(new), len(starts) - len(new))
    except OSError as error:
        raise SetupError(f"{folder}: {said(error)}") from error


def opened(folder: Path, site: str) -> None:
    """Make the dataset's folder; SetupError if that fails, or ``site`` is no valid name."""
    site_name(site)
    try:
        with alone(folder):
            pass
    except OSError as error:
        raise SetupError(f"{folder}: {said(error)}") from error


@contextmanager
def alone(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Lock the dataset for this process, and complete what a dead one left."""
    private.make_folder(folder)
    with _locked(folder, patience):
        for ready in sorted(folder.glob(f"{READY}*")):
            _settle(ready, folder)
        for unfinished in folder.glob(f"{MAKING}*"):
            shutil.rmtree(unfinished)
        yield


@contextmanager
def _locked(folder: Path, patience: float) -> Iterator[None]:
    last = time.monotonic() + patience
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(lock.held(folder))
                break
            except SetupError:
                if time.monotonic() > last:
                    raise
                time.sleep(PAUSE)
        yield


def _known(folder: Path, hours: set[pd.Timestamp]) -> set[str]:
    """Return the uids of the calls of these hours in the dataset, of all sites."""
    return {
        uid
        for partition in partitions(folder, "calls")
        if partition.hour in hours
        for path in files(folder, "calls", partition)
        for uid in pq.read_table(path, columns=[UID], partitioning=None)[UID].to_pylist()
    }


def _written(folder: Path, rows: dict[str, pd.DataFrame], new: dict[str, Partition]) -> Path:
    """Write the rows of the new calls, commit them, and return the folder of the committed files."""
    name = uuid4().hex
    making, ready = folder / f"{MAKING}{name}", folder / f"{READY}{name}"
    making.mkdir(private.FOLDER)
    for table, table_rows in rows.items():
        where = table_rows[UID].map(new)
        for partition, of_hour in table_rows.groupby(where, sort=True):
            path = making / table / partition.path / f"{name}.parquet"
            path.parent.mkdir(private.FOLDER, parents=True)
            pq.write_table(pa.Table.from_pandas(of_hour, preserve_index=False), path, compression="zstd")
            private.own(path)
            private.to_disk(path)
    making.rename(ready)
    private.to_disk(folder)
    return ready


def _settle(ready: Path, folder: Path) -> None:
    """Move committed files to their places, calls last: a reader that sees a call sees all its rows."""
    waiting = [path.relative_to(ready) for path in ready.rglob("*.parquet")]
    for path in sorted(waiting, key=lambda path: (path.parts[0] == "calls", path)):
        private.make_folder((folder / path).parent)
        os.replace(ready / path, folder / path)  # noqa: PTH105  (replaces on Windows, too)
    shutil.rmtree(ready)
