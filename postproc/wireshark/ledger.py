"""Files put into folders of the user, so that they can be taken out again without a trace.

A ledger is a folder with ``files.json`` (what was put where, and which folders
had to be made), ``before/`` (what was there) and ``kept/`` (edits that had to
make way, never removed). It is written before the first file is: what was begun
can always be undone.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from postproc.files.private import replace_file
from postproc.model.errors import SetupError

INDEX = "files.json"


@dataclass(frozen=True)
class Entry:
    """One file: its hash as we wrote it, and the name of what was there in ``before/``.

    ``group``: what it belongs to, the name of a profile.
    """

    path: str
    group: str
    ours: str
    before: str | None


@dataclass(frozen=True)
class Ledger:
    """``made`` are the folders that did not exist, outermost first."""

    folder: Path
    entries: Mapping[str, Entry] = field(default_factory=dict)
    made: tuple[str, ...] = ()

    def before(self, path: Path) -> bytes | None:
        """What was there when we came; None if nothing was, or the file is not ours."""
        entry = self.entries.get(str(path))
        return content(self.folder / "before" / entry.before) if entry and entry.before else None

    def is_ours(self, path: Path) -> bool:
        entry = self.entries.get(str(path))
        return bool(entry and hashed(content(path)) == entry.ours)

    def edited(self, path: Path) -> bool:
        """Whether the file holds what neither we nor our coming had put there."""
        now = content(path)
        return now is not None and not self.is_ours(path) and now != self.before(path)


def content(path: Path) -> bytes | None:
    """What a file holds, None if there is none; SetupError when it cannot be read."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}") from error


def hashed(data: bytes | None) -> str | None:
    return None if data is None else sha256(data).hexdigest()


def read(folder: Path) -> Ledger:
    """The ledger in a folder, empty if there is none; SetupError when it is damaged."""
    text = content(folder / INDEX)
    if text is None:
        return Ledger(folder)
    try:
        told = json.loads(text)
        entries = {row["path"]: Entry(**row) for row in told["files"]}
        return Ledger(folder, entries, tuple(told["made"]))
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{folder / INDEX}: damaged: {error}") from error


def write(ledger: Ledger) -> None:
    rows = [asdict(entry) for entry in ledger.entries.values()]
    text = json.dumps({"files": rows, "made": ledger.made}, indent=1)
    replace(ledger.folder / INDEX, text.encode())


@contextmanager
def writing() -> Iterator[None]:
    """Folders that cannot be written, full disks and the like are SetupErrors."""
    try:
        yield
    except OSError as error:
        raise SetupError(f"{error.filename}: {error.strerror}") from error


def replace(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; where a link stands, what it leads to.

    A new one is its owner's alone: the profile of a capture holds its Call-IDs.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, lambda place: place.write_bytes(data))


def keep(ledger: Ledger, paths: Iterable[Path]) -> list[Path]:
    """Copy edits to where nobody removes them; returns the copies."""
    return [_copied(path, ledger.folder / "kept") for path in paths]


def back_up(ledger: Ledger, path: Path) -> str | None:
    """Save what is there now; returns its name in ``before/``, None if nothing is there."""
    return _copied(path, ledger.folder / "before").name if path.exists() else None


def _copied(path: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    taken = {each.name for each in folder.iterdir()}
    numbers = range(1, len(taken) + 2)
    name = next(name for number in numbers if (name := f"{path.name}.{number}") not in taken)
    return Path(shutil.copy2(path, folder / name))


def missing_folders(paths: Iterable[Path]) -> list[str]:
    """The folders that have to be made for these files, outermost first."""
    parents = {parent for path in paths for parent in path.parents if not parent.exists()}
    return [str(parent) for parent in sorted(parents, key=lambda each: len(each.parts))]
