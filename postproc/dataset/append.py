"""Calls added to a dataset: all rows of a call or none, and each call once.

The files of an append are written aside (``_making-ID``). Renaming that folder to ``_ready-ID`` is the step
that counts; then each file is moved to its place, those of ``calls`` last. What a process that died has not
moved the next append moves, and what it had not finished goes: its calls are in no table. Hive, Spark and
pyarrow pass over names with ``_``.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
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
# s: an append takes about one; others that add to the same dataset wait so long for their turn.
PATIENCE, PAUSE = 30.0, 0.1


@dataclass(frozen=True)
class Appended:
    """How many calls were added, and how many were there already."""

    added: int
    there: int


def append(
    folder: Path, run: Run, site: str, calls: frozenset[str] | None = None, patience: float = PATIENCE
) -> Appended:
    """Add the calls of a run, those of these identities if any are named, unless they are there already.

    Others that add to it are waited for ``patience`` seconds. SetupError where the dataset cannot be written.
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
            known = _known(folder, {each.hour for each in starts.values()})
            new = {uid: where for uid, where in starts.items() if uid not in known}
            if new:
                _settle(_written(folder, rows, new), folder)
            return Appended(len(new), len(starts) - len(new))
    except OSError as error:
        raise SetupError(f"{folder}: {said(error)}") from error


def opened(folder: Path, site: str) -> None:
    """Make the dataset's folder; SetupError where that cannot be, or the site has no name."""
    site_name(site)
    try:
        with alone(folder):
            pass
    except OSError as error:
        raise SetupError(f"{folder}: {said(error)}") from error


@contextmanager
def alone(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """The dataset for this process alone, with what one that died left undone."""
    private.make_folder(folder)
    with _locked(folder, patience):
        for ready in sorted(folder.glob(f"{READY}*")):
            _settle(ready, folder)
        for left in folder.glob(f"{MAKING}*"):
            shutil.rmtree(left)
        yield


@contextmanager
def _locked(folder: Path, patience: float) -> Iterator[None]:
    last = time.monotonic() + patience
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(lock.held(folder))
                break
            except SetupError:
                if time.monotonic() > last:
                    raise
                time.sleep(PAUSE)
        yield


def _known(folder: Path, hours: set[pd.Timestamp]) -> set[str]:
    """The calls that are there of these hours, of any site."""
    return {
        uid
        for partition in partitions(folder, "calls")
        if partition.hour in hours
        for path in files(folder, "calls", partition)
        for uid in pq.read_table(path, columns=[UID], partitioning=None)[UID].to_pylist()
    }


def _written(folder: Path, rows: dict[str, pd.DataFrame], new: dict[str, Partition]) -> Path:
    """The files of the new calls' rows, complete but not in their places."""
    name = uuid4().hex
    making, ready = folder / f"{MAKING}{name}", folder / f"{READY}{name}"
    making.mkdir(private.FOLDER)
    for table, held in rows.items():
        where = held[UID].map(new)
        for partition, of_hour in held.groupby(where, sort=True):
            path = making / table / partition.path / f"{name}.parquet"
            path.parent.mkdir(private.FOLDER, parents=True)
            pq.write_table(pa.Table.from_pandas(of_hour, preserve_index=False), path, compression="zstd")
            private.own(path)
            private.to_disk(path)
    making.rename(ready)
    private.to_disk(folder)
    return ready


def _settle(ready: Path, folder: Path) -> None:
    """Move complete files to their places; the calls come last: who sees a call sees all its rows."""
    waiting = [path.relative_to(ready) for path in ready.rglob("*.parquet")]
    for path in sorted(waiting, key=lambda path: (path.parts[0] == "calls", path)):
        private.make_folder((folder / path).parent)
        os.replace(ready / path, folder / path)  # noqa: PTH105  (replaces on Windows, too)
    shutil.rmtree(ready)
