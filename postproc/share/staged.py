"""The files of a ticket under the names they get in it, and results that know no other place.

A run tells where its files lay. In a ticket that is somebody's machine: user, customer, folders.
What is run on is therefore linked below one folder first, and that folder's name is taken out.
"""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

import pandas as pd

from postproc.pipeline import Run
from postproc.read.inputs import Unread, readable
from postproc.share.names import distinct, safe_name

MEMBERS = (("trace", ".pcapng"), ("logs", ".log"), ("attachments", ".txt"))  # folder; ending when redacted
PLACES = ("path", "warnings")  # columns that tell where a file lay


def members(files: Iterable[Sequence[Path]], *, numbered: bool) -> dict[str, Path]:
    """A member name for each file of each folder of MEMBERS: its own, made harmless, or only a number."""
    named: dict[str, Path] = {}
    for (folder, ending), held in zip(MEMBERS, files, strict=True):
        paths = list(dict.fromkeys(held))
        names = (
            [f"{number}{ending}" for number, _ in enumerate(paths, 1)]
            if numbered
            else distinct(safe_name(path.name) for path in paths)
        )
        named |= {f"{folder}/{name}": path for name, path in zip(names, paths, strict=True)}
    return named


def linked(files: Mapping[str, Path], place: Path) -> dict[str, Path]:
    """The files below ``place`` by their member names: as links where the system makes them, else copies."""
    found = {name: place / name for name in files}
    for name, path in files.items():
        found[name].parent.mkdir(parents=True, exist_ok=True)
        try:
            found[name].symlink_to(path.absolute())
        except OSError:  # Windows: a right that not everybody has
            shutil.copyfile(path, found[name])
    return found


def placed(run: Run, place: Path) -> Run:
    """The run as if it had been made in ``place``: paths below it are told from there."""
    tables = run.tables.with_(captures=_below(run.captures, place), logs=_below(run.logs, place))
    unread = (Unread(Path(_told(each.path, place)), _without(each.reason, place)) for each in run.unread)
    return replace(run, tables=tables, unread=tuple(unread), logs_beside=())


def _below(rows: pd.DataFrame, place: Path) -> pd.DataFrame:
    told = {each: rows[each].map(lambda text: _without(text, place), na_action="ignore") for each in PLACES}
    return rows.assign(**told).astype(rows.dtypes.to_dict())


def _told(path: PurePath, place: Path) -> str:
    return path.relative_to(place).as_posix() if path.is_relative_to(place) else path.name


def _without(text: str, place: Path) -> str:
    """The text without the folder, however the system writes it."""
    for folder in (readable(str(place)), readable(os.path.realpath(place))):
        text = text.replace(f"{folder}{os.sep}", "").replace(folder, ".")
    return text
