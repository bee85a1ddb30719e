import pytest

from postproc.correlate.timeline.events import table
from postproc.correlate.timeline.media import icmp_events
from postproc.model.tables import Tables
from tests import builders as b
from tests.correlate.conversation import CALLER, ask, invite
from tests.correlate.evidence_of import CHECK, TO_CLIENT, at, leg

PORT = TO_CLIENT | {"time": 3.0, "reporter": "198.51.100.1", "version": 4, "type": 3, "code": 3}
MOVED = PORT | {"src_port": 1, "dst_port": 2}


def events(*errors, sip=(), bindings=(), legs=None, endpoints=()):
    legs = [leg(end=60.0), leg(call=2, end=60.0)] if legs is None else legs
    others = {"sip_messages": b.sip_messages(*sip), "bindings": b.bindings(*bindings), "legs": b.legs(*legs)}
    held = b.attributed(Tables(icmp_errors=b.icmp_errors(*errors), **others), b.endpoints(*endpoints))
    return table(icmp_events(held.icmp_errors, held.legs)).to_dict("records")


def calls(*errors, **others):
    return [event["call"] for event in events(*errors, **others)]


def test_an_error_that_quotes_a_check_is_its_call_s_whatever_the_addresses():
    check = CHECK | {"transaction_id": "aa", "call": 2}
    assert events(MOVED | {"transaction_id": "aa"}, bindings=[check]) == [
        {
            "capture": "a.pcapng",
            "frame": 1,
            "time": b.at(3),
            "call": 2,
            "leg": 1,
            "lane": "icmp",
            "kind": "error",
            "label": f"port unreachable: {b.CLIENT}:2",
            "src": "198.51.100.1",
            "dst": f"{b.SERVER}:1",
            "severity": "warning",
        }
    ]
    assert calls(MOVED | {"transaction_id": "aa", "capture": "b.pcapng"}, bindings=[check]) == []


def test_else_the_addresses_quoted_tell():
    assert calls(PORT, bindings=[CHECK]) == [1]
    assert calls(PORT, endpoints=[at(b.SERVER, 30000, "server", call=2)]) == [2]


def test_else_the_sip_message_that_went_before():
    sip = PORT | CALLER
    assert calls(sip, sip=[invite(2.0, call_id="leg 1 of 2")]) == [2]
    assert calls(sip, sip=[invite(0.5, call_id="leg 1 of 2")]) == []
    assert calls(sip, sip=[invite(3.5, call_id="leg 1 of 2")]) == []
    assert calls(sip, sip=[invite(2.0, call_id="of nobody")]) == []


def test_sip_messages_of_two_calls_tell_nothing():
    both = [invite(2.0, call_id="leg 1 of 1"), ask("BYE", 2.5, call_id="leg 1 of 2")]
    assert calls(PORT | CALLER, sip=both) == []


def test_an_error_of_nobody_is_left_out():
    assert calls(PORT) == []


@pytest.mark.parametrize("spoilt", [{"time": None}, {"copy_of": 7}], ids=str)
def test_second_captures_and_errors_without_time_are_left_out(spoilt):
    assert calls(PORT | spoilt, bindings=[CHECK]) == []


def test_an_error_without_quoted_ports_is_of_nobody():
    assert calls(PORT | {"src_port": None}, bindings=[CHECK]) == []


def test_after_the_end_of_the_leg_it_is_only_a_note():
    found = events(PORT, PORT | {"time": 60.1}, bindings=[CHECK, CHECK | {"time": 59.0}])
    assert [event["severity"] for event in found] == ["warning", "note"]


@pytest.mark.parametrize(
    ("version", "kind", "code", "meaning"),
    [
        (4, 3, 1, "host unreachable"),
        (4, 3, 13, "communication administratively prohibited"),
        (6, 1, 4, "port unreachable"),
        (6, 3, 0, "hop limit exceeded"),
        (4, 12, 1, "type 12 code 1"),
        (None, None, None, "type None code None"),
    ],
)
def test_the_label_says_what_the_error_means(version, kind, code, meaning):
    (event,) = events(PORT | {"version": version, "type": kind, "code": code}, bindings=[CHECK])
    assert event["label"] == f"{meaning}: {b.CLIENT}:50000"
