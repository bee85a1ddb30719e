"""The network of the generated calls: addresses, and the candidates that each side offers."""

from collections.abc import Sequence
from dataclasses import dataclass

from pcaps.make.builders.ice import HOST, SERVER_REFLEXIVE, Candidate
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.recording import Recording, TcpConnection
from pcaps.make.builders.seed import Seed


@dataclass(frozen=True)
class Lab:
    """Addresses; ``*_public`` is the mapped one behind NAT, or equal to the private one without NAT."""

    sip_server: Endpoint = ("10.0.50.118", 4901)
    b2bua: Endpoint = ("10.0.50.118", 4900)
    trunk: Endpoint = ("10.0.50.118", 5060)
    gateway: Endpoint = ("10.0.50.20", 5060)
    media: Endpoint = ("10.0.50.118", 31802)
    media_public: Endpoint = ("203.0.113.10", 31802)
    client: Endpoint = ("192.168.178.34", 33246)
    client_public: Endpoint = ("198.51.100.77", 33246)
    trunk_media: Endpoint = ("10.0.50.118", 31514)
    gateway_media: Endpoint = ("10.0.50.20", 11800)
    stun_server: Endpoint = ("192.0.2.53", 3478)


SATELLITE = Lab(sip_server=("10.0.50.117", 4901))
"""The XPhone Server on a machine of its own: everything passes one network card."""


def client_candidates(lab: Lab, seed: Seed) -> tuple[Candidate, ...]:
    host = Candidate(seed.hex(32), HOST, lab.client)
    if lab.client_public == lab.client:
        return (host,)
    return host, Candidate(seed.hex(32), SERVER_REFLEXIVE, lab.client_public, "srflx", lab.client)


def server_candidates(lab: Lab, seed: Seed) -> tuple[Candidate, ...]:
    """Return FreeSWITCH's candidates: the public address as host, srflx only if NAT changes the port."""
    host = Candidate(seed.text(10, "0123456789"), HOST, lab.media_public, suffix=" generation 0")
    if lab.media_public[1] == lab.media[1]:
        return (host,)
    reflexive = Candidate(
        seed.text(10, "0123456789"), HOST - 2, lab.media_public, "srflx", lab.media, suffix=" generation 0"
    )
    return host, reflexive


def tcp_leg(recording: Recording, lab: Lab, *, at: float = 0.0, on: Sequence[int] = (0,)) -> TcpConnection:
    return TcpConnection(recording, {"uac": lab.sip_server, "uas": lab.b2bua}, opened=at, on=on)
