"""RTP streams (RFC 3550), and as SRTP (RFC 3711): the same header, ten bytes of tag at the end."""

from collections.abc import Collection

from pcaps.make.builders.recording import Path
from pcaps.make.builders.seed import Seed
from postproc.wire.rtp import Packet

PCMA, FRAME_S, FRAME_SAMPLES = 8, 0.02, 160
SRTP_TAG = 10


def stream(
    path: Path,
    seed: Seed,
    sender: str,
    at: float,
    *,
    until: float,
    ssrc: int,
    secured: bool = False,
    lost: Collection[int] = (),
    first: int = 0,
) -> int:
    """Send a packet of PCMA every 20 ms; return how many were sent. ``lost`` are the numbers left out.

    ``first`` continues a stream: the number of packets sent before.
    """
    sequence, timestamp = (ssrc >> 8) & 0x7FFF, ssrc * 7 & 0x7FFFFFFF
    numbers = range(first, first + max(0, round((until - at) / FRAME_S)))
    for number in numbers:
        if number in lost:
            continue
        payload = seed.data(FRAME_SAMPLES + SRTP_TAG) if secured else _tone(number)
        position = timestamp + number * FRAME_SAMPLES
        data = Packet(PCMA, sequence + number, position, ssrc, payload, marker=number == 0)
        path.send(at + (number - first) * FRAME_S + _jitter(number), sender, bytes(data))
    return len(numbers) - len([number for number in lost if number in numbers])


def _tone(number: int) -> bytes:
    return bytes(0xD5 ^ (number + i) % 16 for i in range(FRAME_SAMPLES))


def _jitter(number: int) -> float:
    """Return a packet's delay of up to 0.35 ms, in s; reproducible."""
    return (number * 37 % 8) * 50e-6
