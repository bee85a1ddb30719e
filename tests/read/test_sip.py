"""SIP messages (RFC 3261): taken apart whatever their form, never raising; found after keep-alives in TCP."""

import struct

import pytest

from postproc.read import sip, tshark
from postproc.read.frame import Frame
from postproc.read.sip import completed, headed
from postproc.wire import ip
from postproc.wire.transport import Datagram
from tests.read.frames import frame
from tests.read.test_tshark import SIP, pcap, tcp

INVITE = (
    b"INVITE sip:+4989@10.0.0.2;transport=tcp SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKa1, SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKb2\r\n"
    b'From: "Mobil; tag=no, \\"Anna\\" <x>" <sip:721@10.0.0.1>;tag=f1\r\n'
    b"To: sip:+4989@10.0.0.2\r\n"
    b"Call-ID: abc@10.0.0.1\r\n"
    b"CSeq: 7 INVITE\r\n"
    b"Contact: <sip:721@10.0.0.1:5060>;expires=60\r\n"
    b"User-Agent: phone\r\n"
    b"X-Call-Ref: {1-2}\r\n"
    b"Subject: first\r\n  second\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: 5\r\n\r\nv=0\r\n"
)


def row(message: bytes, **changes):
    parsed = sip.parse(message)
    assert parsed
    return sip.message_row(frame(**changes), parsed, has_sdp=True)


def test_request_gives_every_column():
    assert row(INVITE) == {
        "frame": 1,
        "time": 1_000_000_000,
        "call_id": "abc@10.0.0.1",
        "src_addr": "10.0.0.1",
        "src_port": 5060,
        "dst_addr": "10.0.0.2",
        "dst_port": 5060,
        "transport": "udp",
        "method": "INVITE",
        "request_uri": "sip:+4989@10.0.0.2;transport=tcp",
        "cseq": 7,
        "cseq_method": "INVITE",
        "branch": "z9hG4bKa1",
        "from_uri": "sip:721@10.0.0.1",
        "from_tag": "f1",
        "to_uri": "sip:+4989@10.0.0.2",
        "to_tag": None,
        "user_agent": "phone",
        "contact": "sip:721@10.0.0.1:5060",
        "reason_header": None,
        "warning": None,
        "has_sdp": True,
        "sdp_lost": False,
        "cut_short": False,
        "record_route": None,
        "session_expires": None,
        "refresher": None,
        "min_se": None,
        "refer_to": None,
        "fragment_status": None,
        "dtmf": None,
        "expires": 60,
        "challenge": None,
        "authorized": False,
        "rseq": None,
        "size": len(INVITE),
    }


def test_what_routes_refreshes_and_transfers_a_dialog():
    found = row(
        b"SIP/2.0 200 OK\r\nRecord-Route: <sip:p2;lr>,<sip:p1;lr>\r\nRecord-Route: <sip:p0;lr>\r\n"
        b"x: 1800 ; refresher=UAS\r\nMin-SE: 90\r\nContact: <sip:a@b>;expires=60\r\nExpires: 3600\r\n\r\n"
    )
    assert found["record_route"] == "sip:p2;lr, sip:p1;lr, sip:p0;lr"
    assert (found["session_expires"], found["refresher"], found["min_se"]) == (1800, "uas", 90)
    assert found["expires"] == 60
    assert (
        row(b"REFER sip:a@b SIP/2.0\r\nr: <sip:c@d?Replaces=x>\r\n\r\n")["refer_to"] == "sip:c@d?Replaces=x"
    )
    assert row(b"REGISTER sip:b SIP/2.0\r\nAuthorization: Digest x\r\n\r\n")["authorized"]


def test_a_notify_reports_a_status():
    head = (
        b"NOTIFY sip:a@b SIP/2.0\r\nContent-Type: %s\r\nContent-Length: 27\r\n\r\nSIP/2.0 486 Busy Here\r\n"
    )
    assert row(head % b"message/sipfrag;version=2.0")["fragment_status"] == 486
    assert row(head % b"text/plain")["fragment_status"] is None


