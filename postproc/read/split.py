"""Split a capture: measure media here, drop foreign traffic, and write the rest to two files, one for tshark.

One walk measures media and notes in a scratch file what the fate of every record depends on: nothing, a
stream, a connection or a flow. After the walk all of these are known, and the records to keep are copied
byte for byte in the capture's own format.

Consecutive files (a ring buffer) are walked as one: the state of streams, connections, fragments and
segments carries over from file to file, frames are numbered continuously, and the two files hold the
records of all.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from postproc.model.errors import CaptureError
from postproc.model.tables import RTP_SECONDS, RTP_STREAMS
from postproc.read import direct, hep, hidden, media, payloads
from postproc.read.arrays import Array
from postproc.read.beside import Beside
from postproc.read.container import Container, Interface, Window
from postproc.read.fates import (
    CONNECTION,
    DIRECT,
    KEEP,
    LEAVE_OUT,
    NOT_AGAIN,
    REPORT,
    STREAM,
    Kept,
    Targets,
    Verdict,
    copy_kept,
    record_fates,
    records_of,
)
from postproc.read.frame import Frame
from postproc.read.inputs import said
from postproc.read.layers import FOREIGN, listed
from postproc.read.media import Media, rtp_tables
from postproc.read.packets import (
    PIECE,
    ForTshark,
    Packets,
    Payloads,
    flow,
    incomplete,
    mixed,
    segments,
    unwrapped,
)
from postproc.read.reports import Reports, noted
from postproc.read.rtp import headers, rtp_packets
from postproc.read.segments import At, Streams
from postproc.read.streams import Gap
from postproc.read.tcp import Connections
from postproc.read.walk import WINDOW, Hashing, open_container, windows
from postproc.wire import pcapng

USUAL_SIZE = 256  # bytes of a media packet's record: as many as fill a window are measured together
# Packets are missing between two files if the pause between them is this many times the usual distance of
# packets, and a stream's numbers skip. By chance such a pause has a probability of e**-50. Lower, loss in the
# network at that moment would be ignored; higher, a missing short file with little traffic would be loss.
PAUSES_OF_A_GAP = 50
# ns; with many calls packets are microseconds apart, and a slow disk pauses a capture for longer.
SHORTEST_GAP = 10**8


class BrokenChainError(CaptureError):
    """Several files cannot be walked as one because of the one at ``place``."""

    def __init__(self, place: int, error: Exception) -> None:
        super().__init__(place, error)
        self.place = place

    def __str__(self) -> str:
        return str(self.args[1])


@dataclass(frozen=True)
class Split:
    """The result of a walk over a capture; ``sha256`` is of the file's bytes.

    ``files`` has the result of each file if several were walked as one, as far as it can be separated.
    ``interfaces`` and ``link_types`` have one entry per interface. ``kept_frames`` and ``kept_times`` (ns
    since the epoch) belong to the frames of tshark's file in order, ``direct_frames`` and
    ``direct_times`` to those of the other one. ``guessed_frames`` have implausible times (read.limits),
    replaced by those of the frame before. ``rtp_streams.stream`` counts from 0 within the file; its
    ``capture`` is NA.
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
    messages_cut: int = 0  # by the snapshot length
    walked: bool = True
    tunnel_ports: frozenset[int] = frozenset()  # of UDP
    kept_frames: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    kept_times: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    direct_frames: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    direct_times: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    guessed_frames: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    rtp_streams: pa.Table = field(default_factory=RTP_STREAMS.schema.empty_table)
    rtp_seconds: pa.Table = field(default_factory=RTP_SECONDS.schema.empty_table)
    warnings: tuple[str, ...] = ()
    media: Media = field(default_factory=Media)
    beside: Beside = field(default_factory=Beside)
    from_streams: tuple[Frame, ...] = ()
    way_in: Connections = field(default_factory=Connections)
    files: "tuple[Split, ...]" = ()
    missing: str = ""  # a time before this file in which packets were not captured


@dataclass
class File:
    """A file as far as it has been walked; ``frames`` counts those before it, ``rows`` its rows of fates."""

    path: Path
    container: Container
    number: int  # among the files
    frames: int
    identity: tuple[int, int]  # device and inode of the file opened
    interfaces: int = 0  # described in it so far
    rows: int = 0
    sha256: str = ""
    first_time: int | None = None
    last_time: int | None = None
    unread: Counter[str] = field(default_factory=Counter)  # packets not opened, by the header that was not
    cut: Counter[str] = field(default_factory=Counter)  # messages captured in part, by protocol
    pieces: int = 0  # number of fragments up to its end
    warnings: list[str] = field(default_factory=list)


