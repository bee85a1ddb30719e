"""Media that had flowed and stopped while it was due."""

import pandas as pd
import pytest

from postproc.diagnose.rules.consent_lost import RULE as CONSENT_LOST
from postproc.diagnose.rules.media_stopped import RULE
from tests.builders import APP, GATEWAY, SERVER
from tests.diagnose.scenes import (
    CLIENT_PUBLIC,
    asked,
    check,
    good,
    message,
    phase,
    plain_stream,
    section,
    stream,
    told_both,
    verdict,
)

STOPPED = [stream(), stream("client_to_server", last_time=8.0)]


SILENT = phase(packets_from_client=250, last_from_client=8.0)


def test_a_client_that_falls_silent_is_a_suspicion_with_both_explanations():
    alive = [check(), check("client_to_server", time=1.1), check("client_to_server", time=15.0)]
    (found,) = asked(RULE, phases=[SILENT, phase(2)], rtp_streams=STOPPED, bindings=alive)
    assert (found.verdict, found.confidence, found.leg) == ("suspect", 0.6, 1)
    assert found.tags == {"alive", "silent", "starved"}
    shown = told_both(found, RULE)
    assert (
        shown["en"]["title"]
        == "From 12:00:08.000 UTC on nothing came from the client on leg 1 any more, for 12 s."
    )
    assert shown["de"]["title"] == "Ab 12:00:08.000 UTC kam vom Client auf Leg 1 12 s lang nichts mehr."
    assert "a muted microphone and a filter that passes nothing but STUN look alike" in shown["en"]["detail"]
    assert "stummgeschaltetes Mikrofon" in shown["de"]["detail"]
    assert "firewall lets STUN pass" in shown["en"]["causes"]
    assert shown["en"]["detail"].endswith("show whether it went on sending.")


def pausing(*pauses, lost=0, **changes):
    """The client's stream with pauses (since, seconds) until 14 s, and silence of 6 s to the end of the phase."""
    seconds, at = [], 3.0
    for since, lasts in (*pauses, (14.0, 0.0)):
        while at < since:
            seconds.append(
                {
                    "stream": 2,
                    "second": int(at - 3),
                    "time": at,
                    "last_time": at + 0.98,
                    "packets": 50,
                    "lost": 0,
                }
            )
            at += 1.0
        seconds[-1] |= {"last_time": since}
        at = since + lasts
    after = {since + lasts for since, lasts in pauses}
    seconds = [row | {"lost": lost if row["time"] in after else 0} for row in seconds]
    longest = max(lasts for _, lasts in pauses) * 1000
    return {
        "phases": [phase(last_from_client=14.0), phase(2)],
        "rtp_streams": [
            stream(stream=1, last_time=19.9),
            stream("client_to_server", stream=2, last_time=14.0, max_gap_ms=longest, src_side="client")
            | changes,
        ],
        "rtp_seconds": seconds,
    }


def test_silent_where_the_side_had_paused_for_as_long_before():
    for checks in ([], [check("client_to_server", time=15.0)]):
        assert asked(RULE, **pausing((5.0, 3.0), (9.5, 3.5)), bindings=checks) == []


@pytest.mark.parametrize(
    "scene",
    [
        pausing((5.0, 3.0)),
        pausing((5.0, 2.9), (9.5, 2.9)),
        pausing((5.0, 3.0), (9.5, 3.0), lost=20),
        pausing((5.0, 3.0), (9.5, 3.0), src_side="server"),
    ],
    ids=["once", "shorter", "lost", "of the other side"],
)
def test_pauses_before_that_do_not_make_a_silence_usual(scene):
    assert [each.facts["seconds"] for each in asked(RULE, **scene, bindings=[])] == [6.0]


def test_a_side_that_is_gone_has_stopped_whatever_it_did_before():
    gone = [check(last_time=4.0), check("client_to_server", time=4.0)]
    (found,) = asked(RULE, **pausing((5.0, 3.0), (9.5, 3.5)), bindings=gone)
    assert "gone" in found.tags


def test_the_call_is_no_ok_though_media_had_flown_both_ways():
    row = verdict(
        phases=[SILENT, phase(2)], rtp_streams=STOPPED, bindings=[check("client_to_server", time=15.0)]
    )
    assert (row.verdict, row.cause) == ("suspect", "media-stopped")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"last_from_client": 16.0, "packets_from_client": 600},  # whoever hangs up first is silent before
        {"may_send_client": False, "last_from_client": 8.0},
        {"may_send_client": None, "last_from_client": 8.0},
        {"kind": "early", "last_from_client": 8.0},
        {"packets_from_client": 4, "last_from_client": 8.0},  # never was audio
        {"ended": None, "last_from_client": 8.0},
    ],
)
def test_silent(changes):
    assert asked(RULE, phases=[phase(**changes), phase(2)]) == []


