"""HEP (Homer, heplify, captagent, siptrace): packets copied by agents, at their original addresses.

A copy has the agent's time if that is plausible (read.limits), else the time of the packet that carries it.
Compressed copies are not read but counted; reports about media (RTCP as JSON, statistics, logs) are no
packets and ignored.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from postproc.read.arrays import Array
from postproc.read.frame import Frame
from postproc.read.limits import believed
from postproc.read.packets import MAPPED, Packets, Payloads
from postproc.read.payloads import DTLS_FIRST, is_hep
from postproc.read.rtp import RTP_FIRST, MediaPacket, media_rows
from postproc.wire import MalformedError, hep
from postproc.wire.ip import TCP, UDP, written

TRANSPORTS = {UDP: "udp", TCP: "tcp", 132: "sctp"}
NAME = "HEP"  # of copies that are not read


def opened(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield the frames, each one with HEP replaced by the packets copied in it."""
    for frame in frames:
        if "hep" not in frame.messages:
            yield frame
        for message in frame.messages.get("hep", ()):
            copy = _copy(message)
            if copy and copy.payload:
                yield _inner(frame, copy, copy.payload)


def _copy(message: bytes) -> hep.Copy | None:
    try:
        return hep.parse(message)
    except MalformedError:
        return None


def _inner(frame: Frame, copy: hep.Copy, payload: bytes) -> Frame:
    kind = "stun" if payload[0] < DTLS_FIRST.start else "dtls" if payload[0] in DTLS_FIRST else "sip"
    return replace(
        frame,
        time=time_of(copy, frame.time),
        arrived=frame.time,
        protocols=("hep", kind),
        src_addr=written(copy.source),
        src_port=copy.source_port,
        dst_addr=written(copy.destination),
        dst_port=copy.destination_port,
        transport=TRANSPORTS.get(copy.protocol),
        ip=b"",
        header=b"",
        packet=payload,
        messages={} if payload[0] in RTP_FIRST else {kind: [payload]},
        certificates=(),
    )


def time_of(copy: hep.Copy, arrived: int) -> int:
    """Return the agent's time if it is plausible, else that of the packet with the copy."""
    return copy.time if copy.time is not None and believed(copy.time) else arrived


def media(packets: Packets, udp: Payloads, first_frame: int) -> tuple[Array, Counter[str]]:
    """Return possible RTP in the copies of a window as PACKET rows, and the number of unreadable copies."""
    carried: list[MediaPacket] = []
    unread: Counter[str] = Counter()
    for place in np.flatnonzero(is_hep(udp)).tolist():
        row, start = int(udp.rows[place]), int(udp.start[place])
        if packets.fragmented[row]:  # tshark reassembles it
            continue
        message = udp.data[start : start + int(udp.seen[place])].tobytes()
        copy = _copy(message)
        if copy is None or (copy.payload is None and hep.COMPRESSED in _kinds(message)):
            unread[NAME] += 1
        else:
            carried += media_packets(copy, first_frame + row, int(packets.time[row]))
    return media_rows(carried), unread


def _kinds(message: bytes) -> set[int]:
    return {chunk.kind for chunk in hep.chunks(message)} if message.startswith(hep.MAGIC) else set()


def media_of(message: bytes, frame: int, time: int) -> list[MediaPacket]:
    """Return possible RTP in a copy that came over TCP."""
    copy = _copy(message)
    return media_packets(copy, frame, time) if copy else []


def media_packets(copy: hep.Copy, frame: int, arrived: int) -> list[MediaPacket]:
    payload = copy.payload or b""
    if not payload or payload[0] not in RTP_FIRST:
        return []
    ends = (*_halves(copy.source), *_halves(copy.destination))
    ports = copy.source_port, copy.destination_port
    return [MediaPacket(time_of(copy, arrived), frame, ends, ports, payload, len(payload), relayed=False)]


def _halves(address: bytes) -> tuple[int, int]:
    """Return high and low half of an address, IPv4 mapped into IPv6."""
    number = int.from_bytes(address) if len(address) == 16 else MAPPED | int.from_bytes(address)
    return number >> 64, number & 0xFFFF_FFFF_FFFF_FFFF
