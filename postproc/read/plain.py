"""What is read without tshark: checks and DTLS on flows of nothing but these and media; SIP on its own.

A Binding message says by itself what it is: its type, the magic cookie, and a
length that is the datagram's (RFC 8489, sections 5 and 6.3; RFC 7983); so do DTLS
records (RFC 6347, section 4.1) and a whole SIP message in a datagram (RFC 3261,
section 18.3). What else goes over the same two ports (TURN, classic STUN, SIP among
checks) may change what tshark makes of them: then tshark sees the whole flow. So it
does of DTLS with a certificate in fragments.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from postproc.read import dtls
from postproc.read.arrays import Array, numbers
from postproc.read.container import Interface, Window
from postproc.read.foreign import MAGIC_COOKIE, begins_like_sip
from postproc.read.frame import Frame, addresses
from postproc.read.packets import ForTshark, Payloads, flow, mixed, unwrapped
from postproc.read.sip import is_message
from postproc.read.walk import open_container, windows

BINDING = (0x0001, 0x0011, 0x0101, 0x0111)  # request, indication, success, error
HEADER_SIZE = 20
START = np.dtype([("type", ">u2"), ("length", ">u2"), ("cookie", ">u4"), ("id", "V8")])
OF_DTLS, OF_SIP = np.uint64(1), np.uint64(2)  # keys of their own: each may need tshark when the others do not
KEEP_ALIVE = 4  # bytes (RFC 5626, section 4.4.1): no message
DTLS, RTP, RTCP = (20, 63), (128, 191), (192, 223)  # first bytes (RFC 7983); RTCP second ones (RFC 5761)


@dataclass(frozen=True)
class Found:
    """What datagrams are, by their positions; what a plain one's fate hangs on is its ``key``."""

    plain: Array
    key: Array
    reports: Array


def find(udp: Payloads, which: Array, flows: ForTshark) -> Found:
    """Tell what is read here among these datagrams, and RTCP; flows of something else are remembered."""
    first, second = (numbers(udp.data, udp.start[which] + place, "u1") for place in range(2))
    size, filled = udp.size[which], udp.seen[which] >= 2
    whole = udp.seen[which] == size
    check = whole & _is_check(udp.head[which].view(START), size)
    secure, media = filled & _within(first, DTLS), filled & _within(first, RTP)
    handshake = _asked(udp, which, secure & whole, lambda message: dtls.certificates(message) is not None)
    starts = begins_like_sip(udp.data, udp.start[which], udp.seen[which])
    message = _asked(udp, which, starts & whole, is_message)
    key = flow(udp.source[which], udp.destination[which])
    of_dtls, of_sip = mixed(key + OF_DTLS), mixed(key + OF_SIP)
    unclear = ~(check | secure | media)
    flows.certain += [
        np.unique(key[unclear]),
        np.unique(of_dtls[unclear | secure & ~handshake]),
        np.unique(of_sip[~message & (size > KEEP_ALIVE)]),
    ]
    flows.secured.append(np.unique(of_dtls[handshake]))
    plain = check | handshake | message
    key = np.where(message, of_sip, np.where(check, key, of_dtls))
    return Found(which[plain], key[plain], which[media & _within(second, RTCP)])


def _is_check(head: Array, size: Array) -> Array:
    found: Array = np.isin(head["type"], BINDING) & (head["cookie"] == MAGIC_COOKIE)
    found &= head["length"] + np.int64(HEADER_SIZE) == size
    return found


def _asked(udp: Payloads, which: Array, flags: Array, judge: Callable[[bytes], bool]) -> Array:
    """Which of the datagrams that are flagged are judged so."""
    places = np.flatnonzero(flags)
    start = udp.start[which[places]]
    found = np.zeros(len(which), bool)
    found[places] = [
        judge(udp.data[at:end].tobytes())
        for at, end in zip(start.tolist(), (start + udp.size[which[places]]).tolist(), strict=True)
    ]
    return found


def _within(byte: Array, limits: tuple[int, int]) -> Array:
    inside: Array = (byte >= limits[0]) & (byte <= limits[1])
    return inside


def frames(path: Path, frame_numbers: Array, times: Array) -> Iterator[Frame]:
    """The messages in a file of plain datagrams, which are these frames of the capture, at these times."""
    with path.open("rb", buffering=0) as file:
        container, done = open_container(file), 0
        for window in windows(file, container):
            end = done + len(window.start)
            yield from _frames(window, container.interfaces, frame_numbers[done:end], times[done:end])
            done = end


def _frames(
    window: Window, interfaces: list[Interface], frame_numbers: Array, times: Array
) -> Iterator[Frame]:
    found, udp = unwrapped(window, interfaces)
    columns = (
        frame_numbers, times, window.interface, udp.source_port, udp.destination_port, window.start,
        window.start + window.captured, found.network, found.transport, udp.start, udp.start + udp.size,
    )  # fmt: skip
    data = window.data.tobytes()
    for number, time, interface, source, destination, start, end, ip, transport, payload, payload_end in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        ip_header, message = data[ip:transport], data[payload:payload_end]
        src, dst = addresses(ip_header)
        kind = "stun" if message[0] < dtls.PLAIN.start else "dtls" if message[0] in dtls.PLAIN else "sip"
        yield Frame(
            number, time, interface, ("ip", "udp", kind), src, source, dst, destination, "udp",
            ip_header, data[transport:payload], data[start:end], {kind: [message]},
            (kind == "dtls" and dtls.certificates(message)) or (),
        )  # fmt: skip
