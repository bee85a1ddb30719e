"""Calls that end because nobody refreshed their session timer."""

import pytest

from postproc.diagnose.rules.session_expired import RULE
from tests.diagnose.scenes import APP, SERVER, asked, message, told_both, verdict

BEGUN = (
    message(1, "INVITE", 0.0, frame=1, cseq=1, session_expires=90),
    message(1, 200, 3.0, frame=2, cseq=1, session_expires=90, refresher="uac", to_tag="t"),
)
SAID = 'SIP;cause=408;text="Session timeout"'


def bye(time, **changes):
    return message(1, "BYE", time, frame=50, cseq=9, to_tag="t", src_addr=SERVER, dst_addr=APP) | changes


def refresh(time, status=None, method="UPDATE", **changes):
    sent = [message(1, method, time, frame=30, cseq=2, to_tag="t") | changes]
    answer = message(
        1, status or 0, time + 0.1, frame=31, cseq=2, cseq_method=method, to_tag="t", reason="No"
    )
    return [*sent, answer] if status else sent


def test_a_timer_that_nobody_refreshed_and_the_bye_that_says_so():
    sip = [*BEGUN, bye(85.0, reason_header=SAID)]
    (found,) = asked(RULE, sip_messages=sip)
    assert (found.verdict, found.confidence, found.leg, found.tags) == ("fault", 0.95, 1, {"missing", "lost"})
    shown = told_both(found, RULE)
    assert (
        shown["en"]["title"]
        == f"The session timer ran out: {SERVER} ended the call 82 s after the last refresh."
    )
    assert f"within 90 s (Session-Expires), due from {APP}." in shown["en"]["detail"]
    assert "In dieser Zeit kam weder ein Re-INVITE noch ein UPDATE." in shown["de"]["detail"]
    row = verdict(sip_messages=sip)
    assert (row.verdict, row.cause) == ("fault", "session-expired")


def test_without_a_reason_it_is_a_suspicion():
    (found,) = asked(RULE, sip_messages=[*BEGUN, bye(85.0)])
    assert (found.verdict, found.settle is not None) == ("suspect", True)


@pytest.mark.parametrize(("status", "words"), [(488, "was refused: 488 No"), (None, "got no final response")])
def test_a_refresh_that_fails(status, words):
    (found,) = asked(RULE, sip_messages=[*BEGUN, *refresh(48.0, status), bye(80.0)])
    assert (found.verdict, found.tags) == ("fault", {"failed", "lost"})
    assert words in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize(("refreshed", "ended"), [(refresh(48.0, 481), 48.2), (refresh(48.0), 80.5)])
def test_who_finds_the_dialog_gone_ends_the_call_at_once(refreshed, ended):
    (found,) = asked(
        RULE, sip_messages=[*BEGUN[:1], BEGUN[1] | {"session_expires": 98}, *refreshed, bye(ended)]
    )
    assert "could not be refreshed" in told_both(found, RULE)["en"]["title"]


def test_silent_on_a_hold_that_fails_long_before_the_timer():
    assert asked(RULE, sip_messages=[*BEGUN, *refresh(20.0, 481, "INVITE"), bye(20.3)]) == []


def test_the_reason_alone_tells_it_where_the_answer_is_not_in_the_capture():
    (found,) = asked(RULE, sip_messages=[bye(85.0, reason_header=SAID)])
    assert found.facts["ender"] == SERVER


def test_the_interval_counts_from_the_last_refresh():
    again = refresh(45.0, 200)
    assert asked(RULE, sip_messages=[*BEGUN, *again, bye(85.0)]) == []
    (found,) = asked(RULE, sip_messages=[*BEGUN, *again, bye(128.0)])
    assert round(found.facts["seconds"]) == 83


@pytest.mark.parametrize(
    "sip",
    [
        [*BEGUN, bye(40.0)],  # hung up long before
        [*BEGUN, bye(85.0, reason_header="Q.850;cause=16")],  # hung up
        [*BEGUN, bye(85.0, call_id="b@x", src_addr=SERVER, dst_addr="10.0.50.20"), bye(85.2)],  # passed on
        [*BEGUN, bye(120.0)],  # nobody minded
        [*BEGUN, *refresh(48.0, 491), bye(80.0)],
        [message(1, "INVITE", 0.0, cseq=1), message(1, 200, 3.0, cseq=1), bye(85.0)],
        [*BEGUN, bye(35.0, reason_header='SIP;cause=408;text="ACK Timeout"')],
        [*BEGUN],
    ],
)
def test_silent(sip):
    assert asked(RULE, sip_messages=sip) == []


@pytest.mark.parametrize(("after", "count"), [(2.0, 1), (2.01, 0)])
def test_refreshes_that_meet_and_are_not_tried_again(after, count):
    scene = [*BEGUN, *refresh(48.0, 491, "INVITE"), bye(48.1 + after)]
    found = asked(RULE, sip_messages=scene)
    assert [(each.verdict, each.tags) for each in found] == [("suspect", {"clash"})] * count
    if found:
        told = told_both(found[0], RULE)
        assert "Both sides take themselves for the refresher" in told["en"]["causes"]
        assert "keep-alives" not in told["en"]["remedies"]


def test_silent_where_requests_meet_long_before_a_refresh_is_due():
    assert asked(RULE, sip_messages=[*BEGUN, *refresh(20.0, 491, "INVITE"), bye(20.5)]) == []
