"""The client's leg is not in the captures, so its offer is unknown."""

from dataclasses import replace

import pytest

from postproc.diagnose.rules.first_leg_missing import RULE
from postproc.diagnose.rules.one_way_media import RULE as ONE_WAY
from postproc.model.deployment import Markers
from tests.builders import GATEWAY, SERVER
from tests.diagnose.refusals import NO_MEDIA, call
from tests.diagnose.scenes import (
    XPHONE,
    asked,
    check,
    foreign,
    good,
    leg,
    plain_stream,
    scene,
    section,
    stream,
    told_both,
    unanswered,
    verdict,
)

PLAIN = {"ufrag": None, "setup": None, "fingerprint": None, "proto": "RTP/AVP"}
OUTBOUND = leg(2, leg=1, role="single", call_id="b@x")
ONLY_OUTBOUND = {
    **NO_MEDIA,
    "calls": [call(200)],
    "legs": [OUTBOUND],
    "sdp_media": [section("b@x", sdp_owner="FreeSWITCH", frame=6, **PLAIN)],
    "candidates": [],
    "rtp_streams": [plain_stream(GATEWAY, SERVER, leg=1)],
}
NO_SIP = {"legs": [], "sip_messages": [], "sdp_media": [], "candidates": [], **NO_MEDIA}


def test_the_servers_own_leg_with_one_way_audio_shows_half_the_call():
    (found,) = asked(RULE, **ONLY_OUTBOUND)
    assert (found.verdict, found.facts) == ("cannot_tell", {"server": SERVER, "peer": GATEWAY})
    told = told_both(found, RULE)
    assert told["en"]["title"].startswith(f"Only the leg between the server {SERVER} and {GATEWAY}")
    assert "Loopback" in told["de"]["remedies"]


def test_silent_on_a_leg_that_the_server_takes():
    """One-way audio on it is its own: voicemail, and whoever rings the server, have no other leg."""
    inbound = leg(
        2,
        leg=1,
        role="single",
        uac_addr=GATEWAY,
        uas_addr=SERVER,
        uac_agent="PBX",
        uas_agent="XPhone Call Controller",
    )
    scene_of_it = ONLY_OUTBOUND | {"legs": [inbound], "sdp_media": []}
    assert asked(RULE, **scene_of_it) == []


def test_xphone_wording_is_for_xphone_alone():
    (found,) = asked(RULE, **ONLY_OUTBOUND)
    xphone = told_both(found, RULE, scene(**ONLY_OUTBOUND))
    other = told_both(found, RULE, scene(base=foreign()))
    assert "satellite" in xphone["en"]["remedies"]
    assert "XPhone" not in other["en"]["remedies"] + other["en"]["causes"]
    assert "loopback" in other["en"]["remedies"]


BOTH_WAYS = [plain_stream(GATEWAY, SERVER, leg=1), plain_stream(SERVER, GATEWAY, leg=1)]
TAKEN_BACK = leg(2, leg=1, role="single", answer_time=None, final_status=487, state="cancelled")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rtp_streams": BOTH_WAYS}, "On this leg media flows both ways"),
        ({"legs": [TAKEN_BACK], "rtp_streams": []}, "The server took the call back"),
        ({"legs": [TAKEN_BACK | {"state": "failed"}], "rtp_streams": []}, "The server took the call back"),
    ],
    ids=["audio both ways", "the server cancels", "the server cancels, and the CANCEL is not captured"],
)
def test_a_leg_without_fault_does_not_speak_for_the_clients(changes, sentence):
    (found,) = asked(RULE, **ONLY_OUTBOUND | changes)
    assert sentence in told_both(found, RULE)["en"]["detail"]
    row = verdict(**ONLY_OUTBOUND | changes)
    assert (row.verdict, row.cause) == ("cannot_tell", "first-leg-missing")


@pytest.mark.parametrize(
    "changes",
    [
        {"sdp_media": [section("b@x", ufrag="abcd")]},
        {"legs": [leg(2, leg=1, role="single", answer_time=None, final_status=486, state="failed")]},
        {"legs": [leg(2, leg=1, role="single", end_time=3.1)]},
        {"calls": [call(200, ambiguous=True)]},
    ],
    ids=["ICE on it", "not answered", "ended at once", "ambiguous"],
)
def test_silent_where_the_leg_says_enough(changes):
    assert asked(RULE, **ONLY_OUTBOUND | changes) == []


