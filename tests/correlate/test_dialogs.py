"""Who called whom, what became of it, and who ended it: through proxies, forks and odd phones."""

import pandas as pd
import pytest

from postproc.correlate.legs import legs
from postproc.correlate.sip import transactions
from tests.builders import at, sip_messages
from tests.correlate.conversation import ask, invite, reply, way

PHONE, PROXY, DESK, MOBILE = "10.0.0.1:5060", "10.0.0.2:5060", "10.0.0.3:5060", "10.0.0.4:5060"
TO_PROXY, TO_PHONE = way(PHONE, PROXY), way(PROXY, PHONE)
TO_DESK, FROM_DESK = way(PROXY, DESK), way(DESK, PROXY)
TO_MOBILE, FROM_MOBILE = way(PROXY, MOBILE), way(MOBILE, PROXY)


def leg(*messages: dict) -> pd.Series:
    sip = sip_messages(*messages)
    found = legs(sip, transactions(sip), pd.Series(dtype="int64"))
    assert len(found) == 1
    return found.iloc[0]


def ends(row: pd.Series) -> tuple[str, str]:
    return f"{row['uac_addr']}:{row['uac_port']}", f"{row['uas_addr']}:{row['uas_port']}"


def result(row: pd.Series) -> tuple[object, ...]:
    return row["final_status"], row["state"], row["ended_by"]


def test_a_call_through_a_proxy_is_between_the_first_sender_and_the_last_receiver():
    row = leg(
        invite(0, **TO_PROXY),
        invite(0.01, **TO_DESK),
        invite(0.5, **TO_PROXY),  # retransmitted after the proxy had passed it on
        reply(200, 1, **FROM_DESK),
        reply(200, 1.01, **TO_PHONE),
    )
    assert ends(row) == (PHONE, DESK)
    assert (row["answer_time"], row["final_status"]) == (at(1), 200)


def test_the_called_party_is_the_fork_that_accepted():
    forked = [invite(0, **TO_PROXY), invite(0.01, **TO_DESK), invite(0.02, **TO_MOBILE)]
    assert ends(leg(*forked)) == (PHONE, MOBILE)
    assert ends(leg(*forked, reply(200, 1, **FROM_DESK), reply(200, 1.01, **TO_PHONE))) == (PHONE, DESK)


def test_a_retry_over_a_new_connection_is_where_the_call_went():
    first, second = "10.0.0.1:40001", "10.0.0.1:40002"
    row = leg(
        invite(0, **way(first, PROXY)),
        reply(407, 0.1, **way(PROXY, first)),
        invite(0.2, cseq=2, **way(second, PROXY)),
        invite(0.21, cseq=2, **TO_DESK),
    )
    assert ends(row) == (second, DESK)
    assert row["invite_time"] == at(0)


def test_a_redirected_call_goes_to_the_new_target():
    row = leg(
        invite(0, **TO_PROXY),
        reply(302, 0.1, **TO_PHONE),
        invite(0.2, cseq=2, **way(PHONE, DESK)),
        reply(200, 1, cseq=2, **way(DESK, PHONE)),
    )
    assert ends(row) == (PHONE, DESK)
    assert result(row) == (200, "answered", pd.NA)


def test_a_fork_given_up_by_the_proxy_is_not_the_end():
    row = leg(
        invite(0, **TO_PROXY),
        invite(0.01, **TO_DESK),
        reply(180, 0.5, **FROM_DESK),
        ask("CANCEL", 20, to_tag=None, **TO_DESK),
        reply(487, 20.1, **FROM_DESK),
        invite(20.2, branch="z9hG4bKsecond", **TO_MOBILE),
    )
    assert row["state"] == "ringing"
    assert row[["final_status", "end_time"]].isna().all()


