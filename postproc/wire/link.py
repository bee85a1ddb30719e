"""Link layers (https://www.tcpdump.org/linktypes.html).

A frame is a list of layers, outermost first, and their payload. The outermost is Ethernet, BSD loopback, a
Linux cooked capture or PPP; raw IP has no layers. Inside it there may be VLAN tags (IEEE 802.1Q and
802.1ad), PPPoE (RFC 2516), MPLS (RFC 3032) and SNAP.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

from postproc.wire import MalformedError

NULL, ETHERNET, PPP, PPP_HDLC, RAW, LOOP, LINUX_SLL, LINUX_SLL2 = 0, 1, 9, 50, 101, 108, 113, 276
BARE_IP = frozenset({RAW, 12, 14, 228, 229})  # as BSDs number RAW; IPv4 alone, IPv6 alone
IPV4, IPV6, ARP, PPPOE_SESSION = 0x0800, 0x86DD, 0x0806, 0x8864
VLAN_TAGS, MPLS_LABELS = (0x8100, 0x88A8, 0x9100), (0x8847, 0x8848)
LONGEST_LLC = 1500  # up to here an ethertype is a length (IEEE 802.3)
NO_ETHERTYPE = 0x10000  # from here on: PPP's protocols that have no ethertype; UNKNOWN: not said at all
UNKNOWN = -1
PPP_PROTOCOLS = {0x0021: IPV4, 0x0057: IPV6, 0x0281: 0x8847, 0x0283: 0x8848}
AF_INET, AF_INET6 = 2, (10, 23, 24, 28, 30)  # Linux, Windows, the BSDs
SNAP = b"\xaa\xaa\x03\0\0\0"
BOTTOM = 0x100  # of the stack of MPLS labels


class Layer(Protocol):
    """``kind`` is the ethertype with which the enclosing layer announces this one; None for the outermost."""

    @property
    def kind(self) -> int | None: ...

    def pack(self, carried: int, data: bytes, /) -> bytes:
        """Return the layer around ``data`` of ethertype ``carried``."""
        ...


class Frame(NamedTuple):
    """``carried`` is the payload's ethertype; the payload includes Ethernet padding, as only IP knows its
    length.
    """

    layers: tuple[Layer, ...]
    carried: int
    payload: bytes

    @property
    def is_ip(self) -> bool:
        return self.carried in (IPV4, IPV6)

    def __bytes__(self) -> bytes:
        carried, data = self.carried, self.payload
        for layer in reversed(self.layers):
            data = layer.pack(carried, data)
            carried = UNKNOWN if layer.kind is None else layer.kind
        return data


@dataclass(frozen=True, slots=True)
class Ethernet:
    kind: ClassVar[None] = None
    destination: bytes
    source: bytes

    def pack(self, carried: int, data: bytes) -> bytes:
        return self.destination + self.source + carried.to_bytes(2) + data


@dataclass(frozen=True, slots=True)
class Cooked:
    """Linux ``-i any``. ``hardware`` is an ARPHRD value; ``address`` has eight bytes, ``size`` of them
    used.
    """

    kind: ClassVar[None] = None
    direction: int
    hardware: int
    size: int
    address: bytes

    def pack(self, carried: int, data: bytes) -> bytes:
        return struct.pack(">HHH8sH", self.direction, self.hardware, self.size, self.address, carried) + data


@dataclass(frozen=True, slots=True)
class Cooked2:
    """Version 2 of the cooked capture, with the interface."""

    kind: ClassVar[None] = None
    interface: int
    direction: int
    hardware: int
    size: int
    address: bytes
    reserved: int = 0

    def pack(self, carried: int, data: bytes) -> bytes:
        head = struct.pack(
            ">HHIHBB8s",
            carried,
            self.reserved,
            self.interface,
            self.hardware,
            self.direction,
            self.size,
            self.address,
        )
        return head + data


@dataclass(frozen=True, slots=True)
class Loopback:
    """``family`` is in the byte order of the capturing machine."""

    kind: ClassVar[None] = None
    family: bytes

    def pack(self, _: int, data: bytes) -> bytes:
        return self.family + data


@dataclass(frozen=True, slots=True)
class PointToPoint:
    """PPP (RFC 1661, 1662). ``framing`` is HDLC address and control; the protocol has one or two bytes."""

    kind: ClassVar[None] = None
    framing: bytes
    size: int

    def pack(self, carried: int, data: bytes) -> bytes:
        return self.framing + _ppp_number(carried).to_bytes(self.size) + data


class Vlan(NamedTuple):
    """``control`` is priority, drop eligibility and VLAN id."""

    kind: int
    control: int

    def pack(self, carried: int, data: bytes) -> bytes:
        return struct.pack(">HH", self.control, carried) + data


class Snap(NamedTuple):
    """An ethertype after LLC (IEEE 802.2); the enclosing layer has the length, which is ``kind``."""

    kind: int

    def pack(self, carried: int, data: bytes) -> bytes:
        return SNAP + carried.to_bytes(2) + data


@dataclass(frozen=True, slots=True)
class Pppoe:
    """A session packet: ``length`` counts the PPP protocol and its payload, without padding."""

    kind: ClassVar[int] = PPPOE_SESSION
    version: int
    code: int
    session: int
    length: int

    def pack(self, carried: int, data: bytes) -> bytes:
        head = struct.pack(">BBHH", self.version, self.code, self.session, self.length)
        return head + _ppp_number(carried).to_bytes(2) + data


class Mpls(NamedTuple):
    """The label stack, with traffic class and time to live; it does not name the payload's protocol."""

    kind: int
    labels: tuple[int, ...]

    def pack(self, _: int, data: bytes) -> bytes:
        return b"".join(label.to_bytes(4) for label in self.labels) + data


