"""Handshakes without a common version of TLS."""

import pytest

from postproc.diagnose.rules.tls_version import RULE
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import asked as in_web
from tests.diagnose.web import handshake

OLD = {"oldest_offered": "TLS 1.0", "newest_offered": "TLS 1.1"}


def found(*tls):
    return in_web(asked, RULE, tls=tls)


def failed(by="server", alert="protocol_version", **more):
    return handshake("alert", **{"broken_by": by, "alert": alert, "alert_frame": 9, "version": None} | more)


def test_an_old_client_beside_a_new_one_that_works():
    (one,) = found(failed(**OLD), handshake(number=1))
    assert (one.verdict, one.tags, one.facts["works"]) == ("fault", {"old_client"}, ("TLS 1.2",))
    assert "TLS 1.2" in told_both(one, RULE)["en"]["detail"]


@pytest.mark.parametrize(("by", "chosen"), [("server", None), ("client", "TLS 1.0")])
def test_an_old_server(by, chosen):
    (one,) = found(failed(by, version=chosen))
    assert (one.tags, one.facts["chosen"]) == ({"old_server"}, chosen or "")


def test_a_client_that_just_closes_on_a_version_it_does_not_speak():
    (one,) = found(handshake("closed", broken_by="client", version="TLS 1.0"))
    assert one.facts["alert"] == ""


def test_an_unspecific_alert_counts_only_of_an_old_client():
    (one,) = found(failed(alert="handshake_failure", **OLD))
    assert one.confidence < 0.9
    assert found(failed(alert="handshake_failure")) == []


def test_silent_where_the_same_client_gets_through_and_on_other_alerts():
    assert found(failed(), handshake(number=1)) == []
    assert found(failed(alert="unrecognized_name")) == []
    assert found(handshake("closed", broken_by="client")) == []
    assert found(failed(port=5061)) == []  # SIP has a rule of its own
