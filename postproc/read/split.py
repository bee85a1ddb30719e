"""Splits a capture: media measured here, foreign traffic left out, the rest in two files, one for tshark.

One walk measures, and notes in a scratch file what the fate of every record hangs on: nothing, a
stream, a connection or a flow. When all of them are known, the records that stay are copied,
byte for byte, in the capture's own format.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from postproc.model.errors import CaptureError
from postproc.model.tables import RTP_SECONDS, RTP_STREAMS
from postproc.read import hep, hidden, media, payloads
from postproc.read.arrays import Array, join, starts_of_runs, structure, take
from postproc.read.container import Container, Window
from postproc.read.frame import Frame
from postproc.read.inputs import said
from postproc.read.layers import FOREIGN, listed
from postproc.read.media import Media, rtp_tables
from postproc.read.packets import PIECE, ForTshark, Packets, Payloads, flow, incomplete, segments, unwrapped
from postproc.read.rtp import rtp_packets
from postproc.read.segments import At, Streams
from postproc.read.walk import WINDOW, Hashing, open_container, windows

USUAL_SIZE = 256  # of a media packet's record: so many of them are measured together as fill a window
KEEP, LEAVE_OUT, STREAM, CONNECTION, NO_PACKET, DIRECT, REPORT = range(7)
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


@dataclass(frozen=True)
class Verdict:
    """What the whole capture showed: keys of proven media, of connections and of flows that stay.

    ``streams`` are connections whose messages were read on the way.
    """

    media: Array
    connections: Array
    streams: Array
    flows: Array


@dataclass(frozen=True)
class Split:
    """What one walk over a capture found; ``sha256`` is of the file's bytes.

    ``interfaces`` and ``link_types`` have one entry per interface. ``kept_frames``
    and ``kept_times`` (ns since the epoch) belong to the small file's frames in
    order, ``direct_frames`` and ``direct_times`` to those in the other one.
    ``guessed_frames`` are those whose clock is not believed (read.limits): their
    times are of the frame before. ``rtp_streams.stream`` counts from 0 within the
    file; capture is NA.
    """

    format: str = ""
    sha256: str = ""
    packets: int = 0
    first_time: int | None = None  # ns since the epoch
    last_time: int | None = None
    interfaces: tuple[str, ...] = ()
    link_types: tuple[str, ...] = ()
    cut_short: bool = False
    has_secrets: bool = False
    media_packets: int = 0
    foreign_packets: int = 0
    not_looked_at: int = 0
    unread: str = ""  # what those were
    walked: bool = True
    tunnel_ports: frozenset[int] = frozenset()  # of UDP
    kept_frames: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    kept_times: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    direct_frames: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    direct_times: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    guessed_frames: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    rtp_streams: pd.DataFrame = field(default_factory=RTP_STREAMS.empty)
    rtp_seconds: pd.DataFrame = field(default_factory=RTP_SECONDS.empty)
    warnings: tuple[str, ...] = ()
    media: Media = field(default_factory=Media)
    from_streams: tuple[Frame, ...] = ()


@dataclass
class Walk:
    """What a walk gathers."""

    container: Container
    media: Media
    connections: ForTshark = field(default_factory=ForTshark)
    flows: ForTshark = field(default_factory=ForTshark)
    streams: Streams = field(default_factory=Streams)
    unread: Counter[str] = field(default_factory=Counter)  # packets not looked into, by what they were
    tunnel_ports: set[int] = field(default_factory=set)
    fragments: list[Array] = field(default_factory=lambda: [np.zeros(0, PIECE)])
    first_time: int | None = None
    last_time: int | None = None
    guessed: list[Array] = field(default_factory=lambda: [np.zeros(0, np.int64)])  # frames


def split(
    capture: Path,
    kept: Path | None,
    aside: Path | None = None,
    *,
    keep_tls: bool = False,
    window: int = WINDOW,
    seen: Callable[[int], None] = lambda _: None,
) -> Split:
    """Measure the media of a capture, and write to ``kept`` what tshark must see of it.

    ``aside`` takes what needs no tshark (read.payloads); without it, tshark sees that, too.
    ``keep_tls`` keeps connections that may be decrypted; secrets in the file do so too.
    ``seen`` is told how many bytes have been looked at.
    Raises CaptureError, or NotWalkable when it has to be converted first.
    """
    try:
        with Hashing(capture) as file:
            walk = Walk(open_container(file), Media(batch=window // USUAL_SIZE))
            with tempfile.TemporaryFile(dir=kept and kept.parent) as fates:
                _walk(file, walk, fates if kept else None, window, seen)
                small = _written(file, fates, _verdict(walk, keep_tls), kept, aside) if kept else Kept()
                return _result(walk, small, file.sha256())
    except OSError as error:
        raise CaptureError(said(error)) from error


def _walk(file: FileIO, walk: Walk, fates: BinaryIO | None, size: int, seen: Callable[[int], None]) -> None:
    for window in windows(file, walk.container, size):
        _take_in(window, walk, fates)
        seen(file.tell())
    media.add(walk.media, walk.streams.finish())
    media.finish(walk.media)


def _written(file: FileIO, fates: BinaryIO, verdict: Verdict, kept: Path, aside: Path | None) -> Kept:
    with kept.open("wb") as target, aside.open("wb") if aside else nullcontext() as second:
        return copy_kept(file, fates, verdict, Targets(target, second))


def _verdict(walk: Walk, keep_tls: bool) -> Verdict:
    keep = keep_tls or walk.container.has_secrets
    connections, flows = walk.connections.keys(keep_tls=keep), walk.flows.keys(keep_tls=keep)
    return Verdict(media.proven(walk.media), connections, walk.streams.connections, flows)


def _take_in(window: Window, walk: Walk, fates: BinaryIO | None) -> None:
    """Measure the media of a window, and note what its records' fate hangs on."""
    found, udp = unwrapped(window, walk.container.interfaces)
    walk.unread.update(found.unread)
    walk.unread.update(hidden.in_datagrams(udp))
    first_frame = walk.container.packets - len(window.time) + 1
    copied, unread = hep.media(found, udp, first_frame)
    walk.unread.update(unread)
    walk.fragments += found.fragments
    walk.tunnel_ports |= found.tunnel_ports
    rtp, rows = rtp_packets(found, udp, window.time, first_frame)
    media.add(walk.media, rtp)
    media.add(walk.media, copied)
    tcp = segments(found)
    keys = flow(tcp.source, tcp.destination)
    at = At(first_frame, window.time, window.interface)
    media.add(walk.media, walk.streams.take(found, tcp, keys, payloads.framed_in_tcp(tcp), at))
    walk.unread.update(hidden.in_segments(tcp, walk.streams.carries(keys)))
    if fates:
        fate, key = _fates(found, udp, tcp, keys, walk)
        bare = ~rtp["relayed"]
        fate[rows[bare]], key[rows[bare]] = STREAM, rtp["key"][bare]
        _note_direct(udp, walk.flows, fate, key)
        fates.write(record_fates(window, fate, key).view(np.uint8).data)
    walk.guessed.append(first_frame + window.guessed)
    _note_times(walk, np.delete(window.time, window.guessed) if len(window.guessed) else window.time)


