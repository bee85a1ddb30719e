"""An answered call without media."""

import pytest

from postproc.diagnose.rules.no_media import RULE
from tests.builders import GATEWAY, SERVER
from tests.diagnose.evidence.test_media import quiet
from tests.diagnose.scenes import (
    asked,
    foreign,
    good,
    leg,
    plain_stream,
    section,
    stream,
    told_both,
    unanswered,
)

LEG_2 = [plain_stream(SERVER, GATEWAY), plain_stream(GATEWAY, SERVER)]


def test_a_leg_without_rtp_though_ice_and_dtls_were_ready_is_a_fault():
    (found,) = asked(RULE, rtp_streams=LEG_2)
    assert (found.verdict, found.leg, found.tags) == ("fault", 1, {"ready"})
    assert "Leg 1 stand 17 s ohne ein einziges RTP-Paket" in told_both(found, RULE)["de"]["title"]


def test_without_a_path_it_is_a_plain_consequence():
    (found,) = asked(RULE, rtp_streams=LEG_2, bindings=unanswered(5), dtls=[], pairs=[])
    assert (found.verdict, found.settle) == ("fault", None)


def test_another_leg_without_rtp_is_suspect_where_its_machines_are_seen():
    (found,) = asked(RULE, rtp_streams=[stream(), stream("client_to_server")])
    assert (found.verdict, found.leg) == ("suspect", 2)


def test_media_that_may_bypass_the_capture_cannot_be_judged():
    (found,) = asked(RULE, base=foreign(), rtp_streams=[])
    assert found.verdict == "cannot_tell"
    assert "192.0.2.10, 192.0.2.20" in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize("direction", ["inactive", "sendonly", "recvonly"])
def test_silent_on_hold(direction):
    held = [*good()["sdp_media"], section(direction=direction, time=5.0)]
    assert asked(RULE, rtp_streams=LEG_2, sdp_media=held) == []


def test_silent_when_the_call_was_too_short():
    call = [dict(good()["calls"][0]) | {"end": 4.0}]
    assert asked(RULE, rtp_streams=LEG_2, calls=call) == []


def test_a_hold_at_the_end_does_not_excuse_the_phases_before_it():
    phases = [
        quiet(packets_from_server=0),
        quiet(phase=2, kind="hold", started=20.0, ended=21.0, may_send_client=False),
    ]
    held = [*good()["sdp_media"], section(direction="sendonly", time=19.0, frame=29)]
    (found,) = asked(RULE, phases=phases, rtp_streams=[], sdp_media=held, legs=[leg(1)])
    assert (found.verdict, found.leg) == ("fault", 1)
    assert asked(RULE, phases=phases[1:], rtp_streams=[], sdp_media=held, legs=[leg(1)]) == []
