"""Each piece of evidence alone: it speaks where it should, and is silent or against elsewhere."""

import numpy as np
import pytest

from postproc.correlate.joining import evidence
from postproc.correlate.joining.evidence import Pairs, are_siblings
from tests.correlate.scenes import facts_of

A = {"time": 0.0, "uac_addr": "10.0.0.1", "uac_port": 5060, "uas_addr": "10.0.0.2", "uas_port": 5060}
B = {"time": 0.1, "uac_addr": "10.0.0.2", "uac_port": 5060, "uas_addr": "10.0.0.3", "uas_port": 5060}


def score(piece, a=None, b=None, delay=0.1):
    """The piece's score for two legs of a B2BUA with these columns."""
    facts = facts_of(A | (a or {}), B | (b or {}))
    with np.errstate(invalid="ignore"):
        (found,) = piece(facts, Pairs(np.array([0]), np.array([1]), np.array([delay])))
    return found


def test_the_same_number_speaks_for_and_another_against():
    number = {"to_user": "+498984079810"}
    assert score(evidence.callee, number, {"to_user": "08984079810"}) > 3
    assert score(evidence.callee, number, {"to_user": "984079810"}) > 3
    assert score(evidence.callee, number, {"to_user": "+4930998877"}) == -2
    assert score(evidence.caller, {"from_user": "+4930998877"}, {"from_user": "+498984079810"}) == -1


def test_two_parties_that_both_differ_speak_more_against_than_each_alone():
    both = (
        {"to_user": "+498984079810", "from_user": "+49301234567"},
        {"to_user": "+4930998877", "from_user": "+49307654321"},
    )
    assert score(evidence.callee, *both) == -6


def test_numbers_equal_at_their_end_alone_count_half():
    whole = score(evidence.callee, {"to_user": "+498984079810"}, {"to_user": "+498984079810"})
    assert score(
        evidence.callee, {"to_user": "+498984079810"}, {"to_user": "+493084079810"}
    ) == pytest.approx(whole / 2)


def test_short_numbers_count_less_and_only_if_equal():
    assert 0 < score(evidence.caller, {"from_user": "721"}, {"from_user": "721"}) < 3
    assert score(evidence.caller, {"from_user": "721"}, {"from_user": "722"}) == -1
    assert score(evidence.callee, {"to_user": "810"}, {"to_user": "+498984079810"}) == 0


def test_who_withholds_the_number_says_nothing():
    assert score(evidence.caller, {"from_user": "anonymous"}, {"from_user": "anonymous"}) == 0
    assert score(evidence.caller) == 0


def test_the_sooner_the_second_invite_the_better():
    scores = [score(evidence.invite, delay=d) for d in (0.01, 0.1, 1.0, 5.0, 15.0)]
    assert scores == sorted(scores, reverse=True)
    assert 3 < scores[0] < 4
    assert scores[-1] == pytest.approx(0, abs=0.01)


def test_an_invite_after_the_first_leg_was_answered_or_not_seen_counts_less():
    assert score(evidence.invite, {"answer_time": 0.05}) == pytest.approx(score(evidence.invite) - 1)
    assert score(evidence.invite, {"invite_time": None}) == pytest.approx(score(evidence.invite) / 2)


def test_an_invite_that_seems_to_precede_its_cause_counts_less():
    assert score(evidence.invite, delay=-0.01) < score(evidence.invite, delay=0.01) - 1


def test_ringing_is_passed_on_at_once_or_says_nothing():
    assert score(evidence.progress, {"ringing_time": 1.01}, {"ringing_time": 1.0}) > 1.5
    assert score(evidence.progress, {"progress_time": 1.01}, {"progress_time": 1.0}) > 1.5
    assert score(evidence.progress, {"ringing_time": 2.0}, {"ringing_time": 1.0}) == 0
    assert score(evidence.progress, {"ringing_time": 0.01}, {"ringing_time": 1.0}) == 0


def test_an_answer_passed_on_speaks_for():
    answers = [
        score(evidence.answer, {"answer_time": 3.0 + d}, {"answer_time": 3.0})
        for d in (0.005, 0.02, 0.1, 0.5)
    ]
    assert answers == sorted(answers, reverse=True)
    assert answers[0] > 3.5
    assert answers[-1] == pytest.approx(1, abs=0.1)


def test_an_answer_at_another_time_speaks_against_but_not_an_early_one():
    assert score(evidence.answer, {"answer_time": 2.0}, {"answer_time": 3.0}) == -2
    assert score(evidence.answer, {"answer_time": 4.0}, {"answer_time": 3.0}) == -2
    assert score(evidence.answer, {"answer_time": 0.05}, {"answer_time": 3.0}) == 0
    assert score(evidence.answer, {"answer_time": 3.0}) == 0


