"""The tables as files: Parquet for programs, CSV for spreadsheets, summary.json for scripts.

Every file is written beside its place and then moved there, so that a reader
never sees half of one. Cells come from strangers: in CSV a text that a
spreadsheet would take for a formula gets a leading apostrophe.
"""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from postproc.columns import TEXT, TIME, plain
from postproc.errors import SchemaError
from postproc.tables import TABLES, Table, Tables

FORMULA = r"^[=+\-@\t\r\n]"
UNREADABLE = (OSError, ValueError, KeyError, TypeError, pa.ArrowException, SchemaError)


def write_tables(tables: Tables, folder: Path, *, csv: bool = False) -> None:
    """Write NAME.parquet of every table, and NAME.csv if wished; an older NAME.csv goes."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        replace_file(folder / f"{table.name}.parquet", partial(_write_parquet, rows))
        spreadsheet = folder / f"{table.name}.csv"
        if csv:
            replace_file(spreadsheet, partial(_write_csv, table, rows))
        else:
            spreadsheet.unlink(missing_ok=True)


def read_tables(folder: Path) -> Tables:
    """Read what write_tables wrote, with the schema's types; one of UNREADABLE if it is not that."""
    return Tables(**{table.name: _read_parquet(table, folder) for table in TABLES})


def write_summary(tables: Tables, unread: Iterable[tuple[str, str]], version: str, path: Path) -> None:
    """Write the captures and calls as JSON; times are ISO 8601 UTC, what is unknown is null."""
    summary = {
        "version": version,
        "captures": records(tables.captures),
        "logs": records(tables.logs),
        "unread": [{"path": file, "reason": reason} for file, reason in unread],
        "calls": records(tables.calls),
        "counts": {table.name: len(rows) for table, rows in tables.items()},
    }
    text = orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    replace_file(path, lambda place: place.write_bytes(text))


def read_summary(path: Path) -> dict[str, Any]:
    """The summary as written; one of UNREADABLE if it is none."""
    summary: dict[str, Any] = orjson.loads(path.read_bytes())
    return summary


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """One dict per row, in JSON's types."""
    columns = {name: _json(rows[name]) for name in rows.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _json(column: pd.Series) -> list[Any]:
    return plain(_iso(column) if str(column.dtype) == TIME else column)


def _iso(times: pd.Series) -> pd.Series:
    """Times as 2026-01-01T12:00:00.000000000Z."""
    texts = np.datetime_as_string(times.dt.tz_localize(None).to_numpy("datetime64[ns]"), unit="ns")
    return pd.Series(texts, index=times.index, dtype=TEXT).add("Z").mask(times.isna())


def _write_parquet(rows: pd.DataFrame, path: Path) -> None:
    with path.open("wb") as file:  # arrow knows no path that is not UTF-8
        pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), file, compression="zstd")


def _read_parquet(table: Table, folder: Path) -> pd.DataFrame:
    with (folder / f"{table.name}.parquet").open("rb") as file:
        return table.conform(pq.read_table(file).to_pandas())


def _write_csv(table: Table, rows: pd.DataFrame, path: Path) -> None:
    columns = {column.name: _cells(rows[column.name], column.dtype) for column in table.columns}
    pd.DataFrame(columns).to_csv(path, index=False, lineterminator="\r\n")  # RFC 4180: quotes a bare CR, too


def _cells(column: pd.Series, dtype: str) -> pd.Series:
    if dtype == TIME:
        return _iso(column)
    if dtype != TEXT:
        return column
    return column.mask(column.str.match(FORMULA).fillna(value=False), "'" + column)


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Have the file written under another name, then give it its own."""
    making = path.with_name(f".{uuid4().hex}")  # short: the name itself may be as long as can be
    try:
        write(making)
        making.replace(path)
    finally:
        making.unlink(missing_ok=True)
