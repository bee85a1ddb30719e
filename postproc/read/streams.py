"""State of every RTP stream while a capture is walked: one row each, nothing per packet.

Packets are sorted by stream, then time. A step is the signed distance of a packet's sequence number from
that of the packet before (RFC 3550, appendix A.1). A step too wide in either direction is a jump: the sender
restarted, which begins a new run of numbers and is no loss; or, if the next packet continues the old run, a
single stray packet.

``measure`` takes packets in order of time in batches; the result does not depend on how they are cut.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from postproc.read.arrays import Array, before, join, lengths, starts_of_runs, structure, take
from postproc.read.seconds import Seconds, Steps, by_second, keep

MAX_DROPOUT, MAX_MISORDER = 3000, 100  # as in RFC 3550, appendix A.1; beyond them a sender has restarted
# ns within which the same number is the same packet: one sent twice follows within milliseconds, and at 50
# packets/s numbers recur after 22 minutes.
COPY_WITHIN = 10**9
FRESH_RUN = 2 * MAX_MISORDER  # a new run's extended numbers begin this far above the last, without overlap
IN_ORDER = 3  # a step this wide may have lost a packet or two and is still in order
NO_TYPE = 255  # no payload type: they have seven bits
STATE = structure(
    "key u8, addresses 4u8, source_port u2, destination_port u2, ssrc u4, relayed ?, frame i8, "
    "first_time i8, time i8, sequence u2, timestamp u4, payload_type u1, number i8, highest i8, "
    "lowest i8, skipped i8, max_gap i8, strays i8, packets i8, copies i8, late i8, in_order i8, "
    "bytes i8"
)
CARRIED = ("time", "sequence", "timestamp", "payload_type")  # of a stream's last packet
SEEN = structure("stream i8, time i8, sequence u2")


def sequence_steps(sequence: Array, starts: Array, first: Array) -> Array:
    """Return the step to each packet, int16; ``first`` are the numbers before the streams' first rows."""
    step: Array = (sequence - before(sequence, starts, first)).view(np.int16)
    return step


def jumps(step: Array) -> Array:
    return (step >= MAX_DROPOUT) | (step <= -MAX_MISORDER)


def repeats(stream: Array, sequence: Array, time: Array) -> Array:
    """Return which packets repeat the number of one at most COPY_WITHIN before."""
    key = stream.astype(np.int64) << 16 | sequence
    order = np.argsort(key, kind="stable")
    same = np.diff(key[order]) == 0
    copied = np.zeros(len(key), bool)
    copied[order[1:]] = same & (np.diff(time[order]) <= COPY_WITHIN)
    return copied


def out_of_line(sequence: Array, starts: Array, first: Array) -> Array:
    """Return which packets jump while their neighbours are consecutive."""
    jump = jumps(sequence_steps(sequence, starts, first))
    earlier = before(sequence, starts, first)[:-1]
    healed = ~jumps((sequence[1:] - earlier).view(np.int16))
    lone = np.zeros(len(sequence), bool)
    lone[:-1] = jump[:-1] & healed
    lone[starts[1:] - 1] = False  # a stream's last packet has no neighbour yet
    lone[-1:] = False
    return _every_other(lone)


def _every_other(flags: Array) -> Array:
    """Return the first, third ... of adjacent flags: the second is out of line only with the first."""
    run_starts = starts_of_runs(flags)
    place = np.arange(len(flags)) - np.repeat(run_starts, lengths(run_starts, len(flags)))
    first: Array = flags & (place % 2 == 0)
    return first


def extended(step: Array, starts: Array, first: Array) -> Array:
    """Return sequence numbers extended beyond 65535 and across jumps, starting from ``first``."""
    widths = np.where(jumps(step), FRESH_RUN, step).astype(np.int64)
    total = np.cumsum(widths)
    offset = first - (total[starts] - widths[starts])
    number: Array = total + np.repeat(offset, lengths(starts, len(step)))
    return number


def highest_before(number: Array, starts: Array, first: Array) -> Array:
    """Return the highest number of the stream before each packet, ``first`` before its first one."""
    stream = np.repeat(np.arange(len(starts)), lengths(starts, len(number)))
    apart = stream << 44  # so that one accumulation serves all streams
    high = number + apart
    high[starts] = np.maximum(high[starts], first + apart[starts])
    return before(np.maximum.accumulate(high) - apart, starts, first)


@dataclass
class Gap:
    """A time between two files in which packets were not captured, if streams' numbers skip there."""

    file: int  # number of the file after it
    start: int  # time of the last packet before it; ns since the epoch
    end: int
    packets: int = 0  # that streams lack

    @property
    def lasts(self) -> int:
        return self.end - self.start

    @property
    def interval(self) -> str:
        """The gap as an ISO 8601 interval."""
        return "/".join(pd.Timestamp(time, tz="UTC").isoformat() for time in (self.start, self.end))


@dataclass
class Streams:
    """State of all streams; ``rows`` has room for more than ``count``; ``known`` is key -> stream."""

    known: dict[int, int] = field(default_factory=dict)
    count: int = 0
    rows: Array = field(default_factory=lambda: np.zeros(64, STATE))
    recent: Array = field(default_factory=lambda: np.zeros(0, SEEN))
    seconds: Seconds = field(default_factory=Seconds)
    gaps: list[Gap] = field(default_factory=list)  # by time

    @property
    def state(self) -> Array:
        return self.rows[: self.count]


