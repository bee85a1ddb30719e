"""The whole of it on one call: the app behind NAT, the server, the trunk."""

from dataclasses import replace

import pytest

from postproc.model.deployment import GENERIC
from tests import builders as b
from tests.correlate.scenes import groups, inbound, joined, outbound
from tests.deployments import XPHONE

SDP = {"has_sdp": True}
CLIENT = {"sdp_owner": "IceLink-3.14.3", "session_id": "3661197036236693474", "ufrag": "Q0Ny"}
SERVER = {"sdp_owner": "FreeSWITCH", "session_id": "1795345327", "ufrag": "XAtcv0O3oneRCCWP"}


def good(**options):
    """A good call: offer in frame 1 of leg a, answer in 183 and 200 (frames 2, 3), plain SDP on leg b."""
    a, c = inbound(early=0.01, answer=3.02, bye=9.0), outbound(answer=3.0, bye=9.02)
    a[:3], c[:2] = [row | SDP for row in a[:3]], [row | SDP for row in c[:2]]
    media = b.sdp_media(
        {"frame": 1, "call_id": "a", "connection_addr": "198.51.100.77", "port": 33246, **CLIENT},
        {"frame": 2, "call_id": "a", "connection_addr": "203.0.113.10", "port": 41802, **SERVER},
        {"frame": 3, "call_id": "a", "connection_addr": "203.0.113.10", "port": 41802, **SERVER},
        {
            "frame": 7,
            "call_id": "b",
            "connection_addr": "10.0.50.118",
            "port": 30858,
            "sdp_owner": "FreeSWITCH",
        },
        {"frame": 8, "call_id": "b", "connection_addr": "10.0.50.20", "port": 11800, "sdp_owner": "-"},
    )
    candidates = b.candidates(
        {"frame": 1, "call_id": "a", "addr": "192.168.178.34", "port": 33246, "type": "host"},
        {"frame": 2, "call_id": "a", "addr": "203.0.113.10", "port": 41802, "type": "host"},
        {"frame": 99, "call_id": "registration", "addr": "192.168.178.34", "port": 5, "type": "host"},
    )
    stun = b.stun_messages({"username": "Q0Ny:XAtcv0O3oneRCCWP", "priority": 1, "time": 0.5})
    return joined(
        a, c, tables={"sdp_media": media, "candidates": candidates, "stun_messages": stun}, **options
    )


def test_the_legs_are_joined_and_the_session_found():
    found = good()
    assert groups(found) == ["a b"]
    (session,) = found.ice_sessions.itertuples()
    assert (session.ufrag_a, session.side_a, session.ufrag_b, session.side_b) == (
        "Q0Ny",
        "client",
        "XAtcv0O3oneRCCWP",
        "server",
    )
    assert (session.call, session.leg, session.start, session.end) == (1, 1, b.at(-5), b.at(14))


@pytest.mark.parametrize("deployment, how", [(XPHONE, "marker"), (GENERIC, "b2bua")])
def test_sides_are_the_same_with_and_without_markers(deployment, how):
    lines = good(deployment=deployment).candidates
    assert lines["side"].tolist()[:2] == ["client", "server"]
    assert lines["side_by"].tolist()[:2] == [how, how]
    assert lines["offer_answer"].tolist()[:2] == ["offer", "answer"]
    assert lines["call"].tolist()[:2] == [1, 1]
    assert lines.loc[2, ["call", "leg", "side"]].isna().all()


def test_media_endpoints_of_both_legs_have_their_side():
    ends = good().endpoints
    assert set(ends[["leg", "side", "addr", "port"]].itertuples(index=False, name=None)) == {
        (1, "client", "198.51.100.77", 33246),
        (1, "client", "192.168.178.34", 33246),
        (1, "server", "203.0.113.10", 41802),
        (2, "server", "10.0.50.118", 30858),
        (2, "other", "10.0.50.20", 11800),
    }


def test_the_region_reads_national_numbers():
    parts = inbound(callee="+442081838750"), outbound(callee="02071838750")
    known = {region: replace(GENERIC, region=region) for region in ("GB", "")}
    score = {region: joined(*parts, deployment=known[region]).joins["score"].max() for region in known}
    assert score["GB"] < score[""]  # another area code; without region only the last digits are compared


def test_a_capture_that_shows_checks_alone_joins_the_call_seen_elsewhere():
    both = joined(
        [row | SDP for row in inbound(early=0.01)][:2],
        tables={
            "sdp_media": b.sdp_media(
                {"frame": 1, "call_id": "a", **CLIENT}, {"frame": 2, "call_id": "a", **SERVER}
            ),
            "stun_messages": b.stun_messages(
                {
                    "username": "Q0Ny:XAtcv0O3oneRCCWP",
                    "priority": 1,
                    "time": 300.0,
                    "capture": "client.pcapng",
                }
            ),
        },
    )
    assert len(both.calls) == len(both.ice_sessions) == 1
    assert both.ice_sessions["leg"].tolist() == [1]
