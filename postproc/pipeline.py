"""The whole flow in the order it happens: captures -> events -> tables -> files.

The only module that knows all stages.
"""

import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from postproc import batch, cache, memory
from postproc.batch import Job
from postproc.correlate import correlate
from postproc.deployment import Deployment
from postproc.diagnose import diagnose, walks
from postproc.errors import SetupError
from postproc.present import store, verdicts
from postproc.present.progress import READING, Step, Tell, silence
from postproc.read import deployment as deployments
from postproc.read import fslog, inputs, logfiles, tshark
from postproc.read.capture import Options
from postproc.read.inputs import Capture, Unread, readable, said
from postproc.results import Run
from postproc.tables import CAPTURES, Tables
from postproc.text import Lang, Text

REPORT = "report.html"
JOINING = Text("joining legs, checks and media", "verbinde Legs, Checks und Medien")
JUDGING = Text("judging the calls", "beurteile die Anrufe")
WRITING = Text("writing the tables", "schreibe die Tabellen")
REPORTING = Text("writing the report", "schreibe den Bericht")
JUDGED = ["code", "call", "leg", "verdict", "caused_by", "frames"]  # what a language does not change

__all__ = ["Run", "load", "run"]


def run(
    paths: Iterable[Path | str],
    out: Path | None = None,
    *,
    options: Options = Options(),  # noqa: B008  (frozen)
    jobs: int | None = None,
    executor: Executor | None = None,
    csv: bool = False,
    deployment: Deployment | None = None,
    fs_logs: Sequence[Path | str] = (),
    lang: Lang = "en",
    only: Collection[str] = (),
    report: bool = True,
    tell: Tell = silence,
) -> Run:
    """Read the captures in files and folders, correlate and diagnose them, and write the tables to ``out``.

    ``jobs`` captures are read at a time, as many as there are cores if None;
    ``executor`` has them read elsewhere. Captures in ``out``'s cache are not
    read again. ``deployment`` is XPhone's if None. ``fs_logs`` are FreeSWITCH
    logs, and folders with such. ``only`` names the rules to ask, all if empty;
    prose is in ``lang``. ``report``: report.html is written to ``out``, too. A file
    that cannot be read is in ``unread``; SetupError when this machine cannot do the work.
    """
    read = _read(paths, out, options, jobs=jobs or batch.cores(), executor=executor, tell=tell)
    if read.events is None:
        return Run(Tables(), out, read.unread)
    gathered, no_logs = _with_logs(read.events, fs_logs, out, tell)
    tell(Step(JOINING))
    known = deployment or deployments.read(deployments.DEFAULT)
    correlated = correlate(gathered, known)
    memory.give_back()
    tell(Step(JUDGING))
    tables, walked = _judged(correlated, known, lang, only)
    memory.give_back()
    beside = () if fs_logs else tuple(logfiles.beside(capture.path for capture in read.captures))
    done = Run(
        _with_copies(tables, read.copies), out, (*read.unread, *no_logs), read.cached,
        walks=walked, logs_beside=beside, lang=lang,
    )  # fmt: skip
    if out:
        write(done, out, csv=csv, report=report, tell=tell)
    return done


@dataclass(frozen=True)
class _Read:
    """What came of reading the captures, which are in the order of their names."""

    captures: list[Capture]
    copies: list[tuple[Capture, Capture]]  # not read, and the one with the same bytes that was
    events: Tables | None  # of all captures; None if none could be read
    cached: int  # of them, found unchanged
    unread: tuple[Unread, ...]


def _read(
    paths: Iterable[Path | str], out: Path | None, options: Options, *,
    jobs: int, executor: Executor | None, tell: Tell,
) -> _Read:  # fmt: skip
    given = [Path(path) for path in paths]
    if out and any(path.is_dir() and path.resolve() == out.resolve() for path in given):
        raise SetupError(f"{out}: the results cannot go into the folder that is read; name another with -o")
    found, unread = inputs.find(given, out)
    if found and out:
        _make_folder(out)
    with _cache_folder(out) as folder:
        work, copies, unhashed = _work(found, folder, options, jobs)
        cached = {job: held for job in work if (held := _cached(job)) is not None}
        if cached:
            tell(Step(_unchanged(len(cached), len(work))))
        fresh, lost = batch.read_all([job for job in work if job not in cached], executor, jobs, tell)
    events = cached | fresh
    return _Read(
        found,
        copies,
        _gathered(events) if events else None,
        len(cached),
        tuple(sorted([*unread, *unhashed, *lost], key=lambda each: each.path)),
    )


def _unchanged(cached: int, every: int) -> Text:
    return Text(
        f"{cached} of {every} captures unchanged since they were read",
        f"{cached} von {every} Mitschnitten unverändert, seit sie gelesen wurden",
    )


def write(done: Run, out: Path, *, csv: bool = False, report: bool = True, tell: Tell = silence) -> None:
    """Write a run's results to ``out``; SetupError when they cannot be written."""
    tell(Step(WRITING))
    _store(done, out, csv=csv)
    (out / REPORT).unlink(missing_ok=True)  # of an earlier run
    if report:
        tell(Step(REPORTING))
        write_report(done, out / REPORT)


def load(folder: Path | str) -> Run:
    """The run whose results are in a folder; SetupError when there are none."""
    out = Path(folder)
    try:
        tables = store.read_tables(out / "tables")
        summary = store.read_summary(out / "summary.json")
        unread = tuple(Unread(Path(each["path"]), each["reason"]) for each in summary["unread"])
        about, walked = verdicts.read(out / "findings.json")
        lang: Lang = "de" if about.get("lang") == "de" else "en"
        return Run(tables, out, unread, walks=walked, lang=lang, version=summary["version"])
    except FileNotFoundError:
        raise SetupError(f"{out}: no results here; `postproc run PATH -o {out}` makes them") from None
    except store.UNREADABLE as error:
        raise SetupError(f"{out}: damaged, or written by another version: {error}") from error


