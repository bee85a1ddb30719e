"""The walk through the guide's chart: each step with its state, and what it rests on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from postproc.present.report.cells import Copy, copies, frame_filter, shown
from postproc.present.report.findings import LONG, Card
from postproc.present.report.words import PAGE, STATES
from postproc.text import Lang

SIGNS = {"passed": "✓", "failed": "✗", "cannot_tell": "?", "not_reached": "·", "not_needed": "–"}


@dataclass(frozen=True, slots=True)
class Box:
    """A step; ``finding`` is the card that failed it, ``chosen`` the step to look at first."""

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
    call: int, walk: Sequence[Mapping[str, Any]], found: Iterable[Card], lang: Lang
) -> tuple[Box, ...]:
    """The steps of a call; the first that is broken is chosen, else the last that was passed."""
    titles = {card.title: card for card in reversed(list(found))}
    chosen = _chosen(walk)
    return tuple(
        _box(call, place, step, titles, lang, chosen=place == chosen) for place, step in enumerate(walk)
    )


def _chosen(walk: Sequence[Mapping[str, Any]]) -> int:
    for state in ("failed", "cannot_tell"):
        for place, step in enumerate(walk):
            if step["state"] == state:
                return place
    passed = [place for place, step in enumerate(walk) if step["state"] == "passed"]
    return passed[-1] if passed else 0


def _box(
    call: int, place: int, step: Mapping[str, Any], titles: Mapping[str, Card], lang: Lang, *, chosen: bool
) -> Box:
    state = step["state"] if step["state"] in STATES else "cannot_tell"
    said = shown(step["said"], LONG)
    frames = PAGE["frames_in"].of(lang, capture=shown(step["capture"]))
    return Box(
        anchor=f"call-{call}-step-{place + 1}",
        state=state,
        sign=SIGNS[state],
        word=STATES[state].of(lang),
        question=shown(step["question"]),
        said=said,
        copies=copies([(frames, frame_filter(step["frames"])), (PAGE["filter"].of(lang), step["filter"])]),
        finding=titles.get(said) if state != "passed" else None,
        chosen=chosen,
    )
