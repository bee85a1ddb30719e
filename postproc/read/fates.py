"""What becomes of a capture's records: noted while it is walked, copied when it is known what each hangs on.

A record stays or is left out by itself, or with its stream, connection or flow. Two files take what stays:
one for tshark, one for what is read directly.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import FileIO
from typing import BinaryIO

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
    """What was written: frames and times (ns since the epoch) in the capture; what was left out.

    ``direct`` are the frames in the other file.
    """

    frames: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    times: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    direct: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    direct_times: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    media: int = 0
    foreign: int = 0


@dataclass(frozen=True)
class Targets:
    """Files to write: for tshark, and for what is read directly; without the latter tshark sees that, too."""

    kept: BinaryIO
    direct: BinaryIO | None
    everything: bool = False  # goes to tshark


@dataclass(frozen=True)
class Verdict:
    """What the whole capture showed: keys of proven media, of connections and of flows that stay.

    ``streams`` are connections whose messages were read on the way.
    """

    media: Array
    connections: Array
    streams: Array
    flows: Array


def records_of(fates: BinaryIO, count: int) -> Iterator[Array]:
    """The next so many RECORD rows."""
    while count and (chunk := fates.read(min(JUDGED_AT_ONCE, count) * RECORD.itemsize)):
        rows = np.frombuffer(chunk, RECORD)
        count -= len(rows)
        yield rows


def record_fates(window: Window, fate: Array, key: Array) -> Array:
    """All records of a window in file order, those that are no packets included."""
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
    """Copy the records that stay; ``fates`` are RECORD rows, the packets among them are behind this frame."""
    done = [Kept()]
    for rows in fates:
        frames = frame + np.cumsum(_is_packet(rows["fate"]), dtype=np.int64)
        frame = int(frames[-1])
        done.append(_write(capture, rows, frames, verdict, targets))
    return Kept(
        frames=np.concatenate([kept.frames for kept in done]),
        times=np.concatenate([kept.times for kept in done]),
        direct=np.concatenate([kept.direct for kept in done]),
        direct_times=np.concatenate([kept.direct_times for kept in done]),
        media=sum(kept.media for kept in done),
        foreign=sum(kept.foreign for kept in done),
    )


def _is_packet(fate: Array) -> Array:
    packet: Array = (fate != NO_PACKET) & (fate != NOT_AGAIN)
    return packet


def _write(capture: FileIO, rows: Array, frames: Array, verdict: Verdict, targets: Targets) -> Kept:
    fate, at, size = rows["fate"], rows["at"], rows["size"].astype(np.int64)
    packet = _is_packet(fate)
    again = fate == NOT_AGAIN
    is_media = _hangs(rows, STREAM, lambda key: _among(key, verdict.media))
    is_read = _hangs(rows, CONNECTION, lambda key: _among(key, verdict.streams))
    is_foreign = _hangs(rows, CONNECTION, lambda key: ~_among(key, verdict.connections))
    is_foreign = is_foreign & ~is_read | (fate == LEAVE_OUT)
    is_direct = np.zeros(len(rows), bool)
    if targets.direct:
        is_direct = _hangs(rows, DIRECT, lambda key: ~_among(key, verdict.flows))
        there = is_direct | ~(packet | again)
        _copy(capture, targets.direct, at[there], size[there])
    stays = ~(is_media | is_foreign | is_direct | is_read | (fate == REPORT))
    stays = (stays | targets.everything) & ~again
    _copy(capture, targets.kept, at[stays], size[stays])
    shown = stays & packet
    unread = is_foreign | (fate == REPORT)  # RTCP: nobody asks for it
    counts = int(np.count_nonzero(is_media)), int(np.count_nonzero(unread))
    time = rows["time"]
    return Kept(frames[shown], time[shown], frames[is_direct], time[is_direct], *counts)


def _hangs(rows: Array, fate: int, judge: Callable[[Array], Array]) -> Array:
    """Which of the rows with this fate are judged so by their key."""
    which = np.flatnonzero(rows["fate"] == fate)
    judged = np.zeros(len(rows), bool)
    judged[which] = judge(rows["key"][which])
    return judged


def _among(keys: Array, wanted: Array) -> Array:
    return pd.Series(keys).isin(wanted).to_numpy()


def _copy(capture: FileIO, target: BinaryIO, at: Array, size: Array) -> None:
    """Copy stretches of the capture; those that touch go together."""
    if not len(at):
        return
    starts = starts_of_runs(at - (np.cumsum(size) - size))
    for position, total in zip(at[starts].tolist(), np.add.reduceat(size, starts).tolist(), strict=True):
        capture.seek(position)
        for done in range(0, total, COPIED_AT_ONCE):
            target.write(capture.read(min(COPIED_AT_ONCE, total - done)))