@pytest.mark.parametrize(
    ("kind", "is_key"),
    [
        ("application/dtmf-relay", True),
        ("Application/DTMF ; charset=utf-8", True),
        ("application/trickle-ice-sdpfrag", False),
    ],
)
def test_an_info_that_signals_a_key_is_marked_and_the_key_is_left_out(kind, is_key):
    found = row(f"INFO sip:a@b SIP/2.0\r\nc: {kind}\r\n\r\nSignal=5\r\n".encode())
    assert found["dtmf"] is is_key
    assert "5" not in {value for value in found.values() if isinstance(value, str)}


@pytest.mark.parametrize("value", ["99999999999", "-1", "1800x", "\u0661", ""])
def test_seconds_that_are_none_are_not_known(value):
    found = row(f"SIP/2.0 422 X\r\nMin-SE: {value}\r\nExpires: {value}\r\n\r\n".encode())
    assert (found["min_se"], found["expires"]) == (None, None)


def test_response_has_status_and_reason_but_no_method():
    answer = row(b"SIP/2.0 486 Busy Here\r\nServer: pbx\r\nt: <sip:a@b>;tag=t1\r\n\r\n")
    assert (answer["status"], answer["reason"], answer["user_agent"]) == (486, "Busy Here", "pbx")
    assert "method" not in answer
    assert answer["to_tag"] == "t1"


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (b"X-Asterisk-HangupCauseCode: 58\r\n", "Q.850;cause=58 (X-Asterisk-HangupCauseCode)"),
        (b"X-Asterisk-HangupCauseCode: 58\r\nReason: SIP;cause=488\r\n", "SIP;cause=488"),
        (b"X-Asterisk-HangupCauseCode: 5858\r\n", None),
        (b"", None),
    ],
)
def test_a_cause_stands_in_reason_or_in_asterisks_own_header(headers, told):
    assert row(b"BYE sip:a@b SIP/2.0\r\n" + headers + b"\r\n")["reason_header"] == told


@pytest.mark.parametrize(
    ("headers", "challenge", "expires"),
    [
        (b'WWW-Authenticate: Digest realm="a", nonce="b"\r\n', "MD5", None),
        (b'Proxy-Authenticate: Digest realm="a",algorithm=sha-256,STALE = True\r\n', "SHA-256,stale", None),
        (
            b"WWW-Authenticate: Digest algorithm=SHA-256\r\nWWW-Authenticate: Digest algorithm=MD5\r\n",
            "SHA-256,MD5",
            None,
        ),
        (b'WWW-Authenticate: Digest algorithm="MD5", stale=false\r\n', "MD5", None),
        (b"Min-Expires: 3600\r\n", None, 3600),
    ],
)
def test_what_a_refused_registration_is_asked_for(headers, challenge, expires):
    found = row(b"SIP/2.0 401 Unauthorized\r\nCSeq: 1 REGISTER\r\n" + headers + b"\r\n")
    assert (found["challenge"], found["expires"]) == (challenge, expires)


def test_warnings_of_a_refusal_are_kept_as_they_stand():
    answer = row(b'SIP/2.0 488 No\r\nWarning: 305 pbx "Media"\r\nWarning: 399 pbx "Codec"\r\n\r\n')
    assert answer["warning"] == '305 pbx "Media", 399 pbx "Codec"'


def test_reason_phrase_may_be_missing():
    assert row(b"SIP/2.0 200 \r\n\r\n")["reason"] is None
    assert row(b"SIP/2.0 200\r\n\r\n")["status"] == 200


@pytest.mark.parametrize("status", ["000", "099", "700", "999"])
def test_a_status_that_is_none_is_not_known(status):
    found = row(f"SIP/2.0 {status} Odd\r\nCSeq: 99999999999 INVITE\r\n\r\n".encode())
    assert (found["status"], found["reason"], found["cseq"]) == (None, "Odd", None)


def test_the_last_line_of_a_head_that_was_cut_off_is_left_out():
    """Half a Call-ID would be that of another call."""
    head = b"BYE sip:a@b SIP/2.0\r\nCSeq: 2 BYE\r\nCall-ID: 53c2f55a-61"
    found = row(head)
    assert (found["method"], found["cseq"], found["call_id"]) == ("BYE", 2, None)
    assert row(head + b"\r\n")["call_id"] == "53c2f55a-61"


