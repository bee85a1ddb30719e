"""Phases without media in which nothing failed: hold without music, and media that bypasses the server."""

from dataclasses import replace

from pcaps.make.builders import sdp
from pcaps.make.builders.plain import Leg, PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = (
    "phases without media in which nothing has stopped: a phone holds for 12 s without music; and a server"
    " that re-INVITEs both phones to each other's addresses, after which its own capture sees no more media"
)
PHONE, SERVER = ("198.51.100.94", 40020), ("203.0.113.94", 17060)
CALLED, TOWARDS = ("198.51.100.158", 50040), ("203.0.113.94", 17088)
AGENTS = ("Zoiper v2.10", "Asterisk PBX 20.5.0")


def make() -> Files:
    held, first = _hold()
    direct, second = _direct()
    return product(
        "quiet_phases",
        {"quiet_phases_hold.pcapng": pcapng(held), "quiet_phases_direct.pcapng": pcapng(direct)},
        WHAT,
        [first, second | {"call": 2}],
        view="server",
    )


def _again(leg: Leg, end: str, direction: str) -> str:
    """Return the end's description with the next version in the o= line."""
    leg.session[end] = replace(leg.session[end], version=leg.session[end].version + 1)
    return sdp.audio("-", leg.media[end], leg.session[end], attributes=[direction])


def _talk(leg: Leg, at: float, until: float) -> None:
    for end in ("uac", "uas"):
        leg.rtp(end, at, until)


def _hold() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-09T04:00:00")
    call = PlainCall(recording, "quiet_phases_hold", callee="+4930220094001")
    leg = call.leg((PHONE[0], 5060), (SERVER[0], 5060), (PHONE, SERVER), AGENTS)
    begin(leg, 0.1, sdp.audio("-", PHONE, leg.session["uac"]))
    answer(leg, 1.0, sdp.audio("root", SERVER, leg.session["uas"]))
    _talk(leg, 1.05, 2.5)
    begin(leg, 2.5, _again(leg, "uac", "sendonly"))
    answer(leg, 2.55, _again(leg, "uas", "recvonly"))
    begin(leg, 14.5, _again(leg, "uac", "sendrecv"))
    answer(leg, 14.55, _again(leg, "uas", "sendrecv"))
    _talk(leg, 14.6, 16.0)
    leg.dialog.bye(16.1)
    return recording, call.truth()


def _direct() -> tuple[Recording, dict[str, object]]:
    """Asterisk's directmedia: each re-INVITE names the other phone's address."""
    recording = Recording("2026-12-09T05:00:00")
    call = PlainCall(recording, "quiet_phases_direct", callee="+4930220094002")
    first = call.leg((PHONE[0], 5062), (SERVER[0], 5060), (PHONE, SERVER), AGENTS)
    second = call.leg((SERVER[0], 5060), (CALLED[0], 5060), (TOWARDS, CALLED), AGENTS[::-1])
    begin(first, 0.1, sdp.audio("-", PHONE, first.session["uac"]))
    begin(second, 0.12, sdp.audio("root", TOWARDS, second.session["uac"]))
    answer(second, 1.0, sdp.audio("-", CALLED, second.session["uas"]))
    answer(first, 1.02, sdp.audio("root", SERVER, first.session["uas"]))
    for leg in (first, second):
        _talk(leg, 1.1, 2.0)
    begin(second, 2.1, sdp.audio("root", PHONE, replace(second.session["uac"], version=2)))
    answer(second, 2.15, sdp.audio("-", CALLED, second.session["uas"]))
    direct = sdp.audio("root", CALLED, replace(first.session["uas"], version=2))
    phones = sdp.audio("-", PHONE, first.session["uac"])
    contact = [first.dialog.contact("uac")]
    first.dialog.exchange(2.2, "INVITE", "uas", body=direct, answer_body=phones, answer_extra=contact)
    first.dialog.request(2.23, "ACK", cseq=1, branch="z9hG4bKquiet2", sender="uas")
    first.dialog.bye(20.1)
    second.dialog.bye(20.12)
    return recording, call.truth()
