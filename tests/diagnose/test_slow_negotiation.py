"""A long time from the INVITE to the server's SDP."""

from postproc.diagnose.rules.slow_negotiation import RULE
from tests.builders import SERVER
from tests.diagnose.refusals import call, log
from tests.diagnose.scenes import asked, check, foreign, leg, message, told_both

LATE = [
    message(1, "INVITE", 0.0),
    message(1, 100, 0.01),
    message(1, 183, 0.9, has_sdp=True),
    message(2, "INVITE", 1.0),
    message(2, 180, 1.2),
    message(2, 200, 3.0),
    message(1, 200, 3.1),
]
LISTS = [
    log("acl", f'verifying acl "list{n}" for ip/port 192.0.2.1:0.', n, time=0.01 * n) for n in range(1, 31)
]


def test_a_late_183_is_noted():
    (found,) = asked(RULE, sip_messages=LATE)
    assert (found.verdict, found.leg, found.facts["took_ms"], found.evidence.frames) == (
        "note",
        1,
        900.0,
        (1, 3),
    )
    told = told_both(found, RULE)
    assert told["en"]["title"] == f"Slow negotiation: {SERVER} took 900 ms from the INVITE to its SDP."
    assert "500 ms" in told["de"]["detail"]


def test_many_lines_on_lists_give_the_reason():
    (found,) = asked(RULE, sip_messages=LATE, log_events=LISTS, rtp_streams=[])
    assert (found.verdict, found.tags, found.facts["lines"]) == ("suspect", {"lists"}, 30)
    assert "fs.log:1 verifying acl" in told_both(found, RULE)["en"]["detail"]


def test_it_stays_a_note_where_media_flows():
    (found,) = asked(RULE, sip_messages=LATE, log_events=LISTS)
    assert (found.verdict, found.confidence) == ("note", 0.8)


def test_a_look_up_in_between_is_told():
    looked_up = check(purpose="discovery", direction="other", dst_addr="192.0.2.53", time=0.1)
    (found,) = asked(RULE, sip_messages=LATE, bindings=[looked_up])
    assert "STUN-Server" in told_both(found, RULE)["de"]["detail"]


def test_silent_when_the_server_waited_for_the_other_side():
    early = [*LATE[:2], message(2, "INVITE", 0.1), message(2, 180, 0.8), message(1, 183, 0.9, has_sdp=True)]
    assert asked(RULE, sip_messages=early) == []


def test_silent_when_the_answer_waits_for_people():
    assert asked(RULE, sip_messages=[message(1, "INVITE", 0.0), message(1, 200, 9.0, has_sdp=True)]) == []


def test_silent_on_a_leg_that_the_server_makes():
    assert asked(RULE, sip_messages=LATE, legs=[leg(1, role="outbound"), leg(2, role="inbound")]) == []


def test_a_single_leg_may_wait_for_what_is_not_in_sight_unless_the_log_says_why():
    alone = {"sip_messages": LATE[:3], "legs": [leg(1, role="single")], "calls": [call(200)]}
    assert asked(RULE, **alone) == []
    assert len(asked(RULE, **alone, log_events=LISTS)) == 1


def test_silent_on_good_and_foreign_calls():
    assert asked(RULE) == []
    assert asked(RULE, base=foreign()) == []
