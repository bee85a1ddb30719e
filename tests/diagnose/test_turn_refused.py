"""A TURN server that refuses, and one that only asks for credentials."""

import pytest

from postproc.diagnose.rules.turn_refused import RULE
from tests.diagnose.scenes import (
    CLIENT_PORT,
    CLIENT_PUBLIC,
    asked,
    candidate,
    check,
    leg,
    message,
    plain_stream,
    told_both,
    unanswered,
)

BROKEN = {"bindings": unanswered(1, "client_to_server"), "pairs": [], "dtls": [], "rtp_streams": []}
RELAY = ("203.0.113.200", 3478)
PEER = {"peer_addr": "10.0.50.118", "peer_port": 30000}


def exchange(at: float, method: str, code: int | None = None, kind: str = "error", **request):
    """A request of the client and the answer of the TURN server."""
    common = {"method": method, "transaction_id": f"{method}-{at}"}
    there = {"src_addr": CLIENT_PUBLIC, "src_port": CLIENT_PORT, "dst_addr": RELAY[0], "dst_port": RELAY[1]}
    back = {"src_addr": RELAY[0], "src_port": RELAY[1], "dst_addr": CLIENT_PUBLIC, "dst_port": CLIENT_PORT}
    frame = int(at * 100) + 40
    return [
        common | there | {"kind": "request", "time": at, "frame": frame} | request,
        common | back | {"kind": kind, "error_code": code, "time": at + 0.02, "frame": frame + 1},
    ]


def challenge(at: float = 0.5, method: str = "allocate", code: int = 401):
    return exchange(at, method, code)


def granted(at: float, method: str = "allocate", **request):
    return exchange(at, method, kind="success", username="721", **request)


def found_in(*exchanges, **changes):
    messages = [message for each in exchanges for message in each]
    return asked(RULE, stun_messages=messages, **(BROKEN | changes))


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (401, " (Unauthenticated)"),
        (403, " (Forbidden)"),
        (437, " (Allocation Mismatch)"),
        (441, " (Wrong Credentials)"),
        (486, " (Allocation Quota Reached)"),
        (508, " (Insufficient Capacity)"),
        (699, ""),
    ],
)
def test_an_allocation_that_is_refused(code, name):
    (found,) = found_in(challenge(), exchange(0.6, "allocate", code, username="721"))
    assert (found.verdict, found.confidence, found.leg) == ("fault", 0.8, 1)
    assert found.tags - {"client_forbidden"} == {str(code), "allocate"}
    assert ("client_forbidden" in found.tags) == (code == 403)
    assert found.evidence.frames == (100, 101)
    title = told_both(found, RULE)["en"]["title"]
    assert title == f"The TURN server 203.0.113.200:3478 refuses Allocate with error {code}{name}."


def test_an_error_without_a_code_names_none():
    (found,) = found_in(exchange(0.6, "allocate", None))
    assert "error" in told_both(found, RULE)["en"]["title"]


@pytest.mark.parametrize("method", ["create_permission", "channel_bind"])
def test_a_peer_that_is_refused_is_named(method):
    (found,) = found_in(challenge(), granted(0.6), exchange(1.0, method, 403, username="721", **PEER))
    assert (found.verdict, found.tags) == ("fault", {"403", method, "peer_forbidden"})
    assert "10.0.50.118:30000" in told_both(found, RULE)["en"]["detail"]


def test_a_channel_refused_beside_a_permission_is_a_suspicion():
    permitted = granted(0.9, "create_permission", **PEER)
    (found,) = found_in(granted(0.6), permitted, exchange(1.0, "channel_bind", 400, username="721", **PEER))
    assert (found.verdict, found.confidence) == ("suspect", 0.5)
    assert "so indications could pass" in found.settle.en


def test_in_a_call_that_was_not_answered_it_is_a_suspicion():
    busy = [leg(1, answer_time=None, final_status=486), leg(2, answer_time=None, final_status=486)]
    (found,) = found_in(exchange(0.6, "allocate", 486, username="721"), legs=busy)
    assert (found.verdict, found.confidence) == ("suspect", 0.5)
    assert "was never answered" in found.settle.en


@pytest.mark.parametrize("code", [401, 438])
def test_a_second_challenge_is_a_refusal(code):
    (found,) = found_in(challenge(0.5, code=code), challenge(0.7, code=code))
    assert found.facts["requests"] == 1
    assert found.evidence.frames == (110, 111)


def test_a_refusal_whose_request_is_missing_counts():
    (found,) = found_in(exchange(0.6, "create_permission", 403)[1:])
    assert found.facts["peers"] == ()


def test_an_answer_sent_again_counts_once():
    twice = exchange(0.6, "allocate", 486, username="721")
    (found,) = found_in([*twice, twice[1] | {"time": 0.9, "frame": 120}])
    assert found.facts["requests"] == 1


