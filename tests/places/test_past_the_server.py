"""Phones whose SIP passes a proxy and whose media do not: captured at both phones and at the proxy."""

from itertools import pairwise, permutations

import pytest

from pcaps.make.builders import rtp
from pcaps.make.builders.links import Interface
from pcaps.make.builders.product import pcapng
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.seed import Seed
from postproc import pipeline
from postproc.model.loading import load
from postproc.model.rows import CallRow, PassageRow

CALLER, CALLEE, PROXY = "198.51.100.10", "192.0.2.10", "203.0.113.10"
ROUTER = "198.51.100.2"
SDP = (
    "v=0\r\no=- 1 1 IN IP4 {addr}\r\ns=-\r\nc=IN IP4 {addr}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n"
    "a=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
)
PORTS = {CALLER: 14000, CALLEE: 16000}


def text(start, cseq, hops, tag="", body=""):
    vias = "".join(f"Via: SIP/2.0/UDP {hop};branch=z9hG4bK{cseq[:1]}{hop}\r\n" for hop in hops)
    typed = "Content-Type: application/sdp\r\n" if body else ""
    contact = CALLEE if start.startswith("SIP") else CALLER
    return (
        f"{start}\r\n{vias}From: <sip:a@example.org>;tag=from\r\nTo: <sip:b@example.org>{tag}\r\n"
        f"Call-ID: past-the-server\r\nCSeq: {cseq}\r\nContact: <sip:x@{contact}:5060>\r\n"
        f"Record-Route: <sip:{PROXY};lr>\r\n{typed}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


class Three:
    """A recording at each phone and at the proxy; what is sent between two is on both, if it arrives."""

    def __init__(self):
        self.at = {
            name: Recording("2026-12-14T08:00:00", Interface(f"eth{nth}"))
            for nth, name in enumerate((CALLER, PROXY, CALLEE))
        }

    def sip(self, at, source, start, cseq, **rest):
        ends = (CALLER, PROXY, CALLEE) if source == CALLER else (CALLEE, PROXY, CALLER)
        there, back = ([source], [PROXY, source]), ([PROXY, CALLER], [CALLER])
        vias = back if start.startswith("SIP") else there
        for nth, (near, far) in enumerate(pairwise(ends)):
            payload = text(start, cseq, vias[nth], **rest)
            for late, place in enumerate((near, far)):
                self.at[place].udp(at + 0.003 * (2 * nth + late), (near, 5060), (far, 5060), payload)

    def stream(self, source, target, until, *, arrives_until, seen_as=None):
        """RTP that a phone sends for so long, and of which the other gets so much."""
        ends = {"near": (source, PORTS[source]), "far": (target, PORTS[target])}
        there = ends | {"near": (seen_as or source, PORTS[source])}
        for place, paths, at, last in (
            (source, ends, 1.0, until),
            (target, there, 1.006, arrives_until and arrives_until + 0.006),
        ):
            path = UdpPath(self.at[place], paths)
            if last:
                rtp.stream(path, Seed(source), "near", at, until=last, ssrc=70000 + PORTS[source])


def captured(folder, *, to_caller, to_callee, seen_as=None, until=8.0, names=("caller", "proxy", "callee")):
    three = Three()
    invite, ok = f"INVITE sip:b@{PROXY} SIP/2.0", "SIP/2.0 200 OK"
    three.sip(0.1, CALLER, invite, "1 INVITE", body=SDP.format(addr=CALLER, port=PORTS[CALLER]))
    three.sip(0.9, CALLEE, ok, "1 INVITE", tag=";tag=to", body=SDP.format(addr=CALLEE, port=PORTS[CALLEE]))
    three.sip(0.95, CALLER, f"ACK sip:x@{CALLEE} SIP/2.0", "1 ACK", tag=";tag=to")
    three.stream(CALLER, CALLEE, until, arrives_until=to_callee, seen_as=seen_as)
    three.stream(CALLEE, CALLER, until, arrives_until=to_caller)
    three.sip(until + 0.1, CALLER, f"BYE sip:x@{CALLEE} SIP/2.0", "2 BYE", tag=";tag=to")
    three.sip(until + 0.11, CALLEE, ok, "2 BYE", tag=";tag=to")
    for name, place in zip(names, (CALLER, PROXY, CALLEE), strict=True):
        (folder / f"{name}.pcapng").write_bytes(pcapng(three.at[place]))
    tables = pipeline.run([folder], jobs=1).tables
    passed = {
        (row.from_capture, row.to_capture): (row.sent, row.arrived)
        for row in load(PassageRow, tables.passages)
        if row.kind == "rtp"
    }
    (call,) = load(CallRow, tables.calls)
    return passed, call


THERE, BACK = ("caller.pcapng", "callee.pcapng"), ("callee.pcapng", "caller.pcapng")


def test_media_past_the_proxy_are_compared_from_phone_to_phone(tmp_path):
    passed, call = captured(tmp_path, to_caller=8.0, to_callee=8.0)
    assert set(passed) == {THERE, BACK}
    assert all(sent == arrived > 300 for sent, arrived in passed.values())
    assert (call.verdict, call.cause) == ("ok", None)


@pytest.mark.parametrize("seen_as", [None, ROUTER])
def test_media_of_which_nothing_reaches_one_phone_are_lost_between_the_two(tmp_path, seen_as):
    passed, call = captured(tmp_path, to_caller=None, to_callee=8.0, seen_as=seen_as)
    assert passed[THERE][0] == passed[THERE][1] > 300
    assert passed[BACK][0] > 300 and passed[BACK][1] == 0
    assert (call.verdict, call.cause) == ("suspect", "one-direction-between")


@pytest.mark.parametrize("names", [*permutations("abc")])
def test_media_that_get_through_neither_way_are_no_good_call(tmp_path, names):
    """Each phone's capture shows what it sends: the two have not one packet of media in common."""
    passed, call = captured(tmp_path, to_caller=None, to_callee=None, names=names)
    assert [arrived for _, arrived in passed.values()] == [0, 0]
    assert (call.verdict, call.cause) == ("suspect", "lost-between")


def test_media_that_stop_arriving_are_lost_from_then_on(tmp_path):
    passed, call = captured(tmp_path, to_caller=8.0, to_callee=3.0, until=20.0)
    assert passed[BACK][1] < passed[BACK][0]
    assert call.verdict in ("fault", "suspect") and call.cause == "lost-between"
