import pandas as pd

from postproc.correlate.joining import identities as tokens
from postproc.correlate.joining.features import where
from postproc.correlate.joining.identities import Token
from tests import builders as b

UUID = "0135695c-1dae-123c-9f18-84c7ff0a4be6"


def in_headers(*headers, call_ids=("c0", "c1")):
    legs = b.legs(*({"call_id": call_id} for call_id in call_ids))
    rows = b.sip_headers(*({"call_id": c, "name": n, "value": v, "method": "INVITE"} for c, n, v in headers))
    return list(
        tokens.in_headers(rows, where(legs, pd.Series({"a.pcapng": 0})), tokens.local_parts(call_ids))
    )


def header_values(*headers, **known):
    return {(token.row, token.value) for token in in_headers(*headers, **known)}


def header_kinds(*headers, **known):
    return {token.kind for token in in_headers(*headers, **known)}


def of_call_ids(*call_ids):
    return {(token.row, token.value) for token in tokens.in_call_ids(tokens.local_parts(call_ids))}


def test_a_private_header_counts_if_its_value_is_an_id():
    assert header_values(("c0", "x-ref", "{" + UUID + "}")) == {(0, UUID)}
    assert header_values(("c0", "x-fs-support", "update_display,send_info"), ("c0", "subject", UUID)) == set()


def test_a_header_that_names_another_legs_call_id_joins_both():
    named = ("c0", "x-cid", "call-000000012@10.0.0.1")
    assert header_values(named, call_ids=("c0", "call-000000012@10.0.0.1")) == {
        (0, "call-000000012"),
        (1, "call-000000012"),
    }


def test_what_a_private_header_holds_is_kept_apart_unless_it_is_a_call_id():
    assert header_kinds(("c0", "x-ref", UUID)) == {"x-header"}
    assert header_kinds(("c0", "parent-call-id", UUID)) == {"header"}
    assert header_kinds(("c0", "x-cid", "call-000000012"), call_ids=("c0", "call-000000012@b")) == {"header"}


def test_any_header_may_name_a_call_id_but_one_of_a_transfer():
    other = "9f1884c7ff0a4be68a40378784d939b3@b"
    for name, joins in (("call-info", True), ("replaces", False), ("join", False), ("referred-by", False)):
        found = header_values(("c0", name, f"<sip:x>;call={other}"), call_ids=("c0", other))
        assert bool(found) == joins, name


def test_a_short_word_is_no_call_id():
    assert header_values(("c0", "x-count", "17"), call_ids=("c0", "17")) == set()


def test_session_ids_count_without_null_and_order():
    one, other = "ab30317f1a784dc48ff824d0d3715d86", "47755a9de7794ba387653f2099600ef2"
    assert header_values(("c0", "session-id", f"{one};remote={other.upper()}")) == {(0, one), (0, other)}
    assert header_values(("c0", "session-id", f"{one};remote={'0' * 32}")) == {(0, one)}


def test_of_a_charging_vector_the_icid_counts():
    value = 'icid-value="PCSF:1-234";icid-generated-at=192.0.6.8;orig-ioi=home1.net'
    assert header_values(("c0", "p-charging-vector", value)) == {(0, "PCSF:1-234")}


def test_identity_headers_name_people_not_calls():
    assert header_values(("c0", "p-asserted-identity", f"<sip:{UUID}@x>")) == set()


def test_headers_of_no_leg_are_nobodys():
    assert header_values(("z", "x-ref", UUID)) == set()


def test_a_call_id_with_a_leg_number_added_names_the_first_leg():
    first = "9f1884c7ff0a4be68a40378784d939b3"
    for derived in (f"{first}_b2b-1@b", f"{first}-leg2", f"pbx-{first}@b", f"{first}@other.host"):
        assert {(0, first), (1, first)} <= of_call_ids(f"{first}@a", derived), derived


def test_a_call_id_of_which_the_other_keeps_thirty_characters_names_both():
    first = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    assert of_call_ids(first, "z" * 40, first[:30] + "-b2@b") == {
        (0, first),
        (0, first[:30]),
        (2, first[:30]),
    } | of_call_ids(None, None, first[:30] + "-b2@b")
    for others in (
        (first[:29] + "-b2",),
        (first[:31] + "-b2",),
        (first[:30] + "-b2", first[:30] + "_b3"),
    ):
        found = of_call_ids(first, *others)
        assert not {value for row, value in found if row} & {value for row, value in found if not row}, others
    assert of_call_ids("device." * 5 + "1", ("device." * 5)[:30] + "-2") == set()


def test_call_ids_that_happen_to_share_a_part_do_not():
    assert of_call_ids("1-12345@10.0.0.1", "2-12345@10.0.0.1") == set()
    assert of_call_ids("call-00000001@a", "call-00000001@b") == set()
    assert of_call_ids("x" * 500 + "-1", None) == set()


def descriptions(media=(), candidates=()):
    legs = b.legs({"call_id": "c0"})
    tables = (
        b.sdp_media(*({"call_id": "c0"} | row for row in media)).assign(party="uac"),
        b.candidates(*({"call_id": "c0"} | row for row in candidates)).assign(party="uas"),
    )
    found = tokens.in_descriptions(*tables, where(legs, pd.Series({"a.pcapng": 0})))
    return {(token.kind, token.value) for token in found}


def test_descriptions_carry_ufrag_media_address_and_origin():
    row = {
        "connection_addr": "10.0.0.1",
        "port": 30000,
        "ufrag": "U",
        "sdp_owner": "-",
        "session_id": "1795345327",
    }
    assert descriptions([row], [{"addr": "10.0.0.2", "port": 4}]) == {
        ("ufrag", "U"),
        ("media", "uac 10.0.0.1 30000"),
        ("origin", "uac - 1795345327"),
        ("media", "uas 10.0.0.2 4"),
    }


def test_addresses_and_origins_that_are_none_do_not_count():
    none = [
        {"connection_addr": "0.0.0.0", "port": 30000},
        {"connection_addr": "10.0.0.1", "port": 9},
        {"connection_addr": "10.0.0.1", "port": 0, "session_id": "1"},
    ]
    assert descriptions(none) == set()


def test_both_ufrags_together_whatever_their_order():
    found = tokens.of_ice({"a": [("B", "A")], "b": [("A", "B")]}, ["a", "b", None])
    assert list(found) == [Token(0, "ice", "A B"), Token(1, "ice", "A B")]


def test_what_a_log_joins():
    assert list(tokens.in_logs([("a", "b"), ("a", "c")], ["a", "b"])) == [
        Token(0, "log", "0"),
        Token(1, "log", "0"),
        Token(0, "log", "1"),
    ]