HELD = {
    "phase": 2,
    "kind": "hold",
    "started": 6.0,
    "may_send_server": False,
    "packets_from_server": 0,
    "last_from_server": None,
}


@pytest.mark.parametrize(
    ("packets", "last", "count"),
    [
        (0, None, 0),
        (50, 7.0, 0),  # under way while the answer was
        (51, 7.1, 1),  # music that broke off
    ],
)
def test_who_holds_need_not_send_music(packets, last, count):
    held = phase(**HELD, packets_from_client=packets, last_from_client=last)
    assert len(asked(RULE, phases=[phase(ended=6.0, last_from_client=5.9), held, phase(2)])) == count


CLIENT_HOLDS = [
    phase(ended=6.0, last_from_client=5.9, last_from_server=5.9),
    phase(**HELD | {"phase": 2, "opened_by": 40, "packets_from_client": 0, "last_from_client": None}),
    phase(2),
]
OFFER = {"to_tag": "t", "has_sdp": True, "cseq": 3}


def resuming(status=None, frame=50, at=9.0, ended=20.0, **described):
    """A client that holds at 6 s and offers to talk again at 9 s; ``status``: what came of it."""
    asked_for = [
        *good()["sip_messages"],
        message(1, "INVITE", 5.9, frame=40, **OFFER | {"cseq": 2}),
        message(1, "INVITE", at, frame=frame, **OFFER),
    ]
    if status:
        asked_for.append(message(1, status, at + 0.1, frame=frame + 1, cseq=3, reason="No"))
    sections = [*good()["sdp_media"], section(time=at, frame=frame, **described)]
    held = [each | {"ended": ended} if each["kind"] == "hold" else each for each in CLIENT_HOLDS]
    return {"phases": held, "sip_messages": asked_for, "sdp_media": sections}


@pytest.mark.parametrize(("status", "tag"), [(488, "refused"), (491, "pending"), (None, "unanswered")])
def test_a_hold_that_cannot_be_ended_is_named(status, tag):
    (found,) = asked(RULE, **resuming(status))
    assert (found.verdict, found.confidence, found.leg, found.tags) == ("suspect", 0.7, 1, {tag})
    assert found.facts["seconds"] == 11.0
    said = told_both(found, RULE)["en"]["title"]
    assert said.startswith("Leg 1 stays on hold for another 11 s: the INVITE of 12:00:09.000 UTC")
    assert said.endswith(
        "refused with 488 No." if status == 488 else "refused with 491 No." if status else "never answered."
    )
    row = verdict(**resuming(status))
    assert (row.verdict, row.cause) == ("suspect", "media-stopped")


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 200},
        {"status": 401},  # asked again with credentials
        {"status": 488, "at": 15.1},
        {"status": 488, "ended": 13.9},  # resumed by a later offer
        {"status": 488, "direction": "sendonly"},  # still a hold
        {"status": 488, "connection_addr": "0.0.0.0"},
        {"status": 488, "port": 0},
    ],
)
def test_silent_of_holds_that_end_or_go_on_as_wanted(changes):
    assert asked(RULE, **resuming(**changes)) == []


def test_music_that_ends_with_the_attempt_to_resume_is_no_silence_of_its_own():
    scene = resuming(491)
    held = next(each for each in scene["phases"] if each["kind"] == "hold")
    held |= {"may_send_client": True, "packets_from_client": 150, "last_from_client": 8.9}
    assert [each.tags for each in asked(RULE, **scene)] == [{"pending"}]
    told = told_both(asked(RULE, **scene)[0], RULE)
    assert "waits for up to 4 s" in told["en"]["causes"]
    held |= {"last_from_client": 7.9}  # it had ended before
    assert len(asked(RULE, **scene)) == 2


def held_again(*others, direction="sendrecv", until=20.0, by=SERVER):
    """The client's offer to resume is taken, and answered with a hold; ``others``: directions offered before."""
    scene = resuming(200, direction=direction)
    held = next(each for each in scene["phases"] if each["kind"] == "hold")
    again = held | {"phase": 3, "started": 9.1, "opened_by": 50, "ended": until}
    scene["phases"] = [*scene["phases"][:1], held | {"ended": 9.1}, again, scene["phases"][-1]]
    for frame, each in enumerate(others, 44):
        offer = message(1, "INVITE", 7.0, frame=frame, **OFFER | {"cseq": 9})
        scene["sip_messages"].append(offer | {"src_addr": by, "dst_addr": APP})
        scene["sdp_media"].append(section(time=7.0, frame=frame, direction=each))
    return scene


