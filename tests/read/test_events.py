"""Second captures of a packet are found, retransmissions are not; ICMP errors and what they quote."""

import pytest

from postproc.read.events import copies_of, icmp_error, sighting
from tests.read.frames import frame

MS = 1_000_000


def seen(number: int, ms: float, *, interface: int = 0, ttl: int = 64, ident: int = 7, payload: bytes = b"x"):
    ip = b"\x45\0\0\x20" + ident.to_bytes(2) + b"\x40\0" + bytes([ttl]) + b"\x11" + bytes([ttl, 1]) + bytes(8)
    packet = bytes([interface]) * 14 + ip + payload
    return sighting(frame(number=number, time=int(ms * MS), interface=interface, ip=ip, packet=packet))


def test_same_packet_on_another_interface_is_a_copy_whatever_its_ttl():
    assert copies_of([seen(1, 0), seen(2, 1, interface=1, ttl=63)]) == {2: 1}


def test_same_packet_on_the_same_interface_needs_the_same_ttl():
    assert copies_of([seen(1, 0), seen(2, 1)]) == {2: 1}
    assert copies_of([seen(1, 0), seen(2, 1, ttl=63)]) == {}


def test_order_in_the_file_does_not_matter():
    assert copies_of([seen(9, 1, interface=1), seen(10, 0)]) == {9: 10}


def test_another_identification_or_payload_is_another_packet():
    assert copies_of([seen(1, 0), seen(2, 1, ident=8), seen(3, 1, payload=b"y")]) == {}


def test_too_late_is_a_retransmission():
    assert copies_of([seen(1, 0), seen(2, 6)]) == {}


def test_without_identification_only_half_a_millisecond_counts():
    assert copies_of([seen(1, 0, ident=0), seen(2, 0.4, ident=0)]) == {2: 1}
    assert copies_of([seen(1, 0, ident=0), seen(2, 1, ident=0)]) == {}


def test_third_copy_points_to_the_first():
    assert copies_of([seen(1, 0), seen(2, 1), seen(3, 2)]) == {2: 1, 3: 1}


def test_ipv6_hop_limit_is_not_compared_across_interfaces():
    def six(number, interface, hops):
        ip = b"\x60\0\0\0\0\x08\x11" + bytes([hops]) + bytes(32)
        return sighting(frame(number=number, interface=interface, ip=ip, packet=b"ether" + ip + b"x"))

    assert copies_of([six(1, 0, 64), six(2, 1, 63)]) == {2: 1}


def test_frames_without_ip_are_compared_whole():
    assert copies_of([sighting(frame(number=n, packet=b"abc")) for n in (1, 2)]) == {2: 1}


UDP = (30000).to_bytes(2) + (50000).to_bytes(2) + b"\0\x1c\0\0"
STUN = b"\0\1\0\0\x21\x12\xa4\x42" + bytes(range(12))


def quote4(protocol: int = 17, segment: bytes = UDP + STUN) -> bytes:
    head = b"\x45\0\0\0\0\0\0\0\x40" + bytes([protocol]) + b"\0\0" + b"\x0a\0\0\1" + b"\x0a\0\0\2"
    return head + segment


def quote6(segment: bytes = UDP + STUN) -> bytes:
    return b"\x60\0\0\0\0\0\x11\x40" + b"\0" * 15 + b"\1" + b"\0" * 15 + b"\2" + segment


def row(message: bytes, layer: str = "icmp"):
    return icmp_error(frame(src_addr="192.0.2.1", messages={layer: [message]}))


def test_unreachable_quotes_a_check():
    assert row(b"\3\3\0\0\0\0\0\0" + quote4()) == {
        "frame": 1,
        "time": 1_000_000_000,
        "reporter": "192.0.2.1",
        "version": 4,
        "type": 3,
        "code": 3,
        "src_addr": "10.0.0.1",
        "src_port": 30000,
        "dst_addr": "10.0.0.2",
        "dst_port": 50000,
        "transport": "udp",
        "transaction_id": bytes(range(12)).hex(),
    }


def test_icmpv6_error():
    found = row(b"\1\4\0\0\0\0\0\0" + quote6(), "icmpv6")
    assert (found["version"], found["type"], found["code"]) == (6, 1, 4)
    assert (found["src_addr"], found["dst_addr"], found["dst_port"]) == ("::1", "::2", 50000)


def test_quote_of_eight_bytes_has_no_transaction():
    assert row(b"\3\1\0\0\0\0\0\0" + quote4(segment=UDP))["transaction_id"] is None


def test_tcp_is_quoted_without_transaction():
    found = row(b"\3\1\0\0\0\0\0\0" + quote4(6))
    assert (found["transport"], found["transaction_id"]) == ("tcp", None)


def test_ip_options_of_the_quote_are_skipped():
    packet = bytearray(quote4(segment=bytes(4) + UDP))
    packet[0] = 0x46
    assert row(b"\3\3\0\0\0\0\0\0" + bytes(packet))["src_port"] == 30000


@pytest.mark.parametrize(
    "message",
    [
        b"\x08\0\0\0\0\0\0\0" + quote4(),  # echo request
        b"\3\3\0\0",
        b"\3\3\0\0\0\0\0\0",
        b"\3\3\0\0\0\0\0\0" + quote4()[:22],
        b"\3\3\0\0\0\0\0\0" + quote4(1),  # quotes ICMP
        b"\3\3\0\0\0\0\0\0" + b"\x90" * 40,
        b"\3\3\0\0\0\0\0\0" + b"\x4f" + quote4()[1:28],  # header longer than the quote
    ],
)
def test_no_row_for_other_messages(message):
    assert row(message) is None


def test_no_row_without_icmp():
    assert icmp_error(frame()) is None
