"""Certificates that clients do not trust, and faults that cannot be read."""

import pytest

from postproc.diagnose.evidence.web import FEWEST_GONE
from postproc.diagnose.rules.certificate_not_trusted import RULE
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import PROXY, UNREADABLE, handshake, refused
from tests.diagnose.web import asked as in_web

SELF_SIGNED = {"self_signed": True, "issuer": "machine", "subject": "machine", "certificates": 1}
GONE = {"broken_by": "client", "alert_frame": 9}


def found(*tls, **more):
    return in_web(asked, RULE, tls=tls, **more)


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        ("self_signed", SELF_SIGNED),
        ("not_yet", {"not_before": "2199-06-01T00:00:00Z", "in_date": False}),
        ("unknown", {"ca_issuers": False, "certificates": 1}),
        ("unreadable", UNREADABLE),
    ],
)
def test_an_alert_and_what_is_seen_of_the_certificate(fault, changes):
    (one,) = found(refused("bad_certificate", **changes))
    assert (one.verdict, one.tags) == ("fault", {fault})


def test_the_proper_one_stands_on_another_machine():
    wrong = SELF_SIGNED | {"names": "machine", "fits_name": False}
    (one,) = found(refused(**wrong), handshake(server=PROXY, server_name=None, number=1))
    assert (one.tags, one.facts["other"]) == ({"self_signed", "elsewhere"}, PROXY)
    assert "machine" in told_both(one, RULE)["en"]["detail"]


@pytest.mark.parametrize("outcome", ["closed", "alert"])
def test_without_keys_nothing_of_the_fault_is_claimed(outcome):
    alert = "encrypted" if outcome == "alert" else None
    away = [handshake(outcome, number=n, alert=alert, **GONE | UNREADABLE) for n in range(FEWEST_GONE)]
    (one,) = found(*away)
    assert (one.verdict, one.confidence) == ("cannot_tell", 0.5)
    assert found(*away[1:]) == []


def test_silent_where_the_server_breaks_it_off_and_where_the_certificate_is_accepted():
    assert found(refused("unrecognized_name", broken_by="server")) == []
    assert found(handshake(**SELF_SIGNED)) == []
    assert found(handshake(requested=False, **UNREADABLE)) == []
    inner = handshake("closed", number=1, **GONE | SELF_SIGNED)
    assert found(handshake(**SELF_SIGNED), inner) == []