def test_compact_names_and_bare_line_feeds():
    found = row(b"BYE sip:a@b SIP/2.0\nv: SIP/2.0/TCP h;branch=z9hG4bKx\nf: <sip:x@y>;tag=1\ni: c1\n\n")
    assert (found["call_id"], found["branch"], found["from_tag"]) == ("c1", "z9hG4bKx", "1")


def test_folded_header_is_one_value():
    assert sip.parse(INVITE).first("subject") == "first second"


def test_addr_spec_without_brackets_ends_at_its_parameters():
    assert row(b"BYE sip:a@b SIP/2.0\r\nFrom: sip:x@y;tag=9\r\n\r\n")["from_uri"] == "sip:x@y"
    assert row(b"BYE sip:a@b SIP/2.0\r\nFrom: sip:x@y;tag=9\r\n\r\n")["from_tag"] == "9"


@pytest.mark.parametrize("cseq", [b"many INVITE", b"99999999999 INVITE", b"", b"7"])
def test_odd_cseq_is_na(cseq):
    assert row(b"BYE sip:a@b SIP/2.0\r\nCSeq: " + cseq + b"\r\n\r\n")["cseq"] is None


def test_cseq_beyond_32_bits_keeps_its_method():
    found = row(b"BYE sip:a@b SIP/2.0\r\nCSeq: 4294967296 BYE\r\n\r\n")
    assert (found["cseq"], found["cseq_method"]) == (None, "BYE")


@pytest.mark.parametrize(
    "text", [b"\r\n\r\n", b"", b"GET / HTTP/1.1\r\n\r\n", b"\0\1\2", b"SIP/2.0 OK\r\n\r\n"]
)
def test_what_does_not_begin_like_sip_is_none(text):
    assert sip.parse(text) is None


def test_keep_alive_before_a_message_is_skipped():
    assert sip.parse(b"\r\n\r\n" + INVITE).start.startswith("INVITE")


def test_undecodable_bytes_become_replacement_characters():
    assert row(b"BYE sip:a@b SIP/2.0\r\nUser-Agent: \xff\xfe\r\n\r\n")["user_agent"] == "\ufffd\ufffd"


@pytest.mark.parametrize(
    ("protocols", "transport"),
    [
        (("udp", "sip"), "udp"),
        (("tcp", "tls", "sip"), "tls"),
        (("tls", "http", "websocket", "sip"), "wss"),
        (("tcp", "http", "websocket", "sip"), "ws"),
    ],
)
def test_transport_is_what_carries_the_message(protocols, transport):
    assert row(INVITE, protocols=protocols)["transport"] == transport


def test_only_headers_that_may_join_legs_are_kept():
    rows = list(sip.header_rows(frame(), sip.parse(INVITE)))
    assert [(r["name"], r["value"]) for r in rows] == [("x-call-ref", "{1-2}")]


def test_headers_of_other_methods_are_not_kept():
    assert not list(sip.header_rows(frame(), sip.parse(INVITE.replace(b"INVITE sip", b"OPTIONS sip"))))


def test_description_in_multipart_body_is_found():
    body = (
        b"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
        b"--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nm=audio 1 RTP/AVP 8\r\n--b--\r\n"
    )
    message = b"INVITE sip:a@b SIP/2.0\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n" + body
    assert sip.description(sip.parse(message)).split() == ["v=0", "m=audio", "1", "RTP/AVP", "8"]


@pytest.mark.parametrize(
    "rest", [b"\r\n", b"Content-Type: text/plain\r\n\r\nv=0", b"Content-Type: multipart/mixed\r\n\r\nv=0"]
)
def test_other_bodies_have_no_description(rest):
    assert sip.description(sip.parse(b"INVITE sip:a@b SIP/2.0\r\n" + rest)) is None


def test_description_without_content_type_is_taken():
    assert sip.description(sip.parse(b"INVITE sip:a@b SIP/2.0\r\n\r\nv=0\r\n")) == "v=0\r\n"


INFO = b"INFO sip:a@b SIP/2.0\r\nl: 27\r\n\r\n" + b"INVITE sip:x SIP/2.0\r\nl:0\r\n"


def header(sequence: int) -> bytes:
    return b"\x13\xc4\x13\xc4" + (sequence % (1 << 32)).to_bytes(4) + bytes(12)


