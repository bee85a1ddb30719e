"""A piece of work: some captures of a chain, and earlier ones that unfinished calls need, analysed as by run.

A piece hands on little: a list of files, and the calls reported. A piece that is repeated finds its calls in
the dataset.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

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

# Bytes of a chain's first piece and the least of a later one, and the most. 16 MB of SIP without media are
# 2,000 calls and take 460 MB of memory.
STEP, LARGEST = 16 << 20, 512 << 20
# Rows that the size of a piece aims at: 16 MB of SIP without media have 250,000. Media have so few rows per
# byte that such pieces reach the largest size. More rows take more memory in proportion.
ROWS = 250_000
FASTEST = 4  # most by which a piece grows from the last one, as the next hour may be busier; a choice
# Rows from which unfinished calls are added as open, so that memory is bounded: those of two full pieces.
MOST_ROWS = 2 * ROWS
PATIENCE = 600.0  # s to wait for other writers of the dataset, of which there may be many


class Task(NamedTuple):
    """Parameters common to all pieces."""

    work: Work
    dataset: Path


@dataclass(frozen=True)
class Handed:
    """State that a piece gets from the one before."""

    files: tuple[Source, ...] = ()  # that unfinished calls need
    told: Told = field(default_factory=Told)
    step: int = field(default_factory=lambda: STEP)  # bytes of new files for the next piece


class Done(NamedTuple):
    """Result of a piece: calls added, calls already in the dataset, and severities of their findings."""

    handed: Handed
    added: int = 0
    there: int = 0
    severities: frozenset[str] = frozenset()
    unread: tuple[Unread, ...] = ()


def timed(sources: Iterable[Source]) -> list[Source]:
    """Return captures in the order of their first packets."""
    with scratch.folder() as place:
        ordered = [each.timed(place / "head") for each in sources]
    return sorted(ordered, key=lambda each: (each.first_ns, each.name))


def judged(task: Task, site: str, handed: Handed, new: Sequence[Source], next_ns: int | None) -> Done:
    """Analyse files together with those handed on, and add the calls that have ended to the dataset.

    ``next_ns`` is the first time of the files to come, None at the end of the chain: then all are added.
    """
    sources = {inputs.readable(each.name): each for each in (*handed.files, *new)}
    run, unread = _run(task.work, sources)
    reported = handed.told.copy()
    fresh = reported.fresh(states(run.tables))
    rows = sum(len(table_rows) for _, table_rows in run.tables.items())
    cut = min(each.first_ns for each in new) if rows > MOST_ROWS else 0
    due = [each for each in fresh if next_ns is None or each.is_due(next_ns) or each.start < cut]
    uids = frozenset(each.uid for each in due)
    appended = append(task.dataset, run, site, uids, PATIENCE) if due else Appended(0, 0)
    for each in due:
        reported.add(each)
    files: tuple[Source, ...] = ()
    if next_ns is not None:
        since = needed_since([each for each in fresh if each not in due], next_ns)
        reported.forget(since)
        not_needed = set(let_go(run.captures, since))
        files = tuple(sources[name] for name in plain(run.captures["capture"]) if name not in not_needed)
    size = sum(each.size for each in sources.values())
    step = int(size * min(ROWS / max(rows, 1), FASTEST))
    severities = run.findings.loc[run.findings["call"].isin([each.number for each in due]), "severity"]
    return Done(
        Handed(files, reported, min(max(step, STEP), LARGEST)),
        appended.added,
        appended.there,
        frozenset(plain(severities)),
        unread,
    )


def _run(work: Work, sources: Mapping[str, Source]) -> tuple[Run, tuple[Unread, ...]]:
    """Return a run over captures, by name, and the unreadable ones, with paths or URLs as they were given."""
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
        result = analysed(captures, [], None, work, silence)
    places = {each.path: Path(sources[each.name].place) for each in captures}
    unread += [each._replace(path=places[each.path]) for each in result.unread]
    places_by_name = {name: inputs.readable(each.place) for name, each in sources.items()}
    return at_their_places(result, places_by_name), tuple(unread)
