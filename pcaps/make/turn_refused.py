"""A softphone's direct checks fail, and its TURN server refuses an allocation, or a private peer."""

from dataclasses import replace

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.ice import RELAYED, Candidate
from pcaps.make.builders.lab import SATELLITE, Lab
from pcaps.make.builders.links import Interface
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.seed import Seed
from pcaps.make.builders.turn import TurnPath
from postproc.wire.stun import Method

WHAT = (
    "client view: direct checks unanswered, and the TURN server refuses Allocate with 486 (quota);"
    " and a server with a private address only, for which the TURN server refuses CreatePermission with 403"
)
RELAY, RELAYED_AT = ("198.51.100.201", 3478), ("198.51.100.201", 49180)
QUOTA = replace(
    SATELLITE,
    sip_server=("192.168.178.34", 5070),
    b2bua=("203.0.113.10", 5060),
    client=("192.168.178.34", 52746),
    client_public=("198.51.100.77", 52746),
)
PEER = replace(
    QUOTA,
    client=("192.168.178.34", 52750),
    client_public=("198.51.100.77", 52750),
    media_public=SATELLITE.media,
)


def make() -> Files:
    quota, first = _quota()
    peer, second = _peer()
    return product(
        "turn_refused",
        {"turn_refused_quota.pcapng": pcapng(quota), "turn_refused_peer.pcapng": pcapng(peer)},
        WHAT,
        [first.truth(legs=(first.leg1,)), second.truth(2, legs=(second.leg1,))],
        view="client: wlan0",
    )


def _quota() -> tuple[Recording, Call]:
    recording, call, turn = _begun("2026-12-05T12:00:00", "turn_refused_quota", QUOTA)
    turn.challenge(0.01)
    turn.refuse(0.04, Method.ALLOCATE, (486, "Allocation Quota Reached"))
    _set_up(call)
    _in_vain(call, QUOTA)
    return recording, call


def _peer() -> tuple[Recording, Call]:
    recording, call, turn = _begun("2026-12-05T13:00:00", "turn_refused_peer", PEER)
    client = call.ice.agents["client"]
    relay = Candidate(call.seed.hex(32), RELAYED, RELAYED_AT, "relay", PEER.client_public)
    call.ice.agents["client"] = replace(client, candidates=(*client.candidates, relay))
    turn.allocate(0.01, PEER.client_public)
    _set_up(call)
    turn.refuse(0.15, Method.CREATE_PERMISSION, (403, "Forbidden IP"))
    _in_vain(call, PEER)
    turn.release(14.0)
    return recording, call


def _begun(start: str, name: str, lab: Lab) -> tuple[Recording, Call, TurnPath]:
    recording = Recording(start, Interface("wlan0", host="192.168.178.34"))
    leg = UdpPath(recording, {"uac": lab.sip_server, "uas": lab.b2bua})
    turn = TurnPath(
        UdpPath(recording, {"client": lab.client, "relay": RELAY}),
        Seed(f"{name} relay"),
        user="721",
        password="secret",
        realm="turn.example.net",
        relayed=RELAYED_AT,
        peer=lab.media_public,
    )
    return recording, Call(recording, name, lab, leg1_path=leg, leg1_transport="UDP"), turn


def _set_up(call: Call) -> None:
    call.leg1.invite(0.1, call.offer())
    call.leg1.respond(0.118, 100)
    call.leg1.respond(0.14, 183, body=call.answer_sdp())


def _in_vain(call: Call, lab: Lab) -> None:
    """The client's checks get no answer, the call is answered, and the caller gives up."""
    direct = UdpPath(call.recording, {"server": lab.media_public, "client": lab.client})
    for nth in range(6):
        call.ice.check(direct, 0.2 + 2 * nth, "client", answer=None, again=(0.5, 1.0))
    call.leg1.respond(1.6, 200, body=call.answer_sdp())
    call.leg1.ack(1.62)
    call.leg1.bye(13.0, answered=0.03)
