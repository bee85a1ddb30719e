import pytest

from postproc.correlate.timeline.events import table
from postproc.correlate.timeline.media import stun_events
from tests import builders as b
from tests.correlate.evidence_of import CHECK, TO_SERVER

ANSWERED = CHECK | {"time": 1.0, "requests": 1, "rtt_ms": 0.9, "response_frame": 9}
RESPONSE = TO_SERVER | {"kind": "success", "frame": 9, "time": 1.5}


def events(*bindings, messages=()):
    return table(stun_events(b.bindings(*bindings), b.stun_messages(*messages))).to_dict("records")


def labels(*bindings):
    return [event["label"] for event in events(*bindings)]


def test_a_check_and_its_success_are_two_events():
    base = {"capture": "a.pcapng", "call": 1, "leg": 1, "lane": "stun", "severity": "normal"}
    ends = {"src": f"{b.SERVER}:30000", "dst": f"{b.CLIENT}:50000"}
    back = {"src": ends["dst"], "dst": ends["src"]}
    assert events(ANSWERED, messages=[RESPONSE]) == [
        base | ends | {"frame": 1, "time": b.at(1), "kind": "check", "label": "Binding Request C:S"},
        base | back | {"frame": 9, "time": b.at(1.5), "kind": "success", "label": "success, 0.9 ms"},
    ]


def test_the_response_may_come_from_another_address():
    moved = events(ANSWERED, messages=[RESPONSE | {"src_addr": "198.51.100.99"}])[1]
    assert (moved["src"], moved["dst"]) == ("198.51.100.99:50000", f"{b.SERVER}:30000")


@pytest.mark.parametrize("other", [{"frame": 8}, {"capture": "b.pcapng"}, {"kind": "request"}], ids=str)
def test_without_the_message_the_round_trip_tells_when(other):
    answer = events(ANSWERED, messages=[RESPONSE | other])[1]
    assert (answer["time"], answer["frame"]) == (b.at(1.0009), 9)
    assert (answer["src"], answer["dst"]) == (f"{b.CLIENT}:50000", f"{b.SERVER}:30000")


def test_an_unanswered_check_is_a_warning_and_one_event():
    (event,) = events(CHECK | {"outcome": "unanswered", "requests": 7})
    assert (event["label"], event["severity"]) == ("Binding Request C:S, sent 7 times, unanswered", "warning")


def test_a_pending_check_is_not():
    (event,) = events(CHECK | {"outcome": "pending"})
    assert (event["label"], event["severity"]) == ("Binding Request C:S", "normal")


def test_long_ufrags_are_shortened_and_others_are_not():
    assert labels(CHECK | {"username": "8b708ebc:BUmkOSgeYbP7L5rF"}) == ["Binding Request 8b708ebc:BUmk.."]


def test_an_error_says_its_code():
    code = ANSWERED | {"outcome": "error", "error_code": 487, "rtt_ms": 12.4}
    assert [(e["kind"], e["label"], e["severity"]) for e in events(code)][1:] == [
        ("error", "error 487, 12 ms", "warning")
    ]


def test_a_look_up_says_the_mapped_address():
    asked = ANSWERED | {"purpose": "discovery", "mapped_addr": "203.0.113.10", "mapped_port": 40424}
    assert labels(asked) == ["STUN look-up", "mapped 203.0.113.10:40424, 0.9 ms"]


def test_a_keep_alive_says_so():
    assert labels(CHECK | {"purpose": "keepalive", "username": "C:S"}) == ["keep-alive"]


def test_a_binding_of_unknown_purpose_is_a_plain_request():
    (event,) = events(CHECK | {"purpose": None, "username": "garbage"})
    assert (event["kind"], event["label"]) == ("check", "Binding Request")


def test_a_response_without_request_is_one_event_with_a_note():
    lone = ANSWERED | {"outcome": "response_only", "rtt_ms": None, "requests": 0}
    assert [(e["kind"], e["label"], e["severity"]) for e in events(lone, messages=[RESPONSE])] == [
        ("success", "success", "note")
    ]


def test_bindings_without_call_are_left_out():
    assert events(ANSWERED | {"call": None}) == []
