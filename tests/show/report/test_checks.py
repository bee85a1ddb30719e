"""Sheets of candidate pairs and bindings."""

from postproc.model.calls import Calls
from postproc.model.tables import Tables
from postproc.show.report.sheets import bindings, pairs
from tests import builders
from tests.show.report import scenes


def bound(*records: dict, lang: str = "en"):
    held = Tables(calls=builders.calls({"call": 1}), bindings=builders.bindings(*records))
    made = bindings(Calls(held)[1], lang)
    return [dict(zip(made.headings, (cell.text for cell in row), strict=True)) for row in made.rows]


def test_equal_bindings_that_follow_each_other_are_one_row():
    (row,) = bound(*(scenes.binding(time=float(n), frame=n, requests=2) for n in (1, 2, 3)))
    assert (row["Outcome"], row["Requests"], row["Frames"]) == ("3 × unanswered (2.0 s)", "6", "1, 2 …")
    assert row["Time"] == "12:00:01.000"


def test_a_binding_that_ends_otherwise_is_a_row_of_its_own():
    rows = bound(
        scenes.binding(time=1.0, frame=1),
        scenes.binding(time=2.0, frame=2, outcome="success", rtt_ms=12.34, response_frame=3),
        scenes.binding(time=3.0, frame=4, outcome="error", error_code=487, response_frame=5),
        scenes.binding(time=4.0, frame=6, icmp=3),
    )
    assert [row["Outcome"] for row in rows] == ["unanswered", "answered", "error 487", "unanswered, ICMP 3"]
    assert (rows[1]["Round trip"], rows[1]["Frames"]) == ("12.3 ms", "2→3")


def test_they_are_in_the_order_of_time_whatever_the_table_says():
    rows = bound(scenes.binding(time=2.0, frame=2), scenes.binding(time=1.0, frame=1, dst_port=1))
    assert [row["Frames"] for row in rows] == ["1", "2"]


def test_of_several_round_trips_the_range_is_shown():
    held = [scenes.binding(time=float(n), frame=n, outcome="success", rtt_ms=10.0 * n) for n in (1, 2, 3)]
    assert bound(*held)[0]["Round trip"] == "10.0–30.0 ms"


def test_a_pair_shows_both_ends_and_how_it_went():
    made = pairs(Calls(scenes.tables())[1], "de")
    assert [cell.text for cell in made.rows[0]] == [
        "1",
        "10.0.50.118:30000 host",
        "198.51.100.77:50000 srflx",
        "0/2",
        "0",
        "nein",
        "–",
        "0",
        "gescheitert",
    ]
    assert made.rows[0][-1].kind == "bad"


def test_a_call_without_checks_has_neither():
    call = Calls(scenes.tables())[2]
    assert (pairs(call, "en"), bindings(call, "en")) == (None, None)


def test_bindings_of_which_nothing_is_known_are_dashes():
    nothing = dict.fromkeys(
        ("src_addr", "src_port", "dst_addr", "dst_port", "purpose", "outcome", "leg", "frame")
    )
    (row,) = bound(scenes.binding(time=None, requests=None, **nothing))
    assert (row["Time"], row["From"], row["Outcome"], row["Requests"]) == ("–", "–", "–", "0")