def test_what_the_caller_heard_counts_and_not_the_forks_cancelled_after_it():
    row = leg(
        invite(0, **TO_PROXY),
        invite(0.01, **TO_DESK),
        invite(0.02, **TO_MOBILE),
        reply(603, 1, **FROM_DESK),
        reply(603, 1.01, **TO_PHONE),
        ask("CANCEL", 1.02, to_tag=None, **TO_MOBILE),
        reply(487, 1.1, to_tag="t2", **FROM_MOBILE),
    )
    assert result(row) == (603, "failed", "uas")
    assert row["end_time"] == at(1.01)


def test_a_b2bua_that_keeps_the_call_id_may_refuse_what_was_accepted_behind_it():
    row = leg(
        invite(0, **TO_PROXY),
        invite(0.01, **TO_DESK),
        reply(200, 1, **FROM_DESK),
        reply(488, 1.1, **TO_PHONE),
        ask("BYE", 1.2, **TO_DESK),
    )
    assert result(row) == (488, "failed", "uas")
    assert pd.isna(row["answer_time"])


@pytest.mark.parametrize("to", ["10.0.0.1:5099", "10.0.0.77:5060"])
def test_a_failure_may_come_back_to_another_port_or_address(to: str):
    assert result(leg(invite(0, **TO_PROXY), reply(486, 1, **way(PROXY, to)))) == (486, "failed", "uas")


def test_a_failure_to_another_port_of_the_caller_counts_also_with_a_proxy_there():
    sent = [invite(0, **TO_PROXY), invite(0.01, **TO_DESK), reply(486, 1, **FROM_DESK)]
    assert leg(*sent)["state"] == "trying"
    assert leg(*sent, reply(486, 1.01, **way(PROXY, "10.0.0.1:5099")))["state"] == "failed"


def test_a_success_seen_only_behind_the_proxy_is_an_answer():
    row = leg(invite(0, **TO_PROXY), invite(0.01, **TO_DESK), reply(200, 1, **FROM_DESK))
    assert result(row) == (200, "answered", pd.NA)


def test_a_success_beats_a_later_failure():
    row = leg(invite(0), ask("CANCEL", 1, to_tag=None), reply(200, 1.1), reply(487, 1.2))
    assert result(row) == (200, "answered", pd.NA)


def test_a_retry_that_keeps_its_cseq_is_judged_by_its_last_response():
    sent = [invite(0, branch="z9hG4bKa"), reply(401, 0.1, branch="z9hG4bKa"), invite(0.2, branch="z9hG4bKb")]
    assert result(leg(*sent, reply(486, 1, branch="z9hG4bKb"))) == (486, "failed", "uas")


def test_of_invites_side_by_side_the_accepted_one_counts():
    row = leg(
        invite(0, cseq=1, **way("10.0.0.1:1001", PROXY)),
        invite(0.01, cseq=2, **way("10.0.0.1:1002", PROXY)),
        reply(200, 0.1, cseq=1, **way(PROXY, "10.0.0.1:1001")),
        ask("CANCEL", 0.11, cseq=2, to_tag=None, **way("10.0.0.1:1002", PROXY)),
        reply(487, 0.2, cseq=2, to_tag="t2", **way(PROXY, "10.0.0.1:1002")),
    )
    assert result(row) == (200, "answered", pd.NA)
    assert ends(row) == ("10.0.0.1:1001", PROXY)


def test_an_invite_cancelled_too_late_need_not_be_hung_up():
    row = leg(
        invite(0, cseq=1),
        invite(0.01, cseq=2),
        ask("CANCEL", 0.1, cseq=2, to_tag=None),
        reply(200, 0.2, cseq=1),
        reply(200, 0.2, cseq=2, to_tag="t2"),
        ask("ACK", 0.3, cseq=1),
        ask("ACK", 0.3, cseq=2, to_tag="t2"),
        ask("BYE", 5, cseq=3),
    )
    assert (row["state"], row["end_time"]) == ("completed", at(5))


