"""422: a session timer that is too short."""

import pytest

from postproc.diagnose.rules.session_interval_too_small import RULE
from tests.diagnose.refusals import at_once, passed_on
from tests.diagnose.scenes import asked, message, told_both, verdict


def refused(least=120, wanted=90):
    scene = at_once(422)
    scene["sip_messages"][0] |= {"session_expires": wanted}
    scene["sip_messages"][1] |= {"min_se": least, "reason": "Session Interval Too Small"}
    return scene


def test_both_intervals_are_told():
    (found,) = asked(RULE, **refused())
    assert (found.verdict, found.leg) == ("fault", 1)
    shown = told_both(found, RULE)
    assert shown["en"]["detail"].startswith(
        "The INVITE asks for 90 s (Session-Expires); at least 120 s are wanted (Min-SE)."
    )
    assert "mindestens 120 s sind gefordert" in shown["de"]["detail"]
    row = verdict(**refused())
    assert (row.verdict, row.cause) == ("fault", "session-interval-too-small")


def test_a_response_without_min_se_is_understood_all_the_same():
    (found,) = asked(RULE, **refused(least=None, wanted=None))
    assert "None" not in told_both(found, RULE)["en"]["detail"]


def test_the_refusal_of_the_other_leg_is_told_with_what_the_caller_hears():
    scene = passed_on(503, first=422)
    scene["sip_messages"][4] |= {"min_se": 1800}
    (found,) = asked(RULE, **scene)
    assert found.leg == 2
    detail = told_both(found, RULE)["en"]["detail"]
    assert "At least 1800 s are wanted" in detail and "The caller got it as 503 No" in detail


@pytest.mark.parametrize(
    "scene",
    [
        at_once(423),
        passed_on(503),
        {
            "sip_messages": [
                message(1, "INVITE", 0.0),
                message(1, 422, 0.01, min_se=120),
                message(1, "INVITE", 0.02, cseq=2),
                message(1, 200, 1.0, cseq=2),
            ]
        },  # asked again, and answered
    ],
)
def test_silent(scene):
    assert asked(RULE, **scene) == []