def _note_times(walk: Walk, times: Array) -> None:
    if len(times):
        first, last = int(times.min()), int(times.max())
        walk.first_time = first if walk.first_time is None else min(walk.first_time, first)
        walk.last_time = last if walk.last_time is None else max(walk.last_time, last)


def _fates(found: Packets, udp: Payloads, tcp: Payloads, keys: Array, walk: Walk) -> tuple[Array, Array]:
    """What the fate of each packet hangs on, media aside; ``keys`` are of the segments' connections."""
    fate = np.where(found.protocol == FOREIGN, np.uint8(LEAVE_OUT), np.uint8(KEEP))
    key = np.zeros(len(fate), np.uint64)
    fate[udp.rows[payloads.quic(udp)]] = LEAVE_OUT
    if not len(tcp.rows):
        return fate, key
    content = payloads.tls_content(tcp)
    payloads.note_signalling(walk.connections, tcp, keys, content)
    hangs = ~payloads.always_kept(tcp, content)
    fate[tcp.rows[hangs]], key[tcp.rows[hangs]] = CONNECTION, keys[hangs]
    return fate, key


def _note_direct(udp: Payloads, flows: ForTshark, fate: Array, key: Array) -> None:
    """The same for what is read directly and for RTCP, among the datagrams of which nothing is known yet."""
    found = payloads.without_tshark(udp, np.flatnonzero(fate[udp.rows] == KEEP), flows)
    fate[udp.rows[found.reports]] = REPORT
    fate[udp.rows[found.direct]], key[udp.rows[found.direct]] = DIRECT, found.key


