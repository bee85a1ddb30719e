"""Negotiations of SignalR that no channel follows."""

from postproc.diagnose.rules.event_channel_missing import FEWEST, RULE, WATCHED_S
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import asked as in_web
from tests.diagnose.web import handshake, negotiated, poll, upgrade


def found(*http, **more):
    return in_web(asked, RULE, http=http, **more)


def granted(count=FEWEST):
    return [negotiated(at=2.0 + n) for n in range(count)]


def test_negotiated_again_and_again():
    (one,) = found(*granted(4))
    assert (one.verdict, one.facts["times"], one.facts["tests"]) == ("fault", 4, ("hub",))
    assert "58 s" in told_both(one, RULE)["en"]["detail"]


def test_silent_where_a_channel_was_asked_for():
    assert found(*granted(), upgrade(400, at=9.0)) == []
    assert found(*granted(), poll(at=9.0)) == []


def test_silent_where_it_cannot_be_known():
    assert found(*granted(FEWEST - 1)) == []
    assert found(*granted(), lasts=2.0 + WATCHED_S - 0.1) == []
    assert len(found(*granted(), lasts=2.0 + WATCHED_S)) == 1
    assert found(*granted(), tls=[handshake(number=7)]) == []
    assert found(negotiated(401), negotiated(401, at=3.0)) == []
