"""One ICE session between "client" and "server": its checks and their outcomes (RFC 8445)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pcaps.make.builders import stun
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.recording import Path
from pcaps.make.builders.seed import Seed
from postproc.wire import sdp

FREESWITCH = "FreeSWITCH (git a88d069 2024-08-02 21:02:27Z 64bit)"
HOST, SERVER_REFLEXIVE, RELAYED, PEER_REFLEXIVE = 2130706431, 1694498815, 16777215, 1862270975
DIRECTIONS = ("server_to_client", "client_to_server")


@dataclass(frozen=True)
class Candidate:
    """An a=candidate line (RFC 8839, section 5.1)."""

    foundation: str
    priority: int
    endpoint: Endpoint
    kind: str = "host"
    base: Endpoint | None = None
    suffix: str = ""
    transport: str = "udp"

    def __str__(self) -> str:
        related = (("raddr", self.base[0]), ("rport", str(self.base[1]))) if self.base else ()
        who = self.foundation, 1, self.transport, self.priority
        line = sdp.Candidate(*who, *self.endpoint, self.kind, related)
        return f"{line}{self.suffix}"


@dataclass(frozen=True)
class Agent:
    """One side: its credentials, candidates and parameters."""

    ufrag: str
    pwd: str
    candidates: tuple[Candidate, ...] = ()
    controlling: bool = False
    software: str = ""
    check_priority: int = PEER_REFLEXIVE

    def lines(self) -> list[str]:
        return [str(candidate) for candidate in self.candidates]


def new_counts() -> dict[str, int]:
    return {"transactions": 0, "requests": 0, "success": 0, "errors": 0}


@dataclass
class IceSession:
    """An ICE session; ``seen_as`` is the address from which each side's packets reach the other."""

    seed: Seed
    agents: dict[str, Agent]
    seen_as: Mapping[str, Endpoint]
    counts: dict[str, dict[str, int]] = field(
        default_factory=lambda: {name: new_counts() for name in DIRECTIONS}
    )
    icmp_errors: int = 0

    def check(
        self,
        path: Path,
        at: float,
        sender: str,
        *,
        answer: float | None = 0.0004,
        again: Sequence[float] = (),
        nominate: bool = False,
        error: tuple[int, str] | None = None,
        mapped: Endpoint | None = None,
    ) -> None:
        """Send a check, retransmit it ``again`` s after it, and answer the last one after ``answer`` s.

        ``answer`` None: no response; ``error``: code and reason; ``mapped``: overrides XOR-MAPPED-ADDRESS.
        """
        receiver = "client" if sender == "server" else "server"
        agent, peer = self.agents[sender], self.agents[receiver]
        transaction = self._transaction(agent)
        request = stun.check(
            transaction,
            f"{peer.ufrag}:{agent.ufrag}",
            peer.pwd,
            priority=agent.check_priority,
            controlling=agent.controlling,
            tie_breaker=self.seed.data(8),
            use_candidate=nominate,
            software=agent.software,
        )
        times = [at, *(at + later for later in again)]
        for time in times:
            path.send(time, sender, request)
        self._count(f"{sender}_to_{receiver}", len(times), answer is not None, error is not None)
        if error:
            path.send(times[-1] + (answer or 0.0004), receiver, stun.error(transaction, *error, peer.pwd))
        elif answer is not None:
            response = stun.success(transaction, mapped or self.seen_as[sender], peer.pwd)
            path.send(times[-1] + answer, receiver, response)

    def _transaction(self, agent: Agent) -> bytes:
        """Return a transaction ID of twelve bytes; FreeSWITCH's are printable."""
        return self.seed.text(12).encode() if agent.software else self.seed.data(12)

    def _count(self, direction: str, requests: int, answered: bool, failed: bool) -> None:
        counts = self.counts[direction]
        counts["transactions"] += 1
        counts["requests"] += requests
        counts["errors"] += failed
        counts["success"] += answered and not failed
