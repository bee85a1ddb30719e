"""Which legs become one call: whole scenes, judged by the outcome alone."""

import random

import pytest

from tests.correlate.scenes import SERVER_SIDE, TRUNK, groups, inbound, joined, leg, outbound

TALK_A = {"answer": 3.02, "bye": 9.0}
TALK_B = {"ring": 0.5, "answer": 3.0, "bye": 9.02}


def pieces(found):
    """Evidence of the only pair considered, as a dict."""
    (told,) = found.joins["evidence"]
    return {name: float(score) for name, score in (piece.split("=") for piece in told.split(","))}


def test_two_legs_through_a_b2bua_are_one_call():
    found = joined(inbound(early=0.01, **TALK_A), outbound(**TALK_B))
    assert groups(found) == ["a b"]
    assert found.legs["role"].tolist() == ["inbound", "outbound"]
    assert found.joins["accepted"].tolist() == [True]
    assert pieces(found).keys() == {
        "callee",
        "caller",
        "invite",
        "answer",
        "end",
        "lifetime",
        "host",
        "prior",
    }


def test_the_score_is_the_sum_of_its_pieces():
    found = joined(inbound(**TALK_A), outbound(**TALK_B))
    assert sum(pieces(found).values()) == pytest.approx(found.joins["score"][0], abs=0.05)


def test_a_server_that_takes_calls_on_loopback_and_passes_them_on_from_its_card_is_one_machine():
    found = joined(
        leg(
            "a",
            49.610593,
            "127.0.0.1:4901",
            "127.0.0.1:4900",
            early=49.624317,
            answer=57.354160,
            bye=69.112671,
        ),
        leg("b", 49.620648, "192.168.101.12:5060", "192.168.101.10:5060", answer=57.331167, bye=69.178382),
    )
    assert groups(found) == ["a b"]


def test_calls_through_one_port_of_one_host_stay_apart():
    # Everything on one machine: caller, both sides of the B2BUA.
    found = joined(
        leg("a1", 0, "10.0.0.1:4901", "10.0.0.1:4900", answer=3.02, bye=14.0),
        leg("b1", 0.016, "10.0.0.1:5060", TRUNK, answer=3.0, bye=14.03),
        leg(
            "a2",
            3.5,
            "10.0.0.1:4901",
            "10.0.0.1:4900",
            caller="760",
            callee="+4930998877",
            answer=6.5,
            bye=15.5,
        ),
        leg("b2", 3.516, "10.0.0.1:5060", TRUNK, caller="760", callee="+4930998877", answer=6.48, bye=15.53),
    )
    assert groups(found) == ["a1 b1", "a2 b2"]


def test_calls_without_relation_stay_single():
    found = joined(
        inbound(**TALK_A),
        leg(
            "b",
            0.4,
            "10.0.50.6:5060",
            "10.0.50.7:5060",
            caller="5551000",
            callee="5559999",
            answer=6.0,
            bye=7.0,
        ),
    )
    assert groups(found) == ["a", "b"]
    assert found.calls["joined_by"].tolist() == ["single", "single"]


def test_same_numbers_later_than_the_window_do_not_join():
    assert groups(joined(inbound(answer=1.0), outbound(start=16.0))) == ["a", "b"]
    assert groups(joined(inbound(ring=1.0), outbound(start=14.0))) == ["a b"]


def test_a_leg_that_starts_after_the_other_ended_does_not_follow_from_it():
    assert groups(joined(inbound(fail=(1.0, 503)), outbound(start=2.0, ring=3.0))) == ["a", "b"]


def test_a_busy_signal_is_passed_on():
    found = joined(inbound(fail=(2.02, 486)), outbound(callee="+4930111111", fail=(2.0, 486)))
    assert groups(found) == ["a b"]
    assert pieces(found)["end"] > 3


def test_a_cancel_is_passed_on():
    found = joined(inbound(cancel=4.0), outbound(callee="+4930111111", cancel=4.01))
    assert groups(found) == ["a b"]


def test_two_calls_to_one_number_are_told_apart_by_their_answers():
    nobody = {"caller": "anonymous"}
    found = joined(
        inbound("a1", 0.000, **nobody, answer=2.02, bye=7.0),
        inbound("a2", 0.001, **nobody, answer=4.02, bye=8.0),
        outbound("b1", 0.016, **nobody, answer=4.0, bye=8.02),
        outbound("b2", 0.017, **nobody, answer=2.0, bye=7.02),
    )
    assert groups(found) == ["a1 b2", "a2 b1"]
    assert not found.calls["ambiguous"].any()


