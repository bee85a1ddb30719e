"""The check against built tables: silent on the right answer, one line for each wrong one."""

import copy

import pytest

from bench import check
from tests import builders

TRUTH = {
    "packets": 500,
    "sip_messages": 2,
    "rtp_packets": 100,
    "calls": [
        {
            "legs": [{"call_id": "a", "final_status": 200}, {"call_id": "b", "final_status": 200}],
            "bindings": {
                "client_to_server": {"success": 1, "error": 0, "unanswered": 0},
                "server_to_client": {"success": 0, "error": 0, "unanswered": 1},
            },
            "dtls": {"state": "complete"},
            "streams": [{"ssrc": 7, "packets": 100, "lost": 3}],
        },
        {
            "legs": [{"call_id": "c", "final_status": 486}],
            "bindings": {},
            "dtls": None,
            "streams": [],
        },
    ],
}


def leg(call_id, call, status=200):
    return {"call_id": call_id, "call": call, "leg": 1, "final_status": status}


def binding(direction, outcome, purpose="check"):
    return {"direction": direction, "outcome": outcome, "purpose": purpose}


STREAM = {"ssrc": 7, "packets": 100, "lost": 3, "call": 1}
RIGHT = {
    "captures": [{"packets": 500}],
    "sip_messages": [{}, {}],
    "legs": [leg("a", 1), leg("b", 1), leg("c", 2, 486)],
    "bindings": [
        binding("client_to_server", "success"),
        binding("server_to_client", "unanswered"),
        binding("other", "success", purpose="keepalive"),
    ],
    "dtls": [{"state": "complete"}, {"state": "incomplete"}],
    "rtp_streams": [STREAM],
}


def faults(**changed):
    records = copy.deepcopy(RIGHT) | changed
    return check.faults(TRUTH, {name: builders.rows(name, *each) for name, each in records.items()})


def test_the_right_answer_has_no_faults():
    assert faults() == []


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"captures": [{"packets": 499}]}, "packets: 499, truth 500"),
        ({"sip_messages": [{}]}, "sip_messages: 1, truth 2"),
        ({"legs": [leg("a", 1), leg("b", 1), leg("c", 2, 200)]}, "final status wrong: 1 of 3"),
        ({"legs": [leg("a", 1), leg("b", 2), leg("c", 3, 486)]}, "calls wrongly joined: 1 of 2"),
        ({"legs": [leg("a", 1), leg("b", 1), leg("c", 1, 486)]}, "calls wrongly joined: 2 of 2"),
        ({"legs": [*RIGHT["legs"], leg("d", 3)]}, "legs too many: 1 of 3"),
        ({"dtls": []}, "DTLS complete: 0, truth 1"),
        ({"rtp_streams": []}, "streams missing: 1 of 1"),
        (
            {"rtp_streams": [{"ssrc": 7, "packets": 99, "lost": 3, "call": 1}]},
            "streams with wrong packets: 1 of 1",
        ),
        (
            {"rtp_streams": [{"ssrc": 7, "packets": 100, "lost": 4, "call": 1}]},
            "streams with wrong loss: 1 of 1",
        ),
        ({"rtp_streams": [{"ssrc": 7, "packets": 100, "lost": 3}]}, "streams with wrong call: 1 of 1"),
    ],
)
def test_a_wrong_answer_is_said(changed, fault):
    assert fault in faults(**changed)


def test_a_missing_leg_is_said():
    assert "legs missing: 1 of 3" in faults(legs=[leg("a", 1), leg("b", 1)])


def test_a_binding_the_wrong_way_is_said_for_both_ways():
    turned = [binding("server_to_client", "success"), binding("server_to_client", "unanswered")]
    assert faults(bindings=turned) == [
        "bindings client_to_server success: 0, truth 1",
        "bindings server_to_client success: 1, truth 0",
    ]
