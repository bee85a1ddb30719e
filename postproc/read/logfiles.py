r"""Find FreeSWITCH logs, and yield their bytes: compressed or not, UTF-8 or UTF-16, without line prefixes.

A log is recognised by its content: one of its first lines has FreeSWITCH's time, level and source. So
rotated files are found whatever their number. Logs of other programs (logmakers) are reported, not read.

journald, syslog, docker, Kubernetes, grep, an editor's line numbers, the prompt of fs_cli and quoting in
mail all put a prefix before a line; docker's files and journald's export wrap each line in JSON.
FreeSWITCH's time, level and source are recognised anywhere in a line. The lines of a description below
have no such beginning: they carry the same prefix, whose form is derived from the first lines.

    >>> log = b'> 2026-11-22 22:39:44.599138 [NOTICE] sofia.c:2417 Hangup\n> v=0\n'
    >>> layout(log).unwrapped(log)
    b'2026-11-22 22:39:44.599138 [NOTICE] sofia.c:2417 Hangup\nv=0\n'
"""

import bz2
import codecs
import gzip
import io
import lzma
import os
import re
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, compress, islice
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast

import orjson

from postproc.model.errors import CaptureError
from postproc.read import inputs, logmakers
from postproc.read.inputs import Unread, said
from postproc.read.walk import capture_format

