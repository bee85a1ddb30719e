"""The captures as tshark reads them, beside their truth."""

import json
from collections import Counter

import pytest

from bench import generate
from bench.captures import truth_path


def small(path):
    generate.write(path, generate.rtp(1500, seed=7), 300, seed=7)
    return path.read_bytes(), truth_path(path).read_bytes()


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    assert small(tmp_path / "a.pcapng") == small(tmp_path / "b.pcapng")


def test_another_seed_gives_another_capture(tmp_path):
    generate.write(tmp_path / "b.pcapng", generate.rtp(1500, seed=8), 300, seed=8)
    assert small(tmp_path / "a.pcapng")[0] != (tmp_path / "b.pcapng").read_bytes()


@pytest.mark.parametrize("packets", [10_000, 40_000])
def test_about_as_many_packets_as_asked_for(tmp_path, packets):
    generate.write(tmp_path / "a.pcapng", generate.rtp(packets, seed=1), 0, seed=1)
    counted = json.loads(truth_path(tmp_path / "a.pcapng").read_text())["packets"]
    assert abs(counted - packets) <= 0.02 * packets


@pytest.mark.parametrize("name", ["with_media", "without_media"])
def test_tshark_finds_nothing_malformed(request, tshark, name):
    capture = request.getfixturevalue(name).path
    assert tshark(capture, "_ws.malformed || _ws.expert.severity >= 6291456", "frame.number") == []


@pytest.mark.parametrize("name", ["with_media", "without_media"])
def test_tshark_counts_the_sip_messages_of_the_truth(request, tshark, name):
    built = request.getfixturevalue(name)
    call_ids = [each for line in tshark(built.path, "sip", "sip.Call-ID") for each in line.split(",")]
    legs = [leg["call_id"] for call in built.truth["calls"] for leg in call["legs"]]
    assert len(call_ids) == built.truth["sip_messages"]
    assert set(call_ids) == set(legs)
    assert len(legs) == len(set(legs)) == 2 * len(built.truth["calls"])


@pytest.mark.parametrize("name", ["with_media", "without_media"])
def test_tshark_counts_the_bindings_of_the_truth(request, tshark, name):
    built = request.getfixturevalue(name)
    kinds = Counter(tshark(built.path, "stun && !icmp", "stun.type"))
    truth = Counter()
    for call in built.truth["calls"]:
        for outcomes in call["bindings"].values():
            truth.update(outcomes)
    assert kinds["0x0101"] == truth["success"]
    assert kinds["0x0111"] == truth["error"] > 0
    requests = set(tshark(built.path, "stun.type == 0x0001 && !icmp", "stun.id"))
    assert len(requests) == sum(truth.values())
    assert truth["unanswered"] > 0


def test_some_unanswered_checks_are_refused_by_icmp(without_media, tshark):
    assert len(tshark(without_media.path, "icmp.type == 3 && stun", "frame.number")) == 4


def test_tshark_sees_every_handshake_and_both_certificates(with_media, tshark):
    finished = tshark(with_media.path, "dtls.handshake.type == 11", "x509sat.uTF8String")
    names = Counter(name for line in finished for name in set(line.split(",")))
    assert names == {"client": 5, "b2bua": 5}
    assert sum(call["dtls"] is not None for call in with_media.truth["calls"]) == 5


def test_tshark_counts_the_media_of_the_truth(with_media, tshark):
    heuristic = ("--enable-heuristic", "rtp_udp")
    lines = tshark(with_media.path, "rtp && !rtcp", "rtp.ssrc", options=heuristic)
    found = Counter(int(line, 16) for line in lines)
    streams = [stream for call in with_media.truth["calls"] for stream in call["streams"]]
    assert found == {stream["ssrc"]: stream["packets"] for stream in streams}
    assert found.total() == with_media.truth["rtp_packets"]


def test_loopback_has_the_null_link_type_and_ethernet_its_own(with_media, tshark):
    kinds = Counter(tshark(with_media.path, "frame", "frame.interface_id", "frame.encap_type"))
    assert kinds.keys() == {"0\t15", "1\t1"}


def test_an_invite_comes_in_three_segments_and_two_messages_in_one(with_media, tshark):
    assert "3" in tshark(with_media.path, "sip.Method == INVITE && tcp", "tcp.segment.count")
    assert "100,183" in tshark(with_media.path, "sip && tcp", "sip.Status-Code")


def test_foreign_traffic_is_what_its_ports_say(with_media, tshark):
    for display_filter in ("smb2", "http.response.code == 200", 'pgsql.type == "Data row"', "tls.app_data"):
        assert tshark(with_media.path, display_filter, "frame.number")
    foreign = tshark(with_media.path, "tcp && !(tcp.port == 4900)", "frame.number")
    assert len(foreign) == with_media.truth["foreign_packets"]


def test_nearly_all_packets_are_media(tmp_path):
    generate.write(tmp_path / "a.pcapng", generate.rtp(40_000, seed=1), 0, seed=1)
    truth = json.loads(truth_path(tmp_path / "a.pcapng").read_text())
    assert truth["rtp_packets"] > 0.985 * truth["packets"]


def test_identities_never_collide():
    calls = generate.sip(2000, single_port=False, checks=0, seed=1).truth
    call_ids = {leg["call_id"] for call in calls for leg in call["legs"]}
    ufrags = {ufrag for call in calls for ufrag in call["ufrags"].values()}
    assert len(call_ids) == len(ufrags) == 4000
    assert min(map(len, ufrags)) >= 8


def test_every_twentieth_call_is_busy_or_cancelled(without_media, tshark):
    status = Counter(leg["final_status"] for call in without_media.truth["calls"] for leg in call["legs"])
    assert status == {200: 72, 486: 4, 487: 4}
    assert (
        len(tshark(without_media.path, "sip.Status-Code == 486 || sip.Status-Code == 487", "frame.number"))
        == 8
    )


@pytest.mark.parametrize(("single_port", "ports"), [(True, 1), (False, 200)])
def test_media_ports_come_from_a_pool_or_are_one(tmp_path, tshark, single_port, ports):
    generate.write(tmp_path / "a.pcapng", generate.sip(120, single_port, checks=0, seed=1), 0, seed=1)
    media = tshark(tmp_path / "a.pcapng", "sdp && ip.src == 10.0.0.1", "sdp.media.port")
    media += tshark(tmp_path / "a.pcapng", "sdp && tcp.srcport == 4900", "sdp.media.port")
    assert len(set(media)) == ports
