"""Transfers that come to nothing."""

import pytest

from postproc.diagnose.rules.transfer_failed import RULE
from tests.diagnose.scenes import (
    APP,
    GATEWAY,
    SERVER,
    asked,
    good,
    leg,
    message,
    plain_stream,
    told_both,
    verdict,
)

TARGET = "sip:4930111@pbx"
REFER = message(1, "REFER", 8.0, frame=40, cseq=5, refer_to=TARGET)


def answered(status):
    return message(1, status, 8.1, frame=41, cseq=5, cseq_method="REFER", reason="No")


def notified(status, time=8.2):
    back = {"src_addr": SERVER, "dst_addr": APP}
    return message(1, "NOTIFY", time, frame=42, cseq=9, fragment_status=status, **back)


def third(**changes):
    """The leg that the server begins for the transfer."""
    row = leg(2, leg=3, call_id="c@x", frame=50, time=8.3, invite_time=8.3, answer_time=9.0, end_time=20.0)
    return [leg(1), leg(2), row | changes]


def spoiled(*sip, **changes):
    return asked(RULE, sip_messages=[*good()["sip_messages"], REFER, *sip], **changes)


def test_a_refer_that_is_refused():
    sip = [*good()["sip_messages"], REFER, answered(603)]
    (found,) = asked(RULE, sip_messages=sip)
    assert (found.verdict, found.leg, found.tags) == ("fault", 1, {"refused"})
    shown = told_both(found, RULE)
    assert shown["en"]["title"] == (
        f"The transfer to {TARGET} was refused: {SERVER} answers the REFER with 603 No."
    )
    assert "per REFER auf Leg 1 (Frame 40)" in shown["de"]["detail"]
    row = verdict(sip_messages=sip)
    assert (row.verdict, row.cause) == ("fault", "transfer-failed")


@pytest.mark.parametrize("status", [400, 416])
def test_a_refer_that_is_not_understood(status):
    (found,) = spoiled(answered(status))
    assert found.tags == {"unread"}
    assert TARGET in told_both(found, RULE)["en"]["causes"]


@pytest.mark.parametrize("status", [415, 488, 606])
def test_a_new_call_whose_offer_does_not_suit(status):
    (found,) = spoiled(answered(202), notified(status))
    assert (found.verdict, found.tags) == ("fault", {"unsuited"})


@pytest.mark.parametrize(("status", "expected"), [(404, "fault"), (503, "fault"), (486, "note")])
def test_what_notify_tells(status, expected):
    (found,) = spoiled(answered(202), notified(100), notified(status, 9.0))
    assert (found.verdict, found.tags) == (expected, {"failed"})
    assert "(frame 42)" in told_both(found, RULE)["en"]["detail"]


def test_a_new_leg_that_fails_without_a_word():
    (found,) = spoiled(answered(202), legs=third(final_status=500, final_reason="Oops", answer_time=None))
    assert "ended with 500 Oops" in told_both(found, RULE)["en"]["title"]


def test_a_new_leg_with_media_one_way():
    streams = [*good()["rtp_streams"], plain_stream(GATEWAY, SERVER, leg=3)]
    (found,) = spoiled(answered(202), notified(200), legs=third(), rtp_streams=streams)
    assert (found.verdict, found.tags, found.facts["number"]) == ("fault", {"media"}, 3)
    assert f"came from {GATEWAY}, none the other way" in told_both(found, RULE)["en"]["detail"]


BOTH = [plain_stream(GATEWAY, SERVER, leg=3), plain_stream(SERVER, GATEWAY, leg=3)]


@pytest.mark.parametrize(
    ("sip", "changes"),
    [
        ([answered(202), notified(200)], {}),
        ([answered(407)], {}),
        ([answered(202), notified(100)], {}),
        ([answered(202), notified(200)], {"legs": third(), "rtp_streams": BOTH}),
        ([answered(202), notified(200)], {"legs": third(), "rtp_streams": []}),  # media goes past the capture
        ([answered(202)], {"legs": third(end_time=10.0), "rtp_streams": BOTH[:1]}),  # hung up at once
    ],
)
def test_silent(sip, changes):
    assert spoiled(*sip, **changes) == []


def test_silent_without_a_refer():
    assert asked(RULE, sip_messages=[*good()["sip_messages"], notified(404)]) == []


def forgotten(*more, ended=40.2, **changes):
    """A REFER that is accepted at 8.1 s, after which only the BYE comes."""
    held = {"rtp_streams": [row | {"last_time": 8.0} for row in good()["rtp_streams"]]}
    return spoiled(answered(202), *more, **held | {"legs": [leg(1, end_time=ended), leg(2)]} | changes)


def test_a_refer_that_is_accepted_and_forgotten():
    (found,) = forgotten()
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, {"forgotten"})
    told = told_both(found, RULE)
    assert "no NOTIFY and no new call for 32 s" in told["en"]["title"]
    assert "es wurde nichts daraus" in told["de"]["title"]


@pytest.mark.parametrize(
    ("more", "changes"),
    [
        ([], {"ended": 40.0}),
        ([], {"ended": None}),
        ([notified(100)], {}),
        ([], {"legs": third(end_time=60.0), "rtp_streams": BOTH}),
        ([], {"rtp_streams": [row | {"last_time": 40.1} for row in good()["rtp_streams"]]}),
    ],
    ids=["hung up before", "end unknown", "reported", "carried out", "they talk on"],
)
def test_silent_where_a_transfer_may_be_under_way(more, changes):
    assert forgotten(*more, **changes) == []
