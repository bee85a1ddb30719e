#!/usr/bin/env python3
"""Writes postproc/model/rows.py, the types of the tables' rows, from their declarations.

python scripts/rows.py          write it
python scripts/rows.py --check  say by the exit status whether it is current
"""

import subprocess
import sys
import textwrap
from pathlib import Path

from postproc.model import enumerations
from postproc.model.columns import FLAG, INTEGER, REAL, TEXT, TIME
from postproc.model.tables import TABLES, Column, Table

ROWS = Path(__file__).resolve().parent.parent / "postproc" / "model" / "rows.py"
TYPES = {TEXT: "str", INTEGER: "int", REAL: "float", FLAG: "bool", TIME: "pd.Timestamp"}
HEAD = '''"""Types of the tables' rows, made from their declarations by scripts/rows.py: ``make rows``."""

from typing import NamedTuple

import pandas as pd

from postproc.model.enumerations import (
{enumerations}
)
'''


def main() -> int:
    source = formatted(module())
    if "--check" in sys.argv[1:]:
        return int(ROWS.read_text(encoding="utf-8") != source)
    ROWS.write_text(source, encoding="utf-8")
    return 0


def module() -> str:
    """The module's source: a NamedTuple per table."""
    named = sorted({_enumeration(column) for table in TABLES for column in table.columns if column.words})
    head = HEAD.format(enumerations="\n".join(f"    {name}," for name in named))
    return "\n\n".join([head, *map(_class, TABLES)])


def formatted(source: str) -> str:
    """As ruff writes it, which ``make test`` asks for."""
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(ROWS), "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout


def _class(table: Table) -> str:
    columns = "\n".join(f"    {column.name}: {_type(column)}" for column in table.columns)
    doc = textwrap.fill(f'"""{table.doc}"""', 106, initial_indent=" " * 4, subsequent_indent=" " * 4)
    return f"class {table.row}(NamedTuple):\n{doc}\n\n{columns}\n"


def _type(column: Column) -> str:
    kind = _enumeration(column) if column.words else TYPES[column.dtype]
    return kind if column.always else f"{kind} | None"


def _enumeration(column: Column) -> str:
    return next(name for name, value in vars(enumerations).items() if value is column.words)


if __name__ == "__main__":
    sys.exit(main())
