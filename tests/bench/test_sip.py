from dataclasses import replace

import pytest

from bench import sip
from postproc.wire.ip import Endpoint

DIALOG = sip.Dialog(
    call_id="0123456789abcdefghij",
    caller="721",
    callee="+49891",
    uac=Endpoint("127.0.0.1", 4901),
    uas=Endpoint("127.0.0.1", 4900),
    transport="TCP",
    uac_agent="pbx",
    uas_agent="b2bua",
)
AGENT = sip.IceAgent("ufrag", "password", [], "AA:BB", "active")


def headers(message):
    lines = message.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return {"start": lines[0]} | dict(line.split(": ", 1) for line in lines[1:])


def branch(message):
    return headers(message)["Via"].split("branch=")[1]


def test_the_content_length_is_that_of_the_body():
    message = sip.invite(DIALOG, sip.plain_sdp("b2bua", Endpoint("10.0.0.1", 16384)))
    assert int(headers(message)["Content-Length"]) == len(message.partition(b"\r\n\r\n")[2])


def test_an_initial_invite_and_its_100_have_no_to_tag():
    assert "tag=" not in headers(sip.invite(DIALOG, ""))["To"]
    assert "tag=" not in headers(sip.response(DIALOG, 100))["To"]
    assert headers(sip.response(DIALOG, 180))["To"].endswith(";tag=abcdefghij")


@pytest.mark.parametrize(
    "message", [sip.ack(DIALOG, success=False), sip.cancel(DIALOG), sip.response(DIALOG, 486)]
)
def test_a_failure_s_ack_and_cancel_belong_to_the_invite_s_transaction(message):
    assert branch(message) == branch(sip.invite(DIALOG, ""))


def test_the_ack_to_a_success_is_a_transaction_of_its_own():
    assert branch(sip.ack(DIALOG, success=True)) != branch(sip.invite(DIALOG, ""))


def test_a_bye_of_the_called_party_turns_from_and_to():
    by_caller, by_called = (headers(sip.bye(DIALOG, by_uas=way)) for way in (False, True))
    assert (by_called["From"], by_called["To"]) == (by_caller["To"], by_caller["From"])
    assert by_called["Via"].startswith("SIP/2.0/TCP 127.0.0.1:4900;")
    assert by_called["start"] == "BYE sip:721@127.0.0.1:4901;transport=tcp SIP/2.0"


def test_the_answer_to_such_a_bye_repeats_its_headers():
    request, answer = sip.bye(DIALOG, by_uas=True), sip.response(DIALOG, 200, "BYE", cseq=2, by_uac=True)
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        assert headers(answer)[name] == headers(request)[name]


def test_only_a_request_counts_hops():
    assert "Max-Forwards" in headers(sip.cancel(DIALOG))
    assert "Max-Forwards" not in headers(sip.response(DIALOG, 200))


def test_a_reflexive_candidate_names_its_base():
    base = Endpoint("192.168.178.20", 40000)
    agent = replace(AGENT, candidates=[sip.Candidate("srflx", "198.51.100.1", 40001, base)])
    sdp = sip.secured_sdp("softphone", Endpoint("198.51.100.1", 40001), agent)
    wanted = "udp 1694498815 198.51.100.1 40001 typ srflx raddr 192.168.178.20 rport 40000 generation 0\r\n"
    assert wanted in sdp
