"""A client that only offers mDNS names (.local) as host candidates."""

from postproc.diagnose.rules.mdns_only import RULE
from tests.diagnose.scenes import SERVER_PUBLIC, asked, candidate, check, told_both

NAME = "7a6f1c1e-7a0c-4d7f-9f3e-0d3c7d6f5b1a.local"
HIDDEN = [candidate("client", NAME, "mdns"), candidate("server", SERVER_PUBLIC, "documentation")]
FAILED = {"bindings": [], "rtp_streams": [], "dtls": [], "pairs": []}


def test_a_client_of_mdns_names_only_is_suspected():
    (found,) = asked(RULE, candidates=HIDDEN, **FAILED)
    assert found.verdict == "suspect"
    assert NAME in told_both(found, RULE)["de"]["title"]


def test_silent_when_the_clients_checks_arrive():
    assert asked(RULE, candidates=HIDDEN, **FAILED | {"bindings": [check("client_to_server")]}) == []


def test_silent_when_an_address_is_offered_as_well():
    offered = [*HIDDEN, candidate("client", "198.51.100.77", "documentation", "srflx")]
    assert asked(RULE, candidates=offered, **FAILED) == []


def test_silent_when_media_flows():
    assert asked(RULE, candidates=HIDDEN) == []


def test_checks_of_the_client_that_nobody_answers_teach_the_server_nothing():
    """As in a call to a browser, which answers by names alone and asks at once."""
    names = [candidate("client", NAME, "mdns", offer_answer="answer"), HIDDEN[1]]
    lost = [check("client_to_server", outcome="unanswered")]
    (found,) = asked(RULE, candidates=names, **FAILED | {"bindings": lost})
    assert found.verdict == "suspect"
