"""Calls captured at the server, at its WAN interface and at the client, written to pcaps/places.

Each set is a folder of three captures, whose clocks differ, and ``truth.json`` with these differences and the
number of packets of each kind and direction seen at each place.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import Lab
from pcaps.make.builders.links import Interface
from pcaps.make.builders.product import Files, pcap, pcapng
from pcaps.make.builders.recording import Recording
from pcaps.make.builders.route import (
    ACCESS,
    CLIENT,
    SERVER,
    SITE,
    WAN,
    Clock,
    Loss,
    Route,
    after,
    larger_than,
    share,
)

WAN_ADDR = "203.0.113.10"


@dataclass(frozen=True)
class Set:
    """What happens in a set; ``ports``: server's, its mapped one, client's, its mapped one."""

    what: str
    start: str
    ports: tuple[int, int, int, int]
    wan: Clock
    client: Clock
    losses: Mapping[tuple[str, str], Loss] = field(default_factory=dict)
    talk: float = 4.0


def _unchanged(number: int) -> tuple[int, int, int, int]:
    return number, number, number + 1500, number + 1500


SETS = {
    "ports_kept": Set(
        "nothing is lost; NAT keeps both ports; the client's clock is a time zone ahead",
        "2026-12-12T08:00:00",
        _unchanged(31810),
        Clock(0.42, -62.0),
        Clock(3600.155, 41.0),
    ),
    "ports_changed": Set(
        "3 % of both streams are lost on the way to the client; both NATs change the port",
        "2026-12-12T09:00:00",
        (31812, 41812, 33312, 61007),
        Clock(-27.62, 100.0),
        Clock(-7199.8, -97.0),
        {(ACCESS, "server"): share(0.03), (ACCESS, "client"): share(0.03)},
    ),
    "site_drops": Set(
        "a tenth of what the client sends passes the WAN interface, and is lost before the server",
        "2026-12-12T10:00:00",
        (31814, 41814, 33314, 33314),
        Clock(58.0, 12.0),
        Clock(61.5, -18.0),
        {(SITE, "client"): share(0.1)},
    ),
    "one_way": Set(
        "two seconds after the answer nothing of the server reaches the client any more",
        "2026-12-12T11:00:00",
        (31816, 31816, 33316, 52016),
        Clock(-0.08, 0.0),
        Clock(5025.0, 77.0),
        {(ACCESS, "server"): after(2.8)},
    ),
    "large_lost": Set(
        "datagrams above 600 bytes are lost between client and WAN interface: no certificate arrives",
        "2026-12-12T12:00:00",
        (31818, 41818, 33318, 33318),
        Clock(-3.5, 55.0),
        Clock(-1800.0, -44.0),
        {(ACCESS, "client"): larger_than(600)},
    ),
    "server_unheard": Set(
        "the server's checks pass the WAN interface and never reach the client, whose own do arrive",
        "2026-12-12T13:00:00",
        (31820, 41820, 33320, 61020),
        Clock(12.25, -9.0),
        Clock(-12.25, 9.0),
        {(ACCESS, "server"): after(0.0)},
        talk=0.0,
    ),
}


def make(name: str) -> Files:
    """Return the files of a set."""
    scenario = SETS[name]
    media, public, port, public_port = scenario.ports
    lab = Lab(
        sip_server=("10.0.50.117", 4901),
        media=("10.0.50.118", media),
        media_public=(WAN_ADDR, public),
        client=("192.168.178.34", port),
        client_public=("198.51.100.77", public_port),
    )
    interfaces = {
        SERVER: Interface("eth0"),
        WAN: Interface(host=WAN_ADDR),
        CLIENT: Interface(host=lab.client[0]),
    }
    recordings = {place: Recording(scenario.start, interface) for place, interface in interfaces.items()}
    ends = {
        SERVER: {"server": lab.media, "client": lab.client_public},
        WAN: {"server": lab.media_public, "client": lab.client_public},
        CLIENT: {"server": lab.media_public, "client": lab.client},
    }
    clocks = {SERVER: Clock(), WAN: scenario.wan, CLIENT: scenario.client}
    route = Route(recordings, ends, clocks, scenario.losses, name)
    call = Call(recordings[SERVER], f"places_{name}", lab, media_path=route)
    PLAYS.get(name, _talk)(call, scenario)
    truth = {"what": scenario.what, "number_of_calls": 1, **route.truth()}
    return {
        "server.pcapng": pcapng(recordings[SERVER]),
        "wan.pcap": pcap(recordings[WAN]),
        "client.pcap": pcap(recordings[CLIENT]),
        "truth.json": (json.dumps(truth, indent=1) + "\n").encode(),
    }


def _talk(call: Call, scenario: Set) -> None:
    call.play(talk=scenario.talk)


def _without_certificate(call: Call, _given: Set) -> None:
    """The DTLS handshake never completes, so there is no media."""
    call.begin(0.1)
    call.check(0.12)
    for retransmission, at in enumerate((0.146, 1.15, 3.16, 7.17)):
        call.dtls.client_hello(at, retransmission)
        call.dtls.server_flight(at + 0.024)
    call.ring(0.4)
    call.answer(0.7)
    call.keep_checking(1.15, 9.0)
    call.stream("gateway", 0.72, 2.0)
    call.hang_up(9.2)


def _unheard(call: Call, _given: Set) -> None:
    """Both sides send checks every second; the server answers the client's, the client receives nothing."""
    call.begin(0.1)
    call.ring(0.4)
    call.answer(0.7)
    for second in range(9):
        call.ice.check(call.media, 0.12 + 1.01 * second, "client")
        call.ice.check(call.media, 0.15 + 1.01 * second, "server", answer=None)
    call.stream("gateway", 0.72, 2.0)
    call.hang_up(9.4)


PLAYS: dict[str, Callable[[Call, Set], None]] = {
    "large_lost": _without_certificate,
    "server_unheard": _unheard,
}
