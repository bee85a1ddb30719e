"""The plan of a call, and its participants.

Leg 1: the PBX to the B2BUA on the same host, SIP over one TCP connection on
loopback; ICE, DTLS and SRTP with a softphone, at home behind NAT or on the same
host. Leg 2: the B2BUA to a carrier, SIP and RTP over UDP.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.batches import Batch
from bench.certificate import certificate, fingerprint
from bench.sip import Candidate, Dialog, IceAgent
from bench.wire import Wire, Write
from postproc.wire.ip import Endpoint

PBX, B2BUA = Endpoint("127.0.0.1", 4901), Endpoint("127.0.0.1", 4900)
HOST, PUBLIC = "10.0.0.1", "203.0.113.10"
TRUNK = Endpoint(HOST, 5060)
PBX_AGENT, B2BUA_AGENT, CARRIER_AGENT = "pbx/7.1", "b2bua/1.10", "carrier/3"
MEDIA_PORTS, CLIENT_PORTS, CARRIER_PORTS = 16384, 40000, 20000  # lowest port of each
ANSWERED_AFTER, CANCELLED_AFTER = 1.0, 5.0  # seconds after the INVITE


@dataclass(frozen=True)
class Plan:
    """Times in seconds, ``talk`` from answer to BYE; ``ports`` are the B2BUA's for leg 1 and 2."""

    number: int
    start: float
    talk: float
    ports: tuple[int, int]
    outcome: str = "answered"  # answered, busy or cancelled
    at_home: bool = True  # the softphone is behind NAT; else on the captured host
    checks: int = 0  # of each side before DTLS
    media: bool = False
    segments: int = 1  # of the INVITE
    coalesced: bool = False  # 100 and 183 in one segment
    marked: bool = False  # leg 2 carries a header of leg 1

    @property
    def answer(self) -> float:
        return self.start + ANSWERED_AFTER

    @property
    def end(self) -> float:
        return self.answer + self.talk


@dataclass
class Script:
    """What the calls put on the wire, and its truth."""

    wire: Wire = field(default_factory=Wire)
    writes: list[Write] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    truth: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Call:
    """A plan with the participants' addresses, names and credentials."""

    plan: Plan
    inbound: Dialog
    outbound: Dialog
    client: IceAgent
    server: IceAgent
    client_media: Endpoint
    server_media: Endpoint
    server_advertised: Endpoint
    trunk_media: Endpoint
    carrier_media: Endpoint
    client_certificate: bytes
    server_certificate: bytes
    rng: np.random.Generator


def cast(plan: Plan, seed: int, server_certificate: bytes) -> Call:
    """Assign addresses, names and credentials to the participants; reproducible by ``seed``."""
    rng = np.random.default_rng([seed, plan.number])
    client_certificate = certificate("client", rng.bytes)
    client, candidates = _client(plan)
    server = Endpoint(HOST if plan.at_home else "127.0.0.1", plan.ports[0])
    advertised = Endpoint(PUBLIC, server.port) if plan.at_home else server
    inbound, outbound = _dialogs(plan, rng)
    return Call(
        plan=plan,
        inbound=inbound,
        outbound=outbound,
        client=_agent(rng, 6, candidates, client_certificate, "actpass"),
        server=_agent(rng, 8, [Candidate("host", *advertised)], server_certificate, "active"),
        client_media=client,
        server_media=server,
        server_advertised=advertised,
        trunk_media=Endpoint(HOST, plan.ports[1]),
        carrier_media=Endpoint(outbound.uas.addr, CARRIER_PORTS + plan.ports[1] - MEDIA_PORTS),
        client_certificate=client_certificate,
        server_certificate=server_certificate,
        rng=rng,
    )


def _dialogs(plan: Plan, rng: np.random.Generator) -> tuple[Dialog, Dialog]:
    caller, callee = f"{700 + plan.number % 300}", f"+4989{5000000 + plan.number}"
    carrier = Endpoint(f"10.0.1.{1 + plan.number % 250}", 5060)
    call_ids = rng.bytes(16).hex(), rng.bytes(16).hex()
    inbound = Dialog(call_ids[0], caller, callee, PBX, B2BUA, "TCP", PBX_AGENT, B2BUA_AGENT)
    outbound = Dialog(call_ids[1], caller, callee, TRUNK, carrier, "UDP", B2BUA_AGENT, CARRIER_AGENT)
    return inbound, outbound


def _client(plan: Plan) -> tuple[Endpoint, list[Candidate]]:
    """Return the address that the softphone's packets come from, and its candidates."""
    port = CLIENT_PORTS + plan.ports[0] - MEDIA_PORTS
    if not plan.at_home:
        return Endpoint("127.0.0.1", port), [Candidate("host", "127.0.0.1", port)]
    inside = Endpoint(f"192.168.178.{20 + plan.number % 200}", port)
    outside = Endpoint(f"198.51.100.{1 + plan.number % 250}", port)
    return outside, [Candidate("host", *inside), Candidate("srflx", *outside, inside)]


def _agent(
    rng: np.random.Generator, half: int, candidates: Sequence[Candidate], der: bytes, setup: str
) -> IceAgent:
    """Return an ICE agent; ``half`` is half the ufrag's length, long enough to be unique."""
    return IceAgent(rng.bytes(half).hex(), rng.bytes(12).hex(), candidates, fingerprint(der), setup)
