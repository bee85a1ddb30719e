"""The link layer: which network protocol a packet carries, and where it starts.

Ethernet with up to three VLAN tags, BSD loopback (what Npcap writes for
127.0.0.1), Linux cooked captures (``-i any``) and bare IP
(https://www.tcpdump.org/linktypes.html). Any other link layer is UNCLEAR.
"""

import numpy as np

from postproc.read.arrays import Array, numbers, places
from postproc.read.container import Interface, Window

IPV4, IPV6, UNCLEAR, FOREIGN = 0x0800, 0x86DD, -1, -2
VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
# ARP, RARP, EAPOL, PROFINET, Realtek, LLDP, loop detection: nothing of a call is in them
NEVER_IP = (0x0806, 0x8035, 0x888E, 0x8892, 0x8899, 0x88CC, 0x9000)
LONGEST_LLC = 1500  # up to here an ethertype is a length
SPANNING_TREE = 0x4242  # LLC service access points
AF_INET, AF_INET6 = 2, (10, 23, 24, 28, 30)  # Linux, Windows, the BSDs


def network_layer(window: Window, interfaces: list[Interface]) -> tuple[Array, Array]:
    """Return each packet's IPV4, IPV6, FOREIGN or UNCLEAR, and where its network layer starts."""
    kind = np.full(len(window.start), UNCLEAR)
    at = window.start.copy()
    link_type = np.array([interface.link_type for interface in interfaces])[window.interface]
    for number in {interface.link_type for interface in interfaces} & LAYERS.keys():
        rows = places(link_type == number)
        kind[rows], at[rows] = LAYERS[number](window.data, at[rows])
    return kind, at


def _ethernet(data: Array, at: Array) -> tuple[Array, Array]:
    return _by_ethertype(data, at + 12, at + 14)


def _linux_sll(data: Array, at: Array) -> tuple[Array, Array]:
    return _by_ethertype(data, at + 14, at + 16)


def _linux_sll2(data: Array, at: Array) -> tuple[Array, Array]:
    return _by_ethertype(data, at, at + 20)


def _by_ethertype(data: Array, type_at: Array, at: Array) -> tuple[Array, Array]:
    kind = numbers(data, type_at, ">u2")
    others = np.flatnonzero((kind != IPV4) & (kind != IPV6))
    if len(others):
        kind[others], at[others] = _not_ip_itself(data, kind[others], at[others])
    return kind, at


def _not_ip_itself(data: Array, kind: Array, at: Array) -> tuple[Array, Array]:
    """Follow VLAN tags (IEEE 802.1Q, each four bytes) to what they tag, and sort what is there."""
    for _ in range(3):
        tagged = np.flatnonzero(np.isin(kind, VLAN_TAGS))
        kind[tagged] = numbers(data, at[tagged] + 2, ">u2")
        at[tagged] += 4
    never_ip = np.isin(kind, NEVER_IP)
    never_ip |= (kind <= LONGEST_LLC) & (numbers(data, at, ">u2") == SPANNING_TREE)
    ip = (kind == IPV4) | (kind == IPV6)
    return np.where(ip, kind, np.where(never_ip, FOREIGN, UNCLEAR)), at


def _loopback(data: Array, at: Array) -> tuple[Array, Array]:
    """An address family in the byte order of the machine that captured; LOOP: big-endian."""
    family = numbers(data, at, "<u4")
    swapped = np.flatnonzero(family > 0xFFFF)
    family[swapped] = numbers(data, at[swapped], ">u4")
    kind = np.where(family == AF_INET, IPV4, UNCLEAR)
    return np.where(np.isin(family, AF_INET6), IPV6, kind), at + 4


def _raw(data: Array, at: Array) -> tuple[Array, Array]:
    version = numbers(data, at, "u1") >> 4
    kind = np.where(version == 4, IPV4, UNCLEAR)
    return np.where(version == 6, IPV6, kind), at


LAYERS = {
    0: _loopback,
    1: _ethernet,
    12: _raw,
    14: _raw,
    101: _raw,
    108: _loopback,
    113: _linux_sll,
    228: _raw,
    229: _raw,
    276: _linux_sll2,
}
