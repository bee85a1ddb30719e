"""Certificates without those between them and the root."""

from postproc.diagnose.rules.certificate_chain import RULE
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import asked as in_web
from tests.diagnose.web import handshake, refused


def found(*tls):
    return in_web(asked, RULE, tls=tls)


def test_a_certificate_alone_that_names_its_issuers_address():
    (one,) = found(refused("unknown_ca", certificates=1))
    assert (one.verdict, one.facts["sent"]) == ("fault", 1)


def test_another_client_that_knows_what_is_missing():
    (one,) = found(
        refused(certificates=1, ca_issuers=False), handshake(certificates=1, client="10.0.0.9", number=1)
    )
    assert "desktop browsers" in told_both(one, RULE)["en"]["detail"]


def test_a_chain_in_the_wrong_order_and_a_client_without_an_alert():
    (one,) = found(handshake("closed", broken_by="client", alert_frame=9, chain_breaks=True))
    assert one.verdict == "suspect"


def test_silent_on_whole_chains_and_on_private_roots():
    assert found(refused("unknown_ca")) == []
    assert found(refused("unknown_ca", certificates=1, ca_issuers=False)) == []
    assert found(handshake(certificates=1)) == []
