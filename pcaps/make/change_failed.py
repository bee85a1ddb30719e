"""A call that cannot be taken off hold: the server refuses the re-INVITE and ends the call."""

from pcaps.make.builders import sdp
from pcaps.make.builders.phones import PhoneCall
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, TcpConnection
from pcaps.make.builders.sdp import Session

WHAT = (
    "a phone holds a call over TCP and wants it back: the server answers its re-INVITE (sendrecv) with 500"
    " and sends its own BYE 60 ms later; media both ways before the hold, none after it"
)


def make() -> Files:
    recording = Recording("2026-12-12T14:00:00")
    phone, server = ("198.51.100.53", 50871), ("203.0.113.53", 5060)
    path = TcpConnection(recording, {"uac": phone, "uas": server}, opened=0.01)
    call = PhoneCall(
        recording,
        "change_failed",
        phone,
        server,
        ("198.51.100.53", 40300),
        ("203.0.113.53", 16400),
        ("Grandstream GXP1625 1.0.7.13", "Kamailio B2BUA 5.7.4"),
        path=path,
        transport="TCP",
    )
    call.begin(0.1)
    call.talk(1.12, 1.28)
    _describe(call, 1.5, "sendonly")
    call.leg.respond(1.52, 200, body=_answer(call, "recvonly"), extra=[call.leg.contact("uas")])
    call.leg.ack(1.54)
    _describe(call, 9.0, "sendrecv")
    call.leg.refuse(9.03, 500)
    call.leg.bye(9.09, "uas")
    return product(
        "change_failed",
        {"change_failed_resume.pcapng": pcapng(recording)},
        WHAT,
        [call.truth()],
        view="server: eth0",
    )


def _describe(call: PhoneCall, at: float, direction: str) -> None:
    call.session["uac"] = _next(call.session["uac"])
    call.leg.invite(at, sdp.plain("-", call.phone_media, call.session["uac"], direction=direction))


def _answer(call: PhoneCall, direction: str) -> str:
    call.session["uas"] = _next(call.session["uas"])
    return sdp.plain("-", call.server_media, call.session["uas"], direction=direction)


def _next(session: Session) -> Session:
    return Session(session.number, session.version + 1)
