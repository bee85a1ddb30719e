"""The stages between captures and diagnosed calls: reading, with the cache, then correlation and diagnosis.

Captures that cannot be processed are left out and named.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pandas as pd

from postproc import batch, cache, memory, places, provenance
from postproc.batch import Job
from postproc.correlate import correlate
from postproc.correlate.identity import with_uids
from postproc.diagnose import answers, diagnose, walks
from postproc.files import scratch
from postproc.model.deployment import Deployment
from postproc.model.events import Events
from postproc.model.merged import Recordings
from postproc.model.recordings import joined
from postproc.model.tables import CAPTURES, Tables
from postproc.model.text import Lang, Text
from postproc.places.parts import parts
from postproc.read import fslog, inputs, option_files, programs
from postproc.read.inputs import Capture, Unread, readable
from postproc.read.option_files import Options
from postproc.read.recordings import planned
from postproc.results import Run
from postproc.show import store
from postproc.show.terminal import READING, Step, Tell
from postproc.sparing import sparing
from postproc.workers import workers

JOINING = Text("joining legs, checks and media", "verbinde Legs, Checks und Medien")
JUDGING = Text("judging the calls", "beurteile die Anrufe")


@dataclass(frozen=True)
class Work:
    """The settings with which captures are read and diagnosed."""

    deployment: Deployment
    options: Options
    fs_logs: tuple[Path | str, ...]
    lang: Lang
    only: Collection[str]  # rules asked; all if empty
    jobs: int  # captures read at a time
    executor: Executor | None = None  # has them read elsewhere
    offsets_ms: Mapping[str, float] = field(default_factory=dict)  # of clocks, by capture, as given by hand


def analysed(captures: list[Capture], unread: list[Unread], out: Path | None, work: Work, tell: Tell) -> Run:
    """Read, correlate and judge the captures; the run has none if none can be read. ``unread`` is none."""
    read = _read(captures, unread, out, work, tell)
    memory.give_back()
    if read.events is None:
        return Run(Tables(), out, read.unread)
    in_others = parts(read.events)
    events = _only(read.events, {*read.events.captures["capture"]} - in_others.keys())
    gathered, no_logs = _with_logs(events, work.fs_logs, out, tell)
    files = _files(gathered, captures)

    def judge(names: Sequence[str]) -> tuple[Tables, store.Walks, store.Answers]:
        tell(Step(JOINING))
        recorded, way_back = joined(_only(gathered, names))
        seen = places.find(recorded, way_back.paths(files), way_back.by_recording(work.offsets_ms))
        correlated = correlate(seen.by_one_clock(recorded), work.deployment, seen)
        memory.give_back()
        tell(Step(JUDGING))

        def apart(tables: Tables) -> Tables:
            return way_back.apart(seen.by_own_clocks(tables, recorded))

        return judged(correlated, work, way_back, apart)

    with workers(1) as here:
        found, lost = sparing(judge, list(files), here)
    memory.give_back()
    left_out = (*read.unread, *no_logs, *(_lost(files[name], error) for name, error in lost.items()))
    if found is None or found[0].captures.empty:
        return Run(Tables(), out, left_out)
    tables, walked, answered = found
    return Run(
        _with_left_out(tables, [*_copies(read.copies), *_parts(read.events, captures, in_others)]),
        out,
        left_out,
        read.cached,
        walks=walked,
        answers=answered,
        lang=work.lang,
        id=uuid4().hex,
    )


class _Read(NamedTuple):
    """The result of reading the captures."""

    copies: list[tuple[Capture, Capture]]  # not read, and the one with the same bytes that was
    events: Tables | None  # of all captures; None if none could be read
    cached: int  # of them, found unchanged
    unread: tuple[Unread, ...]


def _read(found: list[Capture], unread: list[Unread], out: Path | None, work: Work, tell: Tell) -> _Read:
    with _cache_folder(out) as folder:
        jobs, copies, unhashed = _work(found, folder, work.options, work.jobs)
        cached = {job: held for job in jobs if (held := _cached(job)) is not None}
        unchanged, every = (sum(len(job.captures) for job in each) for each in (cached, jobs))
        if cached:
            tell(Step(_unchanged(unchanged, every)))
        new = [job for job in jobs if job not in cached]
        fresh, lost = batch.read_all(new, work.executor, work.jobs, tell)
    events = cached | fresh
    return _Read(
        copies,
        _gathered(events) if events else None,
        unchanged,
        tuple(sorted([*unread, *unhashed, *lost], key=lambda each: each.path)),
    )


def _unchanged(cached: int, every: int) -> Text:
    return Text(
        f"{cached} of {every} captures unchanged since they were read",
        f"{cached} von {every} Mitschnitten unverändert, seit sie gelesen wurden",
    )


@contextmanager
def _cache_folder(out: Path | None) -> Iterator[Path]:
    if out:
        yield (out / cache.FOLDER).absolute()
        return
    with scratch.folder() as folder:
        yield folder


def _work(
    found: list[Capture], folder: Path, options: Options, threads: int
) -> tuple[list[Job], list[tuple[Capture, Capture]], list[Unread]]:
    """The jobs, copies with what they are copies of, and what cannot be read.

    Hashed are only those that may be a copy or in the cache: the others are when they are read.
    """
    if not found:
        return [], [], []
    sizes = Counter(capture.size for capture in found)
    hashed, unhashed = inputs.hashed((each for each in found if sizes[each.size] > 1), threads)
    originals = {capture.sha256: capture for capture in reversed(hashed)}
    copies = [(each, original) for each in hashed if (original := originals[each.sha256]) is not each]
    left = [capture for capture in found if sizes[capture.size] == 1] + list(originals.values())
    jobs, held = _jobs(planned(left), folder, options), cache.places(folder)
    asked = [capture for job in jobs if job.place in held for capture in job.captures if not capture.sha256]
    more, unread = inputs.hashed(asked, threads)
    known = {capture.path: capture.sha256 for capture in (*hashed, *more)}
    gone = {each.path for each in unread}
    return (
        [
            job.with_hashes(known.get(capture.path, "") for capture in job.captures)
            for job in jobs
            if gone.isdisjoint(capture.path for capture in job.captures)
        ],
        copies,
        unhashed + unread,
    )


def _jobs(recordings: Iterable[tuple[Capture, ...]], folder: Path, options: Options) -> list[Job]:
    """Return one job per recording; its place is named after all that determines events, but the bytes."""
    if options.keylog:  # workers may stand elsewhere
        options = options._replace(keylog=option_files.plain_keylog(options.keylog.absolute()))
    key = cache.key(programs.tshark_build(), *provenance.decisive(options))
    return [
        Job(files, cache.place(folder, key, [each.size for each in files]), options, key, number)
        for number, files in enumerate(recordings)
    ]


def _cached(job: Job) -> Events | None:
    return cache.read(job.file) if job.hashed else None


def _gathered(events: Mapping[Job, Events]) -> Tables:
    by_name = sorted(events, key=lambda job: job.name)
    tables = cache.gather((events[job], [_names(each) for each in job.captures]) for job in by_name)
    recording = {each.name: job.recording for job in by_name for each in job.captures}
    captures = tables.captures.assign(recording=tables.captures["capture"].map(recording).astype("Int64"))
    return tables.with_(captures=captures.sort_values("capture"))


def judged(
    correlated: Tables, work: Work, recorded: Recordings, apart: Callable[[Tables], Tables]
) -> tuple[Tables, store.Walks, store.Answers]:
    """The tables with findings, each call's walk and answer; what the rules looked at, which is large, goes.

    ``apart`` has rows name the files of the recordings again, with times of their own.
    """
    tables, found = diagnose(correlated, work.deployment, lang=work.lang, only=work.only, recorded=recorded)
    memory.give_back()
    return with_uids(apart(tables)), walks(found), answers(found)


def _with_logs(
    events: Tables, fs_logs: Sequence[Path | str], out: Path | None, tell: Tell
) -> tuple[Tables, list[Unread]]:
    """Add the logs' lines about the calls in ``events``."""
    if not fs_logs:
        return events, []
    known = {*events.sip_messages["call_id"].dropna(), *events.sdp_media["session_id"].dropna()}
    paths = [Path(path) for path in fs_logs]
    with workers(1) as here:
        read = here.submit(fslog.read_all, paths, out, known, lambda name: tell(Step(_reading(name))))
        if error := read.exception():
            return events, [_lost(path, error) for path in paths]
    logs, unread = read.result()
    return events.with_(log_events=logs.log_events, logs=logs.logs), unread


