"""A page taken apart: its elements, attributes and texts."""

from collections import Counter
from html.parser import HTMLParser


class Page(HTMLParser):
    """What a browser would make elements of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.raw: dict[str, str] = {}
        self._in = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self._in = tag
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):  # noqa: ARG002
        self._in = ""

    def handle_data(self, data):
        if self._in in ("script", "style"):
            self.raw[self._in] = self.raw.get(self._in, "") + data
        else:
            self.texts.append(data)

    def values(self, name: str) -> list[str]:
        """The values of an attribute, wherever it is."""
        return [value for _, held, value in self.attributes if held == name]
