"""The tables' declaration for people (text, Markdown) and for programs (JSON)."""

import textwrap
from collections.abc import Iterable

import orjson

from postproc.model.tables import Table


def as_text(tables: Iterable[Table], width: int | None) -> str:
    """Name, meaning and columns of each table; ``width`` None breaks no line."""
    return "\n\n".join(_table_as_text(table, width) for table in tables)


def as_names(tables: Iterable[Table], width: int | None) -> str:
    """One line per table: its name and what a row is."""
    held = list(tables)
    indent = max(len(table.name) for table in held) + 2
    return "\n".join(_hanging(table.name.ljust(indent), table.doc, width) for table in held)


def as_json(tables: Iterable[Table]) -> str:
    """{table: {doc, columns: [{name, dtype, doc}]}}."""
    schema = {
        table.name: {
            "doc": table.doc,
            "columns": [{"name": c.name, "dtype": c.dtype, "doc": c.doc} for c in table.columns],
        }
        for table in tables
    }
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode()


def as_markdown(tables: Iterable[Table]) -> str:
    """A page: a heading and a table of columns for each."""
    parts = ["# Tables", "", "Written by `postproc tables --markdown`.", ""]
    for table in tables:
        parts += [f"## {table.name}", "", table.doc, "", "| column | type | meaning |", "| --- | --- | --- |"]
        parts += [f"| {c.name} | {c.dtype} | {_escaped(c.doc)} |" for c in table.columns]
        parts.append("")
    return "\n".join(parts).rstrip()


def _table_as_text(table: Table, width: int | None) -> str:
    names = max(len(column.name) for column in table.columns) + 2
    types = max(len(column.dtype) for column in table.columns) + 2
    rows = [
        _hanging(f"  {column.name.ljust(names)}{column.dtype.ljust(types)}", column.doc, width)
        for column in table.columns
    ]
    return "\n".join([_hanging(f"{table.name}: ", table.doc, width), *rows])


def _hanging(head: str, text: str, width: int | None) -> str:
    if width is None:
        return head + text
    return textwrap.fill(head + text, max(width, len(head) + 20), subsequent_indent=" " * len(head))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
