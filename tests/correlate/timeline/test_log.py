import pytest

from postproc.correlate.timeline.events import table
from postproc.correlate.timeline.signalling import log_lines
from postproc.model.tables import Tables
from tests import builders as b

LEGS = b.legs({"call_id": "a@x", "call": 1, "leg": 1})
LINE = {
    "capture": "fs.log",
    "frame": 12,
    "time": 3.0,
    "call_id": "a@x",
    "kind": "hangup",
    "text": "Hangup x",
    "source": "sofia.c",
    "level": "NOTICE",
    "offset_ms": None,
}


def events(*lines):
    held = b.attributed(Tables(legs=LEGS, log_events=b.rows("log_events", *lines)))
    return table(log_lines(held.log_events)).to_dict("records")


def test_a_line_is_an_event_of_its_call():
    (event,) = events(LINE)
    assert event | {"dst": None} == {
        "capture": "fs.log",
        "frame": 12,
        "time": b.at(3),
        "call": 1,
        "leg": 1,
        "lane": "log",
        "kind": "hangup",
        "label": "Hangup x",
        "src": "sofia.c",
        "dst": None,
        "severity": "note",
    }


def test_its_time_is_on_the_captures_clock_already():
    assert events(LINE | {"offset_ms": -9.0})[0]["time"] == b.at(3)


@pytest.mark.parametrize("kind", ["channel", "peer", "sdp"])
def test_lines_that_only_tell_whose_the_others_are_are_left_out(kind):
    assert events(LINE | {"kind": kind}) == []


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("DEBUG", "normal"),
        ("info", "normal"),
        ("WARNING", "warning"),
        ("ERR", "error"),
        ("CRIT", "error"),
        (None, "normal"),
    ],
)
def test_the_level_tells_the_severity(level, severity):
    assert events(LINE | {"level": level})[0]["severity"] == severity


def test_a_long_line_is_cut_and_a_missing_one_is_empty():
    assert events(LINE | {"text": "x" * 500})[0]["label"] == "x" * 160 + ".."
    assert events(LINE | {"text": None})[0]["label"] == ""


def test_lines_of_no_call_are_left_out():
    assert events(LINE | {"call_id": "other"}, LINE | {"call_id": None}, LINE | {"time": None}) == []


def test_of_warnings_that_differ_in_numbers_the_first_of_a_call_stands_for_all():
    many = [LINE | {"kind": "srtp", "text": f"SRTP audio unprotect failed with code 7 {n}"} for n in range(9)]
    held = [
        event["label"] for event in events(*many, LINE | {"kind": "warning", "text": "Timeout 7"}, LINE, LINE)
    ]
    assert held == ["SRTP audio unprotect failed with code 7 0", "Timeout 7", "Hangup x", "Hangup x"]
