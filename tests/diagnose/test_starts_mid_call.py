"""The INVITE is not in the capture."""

from postproc.diagnose.rules.starts_mid_call import RULE
from tests.builders import APP, SERVER
from tests.diagnose.refusals import NO_MEDIA
from tests.diagnose.scenes import asked, foreign, leg, told_both

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


def test_silent_on_good_and_foreign_calls():
    assert asked(RULE) == []
    assert asked(RULE, base=foreign()) == []
