"""Measure RTP while a capture is walked: sort packets, recognise streams, make their tables.

Files of several interfaces are not in order of time, so packets are held for half a second before they
are counted. A stream is recognised when its first packets have consecutive numbers; data that looks like
RTP by chance never gets that far and is dropped.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from postproc.model import constants
from postproc.model.columns import ARROW
from postproc.model.tables import RTP_SECONDS, RTP_STREAMS, Table
from postproc.read import streams
from postproc.read.arrays import Array, join, lengths, starts_of_runs, take
from postproc.read.rtp import PACKET
from postproc.read.seconds import CLOCKS, accumulated, clock_column, merged
from postproc.read.streams import Streams, highest_before

# Packets are at most this much out of order: twice the 250 ms for which dumpcap lets an interface's buffer
# fill (CAP_READ_TIMEOUT). Packets later than that count as reordered; a longer time costs memory.
HOLD_NS = 5 * 10**8
# Longest pause between two packets of a stream that is not recognised yet: during silence packets are rare
# (RFC 3389). A choice; longer keeps more candidates in memory.
PATIENCE_NS = 30 * 10**9
# Steps up to this width are consecutive, and this many of them make a stream. Noise has two by chance with
# (3 / 65536)**2, two in 10^9; one step alone would be one in 22,000.
FOLLOWING, NEEDED = 3, 2
TRIED = 16  # packets held per candidate
CROWD = 250_000  # packets held of all candidates; bounds memory
STRAYS = 50_000  # packets kept of candidates that were given up; bounds memory
# Packets, and the share of them in order, from which a stream is certainly media and tshark need not see it;
# and from which it is listed. Choices: lower shows tshark less, and lists more data that is no media.
FEWEST_PROVEN, SHARE_PROVEN = 8, 0.9
FEWEST_LISTED, SHARE_LISTED = constants.count("rtp.fewest_packets"), 0.5
# The end of a DTMF event alone is sent three times (RFC 4733, section 2.5.1.4); fewer may be damaged packets.
FEWEST_OTHER = 3
IPV4_MAPPED = 0xFFFF  # precedes the 32 bits of an IPv4 address (RFC 4291, section 2.5.5.2)


@dataclass
class Media:
    """State of the measurement: new packets, held ones, those of unrecognised streams, and the streams.

    ``batch`` packets are processed together, since a few cost as much as many.
    ``strays`` are packets of candidates given up: chance, or a stream of very few packets.
    """

    batch: int = 1
    gathered: list[Array] = field(default_factory=list)
    waiting: Array = field(default_factory=lambda: np.zeros(0, PACKET))
    candidates: Array = field(default_factory=lambda: np.zeros(0, PACKET))
    streams: Streams = field(default_factory=Streams)
    strays: Array = field(default_factory=lambda: np.zeros(0, PACKET))


def add(media: Media, packets: Array) -> None:
    """Add a window's packets (rtp.PACKET rows)."""
    if not len(packets):
        return
    media.gathered.append(packets)
    if sum(map(len, media.gathered)) >= media.batch:
        now = int(packets["time"][-1]) - HOLD_NS
        _advance(media, _given(media), now)


def finish(media: Media) -> None:
    """Measure the packets still held."""
    _advance(media, _given(media), None)


def _given(media: Media) -> Array:
    """Return the held and the new packets together."""
    packets, media.gathered = join(media.waiting, *media.gathered), []
    return packets


def proven(media: Media) -> Array:
    """Return the keys of the streams that are certainly media and need no dissection."""
    state = media.streams.state
    enough = state["packets"] >= FEWEST_PROVEN
    keys: Array = state["key"][enough & (state["in_order"] >= SHARE_PROVEN * state["packets"])]
    return keys


def few(media: Media, ports: Array, payload_types: Array) -> Media:
    """Return streams of very few packets, which a described port and payload type tell from chance."""
    packets = media.strays
    fits = np.isin(packets["source_port"], ports) | np.isin(packets["destination_port"], ports)
    fits &= np.isin(packets["payload_type"], payload_types)
    fits &= streams.numbers(media.streams, packets["key"]) < 0
    packets = take(packets, fits)
    packets = take(packets, _by_time(packets["time"]))
    codes, _ = pd.factorize(packets["key"])
    order = np.argsort(codes, kind="stable")
    packets, recovered = take(packets, order), Media()
    streams.begin(recovered.streams, take(packets, starts_of_runs(codes[order])))
    streams.measure(recovered.streams, codes[order], packets, now=0, last=True)
    return recovered


