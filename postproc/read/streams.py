"""What is remembered of every RTP stream while a capture is walked: one row each, nothing per packet.

``measure`` takes packets in order of time, a batch after the other; to cut the
same packets into other batches changes nothing.
"""

from dataclasses import dataclass, field

import numpy as np

from postproc.read import sequence
from postproc.read.arrays import Array, before, join, lengths, starts_of_runs, take
from postproc.read.seconds import Seconds, by_second, keep

IN_ORDER = 3  # a step this wide may have lost a packet or two and is still in order
NO_TYPE = 255
STATE = np.dtype([
    ("key", "u8"), ("addresses", "u8", (4,)), ("source_port", "u2"), ("destination_port", "u2"),
    ("ssrc", "u4"), ("relayed", "?"), ("frame", "i8"), ("first_time", "i8"), ("time", "i8"),
    ("sequence", "u2"), ("timestamp", "u4"), ("payload_type", "u1"), ("number", "i8"), ("highest", "i8"),
    ("lowest", "i8"), ("skipped", "i8"), ("max_gap", "i8"), ("strays", "i8"), ("packets", "i8"), ("copies", "i8"),
    ("late", "i8"), ("in_order", "i8"), ("bytes", "i8"),
])  # fmt: skip
SEEN = np.dtype([("stream", "i8"), ("time", "i8"), ("sequence", "u2")])


@dataclass
class Streams:
    """``rows`` has room for more than the ``count`` streams there are; ``known`` is key -> stream."""

    known: dict[int, int] = field(default_factory=dict)
    count: int = 0
    rows: Array = field(default_factory=lambda: np.zeros(64, STATE))
    recent: Array = field(default_factory=lambda: np.zeros(0, SEEN))
    seconds: Seconds = field(default_factory=Seconds)

    @property
    def state(self) -> Array:
        return self.rows[: self.count]


def numbers(streams: Streams, keys: Array) -> Array:
    """Return the streams of these keys, -1 for unknown ones."""
    get = streams.known.get
    return np.array([get(key, -1) for key in keys.tolist()], np.int64)


def begin(streams: Streams, packets: Array) -> None:
    """Begin a stream at each of these packets, which have different keys."""
    total = streams.count + len(packets)
    if total > len(streams.rows):
        streams.rows = join(streams.rows, np.zeros(total, STATE))
    new = streams.rows[streams.count : total]
    for name in ("key", "addresses", "source_port", "destination_port", "ssrc", "relayed", "frame", "time"):
        new[name] = packets[name]
    new["first_time"] = packets["time"]
    new["sequence"] = packets["sequence"] - np.uint16(1)
    new["number"] = new["highest"] = packets["sequence"].astype(np.int64) - 1
    new["lowest"] = packets["sequence"]
    new["payload_type"] = NO_TYPE
    streams.known.update(zip(packets["key"].tolist(), range(streams.count, total), strict=True))
    streams.count = total


def measure(streams: Streams, stream: Array, packets: Array, now: int, *, last: bool = False) -> Array:
    """Measure a batch sorted by stream, then time; return the packets to be given again with the next.

    ``now`` is the time up to which packets have been given; ``last`` is the last batch.
    """
    waits = np.zeros(len(stream), bool) if last else _unsettled(streams, stream, packets)
    waiting, packets, stream = take(packets, waits), take(packets, ~waits), stream[~waits]
    stay = ~_copies(streams, stream, packets, now)
    packets, stream = take(packets, stay), stream[stay]
    stay = ~_strays(streams, stream, packets)
    packets, stream = take(packets, stay), stream[stay]
    if len(stream):
        _count(streams, stream, packets)
    return waiting


def _steps(streams: Streams, stream: Array, packets: Array) -> Array:
    starts = starts_of_runs(stream)
    return sequence.steps(packets["sequence"], starts, streams.rows["sequence"][stream[starts]])


