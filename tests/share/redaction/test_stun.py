import hmac
import struct
from zlib import crc32

import pytest

from postproc.share.redaction.stun import looks_like_stun
from tests.share.redaction.parts import SDP, pseudonyms

COOKIE = bytes.fromhex("2112a442")
TRANSACTION = bytes(range(12))
PASSWORD = "vGPBP5qiYyaIHeOqY5amUf"


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def message(
    *attributes: bytes, kind: int = 1, password: str | None = None, transaction: bytes = COOKIE + TRANSACTION
) -> bytes:
    body = b"".join(attributes)
    if password:
        head = struct.pack(">HH", kind, len(body) + 24) + transaction
        body += attribute(8, hmac.digest(password.encode(), head + body, "sha1"))
        head = struct.pack(">HH", kind, len(body) + 8) + transaction
        body += attribute(0x8028, struct.pack(">I", crc32(head + body) ^ 0x5354554E))
    return struct.pack(">HH", kind, len(body)) + transaction + body


def check(password: str = PASSWORD, username: str = "Q0Ny:abcd", **given: bytes) -> bytes:
    return message(attribute(6, username.encode()), attribute(0x24, bytes(4)), password=password, **given)


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
    new = changed(made, check())
    receiver, sender = map(made.words.identifier, ("Q0Ny", "abcd"))
    assert new == check(made.words.identifier(PASSWORD), f"{receiver}:{sender}", transaction=new[4:20])
    assert f"a=ice-ufrag:{receiver}\r\n" in made.descriptions.body(SDP)


def test_the_answer_is_signed_like_the_request(made):
    changed(made, check())
    address = attribute(
        0x20,
        b"\0\1"
        + struct.pack(">H", 33246 ^ 0x2112)
        + bytes(a ^ b for a, b in zip(bytes([192, 168, 178, 34]), COOKIE, strict=True)),
    )
    new = changed(made, message(address, kind=0x0101, password=PASSWORD))
    assert new[4:20] == changed(made, check())[4:20] != COOKIE + TRANSACTION
    seen = bytes(a ^ b for a, b in zip(new[28:32], COOKIE, strict=True))
    assert seen == made.addresses.packed(bytes([192, 168, 178, 34]))
    password = made.words.identifier(PASSWORD)
    assert new == message(new[20:32], kind=0x0101, password=password, transaction=new[4:20])


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
    new = changed(made, message(attribute(1, b"\0\1\0\5" + addr), kind=0x0101, transaction=b"abcd" * 4))
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


@pytest.mark.parametrize(
    "old",
    [
        message(attribute(0x8022, b"CanaryPhone (Anna's Laptop)")),
        message(attribute(9, b"An\4\1Anna is not allowed"), kind=0x0111),
        message(attribute(0x8023, b"A\1na\1\2\3\4")[:-4] + b"anna"),
        message(attribute(6, b"Anna")[:-4] + b"Anna"),
        message(struct.pack(">HH", 6, 1) + b"xAnn"),
        message(attribute(0x8003, b"anna.de"), attribute(0x26, b"Anna" * 3)),
        message(transaction=COOKIE + b"Anna" * 3),
        message(kind=0x0101, transaction=b"Anna" * 4),
    ],
    ids=["software", "reason", "address", "user", "padding", "unknown", "transaction", "old transaction"],
)
def test_no_field_is_left_to_whoever_wrote_it(made, old):
    assert not [
        name for name in (b"anna", b"ann\0", b"xann", b"canary") if name in changed(made, old).lower()
    ]


def test_an_address_in_ipv6_is_masked_with_the_other_transaction(made):
    addr = bytes.fromhex("2a020810000500000000000000000007")
    masked = bytes(a ^ b for a, b in zip(addr, COOKIE + TRANSACTION, strict=True))
    new = changed(made, message(attribute(0x20, b"\0\2\1\2" + masked), kind=0x0101))
    assert bytes(a ^ b for a, b in zip(new[-16:], new[4:20], strict=True)) == made.addresses.packed(addr)


@pytest.mark.parametrize(
    ("payload", "is_one"),
    [
        (message(), True),
        (message(kind=0x3EEF), False),
        (message(transaction=b"abcd" * 4), True),
        (message(transaction=b"abcd" * 4) + b"rest", False),
        (b"\0\1\0\0" + COOKIE, False),
        (b"\x80" + message()[1:], False),
    ],
)
def test_stun_has_a_cookie_and_a_method_or_the_length_of_an_old_one(payload, is_one):
    assert looks_like_stun(payload) == is_one


@pytest.mark.parametrize("length", [0, 1, 2, 3, 5, 21])
@pytest.mark.parametrize("kind", [1, 6, 8, 9, 0x13, 0x14, 0x15, 0x20, 0x8022, 0x8028, 0x4321])
def test_no_attribute_of_any_length_moves_what_comes_after_it(made, kind, length):
    old = message(attribute(kind, b"\x01" * length), attribute(0x24, bytes(4)))
    assert changed(made, old)[-8:] == old[-8:]
