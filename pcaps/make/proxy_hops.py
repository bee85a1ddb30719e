"""Leg 1 passes a stateful proxy that demands credentials: the same Call-ID on two hops.

The proxy answers the first INVITE with 407, forwards the second one, records
its route, and adds and removes its Via (RFC 3261, sections 16.6, 16.7, 22.3).
"""

from dataclasses import replace

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Path, Recording, UdpPath
from pcaps.make.builders.sip import hostport

WHAT = "leg 1 through a recording proxy with a 407 challenge: one Call-ID on two hops, each message twice"
PROXY = ("10.0.50.30", 5060)
LAB = replace(SATELLITE, sip_server=("10.0.50.117", 5060), b2bua=("10.0.50.118", 5080))
CHALLENGE = [
    'Proxy-Authenticate: Digest realm="lab.example", nonce="84a4cc6f3082121f32b42a2187831a9e", qop="auth"'
]
CREDENTIALS = [
    'Proxy-Authorization: Digest username="721", realm="lab.example", '
    'nonce="84a4cc6f3082121f32b42a2187831a9e", uri="sip:lab.example", '
    'response="245f23415f11432b3434341c022", qop=auth, cnonce="0a4f113b", nc=00000001'
]


class Proxied:
    """Two hops: each message is forwarded after 1 ms, with the proxy's Via."""

    def __init__(self, first: Path, second: Path, proxy: Endpoint) -> None:
        self.first, self.second, self.forwarded = first, second, 0
        self.last_hop_only = False
        self._via = f"Via: SIP/2.0/UDP {hostport(proxy)};branch=z9hG4bKproxy"
        self._route = f"<sip:{hostport(proxy)};lr>"

    def send(self, at: float, sender: str, payload: bytes) -> None:
        start, rest = payload.decode().split("\r\n", 1)
        own, beside = self._hops(start, rest)
        if sender == "uac":
            self.first.send(at, sender, own)
            self.second.send(at + 0.001, sender, beside)
        else:
            self.second.send(at, sender, beside)
        if sender == "uas" and not self.last_hop_only:
            self.first.send(at + 0.001, sender, own)
        self.forwarded += not self.last_hop_only

    def _hops(self, start: str, rest: str) -> tuple[bytes, bytes]:
        """Return the message between UAC and proxy, and between proxy and UAS."""
        branch = rest.split("branch=", 1)[1].split("\r\n", 1)[0][7:]
        via = f"{self._via}{branch}"
        initial = (
            start.startswith("INVITE") and ";tag=" not in rest.split("\r\nTo:", 1)[1].split("\r\n", 1)[0]
        )
        record = f"Record-Route: {self._route}\r\n"
        if start.startswith("SIP/2.0"):
            return f"{start}\r\n{record}{rest}".encode(), f"{start}\r\n{via}\r\n{record}{rest}".encode()
        further = rest.replace("Max-Forwards: 70", "Max-Forwards: 69")
        outside = f"{start}\r\n" + ("" if initial else f"Route: {self._route}\r\n") + rest
        return outside.encode(), (f"{start}\r\n{via}\r\n" + (record if initial else "") + further).encode()


def make() -> Files:
    recording = Recording("2026-12-03T04:00:00")
    first = UdpPath(recording, {"uac": LAB.sip_server, "uas": PROXY}, mtu=1500)
    second = UdpPath(recording, {"uac": PROXY, "uas": LAB.b2bua}, mtu=1500)
    call = Call(recording, "proxy_hops", LAB, leg1_path=first, leg1_transport="UDP")
    _challenge(call)
    proxied = call.leg1.path = Proxied(first, second, PROXY)
    call.leg1.invite(0.1, call.offer(), CREDENTIALS)
    _trying(call, first, proxied)
    call.look_up(0.106)
    call.leg1.respond(0.115, 183, body=call.answer_sdp())
    call.invite_leg2(0.118)
    call.finish(0.1)
    call.leg1.messages += proxied.forwarded
    return product(
        "proxy_hops", {"proxy_hops.pcapng": pcapng(recording)}, WHAT, [call.truth()], view="mirror port"
    )


def _challenge(call: Call) -> None:
    """Let the proxy challenge the UAC; this is not seen on leg 1's second hop."""
    call.leg1.invite(0.06, call.offer())
    call.leg1.refuse(0.062, 407, extra=CHALLENGE)


def _trying(call: Call, first: UdpPath, proxied: Proxied) -> None:
    """Send 100 on each hop separately (RFC 3261, section 16.7, step 5)."""
    call.leg1.path = first
    call.leg1.respond(0.1005, 100)
    call.leg1.path, proxied.last_hop_only = proxied, True
    call.leg1.respond(0.103, 100)
    proxied.last_hop_only = False
