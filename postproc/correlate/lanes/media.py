"""RTP streams of a call: start, end, and gaps of more than a second.

The frame of an end is the first of the stream's last second: the last packet's is not kept.
"""

from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import pandas as pd

from postproc.correlate.lanes.events import NORMAL, WARNING, Event, milliseconds, places, table
from postproc.correlate.records import NS_PER_S, records

GAP = NS_PER_S
LOSSY = 0.05  # part of the packets lost that deserves a warning


class Stream(NamedTuple):
    """A row of rtp_streams."""

    first_time: int | None
    last_time: int | None
    max_gap_ms: float | None
    codec: str | None
    ssrc: int | None
    secured: bool | None
    packets: int | None
    lost: int | None


class Second(NamedTuple):
    """A row of rtp_seconds; frame and time of its first packet."""

    time: int
    frame: int
    packets: int


def events(rtp_streams: pd.DataFrame, rtp_seconds: pd.DataFrame) -> pd.DataFrame:
    """Return start, gaps and end of each stream with a call."""
    return table("media", _events(rtp_streams[rtp_streams["call"].notna()], _seconds(rtp_seconds)))


def _events(rtp_streams: pd.DataFrame, seconds: dict[int, list[Second]]) -> Iterator[Event]:
    ids = records(rtp_streams, "capture", "call", "leg", "stream", "frame")
    rows = map(Stream._make, records(rtp_streams, *Stream._fields))
    ends = zip(places(rtp_streams, "src"), places(rtp_streams, "dst"), strict=True)
    for (capture, call, leg, number, frame), stream, end in zip(ids, rows, ends, strict=True):
        held = seconds.get(number, [])
        last = held[-1].frame if held else frame
        for kind, at, time, label, severity in (
            ("start", frame, stream.first_time, _start(stream), NORMAL),
            *_resumptions(stream, held),
            ("end", last, stream.last_time, _end(stream), WARNING if _is_lossy(stream) else NORMAL),
        ):
            yield Event(capture, at, time, call, leg, kind, label, *end, severity)


def _start(stream: Stream) -> str:
    return (
        f"{stream.codec or 'RTP'} starts, {'SRTP, ' if stream.secured else ''}SSRC 0x{stream.ssrc or 0:08x}"
    )


def _end(stream: Stream) -> str:
    return f"{stream.codec or 'RTP'} ends, {stream.packets or 0} packets, {stream.lost or 0} lost"


def _resumptions(stream: Stream, seconds: list[Second]) -> Iterator[tuple[str, int, int, str, str]]:
    for second, gap in _gaps(seconds, stream.max_gap_ms or 0):
        label = f"{stream.codec or 'RTP'} resumes after {milliseconds(gap / 1e6)}"
        yield "gap", second.frame, second.time, label, WARNING


def _seconds(rtp_seconds: pd.DataFrame) -> dict[int, list[Second]]:
    """Return the seconds in which each stream has packets, in order."""
    found: dict[int, list[Second]] = {}
    for stream, time, frame, packets in records(
        rtp_seconds.sort_values(["stream", "second"]), "stream", "time", "frame", "packets"
    ):
        if stream is not None and time is not None and packets:
            found.setdefault(stream, []).append(Second(time, frame, packets))
    return found


def _gaps(seconds: list[Second], longest_ms: float) -> Iterator[tuple[Second, float]]:
    """Yield the second that follows each gap, and the gap's length in ns.

    Any packet after a gap of a second is the first of its own second. When the
    packet before came is not in the table: it is reckoned from the packet rate.
    The longest gap of a stream is known.
    """
    longest = longest_ms * 1e6
    if longest <= GAP or len(seconds) < 2:
        return
    spacing = NS_PER_S / median(second.packets for second in seconds)
    gaps = [
        (after, after.time - before.time - (before.packets - 1) * spacing)
        for before, after in pairwise(seconds)
    ]
    widest = max(gap for _, gap in gaps)
    for after, gap in gaps:
        if gap == widest or gap > GAP:
            yield after, longest if gap == widest else min(gap, longest)


def _is_lossy(stream: Stream) -> bool:
    lost = stream.lost or 0
    return lost > LOSSY * ((stream.packets or 0) + lost)
