import pandas as pd
import pytest

from postproc.correlate.bindings import bindings
from postproc.tables import BINDINGS
from tests import builders as b

NAT, STUN_SERVER = "203.0.113.10", "192.0.2.53"
TO_CLIENT = {"src_addr": b.SERVER, "src_port": 30000, "dst_addr": b.CLIENT, "dst_port": 50000}
TO_SERVER = {"src_addr": b.CLIENT, "src_port": 50000, "dst_addr": b.SERVER, "dst_port": 30000}
LOOK_UP = {"src_addr": b.SERVER, "src_port": 30000, "dst_addr": STUN_SERVER, "dst_port": 3478}
LOOKED_UP = {"src_addr": STUN_SERVER, "src_port": 3478, "dst_addr": b.SERVER, "dst_port": 30000}
CHECK = TO_CLIENT | {"username": "C:S", "priority": 1}
ANSWER = TO_SERVER | {"kind": "success", "mapped_addr": NAT, "mapped_port": 40000}
REFUSAL = TO_SERVER | {"kind": "error", "error_code": 401}
UNREACHABLE = TO_CLIENT | {"version": 4, "type": 3, "code": 3, "transport": "udp"}


EMPTY = {name: b.rows(name) for name in ("icmp_errors", "sip_messages", "rtp_streams", "dtls_messages")}


def bound(*messages, sessions=(), endpoints=(), end=100.0, **others):
    """Bindings of these messages in a capture that ends after ``end`` seconds."""
    tables = {name: b.rows(name, *others[name]) if name in others else EMPTY[name] for name in EMPTY}
    captures = pd.DataFrame({"capture": ["a.pcapng", "b.pcapng"], "last_time": b.at(end)})
    return bindings(
        b.stun_messages(*messages),
        b.ice_sessions(*sessions),
        b.endpoints(*endpoints),
        captures=captures,
        **tables,
    )


def one(*messages, **others):
    found = bound(*messages, **others)
    assert len(found) == 1
    return found.iloc[0].to_dict()


# Outcomes


def test_a_success_tells_round_trip_and_mapped_address():
    row = one(CHECK | {"time": 1.0}, ANSWER | {"time": 1.025, "frame": 9})
    assert (row["outcome"], row["requests"], row["rtt_ms"], row["response_frame"]) == ("success", 1, 25.0, 9)
    assert (row["mapped_addr"], row["mapped_port"], row["frame"]) == (NAT, 40000, 1)
    assert pd.isna(row["error_code"]) and pd.isna(row["error_seen"])


def test_the_round_trip_begins_with_the_last_request_before_the_first_response():
    row = one(CHECK | {"time": 1.0}, CHECK | {"time": 1.5}, ANSWER | {"time": 1.51}, CHECK | {"time": 1.6})
    assert (row["requests"], row["rtt_ms"]) == (3, 10.0)


def test_any_success_beats_errors_before_and_after_it():
    after = one(CHECK, ANSWER | {"frame": 5}, CHECK, REFUSAL)
    before = one(CHECK, REFUSAL, CHECK, ANSWER | {"frame": 5})
    for row in (after, before):
        assert (row["outcome"], row["error_seen"], row["response_frame"]) == ("success", 401, 5)
        assert pd.isna(row["error_code"])


def test_an_error_alone_is_the_outcome_with_its_code():
    row = one(CHECK, REFUSAL | {"frame": 4})
    assert (row["outcome"], row["error_code"], row["response_frame"]) == ("error", 401, 4)
    assert pd.isna(row["error_seen"]) and pd.isna(row["mapped_addr"])


def test_an_error_without_readable_code_is_still_an_error():
    row = one(CHECK, REFUSAL | {"error_code": None})
    assert row["outcome"] == "error" and pd.isna(row["error_code"])


@pytest.mark.parametrize(("end", "outcome"), [(4.9, "pending"), (5.0, "pending"), (5.1, "unanswered")])
def test_three_seconds_after_the_last_request_it_is_unanswered_if_the_capture_goes_on(end, outcome):
    assert one(CHECK | {"time": 1.0}, CHECK | {"time": 2.0}, end=end)["outcome"] == outcome


@pytest.mark.parametrize(("end", "outcome"), [(24.9, "pending"), (25.1, "unanswered")])
def test_slow_answers_elsewhere_in_the_capture_make_it_wait_three_medians(end, outcome):
    slow = [
        message | {"transaction_id": f"0{n}", "time": n + wait}
        for n, round_trip in enumerate((4.0, 5.0, 80.0), 1)
        for message, wait in ((CHECK, 0.0), (ANSWER, round_trip))
    ]
    found = bound(CHECK | {"time": 10.0}, *slow, end=end)
    assert found.loc[found["transaction_id"] == "00" * 12, "outcome"].tolist() == [outcome]