def test_a_call_id_used_for_a_second_call_tells_of_the_second():
    first = [invite(0), reply(200, 1), ask("ACK", 1.1), ask("BYE", 5, cseq=2)]
    second = [invite(60, cseq=3), reply(486, 61, cseq=3, to_tag="t2")]
    row = leg(*first, *second)
    assert result(row) == (486, "failed", "uas")
    assert row["end_time"] == at(61)


def test_a_call_id_used_for_a_second_call_is_not_ended_by_the_first_ones_bye():
    first = [invite(0), reply(200, 1), ask("ACK", 1.1), ask("BYE", 5, cseq=2)]
    assert leg(*first, invite(60, cseq=3), reply(200, 61, cseq=3, to_tag="t2"))["state"] == "answered"


def test_two_forks_that_answered_are_hung_up_one_by_one():
    answered = [
        invite(0),
        reply(200, 1),
        reply(200, 1.1, to_tag="t2"),
        ask("ACK", 1.2),
        ask("ACK", 1.2, to_tag="t2"),
        ask("BYE", 1.3, cseq=2, to_tag="t2"),
    ]
    assert leg(*answered)["state"] == "answered"
    row = leg(*answered, ask("BYE", 9, by="uas"))
    assert (row["state"], row["end_time"], row["ended_by"]) == ("completed", at(9), "uas")


def test_an_answer_nobody_acknowledged_need_not_be_hung_up():
    answered = [invite(0), reply(200, 1), reply(200, 1.1, to_tag="t2"), ask("ACK", 1.2)]
    assert leg(*answered, ask("BYE", 9, cseq=2))["state"] == "completed"


def test_a_bye_with_tags_of_no_known_dialog_ends_the_call():
    row = leg(invite(0), reply(200, 1), ask("BYE", 9, from_tag="x", to_tag="y", src_addr="10.9.9.9"))
    assert (row["state"], row["end_time"]) == ("completed", at(9))
    assert pd.isna(row["ended_by"])


def test_the_first_bye_of_a_dialog_ends_it():
    row = leg(
        invite(0), reply(200, 1), ask("BYE", 8, by="uas"), ask("BYE", 8.5, by="uas"), ask("BYE", 9, cseq=2)
    )
    assert (row["end_time"], row["ended_by"]) == (at(8), "uas")


def test_tags_say_who_hung_up_where_both_parties_share_one_connection():
    same = way("10.0.50.118:4901", "10.0.50.118:4901")
    call = [invite(0, **same), reply(200, 1, **same), ask("ACK", 1.1, **same)]
    assert leg(*call, ask("BYE", 9, **same))["ended_by"] == "uac"
    assert leg(*call, ask("BYE", 9, by="uas", **same))["ended_by"] == "uas"


def test_a_bye_passed_on_by_a_proxy_is_still_who_sent_it_first():
    call = [
        invite(0, **TO_PROXY),
        invite(0, **TO_DESK),
        reply(200, 1, **FROM_DESK),
        reply(200, 1, **TO_PHONE),
    ]
    row = leg(*call, ask("BYE", 9, by="uas", **FROM_DESK), ask("BYE", 9.01, by="uas", **TO_PHONE))
    assert (row["end_time"], row["ended_by"]) == (at(9), "uas")


@pytest.mark.parametrize(("by", "side"), [("uac", "uac"), ("uas", "uas")])
def test_without_tags_the_address_says_who_hung_up(by: str, side: str):
    untagged = {"from_tag": None, "to_tag": None}
    row = leg(invite(0, **untagged), reply(200, 1, **untagged), ask("BYE", 9, by=by, **untagged))
    assert (row["state"], row["ended_by"]) == ("completed", side)


def test_who_cancels_is_the_caller_at_the_time_of_the_487():
    row = leg(invite(0), ask("CANCEL", 1, to_tag=None), reply(200, 1.1, "CANCEL"), reply(487, 1.2))
    assert result(row) == (487, "cancelled", "uac")
    assert row["end_time"] == at(1.2)


