"""Write notebooks: one per capture of a run, or one on demand; optionally executed by nbclient.

A notebook that a user has edited is never overwritten: each contains a hash of its cells.
"""

import os
from collections.abc import Collection, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path, PurePath, PurePosixPath
from typing import Literal, NamedTuple

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
LONGEST = 1800  # s that a cell may take


class Written(NamedTuple):
    """Notebooks written, those kept because a user has edited them, and those that failed."""

    paths: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()
    lost: tuple[Unread, ...] = ()


class Contents:
    """Data of a run for its notebooks, computed once, as a run may have thousands of captures."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.ranked = run.worst_first()
        self.paths = dict(zip(run.captures["capture"], run.captures["path"], strict=True))
        pairs = run.timeline[["capture", "call"]].dropna().drop_duplicates()
        self.calls = {name: set(calls) for name, calls in pairs.groupby("capture")["call"]}

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
        """Return the notebook of one capture for its path; ``call`` comes first, else the worst."""
        folder = Path(os.path.abspath(target)).parent  # noqa: PTH100  (links keep their names)
        relative = partial(_as_seen, folder=folder)
        logs = tuple(relative(located(path)) for path in self.run.logs["path"].dropna())
        place = relative(capture or located(self.paths[name]))
        results, keys = (relative(path) if path else None for path in (out, keylog))
        subject = Subject(name, place, results, logs, keys, self.run.lang, call)
        book = notebook(subject, self._calls(name, call))
        book.metadata[OURS]["run"] = self.run.id
        return book

    def _calls(self, name: str, first: int | None) -> list[Seen]:
        passed = set(self.run.passages["call"].dropna())
        calls_in = {
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
                empty=frozenset(table for table, calls in calls_in.items() if call not in calls),
            )
            for call, headline in zip(mine["call"], mine["headline"], strict=True)
        ]


def write_all(run: Run, results: Staged, which: Which = "all") -> Written:
    """Write one notebook per capture to "notebooks" among the results of a run.

    Those of earlier runs are removed unless a user has edited them. OSError if they cannot be written.
    """
    places = targets(run, results.out / FOLDER)
    if which != "all":
        selected = run.with_findings() if which == "faults" else set()
        places = {name: path for name, path in places.items() if name in selected}
    contents = Contents(run)
    written, lost = [], []
    with workers(1) as here:
        for name, path in places.items():
            content = _content(path)
            if content is not None and _edited(content):
                results.edited.add(path)
                continue
            future = here.submit(contents.notebook, name, path, results.out)
            if error := future.exception():
                lost.append(Unread(path, batch.reason(error), error))
                continue
            member = f"{FOLDER}/{path.name}"
            results.only_over(member, content)
            _write(future.result(), results.file(member))
            written.append(path)
    clear_old(results, {*written, *results.edited})
    return Written(tuple(written), tuple(sorted(results.edited)), tuple(lost))


def clear_old(results: Staged, but: Collection[Path] = ()) -> None:
    """Remove the notebooks of earlier runs, except edited ones."""
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
    """Write the notebook of the file ``capture``, the only one in ``run``; ``call`` comes first.

    ``out`` is the folder of the results, None without one. Raises SetupError if ``target`` cannot be
    written.
    """
    name = _name(run, capture)
    _save(Contents(run).notebook(name, target, out, capture, keylog, call=call), target)


def _name(run: Run, capture: Path) -> str:
    """Return the file's name in the tables."""
    names = list(run.captures["capture"])
    ending = [name for name in names if PurePosixPath(name).name == readable(capture.name)]
    return str((ending or names)[0])


def default_target(capture: Path) -> Path:
    """Return the notebook's path in the current folder."""
    return Path(f"{safe_name(capture.stem)}.ipynb")


def need_unedited(target: Path) -> None:
    """Raise SetupError if ``target`` is an edited notebook or another file."""
    content = _content(target)
    if content is not None and _edited(content):
        raise SetupError(f"{target}: somebody has edited it; remove it, or name another file with -o")


def need_kernel() -> None:
    """Raise SetupError if the packages that execute notebooks are not installed."""
    if not all(map(find_spec, NEEDED)):
        raise SetupError(INSTALL)


def targets(run: Run, folder: Path) -> Mapping[str, Path]:
    """Return the notebook of each capture, named after it, with parent folders if that is ambiguous."""
    read = run.captures.dropna(subset=["packets"])["capture"]  # not those that are copies of another
    names = {name: safe_name(PurePosixPath(name).stem) for name in read}
    if len({stem.casefold() for stem in names.values()}) < len(names):
        names = {name: safe_name(name.replace("/", "-")) for name in read}
    stems = distinct(names.values())
    return {name: folder / f"{stem}.ipynb" for name, stem in zip(names, stems, strict=True)}


def execute(path: Path) -> None:
    """Execute the notebook's cells and save their outputs in it.

    Raises SetupError if nbclient or ipykernel is missing, or a cell fails; the outputs up to then are
    saved.
    """
    need_kernel()
    from nbclient import NotebookClient  # noqa: PLC0415  (an extra)
    from nbclient.exceptions import CellExecutionError, CellTimeoutError  # noqa: PLC0415

    book = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.resolve().parent)}}
    client = NotebookClient(
        book,
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
        _save(book, path)


def _content(path: Path) -> bytes | None:
    """Return the file's content, None if it does not exist, b"" if it cannot be read."""
    try:
        return path.read_bytes() if path.is_file() or not path.exists() else b""
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return b""


def _edited(content: bytes) -> bool:
    """Return False only for a notebook of this program that is unchanged."""
    try:
        book = nbformat.reads(content.decode(), as_version=4)
        return bool(book.metadata[OURS]["sources"] != sources(book))
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


def _write(book: nbformat.NotebookNode, path: Path) -> None:
    text = nbformat.writes(book) + "\n"
    replace_file(path, lambda place: place.write_text(text, encoding="utf-8"))


def _save(book: nbformat.NotebookNode, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(book, path)
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error
