import struct
from ipaddress import ip_address

import pytest

from postproc.share.redaction.media import Media
from postproc.share.redaction.sdp import Sessions
from tests.share.redaction.parts import SDP

FLOW = (bytes([10, 0, 0, 1]), 4000, bytes([198, 51, 100, 2]), 5000)
BELOW = (FLOW[0], 4001, FLOW[2], 5001)
REPORT = struct.pack(">BBHI", 0x81, 201, 7, 1) + bytes(range(24))


def rtp(
    sequence: int, payload: bytes = b"speech", *, first: int = 0x80, ssrc: int = 7, kind: int = 8
) -> bytes:
    return struct.pack(">BBHII", first, kind, sequence & 0xFFFF, 160 * sequence, ssrc) + payload


def heard(*packets: bytes, flow=FLOW, sdp: str = "") -> Media:
    sessions = Sessions()
    sessions.note(sdp)
    media = Media(sessions)
    for packet in packets:
        media.note(flow, packet)
    return media


@pytest.fixture
def proven() -> Media:
    return heard(*(rtp(number) for number in (65534, 65535, 65536)))


def test_a_stream_proves_itself_by_its_numbers(proven):
    assert proven.packet(FLOW, rtp(9)) == rtp(9, bytes(6))
    assert proven.packet(BELOW, rtp(9)) is None
    assert proven.packet(FLOW, rtp(9, ssrc=8)) is None


@pytest.mark.parametrize(
    "numbers",
    [(1, 2), (1, 1, 1, 1), (3, 2, 1, 0), (1, 1000, 2000, 3000), ()],
    ids=["too few", "constant, as flags of DNS", "falling", "random", "none"],
)
def test_what_does_not_follow_is_no_stream(numbers):
    assert heard(*map(rtp, numbers)).packet(FLOW, rtp(5)) is None


def test_a_lone_packet_is_media_where_a_description_names_its_end_and_payload_type():
    end = (ip_address("192.168.178.34").packed, 33246)
    media = heard(sdp=SDP)
    for flow in ((*end, *FLOW[:2]), (*FLOW[:2], *end)):
        assert media.packet(flow, rtp(5, kind=111)) == rtp(5, bytes(6), kind=111)
        assert media.packet(flow, rtp(5, kind=8)) is None
    assert media.packet((end[0], 33247, *FLOW[:2]), rtp(5, kind=111)) is None


def test_fax_and_other_media_name_no_end_of_rtp():
    fax = "v=0\r\nc=IN IP4 10.0.0.1\r\nm=image 4000 udptl t38 8\r\n"
    assert heard(sdp=fax).packet(FLOW, rtp(5)) is None
    assert heard(sdp=fax.replace("image 4000 udptl t38", "audio 4000 RTP/AVP")).packet(FLOW, rtp(5))


def test_a_fax_packet_keeps_its_number_and_length_where_a_description_names_an_end_for_fax():
    media = heard(sdp="v=0\r\nc=IN IP4 10.0.0.1\r\nm=image 4000 UDPTL t38\r\n")
    packet = b"\0\7\5page!"
    assert media.fax(FLOW, packet) == b"\0\7\5\0\0\0\0\0"
    assert media.fax((*FLOW[2:], *FLOW[:2]), packet[:2]) == packet[:2]
    assert media.fax(BELOW, packet) is None
    assert heard(sdp="v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 8\r\n").fax(FLOW, packet) is None


def test_checks_between_two_ends_say_that_they_have_a_session():
    media = heard(sdp=SDP)
    media.note_check((FLOW[2], FLOW[3], FLOW[0], FLOW[1]))
    assert media.packet(FLOW, rtp(5, kind=111)) == rtp(5, bytes(6), kind=111)
    assert media.packet(FLOW, rtp(5, kind=3)) is None


def test_contributors_and_extensions_are_null_and_the_length_of_padding_stays(proven):
    packet = rtp(9, b"ANNA" + b"An\0\1levl" + b"speech\3", first=0xB1)
    assert (
        proven.packet(FLOW, packet)
        == rtp(9, bytes(4) + bytes(2) + b"\0\1" + bytes(12 - 2), first=0xB1) + b"\3"
    )
    usual = rtp(9, b"\xbe\xde\0\1levlspeech", first=0x90)
    assert proven.packet(FLOW, usual) == rtp(9, b"\xbe\xde\0\1" + bytes(10), first=0x90)


def test_reports_stay_and_names_in_rtcp_do_not(proven):
    names = struct.pack(">BBHI", 0x81, 202, 4, 1) + b"\1\7a@b.com\0\0\0"
    for flow in (FLOW, BELOW, (BELOW[2], BELOW[3], BELOW[0], BELOW[1])):
        assert proven.packet(flow, REPORT + names) == REPORT + names[:8] + bytes(12)
    goodbye = struct.pack(">BBHI", 0x81, 203, 3, 1) + b"\7Anna go"
    assert proven.packet(FLOW, goodbye) == goodbye[:8] + bytes(8)
    own = struct.pack(">BBHI", 0x80, 204, 2, 1) + b"ANNA"
    assert b"ANNA" not in proven.packet(FLOW, own)


def test_reports_of_nobody_are_none():
    assert heard().packet(FLOW, REPORT) is None


def test_of_encrypted_rtcp_eight_bytes_stay(proven):
    report = struct.pack(">BBHI", 0x81, 200, 6, 1) + b"secret" * 9
    assert proven.packet(FLOW, report) == report[:8] + bytes(len(report) - 8)


def test_cut_packets_keep_their_length(proven):
    packet = rtp(9, b"speech" * 20, first=0x9F)
    assert all(len(proven.packet(FLOW, packet[:size])) == size for size in range(12, len(packet)))
    assert proven.packet(FLOW, packet[:10]) is None


def test_streams_that_never_prove_themselves_cost_bounded_memory(monkeypatch):
    monkeypatch.setattr("postproc.share.redaction.media.CROWD", 10)
    media = heard(*(rtp(1, ssrc=number) for number in range(100)))
    assert len(media._tried) <= 10
