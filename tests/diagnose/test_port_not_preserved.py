"""The server's port has another number outside."""

from postproc.diagnose.rules.port_not_preserved import RULE
from tests.builders import SERVER
from tests.diagnose.scenes import SERVER_PORT, SERVER_PUBLIC, asked, check, told_both, unanswered, verdict
from tests.diagnose.test_icmp_unreachable import report

BROKEN = {"bindings": unanswered(5), "pairs": [], "dtls": [], "rtp_streams": []}


def mapping(port: int = 53807, **changes):
    return {
        "call": 1,
        "leg": 1,
        "base_addr": SERVER,
        "base_port": SERVER_PORT,
        "mapped_addr": SERVER_PUBLIC,
        "mapped_port": port,
        "learned_from": "stun_server",
        "seen_by_addr": "192.0.2.53",
        "seen_by_port": 3478,
        "port_preserved": port == SERVER_PORT,
        "time": 0.1,
    } | changes


def test_a_changed_port_of_the_server_is_suspected_where_no_check_gets_through():
    (found,) = asked(RULE, nat_mappings=[mapping()], **BROKEN)
    assert (found.verdict, found.facts["mapped"]) == ("suspect", ["203.0.113.10:53807"])
    assert "Das NAT des Servers ändert den Medien-Port" in told_both(found, RULE)["de"]["title"]


def test_icmp_from_the_clients_side_makes_it_surer():
    plain, *_ = asked(RULE, nat_mappings=[mapping()], **BROKEN)
    surer, *_ = asked(RULE, nat_mappings=[mapping()], icmp_errors=[report()], **BROKEN)
    assert surer.confidence > plain.confidence


def test_it_is_the_cause_of_what_follows():
    row = verdict(nat_mappings=[mapping()], icmp_errors=[report()], **BROKEN)
    assert (row.cause, row.verdict) == ("port-not-preserved", "fault")


def test_silent_when_the_port_is_kept():
    assert asked(RULE, nat_mappings=[mapping(SERVER_PORT)], **BROKEN) == []


def test_silent_when_checks_of_the_client_arrive():
    tried = [*unanswered(5), check("client_to_server", outcome="unanswered")]
    assert asked(RULE, nat_mappings=[mapping()], **BROKEN | {"bindings": tried}) == []


def test_silent_about_the_clients_nat():
    theirs = mapping(base_addr="192.168.178.34", base_port=50000, mapped_addr="198.51.100.77")
    assert asked(RULE, nat_mappings=[theirs], **BROKEN) == []


def test_silent_when_the_call_works():
    assert asked(RULE, nat_mappings=[mapping()]) == []
