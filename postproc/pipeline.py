"""The whole flow in the order it happens: captures -> events -> tables -> files.

The only module that knows all stages.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pandas as pd

from postproc import batch, cache, memory, places, provenance
from postproc.batch import Job
from postproc.correlate import correlate
from postproc.diagnose import diagnose, walks
from postproc.files import commit, lock, private, scratch
from postproc.files.commit import Staged
from postproc.model.deployment import Deployment
from postproc.model.errors import SetupError
from postproc.model.recordings import Recordings, joined
from postproc.model.tables import CAPTURES, TABLES, Tables
from postproc.model.text import Lang, Text
from postproc.provenance import Provenance
from postproc.read import deployment as deployments
from postproc.read import fslog, inputs, logfiles, option_files, tshark
from postproc.read.inputs import Capture, Unread, readable, said
from postproc.read.option_files import AS_USUAL, Options
from postproc.read.recordings import planned
from postproc.results import FINDINGS, SUMMARY, Run, load
from postproc.show import selection, store
from postproc.show.terminal import READING, Step, Tell, silence
from postproc.sparing import sparing

REPORT, EVENTS = "report.html", "events"
UNSHOWN = "left out of the report"
JOINING = Text("joining legs, checks and media", "verbinde Legs, Checks und Medien")
JUDGING = Text("judging the calls", "beurteile die Anrufe")
WRITING = Text("writing the tables", "schreibe die Tabellen")
REPORTING = Text("writing the report", "schreibe den Bericht")
UNCHANGED = Text(
    "nothing has changed since the last run: its results stand",
    "nichts hat sich seit dem letzten Lauf geändert: seine Ergebnisse gelten",
)
JUDGED = ["code", "call", "leg", "verdict", "caused_by", "frames"]  # what a language does not change


@dataclass(frozen=True)
class Beside:
    """Further files: ``write`` returns what it could not. The run and ``about`` decide what is in them."""

    about: str
    write: Callable[[Run, Staged], Iterable[Unread]]


@dataclass(frozen=True)
class Wished:
    """The files to be written but for tables, findings and summary, which always are."""

    csv: bool = False
    report: bool = True
    beside: Beside | None = None


__all__ = ["Run", "load", "run"]


def run(
    paths: Iterable[Path | str],
    out: Path | None = None,
    *,
    options: Options = AS_USUAL,
    jobs: int | None = None,
    executor: Executor | None = None,
    csv: bool = False,
    deployment: Deployment | None = None,
    fs_logs: Sequence[Path | str] = (),
    lang: Lang = "en",
    only: Collection[str] = (),
    report: bool = True,
    beside: Beside | None = None,
    tell: Tell = silence,
) -> Run:
    """Read the captures in files and folders, correlate and diagnose them, and write the tables to ``out``.

    ``jobs`` captures are read at a time, as many as there are cores if None;
    ``executor`` has them read elsewhere. Captures in ``out``'s cache are not
    read again. ``deployment`` is XPhone's if None. ``fs_logs`` are FreeSWITCH
    logs, and folders with such. ``only`` names the rules to ask, all if empty;
    prose is in ``lang``. ``report``: report.html is written to ``out``, too, and
    ``beside`` may write further files. All of them take their places together, or none does.
    Where nothing has changed since the results in ``out`` were made they are these results; in another
    language they are told anew.
    A file that cannot be read is in ``unread``; SetupError when this machine cannot do the
    work, or another run is writing to ``out``.
    """
    with ExitStack() as alone:
        known, threads = deployment or deployments.read(deployments.DEFAULT), jobs or batch.cores()
        found, unfound = _found(paths, out, alone)
        made = None
        if out and found:
            asked = (provenance.decisive(options), known, sorted(only), csv, report, beside and beside.about)
            made = provenance.of_run(out, found, unfound, fs_logs, asked)

        def written(done: Run) -> Run:
            return _write(done, out, Wished(csv, report, beside), made, tell) if out else done

        if out and made and (earlier := provenance.unchanged(out, found, made, threads)):
            earlier = replace(earlier, logs_beside=_logs_beside(found, fs_logs))
            if earlier.lang == lang:
                tell(Step(UNCHANGED))
                return earlier
            tell(Step(JUDGING))
            if retold := _told_in(earlier, lang, known, only)[0]:
                return written(replace(retold, id=uuid4().hex))
        read = _read(found, unfound, out, options, jobs=threads, executor=executor, tell=tell)
        if read.events is None:
            return Run(Tables(), out, read.unread)
        gathered, no_logs = _with_logs(read.events, fs_logs, out, tell)

        files = _files(gathered, read.captures)

        def work(names: Sequence[str]) -> tuple[Tables, store.Walks]:
            tell(Step(JOINING))
            recorded, way_back = joined(_only(gathered, names))
            seen = places.find(recorded, way_back.paths(files))
            correlated = correlate(seen.by_one_clock(recorded), known, seen)
            memory.give_back()
            tell(Step(JUDGING))
            return _judged(correlated, known, lang, only, way_back)

        with batch.workers(1) as here:
            judged, lost = sparing(work, list(files), here)
        memory.give_back()
        unread = (*read.unread, *no_logs, *(_lost(files[name], error) for name, error in lost.items()))
        if judged is None or judged[0].captures.empty:
            return Run(Tables(), out, unread)
        tables, walked = judged
        done = Run(
            _with_copies(tables, read.copies),
            out,
            unread,
            read.cached,
            walks=walked,
            logs_beside=_logs_beside(found, fs_logs),
            lang=lang,
            id=uuid4().hex,
        )
        return written(done)


def _logs_beside(captures: Iterable[Capture], fs_logs: Sequence[Path | str]) -> tuple[Path, ...]:
    return () if fs_logs else tuple(logfiles.beside(capture.path for capture in captures))


@dataclass(frozen=True)
class _Read:
    """What came of reading the captures, which are in the order of their names."""

    captures: list[Capture]
    copies: list[tuple[Capture, Capture]]  # not read, and the one with the same bytes that was
    events: Tables | None  # of all captures; None if none could be read
    cached: int  # of them, found unchanged
    unread: tuple[Unread, ...]


def _found(
    paths: Iterable[Path | str], out: Path | None, alone: ExitStack
) -> tuple[list[Capture], list[Unread]]:
    """The captures, and what is none; the folder for the results is then this run's alone."""
    given = [Path(path) for path in paths]
    if out and any(path.is_dir() and path.resolve() == out.resolve() for path in given):
        raise SetupError(f"{out}: the results cannot go into the folder that is read; name another with -o")
    found, unread = inputs.find(given, out)
    if found and out:
        alone.enter_context(_alone(out))
    return found, unread


