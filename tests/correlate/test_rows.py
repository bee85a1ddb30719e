import pandas as pd
import pytest

from postproc.correlate.rows import column, records, taken
from postproc.model.columns import INTEGER, TEXT, array
from tests import builders as b


def test_na_is_none_in_every_type_of_column():
    rows = b.legs(
        {"call": 1, "time": 2.0, "call_id": "x@y", "end_time": None}, {"call": None, "call_id": None}
    )
    assert column(rows["call"]) == [1, None]
    assert column(rows["call_id"]) == ["x@y", None]
    assert column(rows["end_time"]) == [None, None]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_are_nanoseconds_whatever_their_resolution(unit):
    times = pd.Series([b.EPOCH, pd.NaT]).astype(f"datetime64[{unit}, UTC]")
    assert column(times) == [b.EPOCH.value, None]


def test_times_of_another_zone_are_utc():
    assert column(pd.Series([b.EPOCH.tz_convert("Europe/Berlin")])) == [b.EPOCH.value]


def test_records_have_the_columns_in_the_order_asked_for():
    assert list(records(b.legs({"call": 3, "leg": 1}), "leg", "call", "end_time")) == [(1, 3, None)]


def test_an_empty_table_has_no_records():
    assert list(records(b.legs(), "call", "leg")) == []


def test_records_come_by_a_column_equal_ones_in_their_order_and_the_unknown_last():
    rows = b.legs(*({"call": call, "time": time} for call, time in enumerate((None, 2.0, 1.0, 2.0))))
    assert list(records(rows, "call", by="time")) == [(2,), (1,), (3,), (0,)]


def test_rows_are_taken_in_the_order_asked_for():
    rows = b.legs({"call": 1}, {"call": 2}, {"call": 3})
    assert column(taken(rows, [2, 0])["call"]) == [3, 1]
    assert taken(rows, [0, 1, 2]) is rows


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_records_are_the_same_however_many_are_objects_at_a_time(monkeypatch, at_once):
    monkeypatch.setattr("postproc.correlate.rows.AT_ONCE", at_once)
    rows = pd.DataFrame({"a": array([3, None, 1], INTEGER), "b": array(["x", "y", None], TEXT)})
    assert list(records(rows, "b", "a")) == [("x", 3), ("y", None), (None, 1)]
    assert list(records(rows, "b", by="a")) == [(None,), ("x",), ("y",)]
