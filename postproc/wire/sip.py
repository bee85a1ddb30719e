"""SIP messages (RFC 3261) as text: start line, headers, body, and message boundaries in a stream.

Bare line feeds and folded headers are accepted; output follows the RFC. Header names are kept as sent,
compact or not.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from postproc.wire import MalformedError

REQUEST_LINE = re.compile(r"([\w.!%*+`'~-]+) (\S.*) SIP/2\.0\s*", re.ASCII)
STATUS_LINE = re.compile(r"SIP/2\.0 (\d{3})(?: (.*))?", re.ASCII)
FOLD = re.compile(r"\r?\n[ \t]+")
KEEP_ALIVE = b"\r\n"  # between messages (RFC 5626, section 4.4.1)
END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
CONTENT_LENGTH = frozenset({"content-length", "l"})
LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class Message(NamedTuple):
    """``start`` is the request or status line; folded values are joined into one line."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def status(self) -> tuple[str, str] | None:
        """Status code and reason phrase; None for a request."""
        found = STATUS_LINE.fullmatch(self.start)
        return (found[1], found[2] or "") if found else None

    @property
    def request(self) -> tuple[str, str] | None:
        """Method and Request-URI; None for a response."""
        found = None if self.status else REQUEST_LINE.fullmatch(self.start)
        return (found[1], found[2]) if found else None

    def __bytes__(self) -> bytes:
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers), "", ""]
        return "\r\n".join(lines).encode(errors="surrogateescape") + self.body


def sized(start: str, headers: Sequence[str], body: str, content_type: str = "application/sdp") -> bytes:
    """Return a message of header lines; Content-Type, if there is a body, and Content-Length are added."""
    content = [f"Content-Type: {content_type}"] if body else []
    head = [start, *headers, *content, f"Content-Length: {len(body.encode())}", "", ""]
    return ("\r\n".join(head) + body).encode()


def parse(data: bytes) -> Message:
    """Parse the message in a datagram, after any keep-alives; everything after the head is the body."""
    head, body = _split(data.lstrip(KEEP_ALIVE))
    start, _, rest = head.decode(errors="surrogateescape").partition("\n")
    start = start.rstrip("\r")
    if not (REQUEST_LINE.fullmatch(start) or STATUS_LINE.fullmatch(start)):
        raise MalformedError("no SIP start line")
    return Message(start, tuple(_headers(rest)), body)


def _split(data: bytes) -> tuple[bytes, bytes]:
    """Return head and body; a message cut in its head has only a head."""
    end = END_OF_HEAD.search(data)
    return (data[: end.start()], data[end.end() :]) if end else (data, b"")


def _headers(text: str) -> Iterator[tuple[str, str]]:
    for line in (FOLD.sub(" ", text) if "\n " in text or "\n\t" in text else text).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


def length(stream: bytes) -> int:
    """Return the length of the message at the start of a stream, by its Content-Length (RFC 3261, section
    18.3).

    Without one the body is empty. A message that is incomplete extends to the end of the stream.
    """
    end = END_OF_HEAD.search(stream)
    if not end:
        return len(stream)
    stated = LENGTH.search(stream[: end.start()])
    return min(end.end() + (int(stated[1]) if stated else 0), len(stream))


def split(stream: bytes) -> Iterator[bytes]:
    """Yield the consecutive messages of a stream without the keep-alives between them."""
    at = 0
    while at < len(stream):
        if stream[at : at + 1] in (b"\r", b"\n"):
            at += 1
            continue
        size = length(stream[at:])
        yield stream[at : at + size]
        at += size
