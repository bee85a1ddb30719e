"""The small file: the records of a capture that tshark must see, byte for byte, in the same format.

While the capture is walked every record's fate goes to a scratch file, naming
the stream or the connection it hangs on; when those are known, what stays is copied.
"""

from dataclasses import dataclass, field
from io import FileIO
from typing import BinaryIO

import numpy as np
import pandas as pd

from postproc.read.arrays import Array, join, starts_of_runs, take
from postproc.read.container import Window

KEEP, LEAVE_OUT, STREAM, CONNECTION, NO_PACKET = range(5)
RECORD = np.dtype([("at", "i8"), ("size", "i8"), ("time", "i8"), ("key", "u8"), ("fate", "i8")])
CHUNK = 1 << 16  # records looked at together
PIECE = 1 << 20  # bytes copied together


@dataclass
class Kept:
    """What was written: frames and times (ns since the epoch) in the capture; what was left out."""

    frames: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    times: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    media: int = 0
    foreign: int = 0


def records(window: Window, fate: Array, key: Array) -> Array:
    """All records of a window in file order, those that are no packets included."""
    rows = np.zeros(len(fate), RECORD)
    rows["at"], rows["size"], rows["time"] = window.record_at, window.record_size, window.time
    rows["key"], rows["fate"] = key, fate
    if not window.others:
        return rows
    others = np.array([(at, size, 0, 0, NO_PACKET) for at, size in window.others], RECORD)
    every = join(rows, others)
    return take(every, np.argsort(every["at"], kind="stable"))


def write(capture: FileIO, fates: BinaryIO, target: BinaryIO, media_keys: Array, connections: Array) -> Kept:
    """Copy the records that stay; ``fates`` holds all RECORD rows, ``connections`` the keys kept."""
    done, frame = [Kept()], 0
    fates.seek(0)
    while chunk := fates.read(CHUNK * RECORD.itemsize):
        rows = np.frombuffer(chunk, RECORD)
        packet = rows["fate"] != NO_PACKET
        frames = frame + np.cumsum(packet, dtype=np.int64)
        frame += int(np.count_nonzero(packet))
        is_media = (rows["fate"] == STREAM) & _among(rows["key"], media_keys)
        is_foreign = (rows["fate"] == CONNECTION) & ~_among(rows["key"], connections)
        is_foreign |= rows["fate"] == LEAVE_OUT
        stays = ~is_media & ~is_foreign
        _copy(capture, target, rows["at"][stays], rows["size"][stays])
        shown = stays & packet
        counts = int(np.count_nonzero(is_media)), int(np.count_nonzero(is_foreign))
        done.append(Kept(frames[shown], rows["time"][shown], *counts))
    return Kept(
        np.concatenate([kept.frames for kept in done]),
        np.concatenate([kept.times for kept in done]),
        sum(kept.media for kept in done),
        sum(kept.foreign for kept in done),
    )


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
