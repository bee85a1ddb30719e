"""Every packet of pcaps/, read without the codecs: what comes from them must be judged by others."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from postproc.read.records import Described, Record, pieces

PCAPS = Path(__file__).parents[2] / "pcaps"
ETHERNET, UDP = 1, 17
HEADERS = {0: 4, ETHERNET: 14, 101: 0, 113: 16, 276: 20}  # bytes of each LINKTYPE in pcaps/


class Frame(NamedTuple):
    capture: str
    number: int
    link_type: int
    data: bytes


@cache
def frames() -> tuple[Frame, ...]:
    return tuple(frame for path in sorted(PCAPS.rglob("*.pcap*")) for frame in _frames(path))


def _frames(path: Path) -> Iterator[Frame]:
    links: list[int] = []
    with pieces(path) as found:
        for piece in found:
            if isinstance(piece, Described):
                links.append(piece.link_type)
            elif isinstance(piece, Record):
                yield Frame(path.name, piece.frame, links[piece.interface], piece.data)


@cache
def datagrams() -> tuple[bytes, ...]:
    """The payload of every UDP datagram that is no fragment, in ChannelData also what that carries."""
    return tuple(payload for frame in frames() for payload in _payloads(frame))


def _payloads(frame: Frame) -> Iterator[bytes]:
    at = HEADERS[frame.link_type]
    while frame.link_type == ETHERNET and frame.data[at - 2 : at] in (b"\x81\0", b"\x88\xa8"):
        at += 4
    data = frame.data[at:]
    size, protocol, fragment = 40, data[6], 0
    if data[0] >> 4 == 4:
        size, protocol, fragment = (data[0] & 15) * 4, data[9], int.from_bytes(data[6:8]) & 0x3FFF
    if protocol == UDP and not fragment:
        length = int.from_bytes(data[size + 4 : size + 6])
        payload = data[size + 8 : size + length]
        yield payload
        carried = int.from_bytes(payload[2:4])
        if 0x40 <= payload[0] < 0x50 and 0 <= len(payload) - 4 - carried < 4:  # else an ACK of SIP begins so
            yield payload[4 : 4 + carried]
