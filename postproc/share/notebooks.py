"""Notebooks as files: one for each capture of a run, or one on demand; run by nbclient if wished.

A notebook that somebody has edited is never overwritten: each bears a hash of its cells.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path, PurePath, PurePosixPath
from typing import Literal

import nbformat
import orjson

from postproc import batch
from postproc.current_folder import left_out
from postproc.files.commit import Staged
from postproc.files.private import replace_file
from postproc.model.errors import SetupError
from postproc.pipeline import Run
from postproc.read.inputs import Unread, located, readable, said
from postproc.share.packing import distinct, safe_name
from postproc.show.notebook import OURS, Seen, Subject, notebook, sources
from postproc.workers import workers

FOLDER = "notebooks"  # of a run's results
Which = Literal["all", "faults", "none"]  # captures that get a notebook; ``faults``: those with findings
NEEDED = ("nbclient", "ipykernel")
INSTALL = "running a notebook needs nbclient and ipykernel: pip install 'legshark[notebook]'"
LOOKED_INTO = (
    "log_events",
    "icmp_errors",
    "dtls_messages",
    "nat_mappings",
    "joins",
    "rtp_seconds",
    "bindings",
)
LONGEST = 1800  # seconds a cell may take


@dataclass(frozen=True)
class Written:
    """Notebooks written, those left as they were because somebody had edited them, and those not made."""

    paths: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()
    lost: tuple[Unread, ...] = ()


class Known:
    """What notebooks tell of a run, gone through once: it may hold thousands of captures."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.ranked = run.worst_first()
        self.paths = dict(zip(run.captures["capture"], run.captures["path"], strict=True))
        seen = run.timeline[["capture", "call"]].dropna().drop_duplicates()
        self.calls = {name: set(calls) for name, calls in seen.groupby("capture")["call"]}

    def notebook(
        self,
        name: str,
        target: Path,
        out: Path | None,
        capture: Path | None = None,
        keylog: Path | None = None,
        *,
        call: int | None = None,
    ) -> nbformat.NotebookNode:
        """The notebook of one capture, made for its place; ``call`` is looked at first, else the worst."""
        folder = Path(os.path.abspath(target)).parent  # noqa: PTH100  (links keep their names)
        seen = partial(_as_seen, folder=folder)
        logs = tuple(seen(located(path)) for path in self.run.logs["path"].dropna())
        place = seen(capture or located(self.paths[name]))
        kept, keys = (seen(path) if path else None for path in (out, keylog))
        subject = Subject(name, place, kept, logs, keys, self.run.lang, call)
        made = notebook(subject, self._calls(name, call))
        made.metadata[OURS]["run"] = self.run.id
        return made

    def _calls(self, name: str, first: int | None) -> list[Seen]:
        passed = set(self.run.passages["call"].dropna())
        shown = {
            name: {*rows["call"].dropna()}
            for name in LOOKED_INTO
            if "call" in (rows := getattr(self.run, name))
        }
        mine = self.ranked[self.ranked["call"].isin(self.calls.get(name, set()))]
        mine = mine.sort_values("call", key=lambda numbers: numbers != first, kind="stable")
        return [
            Seen(
                headline if isinstance(headline, str) else None,
                self.run.walks.get(call, ()),
                places=call in passed,
                empty=frozenset(table for table, calls in shown.items() if call not in calls),
            )
            for call, headline in zip(mine["call"], mine["headline"], strict=True)
        ]


def write_all(run: Run, results: Staged, which: Which = "all") -> Written:
    """Write one notebook per capture among the results of a run, into "notebooks".

    Those of earlier runs go, unless somebody has edited them. OSError when they cannot be written.
    """
    places = targets(run, results.out / FOLDER)
    if which != "all":
        wanted = with_findings(run) if which == "faults" else set()
        places = {name: path for name, path in places.items() if name in wanted}
    known = Known(run)
    written, lost = [], []
    with workers(1) as here:
        for name, path in places.items():
            content = _content(path)
            if content is not None and _edited(content):
                results.edited.add(path)
                continue
            made = here.submit(known.notebook, name, path, results.out)
            if error := made.exception():
                lost.append(Unread(path, batch.reason(error), error))
                continue
            member = f"{FOLDER}/{path.name}"
            results.only_over(member, content)
            _write(made.result(), results.file(member))
            written.append(path)
    clear_old(results, {*written, *results.edited})
    return Written(tuple(written), tuple(sorted(results.edited)), tuple(lost))


def with_findings(run: Run) -> set[str]:
    """The captures that show a call which is not simply well, or something found beside the calls."""
    well = run.calls.loc[run.calls["verdict"] == "ok", "call"]
    seen = run.timeline.loc[run.timeline["call"].notna() & ~run.timeline["call"].isin(well), "capture"]
    beside = run.findings.loc[run.findings["call"].isna(), "capture"]
    return {*seen, *beside.dropna()}


