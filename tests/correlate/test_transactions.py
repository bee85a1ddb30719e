"""Requests and responses are told together by branch and hop (RFC 3261, section 17)."""

import pandas as pd
import pytest

from postproc.correlate.sip import transactions
from tests.builders import at, sip_messages
from tests.correlate.conversation import ask, invite, reply, way


def one(*messages: dict) -> dict:
    table = transactions(sip_messages(*messages))
    assert len(table) == 1
    return table.iloc[0].to_dict()


def test_no_messages_make_no_transactions():
    assert transactions(sip_messages()).empty


def test_a_request_meets_its_responses():
    row = one(
        invite(0, frame=3),
        reply(100, 0.1),
        reply(183, 0.2),
        reply(180, 0.3),
        reply(200, 2, frame=9, reason="OK"),
    )
    assert (row["frame"], row["time"], row["method"], row["initial"]) == (3, at(0), "INVITE", True)
    assert (row["requests"], row["retransmissions"], row["response_retransmissions"]) == (1, 0, 0)
    assert row["progress_time"] == at(0.2)
    assert (row["final_status"], row["final_reason"], row["final_frame"]) == (200, "OK", 9)
    assert row["final_time"] == at(2)


def test_a_hundred_alone_is_no_progress():
    row = one(invite(0), reply(100, 0.1))
    assert pd.isna(row["progress_time"])
    assert pd.isna(row["final_status"])


def test_retransmissions_are_counted_both_ways():
    row = one(invite(0), invite(0.5), invite(1.5), reply(486, 2), reply(486, 2.5))
    assert (row["requests"], row["retransmissions"], row["response_retransmissions"]) == (3, 2, 1)
    assert row["final_time"] == at(2)


def test_second_captures_are_not_counted():
    row = one(invite(0, frame=1), invite(0, copy_of=1), reply(486, 2, frame=3), reply(486, 2, copy_of=3))
    assert (row["requests"], row["response_retransmissions"]) == (1, 0)


def test_a_repeated_provisional_response_is_no_retransmitted_final_one():
    assert one(invite(0), reply(180, 1), reply(180, 2))["response_retransmissions"] == 0


def test_a_request_with_to_tag_is_not_initial():
    assert one(ask("INVITE", 0))["initial"] is False


def test_a_response_without_request_is_a_row_of_its_own_seen_from_the_requester():
    row = one(reply(200, 5, frame=7))
    assert (row["requests"], row["retransmissions"], row["final_status"], row["frame"]) == (0, 0, 200, 7)
    assert pd.isna(row["initial"])
    assert (row["src_addr"], row["dst_addr"]) == (invite(0)["src_addr"], invite(0)["dst_addr"])


def test_order_is_by_time_not_by_place_in_the_file():
    row = one(reply(200, 2, frame=1), reply(200, 2.5, frame=2), invite(0, frame=3))
    assert (row["frame"], row["final_frame"], row["response_retransmissions"]) == (3, 1, 1)


def test_a_response_timed_before_its_request_still_belongs_to_it():
    row = one(reply(200, 1, frame=1), invite(1.001, frame=2))
    assert (row["requests"], row["frame"], row["final_status"]) == (1, 2, 200)
    assert row["src_addr"] == invite(0)["src_addr"]


def test_cancel_has_the_branch_of_its_invite_and_is_a_transaction_of_its_own():
    branch = "z9hG4bKx"
    table = transactions(
        sip_messages(
            invite(0, branch=branch),
            ask("CANCEL", 1, to_tag=None, branch=branch),
            reply(200, 1.1, "CANCEL", branch=branch),
            reply(487, 1.2, branch=branch),
        )
    )
    assert table[["method", "final_status"]].values.tolist() == [["INVITE", 487], ["CANCEL", 200]]


def test_the_ack_of_a_failure_belongs_to_the_invite():
    row = one(invite(0), reply(486, 1), ask("ACK", 1.1, branch=invite(0)["branch"]))
    assert (row["method"], row["requests"]) == ("INVITE", 1)


def test_the_ack_of_a_failure_belongs_to_the_invite_even_if_only_the_response_was_captured():
    row = one(reply(486, 1), ask("ACK", 1.1, branch=invite(0)["branch"]))
    assert (row["method"], row["requests"]) == ("INVITE", 0)


@pytest.mark.parametrize("branch", ["z9hG4bKnew", invite(0)["branch"], "0"])
def test_the_ack_of_a_success_is_a_transaction_without_response(branch: str):
    table = transactions(sip_messages(invite(0), reply(200, 1), ask("ACK", 1.1, branch=branch)))
    assert table["method"].to_list() == ["INVITE", "ACK"]
    assert pd.isna(table["final_status"][1])


