"""From captures to a folder of results: reuse them, render them in another language, or make them.

The stages are imported on demand: existing results need none.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypedDict
from uuid import uuid4

from postproc import cache, provenance
from postproc.files import commit, lock, private
from postproc.files.commit import Staged
from postproc.model.clocks import by_one_clock
from postproc.model.deployment import Deployment
from postproc.model.errors import CaptureError, SetupError
from postproc.model.recordings import joined
from postproc.model.tables import TABLES, Tables
from postproc.model.text import Lang, Text
from postproc.provenance import Provenance
from postproc.read import deployment as deployments
from postproc.read import inputs, logfiles
from postproc.read.inputs import Capture, Unread, located, readable, said
from postproc.read.option_files import AS_USUAL, Options
from postproc.read.processes import cores
from postproc.results import FINDINGS, SUMMARY, Run, load
from postproc.show import selection, store
from postproc.show.terminal import Step, Tell, silence
from postproc.show.zones import LOCAL
from postproc.sparing import sparing
from postproc.workers import workers

REPORT = "report.html"
TOLD = 100  # calls whose SIP messages a report has as text
UNSHOWN = "left out of the report"
WRITING = Text("writing the tables", "schreibe die Tabellen")
REPORTING = Text("writing the report", "schreibe den Bericht")
UNCHANGED = Text(
    "nothing has changed since the last run: its results stand",
    "nichts hat sich seit dem letzten Lauf geändert: seine Ergebnisse gelten",
)
JUDGED = ["code", "call", "leg", "verdict", "caused_by", "frames"]  # what a language does not change


class Beside(NamedTuple):
    """Additional files: ``write`` returns what it left out. Run and ``about`` determine their content."""

    about: str
    write: Callable[[Run, Staged], Iterable[Unread]]


class Wished(NamedTuple):
    """The optional files to write; tables, findings and summary are always written."""

    csv: bool = False
    report: bool = True
    beside: Beside | None = None
    tz: str = LOCAL  # zone that the report shows at first


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
    offsets_ms: Mapping[str, float] = MappingProxyType({}),
    tz: str = LOCAL,
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
    ``offsets_ms`` are what clocks of captures, by their names, show more than that of their reference.
    ``tz`` is the zone that the report shows at first; all else is UTC.
    A file that cannot be read is in ``unread``; SetupError when this machine cannot do the
    work, or another run is writing to ``out``.
    """
    with ExitStack() as alone:
        known, threads = deployment or deployments.read(deployments.DEFAULT), jobs or cores()
        found, unfound = _found(paths, out, alone)
        made = None
        if out and found:
            asked = (
                provenance.decisive(options),
                known,
                sorted(only),
                csv,
                report and tz,
                beside and beside.about,
            )
            made = provenance.of_run(out, found, unfound, fs_logs, asked)

        def written(done: Run) -> Run:
            return _write(done, out, Wished(csv, report, beside, tz), made, tell) if out else done

        if out and made and (earlier := provenance.unchanged(out, found, made, threads)):
            earlier = replace(earlier, **_logs_beside(found, fs_logs))
            if earlier.lang == lang:
                tell(Step(UNCHANGED))
                return earlier
            if retold := _told_in(earlier, lang, known, only)[0]:
                return written(replace(retold, id=uuid4().hex))
        from postproc import stages  # noqa: PLC0415

        work = stages.Work(known, options, tuple(fs_logs), lang, only, threads, executor, offsets_ms)
        done = stages.analysed(found, unfound, out, work, tell)
        if done.captures.empty:
            return done
        return written(replace(done, **_logs_beside(found, fs_logs)))


def given(paths: Sequence[Path], options: Options = AS_USUAL, lang: Lang = "en") -> Run:
    """The run whose results are in the folder given, if it is one with such; else a run over captures.

    CaptureError when a capture is no longer what was read then: its frames have other numbers.
    """
    if len(paths) != 1 or not (paths[0] / SUMMARY).is_file():
        return run(paths, options=options, lang=lang)
    loaded = load(paths[0])
    rows = loaded.captures[loaded.captures["sha256"].notna()]
    for path, known in zip(rows["path"], rows["sha256"], strict=True):
        file = located(path)
        if not file.is_file() or inputs.sha256(file) != known:
            raise CaptureError(f"{path}: not the file that was read for {paths[0]}; run again")
    return loaded


class _Beside(TypedDict, total=False):
    """The logs in the captures' folders that a run mentions."""

    logs_beside: tuple[Path, ...]
    other_logs: tuple[Unread, ...]


def _logs_beside(captures: Iterable[Capture], fs_logs: Sequence[Path | str]) -> _Beside:
    if fs_logs:
        return {}
    logs, others = logfiles.beside(capture.path for capture in captures)
    return {"logs_beside": tuple(logs), "other_logs": tuple(others)}


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
            store.write_findings(done.tables, done.walks, told, held.file(FINDINGS), done.answers)
            if wished.report:
                tell(Step(REPORTING))
                text, unshown = _page(replace(done, out=out), tz=wished.tz)
                left_out += unshown
                if text is not None:
                    _save(text, held.file(REPORT))
            if wished.beside:
                left_out += wished.beside.write(done, held)
            store.write_summary(done.tables, _unread(done), about, held.file(SUMMARY), held.files())
            for left in (REPORT, *(f"tables/{table.name}.csv" for table in TABLES)):
                held.remove(left)  # of an earlier run
    except OSError as error:
        raise SetupError(f"{_place(error, out)}: {said(error)}") from error
    done = replace(done, unread=(*done.unread, *left_out))
    if made and not held.edited:
        provenance.keep(done, out, made)
    return done


