"""Hold, and resume with an ICE restart: two re-INVITEs, one with new ufrags (RFC 8445, section 2.4)."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "a call held by re-INVITE and taken back by another one that restarts ICE with new ufrags"


def make() -> Files:
    recording = Recording("2026-12-02T20:00:00")
    call = Call(recording, "reinvite")
    call.begin(0.1)
    call.check(0.12)
    call.secure(0.146)
    call.ring(0.4)
    call.answer(0.7)
    call.talk(0.72, 1.30)
    _hold(call, 1.4)
    first = call.ice
    _take_back(call, 2.4)
    call.talk(2.5, 3.1)
    call.hang_up(3.15)
    earlier = {"client_ufrag": first.agents["client"].ufrag, "freeswitch_ufrag": first.agents["server"].ufrag}
    truth = call.truth(earlier_ufrags=[earlier])
    return product("reinvite", {"reinvite.pcapng": pcapng(recording)}, WHAT, [truth], view="server: eth0")


def _reinvite(call: Call, at: float, offered: str, answered: str) -> None:
    """Send a re-INVITE on leg 1, then on leg 2, with the same media directions."""
    call.leg1.invite(at, call.offer(direction=offered))
    call.leg1.respond(at + 0.003, 100)
    call.leg2.invite(at + 0.005, call.trunk_offer(direction=offered))
    call.leg2.respond(at + 0.008, 200, body=call.trunk_answer(direction=answered))
    call.leg2.ack(at + 0.009)
    call.leg1.respond(at + 0.012, 200, body=call.answer_sdp(direction=answered))
    call.leg1.ack(at + 0.014)


def _hold(call: Call, at: float) -> None:
    _reinvite(call, at, "sendonly", "recvonly")
    call.ice.check(call.media, at + 0.4, "server", answer=0.024)


def _take_back(call: Call, at: float) -> None:
    call.ice = call.new_ice("ice restarted")
    call.sessions.append(call.ice)
    _reinvite(call, at, "sendrecv", "sendrecv")
    call.check(at + 0.02)