def test_an_answer_that_holds_on_is_named():
    (found,) = asked(RULE, **held_again())
    assert (found.verdict, found.leg, found.tags, found.evidence.frames) == (
        "suspect",
        1,
        {"answered"},
        (21, 50, 51),
    )
    told = told_both(found, RULE)
    assert told["en"]["title"].endswith("was answered with another hold at 12:00:09.100 UTC.")
    assert "pressed hold as well" in told["en"]["remedies"]
    assert len(asked(RULE, **held_again("sendrecv"))) == 1


def both_held(*later):
    """The client holds, then the server does, and the client resumes first; ``later``: the server's offers after its own hold."""
    scene = held_again("inactive", *later)
    held = scene["phases"][1]
    between = held | {"phase": 3, "started": 7.0, "ended": 9.1, "opened_by": 44}
    again = scene["phases"][2] | {"phase": 4}
    scene["phases"] = [scene["phases"][0], held | {"ended": 7.0}, between, again, scene["phases"][-1]]
    return scene


def test_an_answer_that_holds_on_is_named_if_its_sender_has_resumed_before():
    (found,) = asked(RULE, **both_held("sendrecv"))
    assert (found.tags, found.evidence.frames) == ({"answered"}, (21, 50, 51))
    assert asked(RULE, **both_held()) == []  # held by the one that answers
    assert asked(RULE, **both_held("sendrecv", "sendonly")) == []


@pytest.mark.parametrize(
    "scene",
    [
        held_again("sendonly"),  # held by both
        held_again(direction="recvonly"),
        held_again(until=14.0),
        held_again() | {"phases": [*held_again()["phases"], phase(2, kind="hold", started=4.0)]},
    ],
)
def test_silent_where_the_other_side_holds_as_well(scene):
    assert asked(RULE, **scene) == []


def test_silent_where_the_held_side_offers():
    scene = resuming(488)
    scene["sip_messages"][-2] |= {"src_addr": SERVER, "dst_addr": APP}
    assert asked(RULE, **scene) == []


def left_behind(until=20.0, opened_by=60, **changes):
    """The client holds and comes back; the server's last offer on leg 2 lets nobody or one side send."""
    back = {"phase": 3, "kind": "resumed", "started": 9.0}
    first, held, _ = CLIENT_HOLDS
    other = HELD | {"opened_by": opened_by, "packets_from_client": 300, "started": 6.1, "ended": until}
    return {
        "phases": [
            first,
            held | {"ended": 9.0},
            phase(**back),
            phase(2, ended=6.1, last_from_client=5.9, last_from_server=5.9),
            phase(2, **other | changes),
        ],
        "sip_messages": [
            *good()["sip_messages"],
            message(1, "INVITE", 5.9, frame=40, **OFFER),
            message(2, "INVITE", 9.1, frame=60, **OFFER),
            message(2, "INVITE", 9.2, frame=61, **OFFER) | {"src_addr": GATEWAY, "dst_addr": SERVER},
        ],
    }


def test_a_leg_that_stays_on_hold_when_the_other_one_is_resumed_is_named():
    (found,) = asked(RULE, **left_behind())
    assert (found.verdict, found.leg, found.tags) == ("suspect", 2, {"left"})
    assert (found.facts["seconds"], found.facts["relay"]) == (11.0, SERVER)
    told = told_both(found, RULE)
    assert told["en"]["title"] == (
        "Leg 2 stays on hold from 12:00:09.000 UTC on for 11 s, although leg 1 was resumed."
    )
    assert "frame 60 still holds" in told["en"]["detail"]
    assert "rtp_disable_hold=true" in told["en"]["remedies"]


@pytest.mark.parametrize(
    "changes",
    [
        {"until": 13.9},
        {"opened_by": 61},  # held by the gateway itself
        {"opened_by": 99},
        {"started": 4.0},  # on hold before
        {"started": 20.0, "until": 40.0},  # held later, when leg 1 is over
    ],
)
def test_silent_of_legs_that_are_held_for_another_reason(changes):
    scene = left_behind(**changes)
    if "started" in changes:
        scene["phases"][3] |= {"ended": changes["started"], "last_from_client": changes["started"]}
        scene["phases"][3] |= {"last_from_server": changes["started"]}
    assert asked(RULE, **scene) == []