def found(
    *segments: tuple[bytes, list[bytes]], starts: list[int] | None = None, **changes
) -> list[list[bytes]]:
    """What is shown of segments that follow each other, or begin at these sequence numbers."""
    sizes = [len(payload) for payload, _ in segments]
    heads = [header(at) for at in starts or [sum(sizes[:n]) for n in range(len(sizes))]]
    frames = (
        frame(
            **(
                {
                    "transport": "tcp",
                    "header": head,
                    "packet": b"eth" + head + payload,
                    "messages": {"sip": known},
                }
                | changes
            )
        )
        for head, (payload, known) in zip(heads, segments, strict=True)
    )
    return [each.messages.get("sip", []) for each in completed(frames)]


def test_message_behind_a_keep_alive():
    one, two = SIP % 1, SIP % 2
    assert found((one + b"\r\n\r\n" + two, [one])) == [[one, two]]


def test_message_behind_a_keep_alive_that_ends_in_the_next_segment():
    one, two, three = SIP % 1, SIP % 2, SIP % 3
    segments = (one + b"\r\n\r\n" + two[:30], [one]), (two[30:] + b"\r\n\r\n" + three, [two[30:] + three])
    assert found(*segments) == [[one], [two, three]]


def test_segment_that_begins_with_a_keep_alive():
    assert found((b"\r\n\r\n" + SIP % 1, [])) == [[SIP % 1]]


def test_message_tshark_puts_together_is_not_doubled():
    one = SIP % 1
    assert found((one[:30], []), (one[30:], [one])) == [[], [one]]


def test_message_whose_end_never_comes_is_read_as_far_as_it_goes():
    """By its Content-Length; empty segments, as an acknowledgement or FIN has, do not matter."""
    one, longer = SIP % 1, (SIP % 2).replace(b"Content-Length: 0", b"Content-Length: 30")
    assert found((one, [one]), (longer, []), (b"", [])) == [[one], [], [], [longer]]
    assert found((longer[:-5], []), (b"", []), (longer[-5:], [])) == [[], [], [], [longer]]
    assert found((longer[:40], []), (b"", [])) == [[], []]  # not even its head
    assert found((longer, []), (bytes(30), [longer + bytes(30)])) == [[], [longer + bytes(30)]]


def test_start_line_in_a_body_is_no_message():
    assert found((INFO, [INFO])) == [[INFO]]
    assert found((b"\r\n\r\n" + INFO, [])) == [[INFO]]


@pytest.mark.parametrize("changes", [{"transport": "udp"}, {"protocols": ("tls",)}, {"header": b""}])
def test_other_transports_are_left_alone(changes):
    assert found((SIP % 1, []), **changes) == [[]]


def test_segment_sent_again_is_not_read_again():
    one, two = SIP % 1, SIP % 2
    whole = one + b"\r\n\r\n" + two
    assert found((whole, [one]), (whole, []), starts=[7, 7]) == [[one, two], []]
    assert found((one, [one]), (one + b"\r\n\r\n" + two, []), starts=[7, 7]) == [[one], [two]]


def test_sequence_numbers_wrap_around():
    one, two = SIP % 1, SIP % 2
    assert found((one, [one]), (one, []), (two, []), starts=[-9, -9, len(one) - 9]) == [[one], [], [two]]


def test_gap_forgets_what_was_begun():
    one = SIP % 1
    assert found((one[:30], []), (one[30:], []), starts=[0, 60]) == [[], []]


def test_another_connection_on_the_same_ports_is_read():
    one, two = SIP % 1, SIP % 2
    assert found((one, [one]), (two, []), starts=[1 << 30, 0]) == [[one], [two]]


def test_endless_beginning_is_not_kept():
    assert found((b"INVITE sip:a SIP/2.0\r\n" + b"x" * (1 << 20), []), (b"\r\n\r\n", [])) == [[], []]


def test_with_real_tshark(tmp_path):
    messages = [SIP % n for n in range(1, 6)]
    one, two, three, four, five = messages
    payloads = [one + b"\r\n\r\n" + two, three + b"\r\n\r\n" + four[:40], four[40:] + b"\r\n\r\n" + five]
    starts = [1 + sum(map(len, payloads[:n])) for n in range(3)]
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(*map(tcp, starts, payloads)))
    shown = [m for each in completed(tshark.frames(path)) for m in each.messages.get("sip", [])]
    assert sorted(shown) == messages