def test_the_last_stun_message_ends_a_capture_that_is_not_listed():
    found = bound(
        CHECK | {"capture": "unlisted", "time": 1.0},
        CHECK | {"capture": "unlisted", "time": 9.0, "transaction_id": "0b"},
    )
    assert found["outcome"].tolist() == ["unanswered", "pending"]


def test_a_response_without_request_gives_the_mirrored_tuple():
    row = one(ANSWER | {"frame": 3, "time": 3.0})
    assert (row["outcome"], row["requests"], row["frame"], row["response_frame"]) == (
        "response_only",
        0,
        3,
        3,
    )
    assert {name: row[name] for name in TO_CLIENT} == TO_CLIENT
    assert row["mapped_addr"] == NAT and pd.isna(row["rtt_ms"])


def test_an_error_never_asked_for_changes_nothing():
    found = bound(CHECK, ANSWER, REFUSAL | {"transaction_id": "0e"})
    assert found["outcome"].tolist() == ["success", "response_only"]
    assert found["error_code"].isna().all() and found["error_seen"].isna().all()


def test_an_answer_from_another_address_still_answers():
    elsewhere = {"src_addr": "198.51.100.99", "src_port": 1, "dst_addr": NAT, "dst_port": 2}
    row = one(CHECK, ANSWER | elsewhere)
    assert row["outcome"] == "success"
    assert {name: row[name] for name in TO_CLIENT} == TO_CLIENT


def test_second_captures_are_counted_apart():
    row = one(CHECK, CHECK | {"copy_of": 1}, CHECK, ANSWER, ANSWER | {"copy_of": 4})
    assert (row["requests"], row["copies"], row["outcome"]) == (2, 2, "success")


def test_the_same_transaction_in_two_captures_is_two_bindings():
    found = bound(CHECK, CHECK | {"capture": "b.pcapng"}, ANSWER | {"capture": "b.pcapng"})
    assert found["capture"].tolist() == ["a.pcapng", "b.pcapng"]
    assert found["outcome"].tolist() == ["unanswered", "success"]


def test_a_file_out_of_order_is_read_by_time():
    row = one(ANSWER | {"frame": 1, "time": 2.0}, CHECK | {"frame": 2, "time": 1.0})
    assert (row["frame"], row["rtt_ms"]) == (2, 1000.0)


def test_relayed_messages_and_indications_make_no_row():
    assert bound(CHECK | {"relayed": True}, CHECK | {"kind": "indication"}).empty


def test_no_stun_at_all_gives_an_empty_table_of_the_declared_types():
    assert bound().dtypes.to_dict() == BINDINGS.empty().dtypes.to_dict()


def test_messages_full_of_na_raise_nothing():
    nothing = dict.fromkeys(("frame", "time", *TO_CLIENT))
    row = one(nothing, nothing | {"kind": "success"}, nothing | {"kind": "error"})
    assert row["outcome"] == "success" and pd.isna(row["rtt_ms"])
    assert one(nothing)["outcome"] == "unanswered"


# ICMP errors


@pytest.mark.parametrize("identity", ["00" * 12, None])
def test_a_hard_icmp_error_fails_a_request_at_once(identity):
    row = one(
        CHECK | {"time": 1.0}, end=1.5, icmp_errors=[UNREACHABLE | {"time": 1.2, "transaction_id": identity}]
    )
    assert (row["outcome"], row["icmp"]) == ("unanswered", 3)


def test_a_soft_icmp_error_is_told_and_waited_for():
    exceeded = UNREACHABLE | {"time": 1.2, "type": 11, "code": 0, "transaction_id": "00" * 12}
    row = one(CHECK | {"time": 1.0}, end=1.5, icmp_errors=[exceeded])
    assert (row["outcome"], row["icmp"]) == ("pending", 0)


def test_a_hard_icmp_error_beats_a_soft_one():
    exceeded = UNREACHABLE | {"type": 11, "code": 0}
    assert one(CHECK, icmp_errors=[exceeded, UNREACHABLE | {"code": 13}, UNREACHABLE])["icmp"] == 13


def test_an_answer_counts_more_than_an_icmp_error():
    row = one(CHECK, ANSWER, icmp_errors=[UNREACHABLE | {"transaction_id": "00" * 12}])
    assert (row["outcome"], row["icmp"]) == ("success", 3)