def ended(time, by, status=200):
    return {"end_time": time, "ended_by": by, "final_status": status}


@pytest.mark.parametrize("by, first, second", [("uac", 9.0, 9.066), ("uas", 9.066, 9.0)])
def test_a_bye_is_passed_on_in_the_direction_it_came_from(by, first, second):
    right = score(evidence.end, ended(first, by), ended(second, by))
    assert right > 1.5
    assert score(evidence.end, ended(second, by), ended(first, by)) == 0


def test_legs_that_the_b2bua_ends_both_need_no_order_but_tell_less():
    both = [score(evidence.end, ended(9.0, "uas"), ended(t, "uac")) for t in (9.03, 8.97)]
    assert both[0] == pytest.approx(both[1])
    assert 0 < both[0] < score(evidence.end, ended(9.0, "uac"), ended(9.03, "uac"))


def test_the_same_failure_tells_more_than_another_one():
    same = score(evidence.end, ended(2.02, "uas", 486), ended(2.0, "uas", 486))
    other = score(evidence.end, ended(2.02, "uas", 503), ended(2.0, "uas", 486))
    assert same == pytest.approx(other + 1)


def test_ends_far_apart_say_nothing_here():
    assert score(evidence.end, ended(9.0, "uac"), ended(20.0, "uac")) == 0
    assert score(evidence.end, ended(9.0, "uac")) == 0


def test_a_leg_that_outlives_the_one_it_should_follow_from_does_not_follow():
    assert score(evidence.lifetime, ended(9.0, "uac"), ended(12.0, "uac")) == -3
    assert score(evidence.lifetime, ended(9.0, "uac"), ended(9.5, "uac")) == 0.5
    assert score(evidence.lifetime, ended(9.0, "uac")) == 0


def test_a_leg_that_goes_on_after_the_other_is_odd_only_if_that_was_answered():
    answered = {"answer_time": 3.0}
    assert score(evidence.lifetime, ended(20.0, "uac") | answered, ended(9.0, "uas") | answered) == -1.5
    assert score(evidence.lifetime, ended(20.0, "uac") | answered, ended(9.0, "uas", 486)) == 0.5


def test_the_host_is_a_gate():
    place = score(evidence.host)
    host = score(evidence.host, b={"uac_port": 5080})
    assert place > host > 0
    assert score(evidence.host, b={"uac_addr": "10.0.0.9"}) == -1.5
    assert score(evidence.host, b={"uac_addr": "10.0.0.9", "uas_addr": "10.0.0.1"}) == -4


def test_the_same_name_or_a_loopback_address_keeps_the_gate_ajar():
    other = {"uac_addr": "10.0.0.9"}
    name = score(evidence.host, {"uas_agent": "B2BUA"}, other | {"uac_agent": "B2BUA"})
    assert 0 < name < 1
    assert 0 < score(evidence.host, {"uas_addr": "127.0.0.1"}, other) < 1
    assert score(evidence.host, {"uas_addr": "127.0.0.1"}, other | {"capture": "b.pcapng"}) == -1.5
    assert (
        score(evidence.host, {"uas_addr": "127.0.0.1", "uas_agent": "one"}, other | {"uac_agent": "two"})
        == -1.5
    )


def test_legs_that_start_or_end_at_one_place_are_siblings():
    assert score(are_siblings, b={"uac_addr": "10.0.0.1", "uas_addr": "10.0.0.4"})
    assert score(are_siblings, b={"uac_addr": "10.0.0.4", "uas_addr": "10.0.0.2"})
    assert score(are_siblings, b={"uac_addr": "10.0.0.1", "uac_port": 50001, "uas_addr": "10.0.0.4"})
    assert not score(are_siblings)


def test_a_leg_back_to_where_the_call_came_from_is_no_sibling():
    assert not score(are_siblings, b={"uas_addr": "10.0.0.1"})
    # The B2BUA calls itself.
    assert not score(are_siblings, b={"uas_addr": "10.0.0.2"})


def test_on_one_host_the_ports_tell_siblings():
    one = {"uac_addr": "10.0.0.2", "uac_port": 4901}
    assert not score(are_siblings, one, {"uac_port": 5080})
    assert score(are_siblings, one, {"uac_port": 4901, "uas_addr": "10.0.0.2", "uas_port": 5060})


def test_a_common_host_is_no_evidence_where_all_legs_have_it():
    facts = facts_of(A, *({**B, "call_id": f"b{n}"} for n in range(200)))
    (found,) = evidence.host(facts, Pairs(np.array([0]), np.array([1]), np.array([0.1])))
    assert 0 <= found < 0.5
