"""The walk through the guide's chart: each step with its state, and what it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from postproc.model.text import Lang
from postproc.model.vocabulary import STATES
from postproc.show.report.cells import Copy, copies, frame_filter, shown
from postproc.show.report.findings import LONG, Card
from postproc.show.report.words import PAGE

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
    chosen = _chosen(walk, found)
    return tuple(
        _box(call, place, step, titles, lang, chosen=place == chosen) for place, step in enumerate(walk)
    )


def _chosen(walk: Sequence[Mapping[str, Any]], found: Sequence[Card]) -> int:
    """The step that the root failed, else the first that is broken, else the last that was passed."""
    root = next((card.title for card in found if card.verdict in BROKEN), None)
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
