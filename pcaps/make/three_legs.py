"""A chain of two B2BUAs: server -> B2BUA -> session border controller -> gateway.

The first hop copies an X- header that leg 2 shares with leg 1; the border
controller drops it and makes a third leg that only number, time and the order
of events tie to the second.
"""

from dataclasses import replace

from pcaps.make.builders import rtp, sdp
from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.sdp import Session
from pcaps.make.builders.sip import GATEWAY_AGENT, Dialog

WHAT = "a call of three legs over two B2BUAs, joined by a copied header and by number, time and causality"
BORDER_AGENT = "BorderController/4.2"
BORDER, GATEWAY = ("10.0.60.1", 5060), ("10.0.60.20", 5060)
BORDER_MEDIA, GATEWAY_MEDIA = ("10.0.60.1", 22310), ("10.0.60.20", 17844)
LAB = replace(SATELLITE, gateway=("10.0.50.40", 5060), gateway_media=("10.0.50.40", 22308))


def make() -> Files:
    recording = Recording("2026-12-03T08:00:00")
    header = ["X-XPhone-Call-ID: {6f1c2d84-90ab-4cde-8123-77aa55ee3311}"]
    call = Call(recording, "three_legs", LAB, invite1_extra=header, invite2_extra=header)
    call.leg2.agents = (call.leg2.agents[0], BORDER_AGENT)
    third = _third_leg(call)
    _set_up(call, third)
    _talk(call)
    _hang_up(call, third)
    truth = call.truth(legs=(call.leg1, call.leg2, third))
    return product("three_legs", {"three_legs.pcapng": pcapng(recording)}, WHAT, [truth], view="mirror port")


def _third_leg(call: Call) -> Dialog:
    ends = {"uac": BORDER, "uas": GATEWAY}
    seed = call.seed.child("leg 3")
    path, call_id = UdpPath(call.recording, ends), f"{seed.hex(24)}@10.0.60.1"
    who = {"caller": call.caller, "callee": call.callee, "name": call.caller_name}
    return Dialog(path, ends, seed, call_id, agents=(BORDER_AGENT, GATEWAY_AGENT), **who)


def _set_up(call: Call, third: Dialog) -> None:
    call.begin(0.1)
    call.check(0.12)
    call.secure(0.146)
    third.invite(0.124, sdp.plain("border", BORDER_MEDIA, Session(4711)))
    third.respond(0.127, 100)
    third.respond(0.4, 180)
    call.ring(0.403)
    third.respond(0.7, 200, body=sdp.plain("labpbx", GATEWAY_MEDIA, Session(815)))
    third.ack(0.703)
    call.answer(0.705)


def _talk(call: Call) -> None:
    """The border controller relays RTP under SSRCs of its own."""
    call.talk(0.74, 1.54)
    path = UdpPath(call.recording, {"border": BORDER_MEDIA, "gateway": GATEWAY_MEDIA})
    call.streams["leg3"] = {}
    for sender in ("border", "gateway"):
        ssrc = call.seed.number(2**24, 2**32 - 1)
        call.streams["leg3"][str(ssrc)] = rtp.stream(
            path, call.seed.child(sender), sender, 0.747, until=1.547, ssrc=ssrc
        )


def _hang_up(call: Call, third: Dialog) -> None:
    call.hang_up(1.6)
    third.bye(1.644)