@pytest.mark.parametrize(
    "other",
    [
        {"transaction_id": "0c"},
        {"capture": "b.pcapng"},
        {"dst_port": 50001},
        {"transport": "tcp"},
        {"time": 6.1},
        {"time": 0.9},
        {"time": None},
        {"type": 5},
    ],
)
def test_icmp_errors_about_something_else_leave_it_alone(other):
    row = one(CHECK | {"time": 1.0}, end=2.0, icmp_errors=[UNREACHABLE | {"time": 2.0} | other])
    assert row["outcome"] == "pending" and pd.isna(row["icmp"])


def test_a_quote_without_id_means_the_last_request_before_it():
    found = bound(
        CHECK | {"time": 1.0, "transaction_id": "01"},
        CHECK | {"time": 2.0, "transaction_id": "02"},
        CHECK | {"time": 3.0, "transaction_id": "03"},
        icmp_errors=[UNREACHABLE | {"time": 2.1}],
    )
    assert found["icmp"].fillna(-1).tolist() == [-1, 3, -1]


def test_a_quote_without_id_is_not_laid_on_an_answered_request():
    row = one(CHECK | {"time": 1.0}, ANSWER | {"time": 1.1}, icmp_errors=[UNREACHABLE | {"time": 1.2}])
    assert pd.isna(row["icmp"])


def test_a_refused_response_is_no_refused_request():
    row = one(CHECK, ANSWER, icmp_errors=[UNREACHABLE | TO_SERVER | {"transaction_id": "00" * 12}])
    assert pd.isna(row["icmp"])


# Purposes


@pytest.mark.parametrize("sign", [{"priority": 1}, {"role": "controlled"}, {"use_candidate": True}])
def test_priority_role_or_nomination_make_a_check(sign):
    assert one(TO_CLIENT | sign)["purpose"] == "check"


def test_a_username_makes_no_check():
    assert one(LOOK_UP | {"username": "9di8QCXl4cPxNabIhIq1b3fc7RacSyhP"})["purpose"] == "discovery"


def test_any_request_of_the_transaction_may_carry_the_sign_of_a_check():
    assert one(TO_CLIENT, TO_CLIENT | {"priority": 1})["purpose"] == "check"


def test_attributes_of_a_response_make_no_check():
    assert one(LOOK_UP, LOOKED_UP | {"kind": "success", "priority": 1})["purpose"] == "discovery"


FLOWS = [
    {"sip_messages": [TO_CLIENT]},
    {"sip_messages": [TO_SERVER]},
    {"rtp_streams": [TO_CLIENT]},
    {"rtp_streams": [TO_SERVER | {"src_port": 49999, "dst_port": 29999}]},
    {"dtls_messages": [TO_SERVER]},
]


@pytest.mark.parametrize("others", FLOWS)
def test_on_a_flow_of_sip_rtp_rtcp_or_dtls_it_keeps_alive(others):
    assert one(TO_CLIENT, **others)["purpose"] == "keepalive"


def test_on_the_tuple_of_a_check_it_keeps_alive():
    found = bound(CHECK, TO_SERVER | {"transaction_id": "0f"})
    assert found["purpose"].tolist() == ["check", "keepalive"]


def test_the_tuple_a_check_was_answered_on_counts_too():
    elsewhere = {"src_addr": "198.51.100.99", "src_port": 1, "dst_addr": NAT, "dst_port": 2}
    found = bound(CHECK, ANSWER | elsewhere, elsewhere | {"transaction_id": "0f"})
    assert found["purpose"].tolist() == ["check", "keepalive"]


def test_behind_nat_the_port_pair_tells_the_flow():
    assert one(TO_CLIENT | {"src_addr": NAT}, rtp_streams=[TO_CLIENT])["purpose"] == "keepalive"


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"rtp_streams": [TO_CLIENT | {"dst_port": 50001}]},
        {"rtp_streams": [TO_CLIENT | {"relayed": True}]},
        {"dtls_messages": [TO_CLIENT | {"relayed": True}]},
        {"rtp_streams": [TO_CLIENT | {"capture": "b.pcapng"}]},
        {"sip_messages": [dict.fromkeys(TO_CLIENT)]},
    ],
)
def test_elsewhere_it_asks_for_the_mapped_address(others):
    assert one(TO_CLIENT, **others)["purpose"] == "discovery"


def test_a_look_up_from_the_port_of_later_checks_stays_a_discovery():
    found = bound(LOOK_UP, CHECK | {"transaction_id": "0f"}, rtp_streams=[TO_CLIENT])
    assert found["purpose"].tolist() == ["discovery", "check"]


def test_a_check_sent_to_port_3478_stays_a_check():
    assert one(LOOK_UP | {"priority": 1})["purpose"] == "check"


# Call, leg and direction