def _files(events: Tables, captures: Iterable[Capture]) -> dict[str, Path]:
    """Return the files, by name, of the captures and logs with events."""
    known = {capture.name: capture.path for capture in captures}
    logs = zip(events.logs["capture"], events.logs["path"], strict=True)
    return {name: known[name] for name in events.captures["capture"]} | {
        name: inputs.located(path) for name, path in logs
    }


def _only(events: Tables, names: Collection[str]) -> Tables:
    """Return the events of these captures and logs only."""
    if {*events.captures["capture"], *events.logs["capture"]} <= {*names}:
        return events
    cut = {table.name: rows[rows["capture"].isin(names)] for table, rows in events.items() if len(rows)}
    return events.with_(**cut)


def _lost(path: Path, error: BaseException) -> Unread:
    return Unread(path, batch.reason(error), error)


def _reading(name: str) -> Text:
    return Text(f"{READING.en} {name}", f"{READING.de} {name}")


def _names(capture: Capture) -> dict[str, str]:
    return {"capture": capture.name, "path": readable(str(capture.path)), "sha256": capture.sha256}


def _copies(copies: Iterable[tuple[Capture, Capture]]) -> Iterator[tuple[Capture, str]]:
    """Yield captures that were not analyzed because another has the same bytes, and why."""
    for copy, original in copies:
        yield copy, f"same content as {original.name}; not analysed"


def _parts(
    events: Tables, captures: Iterable[Capture], in_others: Mapping[str, str]
) -> Iterator[tuple[Capture, str]]:
    """Yield captures that were not analyzed because all that is in them is in another, and why."""
    sha256 = dict(zip(events.captures["capture"], events.captures["sha256"], strict=True))
    for capture in captures:
        if whole := in_others.get(capture.name):
            known = capture._replace(sha256=sha256[capture.name])
            yield known, f"all of it is in {whole} too; not analysed"


def _with_left_out(tables: Tables, left_out: Iterable[tuple[Capture, str]]) -> Tables:
    rows = CAPTURES.rows(_names(capture) | {"warnings": why} for capture, why in left_out)
    if rows.empty:
        return tables
    return tables.with_(captures=pd.concat([tables.captures, rows]).sort_values("capture"))