def test_a_cancel_without_final_response_ends_the_call_itself():
    row = leg(invite(0), ask("CANCEL", 1, to_tag=None))
    assert (row["end_time"], row["ended_by"]) == (at(1), "uac")


def test_the_cancel_of_a_re_invite_cancels_no_call():
    row = leg(invite(0), reply(180, 0.1), ask("CANCEL", 1, cseq=2))
    assert (row["state"], row["ended_by"]) == ("ringing", pd.NA)


def test_a_cancel_mid_call_is_the_callers():
    assert leg(ask("CANCEL", 1, to_tag=None))["ended_by"] == "uac"
    assert pd.isna(leg(ask("CANCEL", 1))["ended_by"])


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([reply(200, 1), ask("BYE", 9, reason_header="Q.850;cause=16")], "Q.850;cause=16"),
        ([reply(488, 1, reason_header="Q.850;cause=88")], "Q.850;cause=88"),
        ([ask("CANCEL", 1, to_tag=None, reason_header="SIP;cause=200"), reply(487, 2)], "SIP;cause=200"),
        ([ask("CANCEL", 1, to_tag=None), reply(487, 2, reason_header="Q.850;cause=31")], "Q.850;cause=31"),
        ([ask("CANCEL", 1, to_tag=None, reason_header="SIP;cause=200")], "SIP;cause=200"),
    ],
)
def test_the_reason_is_that_of_the_message_that_ended_the_call(messages: list[dict], reason: str):
    assert leg(invite(0), *messages)["end_reason"] == reason


def test_a_reason_in_a_provisional_response_or_none_at_all_is_no_end_reason():
    assert pd.isna(leg(invite(0), reply(183, 1, reason_header="Q.850;cause=1"), reply(486, 2))["end_reason"])


@pytest.mark.parametrize(
    ("messages", "agents"),
    [
        ([invite(0, user_agent="phone"), reply(200, 1, user_agent="pbx")], ("phone", "pbx")),
        ([invite(0), ask("BYE", 5, user_agent="phone")], ("phone", pd.NA)),
        ([invite(0), reply(100, 0.1, user_agent="proxy"), reply(180, 1, user_agent="pbx")], (pd.NA, "pbx")),
        ([invite(0), reply(100, 0.1, user_agent="proxy")], (pd.NA, "proxy")),
        ([invite(0), reply(183, 1, user_agent="gateway"), reply(200, 2, user_agent="pbx")], (pd.NA, "pbx")),
        ([invite(0), reply(200, 1), ask("BYE", 5, by="uas", user_agent="pbx")], (pd.NA, "pbx")),
        ([ask("BYE", 5, user_agent="phone"), reply(200, 6, "BYE", user_agent="pbx")], ("phone", "pbx")),
    ],
)
def test_agents_are_the_parties_own(messages: list[dict], agents: tuple[object, object]):
    row = leg(*messages)
    assert (row["uac_agent"], row["uas_agent"]) == agents


def test_responses_alone_tell_the_way_through_a_proxy():
    row = leg(
        reply(100, 0.1, **TO_PHONE),
        reply(180, 0.5, **FROM_DESK),
        reply(180, 0.51, **TO_PHONE),
        reply(200, 2, **FROM_DESK),
        reply(200, 2.01, **TO_PHONE),
    )
    assert ends(row) == (PHONE, DESK)


def test_a_request_alone_tells_the_way_through_a_proxy():
    assert ends(leg(ask("BYE", 1, **TO_PROXY), ask("BYE", 1.1, **TO_DESK))) == (PHONE, DESK)


def test_a_response_timed_before_its_invite_is_not_of_an_earlier_one():
    row = leg(reply(403, 0.999, frame=2), invite(1, frame=1))
    assert result(row) == (403, "failed", "uas")
