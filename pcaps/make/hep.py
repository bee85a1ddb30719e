"""A call whose leg 1 is seen only in copies that agents send to Homer (HEP), leg 2 directly and in copies.

Long copies are fragmented, as agents send them in UDP; in the second capture they go over TCP.
"""

from collections.abc import Sequence

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE, Lab
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import FramedPath, Path, Recording, TcpConnection, UdpPath, other
from postproc.wire.framing import Framing
from postproc.wire.hep import SIP, Copy
from postproc.wire.ip import TCP, UDP, packed

WHAT = (
    "server view: SIP of leg 1 only in HEP, of leg 2 plain and in HEP, media plain; with HEP in fragmented"
    " UDP, and with HEP over TCP"
)
AGENT, HOMER = ("10.0.50.118", 41234), ("10.0.50.9", 9060)
DELAY = 0.0007  # seconds from a packet to the agent's copy


class CopiedPath:
    """A path whose messages an agent copies to Homer; with ``plain`` they are captured directly as well."""

    def __init__(
        self,
        recording: Recording,
        ends: dict[str, Endpoint],
        to_homer: Path,
        protocol: int,
        plain: Sequence[Path] = (),
    ) -> None:
        self._recording, self._ends, self._to_homer = recording, ends, to_homer
        self._protocol, self._plain = protocol, plain

    def send(self, at: float, sender: str, payload: bytes) -> None:
        for path in self._plain:
            path.send(at, sender, payload)
        (source, port), (destination, target) = self._ends[sender], self._ends[other(self._ends, sender)]
        time = self._recording.time_ns(at)
        copy = Copy(packed(source), port, packed(destination), target, self._protocol, SIP, payload, time)
        self._to_homer.send(at + DELAY, "agent", bytes(copy))


def make() -> Files:
    over_udp = Recording("2026-12-06T14:00:00")
    first = _call(over_udp, "hep", UdpPath(over_udp, {"agent": AGENT, "homer": HOMER}, mtu=1500))
    over_tcp = Recording("2026-12-06T15:00:00")
    connection = TcpConnection(over_tcp, {"agent": AGENT, "homer": HOMER}, opened=0.0)
    second = _call(over_tcp, "hep_tcp", FramedPath(connection, Framing.HEP))
    return product(
        "hep",
        {"hep.pcapng": pcapng(over_udp), "hep_tcp.pcapng": pcapng(over_tcp)},
        WHAT,
        [first, {**second, "call": 2}],
        view="server",
    )


def _call(recording: Recording, name: str, to_homer: Path) -> dict[str, object]:
    lab: Lab = SATELLITE
    first = {"uac": lab.sip_server, "uas": lab.b2bua}
    second = {"uac": lab.trunk, "uas": lab.gateway}
    call = Call(
        recording,
        name,
        lab,
        leg1_path=CopiedPath(recording, first, to_homer, TCP),
        leg2_path=CopiedPath(recording, second, to_homer, UDP, [UdpPath(recording, second)]),
    )
    call.play()
    return call.truth()
