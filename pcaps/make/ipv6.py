"""A whole call over IPv6: ULA, public and link-local candidates (without zone), one IPv4 host."""

from dataclasses import replace

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.ice import HOST, Agent, Candidate
from pcaps.make.builders.lab import Lab
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "a whole call over IPv6 with link-local, ULA and public candidates"
LAB = Lab(
    sip_server=("fd00:50::117", 4901),
    b2bua=("fd00:50::118", 4900),
    trunk=("fd00:50::118", 5060),
    gateway=("fd00:50::20", 5060),
    media=("2001:db8:50::118", 30754),
    media_public=("2001:db8:50::118", 30754),
    client=("2001:db8:178::34", 41988),
    client_public=("2001:db8:178::34", 41988),
    trunk_media=("fd00:50::118", 31622),
    gateway_media=("fd00:50::20", 11850),
    stun_server=("2001:db8:53::53", 3478),
)


def make() -> Files:
    recording = Recording("2026-12-01T22:00:00")
    call = Call(recording, "ipv6", LAB)
    agents = call.ice.agents
    agents["client"] = _with(
        agents["client"], "fe80::8a2:34ff:fe11:7788", "fd12:3456:789a::34", "192.168.178.34"
    )
    agents["server"] = _with(agents["server"], "fd00:50::118")
    call.play()
    return product("ipv6", {"ipv6.pcapng": pcapng(recording)}, WHAT, [call.truth()], view="server: eth0")


def _with(agent: Agent, *addresses: str) -> Agent:
    """Add host candidates of decreasing preference on the same port."""
    port = agent.candidates[0].endpoint[1]
    more = [
        Candidate(f"{nth + 2}", HOST - 256 * (nth + 1), (addr, port)) for nth, addr in enumerate(addresses)
    ]
    return replace(agent, candidates=(*more, *agent.candidates))
