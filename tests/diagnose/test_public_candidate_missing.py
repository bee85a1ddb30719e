"""Nothing that can be reached from outside is offered."""

import pytest

from postproc.diagnose.rules.public_candidate_missing import RULE
from tests.builders import SERVER
from tests.diagnose.scenes import (
    CLIENT_PRIVATE,
    SERVER_PUBLIC,
    asked,
    candidate,
    message,
    told_both,
    unanswered,
    verdict,
)

FAILED = {"bindings": unanswered(6), "rtp_streams": [], "dtls": [], "pairs": []}
PRIVATE = [candidate("client", CLIENT_PRIVATE, "private"), candidate("server", SERVER, "private")]


def test_both_sides_without_a_public_candidate_are_named_in_one_finding():
    (found,) = asked(RULE, candidates=PRIVATE, **FAILED)
    assert (found.verdict, found.tags) == ("suspect", {"client", "server", "no_relay"})
    told = told_both(found, RULE)
    assert told["en"]["title"] == (
        "Neither side offers a public candidate: client host 192.168.178.34:50000, server host 10.0.50.118:30000."
    )
    assert "Keine Seite" in told["de"]["title"]


@pytest.mark.parametrize(("caller", "found"), [(CLIENT_PRIVATE, 0), ("198.51.100.77", 1)])
def test_silent_about_two_sides_whose_signaling_comes_from_the_addresses_that_they_offer(caller, found):
    """No NAT is between either and the capture, so they are in one routed network."""
    sip = [
        message(1, "INVITE", 0.0, frame=1, src_addr=caller, dst_addr="203.0.113.9"),
        message(1, 200, 2.0, frame=5, src_addr=SERVER, dst_addr="203.0.113.9"),
    ]
    assert len(asked(RULE, candidates=PRIVATE, sip_messages=sip, **FAILED)) == found


def test_the_side_that_lacks_one_is_named():
    offered = [PRIVATE[0], candidate("server", SERVER_PUBLIC, "documentation")]
    (found,) = asked(RULE, candidates=offered, **FAILED)
    assert (found.facts["side"], found.verdict, found.settle) == ("client", "note", None)
    assert told_both(found, RULE)["de"]["title"].startswith("Der Client bietet keinen öffentlichen")


def test_carrier_nat_is_not_public():
    offered = [
        candidate("client", "100.64.1.1", "cgnat"),
        candidate("server", SERVER_PUBLIC, "documentation"),
    ]
    assert [found.facts["side"] for found in asked(RULE, candidates=offered, **FAILED)] == ["client"]


def test_a_server_without_one_is_suspected():
    offered = [candidate("client", "198.51.100.77", "documentation"), PRIVATE[1]]
    (found,) = asked(RULE, candidates=offered, **FAILED)
    assert (found.facts["side"], found.verdict) == ("server", "suspect")


def test_a_client_without_one_is_no_cause_where_the_server_has_one():
    """Its checks go to the server's, and open its own NAT (a browser without a STUN server)."""
    offered = [PRIVATE[0], candidate("server", SERVER_PUBLIC, "documentation")]
    assert verdict(candidates=offered, **FAILED).cause == "no-binding-success"


def test_the_call_gets_it_as_cause_and_the_bindings_as_its_consequence():
    row = verdict(candidates=PRIVATE, **FAILED)
    assert (row.verdict, row.cause) == ("fault", "public-candidate-missing")


def test_silent_when_the_private_addresses_do():
    assert asked(RULE, candidates=PRIVATE) == []


def test_silent_when_only_the_offer_is_known():
    assert asked(RULE, candidates=PRIVATE[:1], **FAILED) == []


def test_silent_when_both_offer_public_ones():
    assert asked(RULE, **FAILED) == []


def test_silent_of_a_client_that_hides_its_addresses():
    """mdns-only says why."""
    hidden = candidate("client", "6e1f3e44.local", "mdns")
    assert (
        asked(RULE, candidates=[hidden, candidate("server", SERVER_PUBLIC, "documentation")], **FAILED) == []
    )
    (found,) = asked(RULE, candidates=[hidden, PRIVATE[1]], **FAILED)
    assert found.tags == {"server", "no_relay"}


def test_a_private_relay_is_a_suspicion_though_the_server_can_be_reached():
    server = candidate("server", SERVER_PUBLIC, "documentation")
    relay = candidate("client", "172.31.131.31", "private", "relay")
    (found,) = asked(RULE, candidates=[PRIVATE[0], server], **FAILED)
    assert (found.verdict, found.tags) == ("note", {"client", "no_relay"})
    (found,) = asked(RULE, candidates=[PRIVATE[0], relay, server], **FAILED)
    assert (found.verdict, found.tags) == ("suspect", {"client", "relay"})
    told = told_both(found, RULE)["en"]
    assert "the TURN server hands out an address" in told["detail"]
    assert "external-ip" in told["remedies"] and "STUN server is configured" not in told["causes"]
