"""The findings of a call as a tree: what follows from a finding is listed under it."""

from collections.abc import Sequence
from dataclasses import dataclass

from postproc.model.described import Described
from postproc.model.text import Lang
from postproc.model.vocabulary import VERDICTS
from postproc.show.report.cells import Copy, copies, frame_filter, shown
from postproc.show.report.references import Reference, references
from postproc.show.report.words import PAGE, verdict_word

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
        sources=references(found.references),
        copies=copies((PAGE["frames"].of(lang), frame_filter(found.frames), found.capture)),
        advised=found.advised,
        under=under,
    )


def flat(held: Sequence[Card]) -> list[Card]:
    """All cards of a tree, those above first."""
    return [each for card in held for each in (card, *flat(card.under))]
