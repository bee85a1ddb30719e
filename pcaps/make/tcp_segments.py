"""SIP messages across TCP segments: an INVITE in three, and three messages in one."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE, tcp_leg
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, TcpConnection

WHAT = "leg 1's INVITE in three TCP segments; 100 and 183 in one; ACK and OPTIONS in one"


class Coalescing:
    """A sender's buffer: a delayed message is sent together with the next one."""

    def __init__(self, below: TcpConnection) -> None:
        self.below, self.cuts, self.hold = below, (), False
        self._kept = b""

    def send(self, at: float, sender: str, payload: bytes) -> None:
        self._kept += payload
        if not self.hold:
            self.below.send(at, sender, self._kept, self.cuts)
            self._kept, self.cuts = b"", ()


def make() -> Files:
    recording = Recording("2026-12-01T08:00:00")
    leg1 = Coalescing(tcp_leg(recording, SATELLITE))
    call = Call(recording, "tcp_segments", leg1_path=leg1)
    _first_messages(call, leg1)
    call.invite_leg2(0.117)
    call.check(0.120)
    call.secure(0.146)
    call.ring(0.4)
    _answer(call, leg1)
    call.keep_checking(1.15, 1.9)
    call.talk(0.72, 1.92)
    call.hang_up(1.96)
    return product(
        "tcp_segments", {"tcp_segments.pcapng": pcapng(recording)}, WHAT, [call.truth()], view="server: eth0"
    )


def _first_messages(call: Call, leg1: Coalescing) -> None:
    """The INVITE cut within its headers and within its body; 100 and 183 in one segment."""
    leg1.cuts = (211, 900)
    call.leg1.invite(0.1, call.offer())
    leg1.hold = True
    call.leg1.respond(0.103, 100)
    leg1.hold = False
    call.leg1.respond(0.114, 183, body=call.answer_sdp())


def _answer(call: Call, leg1: Coalescing) -> None:
    """ACK and an OPTIONS request in one segment; a keep-alive (RFC 5626, section 3.5.1) alone in another."""
    call.leg2.respond(0.7, 200, body=call.trunk_answer())
    call.leg2.ack(0.7012)
    call.leg1.respond(0.712, 200, body=call.answer_sdp())
    leg1.hold = True
    call.leg1.ack(0.715)
    leg1.hold = False
    call.leg1.exchange(0.715, "OPTIONS")
    leg1.send(0.9, "uac", b"\r\n\r\n")
