import pandas as pd
import pytest

from postproc.correlate.rows import column, records, timestamp
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


def test_a_timestamp_comes_back_in_utc():
    assert timestamp(b.EPOCH.value) == b.EPOCH
    assert timestamp(None) is None
