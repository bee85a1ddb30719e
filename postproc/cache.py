"""The events of one capture on disk, so that an unchanged capture is not read twice.

A capture's folder appears whole or not at all, and is named after all that
decides what is in it: the readers, tshark, the options, and the file's bytes,
their number apart from their hash, so that only files of a known size need be
hashed to be found. It holds the tables that have rows, and how many. Names are given
when it is read: the same bytes may be called otherwise in the next run.
"""

import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from postproc.files import private, scratch
from postproc.files.signals import undisturbed
from postproc.model.tables import BY_NAME, Tables
from postproc.version import __version__

FOLDER = "events"  # of a run's results
ROWS = "rows.json"  # how many rows each table has
MAKING = re.compile(r"\.\w{32}-\d+-\w{32}\.\w{32}(\.gone)?")  # the name a folder has until it is complete
DTYPES = {
    pa.int64(): pd.Int64Dtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.string(): pd.StringDtype(),
    pa.large_string(): pd.StringDtype(),
}
Events = dict[str, pa.Table]


def key(*parts: str) -> str:
    """What stands for these parts and for the readers' code, on which events depend."""
    return hashlib.sha256("\n".join([__version__, _readers(), *parts]).encode()).hexdigest()[:32]


def places(cache: Path) -> set[Path]:
    """Where there are events, the hash of the bytes left open."""
    return {held.with_name(held.name.rpartition("-")[0]) for held in cache.glob("*-*")}


def place(cache: Path, key: str, sizes: Sequence[int]) -> Path:
    """Where the events of files of these sizes, read as one, are in the cache, but for their hash."""
    whole = key if len(sizes) == 1 else hashlib.sha256(f"{key} {sizes}".encode()).hexdigest()[:32]
    return cache / f"{whole}-{sum(sizes)}"


def folder(place: Path, hashes: Sequence[str]) -> Path:
    """The folder at this place for events from files with these hashes."""
    sha256 = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    return place.with_name(f"{place.name}-{sha256[:32]}")


def write(tables: Tables, folder: Path) -> Events:
    """Write one capture's tables into a folder that appears when it is complete; return them."""
    filled = {table.name: rows for table, rows in tables.items() if len(rows)}
    events = {name: _of_arrow(rows) for name, rows in filled.items()}
    making = folder.with_name(f".{folder.name}.{uuid4().hex}")
    try:
        private.make_folder(making.parent)
        private.make_folder(making)
        for name, rows in events.items():
            with (making / f"{name}.parquet").open("wb") as file:  # arrow knows no path that is not UTF-8
                pq.write_table(rows, file)
        (making / ROWS).write_bytes(orjson.dumps({name: len(rows) for name, rows in events.items()}))
        for path in making.iterdir():
            private.own(path)
            private.to_disk(path)
        private.to_disk(making)
        shutil.rmtree(folder, ignore_errors=True)
        making.rename(folder)
    finally:
        with undisturbed():
            shutil.rmtree(making, ignore_errors=True)
    return events


def _of_arrow(rows: pd.DataFrame) -> pa.Table:
    """The rows, without what pandas would note of them: types are declared."""
    return pa.table({name: pa.array(column, from_pandas=True) for name, column in rows.items()})


def clear_unfinished(cache: Path) -> None:
    """Remove what nobody will finish; the caller knows that no one is writing here who should."""
    if cache.is_symlink():  # who knows where to
        return
    for making in cache.glob(".*"):
        if MAKING.fullmatch(making.name) and not making.is_symlink():
            scratch.clear(making)


def read(folder: Path) -> Events | None:
    """The tables in a folder, or None when it is missing, damaged or not complete."""
    try:
        rows = orjson.loads((folder / ROWS).read_bytes())
        events = {name: _table(folder / f"{name}.parquet") for name in rows}
        whole = all(
            len(events[name]) == count and events[name].column_names == BY_NAME[name].names
            for name, count in rows.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
        return None
    return events if whole else None


def _table(path: Path) -> pa.Table:
    with path.open("rb") as file:
        return pq.read_table(file)


def gather(captures: Iterable[tuple[Events, Sequence[Mapping[str, str]]]]) -> Tables:
    """Put captures under each other, each file with what it is called in this run: capture, path, sha256.

    RTP streams are numbered on, so that no two of the run have one number.
    """
    held = list(_numbered_on(_named(events, names) for events, names in captures))
    parts = {name: [events[name] for events in held if name in events] for name in BY_NAME}
    return Tables().with_(**{name: _frame(tables) for name, tables in parts.items() if tables})


def _named(events: Events, files: Sequence[Mapping[str, str]]) -> Events:
    """The events with the names of their files; those of several bear their places as names."""
    named = dict(events)
    for table, rows in events.items():
        places = pc.cast(rows["capture"], pa.int64()) if len(files) > 1 else None
        for column in {name for names in files for name in names} & set(rows.column_names):
            names = pa.array([file[column] for file in files], pa.string())
            filled = pa.repeat(names[0], len(rows)) if places is None else names.take(places)
            named[table] = named[table].set_column(rows.column_names.index(column), column, filled)
    return named


def _numbered_on(captures: Iterable[Events]) -> Iterator[Events]:
    before = 0
    for events in captures:
        numbered = dict(events)
        for table in ("rtp_streams", "rtp_seconds"):
            if before and table in events:
                rows = events[table]
                column = rows.column_names.index("stream")
                numbered[table] = rows.set_column(column, "stream", pc.add(rows["stream"], before))
        before += len(events.get("rtp_streams", ()))
        yield numbered


def _frame(tables: list[pa.Table]) -> pd.DataFrame:
    frame: pd.DataFrame = pa.concat_tables(tables, promote_options="permissive").to_pandas(
        types_mapper=DTYPES.get, ignore_metadata=True
    )
    return frame


def _readers() -> str:
    """Hash of the code that makes events: a changed reader in a checkout finds nothing cached."""
    here = Path(__file__).parent
    code = [
        here / "model" / "tables.py",
        here / "model" / "constants.toml",
        *sorted((here / "read").glob("*.py")),
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()
