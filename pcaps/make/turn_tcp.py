"""A softphone behind a firewall that blocks outgoing UDP: TURN over TCP, with checks answered and unanswered.

Messages share segments and span two, as with any TCP stack.
"""

from dataclasses import replace

from pcaps.make import turn_channel
from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.ice import IceSession
from pcaps.make.builders.lab import Lab
from pcaps.make.builders.links import Interface
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import FramedPath, Recording, TcpConnection, UdpPath
from pcaps.make.turn_channel import RELAY, RELAYED_AT
from postproc.wire.framing import Framing

WHAT = (
    "client view: direct checks unanswered, checks, DTLS and SRTP through a TURN relay over TCP; and the same"
    " with a server that answers no check"
)
GOOD, SILENT = (
    replace(turn_channel.LAB, client=("192.168.178.34", port), client_public=("198.51.100.77", port))
    for port in (52760, 52764)
)


def make() -> Files:
    good = Recording("2026-12-06T09:00:00", Interface("wlan0", host="192.168.178.34"))
    first = turn_channel.relayed(good, "turn_tcp", GOOD, _tcp(good, GOOD))
    silent = Recording("2026-12-06T10:00:00", Interface("wlan0", host="192.168.178.34"))
    second = _in_vain(silent, SILENT)
    return product(
        "turn_tcp",
        {"turn_tcp.pcapng": pcapng(good), "turn_tcp_unanswered.pcapng": pcapng(silent)},
        WHAT,
        [first, {**second, "call": 2}],
        view="client: wlan0",
    )


def _tcp(recording: Recording, lab: Lab) -> FramedPath:
    return FramedPath(
        TcpConnection(recording, {"client": lab.client, "relay": RELAY}, opened=0.0), Framing.TURN
    )


def _in_vain(recording: Recording, lab: Lab) -> dict[str, object]:
    """The relay forwards the checks, but nothing comes back until the caller hangs up."""
    turn = turn_channel.turn_path("turn_tcp_unanswered", lab, _tcp(recording, lab))
    leg = UdpPath(recording, {"uac": lab.sip_server, "uas": lab.b2bua})
    call = Call(recording, "turn_tcp_unanswered", lab, leg1_path=leg, media_path=turn, leg1_transport="UDP")
    turn_channel.offer_relay(call)
    session = IceSession(
        call.seed.child("relayed"), call.ice.agents, {"client": RELAYED_AT, "server": lab.media_public}
    )
    turn_channel.find_relay(call, turn)
    call.leg1.invite(0.1, call.offer())
    call.leg1.respond(0.118, 100)
    call.leg1.respond(0.14, 183, body=call.answer_sdp())
    turn.permit(0.15)
    turn.bind(0.22)
    for nth in range(6):
        session.check(turn, 0.3 + 2 * nth, "client", answer=None, again=(0.5, 1.0))
    call.leg1.respond(1.6, 200, body=call.answer_sdp())
    call.leg1.ack(1.62)
    call.leg1.bye(13.0, answered=0.03)
    turn.release(13.1)
    call.streams.pop("leg2")
    return call.truth(legs=(call.leg1,), relayed_bindings=session.counts)
