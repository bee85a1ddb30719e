"""The types of rows are those that the tables declare."""

import subprocess
import sys
from pathlib import Path

from postproc.model import enumerations, rows
from postproc.model.tables import TABLES

ROOT = Path(__file__).resolve().parents[2]


def test_the_module_is_what_its_script_makes_of_the_declarations():
    made = subprocess.run([sys.executable, ROOT / "scripts" / "rows.py", "--check"], check=False, cwd=ROOT)
    assert made.returncode == 0, "run `make rows`"


def test_every_table_has_a_type_of_row_with_its_columns():
    for table in TABLES:
        assert list(getattr(rows, table.row)._fields) == table.names


def test_every_enumeration_is_a_column_s():
    declared = [column.words for table in TABLES for column in table.columns if column.words is not None]
    named = {
        name: value
        for name, value in vars(enumerations).items()
        if name[0].isupper() and enumerations.words(value)
    }
    assert len(named) > 20
    assert [name for name, value in named.items() if value not in declared] == []


def test_every_word_of_an_enumeration_is_in_its_column_s_description_or_in_its_types():
    for table in TABLES:
        for column in table.columns:
            if column.words is not None and " or " in column.doc:
                missing = [word for word in enumerations.words(column.words) if word not in column.doc]
                assert missing == [], (table.name, column.name)
