"""The INVITE is not in the capture."""

from postproc.diagnose.rules.starts_mid_call import RULE
from tests.builders import APP, SERVER
from tests.diagnose.refusals import NO_MEDIA
from tests.diagnose.scenes import asked, foreign, leg, message, told_both

LATE = {"state": "starts_mid_call", "invite_time": None, "answer_time": None}


def test_a_call_without_its_invite_cannot_be_judged():
    (found,) = asked(RULE, **NO_MEDIA, legs=[leg(1, **LATE), leg(2, **LATE)])
    assert (found.verdict, found.leg, found.evidence.frames) == ("cannot_tell", 1, (1, 6))
    told = told_both(found, RULE)
    assert told["en"]["title"].endswith(f"the INVITE between {APP} and {SERVER} is not in it.")


def test_media_both_ways_make_it_a_note():
    (found,) = asked(RULE, legs=[leg(1, **LATE), leg(2, **LATE)])
    assert found.verdict == "note"


def test_one_leg_with_its_invite_makes_it_a_note():
    (found,) = asked(RULE, **NO_MEDIA, legs=[leg(1), leg(2, **LATE)])
    assert (found.verdict, found.leg) == ("note", 2)


def test_silent_where_one_direction_is_missing_from_the_invite_on():
    """Its responses are there, so the capture ran; what their receiver sent is in no capture."""
    answers = [message(1, 180, 0.6), message(1, 200, 3.0)]
    alone = {"legs": [leg(1, **LATE)], **NO_MEDIA}
    assert asked(RULE, sip_messages=answers, **alone) == []
    assert len(asked(RULE, sip_messages=[*answers, message(1, "BYE", 20.0)], **alone)) == 1
    assert len(asked(RULE, sip_messages=[message(1, 200, 20.1, cseq_method="BYE")], **alone)) == 1


def test_silent_on_good_and_foreign_calls():
    assert asked(RULE) == []
    assert asked(RULE, base=foreign()) == []
