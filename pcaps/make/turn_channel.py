"""A softphone's own view: its direct checks fail, media runs over a TURN relay as ChannelData.

The relay is found with a 401 challenge, permission and channel; the first
checks travel in Send and Data indications, everything later in the channel.
"""

from dataclasses import replace

from pcaps.make.builders import stun
from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.ice import RELAYED, Candidate, IceSession
from pcaps.make.builders.lab import SATELLITE, Lab
from pcaps.make.builders.links import Interface
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Path, Recording, UdpPath
from pcaps.make.builders.seed import Seed
from pcaps.make.builders.turn import TurnPath

WHAT = "client view: direct checks unanswered, checks, DTLS and SRTP through a TURN relay"
RELAY, RELAYED_AT = ("198.51.100.200", 3478), ("198.51.100.200", 49170)
LAB = replace(
    SATELLITE,
    sip_server=("192.168.178.34", 5070),
    b2bua=("203.0.113.10", 5060),
    client=("192.168.178.34", 52744),
    client_public=("198.51.100.77", 52744),
)


def make() -> Files:
    recording = Recording("2026-12-02T22:00:00", Interface("wlan0", host="192.168.178.34"))
    below = UdpPath(recording, {"client": LAB.client, "relay": RELAY})
    truth = relayed(recording, "turn_channel", LAB, below)
    return product(
        "turn_channel", {"turn_channel.pcapng": pcapng(recording)}, WHAT, [truth], view="client: wlan0"
    )


def relayed(recording: Recording, name: str, lab: Lab, below: Path) -> dict[str, object]:
    """Play a call through a relay that the client reaches over ``below``; return its truth."""
    turn = turn_path(name, lab, below)
    leg = UdpPath(recording, {"uac": lab.sip_server, "uas": lab.b2bua})
    call = Call(recording, name, lab, leg1_path=leg, media_path=turn, leg1_transport="UDP")
    offer_relay(call)
    session = IceSession(
        call.seed.child("relayed"), call.ice.agents, {"client": RELAYED_AT, "server": lab.media_public}
    )
    find_relay(call, turn)
    _connect(call, turn, session)
    _talk(call, turn, session)
    call.streams.pop("leg2")
    return call.truth(legs=(call.leg1,), relayed_media=True, relayed_bindings=session.counts)


def turn_path(name: str, lab: Lab, below: Path) -> TurnPath:
    return TurnPath(
        below,
        Seed(f"{name} relay"),
        user="721",
        password="secret",
        realm="turn.example.net",
        relayed=RELAYED_AT,
        peer=lab.media_public,
    )


def offer_relay(call: Call) -> None:
    client = call.ice.agents["client"]
    relay = Candidate(call.seed.hex(32), RELAYED, RELAYED_AT, "relay", call.lab.client_public)
    call.ice.agents["client"] = replace(client, candidates=(*client.candidates, relay))


def find_relay(call: Call, turn: TurnPath) -> None:
    """The client asks for its public address, then for an allocation."""
    transaction = call.seed.data(12)
    turn.below.send(0.01, "client", stun.look_up(transaction))
    turn.below.send(0.03, "relay", stun.look_up_answer(transaction, call.lab.client_public, RELAY))
    for key in ("transactions", "requests", "success"):
        call.discovery[key] += 1
    turn.allocate(0.035, call.lab.client_public)


def _connect(call: Call, turn: TurnPath, relayed: IceSession) -> None:
    """Direct checks get no answer; those over the relay do."""
    call.leg1.invite(0.1, call.offer())
    call.leg1.respond(0.118, 100)
    call.leg1.respond(0.14, 183, body=call.answer_sdp())
    direct = UdpPath(call.recording, {"server": call.lab.media_public, "client": call.lab.client})
    call.ice.check(direct, 0.145, "client", answer=None, again=(0.5, 1.5))
    turn.permit(0.15)
    relayed.check(turn, 0.18, "client", answer=0.03)
    relayed.check(turn, 0.19, "server")
    turn.bind(0.22)
    relayed.check(turn, 0.25, "client", answer=0.03, nominate=True)
    call.dtls.play(0.29, 0.001)
    call.dtls_done = True


def _talk(call: Call, turn: TurnPath, relayed: IceSession) -> None:
    call.leg1.respond(0.7, 200, body=call.answer_sdp())
    call.leg1.ack(0.701)
    call.stream("client", 0.71, 1.91)
    call.stream("server", 0.73, 1.91)
    relayed.check(turn, 1.2, "server")
    call.leg1.bye(1.95, answered=0.03)
    turn.release(2.0)