DIRECT = {
    "phase": 2,
    "started": 6.0,
    "packets_from_client": 0,
    "packets_from_server": 0,
    "last_from_client": None,
    "last_from_server": None,
}
A, B = ("198.51.100.77", 40000), ("198.51.100.150", 50000)


def connected_directly(local=B, **changes):
    """Asterisk's directmedia: re-INVITEs name the far ends to each other, and the server sees no more of media."""

    def at(leg, remote, named):
        return {
            "leg": leg,
            "remote_addr": remote[0],
            "remote_port": remote[1],
            "local_addr": named[0],
            "local_port": named[1],
        }

    begun = {"ended": 6.0, "last_from_client": 5.9, "last_from_server": 5.9}
    return [
        phase(**at(1, A, (SERVER, 30000)), **begun),
        phase(**at(1, A, local), **DIRECT | changes),
        phase(**at(2, B, (SERVER, 30002)), **begun),
        phase(**at(2, B, A), **DIRECT),
    ]


def test_media_that_is_led_past_the_server_has_not_stopped_and_proves_nothing():
    assert asked(RULE, phases=connected_directly()) == []
    streams = [
        stream(),
        stream("client_to_server"),
        plain_stream(SERVER, GATEWAY),
        plain_stream(GATEWAY, SERVER),
    ]
    row = verdict(phases=connected_directly(), rtp_streams=streams)
    assert (row.verdict, pd.isna(row.cause)) == ("cannot_tell", True)


def test_media_that_stays_at_the_server_or_is_seen_on_its_way_has_stopped():
    assert asked(RULE, phases=connected_directly((SERVER, 30004)))[0].leg == 1
    assert asked(RULE, phases=connected_directly(packets_from_client=20, last_from_client=6.4))[0].leg == 1
    seen = [stream(direct=True, last_time=9.0), stream("client_to_server", direct=True, last_time=9.0)]
    assert asked(RULE, phases=connected_directly(), rtp_streams=seen)[0].leg == 1


def test_nothing_after_a_hold_is_found_in_the_phase_that_resumes():
    phases = [
        phase(ended=6.0, last_from_client=5.9),
        phase(
            phase=2,
            kind="hold",
            started=6.0,
            ended=8.0,
            may_send_client=False,
            packets_from_client=0,
            last_from_client=None,
        ),
        phase(phase=3, kind="resumed", started=8.0, packets_from_client=0, last_from_client=None),
    ]
    (found,) = asked(RULE, phases=phases)
    assert (found.facts["seconds"], found.facts["side"]) == (12.0, "client")


def test_what_the_server_passes_on_to_the_other_leg_is_told_once():
    relayed = phase(2, packets_from_server=250, last_from_server=8.1)
    (found,) = asked(RULE, phases=[SILENT, relayed], rtp_streams=STOPPED)
    assert found.leg == 1


def test_a_server_that_falls_silent_by_itself_is_told():
    (found,) = asked(RULE, phases=[phase(packets_from_server=250, last_from_server=8.0), phase(2)])
    assert found.facts["side"] == "server"


def test_the_gateway_is_the_other_side():
    (found,) = asked(RULE, phases=[phase(), phase(2, packets_from_client=250, last_from_client=8.0)])
    assert found.leg == 2
    assert "from the other side on leg 2" in told_both(found, RULE)["en"]["title"]


def test_what_happened_just_before_is_named():
    again = message(1, "INVITE", 7.2, frame=77, to_tag="g")
    (found,) = asked(RULE, phases=[SILENT, phase(2)], rtp_streams=STOPPED, sip_messages=[again])
    assert found.facts["method"] == "re-INVITE" and 77 in found.evidence.frames
    assert "frame 77" in told_both(found, RULE)["en"]["causes"]


def test_a_client_of_which_nothing_comes_any_more_has_lost_its_path():
    """A server without checks of its own (rtpengine, ICE lite) has none that could stay unanswered."""
    seen = [check(), check("client_to_server", time=1.1), check("client_to_server", time=6.0)]
    (found,) = asked(CONSENT_LOST, phases=[SILENT, phase(2)], rtp_streams=STOPPED, bindings=seen)
    assert (found.verdict, found.confidence, found.facts["seconds"]) == ("fault", 0.8, 12.0)
    assert "no answer to a check" in told_both(found, CONSENT_LOST)["en"]["detail"]
    row = verdict(phases=[SILENT, phase(2)], rtp_streams=STOPPED, bindings=seen)
    assert (row.verdict, row.cause) == ("fault", "consent-lost")


