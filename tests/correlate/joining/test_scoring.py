"""Which pieces count: by recording, by time, by what identifies the call."""

import numpy as np
import pytest

from postproc.correlate.joining.evidence import PIECES, Pairs, scored
from postproc.correlate.joining.identities import Shared
from tests.correlate.scenes import facts_of

A = {"time": 0.0, "uas_addr": "10.0.0.2", "uas_port": 5060, "to_user": "+498984079810", "answer_time": 3.02}
B = {"time": 0.1, "uac_addr": "10.0.0.2", "uac_port": 5060, "to_user": "+498984079810", "answer_time": 3.0}
INFERRED = {"callee", "invite", "answer", "host"}


def score(a=None, b=None, *, overlap=False, **identity):
    facts = facts_of(A | (a or {}), B | (b or {}))
    delay = facts.start[1:] - facts.start[:1]
    pair = (np.array([0]), np.array([1]))
    given = [Shared(kind, pair, np.array([weight])) for kind, weight in identity.items()]
    return scored(facts, Pairs(*pair, delay), given, lambda one, other: one == other or overlap)


def counted(*args, **known):
    (pieces,) = score(*args, **known).pieces
    return {name for name, value in zip(PIECES, pieces, strict=True) if value}


ELSEWHERE = {"capture": "b.pcapng"}


def test_on_one_clock_everything_counts():
    assert counted(header=9.0, media=4.0) == INFERRED | {"header", "media"}


def test_beside_each_other_inference_needs_host_and_causality():
    assert counted(b=ELSEWHERE, overlap=True, media=4.0) == INFERRED | {"media"}
    assert counted(b=ELSEWHERE | {"uac_addr": "10.0.0.9"}, overlap=True) == set()
    assert counted(b=ELSEWHERE | {"answer_time": None}, overlap=True) == set()


def test_at_different_times_only_identity_counts():
    every = dict.fromkeys(("log", "header", "ice", "ufrag", "media", "origin"), 5.0)
    assert counted(b=ELSEWHERE, **every) == {"log", "header", "ice"}


def test_outside_the_window_only_tokens_count():
    assert counted(b={"time": 20.0}, header=9.0, media=4.0) == {"header", "media"}


def test_after_the_first_leg_ended_only_the_log_counts():
    over = {"end_time": 0.01, "answer_time": None}
    assert counted(over, log=12.0, header=9.0, ufrag=8.0, ice=10.0) == {"log"}
    assert counted(over | ELSEWHERE, log=12.0, header=9.0, ufrag=8.0) == {"log", "header"}


def test_a_leg_well_before_the_other_does_not_follow_from_it():
    assert counted(b={"time": -1.0}) == set()
    assert "invite" in counted(b={"time": -0.03})


def test_siblings_share_identity_alone_and_no_media_address():
    sibling = {"uac_addr": "10.0.0.1", "uas_addr": "10.0.0.3", "uac_port": 5060}
    found = score({"uac_addr": "10.0.0.1", "uac_port": 5060}, sibling, header=9.0, media=4.0)
    assert found.siblings.tolist() == [True]
    assert found.score.tolist() == [9.0]


def test_where_the_call_is_identified_nothing_counts_against_it():
    against = {"to_user": "+4930998877", "uac_addr": "10.0.0.9", "answer_time": 9.0}
    assert score(b=against).score[0] < 0
    assert score(b=against, header=9.0).score[0] >= 9.0
    assert (score(b=against, media=4.0).pieces < 0).any()


def test_the_prior_counts_where_nothing_identifies_the_call():
    prior = np.array([5.0, -2.0])
    assert score().with_prior(prior).score[0] == pytest.approx(score().score[0] - 2)
    assert score(header=9.0).with_prior(prior).score[0] == pytest.approx(score(header=9.0).score[0])


def test_pairs_without_a_token_of_the_kind_weigh_nothing():
    facts = facts_of(A, B, B | {"call_id": "c"})
    pairs = Pairs(np.array([0, 0]), np.array([1, 2]), np.array([0.1, 0.1]))
    given = [Shared("header", (np.array([0]), np.array([2])), np.array([9.0]))]
    found = scored(facts, pairs, given, lambda one, other: one == other)
    assert found.pieces[:, PIECES.index("header")].tolist() == [0.0, 9.0]


@pytest.mark.parametrize("at_once", [1, 2])
def test_pairs_below_the_least_score_asked_for_are_left_out(monkeypatch, at_once):
    monkeypatch.setattr("postproc.correlate.joining.evidence.AT_ONCE", at_once)
    facts = facts_of(A, B, B | {"call_id": "c"})
    pairs = Pairs(np.array([0, 0]), np.array([1, 2]), np.array([0.1, 0.1]))
    given = [Shared("header", (np.array([0]), np.array([2])), np.array([9.0]))]

    def found(least: float) -> list[int]:
        return scored(facts, pairs, given, lambda one, other: one == other, least).pairs.b.tolist()

    low, high = sorted(scored(facts, pairs, given, lambda one, other: one == other).score.tolist())
    assert (found(low), found(high), found(high + 1)) == ([1, 2], [2], [])


def test_parts_can_be_taken_and_put_together():
    found = score(header=9.0)
    assert len(found.followed_by(found).pairs.a) == 2
    assert len(found.take(np.array([False])).score) == 0


def test_no_pairs():
    none = np.array([], dtype=int)
    found = scored(facts_of(), Pairs(none, none, np.array([])), [], lambda *_: False)
    assert found.score.tolist() == []
