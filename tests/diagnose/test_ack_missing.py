"""A 200 that nobody acknowledges."""

import pytest

from postproc.diagnose.rules.ack_missing import RULE
from tests.diagnose.scenes import SERVER, asked, message, told_both, verdict

INVITE = message(1, "INVITE", 0.0, frame=1, cseq=7)
TIMES = (3.0, 3.5, 4.5, 6.5, 10.5)


def answers(*times, **changes):
    return [message(1, 200, time, frame=20 + n, cseq=7, **changes) for n, time in enumerate(times)]


def ack(time, **changes):
    return message(1, "ACK", time, frame=40, cseq=7, **changes)


def test_a_200_repeated_without_an_ack_is_a_fault_however_good_the_media():
    sip = [
        INVITE,
        *answers(*TIMES, contact="sip:10.0.50.118:5060"),
        message(1, "BYE", 35.0, frame=50, cseq=9),
    ]
    (found,) = asked(RULE, sip_messages=sip)
    assert (found.verdict, found.confidence, found.leg, found.tags) == ("fault", 0.9, 1, frozenset())
    assert found.evidence.frames == (20, 21, 22, 23, 24, 50)
    shown = told_both(found, RULE)
    assert (
        shown["en"]["title"]
        == f"The 200 OK of leg 1 was never acknowledged: {SERVER} sent it 5 times in 8 s."
    )
    assert (
        shown["de"]["title"] == f"Das 200 OK auf Leg 1 wurde nie bestätigt: {SERVER} sendete es 5-mal in 8 s."
    )
    assert "No ACK for it (CSeq 7) is in the capture." in shown["en"]["detail"]
    assert "the ACK belongs to sip:10.0.50.118:5060" in shown["en"]["detail"]
    assert "32 s nach dem ersten 200 OK wurde der Anruf beendet." in shown["de"]["detail"]
    row = verdict(sip_messages=sip)
    assert (row.verdict, row.cause) == ("fault", "ack-missing")


@pytest.mark.parametrize(
    ("times", "count"),
    [
        ((3.0, 3.5, 4.5, 6.0), 1),  # as seldom and as short as it may be
        ((3.0, 4.0, 6.0), 0),
        ((3.0, 3.5, 4.5, 5.9), 0),
    ],
)
def test_four_times_in_three_seconds_is_the_least(times, count):
    assert len(asked(RULE, sip_messages=[INVITE, *answers(*times)])) == count


def test_an_ack_that_went_elsewhere_is_named():
    sip = [INVITE, *answers(*TIMES), ack(3.1, dst_addr="192.0.2.9")]
    (found,) = asked(RULE, sip_messages=sip)
    assert found.tags == {"elsewhere"}
    assert "An ACK for it went to 192.0.2.9 (frame 40)" in told_both(found, RULE)["en"]["detail"]


def test_a_re_invite_is_judged_as_well():
    again = [message(1, 200, time, frame=60 + n, cseq=8, to_tag="g") for n, time in enumerate(TIMES)]
    asked_again = message(1, "INVITE", 2.9, frame=59, cseq=8, to_tag="g")
    (found,) = asked(RULE, sip_messages=[INVITE, *answers(3.0), ack(3.1), asked_again, *again])
    assert found.facts["cseq"] == 8
    assert "It answers a re-INVITE" in told_both(found, RULE)["en"]["detail"]


def test_the_route_that_the_ack_should_have_taken_is_told():
    sip = [INVITE, *answers(*TIMES, contact="sip:a@192.0.2.9", record_route="sip:p2;lr, sip:p1;lr")]
    (found,) = asked(RULE, sip_messages=sip)
    assert (
        "geht das ACK über sip:p1;lr, sip:p2;lr an sip:a@192.0.2.9" in told_both(found, RULE)["de"]["detail"]
    )


@pytest.mark.parametrize(
    "sip",
    [
        [*answers(*TIMES), ack(10.6)],  # late, but it came
        [*answers(3.0, 3.5, 4.5)],  # an ACK on a slow network takes that long
        [*answers(3.0, 3.1, 3.2, 3.3, 3.4)],  # copies, not repetitions
        [*answers(3.0, 4.0), *answers(5.0, 8.0, dst_addr="192.0.2.7")],  # two hops
        [message(1, 200, time, cseq=7, cseq_method="BYE") for time in TIMES],
        [message(1, 183, time, cseq=7) for time in TIMES],
    ],
)
def test_silent(sip):
    assert asked(RULE, sip_messages=[INVITE, *sip]) == []