@pytest.mark.parametrize("code", [401, 438, 300])
def test_silent_where_the_server_asks_for_credentials_or_names_another(code):
    assert found_in(challenge(code=code)) == []


def test_silent_where_another_request_is_granted():
    refused = exchange(0.6, "allocate", 440, username="721")
    assert found_in(refused, granted(0.7)) == []
    assert found_in(refused, granted(0.5)) == []


def test_silent_about_one_peer_where_another_is_permitted():
    public = granted(1.1, "create_permission", peer_addr="203.0.113.10", peer_port=30000)
    assert found_in(exchange(1.0, "create_permission", 403, username="721", **PEER), public) == []


def test_silent_about_an_allocation_where_a_relay_was_offered():
    relay = candidate("client", "203.0.113.201", "documentation", "relay")
    assert found_in(exchange(0.6, "allocate", 403, username="721"), candidates=[relay]) == []


def test_silent_where_the_leg_connected_without():
    messages = exchange(0.6, "allocate", 403, username="721")
    assert asked(RULE, stun_messages=messages) == []


def test_silent_about_checks_that_are_refused():
    assert found_in(exchange(0.6, "binding", 487, username="a:b")) == []


def test_a_relay_of_the_other_ip_version_than_the_peer():
    refused = exchange(1.0, "create_permission", 443, username="721", **PEER)
    (found,) = found_in(granted(0.6), refused)
    shown = told_both(found, RULE)["en"]
    assert "443 (Peer Address Family Mismatch)" in shown["title"]
    assert "The relay has the other IP version than the peer" in shown["causes"]
    assert "allocation-default-address-family" in shown["remedies"]


PHONE, OTHER = "10.0.9.5", "10.0.9.6"  # in no call of the scene


def outside(*exchanges, phone=PHONE, **changes):
    messages = [message for each in exchanges for message in each]
    own = [
        row | {end: phone for end in ("src_addr", "dst_addr") if row[end] == CLIENT_PUBLIC}
        for row in messages
    ]
    return asked(RULE, outside=True, **({"stun_messages": own, **BROKEN} | changes))


REFUSED = (challenge(), exchange(0.6, "allocate", 401, username="721"))


def test_a_client_that_gets_no_relay_and_places_no_call():
    (found,) = outside(*REFUSED)
    assert (found.verdict, found.call, found.leg) == ("suspect", None, None)
    assert found.tags == {"401", "allocate"}
    assert f"1 request of {PHONE}:50000" in told_both(found, RULE)["en"]["detail"]
    assert outside(exchange(0.6, "allocate", None))[0].facts["code"] is None


def test_of_several_clients_that_one_server_refuses_there_is_one_finding():
    def of(phone, capture):
        rows = [row for each in REFUSED for row in each]
        ends = ("src_addr", "dst_addr")
        return [
            row
            | {end: phone for end in ends if row[end] == CLIENT_PUBLIC}
            | {"capture": capture, "transaction_id": f"{row['transaction_id']}{phone}"}
            for row in rows
        ]

    (found,) = asked(
        RULE, outside=True, **BROKEN, stun_messages=[*of(PHONE, "a.pcapng"), *of(OTHER, "a.pcapng")]
    )
    assert found.facts["clients"] == (f"{PHONE}:50000", f"{OTHER}:50000")
    # The same transactions at a second place, across a NAT, are the same.
    again = [
        row | {end: OTHER for end in ("src_addr", "dst_addr") if row[end] == PHONE}
        for row in of(PHONE, "b.pcapng")
    ]
    (found,) = asked(RULE, outside=True, **BROKEN, stun_messages=[*of(PHONE, "a.pcapng"), *again])
    assert found.facts["requests"] == 1


def test_silent_outside_calls_where_a_relay_is_granted_or_only_credentials_are_asked_for():
    assert outside(*REFUSED, granted(0.9)) == []
    assert outside(challenge()) == []
    assert outside(exchange(0.6, "create_permission", 403, username="721")) == []


@pytest.mark.parametrize("at", [0.0, -29.0, 29.0])
def test_silent_outside_calls_where_the_host_has_a_call_meanwhile(at):
    assert outside(*REFUSED, sip_messages=[message(1, "INVITE", 0.6 + at, src_addr=PHONE)]) == []
    assert outside(*REFUSED, rtp_streams=[plain_stream("192.0.2.1", PHONE)]) == []
    assert outside(*REFUSED, bindings=[check(src_addr=PHONE, time=0.6 + at)]) == []
    assert outside(*REFUSED, sip_messages=[message(1, "INVITE", 41.0, src_addr=PHONE)]) != []
    assert outside(*REFUSED, bindings=[check(src_addr=PHONE, outcome="unanswered")]) != []


def test_a_call_s_own_refusal_is_not_told_twice():
    (found,) = found_in(*REFUSED)
    assert found.leg == 1
    assert found_in(*REFUSED, outside=True) == []
