"""An INVITE in two IP fragments, the second of which is always dropped on the way."""

from pcaps.make.builders import packets
from pcaps.make.builders.b2bua import UNANSWERED, Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath, other

WHAT = (
    "the INVITE of leg 2, over UDP and larger than the MTU, seen behind a firewall that drops later"
    " fragments: only the first one of each comes, the gateway never answers, the server says 503"
)
TIMER_A = (0.5, 1.5, 3.5, 7.5)  # RFC 3261, section 17.1.1.2


class FirstFragments(UdpPath):
    """Only the first fragment of each datagram passes."""

    def send(self, at: float, sender: str, payload: bytes) -> None:
        source, destination = self.ends[sender], self.ends[other(self.ends, sender)]
        ident = self.recording.ident(source[0])
        self.sent[sender] = packets.udp(source, destination, payload, ident=ident, flags=0)
        self.recording.packet(at, packets.fragments(self.sent[sender], self.mtu)[0], on=self.on)


def make() -> Files:
    recording = Recording("2026-12-10T10:00:00")
    ends = {"uac": SATELLITE.trunk, "uas": SATELLITE.gateway}
    notes = [f"X-Note-{number}: {'please ring at the back door ' * 3}" for number in range(14)]
    path = FirstFragments(recording, ends, mtu=1500)
    call = Call(recording, "sip_first_fragment", leg2_path=path, invite2_extra=notes)
    call.leg1.invite(0.1, call.offer())
    call.leg1.respond(0.103, 100)
    invite = call.leg2.invite(0.13, call.trunk_offer(), notes)
    for after in TIMER_A:
        call.leg2.again(0.13 + after, "uac", invite)
    call.leg1.refuse(10.2, 503)
    return product(
        "sip_first_fragment",
        {"sip_first_fragment.pcapng": pcapng(recording)},
        WHAT,
        [call.truth(**UNANSWERED)],
        view="gateway's firewall",
    )