def _advance(media: Media, packets: Array, now: int | None) -> None:
    """Measure the packets up to ``now``, all if None; hold the others."""
    order = _by_time(packets["time"])
    due = len(order) if now is None else _last_until(packets["time"][order], now)
    order, rest = order[:due], order[due:]
    waiting = take(packets, rest)
    codes, keys = pd.factorize(packets["key"][order])
    stream = streams.numbers(media.streams, keys)[codes]
    if len(media.candidates) or (stream < 0).any():
        new = _recognised(media, take(packets, order[stream < 0]), now)
        order = np.append(order[stream >= 0], np.arange(len(packets), len(packets) + len(new)))
        stream = np.append(stream[stream >= 0], streams.numbers(media.streams, new["key"]))
        packets = join(packets, new)
    by_stream = np.argsort(stream.astype(np.min_scalar_type(media.streams.count)), kind="stable")
    batch = stream[by_stream], take(packets, order[by_stream])
    undecided = streams.measure(media.streams, *batch, now=now or 0, last=now is None)
    media.waiting = join(undecided, waiting)


def _by_time(time: Array) -> Array:
    """Return the order of time; packets after a clock was set back stay behind those before."""
    if (time[1:] >= time[:-1]).all():
        return np.arange(len(time))
    set_back = np.append(False, np.diff(time) < -HOLD_NS)
    set_back &= time >= time[0]  # otherwise nothing before it has that time, and time alone sorts all
    return np.lexsort((time, np.cumsum(set_back)))


def _last_until(time: Array, now: int) -> int:
    """Return the number of packets up to the last one not after ``now``."""
    until = np.flatnonzero(time <= now)
    return int(until[-1]) + 1 if len(until) else 0


def _recognised(media: Media, packets: Array, now: int | None) -> Array:
    """Begin the streams recognised by now; return their packets so far, by stream and time."""
    packets = join(media.candidates, packets)
    codes, keys = pd.factorize(packets["key"])
    order = np.argsort(codes, kind="stable")
    packets, codes = take(packets, order), codes[order]
    spell = _spells(packets["time"], codes)
    begin = _beginnings(packets["sequence"], codes, spell, len(keys))
    streams.begin(media.streams, take(packets, begin[begin < len(packets)]))
    place = np.arange(len(packets))
    undecided = begin[codes] == len(packets)
    tried = _still_tried(packets["time"], codes, spell, now)
    media.candidates = take(packets, undecided & tried)
    if len(media.strays) < STRAYS:
        media.strays = join(media.strays, take(packets, undecided & ~tried))
    return take(packets, place >= begin[codes])


def _spells(time: Array, codes: Array) -> Array:
    """Number each candidate's spells, which long pauses separate."""
    pause = np.diff(time, prepend=time[:1]) > PATIENCE_NS
    spells: Array = np.cumsum(pause) + codes * np.int64(len(codes) + 1)
    return spells


def _beginnings(sequence: Array, codes: Array, spell: Array, candidates: int) -> Array:
    """Return where each candidate's first spell with consecutive numbers starts; the end if there is none."""
    begin = np.full(candidates, len(codes))
    starts = starts_of_runs(spell)
    if len(starts):
        step = np.diff(sequence, prepend=sequence[:1])
        following = (step >= 1) & (step <= FOLLOWING)
        following[starts] = False
        good = starts[np.add.reduceat(following, starts, dtype=np.int64) >= NEEDED]
        begin[codes[good][::-1]] = good[::-1]  # the last one written stays
    return begin


def _still_tried(time: Array, codes: Array, spell: Array, now: int | None) -> Array:
    """Return which packets to hold: candidates' last few, while another one may still come in time."""
    if now is None or not len(codes):
        return np.zeros(len(codes), bool)
    starts = starts_of_runs(codes)
    size = lengths(starts, len(codes))
    final = np.repeat(starts + size - 1, size)
    tried: Array = (spell == spell[final]) & (time[final] >= now - PATIENCE_NS)
    tried &= final - np.arange(len(codes)) < TRIED
    if np.count_nonzero(tried) > CROWD:
        tried &= time >= np.partition(time[tried], -CROWD)[-CROWD]
    return tried


