"""A call of one leg without ICE: a phone and a server of any make, with plain RTP between them.

For signaling scenarios that do not involve the two legs of a B2BUA.
"""

from dataclasses import dataclass, field

from pcaps.make.builders import rtp, sdp
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.recording import Path, Recording, UdpPath
from pcaps.make.builders.sdp import Session
from pcaps.make.builders.seed import Seed
from pcaps.make.builders.sip import Dialog

NOTHING_SENT = {"transactions": 0, "requests": 0, "success": 0, "errors": 0}


@dataclass
class PhoneCall:
    """A call; ``name`` determines the identifiers, ``path`` defaults to UDP."""

    recording: Recording
    name: str
    phone: Endpoint
    server: Endpoint
    phone_media: Endpoint
    server_media: Endpoint
    agents: tuple[str, str]
    path: Path | None = None
    transport: str = "UDP"
    caller: str = "1001"
    callee: str = "+493012345"
    streams: dict[str, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        seed = Seed(self.name)
        ends = {"uac": self.phone, "uas": self.server}
        self.leg = Dialog(
            self.path or UdpPath(self.recording, ends),
            ends,
            seed.child("leg"),
            seed.hex(24),
            caller=self.caller,
            callee=self.callee,
            name="Phone",
            transport=self.transport,
            agents=self.agents,
            cseq=seed.number(1, 30000),
        )
        self.media = UdpPath(self.recording, {"uac": self.phone_media, "uas": self.server_media})
        self.ssrc = {end: seed.number(2**24, 2**32 - 1) for end in ("uac", "uas")}
        self.session = {end: Session(seed.number(10**9, 2 * 10**9)) for end in ("uac", "uas")}
        self.seed = seed

    def offer(self) -> str:
        return sdp.plain("-", self.phone_media, self.session["uac"])

    def answer_sdp(self) -> str:
        return sdp.plain("-", self.server_media, self.session["uas"])

    def begin(self, at: float, *, extra: tuple[str, ...] = (), answered: tuple[str, ...] = ()) -> None:
        """Send INVITE, 100, 180, 200 after 1 s, ACK."""
        self.leg.invite(at, self.offer(), extra)
        self.leg.respond(at + 0.004, 100)
        self.leg.respond(at + 0.2, 180)
        self.accept(at + 1.0, answered)

    def accept(self, at: float, extra: tuple[str, ...] = ()) -> None:
        """Send 200 with an SDP answer, and its ACK."""
        self.leg.respond(at, 200, body=self.answer_sdp(), extra=[self.leg.contact("uas"), *extra])
        self.leg.ack(at + 0.02)

    def talk(self, at: float, until: float) -> None:
        for end in ("uac", "uas"):
            ssrc = self.ssrc[end]
            before = self.streams.get(str(ssrc), 0)
            contents = self.seed.child(f"rtp {end} {before}")
            sent = rtp.stream(self.media, contents, end, at, until=until, ssrc=ssrc, first=before)
            self.streams[str(ssrc)] = before + sent

    def truth(self, number: int = 1, *dialogs: Dialog) -> dict[str, object]:
        legs = (self.leg, *dialogs)
        directions = ("server_to_client", "client_to_server", "discovery")
        return {
            "call": number,
            "number": self.callee,
            "caller": self.caller,
            "number_of_legs": len(legs),
            "legs": [leg.truth(nth) for nth, leg in enumerate(legs, start=1)],
            "client_candidates": [],
            "client_ufrag": None,
            "freeswitch_candidates": [],
            "freeswitch_ufrag": None,
            "bindings": {direction: dict(NOTHING_SENT) for direction in directions},
            "dtls": {"done": False},
            "media": {"leg1": self.streams} if self.streams else {},
        }