def test_a_client_that_never_asked_for_consent_may_only_be_muted():
    seen = [check(), check("client_to_server", time=1.1)]
    (found,) = asked(CONSENT_LOST, phases=[SILENT, phase(2)], rtp_streams=STOPPED, bindings=seen)
    assert (found.verdict, found.confidence) == ("suspect", 0.6)
    shown = told_both(found, CONSENT_LOST)
    assert "so it may only be muted. To settle it: a capture at the client" in shown["en"]["detail"]
    assert "auch nur stummgeschaltet" in shown["de"]["detail"]


def test_the_silence_of_all_that_is_ice_is_told():
    seen = [check(), check("client_to_server", time=1.1)]
    (found,) = asked(RULE, phases=[SILENT, phase(2)], rtp_streams=STOPPED, bindings=seen)
    assert found.tags == {"gone", "silent", "starved"}
    shown = told_both(found, RULE)
    assert "No checks or answers to checks came from there either." in shown["en"]["detail"]
    assert "Das Gerät hat sein Netz verloren" in shown["de"]["causes"]


def test_an_alert_just_before_is_named():
    alert = {"src_addr": SERVER, "content": "alert", "alert": "internal_error", "time": 7.9, "frame": 66}
    (found,) = asked(RULE, phases=[SILENT, phase(2)], rtp_streams=STOPPED, dtls_messages=[alert])
    assert found.facts["alert"] == "internal_error" and 66 in found.evidence.frames
    assert "DTLS-Alert (Frame 66): internal_error" in told_both(found, RULE)["de"]["detail"]


@pytest.mark.parametrize(
    "bindings",
    [
        [
            check(),
            check(time=12.0),
            check("client_to_server", time=1.1),
        ],  # it answered after its media stopped
        [check(), check("client_to_server", time=1.1), check("client_to_server", time=12.0)],
        [],  # no ICE by which to tell
    ],
)
def test_a_client_that_lives_has_not(bindings):
    assert asked(CONSENT_LOST, phases=[SILENT, phase(2)], rtp_streams=STOPPED, bindings=bindings) == []


RELAY, OUTSIDE, PHONE = "192.0.2.5", "192.0.2.6", "198.51.100.9"


def hops(passed_until=8.0, **changes):
    """The gateway's stream on leg 2 as it comes to a relay with two addresses, and as it goes on to a phone."""
    arriving = plain_stream(GATEWAY, RELAY, ssrc=7, last_time=20.0)
    return [arriving, plain_stream(OUTSIDE, PHONE, ssrc=7, last_time=passed_until) | changes]


def test_a_relay_that_passes_nothing_on_any_more_is_named():
    renewed = message(2, "INVITE", 7.5, to_tag="t", frame=60)
    (found,) = asked(RULE, phases=[phase(), phase(2)], rtp_streams=hops(), sip_messages=[renewed])
    assert (found.verdict, found.confidence, found.leg, found.tags) == (
        "suspect",
        0.7,
        2,
        {"relay", "changed"},
    )
    shown = told_both(found, RULE)
    assert shown["en"]["title"].startswith(f"From 12:00:08.000 UTC on {OUTSIDE} passed nothing on to {PHONE}")
    assert f"Der Stream von {GATEWAY}" in shown["de"]["detail"]
    assert "Mikrofon" not in shown["de"]["causes"]


def test_silent_about_a_sender_that_goes_over_to_another_of_its_addresses():
    """ICE settles on IPv6 after the first packets went by IPv4: the same SSRC, between the same two machines."""
    first = plain_stream(GATEWAY, SERVER, ssrc=7, last_time=2.4)
    moved = plain_stream("2001:db8:1::20", "2001:db8:2::10", ssrc=7, time=2.5, first_time=2.5, last_time=20.0)
    assert asked(RULE, phases=[phase(), phase(2)], rtp_streams=[first, moved]) == []
    still = first | {"last_time": 8.0}
    assert asked(RULE, phases=[phase(), phase(2)], rtp_streams=[still, moved])[0].tags == {"relay"}


def transcoded(passed_until=8.0, **changes):
    """The same, with the relay's own SSRC, and directions told."""
    ways = (
        {"direction": "server_to_client"},
        {"direction": "server_to_client", "ssrc": 8, "src_addr": RELAY},
    )
    return [row | way | changes for row, way in zip(hops(passed_until), ways, strict=True)]


def test_a_relay_that_transcodes_is_named_too():
    (found,) = asked(RULE, phases=[phase(), phase(2)], rtp_streams=transcoded())
    assert (found.facts["relay"], found.facts["seconds"], found.tags) == (RELAY, 12.0, {"relay"})


