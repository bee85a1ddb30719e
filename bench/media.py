"""RTP streams, vectorised, and their RTCP (RFC 3550, RFC 3711)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.batches import Batch, Field, Integers, Times
from bench.wire import IP_LENGTH, UDP_LENGTH, interface_of, ipv4, udp_segment
from postproc.wire import rtp
from postproc.wire.ip import UDP, Endpoint
from postproc.wire.rtp import sender_report, source_description

PACKETS_PER_SECOND = 50
SRTCP_CLEAR = 8  # bytes: the header and the sender's SSRC
LATE = 0.025  # s: more than the 20 ms between packets, so that a delayed one arrives after its successor
NTP_EPOCH = 2208988800
CNAME = b"client@pbx"


@dataclass(frozen=True)
class Codec:
    payload_type: int
    payload_length: int
    clock_step: int
    secured: bool


OPUS = Codec(111, 90, 960, secured=True)
PCMA = Codec(8, 160, 160, secured=False)


@dataclass(frozen=True)
class Stream:
    src: Endpoint
    dst: Endpoint
    ssrc: int
    codec: Codec
    start: float
    seconds: float


def packets(stream: Stream, rng: np.random.Generator) -> tuple[Batch, dict[str, Any]]:
    """Return the stream as it arrives, and its truth.

    Jitter is 0.2, 1 or 4 ms; a third of the streams lose 1 %, some lose 1.2 s at once, some have delayed
    packets. The first and the last packet arrive.
    """
    sent = round(stream.seconds * PACKETS_PER_SECOND)
    index, arrivals = _arrived(sent, rng)
    batch = _batch(stream, index, stream.start + arrivals, rng)
    return batch, _truth(stream, index.size, sent)


def rtcp(stream: Stream, other: Stream, time: float, noise: Callable[[int], bytes]) -> bytes:
    """Return a compound packet: sender report with one report block, CNAME; as SRTCP for SRTP."""
    sent = int((time - stream.start) * PACKETS_PER_SECOND)
    ntp, fraction = int(time) + NTP_EPOCH, int(time % 1 * 2**32)
    octets = sent * stream.codec.payload_length
    info = ntp, fraction, sent * stream.codec.clock_step, sent, octets
    report = bytes(sender_report(stream.ssrc, info, [(other.ssrc, 0, sent, 10, 0, 0)]))
    compound = report + bytes(source_description(stream.ssrc, CNAME))
    if not stream.codec.secured:
        return compound
    index = (0x80000000 | sent).to_bytes(4)
    return compound[:SRTCP_CLEAR] + noise(len(compound) - SRTCP_CLEAR) + index + noise(10)


def _arrived(sent: int, rng: np.random.Generator) -> tuple[Integers, Times]:
    """Return indices and times (s from the start) of the packets that arrive, in order of arrival."""
    index = np.arange(sent)
    delay = np.abs(rng.normal(0, rng.choice([0.0002, 0.001, 0.004]), sent))
    if rng.random() < 0.1:
        delay[rng.random(sent) < 0.002] += LATE
    kept = _kept(sent, rng)
    index, arrivals = index[kept], (index / PACKETS_PER_SECOND + delay)[kept]
    order = np.argsort(arrivals, kind="stable")
    return index[order], arrivals[order]


def _kept(sent: int, rng: np.random.Generator) -> np.typing.NDArray[np.bool_]:
    kept = np.ones(sent, bool)
    if rng.random() < 1 / 3:
        kept &= rng.random(sent) >= 0.01
    if rng.random() < 0.1 and sent > 400:
        gap = int(rng.integers(100, sent - 200))
        kept[gap : gap + 60] = False
    kept[[0, -1]] = True
    return kept


def _batch(stream: Stream, index: Integers, times: Times, rng: np.random.Generator) -> Batch:
    start = IP_LENGTH + UDP_LENGTH
    sequence, timestamp = int(rng.integers(0, 2**16)), int(rng.integers(0, 2**32))
    payload_type = stream.codec.payload_type | np.where(index == 0, 0x80, 0)
    fields = [
        Field(start + 1, 1, payload_type),
        Field(start + 2, 2, sequence + index),
        Field(start + 4, 4, timestamp + index * stream.codec.clock_step),
    ]
    seed = int(rng.integers(0, 2**32))
    return Batch(times, interface_of(stream.dst.addr), _template(stream), fields, start + rtp.HEADER, seed)


def _template(stream: Stream) -> bytes:
    packet = rtp.Packet(0, 0, 0, stream.ssrc, bytes(stream.codec.payload_length))
    datagram = udp_segment(stream.src, stream.dst, bytes(packet))
    return ipv4(UDP, stream.src.addr, stream.dst.addr, datagram)


def _truth(stream: Stream, received: int, sent: int) -> dict[str, Any]:
    where = {"src": "{}:{}".format(*stream.src), "dst": "{}:{}".format(*stream.dst)}
    return where | {"ssrc": stream.ssrc, "packets": received, "lost": sent - received}
