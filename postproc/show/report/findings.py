"""The walk of a call and its findings: each step with its evidence, consequences below their cause."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from postproc.model.described import Described
from postproc.model.messages import REFERENCES, in_language
from postproc.model.text import Lang
from postproc.model.vocabulary import STATES, VERDICTS
from postproc.show.report.cells import Copy, copies, frame_filter, shown
from postproc.show.report.words import PAGE, verdict_word

RFC = re.compile(r"RFC (\d{1,5})\b(?:, (section|sections|appendix) ([A-Z]?[\d.]*\d|[A-Z]))?")
DRAFT = re.compile(r"draft-[a-z0-9-]+")
ARTICLE = re.compile(r"https?://[^\s<>\"';]+")


class Reference(NamedTuple):
    """A source; ``link`` is "" where there is no address for it."""

    text: str
    link: str = ""


def references(sources: Iterable[str], lang: Lang = "en") -> tuple[Reference, ...]:
    """Return the references of a finding (``RFC 8445, section 7``), with links."""
    return tuple(Reference(shown(in_language(source, lang, REFERENCES)), _link(source)) for source in sources)


def _link(part: str) -> str:
    if match := RFC.match(part):
        number, kind, place = match.groups()
        anchor = f"#{'appendix' if kind == 'appendix' else 'section'}-{place}" if place else ""
        return f"https://www.rfc-editor.org/rfc/rfc{int(number)}{anchor}"
    if match := DRAFT.match(part):
        return f"https://datatracker.ietf.org/doc/{match[0]}"
    article = ARTICLE.search(part)
    return article[0] if article and article[0].isprintable() else ""


MOST = 60  # findings of a call; a choice: findings.json has all
LONG = 2000  # characters of a text of several sentences; a choice that bounds what strangers' values add


class Card(NamedTuple):
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


def cards(call: int, findings: Sequence[Described], lang: Lang) -> tuple[Card, ...]:
    """Return the findings in their order, each consequence below the finding that explains it."""
    listed = findings[:MOST]
    parents = _parents(listed)
    under: dict[int | None, list[int]] = {}
    for place, parent in enumerate(parents):
        under.setdefault(parent, []).append(place)

    def card(place: int) -> Card:
        return _card(call, place, listed[place], tuple(map(card, under.get(place, ()))), lang)

    return tuple(map(card, under.get(None, ())))


def _parents(findings: Sequence[Described]) -> list[int | None]:
    """Return for each finding the position of the one that explains it, preferably on the same leg."""
    parents: list[int | None] = []
    for place, finding in enumerate(findings):
        causes = [n for n, other in enumerate(findings) if n != place and other.name == finding.caused_by]
        same_leg = [n for n in causes if findings[n].leg == finding.leg]
        parents.append(next(iter(same_leg or causes), None))
    return [None if _circular(place, parents) else parent for place, parent in enumerate(parents)]


def _circular(place: int, parents: Sequence[int | None]) -> bool:
    """Tell whether the chain of parents from a finding runs in a circle."""
    visited, at = {place}, parents[place]
    while at is not None:
        if at in visited:
            return True
        visited.add(at)
        at = parents[at]
    return False


def _card(call: int, place: int, finding: Described, under: tuple[Card, ...], lang: Lang) -> Card:
    share = finding.confidence
    return Card(
        anchor=f"call-{call}-finding-{place + 1}",
        code=shown(finding.code),
        name=shown(finding.name),
        verdict=finding.verdict if finding.verdict in VERDICTS else "note",
        word=verdict_word(finding.verdict, lang),
        leg=finding.leg,
        confidence=f"{100 * share:.0f} %" if share is not None else "",
        title=shown(finding.title, LONG),
        detail=shown(finding.detail, LONG) if finding.detail else "",
        causes=tuple(shown(text, LONG) for text in finding.causes),
        remedies=tuple(shown(text, LONG) for text in finding.remedies),
        sources=references(finding.references, lang),
        copies=copies((PAGE["frames"].of(lang), frame_filter(finding.frames), finding.capture)),
        advised=finding.advised,
        under=under,
    )


def flat(trees: Sequence[Card]) -> list[Card]:
    """Return all cards of the trees, parents first."""
    return [item for card in trees for item in (card, *flat(card.under))]


BROKEN = ("fault", "suspect", "cannot_tell")
SIGNS = {"passed": "✓", "failed": "✗", "cannot_tell": "?", "not_reached": "·", "not_needed": "–"}


class Box(NamedTuple):
    """A step of the walk; ``finding`` is the card that failed it, ``chosen`` marks the step to show first."""

    anchor: str
    state: str
    sign: str
    word: str
    question: str
    said: str
    copies: tuple[Copy, ...]
    finding: Card | None = None
    chosen: bool = False


def boxes(
    call: int, walk: Sequence[Mapping[str, Any]], findings: Sequence[Card], lang: Lang
) -> tuple[Box, ...]:
    """Return the steps of a call; ``findings`` are the call's, the root cause first."""
    titles = {card.title: card for card in reversed(findings)}
    chosen = stopped_at(walk, findings)
    return tuple(
        _box(call, place, step, titles, lang, chosen=place == chosen) for place, step in enumerate(walk)
    )


def stopped_at(walk: Sequence[Mapping[str, Any]], findings: Sequence[Card | Described]) -> int:
    """Return the step that the root cause failed, else the first that is broken, else the last passed one."""
    root = next((shown(finding.title, LONG) for finding in findings if finding.verdict in BROKEN), None)
    states = [step["state"] for step in walk]
    answers = [shown(step["said"], LONG) for step in walk]
    if root in answers and states[answers.index(root)] != "passed":
        return answers.index(root)
    for state in ("failed", "cannot_tell"):
        if state in states:
            return states.index(state)
    return max((place for place, state in enumerate(states) if state == "passed"), default=0)


def _box(
    call: int, place: int, step: Mapping[str, Any], titles: Mapping[str, Card], lang: Lang, *, chosen: bool
) -> Box:
    state = step["state"] if step["state"] in STATES else "cannot_tell"
    answer = shown(step["said"], LONG)
    return Box(
        anchor=f"call-{call}-step-{place + 1}",
        state=state,
        sign=SIGNS[state],
        word=STATES[state].of(lang),
        question=shown(step["question"]),
        said=answer,
        copies=copies(
            (PAGE["frames"].of(lang), frame_filter(step["frames"]), step["capture"]),
            (PAGE["filter"].of(lang), step["filter"], None),
        ),
        finding=titles.get(answer) if state != "passed" else None,
        chosen=chosen,
    )
