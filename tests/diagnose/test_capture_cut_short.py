"""The capture ends before the call."""

import pytest

from postproc.diagnose.rules.capture_cut_short import RULE
from tests.diagnose.refusals import NO_MEDIA
from tests.diagnose.scenes import asked, check, foreign, leg, message, stream, told_both, unanswered, verdict

UP = {"end_time": None, "state": "answered"}
RINGING = {**UP, "answer_time": None, "final_status": None, "state": "ringing"}


def until(last, **changes):
    return {"captures": [{"first_time": 0.0, "last_time": last, "packets": 9} | changes]}


def test_too_soon_after_the_first_check_nothing_can_be_told():
    (found,) = asked(
        RULE,
        **NO_MEDIA | {"bindings": unanswered(2)},
        **until(3.5),
        legs=[leg(1, **RINGING)],
        sip_messages=[message(1, "INVITE", 0.0)],
    )
    assert (found.verdict, found.facts["seconds"]) == ("cannot_tell", 2.5)
    told = told_both(found, RULE)
    assert told["en"]["title"].startswith("The capture ends 2.5 s after the first Binding Request")
    assert "2,5 s" in told["de"]["title"]


def test_too_soon_after_the_answer_nothing_can_be_told():
    (found,) = asked(
        RULE,
        **NO_MEDIA,
        **until(4.5),
        legs=[leg(1, **UP), leg(2, **UP)],
        sip_messages=[message(1, "INVITE", 0.0), message(1, 200, 3.0)],
    )
    assert found.verdict == "cannot_tell"
    assert "1.5 s after the answer" in told_both(found, RULE)["en"]["title"]


@pytest.mark.parametrize(("state", "watched"), [({"progress_time": 0.5}, 100), ({"progress_time": None}, 20)])
def test_before_the_answer_nothing_can_be_told(state, watched):
    one = leg(1, **RINGING | state)
    (found,) = asked(RULE, **NO_MEDIA, **until(watched), legs=[one], sip_messages=[message(1, "INVITE", 0.0)])
    assert "before the call is answered" in told_both(found, RULE)["en"]["title"]


def test_it_is_but_a_note_where_enough_was_seen():
    (found,) = asked(RULE, **until(20.5), legs=[leg(1, **UP), leg(2, **UP)])
    assert found.verdict == "note"
    assert "still up" in told_both(found, RULE)["en"]["title"]


@pytest.mark.parametrize("state", [RINGING, UP])
def test_silent_where_the_answer_or_the_end_may_be_among_messages_that_are_cut(state):
    one = leg(1, **state)
    given = NO_MEDIA | {"legs": [one], "sip_messages": [message(1, "INVITE", 0.0)]}
    assert len(asked(RULE, **given, **until(8.0))) == 1
    assert asked(RULE, **given, **until(8.0, messages_cut=1)) == []


def test_a_file_that_ends_inside_a_packet_is_named():
    (found,) = asked(RULE, **until(20.5, cut_short=True), legs=[leg(1, **UP), leg(2, **UP)])
    assert "a.pcapng" in told_both(found, RULE)["de"]["detail"]


def test_an_ice_session_without_sip_that_has_just_begun():
    bare = {"legs": [], "sip_messages": [], "sdp_media": [], "candidates": [], "pairs": [], "dtls": []}
    asking = [check(time=1.0, outcome="pending", leg=None)]
    (found,) = asked(RULE, **bare, **until(2.0), bindings=asking, rtp_streams=[])
    assert (found.verdict, found.leg) == ("cannot_tell", None)
    assert asked(RULE, **bare, **until(9.0), bindings=asking, rtp_streams=[]) == []


def test_silent_when_the_call_has_ended():
    assert asked(RULE, **until(20.1)) == []
    assert asked(RULE, **until(20.1), legs=[leg(1, **UP), leg(2)]) == []


def test_one_cancelled_branch_is_not_the_end():
    branch = leg(2, leg=3, call_id="c@x", **UP)
    assert len(asked(RULE, **until(20.5), legs=[leg(1, **UP), leg(2, end_time=1.0), branch])) == 1


def test_silent_when_the_call_fell_silent_long_before_the_capture_ended():
    assert asked(RULE, **until(60.0), legs=[leg(1, **UP), leg(2, **UP)]) == []
    assert (
        asked(
            RULE,
            **NO_MEDIA,
            **until(60.0),
            legs=[leg(1, **RINGING | {"progress_time": None})],
            sip_messages=[message(1, "INVITE", 0.0)],
        )
        == []
    )


def test_silent_when_the_captures_end_is_not_known():
    assert asked(RULE, captures=[{"last_time": None}], legs=[leg(1, **UP), leg(2, **UP)]) == []


def test_silent_without_any_message():
    assert asked(RULE, sip_messages=[], bindings=[], rtp_streams=[stream(leg=None)], legs=[]) == []


def test_the_call_is_not_judged_then():
    row = verdict(
        **NO_MEDIA | {"bindings": [check(outcome="pending")]},
        **until(2.0),
        legs=[leg(1, **RINGING)],
        sip_messages=[message(1, "INVITE", 0.0)],
    )
    assert (row.verdict, row.cause) == ("cannot_tell", "capture-cut-short")


def test_silent_on_good_and_foreign_calls():
    assert asked(RULE) == []
    assert asked(RULE, base=foreign()) == []


def test_a_cut_file_with_a_whole_call_in_it_is_no_trouble(judged):
    found = judged("made/cut_short.pcap").tables
    assert bool(found.captures["cut_short"].iloc[0])
    assert list(found.calls["verdict"]) == ["ok"]
    assert "capture-cut-short" not in set(found.findings["name"])
