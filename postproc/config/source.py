"""A configuration file as text with places: what is broken or wrong in it is named by line and column."""

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from postproc.model.errors import PostprocError
from postproc.model.text import Text, clean

Scalar = str | int | float | bool | None
LARGEST = 8 << 20  # bytes; a whole freeswitch.xml has a few million
DEEPEST = 64  # levels; System.Text.Json reads no more (JsonReaderOptions.MaxDepth)
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


@dataclass(frozen=True)
class Setting:
    """A value in a file; ``start`` and ``end`` are the offsets of what stands there for it, quotes included."""

    key: str
    value: Scalar
    start: int
    end: int


class BrokenFileError(PostprocError):
    """The file cannot be read beyond a place; ``why`` is one line in both languages."""

    def __init__(self, why: Text, line: int, column: int) -> None:
        super().__init__(f"{line}:{column}: {why.en}")
        self.why, self.line, self.column = why, line, column


@dataclass(frozen=True)
class Source:
    """A file's text; offsets into it are characters."""

    name: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    def line(self, offset: int) -> int:
        """Number of the line, from 1."""
        return bisect_right(self._starts, offset)

    def column(self, offset: int) -> int:
        """Number of the character in its line, from 1."""
        return offset - self._starts[self.line(offset) - 1] + 1

    def line_start(self, line: int) -> int:
        return self._starts[line - 1]

    def line_text(self, line: int) -> str:
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return self.text[self._starts[line - 1] : end].rstrip("\r\n")

    def broken(self, offset: int, en: str, de: str, **facts: object) -> BrokenFileError:
        """The error at a place; facts are made harmless."""
        told = {name: clean(str(value)) for name, value in facts.items()}
        why = Text(en.format(**told), de.format(**told))
        return BrokenFileError(why, self.line(offset), self.column(offset))


def decoded(name: str, content: bytes) -> Source:
    """The file as text, by its byte order mark, the zeros of UTF-16, or the encoding that its XML declares.

    Bytes that are no text in JSON become U+FFFD, as .NET's StreamReader has it; in XML they break the file.
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
    """UTF-16 without a mark: these files begin with a sign of ASCII, which has a zero beside it."""
    if len(body) >= 2 and body[0] and not body[1]:
        return "utf-16-le"
    return "utf-16-be" if len(body) >= 2 and not body[0] and body[1] else ""


def _declared(body: bytes) -> str:
    found = DECLARED.match(body.lstrip()[:300])
    name = found[1].decode().lower() if found else "utf-8"
    # What is declared as UTF-16 and yet has no zeros is not; .NET and expat go by the bytes, too.
    return "utf-8" if name.startswith("utf-16") else name
