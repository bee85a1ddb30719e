"""One call captured at server and client: NAT between, clocks 137 ms apart, a few packets lost.

The client sees no SIP (its signalling is HTTPS). Packets that arrive are in both
files, with different addresses but equal transaction IDs, SSRCs and sequence numbers.
"""

from typing import Any

from pcaps.make.builders import stun
from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.links import Interface
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath

WHAT = "one call from two vantage points, clocks 137 ms apart; five SRTP packets never reach the server"
ONE_WAY, AHEAD = 0.012, 0.137
LOST_ON_THE_WAY = range(20, 25)
SERVER, CLIENT = "two_vantage_server.pcapng", "two_vantage_client.pcapng"


class BothSides:
    """A path captured at both ends. ``at`` is the time at the server, by the server's clock."""

    def __init__(self, server: UdpPath, client: UdpPath) -> None:
        self.server, self.client, self.lose = server, client, False

    def send(self, at: float, sender: str, payload: bytes) -> None:
        delay = ONE_WAY if sender == "server" else -ONE_WAY
        if not self.lose:
            self.server.send(at, sender, payload)
        self.client.send(at + delay + AHEAD, sender, payload)


def make() -> Files:
    lab = SATELLITE
    at_server = Recording("2026-12-03T14:00:00", Interface("eth0"))
    at_client = Recording("2026-12-03T14:00:00", Interface("wlan0", host=lab.client[0]))
    inside = UdpPath(at_server, {"server": lab.media, "client": lab.client_public})
    outside = UdpPath(at_client, {"server": lab.media_public, "client": lab.client})
    path = BothSides(inside, outside)
    call = Call(at_server, "two_vantage", lab, media_path=path)
    client_look_up = _look_up(at_client, call)
    _play(call, path)
    by_capture = _by_capture(call, client_look_up)
    captures = {SERVER: pcapng(at_server), CLIENT: pcapng(at_client)}
    facts = {"view": "server: eth0; client: wlan0", "client_clock_ahead_s": AHEAD, "one_way_delay_s": ONE_WAY}
    return product("two_vantage", captures, WHAT, [call.truth(by_capture=by_capture)], **facts)


def _play(call: Call, path: BothSides) -> None:
    """The usual call, with a gap in the client's stream."""
    call.begin(0.1)
    call.check(0.12)
    call.secure(0.146)
    call.ring(0.4)
    call.answer(0.7)
    call.keep_checking(1.15, 1.9)
    for who in ("server", "gateway", "trunk"):
        call.stream(who, 0.72, 1.92)
    call.stream("client", 0.72, 0.72 + 0.02 * LOST_ON_THE_WAY.start)
    path.lose = True
    call.stream("client", 0.72 + 0.02 * LOST_ON_THE_WAY.start, 0.72 + 0.02 * LOST_ON_THE_WAY.stop)
    path.lose = False
    call.stream("client", 0.72 + 0.02 * LOST_ON_THE_WAY.stop, 1.92)
    call.hang_up(1.96)


def _look_up(recording: Recording, call: Call) -> dict[str, int]:
    """The client asks for its mapped address just before the call."""
    path = UdpPath(recording, {"client": call.lab.client, "stun": call.lab.stun_server})
    transaction = call.seed.data(12)
    path.send(AHEAD, "client", stun.look_up(transaction))
    path.send(
        AHEAD + 0.021, "stun", stun.look_up_answer(transaction, call.lab.client_public, call.lab.stun_server)
    )
    return {"transactions": 1, "requests": 1, "success": 1, "errors": 0}


def _by_capture(call: Call, client_look_up: dict[str, int]) -> dict[str, Any]:
    leg1, client = call.streams["leg1"], str(call.ssrc["client"])
    arrived = {**leg1, client: leg1[client] - len(LOST_ON_THE_WAY)}
    bindings = call.bindings()
    return {
        SERVER: {"bindings": bindings, "media": {"leg1": arrived, "leg2": call.streams["leg2"]}},
        CLIENT: {"bindings": {**bindings, "discovery": client_look_up}, "media": {"leg1": leg1, "leg2": {}}},
    }
