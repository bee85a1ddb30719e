"""The path between server and client, captured at three places with different clocks and losses between.

``site`` is the stretch from the server to its WAN interface, ``access`` the one from there to the client.
Both have NAT, so the places show different addresses of the same packets.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.recording import Recording, UdpPath
from postproc.wire import rtp

SERVER, WAN, CLIENT = PLACES = ("server", "wan", "client")
SITE, ACCESS = "site", "access"
DIRECTION = {"server": "server_to_client", "client": "client_to_server"}
DELAYS = {
    SITE: (0.00015, 0.0009),
    ACCESS: (0.004, 0.008),
}  # s, evenly spread: there and back in RTT

# Whether a payload is lost, sent so many seconds after the recording's start.
Loss = Callable[[float, bytes, random.Random], bool]


def share(part: float) -> Loss:
    """Lose this share (0 to 1) of all packets, at random."""
    return lambda _at, _payload, some: some.random() < part


def after(start: float) -> Loss:
    """Lose all packets from ``start`` on, in s."""
    return lambda at, _payload, _some: at >= start


def larger_than(size: int) -> Loss:
    """Lose datagrams with a payload of more than ``size`` bytes."""
    return lambda _at, payload, _some: len(payload) > size


@dataclass(frozen=True)
class Clock:
    """A clock's offset from the server's at the recording's start, and its drift."""

    offset_s: float = 0.0
    drift_ppm: float = 0.0

    def shows(self, at: float) -> float:
        return at + self.offset_s + at * self.drift_ppm * 1e-6


@dataclass
class Route:
    """A path seen at three places; times are those at the server, by its clock."""

    recordings: Mapping[str, Recording]
    ends: Mapping[str, Mapping[str, Endpoint]]  # by place: server and client as they are seen there
    clocks: Mapping[str, Clock]
    losses: Mapping[tuple[str, str], Loss]  # by stretch and sender
    seed: str
    seen: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def __post_init__(self) -> None:
        self._some = random.Random(self.seed)
        self._paths = {place: UdpPath(self.recordings[place], self.ends[place]) for place in PLACES}

    def send(self, at: float, sender: str, payload: bytes) -> None:
        site, access = (self._some.uniform(*DELAYS[stretch]) for stretch in (SITE, ACCESS))
        if sender == "server":
            hops = [(SERVER, at, SITE), (WAN, at + site, ACCESS), (CLIENT, at + site + access, "")]
        else:
            hops = [(CLIENT, at - site - access, ACCESS), (WAN, at - site, SITE), (SERVER, at, "")]
        name = f"{kind(payload)} {DIRECTION[sender]}"
        for place, time, stretch in hops:
            self._paths[place].send(self.clocks[place].shows(time), sender, payload)
            self.seen[name][place] += 1
            lost = self.losses.get((stretch, sender))
            if lost and lost(at, payload, self._some):
                break

    def truth(self) -> dict[str, object]:
        """Return clocks relative to the server's, and packets seen, by kind and direction, at each place."""
        others = [place for place in PLACES if place != SERVER]
        return {
            "offset_ms": {place: self.clocks[place].offset_s * 1000 for place in others},
            "drift_ppm": {place: self.clocks[place].drift_ppm for place in others},
            "seen": {
                name: {place: counts[place] for place in PLACES} for name, counts in sorted(self.seen.items())
            },
        }


def kind(payload: bytes) -> str:
    """Return the protocol by the first bytes (RFC 7983, RFC 5761)."""
    if payload[0] < 4:
        return "stun"
    if payload[0] < 64:
        return "dtls"
    return "rtcp" if payload[1] in rtp.RTCP_TYPES else "rtp"
