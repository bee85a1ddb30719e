"""The files of one run take their places in a folder together, or not at all.

They are written aside (``.run-ID``), with an order that says what else is to go.
Renaming that folder to ``.ready-ID`` is the one step that counts: until then the
older results are the results, from then on the new ones are. Each file is then
moved to its place; what a dead run has not moved the next run moves, and readers
look into ``.ready-ID`` first. Readers change nothing: the folder may be a stranger's.
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
from typing import TypeVar

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
    """The files of one run before they have their places."""

    out: Path
    id: str
    goes: set[str] = field(default_factory=set)
    known: dict[str, str] = field(default_factory=dict)
    edited: set[Path] = field(default_factory=set)  # ours, left as they are: somebody works with them

    @property
    def place(self) -> Path:
        return self.out / f"{MAKING}{self.id}"

    def file(self, name: str) -> Path:
        """Where to write the file that is to be ``name``, like tables/calls.parquet."""
        path = self.place / name
        path.parent.mkdir(FOLDER, exist_ok=True)
        return path

    def remove(self, name: str) -> None:
        """Have an older file go, unless this run writes one of that name."""
        self.goes.add(name)

    def only_over(self, name: str, content: bytes | None) -> None:
        """Leave alone what has that name if its content is no longer this: somebody works with it."""
        self.known[name] = digest(content)

    def files(self) -> dict[str, dict[str, object]]:
        """What has been written so far: size and SHA-256 by name."""
        return {
            name: {"size": path.stat().st_size, "sha256": _digest_of(path)}
            for name, path in _members(self.place)
        }


@contextmanager
def staged(out: Path, run: str) -> Iterator[Staged]:
    """Take the files of a run; when the block is left without an error they are the folder's results.

    The caller holds the folder's lock. OSError, and SetupError where something is in the way: the
    older results are then untouched, or the new ones are complete and the next run moves them.
    """
    held = Staged(out, run)
    try:
        held.place.mkdir(FOLDER)
        yield held
        with undisturbed():
            _settle(out, _commit(held))
    finally:
        with undisturbed():
            shutil.rmtree(held.place, ignore_errors=True)


def recover(out: Path) -> None:
    """Do what a run that died has left undone: move what was ready, drop what was not.

    The caller holds the folder's lock.
    """
    for ready in sorted(out.glob(f"{READY}*")):
        if _is_folder(ready):
            _settle(out, ready)
    for left in out.glob(f"{MAKING}*"):
        if _is_folder(left):
            shutil.rmtree(left, ignore_errors=True)


def readers(out: Path) -> "Reader":
    """Where the results are now."""
    ready = sorted(each for each in out.glob(f"{READY}*") if _is_folder(each))
    return Reader((*ready, out))


@dataclass(frozen=True)
class Reader:
    """Results that may be on their way to their places just now."""

    places: tuple[Path, ...]

    def read(self, name: str, how: Callable[[Path], T]) -> T:
        """Read a file wherever it is; FileNotFoundError when there is none."""
        for place in self.places[:-1]:
            try:
                return how(regular(place / name))
            except FileNotFoundError:  # moved, perhaps a moment ago
                continue
        return how(regular(self.places[-1] / name))


def regular(path: Path) -> Path:
    """The path, unless it leads to what would be read for ever; the folder may be a stranger's."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return path


def digests(out: Path) -> Iterator[tuple[str, str]]:
    """Name and SHA-256 of each file in the folder that may be a run's."""
    return ((name, _digest_of(path)) for name, path in _members(out))


def digest(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _commit(held: Staged) -> Path:
    """The one step: everything is on the disk, nothing is in the way, the folder is renamed."""
    folders = set()
    for name, path in _members(held.place):
        own(path)
        to_disk(path)
        folders |= {parent.as_posix() for parent in PurePosixPath(name).parents if parent.name}
        if (held.out / name).is_dir():
            raise SetupError(f"{held.out / name}: a folder is where a result is to be written")
    for each in sorted(folders):
        to_disk(held.place / each)
        (held.out / each).mkdir(FOLDER, exist_ok=True)
        if not _is_folder(held.out / each):  # a link would lead us out of the folder we were given
            raise SetupError(f"{held.out / each}: a link, where a folder for results is needed")
    order = held.place / ORDER
    order.write_bytes(orjson.dumps({"goes": sorted(held.goes), "known": held.known}))
    to_disk(order)
    to_disk(held.place)
    ready = held.place.with_name(f"{READY}{held.id}")
    held.place.rename(ready)
    to_disk(held.out)
    return ready


def _settle(out: Path, ready: Path) -> None:
    """Move what is ready to its places; done twice, it does no harm."""
    goes, known = _order(ready)
    new = dict(_members(ready))
    for name, path in new.items():
        if _is_folder((out / name).parent) and _may_go(out / name, known.get(name)):
            path.replace(out / name)
    for name in goes - set(new):
        if _is_folder((out / name).parent) and _may_go(out / name, known.get(name)):
            (out / name).unlink(missing_ok=True)
    for folder in {(out / name).parent for name in (*new, *goes)}:
        if folder.is_dir():
            to_disk(folder)
    done = ready.with_name(f"{MAKING}{ready.name.removeprefix(READY)}")
    ready.rename(done)
    shutil.rmtree(done, ignore_errors=True)


def _order(ready: Path) -> tuple[set[str], Mapping[str, str]]:
    """What is to go, and what is only to be touched as it was; other names than ours are passed over."""
    try:
        held = orjson.loads((ready / ORDER).read_bytes())
        goes, known = held["goes"], held["known"]
        return {name for name in goes if MEMBER.fullmatch(name)}, dict(known)
    except (OSError, ValueError, KeyError, TypeError):  # not written by us
        return set(), {}


def _may_go(path: Path, known: str | None) -> bool:
    return known is None or not os.path.lexists(path) or (path.is_file() and _digest_of(path) == known)


def _members(place: Path) -> Iterator[tuple[str, Path]]:
    """The files in a folder that are a run's, by name."""
    for path in sorted([*place.glob("*"), *place.glob("*/*")]):
        name = path.relative_to(place).as_posix()
        if name != ORDER and MEMBER.fullmatch(name) and path.is_file() and not path.is_symlink():
            yield name, path


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
