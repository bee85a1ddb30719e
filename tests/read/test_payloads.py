"""What datagrams and segments carry: connections kept or left out, and what is read without tshark."""

import struct

import numpy as np
import pandas as pd
import pytest

from postproc.read import direct
from postproc.read.capture import read
from postproc.read.option_files import Options
from tests.read import wire
from tests.read.parted import split
from tests.read.test_dtls import ONE, OTHER, chain, handshake, record
from tests.read.wire import ACK, PUSH, SECOND, START, SYN, datagram, segment, stream

FIN, RST = 0x01, 0x04
INVITE = b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c\r\n\r\n"
COOKIE = struct.pack(">HHI", 1, 0, 0x2112A442) + bytes(12)
SMB = b"\0\0\0\x40\xfeSMB" + bytes(60)


def shaken_hands(port):
    return [
        segment(b"", destination=port, flags=SYN),
        segment(b"", destination=port, flags=SYN | ACK, back=True),
        segment(b"", destination=port),
    ]


def connection(*payloads, port=9000):
    """A connection: three packets of handshake, then these payloads, turn by turn, each acknowledged."""
    packets = shaken_hands(port)
    for place, payload in enumerate(payloads):
        packets.append(segment(payload, destination=port, flags=ACK | PUSH, back=place % 2 == 1))
        packets.append(segment(b"", destination=port, back=place % 2 == 0))
    return packets


def kept(tmp_path, packets, **options):
    """Frame numbers that stay."""
    content = wire.pcap([(START + place * 1000, packet) for place, packet in enumerate(packets)])
    found = wire.parted(tmp_path, content, **options)
    assert found.foreign_packets + len(found.kept_frames) == found.packets
    return found.kept_frames.tolist()


def frames(packets):
    return list(range(1, len(packets) + 1))


