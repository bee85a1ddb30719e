"""JSON as .NET reads appsettings.json: comments and commas before a closing bracket are allowed.

Grammar: RFC 8259, extended like JsonConfigurationFileParser of Microsoft.Extensions.Configuration.Json, which
refuses keys repeated in any case.
"""

import json
import re
from collections.abc import Iterator

from postproc.config.source import DEEPEST, BrokenFileError, Scalar, Setting, Source

SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.])")
WORD = re.compile(r"(true|false|null)(?!\w)")
TOKEN = re.compile(r"[\w.+-]{1,30}|.", re.DOTALL)
SEPARATOR = ":"  # between the parts of a key (ConfigurationPath.KeyDelimiter)


def settings(source: Source) -> dict[str, Setting]:
    """Return the values by key (``Logging:LogLevel:Default``), as written; raises BrokenFileError."""
    reader = _Reader(source)
    at = reader.skip(0)
    if source.text[at : at + 1] != "{":
        raise reader.expected(at, "{")
    by_key: dict[str, Setting] = {}
    at = reader.value(at, (), by_key, 0)
    at = reader.skip(at)
    if at < len(source.text):
        raise source.broken(at, "text after the end of the JSON", "Text hinter dem Ende des JSON")
    return {setting.key: setting for setting in by_key.values()}


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source, self.text = source, source.text
        self._end = 0  # offset after the value read last

    def skip(self, at: int) -> int:
        """Return the offset after blanks and comments."""
        match = SPACE.match(self.text, at)
        at = match.end() if match else at
        if self.text.startswith("/*", at):
            raise self.source.broken(at, "comment without */", "Kommentar ohne */")
        return at

    def expected(self, at: int, what: str) -> BrokenFileError:
        token = TOKEN.match(self.text, at)
        if token is None:
            return self.source.broken(
                at, "ends where {what} is expected", "endet, wo {what} erwartet wird", what=what
            )
        return self.source.broken(
            at,
            "expected {what}, found {found}",
            "{what} erwartet, {found} gefunden",
            what=what,
            found=token[0],
        )

    def value(self, at: int, path: tuple[str, ...], by_key: dict[str, Setting], depth: int) -> int:
        """Read the value at ``at`` into ``by_key``; return the offset after it."""
        if depth > DEEPEST:
            raise self.source.broken(at, "nested too deeply", "zu tief verschachtelt")
        opening = self.text[at : at + 1]
        if opening == "{":
            return self._object(at + 1, path, by_key, depth)
        if opening == "[":
            return self._array(at + 1, path, by_key, depth)
        value, end = self._scalar(at)
        key = SEPARATOR.join(path)
        if key.lower() in by_key:
            raise self.source.broken(at, "{key} is there twice", "{key} steht zweimal da", key=key)
        by_key[key.lower()] = Setting(key, value, at, end)
        return end

    def _scalar(self, at: int) -> tuple[Scalar, int]:
        if self.text[at : at + 1] == '"':
            return self._string(at)
        if token := WORD.match(self.text, at) or NUMBER.match(self.text, at):
            if (
                len(token[0]) > 400
            ):  # more digits than any double has (IEEE 754), and than int() takes at once
                raise self.source.broken(at, "number too long", "Zahl zu lang")
            return json.loads(token[0]), token.end()
        raise self.expected(at, '{, [, "...", 0, true, false, null')

    def _string(self, at: int) -> tuple[str, int]:
        if token := STRING.match(self.text, at):
            return json.loads(token[0]), token.end()
        if self.text[at : at + 1] != '"':
            raise self.expected(at, '"..."')
        raise self.source.broken(
            at,
            "string without an end on its line, or with a \\ that JSON does not know",
            "Zeichenkette ohne Ende in ihrer Zeile oder mit einem \\, das JSON nicht kennt",
        )

    def _object(self, at: int, path: tuple[str, ...], by_key: dict[str, Setting], depth: int) -> int:
        for start in self._items(at, "}"):
            key, end = self._string(start)
            colon = self.skip(end)
            if self.text[colon : colon + 1] != ":":
                raise self.expected(colon, ":")
            self._end = self.value(self.skip(colon + 1), (*path, key), by_key, depth + 1)
        return self._end

    def _array(self, at: int, path: tuple[str, ...], by_key: dict[str, Setting], depth: int) -> int:
        for index, start in enumerate(self._items(at, "]")):
            self._end = self.value(start, (*path, str(index)), by_key, depth + 1)
        return self._end

    def _items(self, at: int, closing: str) -> Iterator[int]:
        """Yield the offsets of items up to the bracket; the caller leaves an item's end in ``_end``."""
        at = self.skip(at)
        while self.text[at : at + 1] != closing:
            yield at
            at = self.skip(self._end)
            if self.text[at : at + 1] == ",":
                at = self.skip(at + 1)
            elif self.text[at : at + 1] != closing:
                raise self.expected(at, f", / {closing}")
        self._end = at + 1