@dataclass
class Walk:
    """State of a walk over one file after the other."""

    media: Media
    files: list[File] = field(default_factory=list)
    interfaces: list[Interface] = field(default_factory=list)
    connections: ForTshark = field(default_factory=ForTshark)
    flows: ForTshark = field(default_factory=ForTshark)
    streams: Streams = field(default_factory=Streams)
    plain_sip: direct.PlainSip = field(default_factory=direct.PlainSip)
    way_in: Connections = field(default_factory=Connections)
    reports: Reports = field(default_factory=Reports)
    beside: Beside = field(default_factory=Beside)
    tunnel_ports: set[int] = field(default_factory=set)
    fragments: list[Array] = field(default_factory=lambda: [np.zeros(0, PIECE)])
    last_time: int | None = None
    walked: int = 0  # bytes of the files walked completely
    guessed: list[Array] = field(default_factory=lambda: [np.zeros(0, np.int64)])  # frames


def split(
    captures: Path | Sequence[Path],
    kept: Path | None,
    aside: Path | None = None,
    *,
    keep_tls: bool = False,
    everything: bool = False,
    window: int = WINDOW,
    seen: Callable[[int], None] = lambda _: None,
) -> Split:
    """Measure the media of a capture, and write the records that tshark must see to ``kept``.

    Several consecutive files count as one capture. Records that need no tshark (read.payloads) go to
    ``aside``; without it, to ``kept`` too. ``keep_tls``, or secrets in the file, keep connections that
    may be decrypted; ``everything`` keeps all packets. ``seen`` is called with the number of bytes walked.
    Raises CaptureError, NotWalkable if it has to be converted first, BrokenChainError for several files.
    """
    paths = [captures] if isinstance(captures, Path) else list(captures)
    walk = Walk(Media(batch=window // USUAL_SIZE))
    try:
        with tempfile.TemporaryFile(dir=kept and kept.parent) as fates:
            for path in paths:
                _walk(path, walk, fates if kept else None, window, seen)
            media.add(walk.media, walk.streams.finish())
            media.finish(walk.media)
            fates.seek(0)
            verdict = _verdict(walk, keep_tls)
            small = [Kept()] * len(paths)
            if kept:
                with kept.open("wb") as target, aside.open("wb") if aside else nullcontext() as second:
                    small = _written(walk, fates, verdict, Targets(target, second, everything))
            return _result(walk, small)
    except OSError as error:
        raise _broken(walk, paths, CaptureError(said(error))) from error
    except CaptureError as error:
        raise _broken(walk, paths, error) from error


def _broken(walk: Walk, paths: Sequence[Path], error: CaptureError) -> CaptureError:
    """Return the error; for several files, with the place of the one being walked."""
    if len(paths) == 1 or isinstance(error, BrokenChainError):
        return error
    return BrokenChainError(sum(bool(each.sha256) for each in walk.files), error)


def _walk(path: Path, walk: Walk, fates: BinaryIO | None, size: int, progress: Callable[[int], None]) -> None:
    """Walk one file, continuing from those before it."""
    number = len(walk.files)
    with Hashing(path) as file:
        status = os.fstat(file.fileno())
        before = walk.files[-1] if walk.files else None
        frames = before.frames + before.container.packets if before else 0
        now = File(path, open_container(file), number, frames, (status.st_dev, status.st_ino))
        if before:
            _check_same_kind(before, now)
            now.container.clock.last = before.container.clock.last
        walk.files.append(now)
        for window in windows(file, now.container, size):
            _note_interfaces(walk, now)
            _note_gap(walk, now, window)
            _take_in(file, window, walk, fates)
            progress(walk.walked + file.tell())
        now.pieces = sum(map(len, walk.fragments))
        now.sha256 = file.sha256()
    walk.walked += status.st_size


def _check_same_kind(before: File, now: File) -> None:
    kinds = [(each.container.format, each.container.layout.length.format) for each in (before, now)]
    if kinds[0] != kinds[1]:
        raise BrokenChainError(now.number, CaptureError("another format than the file before"))


def _note_interfaces(walk: Walk, now: File) -> None:
    """Check that interface numbers mean the same in all files, and add new ones."""
    own = now.container.interfaces
    if any(one != other for one, other in zip(walk.interfaces, own, strict=False)):
        raise BrokenChainError(now.number, CaptureError("other interfaces than the file before"))
    walk.interfaces += own[len(walk.interfaces) :]


def _note_gap(walk: Walk, now: File, window: Window) -> None:
    """Record a possible gap before this file: packets that streams lack there were not lost."""
    if walk.last_time is None or now.number == 0 or now.first_time is not None or not len(window.time):
        return
    before, first = walk.files[now.number - 1], int(window.time.min())
    if before.first_time is None:
        return
    usual = (walk.last_time - before.first_time) / max(before.container.packets, 1)
    pause = first - walk.last_time
    if pause > max(PAUSES_OF_A_GAP * usual, SHORTEST_GAP) or before.container.cut_short:
        walk.media.streams.gaps.append(Gap(now.number, walk.last_time, first))


def _written(walk: Walk, fates: BinaryIO, verdict: Verdict, targets: Targets) -> list[Kept]:
    parts = []
    for each in walk.files:
        with FileIO(each.path) as file:
            status = os.fstat(file.fileno())
            if (status.st_dev, status.st_ino) != each.identity:
                raise CaptureError("another file took its place while it was read")
            parts.append(copy_kept(file, records_of(fates, each.rows), verdict, targets, each.frames))
    return parts


def _verdict(walk: Walk, keep_tls: bool) -> Verdict:
    keep = keep_tls or any(each.container.has_secrets for each in walk.files)
    connections, flows = walk.connections.keys(keep_tls=keep), walk.flows.keys(keep_tls=keep)
    flows = np.union1d(flows, walk.plain_sip.for_tshark())
    return Verdict(media.proven(walk.media), connections, walk.streams.connections, flows)


def _take_in(file: FileIO, window: Window, walk: Walk, fates: BinaryIO | None) -> None:
    """Measure the media of a window, and note what its records' fate depends on."""
    now = walk.files[-1]
    packets, udp = unwrapped(window, now.container.interfaces)
    now.unread.update(packets.unread)
    now.unread.update(hidden.in_datagrams(udp))
    first_frame = now.frames + now.container.packets - len(window.time) + 1
    copied, unread = hep.media(packets, udp, first_frame)
    now.unread.update(unread)
    walk.fragments += packets.fragments
    walk.tunnel_ports |= packets.tunnel_ports
    found = headers(udp)
    rtp, rows = rtp_packets(packets, udp, found, window.time, first_frame)
    walk.reports.take(packets, udp, found, window.time, first_frame)
    walk.beside.take(packets, udp)
    media.add(walk.media, rtp)
    media.add(walk.media, copied)
    tcp = segments(packets)
    keys = flow(tcp.source, tcp.destination)
    at = At(first_frame, window.time, window.interface)
    media.add(walk.media, walk.streams.take(packets, tcp, keys, payloads.framed_in_tcp(tcp), at))
    walk.way_in.take(packets, tcp, keys, at)
    now.unread.update(hidden.in_segments(tcp, walk.streams.carries(keys)))
    now.cut.update(hidden.cut(packets, udp, tcp))
    if fates:
        fate, key = _fates(packets, udp, tcp, keys, walk)
        bare = ~rtp["relayed"]
        fate[rows[bare]], key[rows[bare]] = STREAM, rtp["key"][bare]
        _note_direct(udp, walk.flows, fate, key)
        records = record_fates(window, fate, key)
        if now.number:
            _note_again(file, window, records, walk)
        fates.write(records.view(np.uint8).data)
        now.rows += len(records)
    walk.guessed.append(first_frame + window.guessed)
    _note_times(walk, np.delete(window.time, window.guessed) if len(window.guessed) else window.time)


def _note_again(file: FileIO, window: Window, records: Array, walk: Walk) -> None:
    """Mark headers and interface descriptions that repeat those of the files before, to be dropped."""
    repeated, now, walked = [], walk.files[-1], file.tell()
    before = max(len(each.container.interfaces) for each in walk.files[:-1])
    for at, _ in window.others:
        file.seek(at)
        kind = int.from_bytes(file.read(4), "little")
        described = now.container.format == "pcapng" and kind == pcapng.INTERFACE
        if at == 0 or (described and now.interfaces < before):
            repeated.append(at)
        now.interfaces += described
    file.seek(walked)
    records["fate"][np.isin(records["at"], repeated)] = NOT_AGAIN


def _note_times(walk: Walk, times: Array) -> None:
    if len(times):
        now, first, last = walk.files[-1], int(times.min()), int(times.max())
        now.first_time = first if now.first_time is None else min(now.first_time, first)
        now.last_time = last if now.last_time is None else max(now.last_time, last)
        walk.last_time = last if walk.last_time is None else max(walk.last_time, last)


def _fates(packets: Packets, udp: Payloads, tcp: Payloads, keys: Array, walk: Walk) -> tuple[Array, Array]:
    """Return fate and key of each packet, except for media; ``keys`` are the segments' connections."""
    fate = np.where(packets.protocol == FOREIGN, np.uint8(LEAVE_OUT), np.uint8(KEEP))
    key = np.zeros(len(fate), np.uint64)
    fate[udp.rows[payloads.quic(udp)]] = LEAVE_OUT
    fate[direct.icmp(packets)] = DIRECT
    if not len(tcp.rows):
        return fate, key
    content = payloads.tls_content(tcp)
    payloads.note_signalling(walk.connections, tcp, keys, content)
    hangs = ~payloads.always_kept(tcp, content)
    fate[tcp.rows[hangs]], key[tcp.rows[hangs]] = CONNECTION, keys[hangs]
    sip = walk.plain_sip.take(tcp, keys)
    fate[tcp.rows[sip]], key[tcp.rows[sip]] = DIRECT, mixed(keys[sip] + direct.OF_TCP)
    return fate, key


def _note_direct(udp: Payloads, flows: ForTshark, fate: Array, key: Array) -> None:
    """Set fate and key of datagrams read directly and of RTCP, among those without a fate so far."""
    datagrams = payloads.without_tshark(udp, np.flatnonzero(fate[udp.rows] == KEEP), flows)
    fate[udp.rows[datagrams.reports]] = REPORT
    fate[udp.rows[datagrams.direct]], key[udp.rows[datagrams.direct]] = DIRECT, datagrams.key


def _unread(walk: Walk) -> list[Counter[str]]:
    """Return by file the packets that could not be opened, by the header that was not."""
    missing = incomplete(np.concatenate(walk.fragments))
    unread = [each.unread for each in walk.files]
    ends = np.searchsorted(np.flatnonzero(missing), [0, *(each.pieces for each in walk.files)])
    for counts, number in zip(unread, np.diff(ends).tolist(), strict=True):
        counts["IP fragments without their rest"] += number
    unread[-1].update(walk.streams.unread)
    return [+counts for counts in unread]


def _missing(gap: Gap) -> str:
    """Return the warning about packets missing before a file."""
    return (
        f"packets are missing between the file before it and this one ({gap.lasts / 1e9:.1f} s): "
        f"the {gap.packets} of RTP among them are not counted as lost"
    )


def _result(walk: Walk, small: list[Kept]) -> Split:
    rtp_streams, rtp_seconds = rtp_tables(walk.media)
    rtp_streams = noted(rtp_streams, rtp_seconds, walk.reports.kept)
    walk.files[-1].container.warnings += walk.reports.warnings
    every = zip(walk.files, small, _unread(walk), strict=True)
    files = tuple(_of_file(*each, walk.media.streams.gaps) for each in every)
    unread = sum((each.unread for each in walk.files), Counter[str]())
    times = [time for each in files for time in (each.first_time, each.last_time) if time is not None]
    return Split(
        format=files[0].format,
        sha256=files[0].sha256,
        packets=sum(each.packets for each in files),
        first_time=min(times, default=None),
        last_time=max(times, default=None),
        interfaces=tuple(interface.name for interface in walk.interfaces),
        link_types=tuple(interface.link_name for interface in walk.interfaces),
        cut_short=any(each.cut_short for each in files),
        has_secrets=any(each.has_secrets for each in files),
        media_packets=sum(each.media_packets for each in files),
        foreign_packets=sum(each.foreign_packets for each in files),
        kept_frames=np.concatenate([each.frames for each in small]),
        kept_times=np.concatenate([each.times for each in small]),
        direct_frames=np.concatenate([each.direct for each in small]),
        direct_times=np.concatenate([each.direct_times for each in small]),
        not_looked_at=sum(unread.values()),
        unread=listed(unread),
        messages_cut=sum(each.messages_cut for each in files),
        tunnel_ports=frozenset(walk.tunnel_ports),
        guessed_frames=np.concatenate(walk.guessed),
        rtp_streams=rtp_streams,
        rtp_seconds=rtp_seconds,
        warnings=tuple(warning for each in files for warning in each.warnings),
        media=walk.media,
        beside=walk.beside,
        from_streams=tuple(walk.streams.frames),
        way_in=walk.way_in,
        files=files,
    )


def _of_file(file: File, small: Kept, unread: Counter[str], gaps: list[Gap]) -> Split:
    container, own_gaps = file.container, [gap for gap in gaps if gap.file == file.number and gap.packets]
    return Split(
        format=container.format,
        sha256=file.sha256,
        packets=container.packets,
        first_time=file.first_time,
        last_time=file.last_time,
        interfaces=tuple(interface.name for interface in container.interfaces),
        link_types=tuple(interface.link_name for interface in container.interfaces),
        cut_short=container.cut_short,
        has_secrets=container.has_secrets,
        media_packets=small.media,
        foreign_packets=small.foreign,
        not_looked_at=sum(unread.values()),
        unread=listed(unread),
        messages_cut=sum(file.cut.values()),
        missing="; ".join(gap.interval for gap in own_gaps),
        warnings=(*map(_missing, own_gaps), *container.warnings, *hidden.warnings(unread, file.cut)),
    )
