"""Times in the zone asked for; tables stay UTC."""

import time

import pandas as pd
import pytest

from postproc.model.errors import SetupError
from postproc.model.tables import Tables
from postproc.show import calls
from postproc.show.zones import log_minutes, shifted, zone
from tests import builders as b

WINTER, SUMMER = pd.Timestamp("2026-11-22 22:38:49", tz="UTC"), pd.Timestamp("2026-07-01 23:10", tz="UTC")


def logs(*offsets):
    return b.rows("logs", *({"capture": f"{n}.log", "offset_ms": each} for n, each in enumerate(offsets)))


@pytest.mark.parametrize(
    ("word", "told", "label"),
    [
        ("UTC", "22:38", "UTC"),
        ("utc", "22:38", "UTC"),
        ("Europe/Berlin", "23:38", "CET"),
        ("log", "23:38", "UTC+01:00"),
        ("Asia/Kathmandu", "04:23", "+0545"),
    ],
)
def test_a_zone_by_its_word(word, told, label):
    chosen = zone(word, logs(3_600_120.0))
    assert f"{chosen.of(WINTER):%H:%M}" == told
    assert chosen.label([None, WINTER]) == label


def test_the_local_zone_is_the_machines(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert f"{zone('local').of(WINTER):%H:%M %Z}" == "17:38 EST"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "word", ["Europe/Atlantis", "", "../../etc/passwd", "/etc/localtime", "x" * 999, "a\0b"]
)
def test_what_is_no_zone_is_one_line(word):
    with pytest.raises(SetupError, match="no time zone"):
        zone(word)


def test_summer_and_winter_are_both_named():
    assert zone("Europe/Berlin").label([SUMMER, WINTER]) == "CEST/CET"
    assert zone("Europe/Berlin").label([]) == "UTC"


def test_the_logs_zone_is_that_of_the_first_used_to_the_quarter():
    assert log_minutes(logs(None, 3_599_000.0, 0.0)) == 60
    assert log_minutes(logs(-34_200_000.0)) == -570
    assert log_minutes(logs(None)) is log_minutes(None) is None
    assert zone("log", logs()).label([WINTER]) == "UTC"


def test_the_table_of_calls_is_in_the_zone_with_its_day():
    held = Tables(calls=b.calls({"call": 1, "start": 1.0}))
    (start,) = held.calls["start"]
    tokyo = zone("Asia/Tokyo")
    lines = shifted(calls.call_lines(held), tokyo)
    shown = [line.plain for line in calls.table(lines, None, "en", tokyo.label([start]))]
    there = start.tz_convert("Asia/Tokyo")
    assert "JST" in shown[1]
    assert shown[2] == f"{there:%Y-%m-%d}" and f" {there:%H:%M:%S} " in shown[3]
