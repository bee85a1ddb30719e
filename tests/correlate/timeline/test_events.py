import pytest

from postproc.correlate.timeline.events import Event, milliseconds, of_calls, place, table
from postproc.model.tables import TIMELINE
from tests import builders as b


@pytest.mark.parametrize(
    ("addr", "port", "text"),
    [
        ("192.0.2.1", 5060, "192.0.2.1:5060"),
        ("2001:db8::1", 5060, "[2001:db8::1]:5060"),
        ("192.0.2.1", None, "192.0.2.1"),
        (None, 5060, None),
    ],
)
def test_an_ipv6_address_stands_in_brackets(addr, port, text):
    assert place(addr, port) == text


@pytest.mark.parametrize(
    ("duration", "text"), [(0.123, "0.1 ms"), (9.94, "9.9 ms"), (12.3, "12 ms"), (1234.0, "1.2 s")]
)
def test_durations_are_short(duration, text):
    assert milliseconds(duration) == text


def test_messages_of_no_call_and_second_captures_are_left_out():
    messages = b.sip_messages({"call": 1}, {"call": 1, "copy_of": 1}, {"call": None})
    assert of_calls(messages)["frame"].tolist() == [1]


def test_no_messages_of_calls_give_an_empty_table():
    assert of_calls(b.sip_messages()).empty
    assert of_calls(b.sip_messages({"call": None})).empty


def test_events_become_rows_and_those_without_time_none():
    event = Event("a", 7, b.at(1).value, 1, None, "stun", "check", "text", "x:1", None, "note")
    rows = table([event._replace(time=None), event])
    assert rows.to_dict("records")[0] | {"leg": None, "dst": None} == {
        "capture": "a",
        "frame": 7,
        "time": b.at(1),
        "call": 1,
        "leg": None,
        "lane": "stun",
        "kind": "check",
        "label": "text",
        "src": "x:1",
        "dst": None,
        "severity": "note",
    }
    assert len(rows) == 1


def test_no_events_are_an_empty_timeline():
    assert list(table([]).columns) == TIMELINE.names


def test_events_come_by_call_and_time_and_at_one_time_in_their_order():
    event = Event("a", 7, 2, 1, None, "sip", "request", "1", None, None, "normal")
    said = table([event._replace(call=2, time=1), event, event._replace(label="2"), event._replace(time=1)])
    assert said[["call", "label"]].to_numpy().tolist() == [[1, "1"], [1, "1"], [1, "2"], [2, "1"]]
