"""Results in files: the tables as Parquet and CSV, summary.json, findings.json."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from postproc.files.commit import Reader
from postproc.files.private import FOLDER
from postproc.model.columns import TEXT, TIME, arrow, noted, plain, schema
from postproc.model.described import of_table
from postproc.model.errors import SchemaError
from postproc.model.events import frame
from postproc.model.packed import Packed, packed
from postproc.model.tables import TABLES, Table, Tables
from postproc.model.text import Lang
from postproc.show import pieces
from postproc.show.selection import Quoted, log_warnings

RUN = b"legshark.run"  # key in the metadata of a Parquet file
AT_ONCE = 1000  # records held at a time: one of findings takes some 3 kB
# Rows of a Parquet file's row group, which are in memory twice while they are written. A choice: 10 MB of SIP
# messages; smaller groups compress less.
ROWS_OF_A_GROUP = 20_000
FORMULA = r"^[=+\-@\t\r\n]"
UNREADABLE = (OSError, ValueError, KeyError, TypeError, pa.ArrowException, SchemaError)


def write_tables(tables: Tables, folder: Path, run: str = "", *, csv: bool = False) -> None:
    """Write NAME.parquet of every table, with the run's id, and NAME.csv with ``csv``."""
    folder.mkdir(FOLDER, exist_ok=True)
    for table, rows in tables.items():
        _write_parquet(table, rows, folder / f"{table.name}.parquet", run)
        if csv:
            _write_csv(table, rows, folder / f"{table.name}.csv")


def read_tables(results: Reader) -> tuple[Tables, set[str]]:
    """Read what write_tables wrote into "tables", conformed to the schema's types, and the ids of the runs.

    Raises one of UNREADABLE for anything else. Versions up to 0.1 wrote no id: then it is "".
    """
    read = {
        table.name: results.read(f"tables/{table.name}.parquet", partial(_read_parquet, table))
        for table in TABLES
    }
    return Tables(**{name: rows for name, (rows, _) in read.items()}), {run for _, run in read.values()}


def write_summary(
    tables: Tables,
    unread: Iterable[tuple[str, str]],
    about: Mapping[str, str],
    path: Path,
    files: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
) -> None:
    """Write the captures and calls as JSON; times are ISO 8601 UTC, NA is null.

    Entries of ``about`` come first; ``files`` are the run's other ones with size and SHA-256.
    """
    lists = {
        "captures": _in_parts(tables.captures),
        "logs": _in_parts(tables.logs),
        "unread": ({"path": file, "reason": reason} for file, reason in unread),
        "calls": _in_parts(tables.calls),
    }
    counts = {table.name: len(rows) for table, rows in tables.items()}
    pieces.write(path, {**about, **lists, "counts": counts, "files": dict(files)})


def read_summary(path: Path) -> dict[str, Any]:
    """Return the summary as written; raises one of UNREADABLE if it is none."""
    summary: dict[str, Any] = orjson.loads(path.read_bytes())
    return summary


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one dict per row, in JSON's types."""
    columns = {name: _json(rows[name]) for name in rows.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _json(column: pd.Series) -> list[Any]:
    return _iso(column) if str(column.dtype) == TIME else plain(column)


def _iso(times: pd.Series) -> list[str | None]:
    """Format times as 2026-01-01T12:00:00.000000000Z."""
    texts = np.datetime_as_string(times.to_numpy("datetime64[ns]"), unit="ns").tolist()
    return [None if text == "NaT" else f"{text}Z" for text in texts]


def _write_parquet(table: Table, rows: pd.DataFrame, path: Path, run: str) -> None:
    declared = schema(table.dtypes, {**noted(table.dtypes), RUN: run.encode()})
    with (
        path.open("wb") as file,  # arrow cannot open a path that is not UTF-8
        pq.ParquetWriter(file, declared, compression="zstd") as writer,
    ):
        for start in range(0, len(rows), ROWS_OF_A_GROUP):  # none of no rows
            writer.write_table(arrow(rows.iloc[start : start + ROWS_OF_A_GROUP], declared))


def _read_parquet(table: Table, path: Path) -> tuple[pd.DataFrame, str]:
    with path.open("rb") as file:
        contents = pq.ParquetFile(file).read()
    run = (contents.schema.metadata or {}).get(RUN, b"").decode()
    return table.conform(frame(contents)), run


def _write_csv(table: Table, rows: pd.DataFrame, path: Path) -> None:
    columns = {column.name: _cells(rows[column.name], column.dtype) for column in table.columns}
    pd.DataFrame(columns).to_csv(path, index=False, lineterminator="\r\n")  # RFC 4180: quotes a bare CR, too


def _cells(column: pd.Series, dtype: str) -> pd.Series:
    if dtype == TIME:
        return pd.Series(_iso(column), index=column.index, dtype=TEXT)
    if dtype != TEXT:
        return column
    return column.mask(column.str.match(FORMULA).fillna(value=False), "'" + column)


NOTHING: Mapping[int, Any] = MappingProxyType({})
Walks = Mapping[int, Sequence[Mapping[str, Any]]]  # call -> the steps of its walk
Answers = Mapping[int, Mapping[Lang, Mapping[str, Any]]]  # call -> the answer for the user, by language


def calls_told(tables: Tables, walks: Walks, answers: Answers = NOTHING) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``calls`` with "walk", "log_warnings", and "answer" by language."""
    warnings = log_warnings(tables)
    for row in _in_parts(tables.calls):
        yield row | {
            "walk": list(walks.get(row["call"], ())),
            "log_warnings": [_quoted(warning) for warning in warnings.get(row["call"], ())],
            "answer": dict(answers.get(row["call"], {})),
        }


def _quoted(line: Quoted) -> dict[str, Any]:
    return line._asdict() | {"time": line.time.isoformat() if line.time is not None else None}


def _findings(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of findings, with evidence, facts and advice as arrays and objects."""
    for part in _parts(table):
        for row, finding in zip(records(part), of_table(part), strict=True):
            yield row | {
                "frames": list(finding.frames),
                "supported_by": list(finding.supported_by),
                "refuted_by": list(finding.refuted_by),
                "facts": finding.facts,
                "causes": list(finding.causes),
                "remedies": list(finding.remedies),
            }


def _in_parts(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield one record per row without holding those of all."""
    for part in _parts(rows):
        yield from records(part)


def _parts(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    return (rows.iloc[first : first + AT_ONCE] for first in range(0, len(rows), AT_ONCE))


def write_findings(
    tables: Tables, walks: Walks, run: Mapping[str, Any], path: Path, answers: Answers = NOTHING
) -> None:
    """Write {"run": ..., "calls": [... as ``calls_told`` yields them], "findings": [...]} piece by piece."""
    calls, findings = calls_told(tables, walks, answers), _findings(tables.findings)
    pieces.write(path, {"run": dict(run), "calls": calls, "findings": findings})


def read_findings(path: Path) -> tuple[dict[str, Any], Walks, Answers]:
    """Return about the run, walks, and answers of a findings.json; raises one of UNREADABLE if it is none."""
    about: dict[str, dict[str, Any]] = {}
    walks, answers = dict[int, bytes](), dict[int, bytes]()
    for name, value in pieces.read(path):
        if name == "calls":
            walks[value["call"]] = packed(value["walk"])
            answers[value["call"]] = packed(value.get("answer", {}))
        elif name == "run":
            about[name] = value
    return about["run"], Packed(walks), Packed(answers)
