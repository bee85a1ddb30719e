"""Plain SIP over TCP and ICMP errors are read without tshark, and as tshark would have read them."""

import struct

import pandas as pd
import pytest

from postproc.read.capture import read
from postproc.read.option_files import Options
from postproc.wire.transport import ACK, FIN, RST, SYN
from tests.read import wire
from tests.read.parted import split
from tests.read.test_tshark import SIP
from tests.read.wire import SECOND, START

BODY = b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
OFFER = (
    b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nX-A: 1\r\n"
    b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(BODY)
) + BODY
KEEP_ALIVE = b"\r\n\r\n"
IPV4 = b"\x08\x00"
TABLES = ("sip_messages", "sip_headers", "sdp_media", "connection_events", "icmp_errors")


def segment(sequence, payload=b"", *, flags=ACK, ports=(50000, 5060), back=False):
    header = struct.pack(
        ">HHIIBBHHH", *(ports[::-1] if back else ports), sequence % 2**32, 1, 5 << 4, flags, 9, 0, 0
    )
    ends = {"source": wire.DESTINATION, "destination": wire.SOURCE} if back else {}
    return wire.ethernet(wire.ipv4(header + payload, wire.TCP, **ends))


def stream(*payloads, first=2**32 - 100, **changes):
    """Segments one behind the other, over the end of the sequence numbers."""
    found = []
    for payload in payloads:
        found.append(segment(first, payload, **changes))
        first += len(payload)
    return found


def icmp(kind, protocol=1, ip=wire.ipv4):
    quoted = ip(wire.udp(b"\0" * 20, 4000, 5000))
    return wire.ethernet(ip(bytes([kind, 3]) + bytes(6) + quoted, protocol))


def both_ways(folder, packets):
    """Frames for tshark and not, and the tables without and with it."""
    path = folder / "a.pcap"
    path.write_bytes(wire.pcap([(START + n * SECOND // 10, packet) for n, packet in enumerate(packets)]))
    found = split(path, folder / "kept", folder / "aside")
    fast, whole = (read(path, "a", Options(all_packets=every)) for every in (False, True))
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(fast, table), getattr(whole, table), obj=table)
    return found.kept_frames.tolist(), found.direct_frames.tolist(), fast


def pieces(count):
    """A message in so many segments."""
    size = -(-len(OFFER) // count)
    return [OFFER[at : at + size] for at in range(0, len(OFFER), size)]


PLAIN = {
    "in many segments, and again": (stream(*pieces(50), *pieces(50)), 2),
    "one by one": (stream(SIP % 1, OFFER, KEEP_ALIVE, SIP % 2), 3),
    "two in a segment, one in three": (stream(SIP % 1 + OFFER, OFFER[:90], OFFER[90:200], OFFER[200:]), 3),
    "one ends where two begin": (stream(OFFER[:200], OFFER[200:] + SIP % 1 + OFFER[:60], OFFER[60:]), 3),
    "with its opening and end": (
        [
            segment(9, flags=SYN),
            segment(70, flags=SYN | ACK, back=True),
            segment(10, SIP % 1),
            segment(71, SIP % 2, back=True),
            segment(10 + len(SIP % 1), flags=FIN | ACK),
            segment(71 + len(SIP % 2), flags=RST, back=True),
        ],
        2,
    ),
    "IPv6": ([wire.ethernet(wire.ipv6(wire.tcp(OFFER, 50000, 5060), wire.TCP))], 1),
    "refused": ([segment(9, flags=SYN), segment(0, flags=RST | ACK, back=True)], 0),
}


@pytest.mark.parametrize(("packets", "messages"), PLAIN.values(), ids=PLAIN)
def test_plain_sip_is_read_as_tshark_reads_it_but_without_it(tmp_path, packets, messages):
    kept, direct, tables = both_ways(tmp_path, packets)
    assert (kept, direct, len(tables.sip_messages)) == ([], [*range(1, len(packets) + 1)], messages)
    events = sum(packet[12:14] == IPV4 and bool(packet[47] & (FIN | RST)) for packet in packets)
    assert len(tables.connection_events) == events


def with_length(text):
    return OFFER.replace(b"Content-Length: %d\r\n" % len(BODY), text)


OTHER = {
    "sent again": [segment(1, SIP % 1), segment(1, SIP % 1)],
    "out of order": [segment(1 + len(OFFER), SIP % 1), segment(1, OFFER)],
    "a gap": [*stream(SIP % 1), segment(5000, SIP % 2)],
    "unfinished": stream(SIP % 1, OFFER[:-5]),
    "begun before": stream(OFFER[150:], SIP % 1),
    "behind a keep-alive": stream(SIP % 1, KEEP_ALIVE + SIP % 2),
    "without a length": stream(SIP % 1, with_length(b"")),
    "with two lengths": stream(with_length(b"l: 3\r\nContent-Length: %d\r\n" % len(BODY))),
    "with a compact one": stream(with_length(b"l: %d\r\n" % len(BODY))),
    "a bare line feed": stream(OFFER.replace(b"x\r\n", b"x\n")),
    "no SIP": stream(SIP % 1, b"hello\r\n\r\n"),
    "a few bytes at a time": stream(SIP % 1, *pieces(100)),
    "TLS": stream(bytes.fromhex("16030100050100000100")),
    "opened anew": [segment(1, SIP % 1), segment(9, flags=SYN), segment(10, SIP % 2)],
    "with data": [segment(1, SIP % 1, flags=SYN)],
    "with HTTPS": stream(SIP % 1, ports=(443, 5060)),
}


@pytest.mark.parametrize("packets", OTHER.values(), ids=OTHER)
def test_tshark_gets_all_of_another_connection_and_nothing_of_a_plain_one(tmp_path, packets):
    plain = [segment(7, OFFER, ports=(50001, 5060))]
    kept, direct, _ = both_ways(tmp_path, [*plain, *packets, *stream(SIP % 5, ports=(5061, 50002))])
    assert kept == [*range(2, len(packets) + 2)]
    assert direct == [1, len(packets) + 2]


def test_what_the_snapshot_length_cut_is_for_tshark(tmp_path):
    whole = segment(1, SIP % 1)
    path = tmp_path / "cut.pcapng"
    cut = wire.enhanced(2, whole[:-4], original=len(whole))
    path.write_bytes(wire.pcapng(wire.interface(), wire.enhanced(1, icmp(3)[:-4], original=90), cut))
    assert split(path, tmp_path / "kept", tmp_path / "aside").kept_frames.tolist() == [1, 2]


def test_a_message_without_an_end_is_not_held_for_ever(tmp_path):
    first, *more = b"INVITE sip:a@b SIP/2.0\r\n", *[b"X: " + b"a" * 1400 + b"\r\n"] * 60
    path = tmp_path / "a.pcap"
    path.write_bytes(wire.pcap([(START + n, each) for n, each in enumerate(stream(first, *more))]))
    assert len(split(path, tmp_path / "kept", tmp_path / "aside").kept_frames) == 61


def test_icmp_errors_are_read_and_echoes_are_nothing(tmp_path):
    packets = [icmp(3), icmp(8), icmp(11), icmp(1, 58, wire.ipv6), icmp(128, 58, wire.ipv6), icmp(3) + b"\0"]
    kept, direct, tables = both_ways(tmp_path, packets)
    assert (kept, direct) == ([], [1, 2, 3, 4, 5, 6])
    assert tables.icmp_errors["frame"].tolist() == [1, 3, 4, 6]
