import numpy as np
import pandas as pd
import pytest

from postproc.correlate.calls import joined_by
from postproc.correlate.joining.evidence import PIECES
from postproc.correlate.joining.join import Joined
from tests import builders as b
from tests.correlate.scenes import inbound, joined, outbound

CHECK = {"priority": 1, "username": "X:Y"}


def link(**scores):
    return Joined(0, 1, (0, 1), np.array([scores.get(name, 0.0) for name in PIECES]), 9.0, 9.0, False)


def test_what_joins_is_named_by_strength():
    assert (
        joined_by([link(header=9, callee=4, invite=3, answer=3, host=2)])
        == "header,number+time,causality,host"
    )
    assert joined_by([link(log=12)]) == "log"
    assert joined_by([link(ufrag=8, answer=0.5)]) == "ice"


def test_the_links_of_a_call_are_taken_together():
    assert joined_by([link(header=9), link(answer=4, end=6)]) == "causality,header"


def test_a_single_leg_is_joined_by_nothing():
    assert joined_by([]) == "single"


def test_weak_evidence_alone_is_still_named():
    assert joined_by([link(host=0.5)]) == "host"


def only(calls):
    (row,) = calls.calls.to_dict("records")
    return row


def test_a_call_is_told_by_its_first_leg():
    call = only(
        joined(
            inbound(answer=3.02, bye=9.0), outbound(caller="x", callee="+498984079810", answer=3.0, bye=9.02)
        )
    )
    assert (call["call"], call["legs"], call["from_user"], call["to_user"]) == (1, 2, "721", "+498984079810")
    assert (call["start"], call["answer"], call["end"]) == (b.at(0), b.at(3.02), b.at(9.02))
    assert (call["frame"], call["capture"], call["final_status"]) == (1, "a.pcapng", 200)
    assert pd.isna(call["verdict"])


def test_the_answer_of_another_leg_counts_if_the_first_was_not_answered():
    call = only(joined(inbound(early=0.1, fail=(3.01, 488)), outbound(answer=3.0, bye=3.005)))
    assert (call["answer"], call["final_status"]) == (b.at(3.0), 488)


def test_confidence_grows_with_the_evidence():
    sure = only(joined(inbound(answer=3.02, bye=9.0), outbound(answer=3.0, bye=9.02)))
    less = only(joined(inbound(caller="anonymous"), outbound(start=3.0, caller="anonymous")))
    assert sure["joined_confidence"] > 0.999
    assert 0.7 < less["joined_confidence"] < sure["joined_confidence"]


def test_a_single_leg_without_rival_is_certain():
    assert only(joined(inbound()))["joined_confidence"] == 1.0


def test_a_leg_that_might_have_followed_from_another_is_less_certain():
    found = joined(
        inbound(caller="anonymous", callee="810"), outbound(start=12.0, caller="anonymous", callee="810")
    )
    assert found.calls["joined_by"].tolist() == ["single", "single"]
    assert found.calls["ambiguous"].tolist() == [False, False]
    assert (found.calls["joined_confidence"] < 0.7).all()


def test_an_ice_session_without_sip_is_a_call_of_no_legs():
    stun = b.stun_messages(CHECK | {"frame": 7, "time": 5.0}, CHECK | {"time": 8.0})
    call = only(joined(tables={"stun_messages": stun}))
    assert (call["legs"], call["joined_by"], call["ambiguous"]) == (0, "ice", False)
    assert call["joined_confidence"] == 1.0
    assert (call["start"], call["time"], call["frame"]) == (b.at(5), b.at(5), 7)
    assert pd.isna(call["end"])


@pytest.mark.parametrize("time, order", [(-5.0, ["ice", "single"]), (5.0, ["single", "ice"])])
def test_it_is_numbered_among_the_others(time, order):
    stun = b.stun_messages(CHECK | {"time": time})
    assert joined(inbound(), tables={"stun_messages": stun}).calls["joined_by"].tolist() == order


def test_pairs_considered_are_listed_once_later_leg_last():
    found = joined(inbound(answer=3.02, bye=9.0), outbound(answer=3.0, bye=9.02))
    (row,) = found.joins.to_dict("records")
    assert (row["call_id_a"], row["call_id_b"], row["accepted"]) == ("a", "b", True)
    assert (row["frame"], row["time"]) == (6, b.at(0.016))
