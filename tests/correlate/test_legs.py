"""One leg per recording and Call-ID of an INVITE dialog; its times and its state."""

import pandas as pd
import pytest

from postproc.correlate.legs import legs
from postproc.correlate.sip import transactions
from tests.builders import SERVER, at, sip_messages
from tests.correlate.conversation import ask, invite, reply


def table(*messages: dict, recordings: dict[str, int] | None = None) -> pd.DataFrame:
    sip = sip_messages(*messages)
    return legs(sip, transactions(sip), pd.Series(recordings or {}, dtype="int64"))


def leg(*messages: dict) -> pd.Series:
    found = table(*messages)
    assert len(found) == 1
    return found.iloc[0]


def call(start: float = 0) -> list[dict]:
    """A call answered after 2 s, hung up by the caller after 9."""
    return [
        invite(start),
        reply(100, start + 0.1),
        reply(180, start + 0.5),
        reply(200, start + 2, reason="OK"),
        ask("ACK", start + 2.1),
        ask("BYE", start + 9, cseq=2),
        reply(200, start + 9.1, "BYE", cseq=2),
    ]


def test_no_messages_make_no_legs():
    assert table().empty


def test_a_whole_call_is_one_leg():
    row = leg(*call())
    assert (row["call_id"], row["capture"], row["frame"], row["time"]) == ("a@x", "a.pcapng", 1, at(0))
    assert (row["invite_time"], row["progress_time"], row["ringing_time"]) == (at(0), at(0.5), at(0.5))
    assert (row["answer_time"], row["end_time"]) == (at(2), at(9))
    assert (row["final_status"], row["final_reason"], row["state"]) == (200, "OK", "completed")
    assert (row["transport"], row["from_user"], row["to_user"]) == ("udp", "721", "+498984079810")
    assert row[["call", "leg", "role"]].isna().all()


def test_legs_come_by_time_of_their_first_message():
    found = table(*(m | {"call_id": "late"} for m in call(5)), *(m | {"call_id": "early"} for m in call(1)))
    assert found["call_id"].to_list() == ["early", "late"]


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (ask("ACK", 2.3), False),
        (reply(481, 9.2, "BYE", cseq=2), False),
        (ask("BYE", 9.2, cseq=2), True),
        (reply(200, 2.3), True),
        (ask("ACK", 2.3, to_tag="other"), True),
        (ask("ACK", 2.3, to_tag=None), True),
    ],
)
def test_an_ack_or_a_late_answer_under_another_call_id_makes_no_leg_beside_its_dialog(message, kept):
    misnamed = message | {"call_id": "encoded"}
    assert len(table(*call(), misnamed)) == 1 + kept
    assert len(table(misnamed)) == 1


def test_order_is_by_time_not_by_place_in_the_file():
    assert leg(*reversed(call())).drop("frame").equals(leg(*call()).drop("frame"))


@pytest.mark.parametrize(
    "method", ["REGISTER", "OPTIONS", "SUBSCRIBE", "NOTIFY", "MESSAGE", "PUBLISH", "INFO", "REFER", "UPDATE"]
)
@pytest.mark.parametrize("to_tag", [None, "t1"])
def test_other_requests_alone_make_no_leg(method: str, to_tag: str | None):
    assert table(ask(method, 0, to_tag=to_tag), reply(200, 1, method)).empty


@pytest.mark.parametrize("method", ["INVITE", "ACK", "BYE", "PRACK", "CANCEL"])
def test_a_request_of_an_invite_dialog_makes_a_leg_that_starts_mid_call(method: str):
    row = leg(ask(method, 3))
    assert row["state"] == "starts_mid_call"
    assert pd.isna(row["invite_time"])
    assert row["time"] == at(3)


@pytest.mark.parametrize("method", ["INVITE", "BYE", "PRACK", "CANCEL"])
def test_a_response_to_such_a_request_makes_one_too(method: str):
    assert leg(reply(200, 3, method))["state"] == "starts_mid_call"


def test_requests_inside_the_dialog_come_with_it():
    row = leg(ask("INFO", 1), reply(200, 1.1, "INFO"), ask("BYE", 2))
    assert (row["time"], row["frame"]) == (at(1), 1)


def test_a_phone_that_uses_one_call_id_for_all_has_its_registration_kept_out():
    registration = [ask("REGISTER", when, to_tag=None) for when in (0, 0.1)] + [reply(200, 1, "REGISTER")]
    row = leg(*registration, *call(5))
    assert (row["time"], row["retransmissions"]) == (at(5), 0)


def test_a_message_without_call_id_makes_no_leg():
    assert table(invite(0, call_id=None)).empty


def test_second_captures_change_nothing():
    copies = [m | {"copy_of": 1} for m in call()]
    assert leg(*call(), *copies).equals(leg(*call()))


def test_a_challenge_and_its_retry_are_one_leg():
    challenged = [invite(0), reply(401, 0.1, reason="Unauthorized"), ask("ACK", 0.2)]
    row = leg(*challenged, *(m | {"cseq": m.get("cseq", 1) + 1} for m in call(0.3)))
    assert (row["invite_time"], row["final_status"], row["state"]) == (at(0), 200, "completed")
    assert row["answer_time"] == at(2.3)


@pytest.mark.parametrize("status", [401, 407])
def test_a_challenge_without_retry_is_a_failure(status: int):
    row = leg(invite(0), reply(status, 0.1), ask("ACK", 0.2))
    assert (row["final_status"], row["state"], row["end_time"]) == (status, "failed", at(0.1))


