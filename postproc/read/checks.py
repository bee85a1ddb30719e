"""STUN that is read without tshark: Binding messages on flows of nothing but checks, media and DTLS.

A message there says by itself what it is: its type, the magic cookie, and a
length that is the datagram's (RFC 8489, sections 5 and 6.3; RFC 7983). What else
goes over the same two ports (TURN, SIP, classic STUN) may change what tshark
makes of it: then tshark sees the whole flow.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from postproc.read.arrays import Array
from postproc.read.container import Interface, Window
from postproc.read.frame import Frame, addresses
from postproc.read.link import network_layer
from postproc.read.packets import Packets, packets
from postproc.read.transport import Datagrams, datagrams, mixed
from postproc.read.walk import open_container, windows

BINDING = (0x0001, 0x0011, 0x0101, 0x0111)  # request, indication, success, error
MAGIC_COOKIE = 0x2112A442
HEADER_SIZE = 20
START = np.dtype([("type", ">u2"), ("length", ">u2"), ("cookie", ">u4"), ("id", "V4")])
PROTOCOLS = ("ip", "udp", "stun")
DTLS, RTP, RTCP = (20, 63), (128, 191), (192, 223)  # first bytes (RFC 7983); RTCP second ones (RFC 5761)


@dataclass
class Flows:
    """Keys of the UDP flows that carry something else, of which tshark sees all."""

    unclear: list[Array] = field(default_factory=list)

    def mixed(self) -> Array:
        return np.unique(np.concatenate([np.zeros(0, np.uint64), *self.unclear]))


@dataclass(frozen=True)
class Found:
    """What datagrams are, by their positions; ``key`` of each check is its flow's, the same both ways."""

    checks: Array
    key: Array
    reports: Array


def find(udp: Datagrams, found: Packets, which: Array, flows: Flows) -> Found:
    """Tell the checks and the RTCP among these datagrams; flows of something else are remembered."""
    seen = udp.seen[which]
    head = udp.head[which].view(START)
    check = np.isin(head["type"], BINDING) & (head["cookie"] == MAGIC_COOKIE)
    check &= (head["length"] + np.int64(HEADER_SIZE) == udp.size[which]) & (seen == udp.size[which])
    check &= ~found.has_options[udp.rows[which]]
    first, second = head["type"] >> 8, head["type"] & 255
    report = _within(first, RTP) & _within(second, RTCP) & (seen >= 2)
    known = check | (seen >= 1) & (_within(first, DTLS) | _within(first, RTP))
    key = mixed(udp.source[which] + udp.destination[which])
    flows.unclear.append(np.unique(key[~known]))
    return Found(which[check], key[check], which[report])


def _within(byte: Array, limits: tuple[int, int]) -> Array:
    inside: Array = (byte >= limits[0]) & (byte <= limits[1])
    return inside


def frames(path: Path, numbers: Array) -> Iterator[Frame]:
    """The checks in a small file, which are these frames of the capture."""
    with path.open("rb", buffering=0) as file:
        container, done = open_container(file), 0
        for window in windows(file, container):
            end = done + len(window.start)
            yield from _frames(window, container.interfaces, numbers[done:end])
            done = end


def _frames(window: Window, interfaces: list[Interface], numbers: Array) -> Iterator[Frame]:
    found = packets(window, interfaces)
    udp, network = datagrams(found), network_layer(window, interfaces)[1]
    columns = (
        numbers, window.time, window.interface, udp.source_port, udp.destination_port, window.start,
        window.start + window.captured, network, found.transport, udp.start, udp.start + udp.size,
    )  # fmt: skip
    data = window.data.tobytes()
    for number, time, interface, source, destination, start, end, ip, transport, payload, payload_end in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        ip_header, message = data[ip:transport], data[payload:payload_end]
        src, dst = addresses(ip_header)
        yield Frame(
            number, time, interface, PROTOCOLS, src, source, dst, destination, "udp",
            ip_header, data[transport:payload], data[start:end], {"stun": [message]},
        )  # fmt: skip
