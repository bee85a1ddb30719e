"""The declaration of tables as text, Markdown and JSON."""

import json

from postproc.model.tables import BINDINGS, CALLS, TABLES
from postproc.show import documents


def test_names_are_one_line_per_table():
    lines = documents.tables_as_names(TABLES, None).splitlines()
    assert [line.split()[0] for line in lines] == [table.name for table in TABLES]
    assert lines[1].endswith("a frame may hold several.")


def test_a_table_has_a_line_per_column():
    lines = documents.tables_as_text([CALLS], None).splitlines()
    assert lines[0] == f"calls: {CALLS.doc}"
    assert [line.split()[0] for line in lines[1:]] == CALLS.names
    assert all(column.doc in line for column, line in zip(CALLS.columns, lines[1:], strict=True))


def test_long_meanings_are_wrapped_under_themselves_on_a_terminal():
    lines = documents.tables_as_text([BINDINGS], 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith(" " * 30) for line in lines)


def test_json_has_everything():
    tables = json.loads(documents.tables_as_json(TABLES))
    assert list(tables) == [table.name for table in TABLES]
    assert tables["calls"]["doc"] == CALLS.doc
    assert [column["dtype"] for column in tables["calls"]["columns"]] == list(CALLS.dtypes.values())


def test_markdown_has_a_heading_per_table_and_a_row_per_column():
    page = documents.tables_as_markdown(TABLES).splitlines()
    assert [line[3:] for line in page if line.startswith("## ")] == [table.name for table in TABLES]
    rows = [line for line in page if line.startswith("| ") and not line.startswith(("| column", "| ---"))]
    assert len(rows) == sum(len(table.columns) for table in TABLES)
    assert {row.replace("\\|", "").count("|") for row in rows} == {4}
