"""422 Session Interval Too Small: from the server at once, and from a trunk behind a B2BUA."""

from pcaps.make.builders.b2bua import UNANSWERED, Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.phones import PhoneCall
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = (
    "422 Session Interval Too Small: a browser phone asks its server for 90 s of at least 120 s and does not"
    " ask again; and a trunk that wants 1800 s refuses leg 2, which leg 1 hears as 503"
)


def make() -> Files:
    browser, call = _by_the_server()
    trunk, other = _by_the_trunk()
    return product(
        "session_timer_422",
        {"session_timer_422_server.pcapng": pcapng(browser), "session_timer_422_trunk.pcapng": pcapng(trunk)},
        WHAT,
        [call.truth(), other.truth(2, **UNANSWERED)],
        view="server: eth0",
    )


def _by_the_server() -> tuple[Recording, PhoneCall]:
    recording = Recording("2026-12-05T10:00:00")
    call = PhoneCall(
        recording,
        "session_timer_422_server",
        ("198.51.100.31", 5060),
        ("203.0.113.41", 5060),
        ("198.51.100.31", 40000),
        ("203.0.113.41", 20000),
        ("JsSIP 3.10.1", "kamailio (5.7.4)"),
    )
    call.leg.invite(0.1, call.offer(), ["Supported: timer", "Session-Expires: 90"])
    call.leg.respond(0.104, 100)
    call.leg.refuse(0.118, 422, extra=["Min-SE: 120"])
    return recording, call


def _by_the_trunk() -> tuple[Recording, Call]:
    recording = Recording("2026-12-05T11:00:00")
    call = Call(
        recording, "session_timer_422_trunk", SATELLITE, invite2_extra=["x: 600;refresher=uac", "Min-SE: 600"]
    )
    call.leg1.invite(0.1, call.offer())
    call.leg1.respond(0.103, 100)
    call.look_up(0.105)
    call.invite_leg2(0.12)
    call.leg2.refuse(0.15, 422, extra=["Min-SE: 1800"])
    call.leg1.refuse(0.16, 503)
    return recording, call
