"""What is read without tshark: what goes past it, what does not, and that both ways read the same."""

import struct

import numpy as np
import pandas as pd
import pytest

from postproc.read import plain
from postproc.read.capture import Options, read
from postproc.read.split import split
from tests.read import wire
from tests.read.test_dtls import ONE, OTHER, chain, handshake, record
from tests.read.wire import SECOND, START, datagram, stream

COOKIE = 0x2112A442
INVITE = b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n"
USERNAME = struct.pack(">HH", 6, 4) + b"ab:c"
MAPPED = bytes.fromhex("002000080001a147e112a643")
HELLO = record(22, handshake(1, 0, bytes(40)))
WHOLE = record(22, handshake(11, 1, chain(ONE, OTHER)))
LONG = chain(ONE, OTHER)
FRAGMENTS = [record(22, handshake(11, 1, LONG[a : a + 300], a, len(LONG))) for a in range(0, len(LONG), 300)]
RTCP = bytes.fromhex("80c8000600000001") + bytes(20)


def stun(kind=0x0001, attributes=USERNAME, *, cookie=COOKIE, length=None, number=7):
    size = len(attributes) if length is None else length
    return struct.pack(">HHI", kind, size, cookie) + number.to_bytes(12) + attributes


def at(*packets):
    """Packets a tenth of a second apart."""
    return [(START + place * SECOND // 10, packet) for place, packet in enumerate(packets)]


def parted(tmp_path, content):
    """Frames that tshark sees, and frames that it does not."""
    (tmp_path / "capture").write_bytes(content)
    found = split(tmp_path / "capture", tmp_path / "kept", tmp_path / "aside")
    return found.kept_frames.tolist(), found.plain_frames.tolist()


def both_ways(tmp_path, content):
    path = tmp_path / "capture.pcap"
    path.write_bytes(content)
    return (read(path, "a", Options(all_packets=every)) for every in (False, True))


@pytest.mark.parametrize("kind", [0x0001, 0x0011, 0x0101, 0x0111])
def test_binding_messages_go_past_tshark(tmp_path, kind):
    assert parted(tmp_path, wire.pcap(at(datagram(stun(kind))))) == ([], [1])


@pytest.mark.parametrize(
    "message",
    [
        stun(0x0003), stun(0x0002), stun(cookie=1), stun(length=12), stun(length=4), stun() + b"\0",
        stun()[:19], b"", b"\0", b"\x40\x01\0\4abcd", b"\r\n\r\n", INVITE,
    ],
)  # fmt: skip
def test_what_is_no_plain_check_has_tshark_see_its_whole_flow(tmp_path, message):
    answer = wire.udp(stun(0x0101), 5000, 4000)
    back = wire.ethernet(wire.ipv4(answer, source=wire.DESTINATION, destination=wire.SOURCE))
    packets = at(datagram(stun()), datagram(message), back)
    assert parted(tmp_path, wire.pcap(packets)) == ([1, 2, 3], [])


def test_another_flow_is_not_concerned(tmp_path):
    packets = at(datagram(stun()), datagram(INVITE, 4000, 5001), datagram(INVITE, 5000, 4000))
    assert parted(tmp_path, wire.pcap(packets)) == ([], [1, 2, 3])


BODY = b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\n"
WITH_BODY = INVITE[:-2] + b"l: %d\r\n\r\n" % len(BODY) + BODY
RINGING = b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP c\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n"


@pytest.mark.parametrize("message", [INVITE, RINGING, WITH_BODY, INVITE.replace(b"x\r", b"\xfc\r")])
def test_a_whole_sip_message_goes_past_tshark_with_keep_alives_around_it(tmp_path, message):
    packets = [datagram(message), datagram(b"\r\n\r\n"), datagram(b"\0"), datagram(message)]
    assert parted(tmp_path, wire.pcap(at(*packets))) == ([2, 3], [1, 4])


@pytest.mark.parametrize(
    "message",
    [
        WITH_BODY[:-1], WITH_BODY + b"\0", INVITE + BODY, INVITE[:-2], b"\r\n" + INVITE, INVITE * 2,
        INVITE.replace(b"a@b", b"\xfc@b"), INVITE.replace(b"a@b", b"a @b"), b"hello", stun(),
        INVITE.replace(b"SIP/2.0\r", b"SIP/3.0\r", 1),
    ],
)  # fmt: skip
def test_other_messages_have_tshark_see_all_sip_of_their_flow(tmp_path, message):
    packets = at(datagram(INVITE), datagram(message), datagram(INVITE, 1, 2))
    assert parted(tmp_path, wire.pcap(packets)) == ([1, 2], [3])


def test_media_and_dtls_leave_a_check_plain_and_rtcp_is_shown_to_nobody(tmp_path):
    packets = [*at(datagram(stun()), datagram(HELLO), datagram(WHOLE), datagram(RTCP)), *stream(range(20))]
    assert parted(tmp_path, wire.pcap(packets)) == ([], [1, 2, 3])


def test_certificates_in_fragments_are_for_tshark_with_all_dtls_of_their_flow(tmp_path):
    packets = [datagram(stun()), datagram(HELLO), *map(datagram, FRAGMENTS), datagram(HELLO, 1, 2)]
    assert parted(tmp_path, wire.pcap(at(*packets))) == ([2, 3, 4], [1, 5])


def test_dtls_beside_something_else_or_with_keys_is_for_tshark(tmp_path):
    beside = wire.pcap(at(datagram(HELLO), datagram(INVITE)))
    assert parted(tmp_path, beside) == ([1, 2], [])
    secrets = wire.block(10, struct.pack("<II", 0x544C534B, 4) + b"# no")
    packets = [wire.enhanced(time, packet) for time, packet in at(datagram(HELLO), datagram(stun()))]
    assert parted(tmp_path, wire.pcapng(wire.interface(), secrets, *packets)) == ([1], [2])


def test_a_message_cut_by_the_snapshot_length_is_for_tshark_one_behind_ip_options_is_not(tmp_path):
    assert parted(tmp_path, wire.pcap(at(datagram(stun(), options=bytes(4))))) == ([], [1])
    whole = datagram(stun())
    cut = wire.pcapng(wire.interface(), wire.enhanced(1, whole[:-4], original=len(whole)))
    assert parted(tmp_path, cut) == ([1], [])


def test_without_a_file_for_them_checks_stay(tmp_path):
    found = wire.parted(tmp_path, wire.pcap(at(datagram(stun()))))
    assert (found.kept_frames.tolist(), len(found.plain_frames)) == ([1], 0)


def ipv6(message):
    return wire.ethernet(wire.ipv6(wire.udp(message)), tags=(0x8100,))


@pytest.mark.parametrize(
    "packets",
    [
        [datagram(stun()), datagram(stun(0x0101, MAPPED)), datagram(stun())],
        [ipv6(stun()), ipv6(stun(0x0111, bytes.fromhex("0009000400000401"))), ipv6(HELLO), ipv6(WHOLE)],
        [datagram(stun()), datagram(HELLO), datagram(WHOLE), datagram(WHOLE), datagram(record(23, b"x", 1))],
        [datagram(HELLO), *map(datagram, FRAGMENTS), datagram(WHOLE, 1, 2), datagram(record(21, b"\2\x28"))],
        [datagram(record(22, bytes(60), 1)), datagram(HELLO + WHOLE + record(20, b"\1")), datagram(RTCP)],
        [datagram(stun(attributes=b"\0\6\0\xff")), datagram(stun(attributes=b"\0\6")), datagram(RTCP)],
        [datagram(INVITE, 5060, 5060), datagram(stun(), 5061, 5060), datagram(stun(), 5060, 5060)],
        [
            datagram(INVITE),
            datagram(RINGING),
            ipv6(WITH_BODY),
            datagram(b"." + INVITE),
            datagram(b"1" + INVITE),
        ],
        [datagram(INVITE), datagram(WITH_BODY[:-5]), datagram(b"\r\n\r\n"), datagram(INVITE, 1, 2)],
        [datagram(stun()) + bytes(6), datagram(b"\x40\x01\0\4abcd", 1, 2), datagram(stun(), 1, 2)],
    ],
)
def test_tshark_would_have_read_the_same(tmp_path, packets):
    fast, whole = both_ways(tmp_path, wire.pcap(at(*packets)))
    assert len(fast.stun_messages) + len(fast.sip_messages) + len(fast.dtls_messages)
    for table in ("stun_messages", "sip_messages", "dtls_messages"):
        pd.testing.assert_frame_equal(getattr(fast, table), getattr(whole, table), obj=table)


def test_frames_of_several_windows_keep_their_numbers(tmp_path, monkeypatch):
    packets = at(*(datagram(stun(number=place)) for place in range(50)))
    (tmp_path / "aside").write_bytes(wire.pcap(packets))
    monkeypatch.setattr(plain.windows, "__defaults__", (400,))
    found = list(plain.frames(tmp_path / "aside", np.arange(100, 150), np.arange(50)))
    assert [frame.number for frame in found] == list(range(100, 150))
    assert [frame.messages["stun"] for frame in found] == [[stun(number=place)] for place in range(50)]
    assert [frame.packet for frame in found] == [packet for _, packet in packets]
