"""Putting files into the user's Wireshark and taking them back, by a ledger."""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from postproc.model.errors import SetupError
from postproc.wireshark import ledger as ledgers
from postproc.wireshark.ledger import Entry, Ledger

WRITTEN_BY_WIRESHARK = ("recent",)  # into every profile that was in use


@dataclass(frozen=True)
class Done:
    """``changed``: files written, or taken away; ``kept``: copies of edits that made way;
    ``left``: files of others in folders that would have been removed."""

    changed: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()
    left: tuple[Path, ...] = ()


@ledgers.writing()
def put(files: Mapping[Path, bytes], folder: Path, group: str, *, force: bool = False) -> Done:
    """Write files where they differ and back up what is there; the same again changes nothing.

    ``folder`` is the ledger's. SetupError, before anything is written, when a
    file holds what we did not write, and when the disk refuses; with ``force`` that is kept and replaced.
    Files of the group that are no longer among ``files`` are taken back, unless
    they were edited.
    """
    old = ledgers.read(folder)
    in_the_way = [path for path, data in files.items() if _in_the_way(old, path, data)]
    if in_the_way and not force:
        raise SetupError(_refusal(in_the_way, "nothing was written", "replaces"))
    made = dict.fromkeys([*old.made, *ledgers.missing_folders([*files, folder / ledgers.INDEX])])
    kept = ledgers.keep(old, [path for path in in_the_way if str(path) in old.entries])
    entries = {str(path): _entry(old, path, data, group) for path, data in files.items()}
    changed = [path for path, data in files.items() if ledgers.content(path) != data]
    new = Ledger(folder, {**old.entries, **entries}, tuple(made))
    ledgers.write(new)
    for path in changed:
        ledgers.replace(path, files[path])
    stale = [name for name, entry in old.entries.items() if entry.group == group and name not in entries]
    changed += [path for path in map(Path, stale) if not old.edited(path) and _restore(old, path)]
    ledgers.write(
        replace(new, entries={name: new.entries[name] for name in new.entries if name not in stale})
    )
    return Done(tuple(changed), tuple(kept))


@ledgers.writing()
def take_back(folder: Path, *, force: bool = False) -> Done:
    """Make everything as it was before ``put``; SetupError when files were edited since.

    With ``force`` edits are kept beside the ledger. Folders we made are removed
    unless others put files into them.
    """
    old = ledgers.read(folder)
    paths = [Path(path) for path in old.entries]
    edited = [path for path in paths if old.edited(path)]
    if edited and not force:
        raise SetupError(_refusal(edited, "nothing was removed", "removes"))
    kept = ledgers.keep(old, edited)
    changed = [path for path in paths if _restore(old, path)]
    shutil.rmtree(folder / "before", ignore_errors=True)
    (folder / ledgers.INDEX).unlink(missing_ok=True)
    return Done(tuple(changed), tuple(kept), tuple(_clear(old.made)))


def _in_the_way(old: Ledger, path: Path, data: bytes) -> bool:
    now = ledgers.content(path)
    return now != data and old.edited(path)


def _entry(old: Ledger, path: Path, data: bytes, group: str) -> Entry:
    known = old.entries.get(str(path))
    before = known.before if known else ledgers.back_up(old, path)
    return Entry(str(path), group, str(ledgers.hashed(data)), before)


def _restore(old: Ledger, path: Path) -> bool:
    """Bring back what was there; whether that changed anything."""
    before, now = old.before(path), ledgers.content(path)
    if before is None:
        path.unlink(missing_ok=True)
    elif before != now:
        ledgers.replace(path, before)
    return before != now


def _clear(made: Iterable[str]) -> list[Path]:
    """Remove the folders that are empty again; returns files of others in profiles of ours."""
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
    named = ", ".join(str(path) for path in paths)
    verb_kept = f"--force {verb} them and keeps copies"
    return f"changed by others than this program: {named}; {undone}; {verb_kept}"
