"""Link-layer headers: turn an IP packet into a frame of an interface."""

import hashlib
import ipaddress
from dataclasses import dataclass

from postproc.wire import ip
from postproc.wire.link import (
    ETHERNET,
    IPV4,
    IPV6,
    LINUX_SLL,
    LINUX_SLL2,
    NULL,
    RAW,
    Cooked,
    Cooked2,
    Ethernet,
    Frame,
    Layer,
    Loopback,
    Vlan,
)

ARPHRD_ETHER, OUTGOING, TO_US = 1, 4, 0
SHORTEST_FRAME = 60
FAMILIES = {IPV4: b"\x02\0\0\0", IPV6: b"\x18\0\0\0"}  # AF_INET, AF_INET6 of the BSDs, little-endian


@dataclass(frozen=True)
class Interface:
    """Where packets are captured. ``vlans`` are (TPID, VLAN ID), outermost first; ``host`` owns it."""

    name: str = "eth0"
    link: int = ETHERNET
    description: str = ""
    vlans: tuple[tuple[int, int], ...] = ()
    host: str = "10.0.50.118"
    padded: bool = False
    digits: int = 6


def frame(interface: Interface, packet: bytes) -> bytes:
    kind, parsed = IPV6 if packet[0] >> 4 == 6 else IPV4, ip.parse(packet)
    layers = _layers(interface, kind, ip.written(parsed.source), ip.written(parsed.destination))
    data = bytes(Frame(layers, kind, packet))
    return data.ljust(SHORTEST_FRAME, b"\0") if interface.padded else data


def _layers(interface: Interface, kind: int, src: str, dst: str) -> tuple[Layer, ...]:
    direction = OUTGOING if src == interface.host else TO_US
    address = _mac(src) + bytes(2)
    outermost: dict[int, tuple[Layer, ...]] = {
        NULL: (Loopback(FAMILIES[kind]),),
        ETHERNET: (Ethernet(_mac(dst), _mac(src)),),
        RAW: (),
        LINUX_SLL: (Cooked(direction, ARPHRD_ETHER, 6, address),),
        LINUX_SLL2: (Cooked2(2, direction, ARPHRD_ETHER, 6, address),),
    }
    return outermost[interface.link] + tuple(Vlan(*tag) for tag in interface.vlans)


def _mac(addr: str) -> bytes:
    """Return a locally administered address derived from the host's; zero on loopback, as in Linux."""
    if ipaddress.ip_address(addr).is_loopback:
        return bytes(6)
    return b"\x02" + hashlib.sha256(addr.encode()).digest()[:5]