@pytest.mark.parametrize(
    "streams",
    [
        transcoded(passed_until=19.0),
        transcoded(direction="other"),
        [*transcoded(), plain_stream(PHONE, RELAY, ssrc=8)],  # what it sends is another's
        [transcoded()[0] | {"last_time": 8.0}, transcoded()[1] | {"last_time": 20.0}],  # music instead
        hops(passed_until=19.0),
        hops(capture="b.pcapng"),
        hops(first_time=2.5, dst_addr=RELAY),  # the same, seen before NAT
        hops(first_time=21.0),
        [*hops(), plain_stream(OUTSIDE, PHONE, ssrc=8, first_time=8.0)],  # music instead
        [*hops(), plain_stream(OUTSIDE, "198.51.100.10", ssrc=7, first_time=8.0)],  # to another address
    ],
)
def test_silent_about_a_relay_that_sends(streams):
    assert asked(RULE, phases=[phase(), phase(2)], rtp_streams=streams) == []


def test_silent_about_a_relay_in_a_hold():
    assert asked(RULE, phases=[phase(), phase(2, ended=9.0)], rtp_streams=hops()) == []


def ended_on_hold(reason='SIP;cause=400;text="RTP Broken Connection"', **held):
    silent = {"packets_from_client": 0, "last_from_client": None} | held
    scene = {"phases": [phase(ended=6.0, last_from_client=5.9, last_from_server=5.9), phase(**HELD | silent)]}
    sip = [row for row in good()["sip_messages"] if row.get("method") != "BYE"]
    return scene | {"sip_messages": [*sip, message(1, "BYE", 20.0, frame=31, reason_header=reason)]}


@pytest.mark.parametrize(
    "reason", ['Q.850;cause=604;text="MEDIA_TIMEOUT"', 'SIP;cause=400;text="RTP Broken Connection"']
)
def test_a_hold_that_is_taken_for_a_broken_call(reason):
    (found,) = asked(RULE, **ended_on_hold(reason))
    assert (found.verdict, found.confidence, found.leg, found.tags) == ("suspect", 0.8, 1, {"unfed"})
    told = told_both(found, RULE)
    assert "ended the call 14 s into a hold on leg 1 for want of media" in told["en"]["title"]
    assert "rtp_timeout_hold" in told["en"]["remedies"]


@pytest.mark.parametrize(
    "scene",
    [
        ended_on_hold("Q.850;cause=16"),
        ended_on_hold(None),
        ended_on_hold(packets_from_client=40, last_from_client=6.9),
        ended_on_hold() | {"phases": [phase(), phase(2)]},
    ],
)
def test_silent_where_media_came_or_nobody_misses_it(scene):
    assert all("unfed" not in found.tags for found in asked(RULE, **scene))


def server_silent(**other):
    """The server falls silent on leg 1 at 8 s; ``other``: changes to the phase of leg 2."""
    return {"phases": [phase(last_from_server=8.0), phase(2, **other)]}


@pytest.mark.parametrize(
    ("other", "tag"),
    [
        ({}, "fed"),
        ({"last_from_client": 12.9}, "silent"),  # it ends soon after
        ({"may_send_server": False}, "silent"),
        ({"kind": "hold"}, "silent"),
        ({"last_from_client": None}, "silent"),
    ],
)
def test_a_server_that_gets_audio_and_passes_none_on(other, tag):
    found = next(each for each in asked(RULE, **server_silent(**other)) if each.leg == 1)
    assert tag in found.tags
    told = told_both(found, RULE)["en"]
    assert ("leg 2 went on arriving at the server" in told["detail"]) == (tag == "fed")
    assert ("microphone" in told["causes"]) == (tag == "silent")


@pytest.mark.parametrize(
    ("status", "asked_at", "count"), [(200, 8.9, 0), (200, 9.1, 1), (603, 8.0, 1), (None, 8.0, 1)]
)
def test_silent_on_a_leg_whose_party_has_handed_the_call_on(status, asked_at, count):
    refer = message(1, "REFER", asked_at, frame=50, to_tag="t", cseq=7)
    notify = message(1, "NOTIFY", 9.5, frame=51, to_tag="t", cseq=8, fragment_status=status)
    scene = server_silent()
    scene["sip_messages"] = [*good()["sip_messages"], refer, notify]
    assert len(asked(RULE, **scene)) == count


MISSED = {"reports": 5, "reported_until": 8.0, "unreported": 2, "report_frame": 900, "reported_expected": 400}


