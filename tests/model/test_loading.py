"""Tables as typed rows."""

from postproc.model.loading import by, load
from postproc.model.rows import BindingRow
from tests import builders


def bindings(*rows):
    return load(BindingRow, builders.rows("bindings", *rows))


def test_rows_are_plain_values_and_na_is_none():
    first, second = bindings({"call": 1, "rtt_ms": 2.5, "time": 1.0}, {"call": None})
    assert (first.call, first.rtt_ms, type(first.call)) == (1, 2.5, int)
    assert (second.call, second.rtt_ms, second.src_addr) == (None, None, None)
    assert first.time.tzinfo is not None


def test_an_empty_table_has_none():
    assert bindings() == []


def test_columns_are_found_by_name_whatever_their_order():
    table = builders.rows("bindings", {"call": 1, "transaction_id": "ab"})
    (row,) = load(BindingRow, table[table.columns[::-1]])
    assert (row.call, row.transaction_id) == (1, "ab")


def test_they_are_grouped_by_one_column_or_several_without_na():
    found = bindings({"call": 1, "leg": 1}, {"call": 1, "leg": 2}, {"call": None, "leg": 1})
    assert {key: len(group) for key, group in by(found, "call").items()} == {1: 2}
    assert set(by(found, "call", "leg")) == {(1, 1), (1, 2)}