def fragment(
    number: int, content: bytes, offset: int, *, more: bool, six: bool = False, **changes: object
) -> Frame:
    """A fragment of one UDP datagram, as tshark shows it that has not put it together."""
    ends = (b"\x20\1" + bytes(13) + bytes([end]) if six else bytes([10, 0, 0, end]) for end in (1, 2))
    place = ip.Extension(ip.FRAGMENT, struct.pack(">xHI", offset | more, 7))
    kind = {"extensions": (place,)} if six else {"identification": 7, "flags": offset // 8 | more << 13}
    whole = bytes(ip.Packet(*ends, ip.UDP, content, **kind))
    protocols = ("eth", "ethertype", *(("ipv6", "ipv6.fraghdr") if six else ("ip",)), "data")
    seen = {
        "protocols": protocols,
        "transport": None,
        "ip": whole[: 40 if six else 20],
        "packet": bytes(14) + whole,
    }
    return frame(number=number, **seen | {"src_port": None, "dst_port": None} | changes)


PORTS = bytes(Datagram(5060, 5070, INVITE))[:8]


@pytest.mark.parametrize("six", [False, True])
def test_of_a_message_whose_other_fragments_are_missing_the_head_is_read(six):
    first = fragment(3, PORTS + INVITE[:-20], 0, more=True, six=six)
    (head,) = headed([first], [])
    assert (head.number, head.src_port, head.dst_port, head.transport) == (3, 5060, 5070, "udp")
    found = row(*head.messages["sip"], cut_short=head.cut_short)
    assert (found["cseq"], found["user_agent"], found["cut_short"]) == (7, "phone", True)


def test_one_that_ends_within_a_header_is_read_up_to_the_line_before():
    (head,) = headed([fragment(1, PORTS + INVITE[: INVITE.index(b": phone")], 0, more=True)], [])
    assert head.messages["sip"] == [INVITE[: INVITE.index(b"User-Agent")] + b"\r\n"]


def test_what_is_put_together_later_is_not_read_twice():
    whole = fragment(2, INVITE[-20:], 800, more=False, transport="udp", messages={"sip": [INVITE]})
    assert [*headed([fragment(1, PORTS + INVITE[:-20], 0, more=True), whole], [])] == [whole]


def test_each_repetition_counts_though_all_bear_one_number():
    heads = headed([fragment(n, PORTS + INVITE[:-20], 0, more=True) for n in (1, 2)], [])
    assert [head.number for head in heads] == [1, 2]


def test_later_fragments_and_other_traffic_are_no_messages():
    assert [
        *headed([fragment(1, INVITE, 800, more=True), fragment(2, PORTS + b"SIP/2.0", 0, more=True)], [])
    ] == []


def test_only_so_many_wait_for_their_other_fragments_and_the_rest_is_counted(monkeypatch):
    monkeypatch.setattr(sip, "MOST_WAITING", 2)
    warnings: list[str] = []
    assert len([*headed([fragment(n, PORTS + INVITE[:-20], 0, more=True) for n in range(5)], warnings)]) == 2
    assert warnings == ["3 first fragments of SIP messages left out"]


@pytest.mark.parametrize(
    ("kind", "body", "cut_short", "lost"),
    [
        ("application/sdp", "", False, True),
        ("Application/SDP;charset=x", "", False, True),
        ("application/sdp", "", True, False),
        ("application/sdp", "v=0", False, False),
        ("text/plain", "", False, False),
        (None, "", False, False),
    ],
)
def test_a_description_that_is_announced_and_cut_off(kind, body, cut_short, lost):
    head = [
        "INVITE sip:b@x SIP/2.0",
        "Call-ID: c",
        "CSeq: 1 INVITE",
        *([f"Content-Type: {kind}"] if kind else []),
    ]
    parsed = sip.parse(("\r\n".join(head) + "\r\n\r\n" + body).encode())
    assert sip.message_row(frame(cut_short=cut_short), parsed, has_sdp=False)["sdp_lost"] == lost