def numbers(streams: Streams, keys: Array) -> Array:
    """Return the streams with these keys, -1 for unknown keys."""
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
    """Measure a batch sorted by stream, then time; return the packets to be repeated in the next one.

    ``now`` is the time up to which packets are complete; ``last`` says that this is the last batch.
    """
    jump = jumps(_widths(streams, stream, packets)).any()
    waiting = packets[:0]
    if jump and not last:
        waits = _unsettled(streams, stream, packets)
        waiting = take(packets, waits)
        stream, packets = _without(waits, stream, packets)
    stream, packets = _without(_copies(streams, stream, packets, now), stream, packets)
    if jump:
        stream, packets = _without(_strays(streams, stream, packets), stream, packets)
    if len(stream):
        _count(streams, packets, _steps(streams, stream, packets))
    return waiting


def _without(flagged: Array, stream: Array, packets: Array) -> tuple[Array, Array]:
    """Return the rows that are not flagged."""
    return (stream[~flagged], take(packets, ~flagged)) if flagged.any() else (stream, packets)


def _unsettled(streams: Streams, stream: Array, packets: Array) -> Array:
    """Return which packets jump at a stream's end: only the next one tells a restart from a stray."""
    runs = starts_of_runs(stream, packets["sequence"])  # copies of a packet wait with it
    in_line = np.flatnonzero(~_lone(streams, stream[runs], take(packets, runs)))
    single, of = take(packets, runs[in_line]), stream[runs[in_line]]
    ends_stream = np.append(of[1:] != of[:-1], True)
    waits = np.zeros(len(runs), bool)
    waits[in_line] = ends_stream & jumps(_widths(streams, of, single))
    return np.repeat(waits, lengths(runs, len(stream)))


def _copies(streams: Streams, stream: Array, packets: Array, now: int) -> Array:
    """Return which packets repeat a number within a second, and count them."""
    sightings = np.empty(len(stream), SEEN)
    sightings["stream"], sightings["time"], sightings["sequence"] = (
        stream,
        packets["time"],
        packets["sequence"],
    )
    copied = np.zeros(len(stream), bool)
    width = _widths(streams, stream, packets)
    suspect = np.zeros(streams.count, bool)
    suspect[stream[(width < 1) | jumps(width)]] = True
    if suspect.any():
        suspects = np.flatnonzero(suspect[stream])
        earlier = take(streams.recent, suspect[streams.recent["stream"]])
        both = join(earlier, take(sightings, suspects))
        copied[suspects] = repeats(both["stream"], both["sequence"], both["time"])[len(earlier) :]
        _add(streams, "copies", stream[copied])
    both = join(streams.recent, sightings)
    streams.recent = take(both, both["time"] > now - COPY_WITHIN)
    return copied


def _strays(streams: Streams, stream: Array, packets: Array) -> Array:
    """Return which packets are out of line between two that are not, and count them."""
    lone = _lone(streams, stream, packets)
    _add(streams, "strays", stream[lone])
    _add(streams, "packets", stream[lone])
    return lone


def _lone(streams: Streams, stream: Array, packets: Array) -> Array:
    starts = starts_of_runs(stream)
    return out_of_line(packets["sequence"], starts, streams.rows["sequence"][stream[starts]])


def _widths(streams: Streams, stream: Array, packets: Array) -> Array:
    starts = starts_of_runs(stream)
    return sequence_steps(packets["sequence"], starts, streams.rows["sequence"][stream[starts]])


def _steps(streams: Streams, stream: Array, packets: Array) -> Steps:
    """Return the differences of every packet from the one before it in its stream."""
    starts = starts_of_runs(stream)
    state = streams.rows[stream[starts]]
    earlier = {name: before(packets[name], starts, state[name]) for name in CARRIED}
    width = sequence_steps(packets["sequence"], starts, state["sequence"])
    jump = jumps(width)
    number = extended(width, starts, state["number"])
    advance = number - highest_before(number, starts, state["highest"])
    missing = np.zeros(len(stream), bool)
    for gap in streams.gaps:
        across = (earlier["time"] <= gap.start) & (packets["time"] >= gap.end) & (advance > 1) & ~jump
        gap.packets += int((advance[across] - 1).sum())
        missing |= across
    return Steps(
        stream=stream,
        since=packets["time"] - np.repeat(state["first_time"], lengths(starts, len(stream))),
        elapsed=np.where(missing, 0, np.maximum(packets["time"] - earlier["time"], 0)),
        ticks=(packets["timestamp"] - earlier["timestamp"]).view(np.int32).astype(np.int64),
        number=number,
        advance=advance,
        skipped=np.where(jump | missing, np.maximum(advance - 1, 0), 0),
        comparable=~(jump | missing) & (packets["payload_type"] == earlier["payload_type"]),
    )


def _count(streams: Streams, packets: Array, steps: Steps) -> None:
    keep(streams.seconds, by_second(packets, steps))
    starts = starts_of_runs(steps.stream)
    which, ends = steps.stream[starts], np.append(starts[1:], len(steps.stream)) - 1
    streams.rows["packets"][which] += ends + 1 - starts
    for name, amount in (
        ("bytes", packets["size"]),
        ("skipped", steps.skipped),
        ("late", steps.advance <= 0),
        ("in_order", (steps.advance > 0) & (steps.advance <= IN_ORDER)),
    ):
        streams.rows[name][which] += np.add.reduceat(amount, starts, dtype=np.int64)
    for name, extreme, values in (
        ("max_gap", np.maximum, steps.elapsed),
        ("lowest", np.minimum, steps.number),
        ("highest", np.maximum, steps.number),
    ):
        streams.rows[name][which] = extreme(streams.rows[name][which], extreme.reduceat(values, starts))
    streams.rows["number"][which] = steps.number[ends]
    for name in CARRIED:
        streams.rows[name][which] = packets[name][ends]


def _add(streams: Streams, name: str, stream: Array) -> None:
    """Increment a column once for each occurrence of a stream."""
    streams.state[name] += np.bincount(stream, minlength=streams.count)
