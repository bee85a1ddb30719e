"""The called device is not registered."""

import pytest

from postproc.diagnose.rules.callee_unreachable import RULE
from tests.diagnose.refusals import at_once, log, passed_on
from tests.diagnose.scenes import asked, told_both, verdict

ABSENT = 'Q.850;cause=20;text="SUBSCRIBER_ABSENT"'
LINE = "Cannot create outgoing channel of type [user] cause: [USER_NOT_REGISTERED]"


@pytest.mark.parametrize("status", [404, 410, 480, 503])
def test_an_absent_subscriber_is_a_suspicion_though_480_is_an_everyday_end(status):
    scene = at_once(status, after=0.02, reason_header=ABSENT)
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.confidence, found.leg) == ("suspect", 0.8, 1)
    shown = told_both(found, RULE)
    assert f"the server answers {status} No without asking the other side" in shown["en"]["title"]
    assert "(Q.850 cause 20), 20 ms after the INVITE" in shown["en"]["detail"]
    assert "ob das Gerät angemeldet war" in shown["de"]["detail"]
    row = verdict(**scene)
    assert (row.verdict, row.cause) == ("suspect", "callee-unreachable")


def test_the_log_makes_it_sure():
    (found,) = asked(RULE, **at_once(480, after=0.02), log_events=[log("originate_failed", LINE)])
    assert (found.verdict, found.confidence) == ("fault", 0.9)
    assert "USER_NOT_REGISTERED" in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize(
    "scene",
    [
        at_once(480, after=20.0),  # away, and nothing says more
        at_once(480, reason_header='Q.850;cause=19;text="NO_ANSWER"'),
        at_once(486, reason_header=ABSENT),
        passed_on(480),
    ],
)
def test_silent(scene):
    assert asked(RULE, **scene) == []
