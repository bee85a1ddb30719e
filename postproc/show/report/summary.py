"""What is wrong in a run, on one screen: each cause with what to do first, and where calls stop."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from postproc.model.described import Described
from postproc.model.text import Lang
from postproc.model.vocabulary import CALLS, STATES, counted
from postproc.show.report.calls import Entry
from postproc.show.report.cells import shown
from postproc.show.report.findings import BROKEN, SIGNS, stopped_at
from postproc.show.store import Walks

CAUSES = 8  # shown at once: more are not on one screen
HOTTEST = 60  # calls in the table of calls and steps
NUMBERS = 12  # of calls with a cause that are named; more fill lines that nobody reads


@dataclass(frozen=True, slots=True)
class Cause:
    """A rule that is the root of calls: as the surest finding says it, and its first remedy."""

    verdict: str
    word: str
    code: str
    title: str
    remedy: str
    calls: tuple[int, ...]  # the first of them
    counted: str
    more: int


@dataclass(frozen=True, slots=True)
class Stop:
    """A step of the walk, and how many calls that are not well came no further."""

    question: str
    calls: int
    counted: str


@dataclass(frozen=True, slots=True)
class Heat:
    """A call's row in the table of calls and steps: state, sign and word of each step."""

    number: int
    steps: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """What is wrong; ``unexplained`` says how many calls are not well and have no cause, "" if none."""

    causes: tuple[Cause, ...]
    rarer: tuple[Cause, ...]  # further ones, that may be folded away
    unexplained: str
    stops: tuple[Stop, ...]
    heat: tuple[Heat, ...] = ()
    questions: tuple[str, ...] = ()  # above the columns of ``heat``


def summary(
    entries: Sequence[Entry], found: Mapping[int | None, Sequence[Described]], walks: Walks, lang: Lang
) -> Summary | None:
    """Of several calls of which some are not well; else None, as one call says it itself."""
    troubled = [each for each in entries if each.verdict in BROKEN]
    if len(entries) < 2 or not troubled:
        return None
    by_cause: defaultdict[str, list[Entry]] = defaultdict(list)
    for each in troubled:
        if each.cause:
            by_cause[each.cause].append(each)
    worst_first = sorted(by_cause, key=lambda name: (_worst(by_cause[name]).rank, -len(by_cause[name])))
    causes = tuple(_cause(name, by_cause[name], found, lang) for name in worst_first)
    unexplained = sum(not each.cause for each in troubled)
    rest = counted(CALLS, unexplained, lang) if unexplained else ""
    stops = _stops(troubled, found, walks, lang)
    heat = tuple(_heat(entry, walks, lang) for entry in sorted(troubled, key=by_rank)[:HOTTEST])
    return Summary(
        causes[:CAUSES], causes[CAUSES:], rest, stops, heat, tuple(each.question for each in stops)
    )


def by_rank(entry: Entry) -> tuple[int, int]:
    """The worst first."""
    return entry.rank, entry.number


def _heat(entry: Entry, walks: Walks, lang: Lang) -> Heat:
    states = [
        each["state"] if each["state"] in STATES else "cannot_tell" for each in walks.get(entry.number, ())
    ]
    return Heat(entry.number, tuple((state, SIGNS[state], STATES[state].of(lang)) for state in states))


def _worst(entries: Sequence[Entry]) -> Entry:
    return min(entries, key=lambda each: each.rank)


def _cause(
    name: str, entries: Sequence[Entry], found: Mapping[int | None, Sequence[Described]], lang: Lang
) -> Cause:
    roots = [each for entry in entries for each in found[entry.number] if each.name == name]
    surest = max(roots, key=lambda each: each.confidence or 0.0, default=None)
    worst = _worst(entries)
    numbers = [entry.number for entry in entries]
    return Cause(
        verdict=worst.verdict,
        word=worst.word,
        code=shown(f"{surest.code} {name}" if surest else name),
        title=shown(surest.title) if surest else shown(name),
        remedy=shown(surest.remedies[0], 300) if surest and surest.remedies else "",
        calls=tuple(numbers[:NUMBERS]),
        counted=counted(CALLS, len(numbers), lang),
        more=len(numbers) - len(numbers[:NUMBERS]),
    )


def _stops(
    troubled: Iterable[Entry], found: Mapping[int | None, Sequence[Described]], walks: Walks, lang: Lang
) -> tuple[Stop, ...]:
    questions: dict[str, str] = {}
    stopped: Counter[str] = Counter()
    for entry in troubled:
        walk: Sequence[Mapping[str, Any]] = walks.get(entry.number, ())
        for step in walk:
            questions.setdefault(step["step"], shown(step["question"]))
        if walk:
            stopped[walk[stopped_at(walk, found[entry.number])]["step"]] += 1
    return tuple(
        Stop(question, stopped[step], counted(CALLS, stopped[step], lang))
        for step, question in questions.items()
    )
