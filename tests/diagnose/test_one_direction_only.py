"""Only one direction of a conversation was captured."""

import pytest

from postproc.diagnose.rules.one_direction_only import RULE
from tests.builders import APP, SERVER
from tests.diagnose.refusals import NO_MEDIA, response
from tests.diagnose.scenes import (
    CLIENT_PUBLIC,
    asked,
    check,
    foreign,
    good,
    message,
    stream,
    told_both,
    unanswered,
    verdict,
)

SENT = [message(1, "INVITE", 0.0), message(1, "ACK", 3.0, to_tag="t"), message(1, "BYE", 9.0, to_tag="t")]
NOTHING = NO_MEDIA | {"sip_messages": []}
CLIENT_END, SERVER_END = (
    {"src_addr": CLIENT_PUBLIC, "dst_addr": SERVER},
    {"src_addr": SERVER, "dst_addr": CLIENT_PUBLIC},
)

ASKED = CLIENT_END | {"src_port": 50000, "dst_port": 30000}


def test_requests_of_a_dialog_whose_responses_are_missing():
    (found,) = asked(RULE, **NOTHING | {"sip_messages": SENT})
    assert (found.verdict, found.leg, found.facts["count"]) == ("cannot_tell", 1, 2)
    told = told_both(found, RULE)
    assert told["en"]["title"].startswith(f"Only packets from {APP} to {SERVER}")
    assert "ACK, BYE" in told["de"]["detail"]


def test_silent_where_the_dialogs_response_came_from_elsewhere():
    """By way of a proxy, or with a Contact that nobody reaches: ACK and BYE go to a machine that never sent."""
    beyond = [row | {"dst_addr": "192.168.0.10"} for row in SENT[1:]]
    assert len(asked(RULE, **NOTHING | {"sip_messages": [SENT[0], *beyond]})) == 1
    assert asked(RULE, **NOTHING | {"sip_messages": [SENT[0], response(1, 200, 3.0), *beyond]}) == []
    asked_before = message(1, "INVITE", 0.0) | {"src_addr": "198.51.100.9", "dst_addr": SENT[0]["src_addr"]}
    by_request = [row for row in beyond if row.get("method") != "ACK"]
    assert asked(RULE, **NOTHING | {"sip_messages": [asked_before, *by_request, *by_request]}) == []
    elsewhere = response(1, 200, 3.0) | {"dst_addr": "198.51.100.9", "contact": "sip:a@192.168.0.10:5060"}
    assert asked(RULE, **NOTHING | {"sip_messages": [SENT[0], elsewhere, *beyond]}) == []
    direct = SENT[0] | {"dst_addr": "192.168.0.10"}
    assert len(asked(RULE, **NOTHING | {"sip_messages": [direct, elsewhere, *beyond]})) == 1
    other = response(1, 200, 3.0) | {"call_id": "b@x"}
    assert len(asked(RULE, **NOTHING | {"sip_messages": [SENT[0], other, *beyond]})) == 1


def test_responses_whose_requests_are_missing():
    (found,) = asked(RULE, **NOTHING | {"sip_messages": [response(1, 183, 0.2), response(1, 200, 3.0)]})
    assert found.facts["kinds"] == ["183 INVITE", "200 INVITE"]
    assert (found.facts["sender"], found.facts["receiver"]) == (SERVER, APP)


def test_silent_about_sip_where_messages_are_cut():
    """Those of the other direction may be among them: who sent them is known, what call they belong to is not."""
    captured = [{"first_time": 0.0, "last_time": 60.0, "packets": 40, "messages_cut": 3}]
    responses = [response(1, 183, 0.2), response(1, 200, 3.0)]
    assert asked(RULE, **NOTHING | {"sip_messages": responses}, captures=captured) == []


def test_binding_responses_whose_requests_are_missing():
    """A row of ``bindings`` names who asked, also where only the response was captured."""
    answers = [check(time=1.0 + n, outcome="response_only", **CLIENT_END) for n in range(3)]
    (found,) = asked(RULE, **NOTHING | {"bindings": answers, "rtp_streams": [stream()]})
    assert (found.facts["count"], found.facts["kinds"]) == (3, ["Binding Response"])
    assert (found.facts["sender"], found.facts["receiver"]) == (SERVER, CLIENT_PUBLIC)
    told_both(found, RULE)