def parse(link_type: int, data: bytes) -> Frame:
    """Parse a frame of a LINKTYPE. Raises MalformedError for an unknown type or an incomplete header."""
    if link_type in BARE_IP:
        return Frame((), _by_version(data), data)
    if link_type not in OUTERMOST:
        raise MalformedError(f"link type {link_type}")
    size, outermost = OUTERMOST[link_type]
    if len(data) < size:
        raise MalformedError("a link-layer header cut short")
    layer, carried, at = outermost(data)
    layers: list[Layer] = [layer]
    while (inner := _inner(carried, data, at)) is not None:
        layer, carried, at = inner
        layers.append(layer)
    return Frame(tuple(layers), carried, data[at:])


Found = tuple[Layer, int, int]  # a layer, the ethertype of what it carries, and where that starts


def _inner(kind: int, data: bytes, at: int) -> Found | None:
    """Return a layer between the outermost and the network layer; None if there is none or it is
    incomplete.
    """
    if kind in VLAN_TAGS and at + 4 <= len(data):
        control, carried = struct.unpack_from(">HH", data, at)
        return Vlan(kind, control), carried, at + 4
    if 0 <= kind <= LONGEST_LLC and data[at : at + 6] == SNAP and at + 8 <= len(data):
        return Snap(kind), int.from_bytes(data[at + 6 : at + 8]), at + 8
    if kind == PPPOE_SESSION and at + 8 <= len(data):
        *head, number = struct.unpack_from(">BBHHH", data, at)
        return Pppoe(*head), _ppp_ethertype(number), at + 8
    return _mpls(kind, data, at) if kind in MPLS_LABELS else None


def _mpls(kind: int, data: bytes, at: int) -> Found | None:
    labels: list[int] = []
    while not labels or not labels[-1] & BOTTOM:
        if at + 4 > len(data):
            return None
        labels.append(int.from_bytes(data[at : at + 4]))
        at += 4
    return Mpls(kind, tuple(labels)), _by_version(data[at : at + 1]), at


def _ethernet(data: bytes) -> Found:
    return Ethernet(data[:6], data[6:12]), int.from_bytes(data[12:14]), 14


def _cooked(data: bytes) -> Found:
    direction, hardware, size, address, carried = struct.unpack_from(">HHH8sH", data)
    return Cooked(direction, hardware, size, address), carried, 16


def _cooked2(data: bytes) -> Found:
    carried, reserved, interface, hardware, direction, size, address = struct.unpack_from(">HHIHBB8s", data)
    return Cooked2(interface, direction, hardware, size, address, reserved), carried, 20


def _loopback(data: bytes) -> Found:
    family = int.from_bytes(data[:4], "little")
    family = int.from_bytes(data[:4]) if family > 0xFFFF else family
    carried = IPV4 if family == AF_INET else IPV6 if family in AF_INET6 else UNKNOWN
    return Loopback(data[:4]), carried, 4


def _point_to_point(data: bytes) -> Found:
    at = 2 if data[:2] == b"\xff\x03" else 0
    size = 1 if data[at : at + 1] and data[at] & 1 else 2  # only the last byte of a protocol is odd
    number = int.from_bytes(data[at : at + size])
    if at + size > len(data):
        raise MalformedError("a PPP header cut short")
    return PointToPoint(data[:at], size), _ppp_ethertype(number), at + size


OUTERMOST: dict[int, tuple[int, Callable[[bytes], Found]]] = {
    NULL: (4, _loopback),
    ETHERNET: (14, _ethernet),
    PPP: (1, _point_to_point),
    PPP_HDLC: (1, _point_to_point),
    LOOP: (4, _loopback),
    LINUX_SLL: (16, _cooked),
    LINUX_SLL2: (20, _cooked2),
}


def _by_version(data: bytes) -> int:
    return {4: IPV4, 6: IPV6}.get(data[0] >> 4 if data else 0, UNKNOWN)


def _ppp_ethertype(number: int) -> int:
    return PPP_PROTOCOLS.get(number, NO_ETHERTYPE + number)


def _ppp_number(ethertype: int) -> int:
    return PPP_NUMBERS.get(ethertype, ethertype - NO_ETHERTYPE)


PPP_NUMBERS = {ethertype: number for number, ethertype in PPP_PROTOCOLS.items()}
