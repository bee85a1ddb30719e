"""A NAT that maps to another port for every destination."""

from postproc.diagnose.rules.symmetric_nat import RULE
from tests.diagnose.scenes import asked, check, told_both, unanswered
from tests.diagnose.test_port_not_preserved import mapping

BROKEN = {"bindings": unanswered(5), "pairs": [], "dtls": [], "rtp_streams": []}
TWO = [mapping(41000), mapping(41999, learned_from="check", seen_by_addr="198.51.100.77", seen_by_port=50000)]


def test_two_observers_who_see_two_ports_prove_it():
    (found,) = asked(RULE, nat_mappings=TWO, **BROKEN)
    assert (found.verdict, found.facts["side"]) == ("fault", "server")
    assert "Der Server steht hinter einem symmetrischen NAT" in told_both(found, RULE)["de"]["title"]


def test_checks_from_an_unknown_port_of_the_clients_address_hint_at_it():
    came = check("client_to_server", outcome="unanswered", src_port=61234)
    (found,) = asked(RULE, **BROKEN | {"bindings": [*unanswered(5), came]})
    assert (found.verdict, found.facts["side"]) == ("suspect", "client")
    assert found.facts["mapped"] == ["198.51.100.77:61234"]


def test_silent_when_checks_come_from_an_address_that_is_not_the_clients():
    came = check("client_to_server", outcome="unanswered", src_addr="192.0.2.44", src_port=61234)
    assert asked(RULE, **BROKEN | {"bindings": [*unanswered(5), came]}) == []


def test_silent_when_one_observer_saw_a_mapping_change():
    assert asked(RULE, nat_mappings=[mapping(41000), mapping(41999)], **BROKEN) == []


def test_silent_when_both_see_one_port():
    same = [TWO[0], TWO[1] | {"mapped_port": 41000}]
    assert asked(RULE, nat_mappings=same, **BROKEN) == []


def test_silent_when_the_call_works():
    assert asked(RULE, nat_mappings=TWO) == []