def _unread(walk: Walk) -> Counter[str]:
    """Packets of which nobody here can say what is in them."""
    missing = incomplete(np.concatenate(walk.fragments))
    return walk.unread + walk.streams.unread + Counter({"IP fragments without their rest": missing})


def _not_looked_at(unread: Counter[str]) -> Iterator[str]:
    if total := sum(unread.values()):
        packets = "packet" if total == 1 else "packets"
        yield f"{total} {packets} not looked at, in which media may be: {listed(unread)}"


def _result(walk: Walk, small: Kept, sha256: str) -> Split:
    rtp_streams, rtp_seconds = rtp_tables(walk.media)
    unread = _unread(walk)
    container = walk.container
    return Split(
        format=container.format,
        sha256=sha256,
        packets=container.packets,
        first_time=walk.first_time,
        last_time=walk.last_time,
        interfaces=tuple(interface.name for interface in container.interfaces),
        link_types=tuple(interface.link_name for interface in container.interfaces),
        cut_short=container.cut_short,
        has_secrets=container.has_secrets,
        media_packets=small.media,
        foreign_packets=small.foreign,
        kept_frames=small.frames,
        kept_times=small.times,
        direct_frames=small.direct,
        direct_times=small.direct_times,
        not_looked_at=sum(unread.values()),
        unread=listed(unread),
        tunnel_ports=frozenset(walk.tunnel_ports),
        guessed_frames=np.concatenate(walk.guessed),
        rtp_streams=rtp_streams,
        rtp_seconds=rtp_seconds,
        warnings=(*container.warnings, *_not_looked_at(unread)),
        media=walk.media,
        from_streams=tuple(walk.streams.frames),
    )


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


def copy_kept(capture: FileIO, fates: BinaryIO, verdict: Verdict, targets: Targets) -> Kept:
    """Copy the records that stay; ``fates`` holds all RECORD rows."""
    done, frame = [Kept()], 0
    fates.seek(0)
    while chunk := fates.read(JUDGED_AT_ONCE * RECORD.itemsize):
        rows = np.frombuffer(chunk, RECORD)
        frames = frame + np.cumsum(rows["fate"] != NO_PACKET, dtype=np.int64)
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


def _write(capture: FileIO, rows: Array, frames: Array, verdict: Verdict, targets: Targets) -> Kept:
    fate, at, size = rows["fate"], rows["at"], rows["size"].astype(np.int64)
    packet = fate != NO_PACKET
    is_media = _hangs(rows, STREAM, lambda key: _among(key, verdict.media))
    is_read = _hangs(rows, CONNECTION, lambda key: _among(key, verdict.streams))
    is_foreign = _hangs(rows, CONNECTION, lambda key: ~_among(key, verdict.connections))
    is_foreign = is_foreign & ~is_read | (fate == LEAVE_OUT)
    is_direct = np.zeros(len(rows), bool)
    if targets.direct:
        is_direct = _hangs(rows, DIRECT, lambda key: ~_among(key, verdict.flows))
        _copy(capture, targets.direct, at[is_direct | ~packet], size[is_direct | ~packet])
    stays = ~(is_media | is_foreign | is_direct | is_read | (fate == REPORT))
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
