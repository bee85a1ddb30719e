"""One socket that STUN servers see under two public addresses."""

from postproc.diagnose.rules.several_uplinks import RULE
from tests.diagnose.scenes import SERVER_PORT, asked, told_both, unanswered
from tests.diagnose.test_port_not_preserved import mapping

BROKEN = {"bindings": unanswered(5), "pairs": [], "dtls": [], "rtp_streams": []}
TWO = [mapping(SERVER_PORT), mapping(SERVER_PORT, mapped_addr="203.0.113.99", learned_from="check")]


def test_two_public_addresses_of_one_socket_are_a_fault():
    (found,) = asked(RULE, nat_mappings=TWO, **BROKEN)
    assert (found.facts["side"], found.facts["outside"]) == ("server", ["203.0.113.10", "203.0.113.99"])
    assert "mehrere öffentliche Adressen" in told_both(found, RULE)["de"]["title"]


def test_silent_when_it_is_one_address():
    assert asked(RULE, nat_mappings=TWO[:1], **BROKEN) == []


def test_silent_when_the_call_works():
    assert asked(RULE, nat_mappings=TWO) == []
