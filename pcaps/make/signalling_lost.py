"""Signalling connections that break in mid-call: reset before the answer, closed before the BYE."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE, tcp_leg
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.phones import PhoneCall
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, TcpConnection, UdpPath

WHAT = (
    "signalling connections that break in mid-call: leg 1's TCP is reset while it rings, the gateway answers"
    " and nobody can be told; and a proxy's idle TCP connection to the caller is closed, so that the called"
    " party's BYE stays at the proxy"
)
PHONE: Endpoint = ("198.51.100.61", 52044)
PROXY: Endpoint = ("203.0.113.61", 5060)
CALLEE: Endpoint = ("203.0.113.62", 5060)


def make() -> Files:
    first, call = _reset_while_ringing()
    second, other = _closed_by_proxy()
    return product(
        "signalling_lost",
        {"signalling_lost_reset.pcapng": pcapng(first), "signalling_lost_proxy.pcapng": pcapng(second)},
        WHAT,
        [call.truth(), other.truth(2)],
        view="server: eth0",
    )


def _reset_while_ringing() -> tuple[Recording, Call]:
    recording = Recording("2026-12-05T14:00:00")
    path = tcp_leg(recording, SATELLITE)
    call = Call(recording, "signalling_lost_reset", leg1_path=path)
    call.begin(0.1)
    call.check(0.12)
    call.secure(0.146)
    call.ring(0.4)
    path.reset(0.9, "uac")
    call.leg2.respond(1.9, 200, body=call.trunk_answer(), extra=[call.leg2.contact("uas")])
    call.leg2.ack(1.902)
    call.stream("gateway", 1.95, 2.6)
    call.keep_checking(1.2, 33.0)
    call.leg2.bye(33.9)
    return recording, call


class TwoHops:
    """A proxy that adds its Via and Record-Route; each message is forwarded after 1 ms."""

    def __init__(self, first: TcpConnection, second: UdpPath) -> None:
        self.first, self.second = first, second
        self.broken = False

    def send(self, at: float, sender: str, payload: bytes) -> None:
        start, rest = payload.decode().split("\r\n", 1)
        branch = rest.split("branch=", 1)[1].split("\r\n", 1)[0]
        via = f"Via: SIP/2.0/UDP {PROXY[0]}:5060;branch={branch}.p"
        inside = f"{start}\r\n{via}\r\nRecord-Route: <sip:{PROXY[0]};lr>\r\n{rest}".encode()
        if sender == "uac":
            if not self.broken:
                self.first.send(at, sender, payload)
            self.second.send(at + 0.001, sender, payload if self.broken else inside)
            return
        self.second.send(at, sender, payload if start.startswith("BYE") else inside)
        if not self.broken:
            self.first.send(at + 0.001, sender, payload)


def _closed_by_proxy() -> tuple[Recording, PhoneCall]:
    recording = Recording("2026-12-05T15:00:00")
    outside = TcpConnection(recording, {"uac": PHONE, "uas": PROXY}, opened=0.01)
    hops = TwoHops(outside, UdpPath(recording, {"uac": PROXY, "uas": CALLEE}))
    call = PhoneCall(
        recording,
        "signalling_lost_proxy",
        PHONE,
        CALLEE,
        ("198.51.100.61", 40200),
        ("203.0.113.62", 11200),
        ("Zoiper v2.10", "Asterisk PBX 18.20.0"),
        path=hops,
        transport="TCP",
    )
    call.begin(0.1)
    forwarded = call.leg.messages
    call.talk(1.2, 2.2)
    outside.close(62.0)
    hops.broken = True
    call.talk(94.0, 95.0)
    call.leg.exchange(95.2, "BYE", "uas", status=408, answered=5.0)
    call.leg.ended_by = "BYE by the uas"
    call.leg.messages += forwarded
    return recording, call