@pytest.mark.parametrize(
    ("username", "direction"), [("C:S", "server_to_client"), ("S:C", "client_to_server"), ("C:X", "other")]
)
def test_the_ufrags_tell_call_and_direction_whatever_the_addresses(username, direction):
    strange = {"src_addr": "192.0.2.1", "src_port": 1, "dst_addr": "192.0.2.2", "dst_port": 2}
    row = one(CHECK | strange | {"username": username}, sessions=[{"call": 5, "leg": 2}])
    assert row["direction"] == direction
    assert (row["call"], row["leg"]) == (5, 2) if direction != "other" else pd.isna(row["call"])


def test_a_side_that_is_neither_client_nor_server_gives_no_direction():
    row = one(CHECK, sessions=[{"side_a": "other"}])
    assert (row["call"], row["direction"]) == (1, "other")


def test_a_session_without_sip_has_a_call_and_no_leg():
    row = one(CHECK, sessions=[{"leg": None, "side_a": "other", "side_b": "other"}])
    assert row["call"] == 1 and pd.isna(row["leg"])


def test_what_is_sent_on_a_checks_tuple_belongs_to_its_call():
    found = bound(
        CHECK | {"time": 10.0},
        ANSWER | {"time": 10.5, "transaction_id": "01"},
        TO_SERVER | {"time": 11.0, "transaction_id": "02"},
        TO_SERVER | {"time": 60.0, "transaction_id": "03"},
        TO_SERVER | {"time": 11.0, "transaction_id": "04", "capture": "b.pcapng"},
        sessions=[{"call": 3}],
    )
    assert found["call"].fillna(0).tolist() == [3, 3, 3, 0, 0]
    assert found["direction"].tolist()[1:4] == ["server_to_client", "client_to_server", "other"]


@pytest.mark.parametrize("end", ["src", "dst"])
def test_an_endpoint_at_either_end_tells_the_call(end):
    place = {"addr": TO_CLIENT[f"{end}_addr"], "port": TO_CLIENT[f"{end}_port"]}
    row = one(
        TO_CLIENT | {"time": 10.0}, endpoints=[place | {"call": 8, "leg": 1, "start": 5.0, "end": 60.0}]
    )
    assert (row["call"], row["leg"], row["direction"]) == (8, 1, "other")


def test_an_endpoint_outside_of_its_time_tells_nothing():
    place = {"addr": b.SERVER, "port": 30000, "start": 50.0, "end": 60.0}
    assert pd.isna(one(TO_CLIENT | {"time": 10.0}, endpoints=[place])["call"])


def test_the_far_end_tells_two_calls_on_one_media_port_apart():
    server = {"addr": b.SERVER, "port": 30000}
    row = one(
        TO_CLIENT,
        endpoints=[server, server | {"call": 2}, {"addr": b.CLIENT, "port": 50000, "call": 2}],
    )
    assert row["call"] == 2


def test_a_claimed_tuple_is_better_evidence_than_endpoints():
    stale = {"addr": b.CLIENT, "port": 50000, "call": 2}
    found = bound(CHECK, TO_SERVER | {"transaction_id": "01"}, sessions=[{}], endpoints=[stale])
    assert found["call"].tolist() == [1, 1]


def test_two_calls_that_cannot_be_told_apart_leave_it_open():
    server = {"addr": b.SERVER, "port": 30000}
    assert pd.isna(one(TO_CLIENT, endpoints=[server, server | {"call": 2}])["call"])


def test_a_look_up_belongs_to_the_call_that_offers_its_mapped_address():
    answer = LOOKED_UP | {"kind": "success", "mapped_addr": NAT, "mapped_port": 41802}
    row = one(LOOK_UP, answer, endpoints=[{"addr": NAT, "port": 41802, "call": 6}])
    assert (row["call"], row["purpose"], row["direction"]) == (6, "discovery", "other")


def test_an_unanswered_look_up_belongs_to_the_checks_that_follow_from_its_base():
    found = bound(
        LOOK_UP | {"time": 1.0},
        CHECK | {"time": 20.0, "transaction_id": "01"},
        LOOK_UP | {"time": 90.0, "transaction_id": "02"},
        sessions=[{"call": 6}],
    )
    assert found["call"].fillna(0).tolist() == [6, 6, 0]
    assert found["purpose"].tolist() == ["discovery", "check", "discovery"]


def test_many_calls_on_one_media_port_at_once_are_told_by_their_ufrags():
    calls = range(300)
    found = bound(
        *({**CHECK, "transaction_id": f"{n:02x}", "username": f"C{n}:S{n}", "time": 1.0} for n in calls),
        sessions=[{"ufrag_a": f"C{n}", "ufrag_b": f"S{n}", "call": n + 1} for n in calls],
        endpoints=[{"addr": b.SERVER, "port": 30000, "call": n + 1} for n in calls],
    )
    assert sorted(found["call"]) == [n + 1 for n in calls]