def test_a_stream_whose_receiver_reports_nothing_any_more():
    sent = [stream(ssrc=1, **MISSED), stream("client_to_server")]
    (found,) = asked(RULE, phases=[phase(), phase(2)], rtp_streams=sent)
    assert (found.verdict, found.confidence, found.leg, found.tags) == ("fault", 0.9, 1, {"unreceived"})
    assert 900 in found.evidence.frames
    shown = told_both(found, RULE)
    assert shown["en"]["title"] == (
        "From 12:00:08.000 UTC at the latest nothing that is sent to 198.51.100.77:50000 on leg 1 arrives there"
        " any more, for 12 s: its own reports say so."
    )
    assert shown["de"]["title"].startswith(
        "Spätestens ab 12:00:08.000 UTC kommt auf Leg 1 12 s lang nichts mehr an"
    )
    assert "2 RTCP reports from there (up to frame 900)" in shown["en"]["detail"]
    row = verdict(phases=[phase(), phase(2)], rtp_streams=sent)
    assert (row.verdict, row.cause) == ("fault", "media-stopped")


def test_reports_of_which_only_the_number_of_sources_is_in_clear_are_less_sure():
    sent = [stream(ssrc=1, **MISSED | {"reported_expected": None}), stream("client_to_server")]
    (found,) = asked(RULE, phases=[phase(), phase(2)], rtp_streams=sent)
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, {"unreceived"})
    assert "encrypted (SRTCP)" in told_both(found, RULE)["en"]["detail"]


def test_of_a_relay_the_last_hop_is_named_and_the_first_to_tell_dates():
    """The relay sees the reports in clear, the last hop has them as SRTCP, where they tell later."""
    before = stream(ssrc=1, first_time=2.9, src_addr=GATEWAY, dst_addr=SERVER, **MISSED)
    after = stream(ssrc=1, **MISSED | {"reported_until": 14.0})
    (found,) = asked(
        RULE, phases=[phase(), phase(2)], rtp_streams=[before, after, stream("client_to_server")]
    )
    assert found.facts["since"].second == 8
    assert found.facts["target"] == "198.51.100.77:50000"


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({"unreported": 1}, {}),
        ({"reported_until": None}, {}),  # its receiver never named a source
        ({"reported_until": 16.0}, {}),  # too short
        ({}, {"kind": "hold", "may_send_server": False}),  # the client takes nothing in, as agreed
    ],
)
def test_reports_that_prove_no_stop(changes, held):
    sent = [stream(ssrc=1, **MISSED | changes), stream("client_to_server")]
    assert not asked(RULE, phases=[phase(**held), phase(2)], rtp_streams=sent)


def test_silent_after_a_bye_even_where_it_is_refused():
    stopped = [phase(last_from_client=10.0), phase(2)]
    assert asked(RULE, phases=stopped)
    bye = message(1, "BYE", 10.5, frame=60, to_tag="t")
    assert asked(RULE, phases=stopped, sip_messages=[*good()["sip_messages"], bye]) == []


@pytest.mark.parametrize(("requests", "status", "gone"), [(3, None, True), (2, None, False), (3, 200, False)])
def test_a_side_that_does_not_answer_afterwards_is_gone(requests, status, gone):
    sent = {"call": 1, "leg": 1, "method": "BYE", "call_id": "a@x", "time": 20.5, "frame": 77, "cseq": 9}
    bye = sent | {"src_addr": SERVER, "dst_addr": CLIENT_PUBLIC, "requests": requests, "final_status": status}
    (found,) = asked(RULE, phases=[SILENT, phase(2)], rtp_streams=STOPPED, transactions=[bye], bindings=[])
    assert ({"gone"} if gone else {"silent"}) == found.tags - {"starved"}
    assert ("(frame 77) was not answered either" in told_both(found, RULE)["en"]["detail"]) is gone


@pytest.mark.parametrize(("ender", "starved"), [(SERVER, True), (APP, False)])
def test_the_side_that_hears_nothing_and_hangs_up(ender, starved):
    """The client is silent from 8 s on; its own BYE is no timeout of the other side."""
    ends = {"src_addr": ender, "dst_addr": APP if ender == SERVER else SERVER, "from_tag": "x"}
    sip = [each for each in good()["sip_messages"] if each.get("method") != "BYE"]
    sip.append(message(1, "BYE", 20.0, frame=31, **ends))
    (found,) = asked(RULE, phases=[SILENT, phase(2)], rtp_streams=STOPPED, sip_messages=sip)
    assert ("starved" in found.tags) is starved
    shown = told_both(found, RULE)["en"]
    assert (f"{ender}, who heard nothing of it, hung up 12 s into the silence" in shown["detail"]) is starved
    assert ("comfort noise (RFC 3389)" in shown["remedies"]) is starved