def test_half_a_handshake():
    hello, *more = (
        {"content": "handshake", "handshake_type": kind, "time": 1.1 + n, **SERVER_END}
        for n, kind in enumerate(("client_hello", "certificate", "client_key_exchange"))
    )
    (found,) = asked(
        RULE, **NOTHING | {"bindings": [check(outcome="unanswered")], "dtls_messages": [hello, *more]}
    )
    assert (found.facts["count"], found.facts["kinds"]) == (2, ["DTLS"])


def test_silent_where_a_flight_answers_a_hello_from_another_address():
    flight = [
        {"content": "handshake", "handshake_type": kind, "time": 1.3, **SERVER_END, "src_port": 30000}
        for kind in ("server_hello", "certificate")
    ]
    elsewhere = {
        "src_addr": "192.0.2.9",
        "src_port": 9,
        "dst_addr": SERVER_END["src_addr"],
        "dst_port": 30000,
    }
    hello = {"content": "handshake", "handshake_type": "client_hello", "time": 1.2, **elsewhere}
    scene = NOTHING | {"bindings": [check(outcome="unanswered")]}
    assert asked(RULE, **scene | {"dtls_messages": flight})
    assert asked(RULE, **scene | {"dtls_messages": [hello, *flight]}) == []


def test_media_of_one_direction_beside_sip_of_both_cannot_be_judged():
    """A filter on ports or an asymmetric path hides what a side sends, and not its SIP, between the same machines."""
    sip = [
        {name: CLIENT_PUBLIC if value == APP else value for name, value in row.items()}
        for row in good()["sip_messages"]
    ]
    flight = [
        {"content": "handshake", "handshake_type": kind, "time": 1.3, **ASKED}
        for kind in ("server_hello", "certificate")
    ]
    seen = {
        "sip_messages": sip,
        "bindings": unanswered(5, "client_to_server"),
        "dtls": [],
        "pairs": [],
        "dtls_messages": flight,
        "rtp_streams": [stream("client_to_server")],
    }
    (found,) = asked(RULE, **seen)
    assert (found.facts["receiver"], found.facts["kinds"]) == (SERVER, ["DTLS"])
    judged = verdict(**seen)
    assert (judged.verdict, judged.cause) == ("cannot_tell", "one-direction-only")
    without = verdict(**seen | {"dtls_messages": []})
    assert (without.verdict, without.cause) == ("fault", "no-binding-success")
    hello = {"content": "handshake", "handshake_type": "client_hello", "time": 1.2, **SERVER_END}
    hello |= {"src_port": 30000, "dst_port": 50000}
    assert asked(RULE, **seen | {"dtls_messages": [hello, *flight]}) == []


@pytest.mark.parametrize(
    "seen",
    [
        {"sip_messages": [message(1, "INVITE", n) for n in (0.0, 0.5, 1.5)]},
        {"bindings": unanswered(9)},
        {"rtp_streams": [stream()]},
        {"sip_messages": SENT[:2]},
        {"sip_messages": [*SENT, message(1, 200, 2.9)]},
        {"sip_messages": [], "bindings": [check(outcome="response_only", **CLIENT_END), check(**CLIENT_END)]},
    ],
    ids=["INVITEs", "checks", "media", "one proof", "a response", "an answered check"],
)
def test_silent_where_perhaps_nothing_came_back_or_both_ways_are_seen(seen):
    assert asked(RULE, **NOTHING | seen) == []


def test_an_icmp_error_shows_that_the_other_way_was_in_sight():
    answers = [check(time=1.0 + n, outcome="response_only", **ASKED) for n in range(3)]
    error = {"reporter": CLIENT_PUBLIC, "src_port": 30000, "dst_port": 50000, "time": 1.5, **SERVER_END}
    assert asked(RULE, **NOTHING | {"bindings": answers}, icmp_errors=[error]) == []


def test_a_machine_that_talks_to_itself_is_left_out():
    loop = {"src_addr": "127.0.0.1", "dst_addr": "127.0.0.1"}
    assert asked(RULE, **NOTHING | {"sip_messages": [row | loop for row in SENT]}) == []


def test_silent_on_good_and_foreign_calls():
    assert asked(RULE) == []
    assert asked(RULE, base=foreign()) == []
