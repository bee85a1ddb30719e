"""RTCP reports: what the receiver of a stream says of it (RFC 3550, section 6.4).

A report names every source heard since the one before, and the highest sequence number received. So
receivers tell what no capture point before them shows: that packets which passed it did not arrive. In
SRTCP all but the first eight bytes is encrypted (RFC 3711, section 3.4); their number of sources still
tells whether anything was heard.
"""

import struct
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from postproc.model.events import with_columns
from postproc.read.arrays import Array
from postproc.read.media import address
from postproc.read.packets import Packets, Payloads
from postproc.read.rtp import Headers
from postproc.wire import MalformedError, rtp

MOST = 200_000  # reports kept; a thousand calls of half an hour have as many. Those beyond are counted
LONGEST = 1500  # bytes: a compound keeps to the MTU (section 6.1). Of longer ones only the beginning is read
PLACE_OF_BLOCKS = {rtp.SENDER_REPORT: 24, rtp.RECEIVER_REPORT: 4}  # in the body, after the sender's SSRC
BLOCK = struct.Struct(">IIIIII")
HEAD = 8  # bytes in clear in SRTCP: the header and the sender's SSRC
# Packets of the last moments before a report may have been on their way still: by ITU-T G.114 a call
# bears 0.4 s one way. Shorter, slow links look dead; longer, the first report after a stop says nothing.
ON_THE_WAY = 10**9  # ns
FEWEST = 25  # packets that did not arrive, half a second of audio: fewer may be lost by chance

Ends = tuple[str, int, str, int]


class Block(NamedTuple):
    """What a report says of a source: extended highest sequence number, and packets lost in all."""

    highest: int
    lost: int


class Report(NamedTuple):
    """A sender or receiver report; ``blocks`` is by SSRC, None in SRTCP; ``sources`` is their number."""

    time: int
    frame: int
    ends: Ends  # address and port of the reporter, then of the stream's sender
    reporter: tuple[int, int]  # its SSRC, and the type of the report
    sources: int
    blocks: Mapping[int, Block] | None


@dataclass
class Reports:
    """The reports of a capture so far, and the number of those left out."""

    kept: list[Report] = field(default_factory=list)
    left_out: int = 0

    @property
    def warnings(self) -> list[str]:
        named = "report" if self.left_out == 1 else "reports"
        return [f"{self.left_out} RTCP {named} left out"] if self.left_out else []

    def take(self, packets: Packets, datagrams: Payloads, headers: Headers, time: Array, first: int) -> None:
        """Add those of a window; ``time`` is by packet, ``first`` the number of its first frame."""
        which = headers.reports
        room = max(MOST - len(self.kept), 0)
        self.left_out += max(len(which) - room, 0)
        which = which[:room]
        rows, start = datagrams.rows[which], datagrams.start[which] + headers.offset[which]
        columns = (
            time[rows],
            first + rows,
            packets.addresses_of(rows),
            datagrams.source_port[which],
            datagrams.destination_port[which],
            start,
            headers.size[which],
            headers.captured[which],
        )
        for moment, frame, (a, b, c, d), source, target, at, size, seen in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            data = datagrams.data[at : at + min(size, seen, LONGEST)].tobytes()
            ends = (address(a, b), source, address(c, d), target)
            self.kept += [
                Report(moment, frame, ends, *said) for said in _parsed(data, whole=len(data) == size)
            ]


def _parsed(data: bytes, *, whole: bool) -> Iterator[tuple[tuple[int, int], int, Mapping[int, Block] | None]]:
    """Yield reporter, number of sources and blocks of a compound's reports; of SRTCP the first, no blocks."""
    try:
        parts = [*rtp.rtcp_parts(data)] if whole else []
    except MalformedError:
        parts = []
    for flags, kind, start, end in parts:
        place, count = PLACE_OF_BLOCKS.get(kind), flags & 0x1F
        if place is not None and end - start >= place + count * BLOCK.size:
            words = [BLOCK.unpack_from(data, start + place + n * BLOCK.size) for n in range(count)]
            yield (
                (int.from_bytes(data[start : start + 4]), kind),
                count,
                {ssrc: Block(highest, _signed(lost)) for ssrc, lost, highest, *_ in words},
            )
    if not parts and len(data) >= HEAD:
        flags, kind, words, sender = struct.unpack_from(">BBHI", data)
        count = flags & 0x1F
        if 4 * words == PLACE_OF_BLOCKS[kind] + count * BLOCK.size:
            yield (sender, kind), count, None


def _signed(lost: int) -> int:
    """Return the packets lost of the word that holds them, a signed number of 24 bits (section 6.4.1)."""
    return (lost & 0xFFFFFF ^ 0x800000) - 0x800000


class Heard(NamedTuple):
    """The columns of RTP_STREAMS that come of reports: of its receiver's, the last of its sender's own."""

    reports: int
    reported_until: int | None
    unreported: int
    report_frame: int | None
    reported_lost: int | None
    reported_expected: int | None
    sender_received: int | None = None


NOTHING = Heard(0, None, 0, None, None, None)


