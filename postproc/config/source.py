"""A configuration file as text with offsets, so that problems are reported by line and column."""

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from postproc.model.errors import PostprocError
from postproc.model.text import Text, clean

Scalar = str | int | float | bool | None
LARGEST = 8 << 20  # bytes; a choice: a whole freeswitch.xml has a few million
DEEPEST = 64  # levels; System.Text.Json reads no more (JsonReaderOptions.MaxDepth)
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


class Setting(NamedTuple):
    """A value in a file; ``start`` and ``end`` are the offsets of its text, quotes included."""

    key: str
    value: Scalar
    start: int
    end: int


class BrokenFileError(PostprocError):
    """The file cannot be parsed beyond a place; ``why`` is one line in both languages."""

    def __init__(self, why: Text, line: int, column: int) -> None:
        super().__init__(f"{line}:{column}: {why.en}")
        self.why, self.line, self.column = why, line, column


@dataclass(frozen=True)
class Source:
    """A file's text; offsets into it are in characters."""

    name: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def line(self, offset: int) -> int:
        """Return the line's number, from 1."""
        return bisect_right(self._starts, offset)

    def column(self, offset: int) -> int:
        """Return the character's number in its line, from 1."""
        return offset - self._starts[self.line(offset) - 1] + 1

    def line_start(self, line: int) -> int:
        return self._starts[line - 1]

    def line_text(self, line: int) -> str:
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return self.text[self._starts[line - 1] : end].rstrip("\r\n")

    def broken(self, offset: int, en: str, de: str, **facts: object) -> BrokenFileError:
        """Return the error at an offset; facts are cleaned of control characters."""
        cleaned = {name: clean(str(value)) for name, value in facts.items()}
        why = Text(en.format(**cleaned), de.format(**cleaned))
        return BrokenFileError(why, self.line(offset), self.column(offset))


def decoded(name: str, content: bytes) -> Source:
    """Decode the file by its byte order mark, the zero bytes of UTF-16, or the encoding its XML declares.

    In JSON, invalid bytes become U+FFFD, as in .NET's StreamReader; in XML they make the file broken.
    """
    mark, encoding = next(((mark, name) for mark, name in BOMS if content.startswith(mark)), (b"", ""))
    body = content[len(mark) :]
    if not encoding:
        encoding = _by_zeros(body) or _declared(body)
    strict = body.lstrip()[:1] == b"<" or encoding.startswith("utf-16")
    try:
        return Source(name, body.decode(encoding, "strict" if strict else "replace"))
    except UnicodeDecodeError as error:
        before = Source(name, body[: error.start].decode(encoding, "replace"))
        raise before.broken(
            len(before.text),
            "bytes that are no {encoding}",
            "Bytes, die kein {encoding} sind",
            encoding=encoding,
        ) from None
    except (LookupError, ValueError):
        raise Source(name, "").broken(
            0, "unknown encoding {encoding}", "unbekannte Kodierung {encoding}", encoding=encoding
        ) from None


def _by_zeros(body: bytes) -> str:
    """Detect UTF-16 without a mark.

    These files begin with an ASCII character, which has a zero byte beside it.
    """
    if len(body) >= 2 and body[0] and not body[1]:
        return "utf-16-le"
    return "utf-16-be" if len(body) >= 2 and not body[0] and body[1] else ""


def _declared(body: bytes) -> str:
    match = DECLARED.match(body.lstrip()[:300])
    name = match[1].decode().lower() if match else "utf-8"
    # A file declared as UTF-16 that has no zero bytes is not; .NET and expat go by the bytes, too.
    return "utf-8" if name.startswith("utf-16") else name