def write_report(done: Run, path: Path, calls: Collection[int] = ()) -> None:
    """Write a run as one HTML page, of some calls only if any are named; SetupError if it cannot be written.

    Raises LookupError when the run has not one of the calls.
    """
    from postproc.present.report import model, page  # noqa: PLC0415  (jinja2 is for those who want a page)

    for call in calls:
        done.call(call)
    unread = [(readable(str(left_out.path)), left_out.reason) for left_out in done.unread]
    limits = model.Limits(calls=calls)
    made = model.report(
        done.tables, done.walks, done.lang, unread=unread, version=done.version, limits=limits
    )
    try:
        page.write(made, path)
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error


def retold(done: Run, lang: Lang, deployment: Deployment | None = None) -> Run:
    """The run with its prose in another language.

    Raises SetupError when ``deployment``, XPhone's if None, is not the one it was judged by.
    """
    if lang == done.lang:
        return done
    known = deployment or deployments.read(deployments.DEFAULT)
    tables, walked = _judged(done.tables, known, lang, set(done.findings["name"]))
    if not tables.findings[JUDGED].equals(done.findings[JUDGED]):
        raise SetupError(
            "the findings cannot be told in another language, as they were made with other options: "
            f"give the same --deployment and --acl, or run again with --lang {lang}"
        )
    return replace(done, tables=tables, walks=walked, lang=lang)


def _make_folder(out: Path) -> None:
    """Make the folder for the results before the work, so that trouble with it shows at once."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(f"{out}: {said(error)}") from error


@contextmanager
def _cache_folder(out: Path | None) -> Iterator[Path]:
    if out:
        yield (out / "events").absolute()
        return
    with tempfile.TemporaryDirectory(prefix="postproc-") as folder:
        yield Path(folder)


def _work(
    found: list[Capture], folder: Path, options: Options, threads: int
) -> tuple[list[Job], list[tuple[Capture, Capture]], list[Unread]]:
    """One job per capture, copies with what they are copies of, and what cannot be read.

    Hashed are only those that may be a copy or in the cache: the others are when they are read.
    """
    if not found:
        return [], [], []
    jobs = _jobs(found, folder, options)
    sizes, held = Counter(capture.size for capture in found), cache.places(folder)
    asked = {job for job in jobs if sizes[job.capture.size] > 1 or job.place in held}
    hashed, unhashed = inputs.hashed((job.capture for job in jobs if job in asked), threads)
    originals = {capture.sha256: capture for capture in reversed(hashed)}
    known = {original.path: original.sha256 for original in originals.values()}
    return (
        [job for job in jobs if job not in asked]
        + [job.with_hash(known[job.capture.path]) for job in asked if job.capture.path in known],
        [(each, original) for each in hashed if (original := originals[each.sha256]) is not each],
        unhashed,
    )


def _jobs(found: list[Capture], folder: Path, options: Options) -> list[Job]:
    """One job per capture, its place named after all that decides what the events are but the bytes."""
    if options.keylog:  # workers may stand elsewhere
        options = replace(options, keylog=options.keylog.absolute())
    decisive = [f"{name}={_decisive(value)}" for name, value in asdict(options).items()]
    key = cache.key(tshark.version(), *decisive)
    return [Job(capture, folder / f"{key}-{capture.size}", options) for capture in found]


def _decisive(value: object) -> str:
    """An option as it changes the reading: a file by its bytes."""
    if not isinstance(value, Path):
        return repr(value)
    try:
        return inputs.sha256(value)
    except OSError as error:
        raise SetupError(f"{value}: {said(error)}") from error


def _cached(job: Job) -> cache.Events | None:
    return cache.read(job.folder) if job.capture.sha256 else None


def _gathered(events: Mapping[Job, cache.Events]) -> Tables:
    by_name = sorted(events, key=lambda job: job.capture.name)
    return cache.gather((events[job], _names(job.capture)) for job in by_name)


def _judged(
    correlated: Tables, deployment: Deployment, lang: Lang, only: Collection[str]
) -> tuple[Tables, verdicts.Walks]:
    """The tables with findings, and each call's walk; what the rules looked at, which is large, goes."""
    tables, judged = diagnose(correlated, deployment, lang=lang, only=only)
    return tables, walks(judged, lang)


def _with_logs(
    events: Tables, fs_logs: Sequence[Path | str], out: Path | None, tell: Tell
) -> tuple[Tables, list[Unread]]:
    """Add what the logs say of the calls in ``events``."""
    if not fs_logs:
        return events, []
    known = {*events.sip_messages["call_id"].dropna(), *events.sdp_media["session_id"].dropna()}
    logs, unread = fslog.read_all(map(Path, fs_logs), out, known, lambda name: tell(Step(_reading(name))))
    return events.with_(log_events=logs.log_events, logs=logs.logs), unread


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


def _store(done: Run, out: Path, *, csv: bool) -> None:
    unread = [(readable(str(left_out.path)), left_out.reason) for left_out in done.unread]
    try:
        store.write_tables(done.tables, out / "tables", csv=csv)
        store.write_summary(done.tables, unread, done.version, out / "summary.json")
        about = {"version": done.version, "lang": done.lang}
        verdicts.write(done.tables, done.walks, about, out / "findings.json")
    except OSError as error:
        raise SetupError(f"{out}: {said(error)}") from error
