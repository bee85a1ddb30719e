"""Installs files in the user's Wireshark, and removes them without a trace.

A ledger is a folder with ``files.json`` (which files were written where, and which folders were created),
``before/`` (backups of what was there) and ``kept/`` (copies of edits that were replaced; never removed). It
is written before the first file, so that an interrupted installation can be undone.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from postproc.files.private import replace_file
from postproc.model.errors import SetupError

INDEX = "files.json"
WRITTEN_BY_WIRESHARK = ("recent",)  # in every profile that was in use


class Entry(NamedTuple):
    """One installed file: its SHA-256 as written, and the name in ``before/`` of what it replaced.

    ``group`` is the name of the profile that it belongs to.
    """

    path: str
    group: str
    ours: str
    before: str | None


@dataclass(frozen=True)
class Ledger:
    """What was installed; ``made`` are the folders that did not exist, outermost first."""

    folder: Path
    entries: Mapping[str, Entry] = field(default_factory=dict)
    made: tuple[str, ...] = ()

    def before(self, path: Path) -> bytes | None:
        """Return what the file replaced; None if there was nothing, or the file is not in the ledger."""
        entry = self.entries.get(str(path))
        return content(self.folder / "before" / entry.before) if entry and entry.before else None

    def is_ours(self, path: Path) -> bool:
        entry = self.entries.get(str(path))
        return bool(entry and _hashed(content(path)) == entry.ours)

    def edited(self, path: Path) -> bool:
        """Tell whether the file has content that is neither the installed nor the replaced one."""
        now = content(path)
        return now is not None and not self.is_ours(path) and now != self.before(path)


def content(path: Path) -> bytes | None:
    """Return a file's content, None if there is no file; raises SetupError when it cannot be read."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}") from error


def _hashed(data: bytes | None) -> str | None:
    return None if data is None else sha256(data).hexdigest()


def read_ledger(folder: Path) -> Ledger:
    """Return the ledger in a folder, empty if there is none; raises SetupError when it is damaged."""
    text = content(folder / INDEX)
    if text is None:
        return Ledger(folder)
    try:
        stored = json.loads(text)
        entries = {row["path"]: Entry(**row) for row in stored["files"]}
        return Ledger(folder, entries, tuple(stored["made"]))
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{folder / INDEX}: damaged: {error}") from error


def _write_ledger(ledger: Ledger) -> None:
    rows = [entry._asdict() for entry in ledger.entries.values()]
    text = json.dumps({"files": rows, "made": ledger.made}, indent=1)
    write_file(ledger.folder / INDEX, text.encode())


@contextmanager
def _setup_errors() -> Iterator[None]:
    """Turn OSErrors, such as a full disk, into SetupErrors."""
    try:
        yield
    except OSError as error:
        raise SetupError(f"{error.filename}: {error.strerror}") from error


