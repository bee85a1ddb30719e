"""STUN messages (RFC 8489), with and without magic cookie, whole and broken."""

import pytest

from postproc.read import stun
from tests.read.frames import frame

# A check with USERNAME, PRIORITY, ICE-CONTROLLING, USE-CANDIDATE, MESSAGE-INTEGRITY, FINGERPRINT.
CHECK = bytes.fromhex(
    "000100542112a442c5a4ec083cf5385b27e9d2a600060015584174637630"
    "4f336f6e655243435750"
    "3a51304e7900000000240004"
    "6effffff802a00089453acd23d9958f1002500000008001498fb711b8358713e82e1"
    "6f19df3ceef0d5cd6e02802800049edb9295"
)
# coturn's answer to a look-up: XOR-MAPPED-ADDRESS, MAPPED-ADDRESS, RESPONSE-ORIGIN, SOFTWARE.
ANSWER = bytes.fromhex(
    "0101003c2112a44242525858496a57473753764c00200008000182"
    "58ea12d548000100080001a34acb00710a802b000800010d96c000023580220014436f7475726e2d342e362e312027476f727374"
    "27"
).ljust(80, b"\0")


def row(message: bytes, **changes):
    (found,) = stun.rows(frame(messages={"stun": [message]}, **changes))
    return found


def build(kind: int, *attributes: tuple[int, bytes], cookie: str = "2112a442") -> bytes:
    body = b"".join(
        code.to_bytes(2) + len(value).to_bytes(2) + value + bytes(-len(value) % 4)
        for code, value in attributes
    )
    return kind.to_bytes(2) + len(body).to_bytes(2) + bytes.fromhex(cookie) + bytes(range(12)) + body


def test_check_with_role_and_nomination():
    found = row(CHECK)
    assert (found["method"], found["kind"], found["role"]) == ("binding", "request", "controlling")
    assert found["username"] == "XAtcv0O3oneRCCWP:Q0Ny"
    assert (found["priority"], found["use_candidate"]) == (0x6EFFFFFF, True)
    assert found["transaction_id"] == "c5a4ec083cf5385b27e9d2a6"
    assert (found["mapped_addr"], found["error_code"], found["software"]) == (None, None, None)


def test_answer_with_mapped_address_unmasked():
    found = row(ANSWER)
    assert (found["kind"], found["mapped_addr"], found["mapped_port"]) == ("success", "203.0.113.10", 41802)
    assert found["use_candidate"] is False


def test_ipv6_mapped_address_is_masked_with_cookie_and_id():
    mask = bytes.fromhex("2112a442") + bytes(range(12))
    plain = bytes.fromhex("20010db8000000000000000000000001")
    value = b"\0\2" + (41802 ^ 0x2112).to_bytes(2) + bytes(a ^ b for a, b in zip(plain, mask, strict=True))
    found = row(build(0x0101, (0x0020, value)))
    assert (found["mapped_addr"], found["mapped_port"]) == ("2001:db8::1", 41802)


def test_mapped_address_alone_and_classic_id_of_128_bits():
    found = row(build(0x0101, (0x0001, b"\0\1\x12\x34\x01\x02\x03\x04"), cookie="00000000"))
    assert (found["mapped_addr"], found["mapped_port"]) == ("1.2.3.4", 0x1234)
    assert found["transaction_id"] == "00000000" + bytes(range(12)).hex()


def test_error_code():
    assert row(build(0x0111, (0x0009, b"\0\0\x04\x57Role Conflict")))["error_code"] == 487
    for value in (b"\0\0", b"\0\0\x04\x64", b"\0\0\x07\x01", b"\0\0\x00\x57"):
        assert row(build(0x0111, (0x0009, value)))["error_code"] is None


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0x0001, ("binding", "request")),
        (0x0011, ("binding", "indication")),
        (0x0101, ("binding", "success")),
        (0x0111, ("binding", "error")),
        (0x0003, ("allocate", "request")),
        (0x0113, ("allocate", "error")),
        (0x0016, ("send", "indication")),
        (0x0017, ("data", "indication")),
        (0x0108, ("create_permission", "success")),
        (0x0009, ("channel_bind", "request")),
        (0x3EEF, ("0xfff", "request")),
    ],
)
def test_type_is_method_and_class(number, expected):
    message = build(number)
    found = row(message)
    assert (found["method"], found["kind"]) == expected


