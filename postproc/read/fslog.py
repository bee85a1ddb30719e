"""Read FreeSWITCH (or XCC) logs into the tables log_events and logs.

``[UUID ]YYYY-MM-DD HH:MM:SS.ffffff[ NN.NN%] [LEVEL] file.c:line text``: the UUID and the idle percentage
depend on version and settings. Most lines are irrelevant: the words of relevant ones (logtexts) are searched
in the bytes first, which is many times faster than parsing every line. Warnings and errors that name a
channel are all kept.

A log may have gigabytes, nearly all about other calls. So each is read twice: first for the lines that tell
which channel is which leg, then for the lines of the channels in the captures. correlate.logs attributes
the lines to calls and converts their times to UTC.
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

WARNING = "warning"  # kind of a warning or error with a text of its own
WORDS = {text.words.encode(): text.kind for text in TEXTS} | {
    f" [{level}] ".encode(): WARNING for level in LOUD
}
LONGEST_LINE = 2000  # characters kept of a line
BODY = 1 << 14  # bytes of a description that are read
# Bytes after a line of a wanted channel in which lines without a channel are read. A choice: correlate
# decides whether they belong to it; smaller loses such lines in a busy log, larger only costs time.
NEAR = 1 << 15
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
IDENTITY = frozenset({"invite", "sdp", "peer"})  # kinds that identify a channel's leg
TIME = "%Y-%m-%d %H:%M:%S.%f"
# A day less at both ends than for packets, because the time zone is not known yet.
FIRST, LAST = pd.Timestamp(EARLIEST + DAY, tz="UTC"), pd.Timestamp(LATEST - DAY, tz="UTC")


class Line(NamedTuple):
    """A relevant line: the columns of LOG_EVENTS found in it; time as it is written."""

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
    """The result of the first pass over a log."""

    log: Log
    called: set[tuple[str, str]] = field(default_factory=set)  # channel, Call-ID or session id
    peers: set[tuple[str, str]] = field(default_factory=set)  # channels bridged to each other
    has_channels: bool = False  # its lines name UUIDs
    total: int = 0
    times: tuple[str, str] | None = None
    trouble: str | None = None


def read_all(
    paths: Iterable[Path],
    skip: Path | None = None,
    known: Iterable[str] | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> tuple[Tables, list[Unread]]:
    """Read the logs among these files and in these folders; return log_events and logs, and unread files.

    ``known`` are the Call-IDs and session ids (RFC 8866, section 5.2) of the captures: lines of other
    calls are dropped; None keeps them all. ``skip`` is a folder never searched; ``tell`` is called with
    the name of each log before it is read. ``time`` is the log's local time, marked as if it were UTC.
    """
    log_files, unread = logfiles.find(paths, skip)
    names: dict[str, str] = {}  # by hash
    scans: list[_Scan] = []
    copies: list[Tables] = []
    for log in log_files:
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
    channels = None if known is None else _wanted(scans, frozenset(known))
    return concat([*(_read(scan, channels) for scan in scans), *copies]), unread


def _numbered(log: Log) -> Iterator[tuple[int, bytes]]:
    """Yield the blocks of a log, each with the number of its first line."""
    first = 1
    for block in logfiles.blocks(log.path):
        yield first, block
        first += block.count(b"\n")


def _scan(log: Log) -> _Scan:
    """Make the first pass over a log; CaptureError if nothing of it can be read."""
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
    if line.kind == "peer" and (match := said(line.text)):
        scan.peers.add((line.uuid, match[1]["peer"].lower()))
    described = origin(line.text) if line.kind == "sdp" else None
    name = described[1] if described else line.call_id
    if name:
        scan.called.add((line.uuid, name))


def _wanted(scans: list[_Scan], call_ids: Container[str]) -> frozenset[bytes]:
    """Return the channels of known calls and those bridged to them, in any of the logs."""
    channels = {
        channel for scan in scans for channel, name in scan.called if name in call_ids or channel in call_ids
    }
    bridged = [pair for scan in scans for pair in scan.peers if channels & set(pair)]
    return frozenset(channel.encode() for channel in channels.union(*bridged))


def _read(scan: _Scan, channels: frozenset[bytes] | None) -> Tables:
    """Make the second pass over a log, for the lines of these channels; for all if it names no channels."""
    kept_lines: list[Line] = []
    if scan.has_channels and channels is not None and not channels:
        return Tables(logs=_about(scan))
    with suppress(CaptureError):  # the first pass has reported it
        for first, block in _numbered(scan.log):
            kept_lines.extend(lines(block, first, channels=channels if scan.has_channels else None))
    return Tables(log_events=_table(kept_lines, scan.log.name), logs=_about(scan))


def _table(kept_lines: list[Line], name: str) -> pd.DataFrame:
    columns = dict(zip(Line._fields, zip(*kept_lines, strict=True), strict=True)) if kept_lines else {}
    table = pd.DataFrame(columns, columns=LOG_EVENTS.names).assign(capture=name)
    table["time"] = _times(table["time"])
    return LOG_EVENTS.conform(table.dropna(subset="time"))


def _times(texts: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    """Parse times; NaT outside the plausible range, whatever the time zone."""
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

    ``kinds`` and ``channels`` (UUIDs) restrict them. Lines without a channel are included if they follow
    a line of one of the channels within NEAR, or report a failure of STUN.
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
    """Yield the starts of lines of these channels, and of lines without one that may be theirs."""
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
    """Yield the starts of the lines that contain the word."""
    place = block.find(word)
    while place >= 0:
        yield block.rfind(b"\n", 0, place) + 1
        end = block.find(b"\n", place)
        place = block.find(word, end) if end >= 0 else -1


def _line(block: bytes, start: int, number: int) -> Line | None:
    """Parse a line; None if it does not begin a record, or is irrelevant."""
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
    """Add origin, media and ufrag of the description after a line; "" if there is none.

    The description ends at the next line with a time.
    """
    attributes: dict[str, None] = {}
    for line in OF_BODY.finditer(block, end, end + BODY):
        if line["time"]:
            break
        attributes[ESCAPES.sub("", line["text"].decode(errors="backslashreplace"))] = None
    return f"{text} {'; '.join(attributes)}"[:LONGEST_LINE] if attributes else ""
