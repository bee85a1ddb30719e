import pytest

from postproc.correlate.joining.choose import retries, side_by_side, together
from tests.correlate.scenes import facts_of

A = {"time": 0.0}
B = {"time": 1.0, "uac_addr": "10.0.0.2", "uas_addr": "10.0.0.3", "uas_port": 1}
C = {"time": 1.1, "uac_addr": "10.0.0.2", "uas_addr": "10.0.0.3", "uas_port": 2}


def fork(a=None, b=None, c=None):
    return together(facts_of(A | (a or {}), B | (b or {}), C | (c or {})))(0, 1, 2)


def test_targets_rung_side_by_side_go_together():
    assert fork()
    assert fork(b={"answer_time": 5.0}, c={"end_time": 5.1})


def test_one_target_is_not_rung_twice_at_once_but_again_after_it_failed():
    same = {"uas_port": 1}
    assert not fork(c=same)
    assert fork(b={"end_time": 1.05}, c=same)


def test_forks_come_from_one_machine():
    assert not fork(c={"uac_addr": "10.0.0.9"})


def test_a_leg_after_the_answer_is_no_fork():
    assert not fork(b={"answer_time": 1.05})
    assert not fork(a={"answer_time": 0.5})
    assert fork(a={"answer_time": 1.1})


def test_two_answered_legs_are_two_calls():
    assert not fork(b={"answer_time": 5.0}, c={"answer_time": 5.1})


@pytest.mark.parametrize(
    ("cancelled", "ended", "party", "joined"),
    [("c2", 5.4, "c", True), ("c2", 5.9, "c", False), ("c1", 5.4, "c", False), ("c2", 5.4, "x", False)],
)
def test_a_target_whose_200_crosses_the_cancel_has_lost(cancelled, ended, party, joined):
    """It is hung up at once; one that is taken up and ended later, by whomever, is a call."""
    legs = A, B | {"answer_time": 5.0, "end_time": 60.0}, C | {"answer_time": 5.1, "end_time": ended}
    messages = [
        {"call_id": cancelled, "method": "INVITE", "from_tag": "c", "time": 1.0},
        {"call_id": cancelled, "method": "CANCEL", "from_tag": party, "time": 5.05},
    ]
    assert together(facts_of(*legs, messages=messages))(0, 1, 2) is joined


def test_the_next_try_after_a_failure_may_come_after_an_early_answer():
    assert fork(a={"answer_time": 0.5}, b={"end_time": 1.05})


def alone(b=None, c=None):
    return side_by_side(facts_of(B | (b or {}), C | (c or {})), 0, 1)


def test_forks_of_an_unseen_leg_live_side_by_side():
    assert alone()
    assert alone(b={"answer_time": 5.0})
    assert not alone(c={"time": 17.0})
    assert not alone(b={"answer_time": 1.05})
    assert not alone(b={"end_time": 1.05})
    assert not alone(b={"answer_time": 5.0}, c={"answer_time": 6.0})


def tried(*legs, upstream):
    found = retries(facts_of(*legs), upstream)
    return [(int(a), int(b), round(float(delay), 3)) for a, b, delay in zip(*found, strict=True)]


FAILED = B | {"end_time": 30.0}
NEXT = C | {"time": 30.02}


def test_the_next_try_counts_from_the_failure():
    assert tried(A, FAILED, NEXT, upstream={1: 0}) == [(0, 2, 0.02)]


def test_no_try_follows_an_answer_another_machine_or_a_long_silence():
    assert tried(A, FAILED | {"answer_time": 5.0}, NEXT, upstream={1: 0}) == []
    assert tried(A, FAILED, NEXT | {"uac_addr": "10.0.0.9"}, upstream={1: 0}) == []
    assert tried(A, FAILED, NEXT | {"time": 46.0}, upstream={1: 0}) == []
    assert tried(A, FAILED, NEXT, upstream={}) == []
    assert tried(A, FAILED, NEXT, upstream={1: 0, 2: 0}) == []
