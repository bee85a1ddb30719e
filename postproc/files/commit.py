"""Commit the files of one run to a folder together, or not at all.

They are written to a subfolder ``.run-ID``, with an order that lists files to remove. Renaming it to
``.ready-ID`` is the commit: before it the older results are valid, after it the new ones. Each file is then
moved to its place; what a dead run has not moved, the next run moves, and readers look into ``.ready-ID``
first. Readers change nothing, as the folder may be a stranger's.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar

import orjson

from postproc.files.private import FOLDER, own, to_disk
from postproc.files.signals import undisturbed
from postproc.model.errors import SetupError

MAKING, READY = ".run-", ".ready-"
ORDER = "order.json"
MEMBER = re.compile(r"(tables/\w+\.(parquet|csv)|notebooks/[^/\\\0]+\.ipynb|\w+\.(json|html))")

T = TypeVar("T")


@dataclass
class Staged:
    """The files of one run before the commit."""

    out: Path
    id: str
    goes: set[str] = field(default_factory=set)
    known: dict[str, str] = field(default_factory=dict)
    edited: set[Path] = field(default_factory=set)  # results that the user has changed, left as they are

    @property
    def place(self) -> Path:
        return self.out / f"{MAKING}{self.id}"

    def file(self, name: str) -> Path:
        """Return where to write the file that becomes ``name``, like tables/calls.parquet."""
        path = self.place / name
        path.parent.mkdir(FOLDER, exist_ok=True)
        return path

    def remove(self, name: str) -> None:
        """Have an older file removed, unless this run writes one of that name."""
        self.goes.add(name)

    def only_over(self, name: str, content: bytes | None) -> None:
        """Replace or remove ``name`` only if its content is still this: otherwise the user has edited it."""
        self.known[name] = digest(content)

    def files(self) -> dict[str, dict[str, object]]:
        """Return size and SHA-256 of the files written so far, by name."""
        return {
            name: {"size": path.stat().st_size, "sha256": _digest_of(path)}
            for name, path in _members(self.place)
        }


@contextmanager
def staged(out: Path, run: str) -> Iterator[Staged]:
    """Collect the files of a run; leaving the block without an error makes them the folder's results.

    The caller holds the folder's lock. Raises OSError, or SetupError if something is in the way: then the
    older results are untouched, or the new ones are committed and the next run moves them.
    """
    files = Staged(out, run)
    try:
        files.place.mkdir(FOLDER)
        yield files
        with undisturbed():
            _settle(out, _commit(files))
    finally:
        with undisturbed():
            shutil.rmtree(files.place, ignore_errors=True)


def recover(out: Path) -> None:
    """Complete what a dead run left: move committed files, delete uncommitted ones.

    The caller holds the folder's lock.
    """
    for ready in sorted(out.glob(f"{READY}*")):
        if _is_folder(ready):
            _settle(out, ready)
    for unfinished in out.glob(f"{MAKING}*"):
        if _is_folder(unfinished):
            shutil.rmtree(unfinished, ignore_errors=True)


def readers(out: Path) -> "Reader":
    """Return a reader of the folder's results, wherever they are now."""
    ready = sorted(each for each in out.glob(f"{READY}*") if _is_folder(each))
    return Reader((*ready, out))


class Reader(NamedTuple):
    """Results that another process may be moving to their places."""

    places: tuple[Path, ...]

    def read(self, name: str, how: Callable[[Path], T]) -> T:
        """Read a file wherever it is now; FileNotFoundError if there is none."""
        for place in self.places[:-1]:
            try:
                return how(regular(place / name))
            except FileNotFoundError:  # moved to its place, perhaps just now
                continue
        return how(regular(self.places[-1] / name))


def regular(path: Path) -> Path:
    """Return the path; OSError if it is a device or pipe, as the folder may be a stranger's."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return path


def digests(out: Path) -> Iterator[tuple[str, str]]:
    """Yield name and SHA-256 of each file in the folder that may be a run's."""
    return ((name, _digest_of(path)) for name, path in _members(out))


def digest(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _commit(files: Staged) -> Path:
    """Commit: flush everything to disk, check that nothing is in the way, and rename the folder."""
    folders = set()
    for name, path in _members(files.place):
        own(path)
        to_disk(path)
        folders |= {parent.as_posix() for parent in PurePosixPath(name).parents if parent.name}
        if (files.out / name).is_dir():
            raise SetupError(f"{files.out / name}: a folder is where a result is to be written")
    for folder in sorted(folders):
        to_disk(files.place / folder)
        (files.out / folder).mkdir(FOLDER, exist_ok=True)
        if not _is_folder(files.out / folder):  # a link may lead out of the given folder
            raise SetupError(f"{files.out / folder}: a link, where a folder for results is needed")
    order = files.place / ORDER
    order.write_bytes(orjson.dumps({"goes": sorted(files.goes), "known": files.known}))
    to_disk(order)
    to_disk(files.place)
    ready = files.place.with_name(f"{READY}{files.id}")
    files.place.rename(ready)
    to_disk(files.out)
    return ready


def _settle(out: Path, ready: Path) -> None:
    """Move committed files to their places; idempotent."""
    goes, unchanged = _order(ready)
    new = dict(_members(ready))
    for name, path in new.items():
        if _is_folder((out / name).parent) and _may_go(out / name, unchanged.get(name)):
            path.replace(out / name)
    for name in goes - set(new):
        if _is_folder((out / name).parent) and _may_go(out / name, unchanged.get(name)):
            (out / name).unlink(missing_ok=True)
    for folder in {(out / name).parent for name in (*new, *goes)}:
        if folder.is_dir():
            to_disk(folder)
    emptied = ready.with_name(f"{MAKING}{ready.name.removeprefix(READY)}")
    ready.rename(emptied)
    shutil.rmtree(emptied, ignore_errors=True)


def _order(ready: Path) -> tuple[set[str], Mapping[str, str]]:
    """Return the names to remove, and digests of files to replace only if they are unchanged."""
    try:
        order = orjson.loads((ready / ORDER).read_bytes())
        goes, unchanged = order["goes"], order["known"]
        return {name for name in goes if MEMBER.fullmatch(name)}, dict(unchanged)
    except (OSError, ValueError, KeyError, TypeError):  # not written by this program
        return set(), {}


def _may_go(path: Path, expected: str | None) -> bool:
    return expected is None or not os.path.lexists(path) or (path.is_file() and _digest_of(path) == expected)


def _members(place: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files in a folder that may be a run's, by name."""
    for path in sorted([*place.glob("*"), *place.glob("*/*")]):
        name = path.relative_to(place).as_posix()
        if name != ORDER and MEMBER.fullmatch(name) and path.is_file() and not path.is_symlink():
            yield name, path


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
