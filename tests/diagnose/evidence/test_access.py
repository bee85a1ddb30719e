"""Candidates and peers on the access lists: built calls, and what a real FreeSWITCH did."""

import json
import re
from dataclasses import replace

import pytest

from postproc import pipeline
from postproc.diagnose.evidence.case import cases
from postproc.diagnose.evidence.server import choices, peers
from postproc.model.acl import built
from postproc.model.deployment import GENERIC
from postproc.model.tables import Tables
from postproc.read import access
from tests import builders as b

WAN = replace(GENERIC, candidate_acl=("wan.auto",))
OFFER = (
    {"addr": "192.168.178.34", "type": "host", "frame": 1, "time": 0.0},
    {"addr": "198.51.100.77", "type": "srflx", "frame": 1, "time": 0.0},
)


def line(row):
    base = {
        "call": 1,
        "leg": 1,
        "call_id": "a@x",
        "side": "client",
        "port": 33246,
        "ufrag": "C",
        "component": 1,
        "transport": "udp",
        "mid": "0",
    }
    return base | row


def check(addr, direction="server_to_client", *, time=1.0, frame=9, **more):
    to_client = direction == "server_to_client"
    ends = ("10.0.50.118", 30000), (addr, 33246)
    source, target = ends if to_client else ends[::-1]
    return {
        "call": 1,
        "leg": 1,
        "purpose": "check",
        "direction": direction,
        "outcome": "success",
        "src_addr": source[0],
        "src_port": source[1],
        "dst_addr": target[0],
        "dst_port": target[1],
        "username": "C:S" if to_client else "S:C",
        "transaction_id": f"{direction}{time}{addr}",
        "time": time,
        "frame": frame,
    } | more


def case(deployment=WAN, lines=OFFER, checks=(), **leg):
    told = {"call": 1, "leg": 1, "call_id": "a@x", "role": "inbound", "uas_addr": "10.0.50.118"} | leg
    tables = Tables().with_(
        calls=b.calls({"call": 1, "legs": 1}),
        legs=b.legs(told),
        captures=b.captures({"capture": "a.pcapng"}),
        candidates=b.candidates(*map(line, lines)),
        bindings=b.bindings(*checks),
        sip_messages=b.sip_messages(
            {"call_id": "a@x", "method": "INVITE", "src_addr": "10.0.50.5", "dst_addr": "10.0.50.118"},
            {"call_id": "a@x", "method": "INVITE", "src_addr": "10.0.50.5", "dst_addr": "10.0.50.118"},
            {"call_id": "a@x", "method": "INVITE", "src_addr": "10.0.50.4", "dst_addr": "10.0.50.5"},
            {"call_id": "a@x", "status": 200, "src_addr": "10.0.50.118", "dst_addr": "10.0.50.5"},
        ),
    )
    (found,) = cases(b.attributed(tables), deployment)
    return found


def test_each_candidate_has_a_verdict_and_the_first_allowed_is_taken():
    (found,) = choices(case(checks=[check("198.51.100.77")]))
    assert [each.verdict for each in found.verdicts] == ["denied", "allowed"]
    assert (found.taken.place, found.sent.place, found.sent.frame, found.agrees) == (1, 1, 9, True)
    assert (found.call, found.leg, found.capture, found.frame) == (1, 1, "a.pcapng", 1)


def test_a_request_to_another_candidate_does_not_agree():
    (found,) = choices(case(checks=[check("192.168.178.34")]))
    assert (found.sent.place, found.agrees) == (0, False)


def test_a_request_to_where_the_client_called_from_proves_nothing():
    called = check("192.168.178.34", "client_to_server", time=0.9)
    (found,) = choices(case(checks=[called, check("192.168.178.34")]))
    assert (found.sent.called, found.agrees) == (True, None)
    (found,) = choices(case(checks=[check("192.168.178.34"), called | {"time": b.at(1.1)}]))
    assert (found.sent.called, found.agrees) == (False, False)


@pytest.mark.parametrize(
    "change",
    [
        {"username": "X:S"},
        {"username": None},
        {"capture": "client.pcapng"},
        {"purpose": "discovery"},
        {"leg": 2},
    ],
)
def test_requests_of_others_or_of_behind_a_nat_are_not_compared(change):
    (found,) = choices(case(checks=[check("192.168.178.34", **change)]))
    assert (found.sent, found.agrees) == (None, None)


def test_a_description_sent_again_counts_once_and_a_new_ufrag_anew():
    again = [each | {"frame": 2, "time": 0.5} for each in OFFER]
    restart = [each | {"frame": 3, "time": 9.0, "ufrag": "D"} for each in OFFER]
    found = choices(case(lines=[*OFFER, *again, *restart]))
    assert [(each.frame, len(each.offered)) for each in found] == [(1, 2), (3, 2)]


def test_of_bundled_media_the_first_section_counts():
    video = [each | {"mid": "1", "addr": "8.8.8.8"} for each in OFFER]
    (found,) = choices(case(lines=[*OFFER, *video]))
    assert [each.address for each in found.offered] == ["192.168.178.34", "198.51.100.77"]


def test_the_server_s_own_candidates_are_not_offered_to_it():
    own = ({"side": "server", "addr": "203.0.113.10"}, {"side": None, "addr": "203.0.113.10"})
    assert choices(case(lines=own)) == []


def test_without_lists_nothing_is_said():
    assert choices(case(GENERIC)) == []
    assert peers(case(GENERIC)) == []


LISTED = replace(
    GENERIC, lists={"lan": built("lan", False, allow=["10.0.50.99/32"])}, signalling_acl=("lan",)
)


def test_everyone_who_sent_the_server_an_invite_is_a_peer_once():
    (found,) = peers(case(LISTED, final_status=403))
    assert (found.address, found.verdict.verdict, found.status, found.frame) == (
        "10.0.50.5",
        "denied",
        403,
        1,
    )


def test_the_server_s_own_invites_are_nobody_s_peer():
    assert peers(case(LISTED, role="outbound")) == []


REAL = (
    "acl_403",
    "acl_488",
    "codec_488",
    "dtls_fail",
    "good",
    "ip_mismatch_server",
    "no_binding_success",
    "only_private",
    "server_view",
)
CHOSEN = re.compile(r"Choose rtp candidate, index \d+, (\S+):(\d+)")


@pytest.fixture(scope="module")
def real(pcaps):
    return pipeline.run([pcaps / f"{name}.pcapng" for name in REAL], jobs=2).tables


@pytest.mark.parametrize("name", REAL)
def test_the_candidate_taken_is_the_one_a_real_freeswitch_logged(name, real, pcaps):
    told = json.loads((pcaps / f"{name}.truth.json").read_text())["freeswitch_config"]
    deployment = replace(GENERIC, candidate_acl=tuple(told["apply_candidate_acl"]))
    if told["acl_lists"]:
        content = f"<network-lists>{told['acl_lists']}</network-lists>".encode()
        deployment = access.parse(content, name).into(deployment)
    log = (pcaps / ("views" if name == "server_view" else name)).with_suffix(".freeswitch.log").read_text()
    (found,) = [
        each
        for known in cases(real, deployment)
        for each in choices(known)
        if each.capture == f"{name}.pcapng"
    ]
    logged = CHOSEN.search(log)
    if name == "acl_403":  # turned away before candidates were looked at
        assert (logged, found.sent) == (None, None)
        return
    taken = found.offered[found.taken.place] if found.taken else None
    assert (taken and (taken.address, str(taken.port))) == (logged and logged.groups())
    assert found.agrees in (True, None)