FOREIGN = {
    "no payload": [],
    "a file share": [SMB, SMB, SMB],
    "HTTP": [b"GET / HTTP/1.1\r\nHost: sip:a\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"INVITE is what it says"],
    "RTSP": [b"DESCRIBE rtsp://a/b RTSP/1.0\r\n\r\n", b"RTSP/1.0 200 OK\r\n\r\n"],
    "a mail": [b"220 mail ready\r\n", b"EHLO a\r\n", b"250-sip:a@b\r\n"],
    "a SIP URI elsewhere": [b"To: <sip:a@b>\r\n", b"see also sip:a@b", b"(INVITE) sip:a@b"],
    "a word like SIP": [
        b"SIP/2.1 200 OK",
        b"SIP/2.0",
        b"INVITE sip",
        b"INVITE  sip:a@b",
        b" sip:a@b SIP/2.0",
    ],
    "too long a method": [b"A" * 41 + b" sip:a@b SIP/2.0\r\n"],
    "a cookie elsewhere": [COOKIE[1:], b"\x40" + COOKIE[1:], b"\0" * 20 + COOKIE],
    "TLS": [b"\x16\3\1\0\5hello", b"\x16\3\3\0\5hello", b"\x17\3\3\0\5other"],
    "masked WebSocket": [b"\x81\x85abcdINVITE sip:a@b", b"\x82\x7f" + bytes(6) + INVITE],
}


@pytest.mark.parametrize("payloads", FOREIGN.values(), ids=FOREIGN)
def test_a_connection_without_sip_is_left_out(tmp_path, payloads):
    assert kept(tmp_path, connection(*payloads)) == []


SIGNALLING = {
    "a request": [INVITE],
    "a response": [b"", b"SIP/2.0 200 OK\r\n\r\n"],
    "in the middle": [SMB, b"", b"and some", INVITE, b"rest of it"],
    "any method": [b"X-new.Method!1 sip:a SIP/2.0\r\n"],
    "a method of one letter": [b"X sip:a SIP/2.0\r\n"],
    "a method of signs": [b"!' sip:a@b SIP/2.0\r\n"],
    "a long method": [b"A" * 40 + b" sip:a@b SIP/2.0\r\n"],
    "sips": [b"BYE sips:a@b SIP/2.0\r\n"],
    "tel": [b"INVITE tel:+49301 SIP/2.0\r\n"],
    "an emergency": [b"INVITE urn:service:sos SIP/2.0\r\n"],
    "capitals": [b"OPTIONS SIP:a@b SIP/2.0\r\n"],
    "behind a ping": [b"\r\n\r\n" + INVITE],
    "behind pongs": [b"\r\n" * 8 + b"SIP/2.0 100 Trying\r\n"],
    "WebSocket asked for": [b"GET / HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\n"],
    "WebSocket granted": [b"", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    "SIP in WebSocket": [b"", b"\x81\x30" + INVITE],
    "SIP behind a line end in WebSocket": [b"", b"\x81\x32\r\n" + INVITE],
    "long SIP in WebSocket": [b"", b"\x82\x7e\1\0" + b"SIP/2.0 200 OK\r\n"],
}


@pytest.mark.parametrize("payloads", SIGNALLING.values(), ids=SIGNALLING)
@pytest.mark.parametrize("window", [200, 1 << 20])
def test_a_connection_with_signalling_is_kept_whole(tmp_path, payloads, window):
    packets = connection(*payloads, port=40_000)
    assert kept(tmp_path, packets, window=window) == frames(packets)


def test_connections_are_judged_one_by_one(tmp_path):
    sip, other = connection(INVITE, b"", b"x"), connection(SMB, port=9001)
    swapped = segment(SMB, 9000, 50_000)  # the same ports at the other ends
    mixed = [packet for pair in zip(sip, other + other, strict=False) for packet in pair] + [swapped]
    assert kept(tmp_path, mixed) == list(range(1, len(mixed), 2))


def test_a_connection_over_ipv6_is_kept_whole(tmp_path):
    ends = {"source": "2001:db8::9", "destination": "2001:db8:1::9"}
    back = {"source": ends["destination"], "destination": ends["source"]}
    packets = [
        wire.ethernet(wire.ipv6(wire.tcp(b"", 5, 6), wire.TCP, **ends)),
        wire.ethernet(wire.ipv6(wire.tcp(INVITE, 6, 5), wire.TCP, **back)),
        wire.ethernet(wire.ipv6(wire.tcp(INVITE[9:], 5, 7), wire.TCP, **ends)),
    ]
    assert kept(tmp_path, packets) == [1, 2]


@pytest.mark.parametrize("port", [4900, 4901, 5060, 5061])
def test_sip_ports_are_kept_whatever_they_carry(tmp_path, port):
    packets = connection(SMB, port=port)
    assert kept(tmp_path, packets) == frames(packets)


@pytest.mark.parametrize("port", [443, 2230, 2231])
def test_of_https_handshakes_are_kept(tmp_path, port):
    hello, alert, data = b"\x16\3\1\0\5hello", b"\x15\3\3\0\2\1\0", b"\x17\3\3\0\5other"
    packets = [
        *connection(hello, data, data, alert, port=port),
        segment(b"", destination=port, flags=FIN | ACK),
    ]
    packets.append(segment(b"", destination=port, flags=RST))
    # SYN, SYN ACK, -, hello, -, data, -, data, -, alert, -, FIN, RST
    assert kept(tmp_path, packets) == [1, 2, 4, 10, 12, 13]


def test_with_keys_tls_connections_are_kept_whole(tmp_path):
    tls = connection(b"\x16\3\1\0\5hello", b"\x16\3\3\0\5hello", b"\x17\3\3\0\5other", b"more of it")
    packets = [*tls, *connection(SMB, port=9001)]
    assert kept(tmp_path, packets) == []
    assert kept(tmp_path, packets, keep_tls=True) == frames(tls)


@pytest.mark.parametrize("payload", [b"\x18\3\3\0\1", b"\x17\2\3\0\1", b"\x17\3\5\0\1", b"\x17\3"])
def test_what_is_no_tls_record_is_not_kept_with_keys(tmp_path, payload):
    assert kept(tmp_path, connection(payload), keep_tls=True) == []


def test_secrets_in_the_file_keep_tls_connections_that_came_before(tmp_path):
    tls = connection(b"\x17\3\3\0\5other")
    blocks = [wire.enhanced(place, packet) for place, packet in enumerate(tls)]
    secrets = wire.block(10, struct.pack("<II", 0x544C534B, 4) + b"KEY\n")
    assert len(wire.parted(tmp_path, wire.pcapng(wire.interface(), *blocks)).kept_frames) == 0
    found = wire.parted(tmp_path, wire.pcapng(wire.interface(), *blocks, secrets), window=300)
    assert len(found.kept_frames) == len(tls)


def test_padding_behind_the_segment_is_not_its_payload(tmp_path):
    packets = [segment(b"") + INVITE, segment(b"INVITE ") + b"sip:a@b SIP/2.0\r\n"]
    assert kept(tmp_path, packets) == []


def test_bytes_of_the_next_record_are_not_its_payload(tmp_path):
    """A snapshot length cuts the payload; what follows in the file would complete it."""
    packet = segment(b"INVITE s" + bytes(40))
    cut = wire.enhanced(0, packet[:61], original=len(packet))
    follower = wire.block(4, b"ip:a@b SIP/2.0")
    assert len(wire.parted(tmp_path, wire.pcapng(wire.interface(), cut, follower)).kept_frames) == 0


def test_tcp_options_are_stepped_over(tmp_path):
    packets = [segment(INVITE, options=b"\1\1\x08\x0a" + bytes(8)), segment(b"", back=True)]
    assert kept(tmp_path, packets) == [1, 2]


def test_a_segment_without_its_header_is_kept(tmp_path):
    packet = segment(SMB, options=bytes(20))
    blocks = [wire.enhanced(0, packet[:size], original=len(packet)) for size in (73, 74)]
    assert wire.parted(tmp_path, wire.pcapng(wire.interface(), *blocks)).kept_frames.tolist() == [1]


@pytest.mark.parametrize("fragment", [0x2000, 0x0010])
def test_fragments_of_tcp_are_kept(tmp_path, fragment):
    packet = wire.ethernet(wire.ipv4(wire.tcp(SMB), wire.TCP, fragment=fragment))
    assert kept(tmp_path, [packet, segment(SMB)]) == [1]


QUIC_LONG, QUIC_SHORT = b"\xc3\0\0\0\1" + bytes(1195), b"\x41" + bytes(range(1, 60))


@pytest.mark.parametrize("payload", [QUIC_LONG, QUIC_SHORT, b"\x7f\1", b"\xff"])
def test_quic_is_left_out_either_way(tmp_path, payload):
    assert kept(tmp_path, [datagram(payload, 50000, 443), datagram(payload, 443, 50000)]) == []


@pytest.mark.parametrize(
    "payload",
    [
        INVITE,
        b"SIP/2.0 200 OK\r\n\r\n",
        b"\r\n\r\n",
        b"\0\0\0\0",
        COOKIE,
        b"\x16\xfe\xfd" + bytes(20),
        wire.rtp(1),
        wire.channel_data(bytes(20)),
        wire.channel_data(bytes(20)) + bytes(2),
        b"",
    ],
    ids=["request", "response", "ping", "zeros", "STUN", "DTLS", "RTP", "channel data", "padded", "nothing"],
)
def test_other_protocols_on_the_port_of_quic_are_kept(tmp_path, payload):
    assert kept(tmp_path, [datagram(payload, 50000, 443), datagram(payload, 443, 50000)]) == [1, 2]


@pytest.mark.parametrize("payload", [QUIC_LONG, QUIC_SHORT])
def test_what_looks_like_quic_on_another_port_is_kept(tmp_path, payload):
    assert kept(tmp_path, [datagram(payload, 50000, 4433)]) == [1]


def test_foreign_datagrams_are_kept(tmp_path):
    packets = [datagram(bytes(20), 5353, 5353), datagram(b"\x9a\xbc\1\0\0\1" + bytes(20), 50000, 53)]
    assert kept(tmp_path, packets) == [1, 2]


MAGIC_COOKIE = 0x2112A442
OFFER = b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n"
USERNAME = struct.pack(">HH", 6, 4) + b"ab:c"
MAPPED = bytes.fromhex("002000080001a147e112a643")
HELLO = record(22, handshake(1, 0, bytes(40)))
WHOLE = record(22, handshake(11, 1, chain(ONE, OTHER)))
LONG = chain(ONE, OTHER)
FRAGMENTS = [record(22, handshake(11, 1, LONG[a : a + 300], a, len(LONG))) for a in range(0, len(LONG), 300)]
RTCP = bytes.fromhex("80c8000600000001") + bytes(20)


def stun(kind=0x0001, attributes=USERNAME, *, cookie=MAGIC_COOKIE, length=None, number=7):
    size = len(attributes) if length is None else length
    return struct.pack(">HHI", kind, size, cookie) + number.to_bytes(12) + attributes


def at(*packets):
    """Packets a tenth of a second apart."""
    return [(START + place * SECOND // 10, packet) for place, packet in enumerate(packets)]


def parted(tmp_path, content):
    """Frames that tshark sees, and frames that it does not."""
    (tmp_path / "capture").write_bytes(content)
    found = split(tmp_path / "capture", tmp_path / "kept", tmp_path / "aside")
    return found.kept_frames.tolist(), found.direct_frames.tolist()


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
        stun(0x0003),
        stun(0x0002),
        stun(cookie=1),
        stun(length=12),
        stun(length=4),
        stun() + b"\0",
        stun()[:19],
        b"",
        b"\0",
        b"\x40\x01\0\4abcd",
        b"\r\n\r\n",
        OFFER,
    ],
)
def test_what_is_no_plain_check_has_tshark_see_its_whole_flow(tmp_path, message):
    answer = wire.udp(stun(0x0101), 5000, 4000)
    back = wire.ethernet(wire.ipv4(answer, source=wire.DESTINATION, destination=wire.SOURCE))
    packets = at(datagram(stun()), datagram(message), back)
    assert parted(tmp_path, wire.pcap(packets)) == ([1, 2, 3], [])


def test_another_flow_is_not_concerned(tmp_path):
    packets = at(datagram(stun()), datagram(OFFER, 4000, 5001), datagram(OFFER, 5000, 4000))
    assert parted(tmp_path, wire.pcap(packets)) == ([], [1, 2, 3])


BODY = b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\n"
WITH_BODY = OFFER[:-2] + b"l: %d\r\n\r\n" % len(BODY) + BODY
RINGING = b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP c\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n"


@pytest.mark.parametrize("message", [OFFER, RINGING, WITH_BODY, OFFER.replace(b"x\r", b"\xfc\r")])
def test_a_whole_sip_message_goes_past_tshark_with_keep_alives_around_it(tmp_path, message):
    packets = [datagram(message), datagram(b"\r\n\r\n"), datagram(b"\0"), datagram(message)]
    assert parted(tmp_path, wire.pcap(at(*packets))) == ([2, 3], [1, 4])


@pytest.mark.parametrize(
    "message",
    [
        WITH_BODY[:-1],
        WITH_BODY + b"\0",
        OFFER + BODY,
        OFFER[:-2],
        b"\r\n" + OFFER,
        OFFER * 2,
        OFFER.replace(b"a@b", b"\xfc@b"),
        OFFER.replace(b"a@b", b"a @b"),
        b"hello",
        stun(),
        OFFER.replace(b"SIP/2.0\r", b"SIP/3.0\r", 1),
    ],
)
def test_other_messages_have_tshark_see_all_sip_of_their_flow(tmp_path, message):
    packets = at(datagram(OFFER), datagram(message), datagram(OFFER, 1, 2))
    assert parted(tmp_path, wire.pcap(packets)) == ([1, 2], [3])


def test_media_and_dtls_leave_a_check_plain_and_rtcp_is_shown_to_nobody(tmp_path):
    packets = [*at(datagram(stun()), datagram(HELLO), datagram(WHOLE), datagram(RTCP)), *stream(range(20))]
    assert parted(tmp_path, wire.pcap(packets)) == ([], [1, 2, 3])


def test_certificates_in_fragments_are_for_tshark_with_all_dtls_of_their_flow(tmp_path):
    packets = [datagram(stun()), datagram(HELLO), *map(datagram, FRAGMENTS), datagram(HELLO, 1, 2)]
    assert parted(tmp_path, wire.pcap(at(*packets))) == ([2, 3, 4], [1, 5])


def test_dtls_beside_something_else_or_with_keys_is_for_tshark(tmp_path):
    beside = wire.pcap(at(datagram(HELLO), datagram(OFFER)))
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
    assert (found.kept_frames.tolist(), len(found.direct_frames)) == ([1], 0)


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
        [datagram(OFFER, 5060, 5060), datagram(stun(), 5061, 5060), datagram(stun(), 5060, 5060)],
        [
            datagram(OFFER),
            datagram(RINGING),
            ipv6(WITH_BODY),
            datagram(b"." + OFFER),
            datagram(b"1" + OFFER),
        ],
        [datagram(OFFER), datagram(WITH_BODY[:-5]), datagram(b"\r\n\r\n"), datagram(OFFER, 1, 2)],
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
    monkeypatch.setattr(direct.windows, "__defaults__", (400,))
    found = list(direct.direct_frames(tmp_path / "aside", np.arange(100, 150), np.arange(50)))
    assert [frame.number for frame in found] == list(range(100, 150))
    assert [frame.messages["stun"] for frame in found] == [[stun(number=place)] for place in range(50)]
    assert [frame.packet for frame in found] == [packet for _, packet in packets]
