"""The relevant lines of one FreeSWITCH (or XCC) log, as they were written.

``[UUID ]YYYY-MM-DD HH:MM:SS.ffffff[ NN.NN%] [LEVEL] file.c:line text``: the UUID and the idle
percentage depend on version and settings. Most lines are of no use: the words of those that are
(logtexts) are looked for in the bytes first, which is many times faster than taking lines apart. Of
warnings and errors all that name a channel are kept.
"""

import re
from collections.abc import Container, Iterator
from sys import intern
from typing import NamedTuple

from postproc.model.logtexts import LOUD, NULL, TEXTS, UUID, channel_named, said

WARNING = "warning"  # kind of a loud line that is none of the texts
WORDS = {text.words.encode(): text.kind for text in TEXTS} | {
    f" [{level}] ".encode(): WARNING for level in LOUD
}
LONGEST = 2000  # characters kept of a line
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
    whole = block[start : min(end, start + 2 * LONGEST)].decode(errors="backslashreplace")
    line = LINE.match(ESCAPES.sub("", whole).rstrip("\r"))
    text = line["text"][:LONGEST] if line else ""
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
        number, line["time"][:26], intern(line["level"]), intern(line["source"]), text,
        intern(uuid.lower()) if uuid else None, None if call_id == NULL else call_id, kind,
    )  # fmt: skip


def _with_description(text: str, block: bytes, end: int) -> str:
    """Add origin, media and ufrag of the description below a line; "" where there is none.

    It goes on until the next line that has a time.
    """
    found: dict[str, None] = {}
    for line in OF_BODY.finditer(block, end, end + BODY):
        if line["time"]:
            break
        found[ESCAPES.sub("", line["text"].decode(errors="backslashreplace"))] = None
    return f"{text} {'; '.join(found)}"[:LONGEST] if found else ""
