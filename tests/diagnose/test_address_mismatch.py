"""Packets come from an address other than the offered candidates."""

from dataclasses import replace
from ipaddress import ip_network

from postproc.diagnose.rules.address_mismatch import RULE
from tests.diagnose.scenes import SERVER_PORT, XPHONE, asked, check, told_both, unanswered
from tests.diagnose.test_port_not_preserved import mapping

BROKEN = {"bindings": unanswered(5), "pairs": [], "dtls": [], "rtp_streams": []}


def test_a_mapped_address_that_was_not_offered_shows_a_stale_one():
    seen = mapping(SERVER_PORT, mapped_addr="203.0.113.99")
    (found,) = asked(RULE, nat_mappings=[seen], **BROKEN)
    assert (found.facts["side"], found.facts["offered"], found.facts["seen"]) == (
        "server",
        ["203.0.113.10"],
        ["203.0.113.99"],
    )
    assert "XCC" in told_both(found, RULE)["en"]["causes"]


def test_checks_of_the_client_from_an_address_it_did_not_offer_are_named():
    came = check("client_to_server", outcome="unanswered", src_addr="192.0.2.99")
    (found,) = asked(RULE, **BROKEN | {"bindings": [*unanswered(5), came]})
    assert (found.facts["side"], found.facts["seen"]) == ("client", ["192.0.2.99"])


def test_the_deployment_file_knows_the_servers_address():
    known = replace(XPHONE, public_addresses=(ip_network("203.0.113.200/32"),))
    (found,) = asked(RULE, known, **BROKEN)
    assert "Deployment-Datei" in told_both(found, RULE)["de"]["detail"]


def test_silent_when_they_agree():
    assert asked(RULE, nat_mappings=[mapping(SERVER_PORT)], **BROKEN) == []


def test_silent_when_the_call_works():
    assert asked(RULE, nat_mappings=[mapping(mapped_addr="203.0.113.99")]) == []
