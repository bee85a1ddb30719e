"""Link-layer headers: an IP packet becomes a frame of an interface (tcpdump.org/linktypes)."""

import hashlib
import ipaddress
import struct
from dataclasses import dataclass

NULL, ETHERNET, RAW, LINUX_SLL, LINUX_SLL2 = 0, 1, 101, 113, 276

ARPHRD_ETHER, OUTGOING, TO_US = 1, 4, 0
SHORTEST_FRAME = 60


@dataclass(frozen=True)
class Interface:
    """Where packets were captured. ``vlans`` are (TPID, VLAN id) from outside in; ``host`` owns it."""

    name: str = "eth0"
    link: int = ETHERNET
    description: str = ""
    vlans: tuple[tuple[int, int], ...] = ()
    host: str = "10.0.50.118"
    padded: bool = False
    digits: int = 6


def frame(interface: Interface, packet: bytes) -> bytes:
    return _FRAMES[interface.link](interface, packet)


def _null(_: Interface, packet: bytes) -> bytes:
    return struct.pack("<I", 24 if packet[0] >> 4 == 6 else 2) + packet


def _raw(_: Interface, packet: bytes) -> bytes:
    return packet


def _ethernet(interface: Interface, packet: bytes) -> bytes:
    src, dst = _addresses(packet)
    tags = b"".join(struct.pack(">HH", tpid, vlan) for tpid, vlan in interface.vlans)
    out = _mac(dst) + _mac(src) + tags + struct.pack(">H", _ethertype(packet)) + packet
    return out.ljust(SHORTEST_FRAME, b"\0") if interface.padded else out


def _sll(interface: Interface, packet: bytes) -> bytes:
    src, _ = _addresses(packet)
    kind = OUTGOING if src == interface.host else TO_US
    return struct.pack(">HHH6sxxH", kind, ARPHRD_ETHER, 6, _mac(src), _ethertype(packet)) + packet


def _sll2(interface: Interface, packet: bytes) -> bytes:
    src, _ = _addresses(packet)
    kind = OUTGOING if src == interface.host else TO_US
    head = struct.pack(">HxxIHBB6sxx", _ethertype(packet), 2, ARPHRD_ETHER, kind, 6, _mac(src))
    return head + packet


_FRAMES = {NULL: _null, ETHERNET: _ethernet, RAW: _raw, LINUX_SLL: _sll, LINUX_SLL2: _sll2}


def _ethertype(packet: bytes) -> int:
    return 0x86DD if packet[0] >> 4 == 6 else 0x0800


def _addresses(packet: bytes) -> tuple[str, str]:
    src, size = (8, 16) if packet[0] >> 4 == 6 else (12, 4)
    ends = packet[src : src + size], packet[src + size : src + 2 * size]
    return str(ipaddress.ip_address(ends[0])), str(ipaddress.ip_address(ends[1]))


def _mac(addr: str) -> bytes:
    """A locally administered address that depends on the host; zero on loopback, as Linux has it."""
    if ipaddress.ip_address(addr).is_loopback:
        return bytes(6)
    return b"\x02" + hashlib.sha256(addr.encode()).digest()[:5]