@pytest.mark.parametrize(("source", "moved"), [(APP, False), ("198.51.100.99", True)])
def test_a_change_that_is_refused_while_the_side_is_silent(source, moved):
    change = {"src_addr": source, "dst_addr": SERVER, "method": "INVITE", "cseq": 7, "initial": False}
    refused = {"call": 1, "leg": 1, "call_id": "a@x", "time": 10.0, "frame": 66, "requests": 1}
    answer = {"final_status": 488, "final_reason": "Not Acceptable Here", "final_time": 10.1}
    (found,) = asked(
        RULE, phases=[SILENT, phase(2)], rtp_streams=STOPPED, transactions=[refused | change | answer]
    )
    assert "refused-change" in found.tags
    detail = told_both(found, RULE)["en"]["detail"]
    assert f"{SERVER} refused the re-INVITE of {source} (frame 66) with 488 Not Acceptable Here" in detail
    assert ("the device had changed its network" in detail) is moved
    later = asked(
        RULE,
        phases=[SILENT, phase(2)],
        rtp_streams=STOPPED,
        transactions=[refused | change | answer | {"final_status": 491}],
    )
    assert "refused-change" not in later[0].tags


@pytest.mark.parametrize(
    ("setup", "shaken", "told"),
    [("passive", False, True), ("active", False, False), ("passive", True, False)],
)
def test_a_dtls_role_that_changes_in_the_answer_before_the_silence(setup, shaken, told):
    ask = message(1, "INVITE", 7.9, frame=70, has_sdp=True, to_tag="g", cseq=8)
    answer = message(1, 200, 8.0, frame=71, has_sdp=True, to_tag="g", cseq=8)
    server = {"sdp_owner": "FreeSWITCH", "connection_addr": SERVER, "ufrag": "server"}
    described = [section(time=7.9, frame=70), section(time=8.0, frame=71, setup=setup, **server)]
    shake = dict(good()["dtls"][0]) | {"started": 8.5, "time": 8.5}
    (found,) = asked(
        RULE,
        phases=[SILENT, phase(2)],
        rtp_streams=STOPPED,
        sip_messages=[*good()["sip_messages"], ask, answer],
        sdp_media=[*good()["sdp_media"], *described],
        dtls=[*good()["dtls"], *([shake] if shaken else [])],
    )
    assert ("role" in found.tags) is told
    detail = told_both(found, RULE)["en"]["detail"]
    assert (f"in frame 71 says a=setup:{setup}, after a=setup:active" in detail) is told


def resumed_in_vain(held=30.0, last=None):
    """A hold without media and a resumption after which nothing comes from the server."""
    back = 6.0 + held
    quiet = {
        "may_send_client": False,
        "packets_from_client": 0,
        "last_from_client": last,
        "packets_from_server": 0,
    }
    nothing = {"packets_from_server": 0, "first_from_server": None, "last_from_server": None}
    ended = {"ended": back + 12.0, "last_from_client": back + 12.0}
    spoken = {"ended": 6.0, "last_from_client": 5.9, "last_from_server": 5.9}
    return {
        "legs": [each | {"end_time": back + 12.0} for each in good()["legs"]],
        "sip_messages": [each for each in good()["sip_messages"] if each.get("method") != "BYE"],
        "phases": [
            phase(**spoken),
            phase(phase=2, kind="hold", started=6.0, ended=back, last_from_server=None, **quiet),
            phase(phase=3, kind="resumed", started=back, **nothing, **ended),
            phase(2, ended=back + 12.0, last_from_client=back + 12.0, last_from_server=back + 12.0),
        ],
    }


def test_a_long_silent_hold_after_which_nothing_comes_has_let_the_way_close():
    found = [each for each in asked(RULE, **resumed_in_vain()) if "forgotten" in each.tags]
    assert [(each.leg, each.facts["held"]) for each in found] == [(1, 30.0)]
    told = told_both(found[0], RULE)
    assert "in the hold before, of 30 s, no media flowed" in told["en"]["detail"]
    assert "flossen 30 s lang keine Medien" in told["de"]["detail"]
    assert "Hold for 5 s and resume" in told["en"]["remedies"]


@pytest.mark.parametrize("scene", [resumed_in_vain(held=29.0), resumed_in_vain(held=40.0, last=17.0)])
def test_a_short_hold_or_one_with_media_lets_no_way_close(scene):
    found = asked(RULE, **scene)
    assert found and all("forgotten" not in each.tags for each in found)
