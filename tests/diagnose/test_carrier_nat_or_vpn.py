"""A client behind carrier-grade NAT, or in several networks at once."""

from postproc.diagnose.rules.carrier_nat_or_vpn import RULE
from tests.diagnose.scenes import CLIENT_PRIVATE, SERVER_PUBLIC, asked, candidate, told_both, unanswered

BROKEN = {"bindings": unanswered(5), "pairs": [], "dtls": [], "rtp_streams": []}
PEER = candidate("server", SERVER_PUBLIC, "documentation")


def test_an_address_of_the_carriers_is_noted():
    (found,) = asked(RULE, candidates=[candidate("client", "100.72.3.4", "cgnat"), PEER], **BROKEN)
    assert (found.verdict, found.tags) == ("note", {"carrier"})
    assert "Provider-NAT (100.72.3.4:50000)" in told_both(found, RULE)["de"]["title"]


def test_addresses_in_several_networks_hint_at_a_vpn():
    offered = [
        candidate("client", CLIENT_PRIVATE, "private"),
        candidate("client", "10.8.0.6", "private"),
        PEER,
    ]
    (found,) = asked(RULE, candidates=offered, **BROKEN)
    assert found.tags == {"vpn"}


def test_silent_with_one_network():
    assert asked(RULE, **BROKEN) == []


def test_silent_when_the_call_works():
    assert asked(RULE, candidates=[candidate("client", "100.72.3.4", "cgnat"), PEER]) == []
