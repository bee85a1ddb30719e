"""XML with places: elements in their order, attributes with the offsets at which they stand.

Well-formed is what expat says of the text with each sign beyond ASCII as a letter, so that offsets are
those of the text. A DOCTYPE is refused: entities, and with them bombs, need one, these files do not.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.parsers import expat
from xml.parsers.expat import errors

from postproc.config.source import DEEPEST, BrokenFileError, Setting, Source

ATTRIBUTE = re.compile(r"""\s+([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
NAME = re.compile(r"[\w:.-]*")
LONGEST_TAG = 1 << 16  # characters
SAID: Mapping[int, tuple[str, str]] = {  # of expat's errors, those that people's slips lead to
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


@dataclass(frozen=True)
class Element:
    """``path`` are the tags from the outermost on; attributes have the key ``path@name``."""

    path: tuple[str, ...]
    attributes: Mapping[str, Setting]
    line: int

    def get(self, name: str) -> str:
        held = self.attributes.get(name)
        return str(held.value) if held else ""


def elements(source: Source, *, named: bool = False) -> list[Element]:
    """The elements in their order; BrokenFileError with the place.

    ``named``: in keys an element is told apart by its attribute ``name``, as ``param[rtp-start-port]``.
    """
    reader = _Reader(source, named)
    return list(reader.read())


class _Reader:
    def __init__(self, source: Source, named: bool) -> None:
        self.source, self.named = source, named
        self.open: list[tuple[str, str, int]] = []  # tag, tag as it stands in keys, line
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
        written = self.source.text[at + 1 + len(tag) : at + LONGEST_TAG]
        held = {}
        pos = 0
        while found := ATTRIBUTE.match(written, pos):
            place, pos = 2 if found[2] is not None else 3, found.end()
            start, end = (at + 1 + len(tag) + offset for offset in found.span(place))
            held[found[1]] = (html.unescape(found[place]), start - 1, end + 1)
        name = held["name"][0] if self.named and "name" in held else ""
        self.open.append((tag, f"{tag}[{name}]" if name else tag, self.source.line(at)))
        key = "/".join(each for _, each, _ in self.open)
        attributes = {each: Setting(f"{key}@{each}", *where) for each, where in held.items()}
        self.found.append(Element(tuple(each for each, _, _ in self.open), attributes, self.source.line(at)))

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
        said = SAID.get(code) or (expat.ErrorString(code),) * 2
        return self.source.broken(at, "{said}", "{said_de}", said=said[0], said_de=said[1])
