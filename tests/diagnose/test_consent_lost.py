"""A candidate pair whose checks are no longer answered during the call."""

import pytest

from postproc.diagnose.rules.consent_lost import RULE
from tests.diagnose.scenes import asked, check, good, message, section, stream, told_both, verdict
from tests.diagnose.test_first_leg_missing import NO_SIP
from tests.diagnose.test_media_stopped import SILENT, phase
from tests.diagnose.test_turn_refused import challenge, exchange, granted

DIED = [check(time=1.0), *(check(time=10.0 + n, outcome="unanswered") for n in range(8))]
MEDIA = [stream(), stream("client_to_server", last_time=9.5)]


def test_checks_that_stop_being_answered_while_media_stops_are_a_fault():
    (found,) = asked(RULE, bindings=DIED, rtp_streams=MEDIA)
    assert (found.verdict, found.facts["peer"], found.facts["lost"]) == ("fault", "client", 8)
    assert "12:00:01.000" in told_both(found, RULE)["de"]["title"]


def test_a_new_address_of_the_client_is_named():
    came = [check("client_to_server", time=1.1), check("client_to_server", time=12.0, src_addr="192.0.2.99")]
    (found,) = asked(RULE, bindings=[*DIED, *came], rtp_streams=MEDIA)
    assert found.facts["moved"] == ["192.0.2.99:50000"]
    assert "192.0.2.99:50000" in told_both(found, RULE)["en"]["detail"]


def test_it_is_a_fault_though_media_had_flown_both_ways():
    assert verdict(bindings=DIED, rtp_streams=MEDIA).cause == "consent-lost"


@pytest.mark.parametrize(("last_check", "expected"), [(6.0, ("fault", 0.8)), (4.9, ("suspect", 0.6))])
def test_a_client_that_is_asked_nothing_is_lost_if_it_had_asked_for_consent_itself(last_check, expected):
    """RFC 7675: checks after the first 4 s are for consent; they end as the media does."""
    own = [check("client_to_server", time=1.0), check("client_to_server", time=last_check)]
    (found,) = asked(RULE, bindings=own, phases=[SILENT, phase(2)])
    assert (found.verdict, found.confidence) == expected


@pytest.mark.parametrize("last", [10.1, 19.9])
def test_silent_about_a_client_that_fell_silent_in_the_last_10_s(last):
    """No check may have been due."""
    own = [check("client_to_server", time=1.0), check("client_to_server", time=6.0)]
    assert asked(RULE, bindings=own, phases=[SILENT | {"last_from_client": last}, phase(2)]) == []


def test_silent_about_a_client_whose_checks_go_on():
    own = [check("client_to_server", time=1.0), check("client_to_server", time=15.0)]
    assert asked(RULE, bindings=own, phases=[SILENT, phase(2)]) == []


def test_silent_when_media_goes_on():
    assert asked(RULE, bindings=DIED) == []


def test_silent_about_the_last_requests_of_a_call():
    last = [check(time=1.0), *(check(time=19.2 + n / 10, outcome="unanswered") for n in range(5))]
    assert asked(RULE, bindings=last, rtp_streams=MEDIA) == []


def test_silent_when_nothing_was_ever_answered():
    assert asked(RULE, bindings=DIED[1:], rtp_streams=[]) == []


@pytest.mark.parametrize(
    ("turn", "tags"),
    [
        (
            [granted(1.0), exchange(8.0, "create_permission", 438), exchange(9.0, "create_permission", 438)],
            {"relay"},
        ),
        (
            [granted(1.0), exchange(8.0, "create_permission", 438), granted(9.0, "create_permission")],
            {"path"},
        ),
        ([granted(1.0), exchange(8.0, "create_permission", 438)], {"path"}),
        ([granted(1.0), exchange(20.5, "allocate", 437), exchange(20.6, "allocate", 437)], {"path"}),
        ([challenge(1.0), challenge(2.0)], {"path"}),
    ],
)
def test_a_relay_that_had_refused_to_go_on_is_why(turn, tags):
    rows = [row | {"leg": 1, "call": 1} for each in turn for row in each]
    (found,) = asked(RULE, bindings=DIED, rtp_streams=MEDIA, stun_messages=rows)
    assert found.tags == tags
    assert ("CreatePermission 2 times" in told_both(found, RULE)["en"]["detail"]) == (tags == {"relay"})