def clear_old(results: Staged, but: Collection[Path] = ()) -> None:
    """Have the notebooks of earlier runs go; those that somebody has edited stay."""
    for path in sorted({*(results.out / FOLDER).glob("*.ipynb")} - {*but}):
        content = _content(path) or b""
        if _edited(content):
            results.edited |= {path} if _ours(content) else set()
            continue
        results.only_over(f"{FOLDER}/{path.name}", content)
        results.remove(f"{FOLDER}/{path.name}")


def write(
    run: Run,
    target: Path,
    capture: Path,
    out: Path | None,
    keylog: Path | None = None,
    *,
    call: int | None = None,
) -> None:
    """Write the notebook of ``capture``, the file, whose calls alone are in ``run``; ``call`` comes first.

    ``out`` is where the results are kept, None if nowhere. Raises SetupError when
    ``target`` cannot be written.
    """
    name = _name(run, capture)
    _save(Known(run).notebook(name, target, out, capture, keylog, call=call), target)


def _name(run: Run, capture: Path) -> str:
    """What the tables call the file; calls may be in further captures."""
    names = list(run.captures["capture"])
    ending = [name for name in names if PurePosixPath(name).name == readable(capture.name)]
    return str((ending or names)[0])


def default_target(capture: Path) -> Path:
    """The notebook's name in the current folder."""
    return Path(f"{safe_name(capture.stem)}.ipynb")


def need_unedited(target: Path) -> None:
    """SetupError when there is a notebook that somebody has edited, or another file."""
    content = _content(target)
    if content is not None and _edited(content):
        raise SetupError(f"{target}: somebody has edited it; remove it, or name another file with -o")


def need_kernel() -> None:
    """SetupError when what runs notebooks is not installed."""
    if not all(map(find_spec, NEEDED)):
        raise SetupError(INSTALL)


def targets(run: Run, folder: Path) -> Mapping[str, Path]:
    """Capture -> its notebook: named after it, with the folders above where that is ambiguous."""
    read = run.captures.dropna(subset=["packets"])["capture"]  # not those that are copies of another
    names = {name: safe_name(PurePosixPath(name).stem) for name in read}
    if len({stem.casefold() for stem in names.values()}) < len(names):
        names = {name: safe_name(name.replace("/", "-")) for name in read}
    stems = distinct(names.values())
    return {name: folder / f"{stem}.ipynb" for name, stem in zip(names, stems, strict=True)}


def execute(path: Path) -> None:
    """Run the notebook's cells and keep their outputs in it.

    Raises SetupError when nbclient or ipykernel is missing, or a cell fails; the
    outputs until then are in the file.
    """
    need_kernel()
    from nbclient import NotebookClient  # noqa: PLC0415  (an extra)
    from nbclient.exceptions import CellExecutionError, CellTimeoutError  # noqa: PLC0415

    held = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.resolve().parent)}}
    client = NotebookClient(
        held,
        kernel_name="python3",
        timeout=LONGEST,
        record_timing=False,
        resources=place,
        extra_arguments=["--log-level=ERROR", "--ignore-cwd"],
    )
    try:
        with left_out():
            client.execute()
    except CellExecutionError as error:
        raise SetupError(f"{path}: a cell failed: {error.ename}: {error.evalue}"[:300]) from error
    except (CellTimeoutError, RuntimeError) as error:  # RuntimeError: the kernel died, or never came up
        raise SetupError(f"{path}: {str(error).splitlines()[0]}") from error
    finally:
        _save(held, path)


def _content(path: Path) -> bytes | None:
    """What is in the file, None when there is none; nothing where it cannot be read."""
    try:
        return path.read_bytes() if path.is_file() or not path.exists() else b""
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return b""


def _edited(content: bytes) -> bool:
    """Whether this is no notebook of ours as we wrote it."""
    try:
        held = nbformat.reads(content.decode(), as_version=4)
        return bool(held.metadata[OURS]["sources"] != sources(held))
    except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError):
        return True


def _ours(content: bytes) -> bool:
    try:
        return OURS in orjson.loads(content)["metadata"]
    except (ValueError, KeyError, TypeError):
        return False


def _as_seen(path: Path, folder: Path) -> PurePath:
    """The path relative to the notebook's folder, so that both can be moved together."""
    try:
        return PurePath(os.path.relpath(path, folder))
    except ValueError:  # another drive of Windows
        return PurePath(os.path.abspath(path))  # noqa: PTH100


def _write(held: nbformat.NotebookNode, path: Path) -> None:
    text = nbformat.writes(held) + "\n"
    replace_file(path, lambda place: place.write_text(text, encoding="utf-8"))


def _save(held: nbformat.NotebookNode, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(held, path)
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error
