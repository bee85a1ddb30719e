import pandas as pd
import pytest

from postproc.model.tables import BINDINGS
from tests.correlate.stun_cases import ANSWER, CHECK, NAT, REFUSAL, TO_CLIENT, bound, one


def test_a_success_tells_round_trip_and_mapped_address():
    row = one(CHECK | {"time": 1.0}, ANSWER | {"time": 1.025, "frame": 9})
    assert (row["outcome"], row["requests"], row["rtt_ms"], row["response_frame"]) == ("success", 1, 25.0, 9)
    assert (row["mapped_addr"], row["mapped_port"], row["frame"]) == (NAT, 40000, 1)
    assert pd.isna(row["error_code"]) and pd.isna(row["error_seen"])


def test_the_round_trip_begins_with_the_last_request_before_the_first_response():
    row = one(CHECK | {"time": 1.0}, CHECK | {"time": 1.5}, ANSWER | {"time": 1.51}, CHECK | {"time": 1.6})
    assert (row["requests"], row["rtt_ms"]) == (3, 10.0)
    assert (row["last_time"] - row["time"]).total_seconds() == pytest.approx(0.6)


def test_an_answer_to_nothing_has_no_last_request():
    assert pd.isna(one(ANSWER)["last_time"])


def test_the_last_request_keeps_its_nanoseconds_beside_an_answer_to_nothing():
    seen = pd.Timestamp("2031-05-06 07:08:09.104999999", tz="UTC")
    found = bound(CHECK | {"time": seen}, ANSWER | {"transaction_id": "other", "time": seen})
    assert [time for time in found["last_time"] if pd.notna(time)] == [seen]


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
