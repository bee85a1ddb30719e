"""INVITEs without a response: a silent gateway, and a phone behind NAT with an unreachable Via."""

from pcaps.make.builders.b2bua import UNANSWERED, Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.phones import PhoneCall
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath

WHAT = (
    "no response to an INVITE: the gateway of leg 2 is silent, and the server says 408 to leg 1 after 32 s;"
    " and a phone over UDP behind NAT without rport, whose server answers to the port in its Via"
)
TIMER_A = (0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5)  # RFC 3261, section 17.1.1.2
PHONE_PUBLIC, PHONE_VIA, SERVER = ("198.51.100.23", 41072), ("198.51.100.23", 5060), ("203.0.113.40", 5060)


def make() -> Files:
    gateway, call = _silent_gateway()
    phone, other = _behind_nat()
    return product(
        "no_response",
        {"no_response_gateway.pcapng": pcapng(gateway), "no_response_rport.pcapng": pcapng(phone)},
        WHAT,
        [call.truth(**UNANSWERED), other.truth(2)],
        view="server: eth0",
    )


def _silent_gateway() -> tuple[Recording, Call]:
    recording = Recording("2026-12-05T08:00:00")
    call = Call(recording, "no_response_gateway", SATELLITE)
    call.leg1.invite(0.1, call.offer())
    call.leg1.respond(0.103, 100)
    call.look_up(0.105)
    invite = call.leg2.invite(0.12, call.trunk_offer())
    for after in TIMER_A[1:]:
        call.leg2.again(0.12 + after, "uac", invite)
    call.leg1.refuse(32.13, 408, extra=['Reason: Q.850;cause=102;text="RECOVERY_ON_TIMER_EXPIRE"'])
    return recording, call


def _behind_nat() -> tuple[Recording, PhoneCall]:
    recording = Recording("2026-12-05T09:00:00")
    call = PhoneCall(
        recording,
        "no_response_rport",
        PHONE_VIA,
        SERVER,
        ("198.51.100.23", 41074),
        ("203.0.113.40", 12000),
        ("SIPPhone 3.1", "Asterisk PBX 20.9.3"),
    )
    back = call.leg.path
    call.leg.path = UdpPath(recording, {"uac": PHONE_PUBLIC, "uas": SERVER})
    invites = [call.leg.invite(0.1, call.offer())]
    call.leg.path = back
    call.leg.respond(0.103, 100)
    unauthorized = call.leg.respond(0.104, 401, extra=['WWW-Authenticate: Digest realm="pbx", nonce="1f"'])
    for after in TIMER_A[1:6]:
        call.leg.path = UdpPath(recording, {"uac": PHONE_PUBLIC, "uas": SERVER})
        call.leg.again(0.1 + after, "uac", invites[0])
        call.leg.path = back
        call.leg.again(0.103 + after, "uas", unauthorized)
    call.leg.final_status = 401  # final, since the challenge is never answered
    return recording, call
