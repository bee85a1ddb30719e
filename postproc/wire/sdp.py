"""Session descriptions (RFC 8866) with their ICE candidates (RFC 8839), parsed and written.

A description keeps every line as sent, including its line ending, so that packing restores the original.
Values are read tolerantly: white space around a value and the case of attribute names do not matter.
Numbers are limited as in the RFCs; a candidate or media line outside the limits is malformed.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from postproc.wire import MalformedError, number

LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r|\Z)")
MEDIA = re.compile(r"(\S+)\s+(\d+)(/\d+)?\s+(\S+)\s*(.*)")
LARGEST_PORT, LARGEST_PRIORITY = 2**16 - 1, 2**32 - 1
LARGEST_COMPONENT = 256  # RFC 8839, section 5.1


class Line(NamedTuple):
    """A line and its ending; ``kind`` is the letter before ``=``, or "" if the line is not SDP."""

    text: str
    end: str = "\r\n"

    @property
    def kind(self) -> str:
        return self.text[0] if self.text[1:2] == "=" else ""

    @property
    def value(self) -> str:
        return self.text[2:].strip()


@dataclass(frozen=True)
class Section:
    """The lines of the session, or of one media description starting with ``m=``."""

    lines: tuple[Line, ...] = ()

    def value(self, kind: str) -> str | None:
        """Return the value of the last line of this kind."""
        return next((line.value for line in reversed(self.lines) if line.kind == kind), None)

    @cached_property
    def attributes(self) -> tuple[tuple[str, str], ...]:
        """Name, in lower case, and value of each ``a=`` line, in order."""
        split = (line.value.partition(":") for line in self.lines if line.kind == "a")
        return tuple((name.strip().lower(), value.strip()) for name, _, value in split)

    def attribute(self, name: str) -> str | None:
        """Return the value of the first attribute with this name; "" if it has no value."""
        return next((value for each, value in self.attributes if each == name), None)

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.attributes if each == name]


class Description(NamedTuple):
    """The session section and one section per media description."""

    session: Section
    media: tuple[Section, ...]

    def __str__(self) -> str:
        return "".join(line.text + line.end for part in (self.session, *self.media) for line in part.lines)


def lines(text: str) -> Iterator[Line]:
    """Yield the lines of a description; the last may lack its ending."""
    for found in LINE.finditer(text):
        if found[0]:
            yield Line(found[1], found[2])


def parse(text: str) -> Description:
    """Parse any text; lines that are not SDP stay in their section."""
    sections: list[list[Line]] = [[]]
    for line in lines(text):
        if line.kind == "m":
            sections.append([])
        sections[-1].append(line)
    session, *media = (Section(tuple(each)) for each in sections)
    return Description(session, tuple(media))


def written(*texts: str) -> str:
    """Return a description of these lines (RFC 8866, section 5)."""
    return "".join(f"{text}\r\n" for text in texts)


class Media(NamedTuple):
    """The value of ``m=``; ``port`` is None if it is invalid, ``ports`` the number of consecutive ports."""

    kind: str
    port: int | None
    proto: str
    formats: tuple[str, ...]
    ports: str = ""  # with its slash

    def __str__(self) -> str:
        return " ".join([self.kind, f"{self.port or 0}{self.ports}", self.proto, *self.formats])


def parse_media(value: str) -> Media:
    """Parse an ``m=`` value (RFC 8866, section 5.14)."""
    found = MEDIA.fullmatch(value)
    if not found:
        raise MalformedError("no media line")
    return Media(found[1], number(found[2], LARGEST_PORT), found[4], tuple(found[5].split()), found[3] or "")


def parse_connection(value: str) -> str:
    """Return the address of ``c=`` without TTL and number of addresses (RFC 8866, section 5.7)."""
    fields = value.split()
    if len(fields) < 3:
        raise MalformedError("no connection line")
    return fields[2].split("/")[0]


def written_connection(addr: str) -> str:
    """Return the value of ``c=`` for an address."""
    return f"IN IP{6 if ':' in addr else 4} {addr}"


class Candidate(NamedTuple):
    """The value of ``a=candidate`` (RFC 8839, section 5.1); ``extensions`` are pairs of name and value."""

    foundation: str
    component: int
    transport: str
    priority: int
    addr: str
    port: int
    kind: str
    extensions: tuple[tuple[str, str], ...] = ()

    def extension(self, name: str) -> str | None:
        """Return the value of the last extension with this name."""
        return dict(self.extensions).get(name)

    @property
    def related_port(self) -> int | None:
        """``rport``, the port that belongs to the related address ``raddr``."""
        value = self.extension("rport")
        return None if value is None else _number(value, LARGEST_PORT)

    def __str__(self) -> str:
        head = (self.foundation, self.component, self.transport, self.priority, self.addr, self.port)
        extensions: Iterable[str] = (word for pair in self.extensions for word in pair)
        return " ".join([*map(str, head), "typ", self.kind, *extensions])


def parse_candidate(value: str) -> Candidate:
    fields = value.split()
    if len(fields) < 8 or fields[6].lower() != "typ":
        raise MalformedError("no candidate")
    found = Candidate(
        fields[0],
        _number(fields[1], LARGEST_COMPONENT),
        fields[2],
        _number(fields[3], LARGEST_PRIORITY),
        fields[4],
        _number(fields[5], LARGEST_PORT),
        fields[7],
        tuple(zip(fields[8::2], fields[9::2], strict=False)),
    )
    _ = found.related_port  # malformed like any other
    return found


def _number(digits: str, most: int) -> int:
    if (value := number(digits, most)) is None:
        raise MalformedError(f"{digits[:40]!r} is no number up to {most}")
    return value
