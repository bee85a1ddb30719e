"""References of findings as links: RFCs, drafts, addresses of articles."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from postproc.show.report.cells import shown

RFC = re.compile(r"RFC (\d{1,5})\b(?:, (section|sections|appendix) ([A-Z]?[\d.]*\d|[A-Z]))?")
DRAFT = re.compile(r"draft-[a-z0-9-]+")
ARTICLE = re.compile(r"https?://[^\s<>\"';]+")


@dataclass(frozen=True, slots=True)
class Reference:
    """A source; ``link`` is "" where it has no address."""

    text: str
    link: str = ""


def references(sources: Iterable[str]) -> tuple[Reference, ...]:
    """The references of a finding (``RFC 8445, section 7``), with links."""
    return tuple(Reference(shown(each), _link(each)) for each in sources)


def _link(part: str) -> str:
    if found := RFC.match(part):
        number, kind, place = found.groups()
        anchor = f"#{'appendix' if kind == 'appendix' else 'section'}-{place}" if place else ""
        return f"https://www.rfc-editor.org/rfc/rfc{int(number)}{anchor}"
    if found := DRAFT.match(part):
        return f"https://datatracker.ietf.org/doc/{found[0]}"
    article = ARTICLE.search(part)
    return article[0] if article and article[0].isprintable() else ""
