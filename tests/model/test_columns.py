"""Columns of the declared types, out of Python values."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.model import columns
from postproc.model.columns import FEW, FLAG, INTEGER, REAL, SHORT, TEXT, TIME, plain
from postproc.model.tables import JOINS, TABLES

INT64 = st.integers(-(2**63), 2**63 - 1)
SAMPLES = {
    TEXT: st.text(st.characters(exclude_categories=["Cs"])),
    INTEGER: INT64,
    REAL: st.floats(allow_nan=False),
    FLAG: st.booleans(),
}
NOTHING = (None, pd.NA, math.nan)


@pytest.mark.parametrize("dtype", SAMPLES)
@given(data=st.data())
def test_values_come_back_as_they_went_in(dtype, data):
    values = data.draw(st.lists(st.none() | SAMPLES[dtype]))
    made = columns.array(values, dtype)
    assert str(made.dtype) == dtype
    assert [None if value is pd.NA else value for value in made] == values


@given(st.lists(st.none() | INT64.filter(lambda time: time > -(2**63))))
def test_times_are_nanoseconds_since_1970(times):
    made = columns.array(times, TIME)
    assert str(made.dtype) == TIME
    assert [None if time is pd.NaT else time.value for time in made] == times


@pytest.mark.parametrize("dtype", [TEXT, INTEGER, REAL, FLAG, TIME])
def test_all_that_means_nothing_is_na(dtype):
    made = columns.array(NOTHING, dtype)
    assert (str(made.dtype), made.isna().tolist()) == (dtype, [True] * len(NOTHING))
    assert len(columns.array([], dtype)) == 0


def test_timestamps_keep_their_nanoseconds():
    time = pd.Timestamp("2026-11-22T22:38:49.496116714Z")
    assert columns.array([time, None, pd.NaT], TIME)[0] == time


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1.0, 2], INTEGER, [1, 2]),
        ([1, np.int64(2)], REAL, [1.0, 2.0]),
        ([np.bool_(True), False], FLAG, [True, False]),
        ([1, "a"], TEXT, ["1", "a"]),
    ],
)
def test_what_means_the_same_is_converted(values, dtype, expected):
    assert list(columns.array(values, dtype)) == expected


@pytest.mark.parametrize(
    ("value", "dtype"), [("x", INTEGER), (1.5, INTEGER), ("x", REAL), ("x", FLAG), ("x", TIME)]
)
def test_what_does_not_fit_is_refused(value, dtype):
    with pytest.raises((TypeError, ValueError)):
        columns.array([value], dtype)


@pytest.mark.parametrize("dtype", SAMPLES)
@given(data=st.data())
def test_a_column_as_python_values_and_back(dtype, data):
    values = data.draw(st.lists(st.none() | SAMPLES[dtype]))
    told = columns.plain(pd.Series(columns.array(values, dtype)))
    assert told == values
    assert list(map(type, told)) == list(map(type, values))


MIXED = [None, 0, 1, 2**63, 1.5, 2.0, math.nan, math.inf, True, "a", "1", np.int64(3), np.bool_(True), pd.NA]


@pytest.mark.parametrize("dtype", [INTEGER, REAL, FLAG])
@given(values=st.lists(st.sampled_from(MIXED), max_size=6))
def test_few_values_are_converted_as_many_are(dtype, values):
    def converted(held):
        try:
            return [*map(repr, columns.array(held, dtype))][: len(values)]
        except (TypeError, ValueError, OverflowError) as error:
            return type(error)

    assert converted(values) == converted([*values, *[None] * SHORT])


def test_times_as_python_values_are_timestamps():
    times = columns.plain(pd.Series(columns.array([1, None], TIME)))
    assert times == [pd.Timestamp(1, tz="UTC"), None]


def test_columns_of_other_types_have_python_values_too():
    assert columns.plain(pd.Series([1.5, math.nan])) == [1.5, None]
    assert columns.plain(pd.Series(["a", None], dtype=object)) == ["a", None]


@pytest.mark.parametrize("rows", [2, 3 * FEW])
def test_texts_come_back_as_they_were_and_of_many_equal_ones_are_one_object(rows):
    values = [None if row % 3 == 1 else f"änderbar-{row % 5}" for row in range(rows)]
    column = pd.concat([pd.Series(values, dtype="string")] * 2)
    found = plain(column)
    assert found == values * 2
    texts = [text for text in found if text is not None]
    assert rows < FEW or len({id(text) for text in texts}) == len(set(texts))


@pytest.mark.parametrize("count", [0, 1])
def test_arrow_has_tables_as_pandas_would_give_them(count):
    for table in TABLES:
        rows = table.rows([{"capture": "a"}] * count)
        made = columns.arrow(rows, columns.schema(table.dtypes, columns.noted(table.dtypes)))
        theirs = pa.Table.from_pandas(rows, preserve_index=False)
        assert made.equals(theirs, check_metadata=True), table.name


def test_a_table_is_built_of_rows_with_all_its_columns():
    rows = JOINS.of_tuples(
        [("a", 1, 2, "x", "y", None, 1.5, True), ("b", None, None, "x", "z", "host=1", 2, False)]
    )
    assert {name: str(dtype) for name, dtype in rows.dtypes.items()} == JOINS.dtypes
    assert [plain(rows[name]) for name in ("frame", "evidence", "score")] == [
        [1, None],
        [None, "host=1"],
        [1.5, 2.0],
    ]
    assert JOINS.of_tuples([]).columns.tolist() == JOINS.names


@pytest.mark.parametrize("at_once", [1, 2, 5_000])
def test_rows_are_the_same_however_many_become_a_table_at_a_time(monkeypatch, at_once):
    monkeypatch.setattr("postproc.model.tables.ROWS_AT_ONCE", at_once)
    made = JOINS.rows(
        {"capture": name, "frame": frame} for name, frame in zip("abc", (3, None, 1), strict=True)
    )
    assert {name: str(dtype) for name, dtype in made.dtypes.items()} == JOINS.dtypes
    assert [plain(made[name]) for name in ("capture", "frame")] == [["a", "b", "c"], [3, None, 1]]
    assert made.index.tolist() == [0, 1, 2]


@pytest.mark.parametrize("at_once", [1, 2, 5_000])
def test_rows_are_sorted_as_they_become_a_table_and_equal_ones_stay_in_their_order(monkeypatch, at_once):
    monkeypatch.setattr("postproc.model.tables.ROWS_AT_ONCE", at_once)
    times = [30, 10, 20, 10, 10]
    frames = [1, 2, 1, None, 2]
    rows = [
        (name, frame, time, "x", "y", None, 0.0, True)
        for name, frame, time in zip("abcde", frames, times, strict=True)
    ]
    by_time = JOINS.of_tuples(rows, by=("time", "frame"))
    assert plain(by_time["capture"]) == ["d", "b", "e", "c", "a"]  # NA is 0
    assert plain(JOINS.of_tuples(rows, by=("frame", "time"))["capture"]) == ["d", "c", "a", "b", "e"]
    assert JOINS.rows([], by=("time",)).columns.tolist() == JOINS.names
