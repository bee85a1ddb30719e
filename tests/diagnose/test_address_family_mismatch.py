"""One side with IPv6 only, the other with IPv4 only."""

import pytest

from postproc.diagnose.rules.address_family_mismatch import RULE
from tests.builders import APP, SERVER
from tests.diagnose.scenes import (
    CLIENT_PUBLIC,
    SERVER_PORT,
    SERVER_PUBLIC,
    asked,
    candidate,
    check,
    foreign,
    good,
    leg,
    message,
    section,
    stream,
    told_both,
    unanswered,
)

V6, OTHER_V6 = "2001:db8::34", "2001:db8::10"
SERVERS = candidate("server", SERVER_PUBLIC, "documentation")
DEAD = {"pairs": [], "dtls": [], "rtp_streams": [], "bindings": []}


def offered(*addresses: str, servers=(SERVERS,), **changes):
    mine = [candidate("client", addr, "public") for addr in addresses]
    return asked(RULE, **({"candidates": [*mine, *servers]} | DEAD | changes))


def test_ipv6_only_against_ipv4_only_is_a_fault():
    (found,) = offered(V6)
    assert (found.verdict, found.leg, found.tags) == ("fault", 1, {"answered"})
    assert "offers IPv6 only" in told_both(found, RULE)["en"]["title"]


def test_ipv4_only_against_ipv6_only_too():
    (found,) = offered(CLIENT_PUBLIC, servers=[candidate("server", OTHER_V6, "public")])
    assert (found.facts["offered"], found.facts["answered"]) == ("IPv4", "IPv6")


def test_without_ice_the_connection_address_counts():
    plain = {"ufrag": None, "setup": None, "fingerprint": None, "proto": "RTP/AVP"}
    sections = [
        section(connection_addr=V6, **plain),
        section(connection_addr="192.0.2.20", time=0.5, frame=5, **plain),
    ]
    (found,) = asked(RULE, base=foreign(), sdp_media=sections, rtp_streams=[])
    assert found.facts["offered"] == "IPv6"
    sections[0] |= {"alternatives": "192.0.2.10 4000"}
    assert asked(RULE, base=foreign(), sdp_media=sections, rtp_streams=[]) == []


def test_unanswered_checks_do_not_hide_it():
    assert len(offered(V6, bindings=unanswered(3))) == 1


@pytest.mark.parametrize(
    "addresses", [(V6, CLIENT_PUBLIC), (CLIENT_PUBLIC,), ("abc.local",), (V6, "abc.local")]
)
def test_silent_where_a_version_is_shared_or_hidden(addresses):
    assert offered(*addresses) == []


def test_silent_where_nothing_is_said_of_addresses():
    nowhere = [section(connection_addr="0.0.0.0"), *good()["sdp_media"][1:]]
    assert asked(RULE, candidates=[SERVERS], sdp_media=nowhere, **DEAD) == []


def test_silent_where_something_came_through():
    """NAT64, or a relay that has both."""
    assert offered(V6, bindings=[check()]) == []
    assert offered(V6, rtp_streams=[stream(), stream("client_to_server")]) == []


def test_silent_before_the_answer():
    assert offered(V6, legs=[leg(1, answer_time=None, final_status=486), leg(2, answer_time=None)]) == []


def test_silent_where_the_audio_is_refused():
    refused = [
        section(),
        section(
            sdp_owner="FreeSWITCH", port=0, connection_addr=SERVER_PUBLIC, ufrag="server", time=0.2, frame=5
        ),
    ]
    assert offered(V6, sdp_media=refused) == []


def refusal(status: int = 488, addr: str = V6, **changes):
    no = {
        "answer_time": None,
        "final_status": status,
        "final_reason": "Not Acceptable Here",
        "state": "failed",
    }
    tables = {
        "legs": [leg(1, **no)],
        "sip_messages": [
            message(1, "INVITE", 0.0, frame=1, cseq=1),
            message(1, status, 0.02, frame=4, cseq=1, reason="Not Acceptable Here"),
        ],
        "sdp_media": [section()],
        "candidates": [candidate("client", addr, "public")],
    }
    return asked(RULE, **(tables | DEAD | changes))


def test_an_offer_of_one_version_refused_over_the_other_is_a_suspicion():
    (found,) = refusal()
    assert (found.verdict, found.tags) == ("suspect", {"refused"})
    assert SERVER in told_both(found, RULE)["en"]["title"]


def test_the_log_makes_it_certain():
    line = {
        "call": 1,
        "leg": 1,
        "call_id": "a@x",
        "frame": 77,
        "time": 0.01,
        "level": "NOTICE",
        "source": "x.c:1",
        "text": f"Drop audio Candidate cid: 1 proto: udp type: host addr: {V6}:{SERVER_PORT} (no network path)",
    }
    (found,) = refusal(log_events=[line])
    assert (found.verdict, found.settle) == ("fault", None)
    (other,) = refusal(log_events=[line | {"text": "Drop audio Candidate"}])
    assert other.verdict == "suspect"


def test_silent_for_other_refusals_and_for_an_offer_of_the_same_version():
    assert refusal(486) == []
    assert refusal(addr=CLIENT_PUBLIC) == []
    assert refusal(sdp_media=[]) == []


def test_silent_where_the_machine_is_reached_by_the_offered_version():
    messages = [
        message(1, "INVITE", 0.0, frame=1, cseq=1, dst_addr=OTHER_V6),
        message(1, 488, 0.02, frame=4, cseq=1, src_addr=OTHER_V6, dst_addr=APP),
    ]
    assert refusal(sip_messages=messages) == []