def test_silent_between_two_phones_and_without_markers():
    phones = leg(2, leg=1, role="single", uac_agent="Phone/1", uas_agent="Asterisk PBX 18")
    owner = [section("b@x", sdp_owner="-", **PLAIN)]
    assert asked(RULE, **ONLY_OUTBOUND | {"legs": [phones], "sdp_media": owner}) == []
    assert asked(RULE, replace(XPHONE, markers=Markers()), **ONLY_OUTBOUND) == []


def test_checks_without_sip_that_prove_nothing_cannot_be_judged():
    (found,) = asked(RULE, **NO_SIP | {"bindings": [check(leg=None), check("client_to_server", leg=None)]})
    assert (found.verdict, found.leg) == ("cannot_tell", None)
    assert "10.0.50.118:30000" in told_both(found, RULE)["en"]["title"]


def test_checks_without_sip_that_died_are_judged_by_themselves():
    row = verdict(**NO_SIP | {"bindings": unanswered(6, leg=None)})
    assert row.cause == "no-binding-success"
    (found,) = asked(RULE, **NO_SIP | {"bindings": unanswered(6, leg=None)})
    assert found.verdict == "note"


def test_checks_without_sip_that_work_are_judged_by_their_media():
    both = [stream(leg=None), stream("client_to_server", leg=None)]
    (found,) = asked(RULE, **NO_SIP | {"bindings": [check(leg=None)], "rtp_streams": both})
    assert found.verdict == "note"


def test_checks_and_dtls_without_media_both_ways_leave_it_open():
    done = [{**good()["dtls"][0], "leg": None}]
    (found,) = asked(RULE, **NO_SIP | {"bindings": [check(leg=None)], "dtls": done})
    assert found.verdict == "cannot_tell"


@pytest.mark.parametrize("to_server", [0, 10])
def test_a_session_without_sip_that_is_heard_one_way_only_is_a_suspicion(to_server):
    """What a browser's own machine shows where nobody is heard at the server; SIP runs inside TLS."""
    seen = {
        "bindings": [check(leg=None), check("client_to_server", leg=None)],
        "dtls": [{**good()["dtls"][0], "leg": None}],
        "rtp_streams": [
            stream(leg=None),
            *([stream("client_to_server", leg=None, packets=to_server, last_time=4.0)] if to_server else []),
        ],
    }
    row = verdict(**NO_SIP | seen)
    assert (row.verdict, row.cause) == ("suspect", "one-way-media")
    (found,) = asked(ONE_WAY, **NO_SIP | seen)
    assert (found.tags, found.facts["back"]) == ({"unread"}, to_server)
    assert "One-way audio: 850 packets" in told_both(found, ONE_WAY)["en"]["title"]
    (note,) = asked(RULE, **NO_SIP | seen)
    assert note.verdict == "note"


@pytest.mark.parametrize(
    "changes",
    [
        {"dtls": [], "bindings": [check(leg=None, outcome="unanswered")]},
        {"rtp_streams": [stream(leg=None, last_time=4.5)]},
        {"rtp_streams": [stream(leg=None), stream("client_to_server", leg=None, packets=20)]},
    ],
    ids=["nothing came back", "for a moment", "silence suppression"],
)
def test_silent_one_way_without_sip_where_it_may_be_right(changes):
    works = {"bindings": [check(leg=None)], "dtls": [{**good()["dtls"][0], "leg": None}]}
    assert asked(ONE_WAY, **NO_SIP | works | {"rtp_streams": [stream(leg=None)]} | changes) == []


def test_silent_without_checks():
    assert asked(RULE, **NO_SIP) == []


def test_silent_on_good_and_foreign_calls():
    assert asked(RULE) == []
    assert asked(RULE, base=foreign()) == []


def test_a_real_capture_at_the_client_gets_a_note(judged):
    tables = judged("client_view").tables
    assert list(tables.calls["verdict"]) == ["ok"]
    assert ("first-leg-missing", "note") in set(
        zip(tables.findings["name"], tables.findings["verdict"], strict=True)
    )


UNREAD = ONLY_OUTBOUND | {
    "legs": [leg(2, leg=2, role="outbound", call_id="b@x")],
    "rtp_streams": [plain_stream(GATEWAY, SERVER, leg=2)],
    "bindings": unanswered(3),
}


def test_a_leg_of_which_only_the_checks_can_be_read_is_a_note():
    (found,) = asked(RULE, **UNREAD)
    assert (found.verdict, found.confidence, found.leg) == ("note", 0.8, 1)
    told = told_both(found, RULE)
    assert told["en"]["title"].startswith("Of the client's leg 1 only its connectivity checks between")
    assert f"both meet at {SERVER} at the same time" in told["en"]["detail"]
    assert "(--keylog)" in told["en"]["detail"]
    assert "treffen" in told["de"]["detail"]