def write_file(path: Path, data: bytes) -> None:
    """Write a file completely or not at all; a link is followed.

    A new file is its owner's alone, since the profile of a capture has its Call-IDs.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, lambda place: place.write_bytes(data))


@_setup_errors()
def hand_over(path: Path, data: bytes) -> None:
    """Write a file that belongs to the user from then on and is in no ledger."""
    write_file(path, data)


def _keep(ledger: Ledger, paths: Iterable[Path]) -> list[Path]:
    """Copy edited files to ``kept/``; return the copies."""
    return [_copied(path, ledger.folder / "kept") for path in paths]


def _back_up(ledger: Ledger, path: Path) -> str | None:
    """Save the current file; return its name in ``before/``, None if there is none."""
    return _copied(path, ledger.folder / "before").name if path.exists() else None


def _copied(path: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    used_names = {file.name for file in folder.iterdir()}
    numbers = range(1, len(used_names) + 2)
    name = next(name for number in numbers if (name := f"{path.name}.{number}") not in used_names)
    return Path(shutil.copy2(path, folder / name))


def _missing_folders(paths: Iterable[Path]) -> list[str]:
    """Return the folders that have to be created for these files, outermost first."""
    parents = {parent for path in paths for parent in path.parents if not parent.exists()}
    return [str(parent) for parent in sorted(parents, key=lambda folder: len(folder.parts))]


class Done(NamedTuple):
    """The result: ``changed`` are files written or removed, ``kept`` copies of edits that were replaced.

    ``left`` are other people's files in folders that would have been removed.
    """

    changed: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()
    left: tuple[Path, ...] = ()


@_setup_errors()
def put(files: Mapping[Path, bytes], folder: Path, group: str, *, force: bool = False) -> Done:
    """Write files where they differ and back up what is there; repeating it changes nothing.

    ``folder`` is the ledger's. Raises SetupError, before anything is written, when a file has content that
    this program did not write, and when writing fails; with ``force`` that content is kept and replaced.
    Files of the group that are no longer among ``files`` are removed, unless they were edited.
    """
    old = read_ledger(folder)
    in_the_way = [path for path, data in files.items() if _in_the_way(old, path, data)]
    if in_the_way and not force:
        raise SetupError(_refusal(in_the_way, "nothing was written", "replaces"))
    created_folders = dict.fromkeys([*old.made, *_missing_folders([*files, folder / INDEX])])
    copies = _keep(old, [path for path in in_the_way if str(path) in old.entries])
    entries = {str(path): _entry(old, path, data, group) for path, data in files.items()}
    changed = [path for path, data in files.items() if content(path) != data]
    new = Ledger(folder, {**old.entries, **entries}, tuple(created_folders))
    _write_ledger(new)
    for path in changed:
        write_file(path, files[path])
    stale = [name for name, entry in old.entries.items() if entry.group == group and name not in entries]
    changed += [path for path in map(Path, stale) if not old.edited(path) and _restore(old, path)]
    _write_ledger(
        replace(new, entries={name: new.entries[name] for name in new.entries if name not in stale})
    )
    return Done(tuple(changed), tuple(copies))


@_setup_errors()
def take_back(folder: Path, *, force: bool = False) -> Done:
    """Restore everything as it was before ``put``; raises SetupError when files were edited since.

    With ``force`` edits are kept beside the ledger. Created folders are removed unless they have other files.
    """
    old = read_ledger(folder)
    paths = [Path(path) for path in old.entries]
    edited = [path for path in paths if old.edited(path)]
    if edited and not force:
        raise SetupError(_refusal(edited, "nothing was removed", "removes"))
    copies = _keep(old, edited)
    changed = [path for path in paths if _restore(old, path)]
    shutil.rmtree(folder / "before", ignore_errors=True)
    (folder / INDEX).unlink(missing_ok=True)
    return Done(tuple(changed), tuple(copies), tuple(_clear(old.made)))


def _in_the_way(old: Ledger, path: Path, data: bytes) -> bool:
    current = content(path)
    return current != data and old.edited(path)


def _entry(old: Ledger, path: Path, data: bytes, group: str) -> Entry:
    earlier = old.entries.get(str(path))
    before = earlier.before if earlier else _back_up(old, path)
    return Entry(str(path), group, str(_hashed(data)), before)


def _restore(old: Ledger, path: Path) -> bool:
    """Restore what was there before; return whether that changed anything."""
    before, now = old.before(path), content(path)
    if before is None:
        path.unlink(missing_ok=True)
    elif before != now:
        write_file(path, before)
    return before != now


def _clear(made: Iterable[str]) -> list[Path]:
    """Remove created folders that are empty again; return other people's files in the profiles."""
    left: list[Path] = []
    for folder in map(Path, reversed(list(made))):
        if folder.parent.name == "profiles":
            for name in WRITTEN_BY_WIRESHARK:
                (folder / name).unlink(missing_ok=True)
            left += folder.glob("*")
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return left


def _refusal(paths: list[Path], undone: str, verb: str) -> str:
    names = ", ".join(str(path) for path in paths)
    verb_kept = f"--force {verb} them and keeps copies"
    return f"changed by others than this program: {names}; {undone}; {verb_kept}"
