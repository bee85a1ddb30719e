"""Media at an address that no description names, media with losses, and a late answer."""

from dataclasses import replace

from pcaps.make.builders import sdp
from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE, Lab
from pcaps.make.builders.plain import PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = (
    "a server that sends its RTP to an address that is in no description; a good call of which a twelfth"
    " of the client's packets is lost; and a good one in which the server's first answer takes 0.9 s"
)
LATER = 0.9


def make() -> Files:
    path, first = _unexpected()
    lost, second = _lost()
    slow, third = _slow()
    captures = {"path": path, "lost": lost, "slow": slow}
    return product(
        "media_pictures",
        {f"media_pictures_{name}.pcapng": pcapng(recording) for name, recording in captures.items()},
        WHAT,
        [first, second | {"call": 2}, third | {"call": 3}],
        view="server: eth0",
    )


def _lab(nth: int) -> Lab:
    client, media = ("192.168.178.37", 33700 + nth), ("10.0.50.118", 32100 + nth)
    return replace(
        SATELLITE,
        client=client,
        client_public=("198.51.100.81", client[1]),
        media=media,
        media_public=("203.0.113.10", media[1]),
    )


def _unexpected() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-08T04:00:00")
    call = PlainCall(recording, "media_pictures_path", callee="803")
    phone, server = ("198.51.100.93", 11794), ("203.0.113.91", 15704)
    leg = call.leg(
        (phone[0], 5060), (server[0], 5060), (phone, server), ("Linphone/5.2", "Asterisk PBX 20.9.3")
    )
    begin(leg, 0.1, sdp.audio("-", phone, leg.session["uac"]))
    answer(leg, 0.8, sdp.audio("root", server, leg.session["uas"]))
    leg.rtp("uas", 0.85, 4.6, to=("198.51.100.99", 40008))
    leg.dialog.bye(5.0)
    return recording, call.truth()


def _lost() -> tuple[Recording, dict[str, object]]:
    """Single packets lost at regular intervals, as on a crowded radio link."""
    recording = Recording("2026-12-08T05:00:00")
    call = Call(recording, "media_pictures_lost", _lab(1))
    call.begin(0.1)
    call.check(0.12)
    call.secure(0.146)
    call.ring(0.4)
    call.answer(0.7)
    call.keep_checking(1.15, 3.0)
    call.stream("client", 0.72, 3.2, lost=range(5, 124, 12))
    for who in ("server", "gateway", "trunk"):
        call.stream(who, 0.73, 2.0)
    call.hang_up(3.25)
    return recording, call.truth()


def _slow() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-08T06:00:00")
    call = Call(recording, "media_pictures_slow", _lab(2))
    call.leg1.invite(0.1, call.offer())
    call.leg1.respond(0.103, 100)
    call.look_up(0.1 + LATER - 0.02)
    call.leg1.respond(0.1 + LATER, 183, body=call.answer_sdp())
    call.invite_leg2(0.1 + LATER + 0.01)
    call.finish(0.1 + LATER, talk=1.0)
    return recording, call.truth()
