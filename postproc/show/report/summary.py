"""What is wrong in a run, on one screen: each cause with its first remedy, and where calls stop."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from postproc.model.described import Described
from postproc.model.text import Lang
from postproc.model.vocabulary import CALLS, STATES, counted
from postproc.show.report.calls import Entry
from postproc.show.report.cells import shown
from postproc.show.report.findings import BROKEN, SIGNS, stopped_at
from postproc.show.store import Walks

# Choices:
CAUSES = 8  # shown at once: more do not fit on one screen
HOTTEST = 60  # calls in the table of calls and steps
PAST = ""  # instead of a step
NUMBERS = 12  # call numbers listed for a cause, about one line


class Cause(NamedTuple):
    """A rule that is the root cause of calls: title and remedy of its finding with most confidence."""

    verdict: str
    word: str
    code: str
    title: str
    remedy: str
    calls: tuple[int, ...]  # the first of them
    counted: str
    more: int


class Stop(NamedTuple):
    """A step of the walk, and how many calls that are not ok got no further."""

    question: str
    calls: int
    counted: str


class Heat(NamedTuple):
    """A call's row in the table of calls and steps: state, sign and word of each step."""

    number: int
    steps: tuple[tuple[str, str, str], ...]


class Summary(NamedTuple):
    """What is wrong; ``unexplained`` counts calls that are not ok and have no cause, "" if none."""

    causes: tuple[Cause, ...]
    rarer: tuple[Cause, ...]  # further ones, folded at first
    unexplained: str
    stops: tuple[Stop, ...]
    past_all: str  # calls none of whose steps fails, "" if none
    heat: tuple[Heat, ...] = ()
    questions: tuple[str, ...] = ()  # above the columns of ``heat``


def summary(
    entries: Sequence[Entry], findings: Mapping[int | None, Sequence[Described]], walks: Walks, lang: Lang
) -> Summary | None:
    """Return the summary of several calls, some of which are not ok; None for others, or a single call."""
    troubled = [item for item in entries if item.verdict in BROKEN]
    if len(entries) < 2 or not troubled:
        return None
    by_cause: defaultdict[str, list[Entry]] = defaultdict(list)
    for item in troubled:
        if item.cause:
            by_cause[item.cause].append(item)
    worst_first = sorted(by_cause, key=lambda name: (_worst(by_cause[name]).rank, -len(by_cause[name])))
    causes = tuple(_cause(name, by_cause[name], findings, lang) for name in worst_first)
    unexplained = sum(not item.cause for item in troubled)
    rest = counted(CALLS, unexplained, lang) if unexplained else ""
    stops, past = _stops(troubled, findings, walks, lang)
    past_all = counted(CALLS, past, lang) if past else ""
    heat = tuple(_heat(entry, walks, lang) for entry in sorted(troubled, key=by_rank)[:HOTTEST])
    return Summary(
        causes[:CAUSES], causes[CAUSES:], rest, stops, past_all, heat, tuple(item.question for item in stops)
    )


def by_rank(entry: Entry) -> tuple[int, int]:
    """Sort key: the worst calls first."""
    return entry.rank, entry.number


def _heat(entry: Entry, walks: Walks, lang: Lang) -> Heat:
    states = [
        step["state"] if step["state"] in STATES else "cannot_tell" for step in walks.get(entry.number, ())
    ]
    return Heat(entry.number, tuple((state, SIGNS[state], STATES[state].of(lang)) for state in states))


def _worst(entries: Sequence[Entry]) -> Entry:
    return min(entries, key=lambda item: item.rank)


def _cause(
    name: str, entries: Sequence[Entry], findings: Mapping[int | None, Sequence[Described]], lang: Lang
) -> Cause:
    roots = [finding for entry in entries for finding in findings[entry.number] if finding.name == name]
    surest = max(roots, key=lambda finding: finding.confidence or 0.0, default=None)
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
    troubled: Iterable[Entry], findings: Mapping[int | None, Sequence[Described]], walks: Walks, lang: Lang
) -> tuple[tuple[Stop, ...], int]:
    """Return the steps, and how many calls none of them stops."""
    questions: dict[str, str] = {}
    stopped: Counter[str] = Counter()
    for entry in troubled:
        walk: Sequence[Mapping[str, Any]] = walks.get(entry.number, ())
        for step in walk:
            questions.setdefault(step["step"], shown(step["question"]))
        if walk:
            last = walk[stopped_at(walk, findings[entry.number])]
            past = last is walk[-1] and last["state"] == "passed"
            stopped[PAST if past else last["step"]] += 1
    stops = (
        Stop(question, stopped[step], counted(CALLS, stopped[step], lang))
        for step, question in questions.items()
    )
    return tuple(stops), stopped[PAST]
