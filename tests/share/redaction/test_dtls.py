import hashlib
import struct

import pytest

from postproc.share.redaction.dtls import Handshakes

FLOW = (b"\1\1\1\1", 1, b"\2\2\2\2", 2)


def der(tag: int, content: bytes) -> bytes:
    size = bytes([len(content)]) if len(content) < 128 else b"\x82" + struct.pack(">H", len(content))
    return bytes([tag]) + size + content


NAME = der(0x30, der(0x31, der(0x30, der(0x06, b"\x55\x04\x03") + der(0x0C, b"Anna Mobil GmbH"))))
CERTIFICATE = der(
    0x30, der(0x02, b"\x00" + bytes(range(1, 17))) + NAME + der(0x03, b"\x00" + b"publickey" * 30)
)
MESSAGE = (3 + len(CERTIFICATE)).to_bytes(3) + len(CERTIFICATE).to_bytes(3) + CERTIFICATE


def handshake(kind: int, body: bytes, offset: int = 0, length: int | None = None, epoch: int = 0) -> bytes:
    whole = len(body) if length is None else length
    head = bytes([kind]) + whole.to_bytes(3) + b"\0\1" + offset.to_bytes(3) + len(body).to_bytes(3)
    return record(22, head + body, epoch)


def record(kind: int, content: bytes, epoch: int = 0) -> bytes:
    return struct.pack(">BHHHIH", kind, 0xFEFD, epoch, 0, 1, len(content)) + content


def replaced(*datagrams: bytes) -> tuple[Handshakes, list[bytes]]:
    handshakes = Handshakes(b"a key")
    for datagram in datagrams:
        handshakes.note(FLOW, datagram)
    new = [handshakes.payload(FLOW, datagram) for datagram in datagrams]
    assert [len(each) for each in new] == [len(each) for each in datagrams]
    return handshakes, new


def sha256(certificate: bytes) -> str:
    return hashlib.sha256(certificate).digest().hex(":").upper()


def test_a_certificate_gives_way_to_another_and_its_fingerprint_follows():
    handshakes, (new,) = replaced(handshake(11, MESSAGE))
    other = new[13 + 12 + 6 :]
    assert b"Anna" not in new
    assert b"publickey" not in new
    assert dict(handshakes.fingerprints())[sha256(CERTIFICATE)] == sha256(other)
    assert other[:4] == CERTIFICATE[:4]  # the same structure


def test_fragments_of_a_certificate_are_those_of_the_other():
    parts = [handshake(11, MESSAGE[at : at + 100], at, len(MESSAGE)) for at in range(0, len(MESSAGE), 100)]
    _, whole = replaced(handshake(11, MESSAGE))
    _, new = replaced(*parts)
    assert b"".join(each[25:] for each in new) == whole[0][25:]


def test_a_certificate_of_which_a_part_is_missing_is_null():
    handshakes, (new,) = replaced(handshake(11, MESSAGE[:100], 0, len(MESSAGE)))
    assert new[25:] == bytes(100)
    assert not dict(handshakes.fingerprints())


def test_alerts_and_the_cipher_change_stay_and_what_is_encrypted_is_null():
    alert, change = record(21, b"\2\x28"), record(20, b"\1")
    assert replaced(alert + change)[1] == [alert + change]
    assert b"ecret" not in replaced(record(22, b"secret", epoch=1))[1][0]
    assert replaced(record(23, b"secret"))[1] == [record(23, bytes(6))]


def test_the_name_in_a_hello_is_unreadable():
    name = struct.pack(">HHHBH", 0, 9 + 5, 9 + 3, 0, 9) + b"kunde.com"
    body = b"\xfe\xfd" + bytes(32) + b"\0\0\0\2\xc0\x2b\1\0" + struct.pack(">H", len(name)) + name
    assert b"kunde" not in replaced(handshake(1, body))[1][0]


@pytest.mark.parametrize("size", [1, 13, 20, 26, 60])
def test_cut_datagrams_keep_their_length(size):
    replaced(handshake(11, MESSAGE)[:size])


@pytest.mark.parametrize("body", [b"\x30\x84\xff\xff\xff\xffx", b"\x30\x80", b"0" * 50, b"\x30\x03" * 40])
def test_what_is_no_certificate_is_filled(body):
    message = (3 + len(body)).to_bytes(3) + len(body).to_bytes(3) + body
    assert body not in replaced(handshake(11, message))[1][0] or len(body) < 3
