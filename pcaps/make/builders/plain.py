"""Calls of any two user agents, leg by leg; the scripts supply the descriptions and the RTP."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pcaps.make.builders import certificates, rtp, sdp
from pcaps.make.builders.ice import HOST, SERVER_REFLEXIVE, Agent, Candidate, IceSession, new_counts
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.sdp import Session
from pcaps.make.builders.seed import Seed
from pcaps.make.builders.sip import Dialog


@dataclass
class Leg:
    """A dialog over UDP; ``media`` are the addresses on the wire, whatever the descriptions say."""

    recording: Recording
    seed: Seed
    ends: dict[str, Endpoint]
    media: dict[str, Endpoint]
    agents: tuple[str, str]
    callee: str
    streams: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        path = UdpPath(self.recording, self.ends)
        self.dialog = Dialog(
            path,
            self.ends,
            self.seed,
            self.seed.uuid(),
            agents=self.agents,
            callee=self.callee,
            cseq=self.seed.number(1, 9000),
        )
        self.session = {end: Session(self.seed.number(10**9, 2 * 10**9)) for end in self.ends}
        self.ssrc = {end: self.seed.number(2**24, 2**32 - 1) for end in self.ends}

    def rtp(
        self, sender: str, at: float, until: float, *, to: Endpoint | None = None, secured: bool = False
    ) -> UdpPath:
        """Send RTP of one end to the other's address on the wire, or to ``to``; return the path it took."""
        receiver = "uas" if sender == "uac" else "uac"
        path = UdpPath(self.recording, {sender: self.media[sender], receiver: to or self.media[receiver]})
        ssrc = str(self.ssrc[sender])
        sent = self.streams.get(ssrc, 0)
        self.streams[ssrc] = sent + rtp.stream(
            path,
            self.seed.child(f"rtp {sender} {sent}"),
            sender,
            at,
            until=until,
            ssrc=self.ssrc[sender],
            secured=secured,
            first=sent,
        )
        return path


@dataclass
class PlainCall:
    """One call of one leg or more; ``name`` determines its identifiers."""

    recording: Recording
    name: str
    callee: str = "+4930220098765"
    legs: list[Leg] = field(default_factory=list)

    def leg(
        self,
        uac: Endpoint,
        uas: Endpoint,
        media: tuple[Endpoint, Endpoint],
        agents: tuple[str, str] = ("Telephone 1.6", "Asterisk PBX 20.5.0"),
    ) -> Leg:
        number = len(self.legs) + 1
        ends = {"uac": uac, "uas": uas}
        leg = Leg(
            self.recording,
            Seed(f"{self.name} leg {number}"),
            ends,
            {"uac": media[0], "uas": media[1]},
            agents,
            self.callee,
        )
        self.legs.append(leg)
        return leg

    def truth(self, ice: IceSession | None = None, **facts: object) -> dict[str, object]:
        """Return what was put on the wire, with the keys of pcaps/README.md."""
        agents = ice.agents if ice else {}
        lines: dict[str, list[str]] = {side: agent.lines() for side, agent in agents.items()}
        ufrags = {side: agent.ufrag for side, agent in agents.items() if agent.candidates}
        counts = ice.counts if ice else {}
        return {
            "call": 1,
            "number": self.callee,
            "caller": self.legs[0].dialog.caller,
            "name": self.legs[0].dialog.name,
            "number_of_legs": len(self.legs),
            "legs": [leg.dialog.truth(number) for number, leg in enumerate(self.legs, 1)],
            "client_candidates": lines.get("client", []),
            "client_ufrag": ufrags.get("client", ""),
            "freeswitch_candidates": lines.get("server", []),
            "freeswitch_ufrag": ufrags.get("server", ""),
            "bindings": {
                "server_to_client": counts.get("server_to_client", new_counts()),
                "client_to_server": counts.get("client_to_server", new_counts()),
                "discovery": new_counts(),
            },
            "dtls": {"done": False},
            "media": {f"leg{number}": leg.streams for number, leg in enumerate(self.legs, 1)},
            **facts,
        }


def begin(leg: Leg, at: float, offer: str, extra: Sequence[str] = ()) -> None:
    """Send INVITE and 100."""
    leg.dialog.invite(at, offer, extra)
    leg.dialog.respond(at + 0.004, 100)


def answer(leg: Leg, at: float, body: str) -> None:
    """Send 200 and ACK."""
    leg.dialog.respond(at, 200, body=body, extra=[leg.dialog.contact("uas")])
    leg.dialog.ack(at + 0.02)


def ice_session(
    seed: Seed, client: Endpoint, server: Endpoint, *, seen: Endpoint | None = None
) -> IceSession:
    """Return two agents with one host candidate each; the client is controlling and ``seen`` as mapped."""
    agents = {
        side: Agent(
            seed.text(8),
            seed.text(24),
            (Candidate(seed.text(10, "0123456789"), HOST, endpoint),),
            controlling=side == "client",
        )
        for side, endpoint in (("client", client), ("server", server))
    }
    if seen:
        reflexive = Candidate(seed.text(10, "0123456789"), SERVER_REFLEXIVE, seen, "srflx", client)
        agents["client"] = replace(agents["client"], candidates=(*agents["client"].candidates, reflexive))
    return IceSession(seed, agents, {"client": seen or client, "server": server})


def web_audio(
    owner: str,
    media: Endpoint,
    session: Session,
    agent: Agent,
    *,
    setup: str,
    extra: Sequence[str] = (),
    formats: Sequence[int] = (111, 0, 8, 101),
) -> str:
    """Return a description with ICE and DTLS-SRTP, as of a browser or a server for browsers."""
    certificate = certificates.CLIENT if owner == "-" else certificates.SERVER
    keys = (f"fingerprint:{certificates.fingerprint(certificate)}", f"setup:{setup}", "rtcp-mux")
    attributes = (*sdp.ice_lines(agent), *keys, *extra)
    return sdp.audio(
        owner, media, session, profile="UDP/TLS/RTP/SAVPF", formats=formats, attributes=attributes
    )
