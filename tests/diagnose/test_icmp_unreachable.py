"""ICMP errors about connectivity checks."""

import pytest

from postproc.diagnose.evidence.icmp import kind
from postproc.diagnose.rules.icmp_unreachable import RULE
from tests.builders import GATEWAY, SERVER
from tests.diagnose.scenes import (
    CLIENT_PORT,
    CLIENT_PUBLIC,
    SERVER_PORT,
    asked,
    candidate,
    check,
    phase,
    plain_stream,
    stream,
    told_both,
    unanswered,
    verdict,
)

BROKEN = {"pairs": [], "dtls": [], "rtp_streams": []}


def report(number: int = 0, reporter: str = CLIENT_PUBLIC, **changes):
    return {
        "reporter": reporter,
        "version": 4,
        "type": 3,
        "code": 3,
        "src_addr": SERVER,
        "src_port": SERVER_PORT,
        "dst_addr": CLIENT_PUBLIC,
        "dst_port": CLIENT_PORT,
        "transport": "udp",
        "time": 1.01 + number,
        "transaction_id": unanswered(number + 1)[number]["transaction_id"],
    } | changes


def test_port_unreachable_from_the_clients_nat_names_the_nat():
    nat = {"addr": CLIENT_PUBLIC, "related_addr": "192.168.178.34"}
    (found,) = asked(RULE, bindings=unanswered(4), icmp_errors=[report(n) for n in range(4)], **BROKEN)
    assert (found.verdict, found.facts["reporter"], found.facts["count"], found.tags) == (
        "fault",
        nat["addr"],
        4,
        {"checks", "nat"},
    )
    assert "Das NAT dort wird erreicht" in told_both(found, RULE)["de"]["detail"]


def test_a_host_without_nat_does_not_listen():
    host = candidate("client", CLIENT_PUBLIC, "documentation")
    (found,) = asked(RULE, bindings=unanswered(4), icmp_errors=[report()], candidates=[host], **BROKEN)
    assert found.tags == {"checks", "host"}
    assert "nothing listens" in told_both(found, RULE)["en"]["detail"]


def test_without_candidates_it_may_be_a_nat_or_a_host():
    (found,) = asked(RULE, bindings=unanswered(4), icmp_errors=[report()], candidates=[], **BROKEN)
    assert found.tags == {"checks", "nat", "host"}
    assert "machine or NAT" in told_both(found, RULE)["en"]["detail"]


def test_what_the_asked_address_itself_prohibits_comes_from_no_router():
    (found,) = asked(RULE, bindings=unanswered(4), icmp_errors=[report(code=13)], **BROKEN)
    assert (found.tags, found.detail) == ({"checks", "prohibited"}, ())


@pytest.mark.parametrize(("code", "tag"), [(0, "router"), (1, "router"), (13, "prohibited")])
def test_a_router_on_the_way_is_named(code, tag):
    (found,) = asked(
        RULE, bindings=unanswered(4), icmp_errors=[report(reporter="203.0.113.1", code=code)], **BROKEN
    )
    assert (found.facts["reporter"], found.tags) == ("203.0.113.1", {"checks", tag})


def test_no_binding_success_is_its_consequence():
    row = verdict(bindings=unanswered(4), icmp_errors=[report()], **BROKEN)
    assert row.cause == "icmp-unreachable"


def test_kinds_are_named_for_both_versions_and_unknown_ones_by_number():
    class Six:
        version, type, code = 6, 1, 4

    class Odd:
        version, type, code = 4, 12, 0

    assert (kind(Six), kind(Odd)) == ("port unreachable", "type 12 code 0")


def test_silent_about_reports_of_other_packets():
    assert asked(RULE, bindings=unanswered(4), icmp_errors=[report(transaction_id=None)], **BROKEN) == []


def test_silent_when_some_check_was_answered():
    assert asked(RULE, bindings=[*unanswered(4), check(time=9.0)], icmp_errors=[report()], **BROKEN) == []


