"""DTLS messages (RFC 6347, RFC 9147), as far as they are readable."""

import pytest

from bench.certificate import certificate
from postproc.read import dtls
from tests.read.frames import frame


def record(content: int, body: bytes, epoch: int = 0) -> bytes:
    return bytes([content]) + b"\xfe\xfd" + epoch.to_bytes(2) + bytes(6) + len(body).to_bytes(2) + body


def handshake(
    kind: int, sequence: int, body: bytes = b"", offset: int = 0, total: int | None = None
) -> bytes:
    length = len(body) if total is None else total
    return (
        bytes([kind])
        + length.to_bytes(3)
        + sequence.to_bytes(2)
        + offset.to_bytes(3)
        + len(body).to_bytes(3)
        + body
    )


def rows(datagram: bytes, **changes):
    return list(dtls.rows(frame(messages={"dtls": [datagram]}, **changes)))


def kinds(found):
    return [(row["content"], row["handshake_type"], row["epoch"]) for row in found]


def test_flight_with_several_messages_in_one_record():
    found = rows(record(22, handshake(2, 0, b"x") + handshake(14, 1)))
    assert kinds(found) == [("handshake", "server_hello", 0), ("handshake", "server_hello_done", 0)]
    assert [row["message_seq"] for row in found] == [0, 1]


def test_fragments_of_one_message_in_a_frame_are_one_row():
    flight = record(22, handshake(11, 1, b"ab", 0, 4)) + record(22, handshake(11, 1, b"cd", 2, 4))
    assert kinds(rows(flight)) == [("handshake", "certificate", 0)]


def test_certificate_is_tsharks_first():
    found = rows(record(22, handshake(2, 0) + handshake(11, 1, b"ab")), certificates=("3082", "3083"))
    assert [row["certificate"] for row in found] == [None, "3082"]


def test_cipher_change_and_encrypted_messages():
    flight = record(20, b"\1") + record(22, b"\0" * 40, 1) + record(22, b"\0" * 40, 1) + record(23, b"x", 1)
    assert kinds(rows(flight)) == [
        ("change_cipher_spec", None, 0),
        ("handshake", "encrypted", 1),
        ("handshake", "encrypted", 1),
        ("application_data", None, 1),
    ]


def test_alerts_are_named_when_readable():
    found = rows(record(21, b"\2\x28") + record(21, b"\2\xfe") + record(21, bytes(20), 1))
    assert [row["alert"] for row in found] == ["handshake_failure", "254", "encrypted"]


def test_unified_header_of_dtls_1_3_is_encrypted():
    flight = record(22, handshake(2, 0)) + b"\x2e" + bytes(30)
    assert kinds(rows(flight)) == [("handshake", "server_hello", 0), ("handshake", "encrypted", 2)]
    assert kinds(rows(b"\x2f" + bytes(30))) == [("application_data", "encrypted", 3)]


def test_records_of_dtls_1_3_need_no_tshark_where_their_lengths_fill_the_datagram():
    short, long = b"\x26\0\0\4abcd", b"\x2f\0\1\0\2xy"
    for datagram in (record(22, handshake(2, 0)) + short, short + long, long):
        assert dtls.certificates(datagram) == ()
    for other in (b"/ab\0\3xy", b"\x3c\0\1\0\2xy", long + b"x", long[:-1], b"\x2e", b""):
        assert dtls.certificates(other or long[:4]) is None


def test_cut_records_end_the_datagram():
    assert rows(b"\x16\xfe\xfd") == []
    assert kinds(rows(record(22, handshake(1, 0, bytes(50)))[:-20])) == [("handshake", "client_hello", 0)]
    assert rows(record(22, b"\1\0")) == []


def test_unknown_content_and_handshake_types_keep_their_number():
    assert kinds(rows(record(99, b"x") + record(22, handshake(77, 0)))) == [
        ("99", None, 0),
        ("handshake", "77", 0),
    ]


def test_dtls_inside_turn_is_relayed():
    hello = record(22, handshake(1, 0))
    assert rows(hello, protocols=("udp", "stun", "dtls"))[0]["relayed"] is True
    assert rows(hello)[0]["relayed"] is False


ONE, OTHER = (certificate(name, bytes) for name in ("one", "other"))


def chain(*certificates: bytes, missing: int = 0) -> bytes:
    listed = b"".join(len(each).to_bytes(3) + each for each in certificates)
    return (len(listed) + missing).to_bytes(3) + listed


def test_whole_certificates_need_no_tshark():
    flight = record(22, handshake(2, 0, b"x") + handshake(11, 1, chain(ONE, OTHER))) + record(20, b"\1")
    assert dtls.certificates(flight) == (ONE.hex(), OTHER.hex())
    assert dtls.certificates(record(22, handshake(11, 1, chain()))) == ()
    assert dtls.certificates(record(22, b"\x0b" + bytes(40), 1) + record(23, b"x", 1)) == ()


@pytest.mark.parametrize(
    "datagram",
    [
        record(22, handshake(11, 1, chain(ONE)[:99], 0, len(chain(ONE)))),
        record(22, handshake(11, 1, chain(ONE)[99:], 99, len(chain(ONE)))),
        record(22, handshake(11, 1, chain(ONE, missing=1))),
        record(22, handshake(11, 1, chain(ONE, b"0\3abc", b"no certificate"))),
        record(22, handshake(11, 1, chain(ONE + b"\0"))),
        record(22, handshake(11, 1, chain(b""))),
        record(22, handshake(11, 1, b"\0\0")),
        record(22, handshake(2, 0, b"xy")[:-1]),
        record(22, handshake(2, 0)[:-1]),
        record(25, b"x"),
        record(26, b"x"),
        b"\x2e" + bytes(30),
        record(22, b"")[:-1],
        record(21, b"\2\0")[:-1],
        b"\x16\x03\x03" + record(22, b"")[3:],
    ],
)
def test_what_is_in_fragments_or_of_another_kind_does(datagram):
    assert dtls.certificates(datagram) is None
