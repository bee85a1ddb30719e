"""Heads of HTTP/1.1 messages (RFC 9112): request line or status line, and header fields."""

import re
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from postproc.wire import MalformedError

LONGEST_HEAD = 1 << 14
END = b"\r\n\r\n"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")  # RFC 9110, 5789
# Of a method, or of a status line, four bytes each.
BEGINNINGS = (*(f"{method} ".encode()[:4] for method in METHODS), b"HTTP")
REQUEST = re.compile(rf"({'|'.join(METHODS)}) (\S+) HTTP/1\.[01]")
STATUS = re.compile(r"HTTP/1\.[01] (\d{3})(?: .*)?")


class Head(NamedTuple):
    """A request has a method and a target, a response a status; field names are in lower case."""

    method: str | None
    target: str
    status: int | None
    fields: dict[str, str]

    @property
    def path(self) -> str:
        """The target without its query, which may contain tokens."""
        return path_of(self.target)


def path_of(target: str) -> str:
    try:
        return urlsplit(target).path
    except ValueError:  # an address in brackets that is none
        return target.partition("?")[0]


def asks_for_connection(target: str) -> bool:
    """Whether the query contains the id of a SignalR connection."""
    return "id" in parse_qs(target.partition("?")[2])


def parse(data: bytes) -> Head:
    """Parse the head at the start, as far as captured. Raises MalformedError if there is none."""
    lines = data.partition(END)[0][:LONGEST_HEAD].decode("latin-1").split("\r\n")
    request, status = REQUEST.fullmatch(lines[0]), STATUS.fullmatch(lines[0])
    if not request and not status:
        raise MalformedError("no HTTP")
    fields: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            key = name.strip().lower()
            fields[key] = f"{fields[key]}, {value.strip()}" if key in fields else value.strip()
    if request:
        return Head(request[1], request[2], None, fields)
    return Head(None, "", int(status[1]) if status else None, fields)
