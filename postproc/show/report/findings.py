"""The walk of a call and its findings: each step with what it rests on, consequences under their cause."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from postproc.model.described import Described
from postproc.model.messages import REFERENCES, in_language
from postproc.model.text import Lang
from postproc.model.vocabulary import STATES, VERDICTS
from postproc.show.report.cells import Copy, copies, frame_filter, shown
from postproc.show.report.words import PAGE, verdict_word

RFC = re.compile(r"RFC (\d{1,5})\b(?:, (section|sections|appendix) ([A-Z]?[\d.]*\d|[A-Z]))?")
DRAFT = re.compile(r"draft-[a-z0-9-]+")
ARTICLE = re.compile(r"https?://[^\s<>\"';]+")


@dataclass(frozen=True, slots=True)
class Reference:
    """A source; ``link`` is "" where it has no address."""

    text: str
    link: str = ""


def references(sources: Iterable[str], lang: Lang = "en") -> tuple[Reference, ...]:
    """The references of a finding (``RFC 8445, section 7``), with links."""
    return tuple(Reference(shown(in_language(each, lang, REFERENCES)), _link(each)) for each in sources)


def _link(part: str) -> str:
    if found := RFC.match(part):
        number, kind, place = found.groups()
        anchor = f"#{'appendix' if kind == 'appendix' else 'section'}-{place}" if place else ""
        return f"https://www.rfc-editor.org/rfc/rfc{int(number)}{anchor}"
    if found := DRAFT.match(part):
        return f"https://datatracker.ietf.org/doc/{found[0]}"
    article = ARTICLE.search(part)
    return article[0] if article and article[0].isprintable() else ""


MOST = 60  # findings of a call
LONG = 2000  # characters of a text of several sentences


@dataclass(frozen=True, slots=True)
class Card:
    """A finding; ``anchor`` is its id in the page, ``under`` are its consequences."""

    anchor: str
    code: str
    name: str
    verdict: str
    word: str
    leg: int | None
    confidence: str
    title: str
    detail: str
    causes: tuple[str, ...]
    remedies: tuple[str, ...]
    sources: tuple[Reference, ...]
    copies: tuple[Copy, ...]
    advised: bool  # whether causes and remedies are shown at once
    under: tuple["Card", ...] = ()


def cards(call: int, found: Sequence[Described], lang: Lang) -> tuple[Card, ...]:
    """The findings in their order, each consequence under the finding that explains it."""
    held = found[:MOST]
    parents = _parents(held)
    under: dict[int | None, list[int]] = {}
    for place, parent in enumerate(parents):
        under.setdefault(parent, []).append(place)

    def card(place: int) -> Card:
        return _card(call, place, held[place], tuple(map(card, under.get(place, ()))), lang)

    return tuple(map(card, under.get(None, ())))


def _parents(found: Sequence[Described]) -> list[int | None]:
    """For each finding the place of the one that explains it, on the same leg if there is one there."""
    parents: list[int | None] = []
    for place, each in enumerate(found):
        causes = [n for n, other in enumerate(found) if n != place and other.name == each.caused_by]
        near = [n for n in causes if found[n].leg == each.leg]
        parents.append(next(iter(near or causes), None))
    return [None if _circular(place, parents) else parent for place, parent in enumerate(parents)]


def _circular(place: int, parents: Sequence[int | None]) -> bool:
    """Whether the way up from a finding leads nowhere."""
    seen, at = {place}, parents[place]
    while at is not None:
        if at in seen:
            return True
        seen.add(at)
        at = parents[at]
    return False


def _card(call: int, place: int, found: Described, under: tuple[Card, ...], lang: Lang) -> Card:
    share = found.confidence
    return Card(
        anchor=f"call-{call}-finding-{place + 1}",
        code=shown(found.code),
        name=shown(found.name),
        verdict=found.verdict if found.verdict in VERDICTS else "note",
        word=verdict_word(found.verdict, lang),
        leg=found.leg,
        confidence=f"{100 * share:.0f} %" if share is not None else "",
        title=shown(found.title, LONG),
        detail=shown(found.detail, LONG) if found.detail else "",
        causes=tuple(shown(each, LONG) for each in found.causes),
        remedies=tuple(shown(each, LONG) for each in found.remedies),
        sources=references(found.references, lang),
        copies=copies((PAGE["frames"].of(lang), frame_filter(found.frames), found.capture)),
        advised=found.advised,
        under=under,
    )


def flat(held: Sequence[Card]) -> list[Card]:
    """All cards of a tree, those above first."""
    return [each for card in held for each in (card, *flat(card.under))]


BROKEN = ("fault", "suspect", "cannot_tell")
SIGNS = {"passed": "✓", "failed": "✗", "cannot_tell": "?", "not_reached": "·", "not_needed": "–"}


@dataclass(frozen=True, slots=True)
class Box:
    """A step; ``finding`` is the card that failed it, ``chosen``: the step to look at first."""

    anchor: str
    state: str
    sign: str
    word: str
    question: str
    said: str
    copies: tuple[Copy, ...]
    finding: Card | None = None
    chosen: bool = False


def boxes(call: int, walk: Sequence[Mapping[str, Any]], found: Sequence[Card], lang: Lang) -> tuple[Box, ...]:
    """The steps of a call; ``found`` are its findings, the root first."""
    titles = {card.title: card for card in reversed(found)}
    chosen = stopped_at(walk, found)
    return tuple(
        _box(call, place, step, titles, lang, chosen=place == chosen) for place, step in enumerate(walk)
    )


def stopped_at(walk: Sequence[Mapping[str, Any]], found: Sequence[Card | Described]) -> int:
    """The step that the root failed, else the first that is broken, else the last that was passed."""
    root = next((shown(each.title, LONG) for each in found if each.verdict in BROKEN), None)
    states = [step["state"] for step in walk]
    said = [shown(step["said"], LONG) for step in walk]
    if root in said and states[said.index(root)] != "passed":
        return said.index(root)
    for state in ("failed", "cannot_tell"):
        if state in states:
            return states.index(state)
    return max((place for place, state in enumerate(states) if state == "passed"), default=0)


def _box(
    call: int, place: int, step: Mapping[str, Any], titles: Mapping[str, Card], lang: Lang, *, chosen: bool
) -> Box:
    state = step["state"] if step["state"] in STATES else "cannot_tell"
    said = shown(step["said"], LONG)
    return Box(
        anchor=f"call-{call}-step-{place + 1}",
        state=state,
        sign=SIGNS[state],
        word=STATES[state].of(lang),
        question=shown(step["question"]),
        said=said,
        copies=copies(
            (PAGE["frames"].of(lang), frame_filter(step["frames"]), step["capture"]),
            (PAGE["filter"].of(lang), step["filter"], None),
        ),
        finding=titles.get(said) if state != "passed" else None,
        chosen=chosen,
    )