def test_each_hop_of_a_proxy_is_a_transaction():
    first, second = way("10.0.0.1:5060", "10.0.0.2:5060"), way("10.0.0.2:5060", "10.0.0.3:5060")
    table = transactions(sip_messages(invite(0, **first), invite(0.01, **second)))
    assert table["requests"].to_list() == [1, 1]


def test_one_message_before_and_after_a_nat_is_two_transactions():
    phone, mapped, server = "192.168.1.2:5060", "203.0.113.9:5060", "198.51.100.1:5060"
    table = transactions(
        sip_messages(
            invite(0, **way(phone, server)),
            invite(0.001, **way(mapped, server)),
            reply(486, 1, **way(server, mapped)),
            reply(486, 1.001, **way(server, phone)),
        )
    )
    assert table["retransmissions"].to_list() == [0, 0]
    assert table["final_time"].to_list() == [at(1.001), at(1)]


def test_each_capture_counts_for_itself():
    table = transactions(sip_messages(invite(0, capture="a"), invite(0, capture="b")))
    assert table["requests"].to_list() == [1, 1]


@pytest.mark.parametrize("back", [("10.0.0.2:5060", "10.0.0.1:5060"), ("10.0.0.9:5060", "10.0.0.1:5060")])
def test_a_response_may_come_back_another_way(back: tuple[str, str]):
    row = one(invite(0, **way("10.0.0.1:40000", "10.0.0.2:5060")), reply(200, 1, **way(*back)))
    assert (row["requests"], row["src_port"], row["final_status"]) == (1, 40000, 200)


def test_a_response_that_comes_back_another_way_belongs_to_the_hop_of_the_same_hosts():
    phone, mapped, server = "192.168.1.2:5060", "203.0.113.9:5060", "198.51.100.1:5060"
    sent = [invite(0, **way(phone, server)), invite(0.001, **way(mapped, server))]
    table = transactions(sip_messages(*sent, reply(200, 1, **way(server, "192.168.1.2:5099"))))
    assert table["final_status"].fillna(0).to_list() == [200, 0]


def test_a_real_branch_tells_more_than_tags():
    assert one(invite(0), reply(200, 1, from_tag="spoilt"))["final_status"] == 200


def test_a_response_of_another_way_needs_a_real_branch():
    sent = [
        invite(0, **way("10.0.0.1:40000", "10.0.0.2:5060")),
        reply(200, 1, **way("10.0.0.9:1", "10.0.0.8:1")),
    ]
    table = transactions(sip_messages(*(m | {"branch": "1"} for m in sent)))
    assert table["requests"].to_list() == [1, 0]


@pytest.mark.parametrize("branch", [None, "1", "old-style"])
def test_a_branch_without_cookie_tells_nothing(branch: str | None):
    table = transactions(
        sip_messages(
            invite(0, branch=branch),
            reply(180, 0.5, branch="other"),
            reply(486, 1, branch=branch),
            ask("ACK", 1.1, branch=None),
            ask("INVITE", 3, by="uas", branch=branch),  # same CSeq number, but the other party's
            reply(200, 4, to="uas", branch=branch),
        )
    )
    assert table["final_status"].to_list() == [486, 200]
    assert table["progress_time"][0] == at(0.5)


def test_the_cookie_is_known_in_any_case():
    branches = ["Z9HG4BKa", "Z9HG4BKb"]
    assert len(transactions(sip_messages(*(invite(0, branch=branch) for branch in branches)))) == 2


def test_answers_of_several_forks_are_no_retransmissions():
    row = one(
        invite(0), reply(200, 1, to_tag="t1"), reply(200, 1.1, to_tag="t2"), reply(200, 1.5, to_tag="t1")
    )
    assert (row["final_time"], row["response_retransmissions"]) == (at(1), 1)


def test_a_success_beats_an_earlier_failure():
    row = one(invite(0), reply(487, 1), reply(200, 1.1))
    assert (row["final_status"], row["final_time"], row["response_retransmissions"]) == (200, at(1.1), 0)


def test_absurd_messages_do_not_raise():
    nothing = {"call_id": None, "branch": None, "cseq": None, "cseq_method": None, "from_tag": None}
    table = transactions(
        sip_messages(
            nothing | {"method": "INVITE", "src_addr": None, "src_port": None},
            nothing | {"status": 999},
            nothing,
        )
    )
    assert table[["requests", "final_status"]].fillna(0).values.tolist() == [[1, 0], [0, 999]]


def test_rows_are_in_time_order():
    table = transactions(sip_messages(ask("BYE", 9, frame=1), invite(1, frame=2)))
    assert table["method"].to_list() == ["INVITE", "BYE"]