def test_a_retry_without_response_has_no_final_status():
    row = leg(invite(0), reply(401, 0.1), invite(0.3, cseq=2))
    assert row["state"] == "trying"
    assert row[["final_status", "end_time", "ended_by"]].isna().all()


@pytest.mark.parametrize(
    ("messages", "state"),
    [
        ([], "trying"),
        ([reply(100, 0.1)], "trying"),
        ([reply(183, 0.1)], "trying"),
        ([reply(180, 0.1)], "ringing"),
        ([reply(180, 0.1), reply(200, 1)], "answered"),
        ([reply(200, 1), ask("BYE", 2, by="uas")], "completed"),
        ([reply(180, 0.1), reply(486, 1)], "failed"),
        ([reply(302, 1)], "failed"),
        ([reply(487, 2)], "failed"),
        ([ask("CANCEL", 1, to_tag=None), reply(487, 2)], "cancelled"),
        ([ask("CANCEL", 1, to_tag=None)], "cancelled"),
        ([ask("CANCEL", 1, to_tag=None), reply(200, 1, "CANCEL")], "cancelled"),
        ([ask("CANCEL", 1, to_tag=None), reply(486, 2)], "failed"),
        ([ask("CANCEL", 1, to_tag=None), reply(200, 2)], "answered"),
        ([reply(180, 0.1), ask("BYE", 1, cseq=2), reply(487, 1.1)], "cancelled"),
    ],
)
def test_the_state_says_how_far_the_call_came(messages: list[dict], state: str):
    assert leg(invite(0), *messages)["state"] == state


def test_re_invites_do_not_change_what_became_of_the_call():
    again = [
        ask("INVITE", 3, cseq=2),
        reply(488, 3.1, cseq=2),
        ask("INVITE", 4, by="uas"),  # the called party's own CSeq numbers, here the same as the caller's
        reply(180, 4.1, to="uas"),
        reply(491, 4.2, to="uas"),
    ]
    row = leg(*call()[:5], *again)
    assert (row["final_status"], row["state"], row["ringing_time"]) == (200, "answered", at(0.5))


def test_a_transfer_does_not_break_the_leg():
    transfer = [ask("REFER", 4, cseq=3), reply(202, 4.1, "REFER", cseq=3), ask("NOTIFY", 4.2, by="uas")]
    assert leg(*call(), *transfer).equals(leg(*call()))


def test_retransmissions_are_summed_over_the_leg():
    again = [invite(0.5), reply(200, 2.5), ask("BYE", 9.5, cseq=2), reply(180, 0.6)]
    assert leg(*call(), *again)["retransmissions"] == 3


def test_a_leg_over_two_files_of_a_recording_is_one_row():
    halves = [m | {"capture": "1" if m["time"] < 2 else "2"} for m in call()]
    found = table(*halves, recordings={"1": 0, "2": 0})
    assert found[["capture", "final_status", "state"]].values.tolist() == [["1", 200, "completed"]]


def test_a_call_at_two_vantage_points_is_two_rows():
    both = [m | {"capture": capture} for capture in ("client", "server") for m in call()]
    found = table(*both, recordings={"client": 0, "server": 1})
    assert found["capture"].to_list() == ["client", "server"]
    assert found["retransmissions"].to_list() == [0, 0]


def test_captures_nobody_numbered_are_recordings_of_their_own():
    assert len(table(invite(0, capture="1"), invite(0, capture="2"))) == 2


def test_times_are_kept_to_the_nanosecond():
    assert leg(invite(1.000000001))["time"] == at(1.000000001)


def test_a_call_is_told_mid_way_by_the_answer_to_its_invite():
    row = leg(reply(180, 1), reply(200, 2), ask("ACK", 2.1), ask("BYE", 9, by="uas"))
    assert (row["state"], row["final_status"], row["answer_time"]) == ("starts_mid_call", 200, at(2))
    assert (row["ringing_time"], row["end_time"], row["ended_by"]) == (at(1), at(9), "uas")
    assert (row["from_user"], row["uas_addr"]) == ("721", SERVER)


def test_a_failure_mid_way_may_be_a_re_invites_and_says_nothing():
    row = leg(reply(488, 1), ask("BYE", 9))
    assert pd.isna(row["final_status"])
    assert (row["state"], row["end_time"]) == ("starts_mid_call", at(9))


def test_an_answered_re_invite_mid_way_says_nothing_of_the_first():
    row = leg(ask("INVITE", 1, cseq=7), reply(200, 1.1, cseq=7))
    assert row[["final_status", "answer_time"]].isna().all()


def test_absurd_messages_do_not_raise():
    nothing = dict.fromkeys(("src_addr", "src_port", "dst_addr", "from_tag", "from_uri", "cseq", "branch"))
    row = leg(invite(0, **nothing), reply(999, 1, **nothing), ask("BYE", 2, **nothing) | {"time": None})
    assert row["state"] == "failed"
    assert row[["uac_addr", "from_user"]].isna().all()


def test_thousands_of_messages_with_one_call_id_take_linear_time():
    flood = [invite(n / 1000, cseq=n, src_port=n % 60000) for n in range(3000)]
    flood += [ask("CANCEL", 3 + n / 1000, to_tag=None, cseq=n) for n in range(3000)]
    flood += [reply(486, 6 + n / 1000, cseq=n, dst_port=n % 60000) for n in range(3000)]
    assert leg(*flood)["state"] == "failed"
