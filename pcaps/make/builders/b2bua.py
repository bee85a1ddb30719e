"""A call through a B2BUA in FreeSWITCH's manner, phase by phase.

Leg 1: XPhone Server -> B2BUA over TCP, with the client's ICE description. Leg 2: B2BUA -> gateway over UDP,
plain RTP. Checks, DTLS and SRTP run between client and B2BUA. ``play`` is the good call; captures of special
cases call the phases themselves. All times are seconds after the recording's start.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pcaps.make.builders import certificates, rtp, sdp, stun
from pcaps.make.builders.dtls import Handshake
from pcaps.make.builders.ice import FREESWITCH, SERVER_REFLEXIVE, Agent, IceSession
from pcaps.make.builders.lab import SATELLITE, Lab, client_candidates, server_candidates, tcp_leg
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.recording import Path, Recording, UdpPath
from pcaps.make.builders.sdp import Session
from pcaps.make.builders.seed import Seed
from pcaps.make.builders.sip import B2BUA_AGENT, SERVER_AGENT, Dialog

RTT = 0.024
# Entries in the truth of a call whose offer got no answer: the server's candidates were never sent.
UNANSWERED: dict[str, Any] = {"freeswitch_candidates": [], "freeswitch_ufrag": None}


@dataclass
class Call:
    """One call; ``name`` determines its identifiers. By default leg 1 is SIP over TCP, all else over UDP."""

    recording: Recording
    name: str
    lab: Lab = SATELLITE
    leg1_path: Path | None = None
    leg2_path: Path | None = None
    media_path: Path | None = None
    on: Sequence[int] = (0,)
    caller: str = "721"
    callee: str = "+498984079810"
    caller_name: str = "Anna Mobil"
    client_software: str = ""
    leg1_transport: str = "TCP"
    offer_extra: Sequence[str] = ()
    invite1_extra: Sequence[str] = ()
    invite2_extra: Sequence[str] = ()
    streams: dict[str, dict[str, int]] = field(default_factory=lambda: {"leg1": {}, "leg2": {}}, init=False)
    dtls_done: bool = field(default=False, init=False)
    discovery: dict[str, int] = field(
        default_factory=lambda: {"transactions": 0, "requests": 0, "success": 0, "errors": 0}, init=False
    )

    def __post_init__(self) -> None:
        seed, lab = Seed(self.name), self.lab
        self.seed = seed
        self.leg1, self.leg2 = self._first_leg(), self._second_leg()
        self.media = self.media_path or UdpPath(
            self.recording, {"server": lab.media, "client": lab.client_public}, on=self.on
        )
        self.trunk_media = UdpPath(
            self.recording, {"server": lab.trunk_media, "gateway": lab.gateway_media}, on=self.on
        )
        self.ice = self.new_ice("ice")
        self.sessions = [self.ice]
        self.ssrc = {who: seed.number(2**24, 2**32 - 1) for who in ("client", "server", "gateway", "trunk")}
        self.session = {who: Session(seed.number(10**9, 2 * 10**9)) for who in self.ssrc}
        self.dtls = Handshake(
            self.media, seed.child("dtls"), "server", "client", certificates.SERVER, certificates.CLIENT
        )

    def _first_leg(self) -> Dialog:
        ends = {"uac": self.lab.sip_server, "uas": self.lab.b2bua}
        path = self.leg1_path or tcp_leg(self.recording, self.lab, on=self.on)
        agents = (SERVER_AGENT, B2BUA_AGENT)
        return self._dialog(
            "leg 1", self.seed.hex(32), path, ends, transport=self.leg1_transport, agents=agents
        )

    def _second_leg(self) -> Dialog:
        ends = {"uac": self.lab.trunk, "uas": self.lab.gateway}
        path = self.leg2_path or UdpPath(self.recording, ends, on=self.on)
        call_id = self.seed.uuid()
        return self._dialog("leg 2", call_id, path, ends, cseq=self.seed.number(10**8, 2 * 10**8))

    def _dialog(self, name: str, call_id: str, path: Path, ends: dict[str, Endpoint], **more: Any) -> Dialog:
        who = {"caller": self.caller, "callee": self.callee, "name": self.caller_name}
        return Dialog(path, ends, self.seed.child(name), call_id, **who, **more)

    def new_ice(self, name: str) -> IceSession:
        """Return credentials and candidates of both sides.

        FreeSWITCH is controlled, as it answers setup:active.
        """
        seed = self.seed.child(name)
        client = Agent(
            seed.text(4),
            seed.text(22),
            client_candidates(self.lab, seed.child("c")),
            True,
            self.client_software,
        )
        server = Agent(
            seed.text(16),
            seed.text(24),
            server_candidates(self.lab, seed.child("s")),
            False,
            FREESWITCH,
            SERVER_REFLEXIVE,
        )
        seen_as = {"client": self.lab.client_public, "server": self.lab.media_public}
        return IceSession(seed, {"client": client, "server": server}, seen_as)

    def offer(self, **changes: str) -> str:
        client = self.ice.agents["client"]
        endpoint = client.candidates[-1].endpoint if client.candidates else self.lab.client
        return sdp.ice_offer(
            client, endpoint, self.session["client"], self.ssrc["client"], extra=self.offer_extra, **changes
        )

    def answer_sdp(self, **changes: str) -> str:
        return sdp.freeswitch_answer(
            self.ice.agents["server"],
            self.lab.media_public,
            self.session["server"],
            self.ssrc["server"],
            **changes,
        )

    def trunk_offer(self, **changes: str) -> str:
        return sdp.plain("FreeSWITCH", self.lab.trunk_media, self.session["trunk"], **changes)

    def trunk_answer(self, **changes: str) -> str:
        return sdp.plain("labpbx", self.lab.gateway_media, self.session["gateway"], **changes)

    def begin(self, at: float, *, look_up: bool = True) -> None:
        """Send INVITE, 100, the B2BUA's request to its STUN server, 183, INVITE of leg 2, 100."""
        self.leg1.invite(at, self.offer(), self.invite1_extra)
        self.leg1.respond(at + 0.003, 100)
        if look_up:
            self.look_up(at + 0.005)
        self.leg1.respond(at + 0.014, 183, body=self.answer_sdp())
        self.invite_leg2(at + 0.0165)

    def invite_leg2(self, at: float) -> None:
        self.leg2.invite(at, self.trunk_offer(), self.invite2_extra)
        self.leg2.respond(at + 0.0024, 100)

    def look_up(self, at: float) -> None:
        """Have FreeSWITCH ask its STUN server for the mapped address of its media port."""
        path = UdpPath(self.recording, {"server": self.lab.media, "stun": self.lab.stun_server}, on=self.on)
        transaction = self.seed.text(12).encode()
        path.send(at, "server", stun.look_up(transaction, self.seed.text(32)))
        path.send(
            at + 0.0025, "stun", stun.look_up_answer(transaction, self.lab.media_public, self.lab.stun_server)
        )
        for key in ("transactions", "requests", "success"):
            self.discovery[key] += 1

    def check(self, at: float, path: Path | None = None) -> None:
        """Send the usual first checks: the client's, FreeSWITCH's, the client's nomination."""
        path = path or self.media
        self.ice.check(path, at, "client")
        self.ice.check(path, at + 0.0006, "server", answer=RTT)
        self.ice.check(path, at + 0.030, "client", nominate=True)

    def keep_checking(self, start: float, end: float, path: Path | None = None) -> None:
        """Have FreeSWITCH send a check every second, as it does for the whole call."""
        at = start
        while at < end:
            self.ice.check(path or self.media, at, "server", answer=RTT)
            at += 1.01

    def secure(self, at: float) -> None:
        self.dtls.play(at, RTT)
        self.dtls_done = True

    def ring(self, at: float) -> None:
        self.leg2.respond(at, 180)

    def answer(self, at: float, delay: float = 0.012) -> None:
        """Send 200 and ACK on leg 2, then on leg 1."""
        self.leg2.respond(at, 200, body=self.trunk_answer(), extra=[self.leg2.contact("uas")])
        self.leg2.ack(at + 0.0012)
        self.leg1.respond(at + delay, 200, body=self.answer_sdp(), extra=[self.leg1.contact("uas")])
        self.leg1.ack(at + delay + 0.003)

    def stream(
        self, who: str, at: float, until: float, *, lost: Sequence[int] = (), path: Path | None = None
    ) -> None:
        """Send the RTP of one sender: client and server (leg 1, SRTP), gateway and trunk (leg 2)."""
        secured, leg = who in ("client", "server"), "leg1" if who in ("client", "server") else "leg2"
        ssrc, sender = self.ssrc[who], "server" if who == "trunk" else who
        path = path or (self.media if secured else self.trunk_media)
        before = self.streams[leg].get(str(ssrc), 0)
        contents = self.seed.child(f"rtp {who} {before}")
        sent = rtp.stream(
            path, contents, sender, at, until=until, ssrc=ssrc, secured=secured, lost=lost, first=before
        )
        self.streams[leg][str(ssrc)] = before + sent

    def talk(self, start: float, end: float) -> None:
        for nth, who in enumerate(("client", "server", "gateway", "trunk")):
            self.stream(who, start + nth * 0.0041, end + nth * 0.0041)

    def hang_up(self, at: float, delay: float = 0.040) -> None:
        """End the call: the client's close_notify, the XPhone Server's BYE, and after ``delay`` s leg 2's."""
        if self.dtls_done:
            self.dtls.close(at - 0.008, "client")
        self.leg1.bye(at, answered=0.028)
        self.leg2.bye(at + delay, extra=['Reason: Q.850;cause=16;text="NORMAL_CLEARING"'])

    def play(self, at: float = 0.1, *, ring: float = 0.3, answer: float = 0.6, talk: float = 1.2) -> None:
        """Play the good call from INVITE to BYE."""
        self.begin(at)
        self.finish(at, ring=ring, answer=answer, talk=talk)

    def finish(self, at: float, *, ring: float = 0.3, answer: float = 0.6, talk: float = 1.2) -> None:
        """Play everything after the two INVITEs; times are seconds after the first one."""
        self.check(at + 0.020)
        self.secure(at + 0.046)
        self.ring(at + ring)
        self.answer(at + answer)
        self.keep_checking(at + 1.05, at + answer + talk)
        self.talk(at + answer + 0.02, at + answer + 0.02 + talk)
        self.hang_up(at + answer + talk + 0.05)

    def truth(self, number: int = 1, legs: Sequence[Dialog] = (), **facts: object) -> dict[str, object]:
        """Return what this call put on the wire; ``legs`` defaults to the usual two."""
        legs = legs or (self.leg1, self.leg2)
        client, server = self.ice.agents["client"], self.ice.agents["server"]
        return {
            "call": number,
            "number": self.callee,
            "caller": self.caller,
            "name": self.caller_name,
            "number_of_legs": len(legs),
            "legs": [leg.truth(nth) for nth, leg in enumerate(legs, start=1)],
            "client_candidates": client.lines(),
            "client_ufrag": client.ufrag,
            "freeswitch_candidates": server.lines(),
            "freeswitch_ufrag": server.ufrag,
            "bindings": self.bindings(),
            "dtls": {"done": self.dtls_done},
            "media": self.streams,
            **facts,
        }

    def bindings(self) -> dict[str, dict[str, int]]:
        sums = {
            direction: {
                key: sum(session.counts[direction][key] for session in self.sessions)
                for key in self.discovery
            }
            for direction in self.ice.counts
        }
        return {**sums, "discovery": dict(self.discovery)}