def listed(media: Media, fewest: int = FEWEST_LISTED) -> Array:
    """Return the numbers of the streams to list, by first frame.

    Packets that jitter put behind later ones count as in order: chance comes so near only once in 600.
    """
    state = media.streams.state
    share = SHARE_LISTED if fewest == FEWEST_LISTED else 0.0
    in_line = state["in_order"] + state["late"]
    worth = np.flatnonzero((state["packets"] >= fewest) & (in_line >= share * state["packets"]))
    by_frame: Array = worth[np.argsort(state["frame"][worth], kind="stable")]
    return by_frame


def rtp_tables(media: Media, fewest: int = FEWEST_LISTED) -> tuple[pa.Table, pa.Table]:
    """Return rtp_streams and rtp_seconds of streams with at least ``fewest`` packets.

    ``stream`` counts from 0 by first frame. The capture, and columns that packets alone do not
    determine (call, codec, ...), are null.
    """
    chosen = listed(media, fewest)
    if not len(chosen):
        return RTP_STREAMS.schema.empty_table(), RTP_SECONDS.schema.empty_table()
    state = take(media.streams.state, chosen)
    number = np.full(media.streams.count, -1)
    number[chosen] = np.arange(len(chosen))
    sums = merged(media.streams.seconds, number)
    main = _main_payload_types(sums)
    of_main = np.flatnonzero(sums["payload_type"] == main[sums["stream"]])
    clock = _clock_columns(sums, of_main, main)
    timed = of_main[clock[sums["stream"][of_main]] >= 0]
    running = _running_jitter(sums, timed, clock)
    mean = _mean_jitter(sums, timed, clock, running)
    return _streams(state, main, _others(sums, main), clock, mean), _seconds(state, sums, running)


def _main_payload_types(sums: Array) -> Array:
    """Return each stream's most frequent payload type."""
    both, place = np.unique(sums["stream"].astype(np.int64) << 8 | sums["payload_type"], return_inverse=True)
    total = np.bincount(place, sums["packets"])
    both = both[np.lexsort((total, both >> 8))]
    most: Array = both[np.append(np.diff(both >> 8) != 0, True)[: len(both)]] & 255
    return most


def _others(sums: Array, main: Array) -> list[str | None]:
    """Return each stream's other payload types of FEWEST_OTHER packets, comma-joined; None without any."""
    both, place = np.unique(sums["stream"].astype(np.int64) << 8 | sums["payload_type"], return_inverse=True)
    enough = both[np.bincount(place, sums["packets"]) >= FEWEST_OTHER]
    others: dict[int, list[str]] = {}
    for stream, kind in zip((enough >> 8).tolist(), (enough & 255).tolist(), strict=True):
        if kind != main[stream]:
            others.setdefault(stream, []).append(str(kind))
    return [",".join(others[number]) if number in others else None for number in range(len(main))]


def _clock_columns(sums: Array, rows: Array, main: Array) -> Array:
    """Return the column of each stream's clock in the sums, -1 if it is unknown."""
    stream = sums["stream"][rows]
    elapsed = np.bincount(stream, sums["elapsed"][rows], len(main))
    ticks = np.bincount(stream, sums["ticks"][rows], len(main))
    columns = map(clock_column, main.tolist(), ticks.tolist(), elapsed.tolist())
    return np.array([-1 if column is None else column for column in columns], np.int64)


def _running_jitter(sums: Array, rows: Array, clock: Array) -> Array:
    """Return the jitter in ms at the end of each of these rows; NaN for others and before the first step."""
    stream = sums["stream"][rows]
    steps = sums["steps"][rows, clock[stream]]
    starts = starts_of_runs(stream)
    sizes = lengths(starts, len(rows))
    running = np.full(len(sums), np.nan)
    running[rows] = accumulated(steps, sums["tail"][rows, clock[stream]], starts)
    counted = np.cumsum(steps)
    counted -= np.repeat(counted[starts] - steps[starts], sizes)
    running[rows[counted == 0]] = np.nan
    return running


