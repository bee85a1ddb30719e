"""STUN look-ups of the server without an answer."""

from postproc.diagnose.rules.stun_server_unreachable import RULE
from tests.builders import SERVER
from tests.diagnose.refusals import log
from tests.diagnose.scenes import CLIENT_PRIVATE, asked, candidate, check, leg, told_both

STUN = "192.0.2.53"
NOTHING_OFFERED = {"candidates": [candidate("client", CLIENT_PRIVATE, "private")]}


def look_up(n: int = 0, source: str = SERVER, **changes):
    base = {
        "purpose": "discovery",
        "direction": "other",
        "src_addr": source,
        "dst_addr": STUN,
        "dst_port": 3478,
    }
    return check(time=0.1 + 5 * n, transaction_id=f"q{n}", **base | {"outcome": "unanswered"} | changes)


def test_unanswered_look_ups_of_the_server_are_a_fault():
    (found,) = asked(RULE, bindings=[look_up(n) for n in range(5)], **NOTHING_OFFERED)
    assert (found.verdict, found.facts["stun_server"], found.facts["requests"]) == (
        "fault",
        "192.0.2.53:3478",
        5,
    )
    assert "5 look-ups" in told_both(found, RULE)["en"]["title"]


def test_the_rejection_that_follows_is_named():
    failed = leg(1, final_status=502, state="failed", answer_time=None, end_time=25.6)
    (found,) = asked(RULE, bindings=[look_up()], legs=[failed], **NOTHING_OFFERED)
    assert "502" in told_both(found, RULE)["de"]["detail"]
    assert "25,6 s" in told_both(found, RULE)["de"]["detail"]


def test_the_log_is_quoted():
    said = {
        "kind": "stun",
        "text": "STUN Failed! 192.0.2.53:3478 [Timeout]",
        "call_id": "a@x",
        "capture": "x.log",
    }
    (found,) = asked(RULE, bindings=[look_up()], log_events=[said], **NOTHING_OFFERED)
    assert "[Timeout]" in told_both(found, RULE)["en"]["detail"]


def test_without_a_look_up_in_the_captures_the_log_is_evidence_enough():
    line = log("stun", "STUN Failed! 192.0.2.53:3478 [Timeout]")
    (found,) = asked(RULE, bindings=[], log_events=[line], **NOTHING_OFFERED)
    assert (found.verdict, found.confidence, found.leg) == ("fault", 0.9, 1)
    told = told_both(found, RULE)
    assert told["en"]["title"] == "The STUN server 192.0.2.53:3478 did not answer the server: Timeout."
    assert told["en"]["detail"] == (
        "The server's log says so: fs.log:7 STUN Failed! 192.0.2.53:3478 [Timeout]."
    )
    assert "zu 192.0.2.53:3478 und zurück" in told["de"]["remedies"]


def test_silent_where_the_log_tells_of_a_success_or_the_address_is_known():
    line = log("stun", "STUN Success [203.0.113.10]:[40424]")
    assert asked(RULE, bindings=[], log_events=[line], **NOTHING_OFFERED) == []
    assert asked(RULE, bindings=[], log_events=[log("stun", "STUN Failed! 192.0.2.53:3478 [Timeout]")]) == []


def test_silent_when_another_server_answered():
    assert (
        asked(
            RULE,
            bindings=[look_up(), look_up(1, outcome="success", dst_addr="192.0.2.54")],
            **NOTHING_OFFERED,
        )
        == []
    )


def test_silent_about_a_clients_look_ups():
    assert asked(RULE, bindings=[look_up(source="192.168.178.34")], **NOTHING_OFFERED) == []


def test_silent_while_an_answer_may_still_come():
    assert asked(RULE, bindings=[look_up(outcome="pending")], **NOTHING_OFFERED) == []


def test_one_look_up_alone_may_have_been_lost():
    (found,) = asked(RULE, bindings=[look_up()], **NOTHING_OFFERED)
    assert found.verdict == "suspect"
    assert "single look-up" in told_both(found, RULE)["en"]["detail"]


def test_silent_when_the_server_knows_its_public_address_all_the_same():
    assert asked(RULE, bindings=[look_up(n) for n in range(5)]) == []


def test_one_look_up_of_a_leg_whose_sip_cannot_be_read_proves_nothing():
    """What the server offered there is not known: it may know its public address well."""
    hidden = {"legs": [leg(2, leg=2, call_id="b@x")], "sdp_media": [], "candidates": []}
    (found,) = asked(RULE, bindings=[look_up(), check()], **hidden)
    assert found.verdict == "note"
