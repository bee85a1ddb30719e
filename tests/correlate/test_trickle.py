"""Candidates that an INFO brings after the offer (RFC 8840) are those of who sent it."""

import pytest

from pcaps.make.builders.sip import sized
from postproc import pipeline
from postproc.read.capture import read
from tests.conftest import PCAPS
from tests.read import wire
from tests.read.wire import START

FRAGMENT = (
    "a=ice-ufrag:Abc1\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:sound\r\n"
    "a=candidate:1 1 udp 1694498815 203.0.113.7 4000 typ srflx raddr 10.0.0.7 rport 4000\r\n"
    "a=end-of-candidates\r\n"
)
KIND = "application/trickle-ice-sdpfrag"
MULTIPART = (
    f"--x\r\nContent-Type: text/plain\r\n\r\na\r\n--x\r\nContent-Type: {KIND}\r\n\r\n{FRAGMENT}\r\n--x--\r\n"
)


def info(body: str, kind: str) -> bytes:
    headers = [
        "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1",
        "Call-ID: c",
        "CSeq: 2 INFO",
        "From: <sip:a@example.org>;tag=1",
        "To: <sip:b@example.org>;tag=2",
    ]
    return sized("INFO sip:b@example.org SIP/2.0", headers, body, kind)


@pytest.mark.parametrize(
    ("body", "kind", "found"),
    [
        (FRAGMENT, KIND, [("203.0.113.7", 4000, "Abc1", "sound")]),
        (MULTIPART, 'multipart/mixed;boundary="x"', [("203.0.113.7", 4000, "Abc1", "sound")]),
        ("Signal=5\r\nDuration=160\r\n", "application/dtmf-relay", []),
        (FRAGMENT, "text/plain", []),
    ],
    ids=["a fragment", "a part of several", "a digit", "another kind"],
)
def test_a_fragment_has_candidates_and_is_no_description(tmp_path, body, kind, found):
    path = tmp_path / "info.pcap"
    path.write_bytes(wire.pcap([(START, wire.datagram(info(body, kind), 5060, 5060))]))
    tables = read(path, path.name)
    columns = ["addr", "port", "ufrag", "mid"]
    assert [*tables.candidates[columns].itertuples(index=False, name=None)] == found
    assert not tables.sip_messages.has_sdp.any()
    assert tables.sdp_media.empty


def test_it_is_a_candidate_of_the_client_that_sent_it():
    run = pipeline.run([PCAPS / "made" / "trickle_info.pcapng"], jobs=1)
    sent = run.candidates[run.candidates.offer_answer == "trickle"]
    assert [*sent[["call", "leg", "side", "type"]].itertuples(index=False, name=None)] == [
        (1, 1, "client", "srflx")
    ]
    assert run.calls.verdict.tolist() == ["ok"]