def _mean_jitter(sums: Array, rows: Array, clock: Array, running: Array) -> Array:
    """Return the mean of J over all steps: the recurrence sums up to sum |D| - 15 J, with J the last one."""
    stream = sums["stream"][rows]
    steps = np.bincount(stream, sums["steps"][rows, clock[stream]], len(clock))
    distance = np.bincount(stream, sums["distance"][rows, clock[stream]], len(clock))
    final = np.full(len(clock), np.nan)
    final[stream] = running[rows]  # the last one stays
    with np.errstate(invalid="ignore"):
        mean: Array = np.maximum((distance - 15 * final) / steps, 0)
    return mean


def _streams(state: Array, main: Array, others: list[str | None], clock: Array, mean: Array) -> pa.Table:
    expected = state["highest"] - state["lowest"] + 1 - state["skipped"] + state["strays"]
    rates = np.array([*CLOCKS, 0])[clock]
    columns = {
        "frame": state["frame"],
        "time": _times(state["first_time"]),
        "src_addr": [address(*pair) for pair in state["addresses"][:, :2].tolist()],
        "src_port": state["source_port"],
        "dst_addr": [address(*pair) for pair in state["addresses"][:, 2:].tolist()],
        "dst_port": state["destination_port"],
        "stream": np.arange(len(state)),
        "ssrc": state["ssrc"],
        "payload_type": main,
        "other_payload_types": others,
        "last_payload_type": state["payload_type"],
        "clock_rate": pa.array(rates, mask=clock < 0),
        "packets": state["packets"],
        "expected": expected,
        "lost": np.maximum(expected - state["packets"], 0),
        "duplicates": state["copies"],
        "reordered": state["late"],
        "jitter_ms": mean,
        "max_gap_ms": state["max_gap"] / 1e6,
        "first_time": _times(state["first_time"]),
        "last_time": _times(np.maximum(state["time"], state["first_time"])),  # a clock may be set back
        "bytes": state["bytes"],
        "relayed": state["relayed"],
    }
    return _table(RTP_STREAMS, columns)


def _seconds(state: Array, sums: Array, running: Array) -> pa.Table:
    """Return one row per stream and second; ``lost`` as in RFC 3550, appendix A.3, for the interval."""
    starts = starts_of_runs(sums["stream"], sums["second"])  # payload types together
    stream = sums["stream"][starts]
    first = starts_of_runs(stream)
    packets = np.add.reduceat(sums["packets"], starts)
    highest = np.maximum.reduceat(sums["highest"], starts)
    before = highest_before(highest, first, state["lowest"][stream[first]] - 1)
    expected = np.maximum(highest - before, 0) - np.add.reduceat(sums["skipped"], starts)
    columns = {
        "frame": np.minimum.reduceat(sums["frame"], starts),
        "time": _times(np.minimum.reduceat(sums["time"], starts)),
        "stream": stream,
        "second": sums["second"][starts],
        "last_time": _times(np.maximum.reduceat(sums["last"], starts)),
        "packets": packets,
        "lost": np.maximum(expected - packets, 0),
        "jitter_ms": np.fmax.reduceat(running, starts),
    }
    return _table(RTP_SECONDS, columns)


def _table(table: Table, columns: dict[str, Any]) -> pa.Table:
    """Return the table with these columns; the others are null."""
    count = len(columns["frame"])
    arrays = [
        pa.array(columns[name], ARROW[dtype], from_pandas=True)
        if name in columns
        else pa.nulls(count, ARROW[dtype])
        for name, dtype in table.dtypes.items()
    ]
    return pa.Table.from_arrays(arrays, schema=table.schema)


def _times(nanoseconds: Array) -> Array:
    return nanoseconds.astype("datetime64[ns]")


@lru_cache(maxsize=4096)  # a few hosts send all reports
def address(high: int, low: int) -> str:
    """Return the text of an address in two halves: all are stored as IPv6, IPv4 ones mapped into it."""
    if high == 0 and low >> 32 == IPV4_MAPPED:
        return str(IPv4Address(low & 0xFFFFFFFF))
    return str(IPv6Address(high << 64 | low))