def _read(
    found: list[Capture], unread: list[Unread], out: Path | None, options: Options, *,
    jobs: int, executor: Executor | None, tell: Tell,
) -> _Read:  # fmt: skip
    with _cache_folder(out) as folder:
        work, copies, unhashed = _work(found, folder, options, jobs)
        cached = {job: held for job in work if (held := _cached(job)) is not None}
        unchanged, every = (sum(len(job.captures) for job in each) for each in (cached, work))
        if cached:
            tell(Step(_unchanged(unchanged, every)))
        fresh, lost = batch.read_all([job for job in work if job not in cached], executor, jobs, tell)
    events = cached | fresh
    return _Read(
        found,
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


def write(done: Run, out: Path, *, csv: bool = False) -> None:
    """Write a run's results to a folder, its report with them; SetupError when they cannot be written."""
    with _alone(out):
        _write(done, out, Wished(csv))


def _write(done: Run, out: Path, wished: Wished, made: Provenance | None = None, tell: Tell = silence) -> Run:
    """Write the files of the run aside and have them take their places together.

    What a report or notebook had to leave out is added to what was not read; not so in the
    summary, as it may be written again by itself.
    """
    about, left_out = {"version": done.version, "run": done.id}, list[Unread]()
    try:
        with commit.staged(out, done.id) as held:
            tell(Step(WRITING))
            store.write_tables(done.tables, held.file("tables"), done.id, csv=wished.csv)
            told = {"version": done.version, "lang": done.lang, "id": done.id}
            store.write_findings(done.tables, done.walks, told, held.file(FINDINGS))
            if wished.report:
                tell(Step(REPORTING))
                text, unshown = _page(done)
                left_out += unshown
                if text is not None:
                    _save(text, held.file(REPORT))
            if wished.beside:
                left_out += wished.beside.write(done, held)
            store.write_summary(done.tables, _unread(done), about, held.file(SUMMARY), held.files())
            for left in (REPORT, *(f"tables/{table.name}.csv" for table in TABLES)):
                held.remove(left)  # of an earlier run
    except OSError as error:
        raise SetupError(f"{out}: {said(error)}") from error
    done = replace(done, unread=(*done.unread, *left_out))
    if made and not held.edited:
        provenance.keep(done, out, made)
    return done


def write_report(done: Run, path: Path, calls: Collection[int] = ()) -> tuple[Unread, ...]:
    """Write a run as one HTML page, of some calls only if any are named; return what it had to leave out.

    Raises SetupError if it cannot be written, LookupError when the run has not one of the calls.
    """
    for call in calls:
        done.call(call)
    text, unshown = _page(done, calls)
    if text is None:
        raise SetupError(f"{path}: {next((each.reason for each in unshown), UNSHOWN)}")
    try:
        _save(text, path)
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error
    return unshown


def _page(done: Run, calls: Collection[int] = ()) -> tuple[str | None, tuple[Unread, ...]]:
    """The report, without the captures that it cannot take; None if it can take none."""
    from postproc.show.report import page  # noqa: PLC0415  (jinja2 is for those who want a page)

    files = dict(zip(done.captures["capture"], done.captures["path"], strict=True))

    def work(names: Sequence[str]) -> str:
        gone = sorted(files.keys() - set(names))
        made = page.report(
            selection.without_captures(done.tables, gone) if gone else done.tables, done.walks, done.lang,
            unread=[*_unread(done), *((files[name], UNSHOWN) for name in gone)],
            version=done.version, run=done.id, limits=page.Limits(calls=calls),
        )  # fmt: skip
        return page.html(made)

    with batch.workers(1) as here:
        text, lost = sparing(work, list(files), here)
    return text, tuple(
        Unread(inputs.located(files[name]), f"{UNSHOWN}: {batch.reason(error)}", error)
        for name, error in lost.items()
    )


def _save(text: str, path: Path) -> None:
    from postproc.show.report import page  # noqa: PLC0415

    page.save(text, path)


def _unread(done: Run) -> list[tuple[str, str]]:
    return [(readable(str(left_out.path)), left_out.reason) for left_out in done.unread]


def retold(done: Run, lang: Lang, deployment: Deployment | None = None) -> Run:
    """The run with its prose in another language.

    Raises SetupError when ``deployment``, XPhone's if None, is not the one it was judged by.
    """
    if lang == done.lang:
        return done
    known = deployment or deployments.read(deployments.DEFAULT)
    told, error = _told_in(done, lang, known, set(done.findings["name"]))
    if error:
        raise SetupError(f"the findings cannot be told in another language: {batch.reason(error)}") from error
    if told is None:
        raise SetupError(
            "the findings cannot be told in another language, as they were made with other options: "
            f"give the same --deployment and --acl, or run again with --lang {lang}"
        )
    return told


def _told_in(
    done: Run, lang: Lang, deployment: Deployment, only: Collection[str]
) -> tuple[Run | None, BaseException | None]:
    """The run judged anew in another language, or why not; neither if other findings come of it."""
    copied = done.captures["packets"].isna()  # not analysed: what the rules were shown was without them
    shown = done.tables.with_(captures=done.captures[~copied])
    correlated, recorded = joined(shown)
    with batch.workers(1) as here:
        told = here.submit(_judged, correlated, deployment, lang, only, recorded)
    if error := told.exception():
        return None, error
    tables, walked = told.result()
    if not tables.findings[JUDGED].equals(done.findings[JUDGED]):
        return None, None
    whole = tables.with_(captures=done.captures)
    return replace(done, tables=whole, walks=walked, lang=lang), None


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Make the folder for the results and keep other runs out, before the work: trouble shows at once."""
    with ExitStack() as held:
        try:
            private.make_folder(out)
            held.enter_context(lock.held(out))
            commit.recover(out)
        except OSError as error:
            raise SetupError(f"{out}: {said(error)}") from error
        cache.clear_unfinished(out / EVENTS)
        held.callback(cache.clear_unfinished, out / EVENTS)
        yield


@contextmanager
def _cache_folder(out: Path | None) -> Iterator[Path]:
    if out:
        yield (out / EVENTS).absolute()
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
    """One job per capture, its place named after all that decides what the events are but the bytes."""
    if options.keylog:  # workers may stand elsewhere
        options = replace(options, keylog=option_files.plain_keylog(options.keylog.absolute()))
    key = cache.key(tshark.build(), *provenance.decisive(options))
    return [
        Job(files, cache.place(folder, key, [each.size for each in files]), options, key)
        for files in recordings
    ]


def _cached(job: Job) -> cache.Events | None:
    return cache.read(job.folder) if job.hashed else None


def _gathered(events: Mapping[Job, cache.Events]) -> Tables:
    by_name = sorted(events, key=lambda job: job.name)
    tables = cache.gather((events[job], [_names(each) for each in job.captures]) for job in by_name)
    return tables.with_(captures=tables.captures.sort_values("capture"))


def _judged(
    correlated: Tables, deployment: Deployment, lang: Lang, only: Collection[str], recorded: Recordings
) -> tuple[Tables, store.Walks]:
    """The tables with findings, and each call's walk; what the rules looked at, which is large, goes.

    Rows and evidence name the files of the recordings again.
    """
    tables, judged = diagnose(correlated, deployment, lang=lang, only=only)
    walked = walks(judged, lang)
    for step in (each for steps in walked.values() for each in steps):
        step["capture"], step["frames"] = recorded.evidence(step["capture"], step["frames"])
    return recorded.apart(tables), walked


def _with_logs(
    events: Tables, fs_logs: Sequence[Path | str], out: Path | None, tell: Tell
) -> tuple[Tables, list[Unread]]:
    """Add what the logs say of the calls in ``events``."""
    if not fs_logs:
        return events, []
    known = {*events.sip_messages["call_id"].dropna(), *events.sdp_media["session_id"].dropna()}
    paths = [Path(path) for path in fs_logs]
    with batch.workers(1) as here:
        read = here.submit(fslog.read_all, paths, out, known, lambda name: tell(Step(_reading(name))))
        if error := read.exception():
            return events, [_lost(path, error) for path in paths]
    logs, unread = read.result()
    return events.with_(log_events=logs.log_events, logs=logs.logs), unread


def _files(events: Tables, captures: Iterable[Capture]) -> dict[str, Path]:
    """Name -> file, of the captures and logs that there are events of."""
    known = {capture.name: capture.path for capture in captures}
    logs = zip(events.logs["capture"], events.logs["path"], strict=True)
    return {name: known[name] for name in events.captures["capture"]} | {
        name: inputs.located(path) for name, path in logs
    }


def _only(events: Tables, names: Collection[str]) -> Tables:
    """The events of these captures and logs."""
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


def _with_copies(tables: Tables, copies: list[tuple[Capture, Capture]]) -> Tables:
    """List captures that were not analysed because another has the same bytes."""
    if not copies:
        return tables
    rows = CAPTURES.rows(
        _names(copy) | {"warnings": f"same content as {original.name}; not analysed"}
        for copy, original in copies
    )
    return tables.with_(captures=pd.concat([tables.captures, rows]).sort_values("capture"))
