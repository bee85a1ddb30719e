import pandas as pd
import pytest

from tests.correlate.stun_cases import ANSWER, CHECK, TO_SERVER, UNREACHABLE, bound, one


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
