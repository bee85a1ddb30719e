"""The tables rtp_streams and rtp_seconds, from what was remembered of the streams."""

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import numpy as np
import pandas as pd

from postproc.model.tables import RTP_SECONDS, RTP_STREAMS, Table
from postproc.read import jitter
from postproc.read.arrays import Array, lengths, starts_of_runs, take
from postproc.read.media import FEWEST_LISTED, Media, listed
from postproc.read.seconds import merged
from postproc.read.sequence import highest_before

MAPPED = 0xFFFF


def rtp_tables(media: Media, fewest: int = FEWEST_LISTED) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return rtp_streams and rtp_seconds; ``stream`` counts from 0 by first frame.

    Streams of at least ``fewest`` packets are listed.
    Columns that no packet tells by itself (call, codec, ...) are NA, as is the capture.
    """
    chosen = listed(media, fewest)
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
    return _streams(state, main, clock, mean), _seconds(state, sums, running)


def _main_payload_types(sums: Array) -> Array:
    """Payload type most often seen, one per stream."""
    both, place = np.unique(sums["stream"].astype(np.int64) << 8 | sums["payload_type"], return_inverse=True)
    total = np.bincount(place, sums["packets"])
    both = both[np.lexsort((total, both >> 8))]
    most: Array = both[np.append(np.diff(both >> 8) != 0, True)[: len(both)]] & 255
    return most


def _clock_columns(sums: Array, rows: Array, main: Array) -> Array:
    """Column of each stream's clock in the sums, -1 where it is not known."""
    stream = sums["stream"][rows]
    elapsed = np.bincount(stream, sums["elapsed"][rows], len(main))
    ticks = np.bincount(stream, sums["ticks"][rows], len(main))
    columns = map(jitter.clock_column, main.tolist(), ticks.tolist(), elapsed.tolist())
    return np.array([-1 if column is None else column for column in columns], np.int64)


def _running_jitter(sums: Array, rows: Array, clock: Array) -> Array:
    """Jitter in ms at the end of each of these rows; else NaN, as before a stream's first step."""
    stream = sums["stream"][rows]
    steps = sums["steps"][rows, clock[stream]]
    starts = starts_of_runs(stream)
    sizes = lengths(starts, len(rows))
    running = np.full(len(sums), np.nan)
    running[rows] = jitter.accumulated(steps, sums["tail"][rows, clock[stream]], starts)
    taken = np.cumsum(steps)
    taken -= np.repeat(taken[starts] - steps[starts], sizes)
    running[rows[taken == 0]] = np.nan
    return running


def _mean_jitter(sums: Array, rows: Array, clock: Array, running: Array) -> Array:
    """Mean of J over all steps: summing up the recurrence leaves sum |D| - 15 J, J being the last."""
    stream = sums["stream"][rows]
    steps = np.bincount(stream, sums["steps"][rows, clock[stream]], len(clock))
    distance = np.bincount(stream, sums["distance"][rows, clock[stream]], len(clock))
    final = np.full(len(clock), np.nan)
    final[stream] = running[rows]  # the last one stays
    with np.errstate(invalid="ignore"):
        mean: Array = np.maximum((distance - 15 * final) / steps, 0)
    return mean


def _streams(state: Array, main: Array, clock: Array, mean: Array) -> pd.DataFrame:
    expected = state["highest"] - state["lowest"] + 1 - state["skipped"] + state["strays"]
    rates = np.array([*jitter.CLOCKS, 0])[clock]
    columns = {
        "frame": state["frame"],
        "time": _times(state["first_time"]),
        "src_addr": [_address(*pair) for pair in state["addresses"][:, :2].tolist()],
        "src_port": state["source_port"],
        "dst_addr": [_address(*pair) for pair in state["addresses"][:, 2:].tolist()],
        "dst_port": state["destination_port"],
        "stream": np.arange(len(state)),
        "ssrc": state["ssrc"],
        "payload_type": main,
        "clock_rate": pd.Series(rates, dtype="Int64").where(clock >= 0),
        "packets": state["packets"],
        "expected": expected,
        "lost": np.maximum(expected - state["packets"], 0),
        "duplicates": state["copies"],
        "reordered": state["late"],
        "jitter_ms": mean,
        "max_gap_ms": state["max_gap"] / 1e6,
        "first_time": _times(state["first_time"]),
        "last_time": _times(state["time"]),
        "bytes": state["bytes"],
        "relayed": state["relayed"],
    }
    return _table(RTP_STREAMS, columns)


def _seconds(state: Array, sums: Array, running: Array) -> pd.DataFrame:
    """One row per stream and second; lost as in RFC 3550, appendix A.3, for the interval."""
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


def _table(table: Table, columns: dict[str, Any]) -> pd.DataFrame:
    return table.conform(pd.DataFrame(columns).reindex(columns=table.names))


def _times(nanoseconds: Array) -> pd.DatetimeIndex:
    return pd.to_datetime(nanoseconds, utc=True)


def _address(high: int, low: int) -> str:
    """Addresses are kept as IPv6, IPv4 ones mapped into it."""
    if high == 0 and low >> 32 == MAPPED:
        return str(IPv4Address(low & 0xFFFFFFFF))
    return str(IPv6Address(high << 64 | low))
