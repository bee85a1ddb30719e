"""Links are (upstream, downstream): score; what is chosen is asked, not how."""

import pytest

from postproc.correlate.joining.choose import ENOUGH, MARGIN, Link, choose


def chosen(scores, together=(), before=None):
    """Upstream by downstream leg; ``together`` are downstream legs that one leg may have at once."""
    links = [Link(*ends, score, number) for number, (ends, score) in enumerate(scores.items())]
    return choose(links, lambda one, other: {one.downstream, other.downstream} <= set(together), before)


def upstream(*args, **known):
    return {leg: link.upstream for leg, link in chosen(*args, **known).taken.items()}


def doubtful(*args, **known):
    return sorted((link.upstream, link.downstream) for link in chosen(*args, **known).doubtful)


def test_a_pair_is_taken_if_it_is_good_enough():
    assert upstream({(1, 2): ENOUGH}) == {2: 1}
    assert upstream({(1, 2): ENOUGH - 0.1}) == {}


def test_each_finds_its_own():
    assert upstream({(1, 11): 12, (1, 12): 8, (2, 11): 8, (2, 12): 12}) == {11: 1, 12: 2}


@pytest.mark.parametrize("ahead, clear", [(MARGIN, True), (MARGIN - 0.1, False)])
def test_the_best_upstream_leg_must_be_ahead(ahead, clear):
    scores = {(1, 11): 10 + ahead, (2, 11): 10}
    assert upstream(scores) == ({11: 1} if clear else {})
    assert doubtful(scores) == ([] if clear else [(1, 11), (2, 11)])


@pytest.mark.parametrize("ahead, clear", [(MARGIN, True), (MARGIN - 0.1, False)])
def test_the_best_downstream_leg_must_be_ahead(ahead, clear):
    scores = {(1, 11): 10 + ahead, (1, 12): 10}
    assert upstream(scores) == ({11: 1} if clear else {})


def test_a_downstream_leg_with_a_better_choice_is_no_rival():
    assert upstream({(1, 11): 10, (1, 12): 9.5, (2, 12): 12}) == {11: 1, 12: 2}


def test_what_is_taken_resolves_what_was_in_doubt():
    # 12 fits 1 and 2 alike, until 11 takes 1.
    assert upstream({(1, 11): 20, (1, 12): 10, (2, 12): 10}) == {11: 1, 12: 2}


def test_a_chain_of_doubts_is_resolved_from_its_clear_end():
    # Each downstream leg fits two upstream legs alike, until the one before it is taken.
    own = {(n, 100 + n): 200 - 2 * n for n in range(50)}
    others = {(n, 101 + n): 200 - 2 * (n + 1) for n in range(49)}
    assert upstream(own | others) == {100 + n: n for n in range(50)}


def test_lockstep_stays_in_doubt():
    scores = {(1, 11): 15, (1, 12): 15, (2, 11): 15, (2, 12): 15}
    assert upstream(scores) == {}
    assert doubtful(scores) == sorted(scores)


def test_one_leg_may_have_several_that_go_together():
    scores = {(1, 11): 12, (1, 12): 11, (1, 13): 10}
    assert upstream(scores, together=(11, 12, 13)) == {11: 1, 12: 1, 13: 1}
    assert upstream(scores, together=(11, 12)) == {11: 1, 12: 1}


def test_a_leg_that_is_shut_out_is_in_no_doubt():
    assert doubtful({(1, 11): 12, (1, 12): 9}) == []


def test_legs_of_one_call_are_no_alternatives():
    # 3 follows from 2, which follows from 1: whether 3 follows from 1 or 2, the call is the same.
    assert upstream({(1, 2): 20, (2, 3): 10, (1, 3): 9.8}, together=(2, 3)) == {2: 1, 3: 2}


def test_no_leg_follows_from_itself_round_a_circle():
    assert upstream({(1, 2): 20, (2, 3): 15, (3, 1): 10}) == {2: 1, 3: 2}


def test_what_was_chosen_before_stands():
    first = chosen({(1, 11): 10})
    again = chosen({(1, 11): 10, (2, 11): 30, (1, 12): 9}, together=(11, 12), before=first)
    assert {leg: link.upstream for leg, link in again.taken.items()} == {11: 1, 12: 1}
    assert first.taken.keys() == {11}


def test_the_margin_is_kept():
    assert chosen({(1, 11): 12, (2, 11): 9}).margin == {11: 3}
    assert chosen({(1, 11): 12}).margin == {11: float("inf")}


def test_nothing_to_choose():
    assert chosen({}).taken == {}