def noted(rtp_streams: pa.Table, rtp_seconds: pa.Table, reports: Iterable[Report]) -> pa.Table:
    """Return ``rtp_streams`` with what their receivers report."""
    reports = [*reports]
    by_ends, by_ssrc = _indexed(reports)
    if not len(rtp_streams) or not (by_ends or by_ssrc):
        return rtp_streams
    sent = Sent(*(rtp_seconds[name].cast(pa.int64()).to_numpy() for name in Sent._fields))
    names = ("stream", "ssrc", "src_addr", "src_port", "dst_addr", "dst_port")
    times = (rtp_streams[name].cast(pa.int64()) for name in ("first_time", "last_time"))
    columns = [column.to_pylist() for column in (*map(rtp_streams.column, names), *times)]
    unseen = _unseen(reports, {*columns[names.index("ssrc")]})
    told = []
    for stream, ssrc, source, port, target, target_port, first, last in zip(*columns, strict=True):
        about = [
            *by_ssrc.get((target, source, ssrc), ()),
            *by_ends.get((target, target_port, source, port), ()),
            *by_ends.get((target, target_port + 1, source, port + 1), ()),  # section 11
        ]
        within = [each for each in about if first <= each.time <= last + ON_THE_WAY]
        heard = _heard(ssrc, sorted(within, key=attrgetter("time")), sent.of(stream))
        own = ((source, port, target, target_port), (source, port + 1, target, target_port + 1))
        said = [
            each for ends in own for each in unseen.get(ends, ()) if first <= each.time <= last + ON_THE_WAY
        ]
        told.append(heard._replace(sender_received=_received(said)))
    return with_columns(rtp_streams, dict(zip(Heard._fields, zip(*told, strict=True), strict=True)))


class Unseen(NamedTuple):
    """What a report says of a source that sends nothing in the capture."""

    time: int
    ssrc: int
    block: Block


def _unseen(reports: Iterable[Report], seen: Container[int]) -> dict[Ends, list[Unseen]]:
    """Return by address of reporter and receiver what reports say of sources that are not in the capture."""
    found: dict[Ends, list[Unseen]] = {}
    for report in reports:
        for ssrc, block in (report.blocks or {}).items():
            if ssrc not in seen:
                found.setdefault(report.ends, []).append(Unseen(report.time, ssrc, block))
    return found


def _received(said: Sequence[Unseen]) -> int | None:
    """Return the packets that arrived between first and last report on a source; None if none has two."""
    by_ssrc: dict[int, list[Block]] = {}
    for each in sorted(said, key=attrgetter("time")):
        by_ssrc.setdefault(each.ssrc, []).append(each.block)
    spans = [(blocks[0], blocks[-1]) for blocks in by_ssrc.values() if len(blocks) > 1]
    if not spans:
        return None
    return sum(max(last.highest - first.highest - (last.lost - first.lost), 0) for first, last in spans)


class Sent(NamedTuple):
    """Columns of rtp_seconds, which is in order of stream and time; times in ns since 1970."""

    stream: Array
    last_time: Array
    packets: Array

    def of(self, stream: int) -> "Sent":
        first, end = np.searchsorted(self.stream, (stream, stream + 1))
        return Sent(*(column[first:end] for column in self))

    def between(self, since: int, until: int) -> int:
        """Return the packets of the seconds that ended in this time."""
        first, end = np.searchsorted(self.last_time, (since, until))
        return int(self.packets[first:end].sum())


ByEnds = dict[Ends, list[Report]]
BySsrc = dict[tuple[str, str, int], list[Report]]


def _indexed(reports: Iterable[Report]) -> tuple[ByEnds, BySsrc]:
    """Return reports by addresses and the SSRC they name; those that name none by addresses and ports.

    A report on other sources alone says nothing about a stream: a relay may change the SSRC.
    """
    by_ends: ByEnds = {}
    by_ssrc: BySsrc = {}
    for report in reports:
        for ssrc in report.blocks or ():
            by_ssrc.setdefault((report.ends[0], report.ends[2], ssrc), []).append(report)
        if not report.blocks:
            by_ends.setdefault(report.ends, []).append(report)
    return by_ends, by_ssrc


def _heard(ssrc: int, reports: Sequence[Report], sent: Sent) -> Heard:
    """Return what reports, in order, say of a stream; ``sent`` has its own seconds.

    That no source is named counts where one was before, in a report of that type: some reporters never
    name any, and browsers do so in receiver reports alone.
    """
    if not reports:
        return NOTHING
    # Where the capture's clock was set back, times do not tell what came first, nor what was sent meanwhile.
    set_back = any(after.frame < before.frame for before, after in pairwise(reports))
    until: int | None = None
    unheard, highest = 0, 0  # some reporters never say more than 0
    clear: list[Block] = []
    naming: set[tuple[int, int]] = set()
    for report in reports:
        block = (report.blocks or {}).get(ssrc)
        arrived = report.sources > 0 if block is None else block.highest > highest
        if block is not None:
            highest = max(block.highest, highest)
            clear.append(block)
        if arrived:
            until, unheard = report.time, 0
            naming.add(report.reporter)
        elif until is not None and report.reporter in naming and not set_back:
            unheard += sent.between(until, report.time - ON_THE_WAY) >= FEWEST
    lost = clear[-1].lost - clear[0].lost if clear else None
    expected = clear[-1].highest - clear[0].highest if clear else None
    return Heard(len(reports), until, unheard, reports[-1].frame, lost, expected)
