"""Time axes: places and words of their ticks."""

import pytest

from postproc.show.pictures.annotations import TimeAxis, axis_over
from tests.builders import at


def words(seconds: float, lang: str = "en") -> list[str]:
    return [text for _, text in TimeAxis(at(0), at(seconds), 0, 400).ticks(lang)]


@pytest.mark.parametrize(
    ("seconds", "first", "last"),
    [
        (0.01, "0.000 s", "0.010 s"),
        (1, "0.0 s", "1.0 s"),
        (10, "0 s", "10 s"),
        (300, "0:00", "5:00"),
        (7200, "0:00", "2:00:00"),
    ],
)
def test_ticks_have_round_times(seconds: float, first: str, last: str):
    held = words(seconds)
    assert (held[0], held[-1]) == (first, last)
    assert 2 < len(held) < 12


def test_german_numbers_have_a_comma():
    assert words(1, "de")[1] == "0,2 s"


def test_times_outside_stand_at_the_edge():
    axis = TimeAxis(at(10), at(20), 100, 200)
    assert [axis.x(at(time)) for time in (0, 10, 15, 20, 99)] == [100, 100, 150, 200, 200]


def test_one_time_alone_and_none_make_an_axis():
    assert len(axis_over([at(5)], 0, 100).ticks("en")) > 1
    assert axis_over([], 0, 100).ticks("en")


def test_centuries_do_not_make_a_thousand_ticks():
    assert len(TimeAxis(at(0), at(200 * 365 * 86400), 0, 400).ticks("en", clock=True)) < 12
