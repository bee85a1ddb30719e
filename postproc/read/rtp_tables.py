"""The tables rtp_streams and rtp_seconds, from what was remembered of the streams."""

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import numpy as np
import pandas as pd

from postproc.read import jitter
from postproc.read.arrays import Array, take
from postproc.read.media import Media, listed
from postproc.read.seconds import merged
from postproc.tables import RTP_SECONDS, RTP_STREAMS, Table

MAPPED = 0xFFFF
SUMMED = {
    "stream": "first", "second": "first", "packets": "sum", "highest": "max", "skipped": "sum",
    "frame": "first", "time": "first",
}  # fmt: skip


def rtp_tables(media: Media) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return rtp_streams and rtp_seconds; ``stream`` counts from 0 by first frame.

    Columns that no packet tells by itself (call, codec, ...) are NA, as is the capture.
    """
    chosen = listed(media)
    state = take(media.streams.state, chosen)
    sums = _sums(media, chosen)
    main = _main_payload_types(sums)
    clock = _clock_columns(take(sums, sums["payload_type"] == main[sums["stream"]]), main)
    measured = (sums["payload_type"] == main[sums["stream"]]) & (clock[sums["stream"]] >= 0)
    running = _running_jitter(sums, measured, clock)
    mean = _mean_jitter(take(sums, measured), running[measured], clock)
    return _streams(state, main, clock, mean), _seconds(state, sums, running)


def _sums(media: Media, chosen: Array) -> Array:
    """The SECOND rows of the chosen streams, by their new numbers."""
    rows = merged(media.streams.seconds.done + media.streams.seconds.fresh)
    number = np.full(media.streams.count, -1)
    number[chosen] = np.arange(len(chosen))
    rows["stream"] = number[rows["stream"]]
    rows = rows if (rows["stream"] >= 0).all() else take(rows, rows["stream"] >= 0)
    return take(rows, np.argsort(rows["stream"], kind="stable"))


def _main_payload_types(sums: Array) -> Array:
    """Payload type most often seen, one per stream."""
    frame = pd.DataFrame({name: sums[name] for name in ("stream", "payload_type", "packets")})
    total = frame.groupby(["stream", "payload_type"], as_index=False)["packets"].sum()
    most = total.sort_values("packets", ascending=False, kind="stable").drop_duplicates("stream")
    return most.sort_values("stream")["payload_type"].to_numpy()


def _clock_columns(sums: Array, main: Array) -> Array:
    """Column of each stream's clock in the sums, -1 where it is not known."""
    elapsed = np.bincount(sums["stream"], sums["elapsed"], len(main))
    ticks = np.bincount(sums["stream"], sums["ticks"], len(main))
    columns = map(jitter.clock_column, main.tolist(), ticks.tolist(), elapsed.tolist())
    return np.array([-1 if column is None else column for column in columns], np.int64)


def _running_jitter(sums: Array, measured: Array, clock: Array) -> Array:
    """Jitter in ms at the end of each row that is measured; else NaN, as before a stream's first step."""
    running = np.full(len(sums), np.nan)
    rows = np.flatnonzero(measured)
    stream = sums["stream"][rows]
    steps = sums["steps"][rows, clock[stream]]
    weight = jitter.decay(steps)
    tail = sums["tail"][rows, clock[stream]]
    level, previous = np.nan, -1
    for row, of, some, keep, new in zip(
        rows.tolist(), stream.tolist(), steps.tolist(), weight.tolist(), tail.tolist(), strict=True
    ):
        level = level if of == previous else np.nan
        if some:
            level = new if np.isnan(level) else level * keep + new
        running[row] = level
        previous = of
    return running


def _mean_jitter(sums: Array, running: Array, clock: Array) -> Array:
    """Mean of J over all steps: summing up the recurrence leaves sum |D| - 15 J, J being the last."""
    stream = sums["stream"]
    place = np.arange(len(sums)), clock[stream]
    steps = np.bincount(stream, sums["steps"][place], len(clock))
    distance = np.bincount(stream, sums["distance"][place], len(clock))
    final = np.zeros(len(clock))
    final[stream] = running  # the last one stays
    with np.errstate(invalid="ignore"):
        return np.maximum((distance - 15 * final) / steps, 0)


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
    rows = pd.DataFrame({name: sums[name] for name in SUMMED}).assign(jitter_ms=running)
    rows = rows.groupby(["stream", "second"], as_index=False).agg(SUMMED | {"jitter_ms": "last"})
    stream = rows["stream"].to_numpy()
    highest = rows.groupby("stream")["highest"].cummax()
    before = highest.groupby(stream).shift().fillna(pd.Series(state["lowest"][stream] - 1))
    lost = highest - before - rows["packets"] - rows["skipped"]
    columns = {
        **rows[["frame", "stream", "second", "packets", "jitter_ms"]],
        "time": _times(rows["time"].to_numpy()),
        "lost": lost.clip(lower=0).astype(np.int64),
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