UUID = rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
COLOUR = rb"(?:\x1b\[[0-9;]*m)*"
TIMED = COLOUR + rb"(?:" + UUID + rb" )?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+"
LOGGED = TIMED + rb"(?: \d+\.\d+%)? \[[A-Z0-9]+\] [\w.+-]+:\d+ "
# Bytes of a line's prefix. Kubernetes' names of a pod and its container and a time make some 200; each byte
# more costs time at every line of a description.
LONGEST_PREFIX = 300
PREFIX = re.compile(rb"^(?!%b)([^\n]{1,%d}?)(?=%b)" % (LOGGED, LONGEST_PREFIX, LOGGED), re.MULTILINE)
LOGGED_SOMEWHERE = re.compile(LOGGED)
SOURCE = re.compile(rb"\] [\w.+-]+:\d+ ")  # LOGGED ends like this; without it PREFIX finds nothing
# Forms of prefixes per log: lines of several files joined by grep have one for each form of file name. A
# choice; fewer leave some prefixes in place, more slow down every line.
FORMS = 8
# Keys of the message in JSON lines: docker's json-file driver, journald's export, and those that fluentd,
# vector and similar programs use for either.
MESSAGES = ("log", "MESSAGE", "message", "msg")
PIECES = re.compile(rb"([A-Za-z0-9_]+)|([ \t]+)|([:-])|(.)", re.DOTALL)
HEAD = 1 << 16  # bytes in which a line of the log must occur: its first record may be a long SIP message
BLOCK = 1 << 23
LONGEST = 1 << 18  # bytes of a record: a line and the SIP message or SDP below it
LOOKED_AT = 1000  # files of one folder that are examined; bounds the time in a folder of many files
NAMED_LOG = re.compile(r"\.log(?:[.\-_][\w.\-]+)?$", re.IGNORECASE)
PACKED: dict[bytes, Callable[[Path, Literal["rb"]], object]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
ZEROS = 24  # zeros among 32 bytes at every other position from which on a text is UTF-16
TIMED_LINE = re.compile(rb"^" + TIMED, re.MULTILINE)
LOG_LINE = re.compile(rb"^" + LOGGED, re.MULTILINE)
# Level and source as FreeSWITCH writes them, after a time that another program has rewritten.
LEVEL_AND_SOURCE = re.compile(rb"\[(?:DEBUG|INFO|NOTICE|WARNING|ERR|CRIT|ALERT)\] [\w.+-]+\.c(?:pp)?:\d+ ")
DOCUMENT = re.compile(rb"\s*(?:[{\[]\s*\n|<[?!A-Za-z])")  # JSON over several lines, XML, HTML: no log
EMPTY = "empty file"
NOT_A_LOG = "not a FreeSWITCH log: no line of its beginning has FreeSWITCH's time, level and source"


class Log(NamedTuple):
    """A log file to be read, with the name in its rows."""

    path: Path
    name: str


class Layout(NamedTuple):
    """How the lines of a log are wrapped."""

    prefix: re.Pattern[bytes]
    json: bool

    def unwrapped(self, lines: bytes) -> bytes:
        """Return complete lines without their prefixes; the number of lines stays the same."""
        if self.json:
            lines = b"\n".join(_message(line) for line in lines.split(b"\n"))
        return self.prefix.sub(b"", lines)


def find(paths: Iterable[Path], skip: Path | None = None) -> tuple[list[Log], list[Unread]]:
    """Return the logs among these files and in these folders, by name, and what cannot be read.

    ``skip`` is a folder never searched: the one for the results.
    """
    given = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100  (links keep their names)
    base = inputs.common_folder([path for path in given if os.path.lexists(path)])
    logs: dict[Path, Log] = {}
    unread: dict[Path, Unread] = {}
    for top in given:
        for path, reason in _look(top, skip):
            if reason is None:
                logs[path] = Log(path, inputs.name(path, base))
            else:
                unread[path] = Unread(path, reason)
    return sorted(logs.values(), key=lambda log: log.name), [unread[path] for path in sorted(unread)]


def apart(paths: Iterable[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Split paths into those that are no log files and those that are.

    The shell expands ``--fs-log *`` to ``--fs-log A B``, which makes B a capture.
    """
    listed = list(paths)
    logs = [not inputs.is_folder(path) and _looked_at(path).reason is None for path in listed]
    others = (path for path, log in zip(listed, logs, strict=True) if not log)
    return tuple(others), tuple(compress(listed, logs))


def beside(captures: Iterable[Path]) -> tuple[list[Path], list[Unread]]:
    """Return the logs in the folders of the captures, by path, and files that only look like logs."""
    captured = {Path(os.path.abspath(path)) for path in captures}  # noqa: PTH100  (links keep their names)
    logs: list[Path] = []
    others: list[Unread] = []
    for path in (path for folder in sorted({each.parent for each in captured}) for path in _files(folder)):
        if path in captured:
            continue
        reason, likely = _looked_at(path)
        if reason is None:
            logs.append(path)
        elif likely and reason is not EMPTY:
            others.append(Unread(path, reason))
    return logs, others


def blocks(path: Path) -> Iterator[bytes]:
    """Yield the log in blocks of whole records, each a line with a time and the lines that continue it.

    Raises CaptureError where the file is damaged, after yielding everything before that.
    """
    rest, damage = b"", None
    try:
        with _opened(path) as file:
            for text in _unwrapped(_utf8(file, BLOCK)):
                rest += text
                cut = _last_record(rest)
                yield rest[:cut]
                rest = rest[cut:]
    except (*DAMAGED, OSError) as error:
        damage = error
    yield rest
    if damage:
        raise CaptureError(f"cut short: {_said(damage)}") from damage


def _look(top: Path, skip: Path | None) -> Iterator[tuple[Path, str | None]]:
    """Yield the logs in a folder, or the file itself, with None or the reason for not being a log.

    Other files in a folder are yielded only if they look like logs.
    """
    if not inputs.is_folder(top):
        yield top, _looked_at(top).reason
        return
    inside = [(path, _looked_at(path)) for path, reason in inputs.walk(top, skip) if reason is None]
    yield from ((path, look.reason) for path, look in inside if look.reason is None or look.likely)
    if all(look.reason is not None for _, look in inside):
        yield top, "no FreeSWITCH log in this folder"


def _files(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, LOOKED_AT) if entry.is_file()]
    except OSError:  # it has vanished: reading the captures will report that
        return
    yield from (folder / name for name in sorted(names))


class _Look(NamedTuple):
    """Why a file is no log, None if it is one; and whether its name or first lines look like a log."""

    reason: str | None
    likely: bool


def _looked_at(path: Path) -> _Look:
    has_name = NAMED_LOG.search(path.name) is not None
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its writer
            return _Look("not a regular file", has_name)
        with _opened(path) as file:
            text = next(_utf8(file, HEAD), b"")
    except FileNotFoundError:
        return _Look("no such file or folder", has_name)
    except (*DAMAGED, OSError) as error:
        return _Look(_said(error), has_name)
    reason, likely = _judged(text)
    return _Look(reason, has_name or likely)


def _judged(text: bytes) -> _Look:
    """Judge a file by its first bytes."""
    if capture_format(text) is not None:  # to look for lines in many captures would take seconds
        return _Look(NOT_A_LOG, likely=False)
    head = b"".join(_unwrapped(iter([text])))
    if not head:
        return _Look(EMPTY, likely=False)
    if LOG_LINE.search(head):
        return _Look(None, likely=True)
    if DOCUMENT.match(head) or b"\0" in head:  # looking for other programs' lines takes the longest
        return _Look(NOT_A_LOG, likely=False)
    maker = logmakers.maker(head)
    if maker:
        return _Look(f"a log of {maker}, not of FreeSWITCH: it is not read", likely=True)
    return _Look(NOT_A_LOG, maker is not None or LEVEL_AND_SOURCE.search(head) is not None)


def _said(error: Exception) -> str:
    """Return the system's message; those of the decompressors, which have no errno, are too technical."""
    return said(error) if isinstance(error, OSError) and error.errno else "damaged, it cannot be unpacked"


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        head = file.read(8)
    unpack = next((unpack for magic, unpack in PACKED.items() if head.startswith(magic)), None)
    return cast(IO[bytes], unpack(path, "rb")) if unpack else path.open("rb")


def _utf8(file: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield the file in pieces; UTF-16 as UTF-8, anything else as it is."""
    pieces = _pieces(file, size)
    first = next(pieces, b"")
    encoding = _utf16(first)
    if encoding is None:
        yield from chain([first.removeprefix(codecs.BOM_UTF8)], pieces)
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for piece in chain([first], pieces):
        yield decoder.decode(piece).encode(errors="replace").removeprefix(codecs.BOM_UTF8)


def _unwrapped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a log's text without the prefixes and JSON of other programs."""
    first = next(pieces, b"")
    wrapping = layout(first[:HEAD])
    pieces = chain([first], pieces)
    return _without(wrapping, pieces) if wrapping else pieces


def _without(wrapping: Layout, pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    try:
        for piece in pieces:
            whole, end, rest = (rest + piece).rpartition(b"\n")
            if len(rest) > LONGEST:
                whole, end, rest = whole + end, rest, b""
            yield wrapping.unwrapped(whole) + end
    except (*DAMAGED, OSError):
        yield wrapping.unwrapped(rest)
        raise
    yield wrapping.unwrapped(rest)


def _pieces(file: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield pieces of about this size; if reading fails, what was read before is yielded first."""
    chunks: list[bytes] = []
    try:
        while piece := cast(io.BufferedReader, file).read1(size):
            chunks.append(piece)
            if sum(map(len, chunks)) >= size:
                yield b"".join(chunks)
                chunks = []
    except (*DAMAGED, OSError):
        if chunks:
            yield b"".join(chunks)
        raise
    yield b"".join(chunks)


def _utf16(head: bytes) -> str | None:
    """Return the codec of UTF-16, by byte order mark or zeros between ASCII characters; None if neither."""
    if head.startswith(codecs.BOM_UTF16_LE) or head[1:64:2].count(0) > ZEROS:
        return "utf-16-le"
    if head.startswith(codecs.BOM_UTF16_BE) or head[0:64:2].count(0) > ZEROS:
        return "utf-16-be"
    return None


def _last_record(text: bytes) -> int:
    """Return where the last record, whose end is unknown, begins; without one, where the last line does.

    Only the last LONGEST bytes are searched: no record is longer.
    """
    since = max(0, len(text) - LONGEST)
    starts = [match.start() for match in TIMED_LINE.finditer(text, since)]
    if starts:
        return starts[-1]
    return text.rfind(b"\n") + 1 or (len(text) if since else 0)


def layout(head: bytes) -> Layout | None:
    """Return the layout of a log by its first bytes; None if its lines have no prefix and no JSON."""
    lines = head.split(b"\n")
    unpacked = [_message(line) for line in lines]
    messages = (message for line, message in zip(lines, unpacked, strict=True) if message is not line)
    json = any(LOGGED_SOMEWHERE.search(message) for message in messages)
    text = b"\n".join(unpacked) if json else head
    prefixes = [match[1] for match in PREFIX.finditer(text)] if SOURCE.search(text) else []
    if not json and not prefixes:
        return None
    common = Counter(map(_form, prefixes)).most_common(FORMS)
    forms = sorted((form for form, _ in common), key=len, reverse=True)
    either = b"|".join([rb"[^\n]{1,%d}?(?=%b)" % (LONGEST_PREFIX, LOGGED), *forms])
    return Layout(re.compile(rb"^(?!%b)(?:%b)" % (LOGGED, either), re.MULTILINE), json)


def _form(prefix: bytes) -> bytes:
    """Return a regular expression for prefixes like this one with other words and numbers.

    grep writes "-" instead of ":" before context lines.
    """
    parts = [
        rb"\w+" if word else rb"[ \t]+" if space else rb"[:-]" if joint else re.escape(other)
        for word, space, joint, other in PIECES.findall(prefix.strip())
    ]
    ends_in_space = prefix[-1:].isspace()
    return rb"[ \t]*" + b"".join(parts) + (rb"[ \t]?" if ends_in_space else b"")


def _message(line: bytes) -> bytes:
    """Return the message in a line of JSON; any other line as it is."""
    if not line.lstrip().startswith(b"{"):
        return line
    try:
        record: Any = orjson.loads(line)
    except ValueError:
        return line
    for key in MESSAGES:
        message = record.get(key)
        if isinstance(message, list):  # journald exports unprintable text as a list of byte values
            try:
                message = bytes(message).decode(errors="replace")
            except (TypeError, ValueError):
                continue
        if isinstance(message, str):
            return message.rstrip("\r\n").replace("\n", " ").encode(errors="replace")
    return line
