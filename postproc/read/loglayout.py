r"""What other programs write around the lines of a FreeSWITCH log, and the lines without it.

journald, syslog, docker, Kubernetes, grep, an editor's line numbers, the prompt of fs_cli and a mail's
quotation marks all put something before a line; docker's files and journald's export hold each line in JSON.
FreeSWITCH's time, level and source are recognised wherever they stand in a line. The lines of a description
below have no such beginning: they bear what the others do, of a form learnt from the first lines.

    >>> log = b'> 2026-11-22 22:39:44.599138 [NOTICE] sofia.c:2417 Hangup\n> v=0\n'
    >>> layout(log).unwrapped(log)
    b'2026-11-22 22:39:44.599138 [NOTICE] sofia.c:2417 Hangup\nv=0\n'
"""

import re
from collections import Counter
from typing import Any, NamedTuple

import orjson

UUID = rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
COLOUR = rb"(?:\x1b\[[0-9;]*m)*"
TIMED = COLOUR + rb"(?:" + UUID + rb" )?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+"
LOGGED = TIMED + rb"(?: \d+\.\d+%)? \[[A-Z0-9]+\] [\w.+-]+:\d+ "
# Bytes before a line. Kubernetes' names of a pod, its container and a time come to some 200; each byte more
# costs time at every line of a description.
LONGEST_PREFIX = 300
PREFIX = re.compile(rb"^(?!%b)([^\n]{1,%d}?)(?=%b)" % (LOGGED, LONGEST_PREFIX, LOGGED), re.MULTILINE)
LOGGED_SOMEWHERE = re.compile(LOGGED)
# Files joined by grep have a form for each length of their names' parts; a prompt stands on few lines.
FORMS = 8
# Keys of the message in JSON lines: docker's json-file driver, journald's export, and what fluentd, vector
# and the like make of either.
MESSAGES = ("log", "MESSAGE", "message", "msg")
PIECES = re.compile(rb"([A-Za-z0-9_]+)|([ \t]+)|([:-])|(.)", re.DOTALL)


class Layout(NamedTuple):
    """How the lines of a log are wrapped."""

    prefix: re.Pattern[bytes]
    json: bool

    def unwrapped(self, lines: bytes) -> bytes:
        """Return whole lines without what stands before them: as many as there were."""
        if self.json:
            lines = b"\n".join(_message(line) for line in lines.split(b"\n"))
        return self.prefix.sub(b"", lines)


def layout(head: bytes) -> Layout | None:
    """Return the layout of a log that begins so; None where its lines are not wrapped."""
    lines = head.split(b"\n")
    unpacked = [_message(line) for line in lines]
    messages = (message for line, message in zip(lines, unpacked, strict=True) if message is not line)
    json = any(LOGGED_SOMEWHERE.search(message) for message in messages)
    text = b"\n".join(unpacked) if json else head
    prefixes = [found[1] for found in PREFIX.finditer(text)]
    if not json and not prefixes:
        return None
    common = Counter(map(_form, prefixes)).most_common(FORMS)
    forms = sorted((form for form, _ in common), key=len, reverse=True)
    either = b"|".join([rb"[^\n]{1,%d}?(?=%b)" % (LONGEST_PREFIX, LOGGED), *forms])
    return Layout(re.compile(rb"^(?!%b)(?:%b)" % (LOGGED, either), re.MULTILINE), json)


def _form(prefix: bytes) -> bytes:
    """Return the regular expression of prefixes like this one, of other words and numbers.

    grep writes "-" in place of ":" before the lines around those it was asked for.
    """
    made = [
        rb"\w+" if word else rb"[ \t]+" if space else rb"[:-]" if joint else re.escape(other)
        for word, space, joint, other in PIECES.findall(prefix.strip())
    ]
    ends_in_space = prefix[-1:].isspace()
    return rb"[ \t]*" + b"".join(made) + (rb"[ \t]?" if ends_in_space else b"")


def _message(line: bytes) -> bytes:
    """Return the message in a line of JSON, and any other line as it is."""
    if not line.lstrip().startswith(b"{"):
        return line
    try:
        record: Any = orjson.loads(line)
    except ValueError:
        return line
    for key in MESSAGES:
        message = record.get(key)
        if isinstance(message, list):  # journald's export of what is not printable: a number for each byte
            try:
                message = bytes(message).decode(errors="replace")
            except (TypeError, ValueError):
                continue
        if isinstance(message, str):
            return message.rstrip("\r\n").replace("\n", " ").encode(errors="replace")
    return line
