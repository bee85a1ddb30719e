"""The comparison of two versions' results: silent on equal tables, exact on others."""

import pandas as pd

from bench.compare import compared, differences

CALLS = pd.DataFrame({"call": [1, 2], "verdict": ["ok", "fault"], "path": ["/a", "/a"]})


def test_equal_tables_do_not_differ():
    assert compared("calls", CALLS, CALLS.copy()) is None


def test_neither_order_nor_added_columns_nor_places_of_files_are_a_difference():
    other = CALLS.iloc[::-1].assign(phase=1, path="/b")
    assert compared("calls", CALLS, other) is None


def test_a_changed_cell_is_shown_with_both_values():
    found = compared("calls", CALLS, CALLS.assign(verdict=["ok", "suspect"]))
    assert "verdict: 'fault' -> 'suspect'" in "\n".join(found.lines())


def test_a_row_twice_is_not_a_row_once():
    found = compared("calls", CALLS, pd.concat([CALLS, CALLS.iloc[:1]]))
    assert (found.removed, len(found.added)) == ([], 1)
    assert "    + call=" in "\n".join(found.lines())


def test_a_column_that_is_gone_is_a_difference():
    assert compared("calls", CALLS, CALLS.drop(columns="verdict")).columns_gone == ("verdict",)


def test_missing_and_nothing_are_the_same_in_every_type():
    nullable = pd.DataFrame({"call": pd.array([1, None], dtype="Int64")})
    assert compared("calls", nullable, nullable.astype("float64").astype("Int64")) is None


def test_a_table_that_is_gone_differs(tmp_path):
    for name in ("old", "new"):
        (tmp_path / name / "tables").mkdir(parents=True)
    CALLS.to_parquet(tmp_path / "old/tables/calls.parquet")
    [found] = differences(tmp_path / "old", tmp_path / "new")
    assert found.table == "calls" and "verdict" in found.columns_gone
