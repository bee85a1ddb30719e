"""XML with positions: elements in document order, attributes with their offsets.

Expat decides whether the text is well-formed; it gets each character beyond ASCII as a letter, so that its
byte offsets are character offsets. A DOCTYPE is refused: entities, and so entity bombs, need one, these files
do not.
"""

import html
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from xml.parsers import expat
from xml.parsers.expat import errors

from postproc.config.source import DEEPEST, BrokenFileError, Setting, Source

ATTRIBUTE = re.compile(r"""\s+([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
NAME = re.compile(r"[\w:.-]*")
LONGEST_TAG = 1 << 16  # characters
MESSAGES: Mapping[int, tuple[str, str]] = {  # expat's errors that typing mistakes lead to
    errors.codes[errors.XML_ERROR_NO_ELEMENTS]: ("no element in it", "kein Element darin"),
    errors.codes[errors.XML_ERROR_INVALID_TOKEN]: (
        "a sign that cannot stand here (is an & or < meant as text?)",
        "ein Zeichen, das hier nicht stehen kann (ist ein & oder < als Text gemeint?)",
    ),
    errors.codes[errors.XML_ERROR_UNCLOSED_TOKEN]: (
        "a tag or comment that is never closed",
        "ein Tag oder Kommentar, der nie geschlossen wird",
    ),
    errors.codes[errors.XML_ERROR_DUPLICATE_ATTRIBUTE]: (
        "an attribute that is there twice",
        "ein Attribut, das zweimal da ist",
    ),
    errors.codes[errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]: (
        "text after the end of the outermost element",
        "Text hinter dem Ende des äußersten Elements",
    ),
    errors.codes[errors.XML_ERROR_UNDEFINED_ENTITY]: (
        "an entity that XML does not know",
        "eine Entität, die XML nicht kennt",
    ),
}


class Element(NamedTuple):
    """``path`` has the tags from the outermost on; keys of attributes are ``path@name``."""

    path: tuple[str, ...]
    attributes: Mapping[str, Setting]
    line: int

    def get(self, name: str) -> str:
        setting = self.attributes.get(name)
        return str(setting.value) if setting else ""


def elements(source: Source, *, named: bool = False) -> list[Element]:
    """Return the elements in document order; raises BrokenFileError with the place.

    With ``named``, keys distinguish elements by their attribute ``name``, as in ``param[rtp-start-port]``.
    """
    reader = _Reader(source, named)
    return list(reader.read())


class _Reader:
    def __init__(self, source: Source, named: bool) -> None:
        self.source, self.named = source, named
        self.open: list[tuple[str, str, int]] = []  # tag, tag as used in keys, line
        self.found: list[Element] = []
        self.parser = expat.ParserCreate("utf-8")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype

    def read(self) -> Iterator[Element]:
        try:
            self.parser.Parse(re.sub(r"[^\x00-\x7f]", "x", self.source.text), True)
        except expat.ExpatError as error:
            raise self._broken(error.code) from None
        return iter(self.found)

    def _start(self, tag: str, _: Mapping[str, str]) -> None:
        at = self.parser.CurrentByteIndex
        if len(self.open) >= DEEPEST:
            raise self.source.broken(at, "nested too deeply", "zu tief verschachtelt")
        tag_text = self.source.text[at + 1 + len(tag) : at + LONGEST_TAG]
        raw_attributes = {}
        pos = 0
        while match := ATTRIBUTE.match(tag_text, pos):
            group, pos = 2 if match[2] is not None else 3, match.end()
            start, end = (at + 1 + len(tag) + offset for offset in match.span(group))
            raw_attributes[match[1]] = (html.unescape(match[group]), start - 1, end + 1)
        name = raw_attributes["name"][0] if self.named and "name" in raw_attributes else ""
        self.open.append((tag, f"{tag}[{name}]" if name else tag, self.source.line(at)))
        key = "/".join(item for _, item, _ in self.open)
        attributes = {item: Setting(f"{key}@{item}", *position) for item, position in raw_attributes.items()}
        self.found.append(Element(tuple(item for item, _, _ in self.open), attributes, self.source.line(at)))

    def _end(self, _: str) -> None:
        self.open.pop()

    def _doctype(self, *_: object) -> None:
        raise self.source.broken(
            max(self.source.text.rfind("<!DOCTYPE", 0, self.parser.CurrentByteIndex + 1), 0),
            "a DOCTYPE, which is refused: no such file needs one",
            "ein DOCTYPE: abgelehnt, keine dieser Dateien braucht einen",
        )

    def _broken(self, code: int) -> BrokenFileError:
        at = self.parser.ErrorByteIndex
        if code == errors.codes[errors.XML_ERROR_TAG_MISMATCH] and self.open:
            tag, _, line = self.open[-1]
            begin = self.source.text.rfind("</", 0, at + 2)
            closing = NAME.match(self.source.text, begin + 2)
            return self.source.broken(
                begin,
                "</{closing}> meets an open <{tag}> (opened in line {line})",
                "</{closing}> trifft auf ein offenes <{tag}> (geöffnet in Zeile {line})",
                closing=closing[0] if closing else "",
                tag=tag,
                line=line,
            )
        if code == errors.codes[errors.XML_ERROR_NO_ELEMENTS] and self.open:
            tag, _, line = self.open[-1]
            return self.source.broken(
                at,
                "the file ends within <{tag}> (opened in line {line})",
                "die Datei endet innerhalb von <{tag}> (geöffnet in Zeile {line})",
                tag=tag,
                line=line,
            )
        message = MESSAGES.get(code) or (expat.ErrorString(code),) * 2
        return self.source.broken(at, "{said}", "{said_de}", said=message[0], said_de=message[1])
