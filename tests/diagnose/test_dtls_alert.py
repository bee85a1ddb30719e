"""A DTLS handshake that an alert ends."""

import pytest

from postproc.diagnose.rules.dtls_alert import RULE
from tests.builders import SERVER
from tests.diagnose.scenes import asked, good, stream, told_both

ALERT = dict(good()["dtls"][0]) | {"state": "alert", "completed": None, "alert": "protocol_version"}


# The alerts of RFC 5246, section 7.2.2, by what they blame.
TAGS = {
    "version": "protocol_version handshake_failure insufficient_security illegal_parameter",
    "certificate": "bad_certificate certificate_unknown unsupported_certificate unknown_ca certificate_expired"
    " certificate_revoked decrypt_error",
}
BLAMED = [(alert, {tag}) for tag, alerts in TAGS.items() for alert in alerts.split()]


@pytest.mark.parametrize(("alert", "tags"), [*BLAMED, ("internal_error", set())])
def test_the_alert_and_its_sender_are_named(alert, tags):
    sent = {"src_addr": SERVER, "content": "alert", "alert": alert, "time": 1.4}
    (found,) = asked(RULE, dtls=[ALERT | {"alert": alert}], dtls_messages=[sent], rtp_streams=[])
    assert (found.verdict, found.tags, found.facts["sender"]) == ("fault", tags, "10.0.50.118:30000")
    assert alert in told_both(found, RULE)["de"]["title"]


def test_an_unreadable_alert_is_still_one():
    (found,) = asked(RULE, dtls=[ALERT | {"alert": None}], rtp_streams=[])
    assert found.facts == {"alert": "–", "sender": "–"}


def test_silent_when_media_flows():
    assert asked(RULE, dtls=[ALERT]) == []


def test_silent_without_an_alert():
    assert asked(RULE, rtp_streams=[]) == []


@pytest.mark.parametrize(
    ("alert", "port", "fires"),
    [("encrypted", 30000, False), ("encrypted", 30002, True), ("internal_error", 30000, True)],
)
def test_an_encrypted_alert_after_media_between_the_same_ends_is_no_failure(alert, port, fires):
    """A snapshot length may cut off what completes the handshake."""
    one_way = stream("server_to_client", src_port=port)
    assert bool(asked(RULE, dtls=[ALERT | {"alert": alert}], rtp_streams=[one_way])) == fires


def test_an_encrypted_alert_of_the_side_that_never_sends_is_a_failure():
    """It refused the other's certificate, say, after that one had begun to send."""
    sent = {"src_addr": SERVER, "content": "alert", "alert": "encrypted", "time": 1.4}
    (found,) = asked(
        RULE,
        dtls=[ALERT | {"alert": "encrypted"}],
        dtls_messages=[sent],
        rtp_streams=[stream("client_to_server")],
    )
    assert (found.verdict, found.facts["sender"]) == ("fault", "10.0.50.118:30000")