def _unsettled(streams: Streams, stream: Array, packets: Array) -> Array:
    """Packets at a stream's end that jump: only the next one tells a restart from a stray."""
    jump = sequence.jumps(_steps(streams, stream, packets))
    if not jump.any():
        return jump
    starts = starts_of_runs(stream, packets["sequence"])  # copies of a packet wait with it
    ends_stream = np.append(np.diff(stream[starts]) != 0, True)
    sizes = lengths(starts, len(stream))
    return np.repeat(ends_stream & jump[starts], sizes)


def _copies(streams: Streams, stream: Array, packets: Array, now: int) -> Array:
    """Packets whose number came before within a second; counted here."""
    seen = np.empty(len(stream), SEEN)
    seen["stream"], seen["time"], seen["sequence"] = stream, packets["time"], packets["sequence"]
    copied = np.zeros(len(stream), bool)
    step = _steps(streams, stream, packets)
    suspect = np.zeros(streams.count, bool)
    suspect[stream[(step < 1) | sequence.jumps(step)]] = True
    if suspect.any():
        asked = np.flatnonzero(suspect[stream])
        earlier = take(streams.recent, suspect[streams.recent["stream"]])
        both = join(earlier, take(seen, asked))
        copied[asked] = sequence.copies(both["stream"], both["sequence"], both["time"])[len(earlier) :]
        _add(streams, "copies", stream[copied])
    streams.recent = join(streams.recent, seen)
    streams.recent = take(streams.recent, streams.recent["time"] > now - sequence.COPY_WITHIN)
    return copied


def _strays(streams: Streams, stream: Array, packets: Array) -> Array:
    """Packets out of line between two that are not; counted here."""
    starts = starts_of_runs(stream)
    lone = sequence.strays(packets["sequence"], starts, streams.rows["sequence"][stream[starts]])
    _add(streams, "strays", stream[lone])
    _add(streams, "packets", stream[lone])
    return lone


def _count(streams: Streams, stream: Array, packets: Array) -> None:
    starts = starts_of_runs(stream)
    which, ends = stream[starts], np.append(starts[1:], len(stream)) - 1
    known = streams.rows[which]
    step = sequence.steps(packets["sequence"], starts, known["sequence"])
    jump = sequence.jumps(step)
    number = sequence.extended(step, starts, known["number"])
    highest = sequence.highest_before(number, starts, known["highest"])
    advance = number - highest
    skipped = np.where(jump, advance - 1, 0)
    elapsed = np.maximum(packets["time"] - before(packets["time"], starts, known["time"]), 0)
    _add(streams, "packets", stream)
    _add(streams, "late", stream[advance <= 0])
    _add(streams, "in_order", stream[(advance > 0) & (advance <= IN_ORDER)])
    _add(streams, "bytes", stream, packets["size"])
    _add(streams, "skipped", stream, skipped)
    since = packets["time"] - np.repeat(known["first_time"], lengths(starts, len(stream)))
    kind = packets["payload_type"]
    comparable = ~jump & (kind == before(kind, starts, known["payload_type"]))
    ticks = packets["timestamp"] - before(packets["timestamp"], starts, known["timestamp"])
    keep(streams.seconds, by_second(stream, since, packets, number, skipped, elapsed, ticks, comparable))
    for name, value in (
        ("max_gap", np.maximum(known["max_gap"], np.maximum.reduceat(elapsed, starts))),
        ("lowest", np.minimum(known["lowest"], np.minimum.reduceat(number, starts))),
        ("highest", np.maximum(known["highest"], np.maximum.reduceat(number, starts))),
        ("number", number[ends]),
        *((name, packets[name][ends]) for name in ("time", "sequence", "timestamp", "payload_type")),
    ):
        streams.rows[name][which] = value


def _add(streams: Streams, name: str, stream: Array, amount: Array | None = None) -> None:
    total = np.bincount(stream, amount, streams.count)
    streams.state[name] += total.astype(np.int64)