def test_silent_after_hang_up():
    assert asked(RULE, icmp_errors=[report(time=20.1)]) == []


def refused(*times, **changes):
    """Reports about the server's stream to the client."""
    return [report(time=time, transaction_id=None) | changes for time in times]


STEADY = [4.0 + second for second in range(16)]


def test_media_that_are_refused_to_their_end_are_a_fault_though_they_are_seen_both_ways():
    (found,) = asked(RULE, phases=[phase()], icmp_errors=refused(*STEADY), candidates=[])
    assert (found.verdict, found.leg, found.tags) == ("fault", 1, {"media", "nat", "host"})
    shown = told_both(found, RULE)
    assert "port unreachable for the RTP to" in shown["en"]["title"]
    assert "wird seit 12:00:04.000 UTC nicht zugestellt" in shown["de"]["detail"]
    row = verdict(phases=[phase(), phase(2)], icmp_errors=refused(*STEADY))
    assert (row.verdict, row.cause) == ("fault", "icmp-unreachable")


def test_errors_that_two_captures_show_are_counted_once():
    here = refused(*STEADY)
    there = [row | {"capture": "b.pcapng"} for row in here[:-1]]
    (found,) = asked(RULE, phases=[phase()], icmp_errors=[*here, *there], candidates=[])
    assert found.facts["count"] == len(here)


def test_a_firewall_on_the_way_refuses_media_of_a_leg_without_ice():
    sent = plain_stream(GATEWAY, SERVER, src_port=9000, dst_port=31802, src_side="client")
    told = refused(
        17.5,
        18.5,
        20.5,
        reporter="10.0.0.1",
        code=13,
        src_addr=GATEWAY,
        src_port=9000,
        dst_addr=SERVER,
        dst_port=31802,
    )
    scene = {"rtp_streams": [sent], "phases": [phase(2, ended=21.0)]}
    (found,) = asked(RULE, icmp_errors=told, **scene)
    assert (found.leg, found.tags) == (2, {"media", "prohibited"})
    assert "from a router on the way" in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize(
    ("times", "changes"),
    [
        ((17.0, 18.0), {}),  # two only
        ((17.5, 18.5, 19.5), {}),  # not for three seconds
        (STEADY[:13], {}),  # 4 s before the end it was heard
        (STEADY, {"dst_port": CLIENT_PORT + 1}),  # RTCP
        (STEADY, {"code": 4}),
    ],
)
def test_silent_about_media_that_are_refused_for_a_while(times, changes):
    assert asked(RULE, phases=[phase()], icmp_errors=refused(*times, **changes)) == []


@pytest.mark.parametrize("changes", [{"may_send_client": False}, {"kind": "early"}, {"ended": 6.0}])
def test_silent_about_media_that_nobody_waits_for(changes):
    assert asked(RULE, phases=[phase(**changes)], icmp_errors=refused(*STEADY)) == []


@pytest.mark.parametrize(("epoch", "count"), [(1, 0), (0, 1)])
def test_silent_about_media_after_their_receiver_has_closed_them(epoch, count):
    """close_notify is a hang-up, also where no BYE could be sent; a plain alert may be anybody's."""
    alert = {
        "call": 1,
        "leg": 1,
        "src_addr": CLIENT_PUBLIC,
        "src_port": CLIENT_PORT,
        "frame": 70,
        "time": 3.5,
    }
    said = [alert | {"content": "alert", "alert": "encrypted", "epoch": epoch}]
    found = asked(RULE, phases=[phase()], icmp_errors=refused(*STEADY), candidates=[], dtls_messages=said)
    assert len(found) == count


def test_silent_when_the_stream_goes_to_another_address_too():
    moved = stream(dst_port=40000, first_time=7.0, last_time=20.0)
    assert asked(RULE, phases=[phase()], rtp_streams=[stream(), moved], icmp_errors=refused(*STEADY)) == []