def write_report(
    done: Run, path: Path, calls: Collection[int] = (), base: Path = Path(), tz: str = LOCAL
) -> tuple[Unread, ...]:
    """Write a run as one HTML page, of some calls only if any are named; return what it had to leave out.

    ``base`` is the folder from which paths of captures are told, ``tz`` the zone of the times shown at first.

    Raises SetupError if it cannot be written, LookupError when the run has not one of the calls.
    """
    for call in calls:
        done.call(call)
    text, unshown = _page(done, calls, base, tz)
    if text is None:
        raise SetupError(f"{path}: {next((each.reason for each in unshown), UNSHOWN)}")
    try:
        _save(text, path)
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error
    return unshown


def _page(
    done: Run, calls: Collection[int] = (), base: Path = Path(), tz: str = LOCAL
) -> tuple[str | None, tuple[Unread, ...]]:
    """Return the report without captures that it cannot include; None if it can include none."""
    from postproc import batch  # noqa: PLC0415
    from postproc.show.report import page  # noqa: PLC0415  (jinja2 is for those who want a page)

    files = dict(zip(done.captures["capture"], done.captures["path"], strict=True))
    texts = _texts(done, files, base)

    def work(names: Sequence[str]) -> str:
        gone = sorted(files.keys() - set(names))
        made = page.report(
            selection.without_captures(done.tables, gone) if gone else done.tables,
            done.walks,
            done.lang,
            unread=[*_unread(done), *((files[name], UNSHOWN) for name in gone)],
            answers=done.answers,
            place=done.out,
            texts=texts,
            version=done.version,
            run=done.id,
            limits=page.Limits(calls=calls),
            zone=tz,
        )
        return page.html(made)

    with workers(1) as here:
        text, lost = sparing(work, list(files), here)
    return text, tuple(
        Unread(inputs.located(files[name]), f"{UNSHOWN}: {batch.reason(error)}", error)
        for name, error in lost.items()
    )


def _texts(done: Run, files: Mapping[str, str], base: Path) -> dict[tuple[str, int], str]:
    """Return SIP messages as text, for the worst calls and some others."""
    from postproc.read import sip_text  # noqa: PLC0415  (nothing of it is needed where nothing has changed)

    ids = done.legs[done.legs["call"].isin(done.worst_first()["call"].head(TOLD))]["call_id"]
    rows = done.sip_messages[done.sip_messages["call_id"].isin(ids)]
    found: dict[tuple[str, int], str] = {}
    for name in rows["capture"].unique():
        if isinstance(path := files.get(name), str):
            some = rows[rows["capture"] == name]
            wanted = dict(zip(some["frame"].astype(int), some["call_id"], strict=True))
            read = sip_text.texts(base / inputs.located(path), wanted)
            found |= {(name, frame): text for frame, text in read.items()}
    return found


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
        from postproc import batch  # noqa: PLC0415

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
    """Diagnose the run again in another language; return it, or the error, or neither if findings differ."""
    copied = done.captures["packets"].isna()  # not analysed: what the rules were shown was without them
    shown = done.tables.with_(captures=done.captures[~copied])
    own, recorded = joined(shown)
    from postproc import places, stages  # noqa: PLC0415

    def apart(tables: Tables) -> Tables:
        return recorded.apart(places.by_own_clocks(tables, own))

    work = stages.Work(deployment, Options(), (), lang, only, jobs=1)
    with workers(1) as here:
        told = here.submit(stages.judged, by_one_clock(own), work, recorded, apart)
    if error := told.exception():
        return None, error
    tables, walked, answered = told.result()
    if not tables.findings[JUDGED].equals(done.findings[JUDGED]):
        return None, None
    whole = tables.with_(captures=done.captures)
    return replace(done, tables=whole, walks=walked, answers=answered, lang=lang), None


def _place(error: OSError, out: Path) -> Path:
    """The result that is in the way, else the folder: Windows replaces no file that is open."""
    named = [Path(each) for each in (error.filename2, error.filename) if isinstance(each, str)]
    return next((each for each in named if out in each.parents and each.parent.name[:1] != "."), out)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Make the folder for the results and keep other runs out, before the work: trouble shows at once."""
    with ExitStack() as held:
        try:
            if out.exists() and not out.is_dir():
                raise SetupError(f"{out}: a file; the results go to a folder, which -o names")
            private.make_folder(out)
            held.enter_context(lock.held(out))
            commit.recover(out)
        except OSError as error:
            raise SetupError(f"{_place(error, out)}: {said(error)}") from error
        cache.clear_unfinished(out / cache.FOLDER)
        held.callback(cache.clear_unfinished, out / cache.FOLDER)
        yield
