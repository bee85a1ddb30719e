"""The small files: records that tshark must see, and plain ones, byte for byte, in the same format.

While the capture is walked every record's fate goes to a scratch file, naming
the stream or the connection it hangs on; when those are known, what stays is copied.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import FileIO
from typing import BinaryIO

import numpy as np
import pandas as pd

from postproc.read.arrays import Array, join, starts_of_runs, take
from postproc.read.container import Window

KEEP, LEAVE_OUT, STREAM, CONNECTION, NO_PACKET, PLAIN, REPORT = range(7)
RECORD = np.dtype([("at", "i8"), ("time", "i8"), ("key", "u8"), ("size", "u4"), ("fate", "u4")])
CHUNK = 1 << 16  # records looked at together
PIECE = 1 << 20  # bytes copied together


@dataclass
class Kept:
    """What was written: frames and times (ns since the epoch) in the capture; what was left out.

    ``plain`` are the frames in the other file.
    """

    frames: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    times: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    plain: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    plain_times: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    media: int = 0
    foreign: int = 0


def records(window: Window, fate: Array, key: Array) -> Array:
    """All records of a window in file order, those that are no packets included."""
    rows = np.zeros(len(fate), RECORD)
    rows["at"], rows["size"], rows["time"] = window.record_at, window.record_size, window.time
    rows["key"], rows["fate"] = key, fate
    if not window.others:
        return rows
    others = np.array([(at, 0, 0, size, NO_PACKET) for at, size in window.others], RECORD)
    every = join(rows, others)
    return take(every, np.argsort(every["at"], kind="stable"))


@dataclass(frozen=True)
class Targets:
    """Files to write: what tshark must see; what is plain, which it sees, too, where that has no file."""

    kept: BinaryIO
    plain: BinaryIO | None


@dataclass(frozen=True)
class Verdict:
    """What the whole capture showed: keys of proven media, of connections and of flows that stay."""

    media: Array
    connections: Array
    flows: Array


def write(capture: FileIO, fates: BinaryIO, verdict: Verdict, targets: Targets) -> Kept:
    """Copy the records that stay; ``fates`` holds all RECORD rows."""
    done, frame = [Kept()], 0
    fates.seek(0)
    while chunk := fates.read(CHUNK * RECORD.itemsize):
        rows = np.frombuffer(chunk, RECORD)
        frames = frame + np.cumsum(rows["fate"] != NO_PACKET, dtype=np.int64)
        frame = int(frames[-1])
        done.append(_write(capture, rows, frames, verdict, targets))
    return Kept(
        frames=np.concatenate([kept.frames for kept in done]),
        times=np.concatenate([kept.times for kept in done]),
        plain=np.concatenate([kept.plain for kept in done]),
        plain_times=np.concatenate([kept.plain_times for kept in done]),
        media=sum(kept.media for kept in done),
        foreign=sum(kept.foreign for kept in done),
    )


def _write(capture: FileIO, rows: Array, frames: Array, verdict: Verdict, targets: Targets) -> Kept:
    fate, at, size = rows["fate"], rows["at"], rows["size"].astype(np.int64)
    packet = fate != NO_PACKET
    is_media = _hangs(rows, STREAM, lambda key: _among(key, verdict.media))
    is_foreign = _hangs(rows, CONNECTION, lambda key: ~_among(key, verdict.connections)) | (fate == LEAVE_OUT)
    is_plain = np.zeros(len(rows), bool)
    if targets.plain:
        is_plain = _hangs(rows, PLAIN, lambda key: ~_among(key, verdict.flows))
        _copy(capture, targets.plain, at[is_plain | ~packet], size[is_plain | ~packet])
    stays = ~(is_media | is_foreign | is_plain | (fate == REPORT))
    _copy(capture, targets.kept, at[stays], size[stays])
    shown = stays & packet
    unread = is_foreign | (fate == REPORT)  # RTCP: nobody asks for it
    counts = int(np.count_nonzero(is_media)), int(np.count_nonzero(unread))
    time = rows["time"]
    return Kept(frames[shown], time[shown], frames[is_plain], time[is_plain], *counts)


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
        for done in range(0, total, PIECE):
            target.write(capture.read(min(PIECE, total - done)))
