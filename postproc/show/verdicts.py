"""findings.json: what was found out, for programs; names are those of the tables' columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from postproc.model.described import of_table
from postproc.model.tables import Tables
from postproc.show.store import records

Walks = Mapping[int, Sequence[Mapping[str, Any]]]  # call -> the steps of its walk


def document(tables: Tables, walks: Walks, run: Mapping[str, Any]) -> dict[str, Any]:
    """{"run": ..., "calls": [... with "walk"], "findings": [...]}: lists as arrays, facts as objects."""
    return {
        "run": dict(run),
        "calls": [row | {"walk": list(walks.get(row["call"], ()))} for row in records(tables.calls)],
        "findings": _findings(tables.findings),
    }


def _findings(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of findings, with evidence, facts and advice as arrays and objects."""
    return [
        row
        | {
            "frames": list(each.frames),
            "facts": each.facts,
            "causes": list(each.causes),
            "remedies": list(each.remedies),
        }
        for row, each in zip(records(table), of_table(table), strict=True)
    ]


def write(tables: Tables, walks: Walks, run: Mapping[str, Any], path: Path) -> None:
    text = orjson.dumps(document(tables, walks, run), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    path.write_bytes(text)


def read(path: Path) -> tuple[dict[str, Any], dict[int, list[dict[str, Any]]]]:
    """(about the run, walks by call) of a findings.json; one of store.UNREADABLE if it is none."""
    written = orjson.loads(path.read_bytes())
    return written["run"], {call["call"]: call["walk"] for call in written["calls"]}
