"""Leg 2 forks behind the gateway: two early dialogs, one answers. In a second call CANCEL and 200 cross."""

from dataclasses import replace

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "a forked leg 2 with two early dialogs; and a call whose CANCEL crosses the 200 of leg 2"
OTHER = replace(
    SATELLITE,
    sip_server=("10.0.50.117", 4902),
    media=("10.0.50.118", 30462),
    media_public=("203.0.113.10", 30462),
    client=("192.168.178.51", 45120),
    client_public=("198.51.100.77", 45120),
    trunk_media=("10.0.50.118", 30118),
    gateway_media=("10.0.50.20", 11804),
)
GONE = ['Reason: SIP;cause=487;text="ORIGINATOR_CANCEL"']


def make() -> Files:
    recording = Recording("2026-12-03T06:00:00")
    forked = Call(recording, "forked")
    crossing = Call(
        recording, "forked crossing", OTHER, caller="760", caller_name="Erik Sand", callee="+4930998877"
    )
    _forked(forked)
    _crossing(crossing, 10.0)
    capture = pcapng(recording)
    truths = [forked.truth(1), crossing.truth(2)]
    return product("forked", {"forked.pcapng": capture}, WHAT, truths, view="server: eth0")


def _forked(call: Call) -> None:
    desk, mobile = call.seed.text(8), call.seed.text(8)
    call.begin(0.1)
    call.check(0.12)
    call.secure(0.146)
    call.leg2.respond(0.4, 180, tag=desk)
    call.leg2.respond(0.43, 180, tag=mobile)
    call.leg2.respond(0.7, 200, body=call.trunk_answer(), tag=mobile)
    call.leg2.ack(0.7012)
    call.leg1.respond(0.712, 200, body=call.answer_sdp())
    call.leg1.ack(0.715)
    call.talk(0.72, 1.52)
    call.hang_up(1.6)


def _crossing(call: Call, start: float) -> None:
    """The caller hangs up while leg 2's 200 is in flight; it gets ACK and BYE (RFC 3261, section 9.1)."""
    call.begin(start)
    call.check(start + 0.02)
    call.secure(start + 0.046)
    call.ring(start + 0.3)
    call.leg1.cancel(start + 1.0)
    call.leg1.respond(start + 1.002, 200, method="CANCEL")
    call.leg1.refuse(start + 1.003, 487)
    call.leg1.ended_by = "CANCEL by the uac"
    call.leg2.cancel(start + 1.0045, GONE)
    call.leg2.respond(start + 1.0050, 200, body=call.trunk_answer())
    call.leg2.respond(start + 1.0070, 200, method="CANCEL")
    call.leg2.ack(start + 1.0075)
    call.leg2.bye(start + 1.0085, extra=GONE)
