"""A DTLS handshake that stops without an alert."""

import pytest

from postproc.diagnose.rules.dtls_incomplete import RULE
from tests.builders import SERVER
from tests.diagnose.refusals import log
from tests.diagnose.scenes import asked, good, leg, told_both, verdict

HELLO = dict(good()["dtls"][0]) | {
    "state": "client_hello_only",
    "client_hellos": 5,
    "completed": None,
    "duration_ms": None,
}
SENT = [
    {"src_addr": SERVER, "handshake_type": "client_hello", "message_seq": 0, "time": 1.2 + n}
    for n in range(5)
]


def test_client_hellos_without_an_answer_are_a_fault():
    (found,) = asked(RULE, dtls=[HELLO], dtls_messages=SENT, rtp_streams=[])
    assert (found.verdict, found.tags, len(found.evidence.frames)) == ("fault", {"size", "path"}, 5)
    told = told_both(found, RULE)
    assert told["en"]["title"] == (
        "DTLS is not completed: 5 ClientHellos from 10.0.50.118:30000 to 198.51.100.77:50000 got no answer."
    )
    assert "kleine Pakete" in told["de"]["detail"]


def test_a_handshake_that_stops_half_way_says_what_was_seen():
    answered = {"src_addr": "198.51.100.77", "src_port": 50000, "dst_addr": SERVER, "dst_port": 30000}
    flight = [*SENT[:1], {"handshake_type": "server_hello", "message_seq": 0, "time": 1.3} | answered]
    (found,) = asked(RULE, dtls=[HELLO | {"state": "incomplete"}], dtls_messages=flight, rtp_streams=[])
    assert found.facts["seen"] == ["client_hello", "server_hello"]


def test_it_is_the_calls_cause():
    assert verdict(dtls=[HELLO], dtls_messages=SENT, rtp_streams=[]).cause == "dtls-incomplete"


FAILED = "audio Handshake failure 1. This may happen when you use legacy DTLS v1.0"


def test_without_a_packet_of_it_the_log_knows_that_it_failed():
    (found,) = asked(RULE, dtls=[], rtp_streams=[], log_events=[log("dtls", FAILED)])
    assert (found.verdict, found.confidence, found.leg) == ("fault", 0.9, 1)
    told = told_both(found, RULE)
    assert told["en"]["title"] == "DTLS is not completed: the server's log tells of a failed handshake."
    assert told["en"]["detail"] == f"It says: fs.log:7 {FAILED}."


@pytest.mark.parametrize(
    "changes",
    [
        {"log_events": [log("dtls", "Changing audio DTLS state from OFF to HANDSHAKE")]},
        {"log_events": [log("dtls", FAILED, call_id="b@x")]},
        {"log_events": [log("dtls", FAILED)], "rtp_streams": good()["rtp_streams"]},
    ],
)
def test_silent_where_the_log_tells_of_no_failure_of_this_leg_or_media_flows(changes):
    assert asked(RULE, **({"dtls": [], "rtp_streams": []} | changes)) == []


def test_while_the_call_goes_on_a_short_capture_makes_it_a_doubt():
    up = [leg(1, end_time=None), leg(2, end_time=None)]
    (found,) = asked(RULE, dtls=[HELLO], rtp_streams=[], legs=up, captures=[{"last_time": 4.5}])
    assert found.verdict == "suspect"


def test_silent_when_it_has_only_just_begun():
    young = HELLO | {"client_hellos": 1}
    assert asked(RULE, dtls=[young], rtp_streams=[], captures=[{"last_time": 2.0}]) == []


def test_silent_when_media_flows():
    assert asked(RULE, dtls=[HELLO]) == []


def test_silent_when_another_handshake_of_the_leg_was_completed():
    assert asked(RULE, dtls=[HELLO | {"server_port": 50009}, *good()["dtls"]], rtp_streams=[]) == []


CLIENT_SIDE = {"src_addr": "198.51.100.77", "src_port": 50000, "dst_addr": SERVER, "dst_port": 30000}
CROSSED = [*SENT[:1], {"handshake_type": "client_hello", "message_seq": 0, "time": 1.25} | CLIENT_SIDE]
ALERT = {
    "content": "alert",
    "handshake_type": None,
    "alert": "unexpected_message",
    "time": 1.26,
} | CLIENT_SIDE


