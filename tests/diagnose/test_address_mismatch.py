"""Packets come from an address other than the offered candidates."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from postproc.diagnose.rules.address_mismatch import RULE
from tests.diagnose.scenes import (
    SERVER_PORT,
    XPHONE,
    asked,
    check,
    foreign,
    message,
    plain_stream,
    told_both,
    unanswered,
    verdict,
)
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


LAN, NAMED, PEER = "192.168.1.5", "203.0.113.20", "198.51.100.10"


def by_another_way(*more, source=LAN, port=12000, target=NAMED, named=NAMED):
    """A plain call: the called side names one address, where media comes, and sends from another."""
    base = foreign()
    one, other = base["sdp_media"]
    ends = {"src_addr": PEER, "dst_addr": NAMED}
    return {
        "base": base,
        "sip_messages": [
            message(1, "INVITE", 0.0, frame=1, has_sdp=True, **ends),
            message(1, 200, 0.5, frame=5, has_sdp=True, src_addr=NAMED, dst_addr=PEER),
        ],
        "sdp_media": [one | {"connection_addr": PEER}, other | {"connection_addr": named}],
        "rtp_streams": [
            plain_stream(PEER, target, leg=1, src_port=7078, dst_port=12000),
            plain_stream(source, PEER, leg=1, src_port=port, dst_port=7078),
            *more,
        ],
    }


def test_media_that_leave_by_another_interface_than_sdp_names():
    (found,) = asked(RULE, **by_another_way())
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.5, {"source"})
    assert (found.facts["seen"], found.facts["offered"]) == (LAN, NAMED)
    row = verdict(**by_another_way())
    assert (row.verdict, row.cause) == ("suspect", "address-mismatch")


@pytest.mark.parametrize(
    "scene",
    [
        by_another_way(source=NAMED),
        by_another_way(target=LAN),
        by_another_way(source="203.0.113.21"),
        by_another_way(port=12010),
        by_another_way(named="203.0.113.77"),
        by_another_way(plain_stream(NAMED, PEER, leg=1, src_port=12000, dst_port=7078)),
        by_another_way(plain_stream(PEER, LAN, leg=1, src_port=7078, dst_port=12000)),
    ],
    ids=[
        "one address",
        "NAT for all",
        "another public one",
        "another socket",
        "not named",
        "both sides of a NAT",
        "a container",
    ],
)
def test_silent_where_media_use_one_interface_or_nat_is_seen_on_both_sides(scene):
    assert asked(RULE, **scene) == []
