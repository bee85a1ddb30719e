"""Certificates that have run out."""

from postproc.diagnose.rules.certificate_expired import RULE
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import UNREADABLE, handshake, refused
from tests.diagnose.web import asked as in_web

EXPIRED = {"not_after": "1969-12-31T00:00:00Z", "in_date": False}


def found(*tls, **more):
    return in_web(asked, RULE, tls=tls, **more)


def test_any_alert_on_a_certificate_is_for_its_expiry_where_that_can_be_read():
    (one,) = found(refused("certificate_unknown", **EXPIRED), refused("bad_certificate", number=1, **EXPIRED))
    assert (one.verdict, one.confidence, one.facts["times"], one.facts["tests"]) == (
        "fault",
        0.95,
        2,
        ("health",),
    )
    assert "1969-12-31" in told_both(one, RULE)["en"]["detail"]


def test_the_alert_alone_says_it_where_the_certificate_cannot_be_read():
    (one,) = found(refused("certificate_expired", **UNREADABLE))
    assert one.confidence == 0.9


def test_a_client_that_goes_away_without_an_alert():
    (one,) = found(handshake("closed", broken_by="client", alert_frame=9, **EXPIRED))
    assert (one.verdict, one.confidence) == ("suspect", 0.8)


def test_silent_where_nobody_minds_and_on_other_faults():
    assert found(handshake(**EXPIRED)) == []
    assert found(refused()) == []
    assert found(refused("certificate_expired", in_date=True)) == []
