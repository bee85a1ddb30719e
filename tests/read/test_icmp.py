"""ICMP errors and what they quote (RFC 792, RFC 4443)."""

import pytest

from postproc.read import icmp
from tests.read.frames import frame

UDP = (30000).to_bytes(2) + (50000).to_bytes(2) + b"\0\x1c\0\0"
STUN = b"\0\1\0\0\x21\x12\xa4\x42" + bytes(range(12))


def quote4(protocol: int = 17, segment: bytes = UDP + STUN) -> bytes:
    head = b"\x45\0\0\0\0\0\0\0\x40" + bytes([protocol]) + b"\0\0" + b"\x0a\0\0\1" + b"\x0a\0\0\2"
    return head + segment


def quote6(segment: bytes = UDP + STUN) -> bytes:
    return b"\x60\0\0\0\0\0\x11\x40" + b"\0" * 15 + b"\1" + b"\0" * 15 + b"\2" + segment


def row(message: bytes, layer: str = "icmp"):
    return icmp.row(frame(src_addr="192.0.2.1", messages={layer: [message]}))


def test_unreachable_quotes_a_check():
    assert row(b"\3\3\0\0\0\0\0\0" + quote4()) == {
        "frame": 1, "time": 1_000_000_000, "reporter": "192.0.2.1", "version": 4, "type": 3, "code": 3,
        "src_addr": "10.0.0.1", "src_port": 30000, "dst_addr": "10.0.0.2", "dst_port": 50000,
        "transport": "udp", "transaction_id": bytes(range(12)).hex(),
    }  # fmt: skip


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
    assert icmp.row(frame()) is None
