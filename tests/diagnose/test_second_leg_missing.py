"""The leg to the called party is not in the captures."""

from dataclasses import replace

from postproc.diagnose.rules.second_leg_missing import RULE
from postproc.model.deployment import Markers
from tests.builders import APP, SERVER
from tests.diagnose.refusals import NO_MEDIA, at_once, call, refused_leg
from tests.diagnose.scenes import XPHONE, asked, foreign, leg, message, section, told_both

ALONE = {
    **NO_MEDIA,
    "calls": [call(200)],
    "legs": [leg(1, role="single")],
    "sip_messages": [message(1, "INVITE", 0.0), message(1, 183, 0.2, has_sdp=True), message(1, 200, 3.0)],
    "sdp_media": [section()],
}
TRYING = refused_leg(1, 0, role="single", final_status=None, end_time=None, state="trying")


def test_a_single_leg_to_the_server_leaves_the_other_one_open():
    (found,) = asked(RULE, **ALONE)
    assert (found.verdict, found.leg, found.facts["server"], found.facts["caller"]) == (
        "cannot_tell",
        1,
        SERVER,
        APP,
    )
    told = told_both(found, RULE)
    assert "The server answered (200)" in told["en"]["detail"]
    assert "Voicemail" in told["de"]["detail"]
    assert "XCC" in told["de"]["remedies"]


def test_a_server_that_hangs_is_said_so():
    messages = [message(1, "INVITE", 0.0), message(1, 100, 0.01)]
    (found,) = asked(RULE, **ALONE | {"legs": [TRYING], "sip_messages": messages})
    assert "gave no final response" in told_both(found, RULE)["en"]["detail"]


def test_silent_when_media_flows_as_with_voicemail():
    with_media = {name: rows for name, rows in ALONE.items() if name != "rtp_streams"}
    assert asked(RULE, **with_media) == []


def test_silent_between_two_phones_and_without_markers():
    phone = leg(1, role="single", uac_agent="Phone/1", uas_agent="Phone/2")
    plain = [section(sdp_owner="-")]
    assert asked(RULE, **ALONE | {"legs": [phone], "sdp_media": plain}) == []
    assert asked(RULE, replace(XPHONE, markers=Markers()), **ALONE) == []


def test_silent_when_the_server_is_the_caller():
    outbound = leg(1, role="single", uac_agent="XPhone Call Controller", uas_agent="PBX")
    assert asked(RULE, **ALONE | {"legs": [outbound], "sdp_media": []}) == []


def test_silent_on_rejected_ambiguous_and_barely_begun_calls():
    assert asked(RULE, **at_once(503)) == []
    assert asked(RULE, **ALONE | {"calls": [call(200, ambiguous=True)]}) == []
    assert asked(RULE, **ALONE, captures=[{"first_time": 0.0, "last_time": 2.0}]) == []


def test_silent_when_the_server_never_responded():
    assert asked(RULE, **ALONE | {"legs": [TRYING], "sip_messages": [message(1, "INVITE", 0.0)]}) == []


def test_silent_on_good_and_foreign_calls():
    assert asked(RULE) == []
    assert asked(RULE, base=foreign()) == []
