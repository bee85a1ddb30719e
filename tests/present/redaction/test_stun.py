import hmac
import struct
from zlib import crc32

import pytest

from tests.present.redaction.parts import SDP, pseudonyms

COOKIE = bytes.fromhex("2112a442")
TRANSACTION = bytes(range(12))
PASSWORD = "vGPBP5qiYyaIHeOqY5amUf"


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def message(*attributes: bytes, kind: int = 1, password: str | None = None, cookie: bytes = COOKIE) -> bytes:
    body = b"".join(attributes)
    if password:
        head = struct.pack(">HH", kind, len(body) + 24) + cookie + TRANSACTION
        body += attribute(8, hmac.digest(password.encode(), head + body, "sha1"))
        head = struct.pack(">HH", kind, len(body) + 8) + cookie + TRANSACTION
        body += attribute(0x8028, struct.pack(">I", crc32(head + body) ^ 0x5354554E))
    return struct.pack(">HH", kind, len(body)) + cookie + TRANSACTION + body


def check(password: str = PASSWORD) -> bytes:
    return message(attribute(6, b"Q0Ny:abcd"), attribute(0x24, bytes(4)), password=password)


@pytest.fixture
def made():
    made = pseudonyms()
    made.descriptions.body(SDP)
    return made


def changed(made, old: bytes) -> bytes:
    new = made._stun.message(old, lambda inner: bytes(len(inner)))
    assert len(new) == len(old)
    return new


def test_a_check_is_signed_with_the_password_that_stands_in_the_sdp_now(made):
    assert changed(made, check()) == check(made.words.identifier(PASSWORD))


def test_the_answer_is_signed_like_the_request(made):
    changed(made, check())
    address = attribute(
        0x20,
        b"\0\1"
        + struct.pack(">H", 33246 ^ 0x2112)
        + bytes(a ^ b for a, b in zip(bytes([192, 168, 178, 34]), COOKIE, strict=True)),
    )
    new = changed(made, message(address, kind=0x0101, password=PASSWORD))
    seen = bytes(a ^ b for a, b in zip(new[28:32], COOKIE, strict=True))
    assert seen == made.addresses.packed(bytes([192, 168, 178, 34]))
    assert new == message(new[20:32], kind=0x0101, password=made.words.identifier(PASSWORD))


def test_a_wrong_signature_is_not_made_right(made):
    new = changed(made, check("another"))
    assert new[-28:-8] == bytes(20)


def test_a_wrong_fingerprint_stays_wrong(made):
    old = check()[:-1] + b"\0"
    new = changed(made, old)
    assert crc32(new[:-8]) ^ 0x5354554E != int.from_bytes(new[-4:])


def test_names_of_turn_users_do_not_pass(made):
    old = message(attribute(6, b"anna@kunde.de"), attribute(0x14, b"kunde.de"), attribute(0x15, b"nonce123"))
    new = changed(made, old)
    assert not [name for name in (b"anna", b"kunde", b"nonce123") if name in new]


def test_what_is_unknown_is_null_and_numbers_stay(made):
    old = message(attribute(0x24, b"\1\2\3\4"), attribute(0x7FFF, b"Anna"), attribute(0x8022, b"FreeSWITCH"))
    new = changed(made, old)
    assert b"\1\2\3\4" in new
    assert b"Anna" not in new
    assert b"FreeSWITCH" in new


def test_an_old_message_without_cookie_has_plain_addresses(made):
    addr = bytes([10, 0, 50, 118])
    new = changed(made, message(attribute(1, b"\0\1\0\5" + addr), kind=0x0101, cookie=b"abcd"))
    assert new[-4:] == made.addresses.packed(addr)


def test_what_an_indication_carries_is_replaced_by_its_kind(made):
    assert b"Anna" not in changed(made, message(attribute(0x13, b"Anna"), kind=0x16))


def test_every_cut_message_keeps_its_length(made):
    whole = check()
    for size in range(20, len(whole)):
        assert PASSWORD.encode() not in changed(made, whole[:size])


@pytest.mark.parametrize("length", [0xFFFF, 1, 3])
def test_absurd_lengths_do_no_harm(made, length):
    old = struct.pack(">HH", 1, length) + COOKIE + TRANSACTION + struct.pack(">HH", 6, 0xFFFF) + b"Anna"
    assert b"Anna" not in changed(made, old)
