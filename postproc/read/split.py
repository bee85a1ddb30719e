"""Parts a capture: media measured here, foreign traffic left out, a small file for tshark.

One walk measures and says of every packet what its fate hangs on: nothing, a
stream or a connection. When all streams and connections are known, the records
that stay are copied, byte for byte, in the capture's own format.
"""

import tempfile
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

import numpy as np
import pandas as pd

from postproc.errors import CaptureError
from postproc.read import foreign, media
from postproc.read.arrays import Array
from postproc.read.container import Container, Window
from postproc.read.foreign import Connections
from postproc.read.inputs import said
from postproc.read.link import FOREIGN
from postproc.read.media import Media
from postproc.read.packets import Packets, packets
from postproc.read.rtp import rtp_packets
from postproc.read.rtp_tables import rtp_tables
from postproc.read.small import CONNECTION, KEEP, LEAVE_OUT, STREAM, Kept, records, write
from postproc.read.transport import Payloads, datagrams, segments
from postproc.read.walk import WINDOW, open_container, windows
from postproc.tables import RTP_SECONDS, RTP_STREAMS


@dataclass(frozen=True)
class Split:
    """What one walk over a capture found.

    ``interfaces`` and ``link_types`` have one entry per interface. ``kept_frames``
    and ``kept_times`` (ns since the epoch) belong to the small file's frames in
    order. ``rtp_streams.stream`` counts from 0 within the file; capture is NA.
    """

    format: str = ""
    packets: int = 0
    first_time: int | None = None  # ns since the epoch
    last_time: int | None = None
    interfaces: tuple[str, ...] = ()
    link_types: tuple[str, ...] = ()
    cut_short: bool = False
    has_secrets: bool = False
    media_packets: int = 0
    foreign_packets: int = 0
    kept_frames: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    kept_times: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    rtp_streams: pd.DataFrame = field(default_factory=RTP_STREAMS.empty)
    rtp_seconds: pd.DataFrame = field(default_factory=RTP_SECONDS.empty)
    warnings: tuple[str, ...] = ()


def split(capture: Path, kept: Path | None, *, keep_tls: bool = False, window: int = WINDOW) -> Split:
    """Measure the media of a capture, and write to ``kept`` what tshark must see of it.

    ``keep_tls`` keeps connections that may be decrypted; secrets in the file do so too.
    Raises CaptureError, or NotWalkable when it has to be converted first.
    """
    try:
        with capture.open("rb", buffering=0) as file:
            return _split(file, kept, keep_tls, window)
    except OSError as error:
        raise CaptureError(said(error)) from error


def _split(file: FileIO, kept: Path | None, keep_tls: bool, size: int) -> Split:
    container, measured, connections = open_container(file), Media(), Connections()
    spans, frame, small = [], 1, Kept()
    with tempfile.TemporaryFile(dir=kept and kept.parent) as fates:
        for window in windows(file, container, size):
            found = packets(window, container.interfaces)
            udp = datagrams(found)
            rtp, rows = rtp_packets(found, udp, window.time, frame)
            media.add(measured, rtp)
            if kept:
                fates.write(_records(window, found, udp, rtp, rows, connections).tobytes())
            spans += [window.time.min(), window.time.max()] if len(window.time) else []
            frame += len(window.time)
        media.finish(measured)
        if kept:
            stay = connections.kept(keep_tls=keep_tls or container.has_secrets)
            with kept.open("wb") as target:
                small = write(file, fates, target, media.proven(measured), stay)
    return _result(container, measured, spans, small)


def _records(
    window: Window, found: Packets, udp: Payloads, rtp: Array, rtp_rows: Array, connections: Connections
) -> Array:
    """What the fate of each record hangs on; tells connections what the segments show."""
    fate = np.where(found.protocol == FOREIGN, LEAVE_OUT, KEEP)
    key = np.zeros(len(fate), np.uint64)
    fate[udp.rows[foreign.quic(udp)]] = LEAVE_OUT
    bare = ~rtp["relayed"]
    fate[rtp_rows[bare]], key[rtp_rows[bare]] = STREAM, rtp["key"][bare]
    tcp = segments(found)
    keys = foreign.connection_keys(tcp)
    foreign.note(connections, tcp, keys)
    hangs = ~foreign.always_kept(tcp)
    fate[tcp.rows[hangs]], key[tcp.rows[hangs]] = CONNECTION, keys[hangs]
    return records(window, fate, key)


def _result(container: Container, measured: Media, times: list[int], small: Kept) -> Split:
    rtp_streams, rtp_seconds = rtp_tables(measured)
    return Split(
        format=container.format,
        packets=container.packets,
        first_time=int(min(times)) if times else None,
        last_time=int(max(times)) if times else None,
        interfaces=tuple(interface.name for interface in container.interfaces),
        link_types=tuple(interface.link_name for interface in container.interfaces),
        cut_short=container.cut_short,
        has_secrets=container.has_secrets,
        media_packets=small.media,
        foreign_packets=small.foreign,
        kept_frames=small.frames,
        kept_times=small.times,
        rtp_streams=rtp_streams,
        rtp_seconds=rtp_seconds,
        warnings=tuple(container.warnings),
    )
