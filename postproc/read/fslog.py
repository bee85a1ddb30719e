"""FreeSWITCH (or XCC) logs -> the tables log_events and logs.

A log may be gigabytes, and all but a few of its lines are about other calls. So each is gone through
twice: first for the lines that say which channel is which leg, then for the lines of the channels that
the captures know. Whose call a line is about, and what its time is in UTC, correlate.logs finds out.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from postproc.model.errors import CaptureError
from postproc.model.logtexts import origin, said
from postproc.model.tables import LOG_EVENTS, LOGS, Tables, concat
from postproc.read import inputs, logfiles
from postproc.read.inputs import Unread
from postproc.read.limits import EARLIEST, LATEST, SECOND
from postproc.read.logfiles import Log
from postproc.read.loglines import Line, lines

DAY = 86_400 * SECOND
IDENTITY = frozenset({"invite", "sdp", "peer"})  # kinds that tell which leg a channel is
TIME = "%Y-%m-%d %H:%M:%S.%f"
# A day less at both ends than of packets: the time zone is not known yet.
FIRST, LAST = pd.Timestamp(EARLIEST + DAY, tz="UTC"), pd.Timestamp(LATEST - DAY, tz="UTC")


@dataclass
class _Scan:
    """What is learnt of a log when it is first gone through."""

    log: Log
    called: set[tuple[str, str]] = field(default_factory=set)  # channel, Call-ID or session id
    peers: set[tuple[str, str]] = field(default_factory=set)  # channels bridged to each other
    has_channels: bool = False  # its lines bear UUIDs
    total: int = 0
    times: tuple[str, str] | None = None
    trouble: str | None = None


def read_all(
    paths: Iterable[Path],
    skip: Path | None = None,
    known: Iterable[str] | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> tuple[Tables, list[Unread]]:
    """Read the logs among these files and in these folders: log_events and logs; and what cannot be read.

    ``known`` are the Call-IDs and session ids (RFC 8866, section 5.2) of the captures: lines of other
    calls are left out; None keeps them all. ``skip`` is a folder never looked into, ``tell`` hears the
    name of each log before it is read. ``time`` is the local time a log shows as if it were UTC.
    """
    found, unread = logfiles.find(paths, skip)
    names: dict[str, str] = {}  # by hash
    scans: list[_Scan] = []
    copies: list[Tables] = []
    for log in found:
        tell(log.name)
        try:
            original = names.setdefault(inputs.sha256(log.path), log.name)
            if original == log.name:
                scans.append(_scan(log))
            else:
                copies.append(_copy(log, original))
        except (CaptureError, OSError) as error:
            reason = inputs.said(error) if isinstance(error, OSError) else str(error)
            unread.append(Unread(log.path, reason))
    wanted = None if known is None else _wanted(scans, frozenset(known))
    return concat([*(_read(scan, wanted) for scan in scans), *copies]), unread


def _numbered(log: Log) -> Iterator[tuple[int, bytes]]:
    """Yield the blocks of a log, each with the number of its first line."""
    first = 1
    for block in logfiles.blocks(log.path):
        yield first, block
        first += block.count(b"\n")


def _scan(log: Log) -> _Scan:
    """Go through a log for the lines that name calls; CaptureError where nothing of it can be read."""
    scan = _Scan(log)
    try:
        for first, block in _numbered(log):
            scan.total = first - 1 + block.count(b"\n")
            for line in lines(block, first, IDENTITY):
                _learn(scan, line)
    except CaptureError as error:
        if not scan.total:
            raise
        scan.trouble = str(error)
    return scan


def _learn(scan: _Scan, line: Line) -> None:
    scan.times = (scan.times or (line.time, ""))[0], line.time
    if line.uuid is None:
        return
    scan.has_channels = True
    if line.kind == "peer" and (told := said(line.text)):
        scan.peers.add((line.uuid, told[1]["peer"].lower()))
    described = origin(line.text) if line.kind == "sdp" else None
    name = described[1] if described else line.call_id
    if name:
        scan.called.add((line.uuid, name))


def _wanted(scans: list[_Scan], known: Container[str]) -> frozenset[bytes]:
    """Return the channels of known calls, and those bridged to them, whichever log says so."""
    wanted = {channel for scan in scans for channel, name in scan.called if name in known or channel in known}
    bridged = [pair for scan in scans for pair in scan.peers if wanted & set(pair)]
    return frozenset(channel.encode() for channel in wanted.union(*bridged))


def _read(scan: _Scan, wanted: frozenset[bytes] | None) -> Tables:
    """Go through a log again for the lines of these channels; of all where it does not name any."""
    found: list[Line] = []
    if scan.has_channels and wanted is not None and not wanted:
        return Tables(logs=_about(scan))
    with suppress(CaptureError):  # the scan has said so
        for first, block in _numbered(scan.log):
            found.extend(lines(block, first, channels=wanted if scan.has_channels else None))
    return Tables(log_events=_table(found, scan.log.name), logs=_about(scan))


def _table(found: list[Line], name: str) -> pd.DataFrame:
    columns = dict(zip(Line._fields, zip(*found, strict=True), strict=True)) if found else {}
    table = pd.DataFrame(columns, columns=LOG_EVENTS.names).assign(capture=name)
    table["time"] = _times(table["time"])
    return LOG_EVENTS.conform(table.dropna(subset="time"))


def _times(texts: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    """What the texts say, as far as it is believed in whatever time zone it was written."""
    times = pd.to_datetime(texts, format=TIME, errors="coerce", utc=True)
    return times.where(times.between(FIRST, LAST))


def _about(scan: _Scan) -> pd.DataFrame:
    first, last = _times(pd.Series(scan.times or [None, None], dtype="string"))
    row = {"lines": scan.total, "first_time": first, "last_time": last, "warnings": scan.trouble}
    return LOGS.rows([_names(scan.log) | row])


def _copy(log: Log, original: str) -> Tables:
    """List a log that is not read."""
    return Tables(logs=LOGS.rows([_names(log) | {"warnings": f"same content as {original}; not read again"}]))


def _names(log: Log) -> dict[str, object]:
    return {"capture": log.name, "path": inputs.readable(str(log.path))}
