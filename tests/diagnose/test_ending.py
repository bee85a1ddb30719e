"""How a call without a fault ended."""

import pytest

from postproc.diagnose.ending import (
    CANCELLED,
    CROSSED,
    GOOD,
    GOOD_PLAIN,
    ONE_WAY,
    REDIRECTED,
    TRUNCATED,
    UNKNOWN,
    ended_well,
    ending,
)
from postproc.model.vocabulary import EVERYDAY_ENDS
from tests.diagnose.scenes import foreign, good, leg, message, scene, section, stream

QUIET = {"rtp_streams": [], "bindings": [], "pairs": [], "dtls": []}


def ended(status: int | None, state: str = "failed"):
    call = {**good()["calls"][0], "final_status": status, "answer": None}
    return scene(calls=[call], legs=[leg(1, final_status=status, state=state, answer_time=None)], **QUIET)


@pytest.mark.parametrize("status", [*EVERYDAY_ENDS, 302])
def test_busy_declined_not_available_and_redirected_end_well(status):
    case = ended(status)
    assert ended_well(case)
    text, facts = ending(case, "ok", None)
    assert text is EVERYDAY_ENDS.get(status, REDIRECTED)
    assert facts == {"status": status}


def test_a_cancelled_call_without_a_final_response_ends_well():
    case = ended(None, "cancelled")
    assert ended_well(case)
    assert ending(case, "ok", None)[0] is CANCELLED


def crossed(cancelled=2.99, ended=3.1, by="uac"):
    """Answered at 3.0."""
    legs = [leg(1, final_status=200, answer_time=3.0, end_time=ended, ended_by=by)]
    return scene(
        legs=legs, sip_messages=[message(1, "INVITE", 0.0), message(1, "CANCEL", cancelled)], **QUIET
    )


def test_a_cancel_that_crosses_the_answer_ends_the_call_as_any_cancel_does():
    assert ended_well(crossed())
    assert ended_well(crossed(cancelled=3.02)), "the caller had not heard of the answer"
    assert ending(crossed(), "ok", None)[0] is CROSSED


@pytest.mark.parametrize("case", [crossed(ended=7.1), crossed(by="uas"), crossed(cancelled=7.1)])
def test_one_that_is_taken_up_all_the_same_or_ended_by_the_other_side_does_not(case):
    assert not ended_well(case)


@pytest.mark.parametrize("status", [403, 488, 503, None])
def test_other_failures_do_not(status):
    assert not ended_well(ended(status))


def test_an_answered_call_or_one_without_its_first_leg_does_not():
    assert not ended_well(scene())
    assert not ended_well(scene(legs=[leg(2, final_status=486, answer_time=None)]))
    assert not ended_well(scene(legs=[]))


def test_a_good_call_counts_the_packets_of_the_clients_leg():
    assert ending(scene(), "ok", True) == (GOOD, {"to_client": 850, "to_server": 850})


def test_without_sides_the_two_fullest_directions_are_counted():
    assert ending(scene(base=foreign()), "ok", True) == (GOOD_PLAIN, {"one": 850, "other": 850})


def test_media_that_may_flow_one_way_only_is_said_so():
    case = scene(sdp_media=[section(direction="sendonly")], rtp_streams=[stream()])
    assert ending(case, "cannot_tell", False)[0] is ONE_WAY


def test_without_media_nothing_can_be_told():
    assert ending(scene(**QUIET), "cannot_tell", None) == (UNKNOWN, {})
    captured = [{"first_time": 0.0, "last_time": 60.0, "packets": 40, "messages_cut": 3}]
    assert ending(scene(captures=captured, **QUIET), "cannot_tell", None) == (TRUNCATED, {})
