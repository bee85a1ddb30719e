"""Captures that show part of a call: only its first second, its end, or one direction."""

from dataclasses import replace

from pcaps.make.builders import sdp
from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.plain import Leg, PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Path, Recording

WHAT = (
    "part of a call: a capture that ends a second after the first check, one that begins in mid-call, and one"
    " of a port that mirrors only what the server sends"
)


def make() -> Files:
    short, first = _short()
    late, second = _late()
    one_way, third = _one_way()
    captures = {"short": short, "late": late, "one_way": one_way}
    return product(
        "view_pictures",
        {f"view_pictures_{name}.pcapng": pcapng(recording) for name, recording in captures.items()},
        WHAT,
        [first, second | {"call": 2}, third | {"call": 3}],
        view="server: eth0",
    )


def _short() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-08T01:00:00")
    lab = replace(
        SATELLITE,
        client=("192.168.178.36", 33601),
        client_public=("198.51.100.80", 33601),
        media=("10.0.50.118", 32001),
        media_public=("203.0.113.10", 32001),
    )
    call = Call(recording, "view_pictures_short", lab)
    call.begin(0.1)
    for nth in range(2):
        call.ice.check(call.media, 0.2 + 0.5 * nth, "server", answer=None)
    call.ring(0.8)
    return recording, call.truth()


class Partly:
    """A path captured only from a time on, or only from one sender; ``missed`` counts the other packets."""

    def __init__(self, path: Path, *, since: float = 0.0, only: str = "") -> None:
        self.path, self.since, self.only, self.missed = path, since, only, 0

    def send(self, at: float, sender: str, payload: bytes) -> None:
        if at < self.since or self.only not in ("", sender):
            self.missed += 1
        else:
            self.path.send(at, sender, payload)


def _leg(call: PlainCall, phone: Endpoint, server: Endpoint) -> Leg:
    agents = ("Yealink SIP-T46U 108.86.0.20", "Asterisk PBX 20.9.3")
    return call.leg((phone[0], 5060), (server[0], 5060), (phone, server), agents)


def _late() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-08T02:00:00")
    call = PlainCall(recording, "view_pictures_late", callee="801")
    leg = _leg(call, ("198.51.100.91", 11790), ("203.0.113.90", 15700))
    partial_path = leg.dialog.path = Partly(leg.dialog.path, since=1.5)
    begin(leg, 0.1, sdp.audio("-", leg.media["uac"], leg.session["uac"]))
    answer(leg, 1.0, sdp.audio("root", leg.media["uas"], leg.session["uas"]))
    leg.dialog.exchange(2.0, "OPTIONS", "uas")
    leg.dialog.bye(3.1)
    leg.dialog.messages -= partial_path.missed
    leg.dialog.final_status = None  # of the INVITE, which is not in the capture
    return recording, call.truth()


def _one_way() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-08T03:00:00")
    call = PlainCall(recording, "view_pictures_one_way", callee="802")
    leg = _leg(call, ("198.51.100.92", 11792), ("203.0.113.90", 15702))
    seen = leg.dialog.path = Partly(leg.dialog.path, only="uas")
    begin(leg, 0.1, sdp.audio("-", leg.media["uac"], leg.session["uac"]))
    leg.dialog.respond(0.4, 180)
    answer(leg, 1.0, sdp.audio("root", leg.media["uas"], leg.session["uas"]))
    leg.rtp("uas", 1.05, 3.0)
    leg.dialog.bye(3.1, "uas")
    leg.dialog.messages -= seen.missed
    return recording, call.truth()
