"""The fate of a capture's records: noted during the walk, carried out when all of it has been walked.

A record is kept or dropped by itself, or together with its stream, connection or flow. The records kept go
to two files: one for tshark, one for what is read without it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import FileIO
from typing import BinaryIO, NamedTuple

import numpy as np
import pandas as pd

from postproc.read.arrays import Array, join, starts_of_runs, structure, take
from postproc.read.container import Window

KEEP, LEAVE_OUT, STREAM, CONNECTION, NO_PACKET, DIRECT, REPORT, NOT_AGAIN = range(8)
RECORD = structure("at i8, time i8, key u8, size u4, fate u4")
JUDGED_AT_ONCE = 1 << 16  # records
COPIED_AT_ONCE = 1 << 20  # bytes


@dataclass
class Kept:
    """The records written: frames and times (ns since the epoch) in the capture; and counts of those dropped.

    ``direct`` are the frames in the file that is read without tshark.
    """

    frames: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    times: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    direct: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    direct_times: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    media: int = 0
    foreign: int = 0


class Targets(NamedTuple):
    """Files to write: for tshark, and for what is read without it; without the second, tshark gets both."""

    kept: BinaryIO
    direct: BinaryIO | None
    everything: bool = False  # all records go to tshark


class Verdict(NamedTuple):
    """Keys, known after the whole walk, of proven media, and of connections and flows to keep.

    ``streams`` are connections whose messages the walk itself has read.
    """

    media: Array
    connections: Array
    streams: Array
    flows: Array


def records_of(fates: BinaryIO, count: int) -> Iterator[Array]:
    """Yield the next ``count`` RECORD rows in chunks."""
    while count and (chunk := fates.read(min(JUDGED_AT_ONCE, count) * RECORD.itemsize)):
        rows = np.frombuffer(chunk, RECORD)
        count -= len(rows)
        yield rows


def record_fates(window: Window, fate: Array, key: Array) -> Array:
    """Return RECORD rows of all records of a window in file order, including those that are no packets."""
    rows = np.zeros(len(fate), RECORD)
    rows["at"], rows["size"], rows["time"] = window.record_at, window.record_size, window.time
    rows["key"], rows["fate"] = key, fate
    if not window.others:
        return rows
    others = np.array([(at, 0, 0, size, NO_PACKET) for at, size in window.others], RECORD)
    every = join(rows, others)
    return take(every, np.argsort(every["at"], kind="stable"))


def copy_kept(
    capture: FileIO, fates: Iterable[Array], verdict: Verdict, targets: Targets, frame: int
) -> Kept:
    """Copy the records to keep; ``fates`` are RECORD rows, whose packets are numbered on from ``frame``."""
    written = [Kept()]
    for rows in fates:
        frames = frame + np.cumsum(_is_packet(rows["fate"]), dtype=np.int64)
        frame = int(frames[-1])
        written.append(_write(capture, rows, frames, verdict, targets))
    return Kept(
        frames=np.concatenate([part.frames for part in written]),
        times=np.concatenate([part.times for part in written]),
        direct=np.concatenate([part.direct for part in written]),
        direct_times=np.concatenate([part.direct_times for part in written]),
        media=sum(part.media for part in written),
        foreign=sum(part.foreign for part in written),
    )


def _is_packet(fate: Array) -> Array:
    packet: Array = (fate != NO_PACKET) & (fate != NOT_AGAIN)
    return packet


def _write(capture: FileIO, rows: Array, frames: Array, verdict: Verdict, targets: Targets) -> Kept:
    fate, at, size = rows["fate"], rows["at"], rows["size"].astype(np.int64)
    packet = _is_packet(fate)
    repeated = fate == NOT_AGAIN
    is_media = _depends(rows, STREAM, lambda key: _among(key, verdict.media))
    is_read = _depends(rows, CONNECTION, lambda key: _among(key, verdict.streams))
    is_foreign = _depends(rows, CONNECTION, lambda key: ~_among(key, verdict.connections))
    is_foreign = is_foreign & ~is_read | (fate == LEAVE_OUT)
    is_direct = np.zeros(len(rows), bool)
    if targets.direct:
        is_direct = _depends(rows, DIRECT, lambda key: ~_among(key, verdict.flows))
        to_direct = is_direct | ~(packet | repeated)
        _copy(capture, targets.direct, at[to_direct], size[to_direct])
    stays = ~(is_media | is_foreign | is_direct | is_read | (fate == REPORT))
    stays = (stays | targets.everything) & ~repeated
    _copy(capture, targets.kept, at[stays], size[stays])
    for_tshark = stays & packet
    unread = is_foreign | (fate == REPORT)  # RTCP is not used
    counts = int(np.count_nonzero(is_media)), int(np.count_nonzero(unread))
    time = rows["time"]
    return Kept(frames[for_tshark], time[for_tshark], frames[is_direct], time[is_direct], *counts)


def _depends(rows: Array, fate: int, judge: Callable[[Array], Array]) -> Array:
    """Return which rows have this fate and a key that ``judge`` accepts."""
    which = np.flatnonzero(rows["fate"] == fate)
    judged = np.zeros(len(rows), bool)
    judged[which] = judge(rows["key"][which])
    return judged


def _among(keys: Array, wanted: Array) -> Array:
    return pd.Series(keys).isin(wanted).to_numpy()


def _copy(capture: FileIO, target: BinaryIO, at: Array, size: Array) -> None:
    """Copy stretches of the capture; adjacent ones in one go."""
    if not len(at):
        return
    starts = starts_of_runs(at - (np.cumsum(size) - size))
    for position, total in zip(at[starts].tolist(), np.add.reduceat(size, starts).tolist(), strict=True):
        capture.seek(position)
        for copied in range(0, total, COPIED_AT_ONCE):
            target.write(capture.read(min(COPIED_AT_ONCE, total - copied)))
