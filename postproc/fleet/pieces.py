"""A piece of work: some captures of a chain, and those that the calls going on need, judged as ``run`` does.

What a piece hands on is small: which files, and which calls were told. A piece that is done again finds its
calls in the dataset.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from postproc.dataset import Appended, append
from postproc.files import scratch
from postproc.fleet.sources import Source
from postproc.model.columns import plain
from postproc.read import inputs
from postproc.read.inputs import Capture, Unread
from postproc.results import Run
from postproc.show.terminal import silence
from postproc.stages import Work, analysed
from postproc.watch.ending import Told, let_go, needed_since, states
from postproc.watch.session import at_their_places

# Bytes of a chain's first piece, and of any later one at least and at most. 16 MB of SIP without media are
# 2,000 calls and take 460 MB of memory.
STEP, LARGEST = 16 << 20, 512 << 20
# Rows of a piece that its bytes are chosen for: those of 16 MB of SIP without media are 250,000. Media have
# so few rows to a byte that pieces of the largest size come of them.
ROWS = 250_000
FASTEST = 4  # times the size of the last piece: the next hour may be a busier one
# Rows at which calls that go on are told as open, so that memory has an end: those of two full pieces.
MOST_ROWS = 2 * ROWS
PATIENCE = 600.0  # s: so many others may be adding to the dataset


@dataclass(frozen=True)
class Task:
    """What is the same for all pieces."""

    work: Work
    dataset: Path


@dataclass(frozen=True)
class Handed:
    """What a piece gets from the one before."""

    files: tuple[Source, ...] = ()  # that calls going on need
    told: Told = field(default_factory=Told)
    step: int = field(default_factory=lambda: STEP)  # bytes of new files that the next piece is to have


@dataclass(frozen=True)
class Done:
    """What came of a piece: calls added, those that were there, and how severe the findings in them are."""

    handed: Handed
    added: int = 0
    there: int = 0
    severities: frozenset[str] = frozenset()
    unread: tuple[Unread, ...] = ()


def timed(sources: Iterable[Source]) -> list[Source]:
    """Captures in the order of their first packets."""
    with scratch.folder() as place:
        found = [each.timed(place / "head") for each in sources]
    return sorted(found, key=lambda each: (each.first_ns, each.name))


def judged(task: Task, site: str, handed: Handed, new: Sequence[Source], next_ns: int | None) -> Done:
    """Judge files together with those handed on, and add to the dataset the calls that have ended.

    ``next_ns`` is the first time of what comes after, None at the end of the chain: then all calls are added.
    """
    sources = {inputs.readable(each.name): each for each in (*handed.files, *new)}
    run, unread = _run(task.work, sources)
    told = handed.told.copy()
    fresh = told.fresh(states(run.tables))
    rows = sum(len(held) for _, held in run.tables.items())
    cut = min(each.first_ns for each in new) if rows > MOST_ROWS else 0
    due = [each for each in fresh if next_ns is None or each.is_due(next_ns) or each.start < cut]
    uids = frozenset(each.uid for each in due)
    appended = append(task.dataset, run, site, uids, PATIENCE) if due else Appended(0, 0)
    for each in due:
        told.add(each)
    files: tuple[Source, ...] = ()
    if next_ns is not None:
        since = needed_since([each for each in fresh if each not in due], next_ns)
        told.forget(since)
        left = set(let_go(run.captures, since))
        files = tuple(sources[name] for name in plain(run.captures["capture"]) if name not in left)
    size = sum(each.size for each in sources.values())
    step = int(size * min(ROWS / max(rows, 1), FASTEST))
    found = run.findings.loc[run.findings["call"].isin([each.number for each in due]), "severity"]
    return Done(
        Handed(files, told, min(max(step, STEP), LARGEST)),
        appended.added,
        appended.there,
        frozenset(plain(found)),
        unread,
    )


def _run(work: Work, sources: Mapping[str, Source]) -> tuple[Run, tuple[Unread, ...]]:
    """What a run says of captures, by name; and what could not be read, at the places where it was found."""
    captures: list[Capture] = []
    unread: list[Unread] = []
    with scratch.folder() as folder:
        for number, (name, source) in enumerate(sources.items()):
            try:
                path = source.fetched(folder / str(number))
            except OSError as error:
                unread.append(Unread(Path(source.place), inputs.said(error)))
            else:
                captures.append(Capture(path, name, source.size))
        done = analysed(captures, [], None, work, silence)
    places = {each.path: Path(sources[each.name].place) for each in captures}
    unread += [replace(each, path=places[each.path]) for each in done.unread]
    found = {name: inputs.readable(each.place) for name, each in sources.items()}
    return at_their_places(done, found), tuple(unread)
