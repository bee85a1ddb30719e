import pytest

from postproc.correlate.joining.words import is_named_id, local_part, looks_random, words


@pytest.mark.parametrize(
    "value",
    [
        "0135695c-1dae-123c-9f18-84c7ff0a4be6",
        "9f1884c7ff0a4be68a40378784d939b3",
        "a84b4c76e66710@10.0.0.1",
        "Zk3x9Qp2Lm7Rt",
        "1234567890123456",
    ],
)
def test_ids_look_random(value):
    assert looks_random(value)


@pytest.mark.parametrize(
    "value",
    [
        "update_display,send_info",
        "sipsorcery_v4.0.79.1",
        "XPhoneConnectServer2023",
        "+498984079810",
        "498984079810",
        "203.0.113.5:5060",
        "2001:db8::15",
        "sip:+498984079810@10.0.50.118:4900",
        "https://example.org/0a1b2c3d4e5f",
        "001565abcdef",
        "00:15:65:ab:cd:ef",
        "2026-01-01T12:00:00.123Z",
        "true",
        "0",
        "",
        "a1b2",
        "0" * 32,
        "x" * 300 + "1a2b3c4d",
    ],
)
def test_names_numbers_versions_addresses_and_times_do_not(value):
    assert not looks_random(value)


def test_a_header_made_for_ids_may_hold_plain_ones():
    assert is_named_id("2718281828")
    assert not is_named_id("0" * 32)
    assert not is_named_id("abcdefgh")
    assert not is_named_id("123")


def test_a_value_is_taken_whole_and_apart():
    assert words(' {a-1};ref="b_2", c ') == ['{a-1};ref="b_2", c', "a-1", "ref", "b_2", "c"]
    assert words("   ") == []


@pytest.mark.parametrize(
    "call_id, local", [("a1@host", "a1"), ("{a-1}", "a-1"), ("@host", "@host"), ("plain", "plain")]
)
def test_the_local_part_of_a_call_id(call_id, local):
    assert local_part(call_id) == local
