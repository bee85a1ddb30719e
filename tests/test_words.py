"""Enumeration columns are compared only with words of their enumeration.

mypy checks ``row.state == "alert"``, but neither ``row.state in ("alert", "begun")`` nor pandas' comparisons.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from postproc.model.enumerations import words
from postproc.model.findings import State
from postproc.model.tables import TABLES

ROOT = Path(__file__).parent.parent
WHERE = sorted(path for folder in ("postproc", "bench") for path in (ROOT / folder).rglob("*.py"))
STEPS = frozenset(get_args(State))  # the walk's steps have a state, too


def words_of_columns() -> dict[str, frozenset[str]]:
    """Return the words of each column name over all tables, except names that are free text in some."""
    columns = [column for table in TABLES for column in table.columns]
    free = {column.name for column in columns if column.words is None}
    named = {column.name for column in columns} - free
    return {
        name: frozenset(word for column in columns if column.name == name for word in words(column.words))
        for name in named
    }


WORDS = words_of_columns()
WORDS["state"] |= STEPS


def unknown_words(tree: ast.AST) -> list[str]:
    """Return comparisons of a column with a word that is not in its enumeration."""
    found = []
    for node in ast.walk(tree):
        for column, literals in _compared(node):
            wrong = sorted(literals - WORDS.get(column, literals))
            found += [f"line {node.lineno}: {column} is never {word!r}" for word in wrong]
    return found


def _compared(node: ast.AST) -> Iterator[tuple[str, set[str]]]:
    match node:
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[right]):
            yield _column(left), _literals(right)
        case ast.Compare(left=ast.Subscript() as left, ops=[ast.Eq() | ast.NotEq()], comparators=[right]):
            yield _column(left), _literals(right)
        case ast.Call(func=ast.Attribute(value=rows, attr="isin" | "eq" | "ne"), args=[right]):
            yield _column(rows), _literals(right)


def _column(node: ast.AST) -> str:
    """Return ``state`` for ``row.state``, ``rows["state"]`` or ``tables.dtls["state"]``; "" for others."""
    match node:
        case ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""


def _literals(node: ast.AST) -> set[str]:
    match node:
        case ast.Constant(value=str(word)):
            return {word}
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return set().union(*map(_literals, parts))
    return set()


def test_no_column_is_compared_with_a_word_it_never_holds():
    found = {
        path.relative_to(ROOT).as_posix(): unknown_words(ast.parse(path.read_text(encoding="utf-8")))
        for path in WHERE
    }
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    [
        'row.outcome in ("success", "pendign")',
        'row.outcome not in {"pendign"}',
        'rows[rows["outcome"].isin(["pendign"])]',
        'tables.bindings["outcome"] == "pendign"',
        'tables.bindings["outcome"].ne("pendign")',
    ],
)
def test_a_misspelt_word_is_found(source):
    assert unknown_words(ast.parse(source)) == ["line 1: outcome is never 'pendign'"]


def test_right_words_and_columns_of_free_text_are_left_alone():
    assert (
        unknown_words(ast.parse('row.outcome in ("success", "pending") and row.method in ("INVITE", "BYE")'))
        == []
    )
    assert {"outcome", "purpose", "direction"} <= set(WORDS)