@pytest.mark.parametrize("state", ["alert", "incomplete"])
def test_two_sides_that_both_begin_are_a_fault(state):
    shaken = HELLO | {"state": state, "alert": "unexpected_message"}
    (found,) = asked(RULE, dtls=[shaken], dtls_messages=[*CROSSED, ALERT], rtp_streams=[])
    assert (found.verdict, found.tags, len(found.evidence.frames)) == ("fault", {"roles", "path"}, 3)
    told = told_both(found, RULE)
    assert "both send a ClientHello" in told["en"]["title"]
    assert "a=setup" in told["de"]["causes"]


def test_silent_on_an_alert_where_one_side_began():
    alerted = HELLO | {"state": "alert", "alert": "handshake_failure"}
    assert asked(RULE, dtls=[alerted], dtls_messages=[*SENT[:1], ALERT], rtp_streams=[]) == []


def astray(**changes):
    """The client's hello comes from one address, the server's flight goes to the one in SDP; ``changes`` to the hello."""
    far, here = {"src_addr": "100.105.239.180", "src_port": 7078}, {"dst_addr": SERVER, "dst_port": 30000}
    hello = {"src_addr": "198.51.100.77", "src_port": 40078, "handshake_type": "client_hello", "time": 1.2}
    back = {"src_addr": SERVER, "src_port": 30000, "dst_addr": far["src_addr"], "dst_port": far["src_port"]}
    flight = [
        {"handshake_type": kind, "message_seq": n, "time": 1.3} | back
        for n, kind in enumerate(("server_hello", "certificate"))
    ]
    row = HELLO | {"state": "incomplete", "client_addr": far["src_addr"], "client_port": far["src_port"]}
    row |= {"server_addr": SERVER, "server_port": 30000}
    return {"dtls": [row], "dtls_messages": [hello | here | changes, *flight], "rtp_streams": []}


def test_an_answer_that_goes_elsewhere_than_the_hello_came_from():
    (found,) = asked(RULE, **astray())
    assert (found.verdict, found.tags) == ("fault", {"astray"})
    told = told_both(found, RULE)
    assert told["en"]["title"] == (
        f"DTLS is not completed: the ClientHello came from 198.51.100.77:40078, and {SERVER}:30000 answers to"
        " 100.105.239.180:7078."
    )
    assert "STUN passes" not in told["en"]["causes"]


@pytest.mark.parametrize(
    "changes",
    [
        {"dst_port": 30002},
        {"handshake_type": "server_hello"},
        {"src_addr": "100.105.239.180", "src_port": 7078},
    ],
)
def test_no_answer_goes_astray_where_the_hello_came_from_there_or_to_another_socket(changes):
    assert all("astray" not in found.tags for found in asked(RULE, **astray(**changes)))


def test_without_ice_a_hello_may_meet_a_closed_nat():
    without = [dict(row) | {"ufrag": None} for row in good()["sdp_media"]]
    nothing = {"pairs": [], "bindings": [], "candidates": [], "rtp_streams": []}
    scene = {"dtls": [HELLO], "dtls_messages": SENT, "sdp_media": without, **nothing}
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.tags) == ("fault", {"blind"})
    assert "No ICE was agreed" in told_both(found, RULE)["en"]["detail"]
    (found,) = asked(RULE, **scene | {"sdp_media": good()["sdp_media"]})
    assert "blind" not in found.tags


RELAYED = good()["pairs"][0] | {"remote_addr": "203.0.113.250", "remote_port": 49200, "remote_type": "relay"}


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([RELAYED], True),
        ([RELAYED, good()["pairs"][0]], False),
        ([RELAYED | {"nominated": False}], False),
        ([RELAYED | {"capture": "client.pcapng"}], False),
    ],
    ids=["another pair", "both", "none", "seen elsewhere"],
)
def test_client_hellos_on_a_pair_that_is_not_the_nominated_one(pairs, told):
    (found,) = asked(RULE, dtls=[HELLO], dtls_messages=SENT, rtp_streams=[], pairs=pairs)
    assert (found.tags == {"pair"}) is told
    detail = told_both(found, RULE)["en"]["detail"]
    assert ("ICE nominated another pair, 10.0.50.118:30000 – 203.0.113.250:49200" in detail) is told