def restarted(answered="new", at=9.8, method="INVITE"):
    """A re-INVITE with a new ufrag, answered just before the checks fail."""
    offer = message(1, method, at - 0.1, frame=70, to_tag="t", cseq=9)
    answer = message(1, 200, at, frame=71, cseq=9, has_sdp=True)
    sections = [
        section(frame=70, time=at - 0.1, ufrag="other", sdp_owner="FreeSWITCH"),
        section(frame=71, time=at, ufrag=answered),
    ]
    phases = [
        phase(ended=at),
        phase(phase=2, kind="restart", started=at, opened_by=70, frame=71, packets_from_client=0),
        phase(2),
    ]
    return {
        "bindings": DIED,
        "rtp_streams": MEDIA,
        "phases": phases,
        "sip_messages": [*good()["sip_messages"], offer, answer],
        "sdp_media": [*good()["sdp_media"], *sections],
    }


@pytest.mark.parametrize(("scene", "kept"), [(restarted(), False), (restarted("client"), True)])
def test_a_restart_of_ice_just_before_is_named(scene, kept):
    found = next(each for each in asked(RULE, **scene) if each.facts["peer"] == "client")
    assert (found.tags, 71 in found.evidence.frames) == ({"restarted"}, True)
    shown = told_both(found, RULE)["en"]
    assert "the re-INVITE whose answer is frame 71 had restarted ICE" in shown["detail"]
    assert ("kept its old ufrag client" in shown["detail"]) is kept
    updated = next(iter(asked(RULE, **restarted(method="UPDATE"))))
    assert "the UPDATE whose answer" in told_both(updated, RULE)["en"]["detail"]


@pytest.mark.parametrize("at", [0.9, 11.2])
def test_a_restart_at_another_time_is_not_to_blame(at):
    assert all("restarted" not in each.tags for each in asked(RULE, **restarted(at=at)))


NO_SIDE = {"leg": None, "direction": "other"}


def unread(lost=8, sent_until=20.0, heard_until=9.5, more=()):
    """A session without SIP, as a browser's machine shows it: what it sends gets no answer any more."""
    checks = [check() | NO_SIDE, *(check(time=10.0 + n, outcome="unanswered") | NO_SIDE for n in range(lost))]
    came = stream("client_to_server", last_time=heard_until) | NO_SIDE
    return NO_SIP | {
        "bindings": [*checks, *more],
        "rtp_streams": [stream(last_time=sent_until) | NO_SIDE, came],
    }


def test_a_session_without_sip_whose_path_is_lost_is_a_suspicion():
    (found,) = asked(RULE, **unread())
    assert (found.verdict, found.tags, found.facts["lost"]) == ("suspect", {"path"}, 8)
    told = told_both(found, RULE)["en"]
    assert "was lost at 12:00:09.500" in told["title"]
    assert "sent for 10 s more" in told["title"]
    row = verdict(**unread())
    assert (row.verdict, row.cause) == ("suspect", "consent-lost")


@pytest.mark.parametrize(
    "scene",
    [
        unread(lost=2),
        unread(sent_until=14.4),
        unread(heard_until=15.1),
        unread(more=[check(time=17.5) | NO_SIDE]),
        unread(more=[check("client_to_server", time=17.5) | NO_SIDE]),
    ],
    ids=["few requests", "it ended soon", "media came", "answered again", "asked by the other side"],
)
def test_silent_without_sip_where_the_path_holds_or_the_session_ends(scene):
    assert asked(RULE, **scene) == []
