"""FreeSWITCH (or XCC) logs -> the tables log_events and logs.

``[UUID ]YYYY-MM-DD HH:MM:SS.ffffff[ NN.NN%] [LEVEL] file.c:line text``: the UUID and the idle
percentage depend on version and settings. Most lines are of no use: the words of those that are
(logtexts) are looked for in the bytes first, which is many times faster than taking lines apart. Of
warnings and errors all that name a channel are kept.

A log may be gigabytes, and all but a few of its lines are about other calls. So each is gone through
twice: first for the lines that say which channel is which leg, then for the lines of the channels that
the captures know. Whose call a line is about, and what its time is in UTC, correlate.logs finds out.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import NamedTuple

import pandas as pd

from postproc.model.errors import CaptureError
from postproc.model.logtexts import LOUD, NULL, TEXTS, UUID, channel_named, origin, said
from postproc.model.tables import LOG_EVENTS, LOGS, Tables, concat
from postproc.read import inputs, logfiles
from postproc.read.inputs import Unread
from postproc.read.limits import EARLIEST, LATEST, SECOND
from postproc.read.logfiles import Log

WARNING = "warning"  # kind of a loud line that is none of the texts
WORDS = {text.words.encode(): text.kind for text in TEXTS} | {
    f" [{level}] ".encode(): WARNING for level in LOUD
}
LONGEST_LINE = 2000  # characters kept of a line
BODY = 1 << 14  # bytes of a description looked at
NEAR = 1 << 15  # bytes below a line of a channel in which lines of no channel may be about it
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")  # ECMA-48, section 5.4
START = r"(?:\x1b\[[0-9;]*m)*"
LINE = re.compile(
    rf"(?:(?P<uuid>{UUID}) )?(?P<time>(?:19|2[01])\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{{1,9}})"
    r"(?: \d+\.\d+%)? \[(?P<level>[A-Z0-9]+)\] (?P<source>[\w.+-]+):\d+ (?:\w+\(\) )?(?P<text>.*)"
)
OF_CHANNEL = re.compile(rf"{START}({UUID}) ".encode())
OF_BODY = re.compile(
    rf"^{START}(?:{UUID} )?"
    r"(?:(?P<time>\d{4}-\d\d-\d\d \d\d:)|(?P<text>(?:[om]=|a=ice-ufrag:)[^\r\n]*))".encode(),
    re.MULTILINE,
)
FAILED = re.compile(rb"[^\n]{0,200} Failed! ")
DAY = 86_400 * SECOND
IDENTITY = frozenset({"invite", "sdp", "peer"})  # kinds that tell which leg a channel is
TIME = "%Y-%m-%d %H:%M:%S.%f"
# A day less at both ends than of packets: the time zone is not known yet.
FIRST, LAST = pd.Timestamp(EARLIEST + DAY, tz="UTC"), pd.Timestamp(LATEST - DAY, tz="UTC")


class Line(NamedTuple):
    """A relevant line: the columns of LOG_EVENTS that it tells; time in the clock's own words."""

    frame: int
    time: str
    level: str
    source: str
    text: str
    uuid: str | None
    call_id: str | None
    kind: str


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


def lines(
    block: bytes, first: int, kinds: Container[str] | None = None, channels: Container[bytes] | None = None
) -> Iterator[Line]:
    """Yield the relevant lines of a block of whole records, whose first line has the number ``first``.

    Of these kinds only, and of these channels (UUIDs), if they are given. Of lines without a channel
    those just below a line of one of the channels are taken, and failures of STUN.
    """
    words = [word for word, kind in WORDS.items() if kinds is None or kind in kinds]
    starts = sorted({place for word in words for place in _lines_with(word, block)})
    counted = 0
    for start in starts if channels is None else _of(channels, block, starts):
        first += block.count(b"\n", counted, start)
        counted = start
        if line := _line(block, start, first):
            yield line


def _of(channels: Container[bytes], block: bytes, starts: list[int]) -> Iterator[int]:
    """Yield the lines, by where they begin, that are of these channels or, having none, may be."""
    near = 0
    for start in starts:
        of_channel = OF_CHANNEL.match(block, start)
        if of_channel:
            if of_channel[1].lower() in channels:
                near = start
                yield start
        elif start - near <= NEAR or FAILED.match(block, start):
            yield start


def _lines_with(word: bytes, block: bytes) -> Iterator[int]:
    """Yield where the lines begin that hold the word."""
    place = block.find(word)
    while place >= 0:
        yield block.rfind(b"\n", 0, place) + 1
        end = block.find(b"\n", place)
        place = block.find(word, end) if end >= 0 else -1


def _line(block: bytes, start: int, number: int) -> Line | None:
    """Take a line apart; None where it is none of its own, or says something else."""
    end = block.find(b"\n", start)
    end = len(block) if end < 0 else end
    whole = block[start : min(end, start + 2 * LONGEST_LINE)].decode(errors="backslashreplace")
    line = LINE.match(ESCAPES.sub("", whole).rstrip("\r"))
    text = line["text"][:LONGEST_LINE] if line else ""
    if line is None:
        return None
    kind, facts = said(text) or (None, {})
    if kind is None and line["level"] in LOUD and (line["uuid"] or channel_named(text)):
        kind = WARNING
    if kind is None:
        return None
    if kind == "sdp" and not (text := _with_description(text, block, end)):
        return None
    call_id = facts.get("call_id")
    uuid = line["uuid"] or facts.get("opened")
    return Line(
        number,
        line["time"][:26],
        intern(line["level"]),
        intern(line["source"]),
        text,
        intern(uuid.lower()) if uuid else None,
        None if call_id == NULL else call_id,
        kind,
    )


def _with_description(text: str, block: bytes, end: int) -> str:
    """Add origin, media and ufrag of the description below a line; "" where there is none.

    It goes on until the next line that has a time.
    """
    found: dict[str, None] = {}
    for line in OF_BODY.finditer(block, end, end + BODY):
        if line["time"]:
            break
        found[ESCAPES.sub("", line["text"].decode(errors="backslashreplace"))] = None
    return f"{text} {'; '.join(found)}"[:LONGEST_LINE] if found else ""