def test_two_calls_in_lockstep_are_left_apart_and_both_choices_kept():
    nobody = {"caller": "anonymous"}
    found = joined(
        inbound("a1", 0.0, **nobody, answer=2.02),
        inbound("a2", 0.0, **nobody, answer=2.02),
        outbound("b1", 0.016, **nobody, answer=2.0),
        outbound("b2", 0.016, **nobody, answer=2.0),
    )
    assert groups(found) == ["a1", "a2", "b1", "b2"]
    assert found.calls["ambiguous"].all()
    assert (found.calls["joined_confidence"] <= 0.5).all()
    assert len(found.joins) == 4
    assert not found.joins["accepted"].any()


def test_a_parallel_ring_is_one_call():
    found = joined(
        inbound(answer=5.02, bye=9.0),
        outbound("b1", 0.016, callee="11", answer=5.0, bye=9.02),
        outbound("b2", 0.017, callee="12", cancel=5.01),
        outbound("b3", 0.018, callee="13", cancel=5.012),
    )
    assert groups(found) == ["a b1 b2 b3"]
    assert found.legs.set_index("call_id")["role"].to_dict() == {
        "a": "inbound",
        "b1": "outbound",
        "b2": "outbound",
        "b3": "outbound",
    }


def test_the_next_target_after_a_failure_belongs_to_the_call_however_late():
    found = joined(
        inbound(answer=52.02, bye=60.0),
        outbound("b1", 0.016, cancel=25.0, callee="11"),
        outbound("b2", 25.01, cancel=50.0, callee="12"),
        outbound("b3", 50.02, answer=52.0, bye=60.02, callee="13"),
    )
    assert groups(found) == ["a b1 b2 b3"]


def test_a_leg_to_a_new_target_after_the_answer_is_a_transfer_and_another_call():
    found = joined(
        inbound(answer=2.02, bye=30.0),
        outbound("b", 0.016, answer=2.0, bye=12.0),
        outbound("c", 10.0, callee="+4930998877", answer=12.0, bye=30.02),
    )
    assert groups(found) == ["a b", "c"]


def test_legs_over_two_b2buas_are_one_call():
    far = "10.0.60.1:5060"
    found = joined(
        inbound(**TALK_A),
        leg("b", 0.016, SERVER_SIDE, TRUNK, answer=3.0, bye=9.02),
        leg("c", 0.030, TRUNK, far, answer=2.98, bye=9.04),
    )
    assert groups(found) == ["a b c"]
    assert found.legs["role"].tolist() == ["inbound", "outbound", "outbound"]


def test_two_legs_from_one_machine_are_no_call_by_number_and_time():
    """Click to dial: the server rings the phone, then the other party."""
    found = joined(
        leg("a", 0.0, SERVER_SIDE, "10.0.50.5:5060", answer=2.0, bye=9.0),
        leg("b", 2.01, SERVER_SIDE, TRUNK, answer=4.0, bye=9.01),
    )
    assert groups(found) == ["a", "b"]


def test_a_capture_that_starts_in_mid_call_joins_by_how_both_legs_end():
    found = joined(inbound(**TALK_A)[-2:], outbound(**TALK_B)[-2:])
    assert found.legs["state"].tolist() == ["starts_mid_call"] * 2
    assert groups(found) == ["a b"]


def test_no_legs_make_no_calls():
    found = joined()
    assert len(found.calls) == len(found.joins) == len(found.legs) == 0
    assert len(found.ice_sessions) == len(found.endpoints) == 0


def test_rows_without_times_addresses_or_users_do_no_harm():
    odd = {"method": "INVITE", "src_addr": None, "from_uri": None, "to_uri": "::", "time": None}
    assert len(joined([odd | {"call_id": f"c{n}"} for n in range(3)], inbound()).legs) == 4


def busy(calls, *, seed):
    """Calls at a rate of 20 per second to one number, from one switch, through one server."""
    chance = random.Random(seed)
    rows = []
    for n in range(calls):
        start = n / 20 + chance.random() / 20
        answer = start + 1 + 4 * chance.random()
        bye = answer + 10 * chance.random()
        caller = f"+4930{chance.randrange(10**7):07d}"
        rows.append(inbound(f"a{n}", start, caller=caller, answer=answer + 0.01, bye=bye))
        rows.append(outbound(f"b{n}", start + 0.02, caller=caller, answer=answer, bye=bye + 0.01))
    return rows


def test_many_calls_to_one_number_at_the_same_time_are_joined_right():
    found = joined(*busy(150, seed=7))
    assert groups(found) == [f"a{n} b{n}" for n in range(150)]


def test_the_same_input_gives_the_same_numbers_whatever_its_order():
    rows = busy(20, seed=3)
    once, again = joined(*rows), joined(*rows[::-1])
    assert (
        once.legs.set_index("call_id")[["call", "leg"]]
        .sort_index()
        .equals(again.legs.set_index("call_id")[["call", "leg"]].sort_index())
    )