def test_attribute_longer_than_the_message_ends_the_list():
    message = bytearray(build(0x0001, (0x0006, b"abcd"), (0x0024, b"\0\0\0\1")))
    message[30:32] = b"\xff\xff"
    assert row(bytes(message))["username"] == "abcd"
    assert row(bytes(message))["priority"] is None


@pytest.mark.parametrize("value", [b"", b"\0", b"\0\1\0\0", b"\0\3\0\0\1\2\3\4", b"\0\2\0\0\1\2\3\4"])
def test_address_of_wrong_size_or_family_is_na(value):
    assert row(build(0x0101, (0x0020, value)))["mapped_addr"] is None


def test_message_shorter_than_a_header_has_no_row():
    assert not list(stun.rows(frame(messages={"stun": [b"\0\1\0\0"]})))


def test_message_in_a_data_indication_is_relayed():
    outer = build(0x0017, (0x0013, CHECK))
    rows = list(stun.rows(frame(messages={"stun": [outer, CHECK]})))
    assert [(r["method"], r["relayed"]) for r in rows] == [("data", False), ("binding", True)]


PEER = (0x0012, b"\0\1" + (30000 ^ 0x2112).to_bytes(2) + bytes.fromhex("ea12d542"))  # 203.0.113.0


@pytest.mark.parametrize("told", [[], [CHECK]])  # by tshark, which does not always look inside
@pytest.mark.parametrize(("kind", "method"), [(0x0016, "send"), (0x0017, "data")])
def test_what_an_indication_carries_is_read_once_and_has_its_peer(kind, method, told):
    outer = build(kind, PEER, (0x0013, CHECK))
    rows = list(stun.rows(frame(messages={"stun": [outer, *told]})))
    assert [(r["method"], r["relayed"], r["peer_addr"], r["peer_port"]) for r in rows] == [
        (method, False, "203.0.113.0", 30000),
        ("binding", True, "203.0.113.0", 30000),
    ]


@pytest.mark.parametrize("payload", [b"", b"\x80\0", CHECK[:-1], CHECK + b"\0"])
def test_what_is_no_whole_message_in_an_indication_has_no_row(payload):
    assert len(list(stun.rows(frame(messages={"stun": [build(0x0016, PEER, (0x0013, payload))]})))) == 1


def test_message_in_channel_data_is_relayed():
    (found,) = stun.rows(frame(messages={"stun": [b"\x40\0\0\x6c", CHECK]}))
    assert (found["method"], found["relayed"], found["channel"]) == ("binding", True, 0x4000)


def test_allocate_tells_the_relayed_address_and_channel_bind_its_peer():
    given = row(build(0x0103, (0x0016, PEER[1])))
    assert (given["relay_addr"], given["relay_port"]) == ("203.0.113.0", 30000)
    bound = row(build(0x0009, (0x000C, b"\x40\x01\0\0"), PEER))
    assert (bound["channel"], bound["peer_addr"], bound["peer_port"]) == (0x4001, "203.0.113.0", 30000)


def test_two_messages_in_a_segment_are_not_relayed():
    rows = list(stun.rows(frame(messages={"stun": [CHECK, ANSWER]})))
    assert [r["relayed"] for r in rows] == [False, False]


def test_classic_layer_is_read_too():
    (found,) = stun.rows(frame(messages={"classicstun": [build(0x0001, cookie="01020304")]}))
    assert (found["method"], found["username"]) == ("binding", None)
