"""Pack files into a zip under safe names, with their hashes and without paths of this machine.

Names are shortened, and unique on every operating system. A run contains the paths of its files, which
reveal user, customer and folders. For a ticket the files are therefore linked below one folder first, whose
path is then removed.
"""

import os
import re
import shutil
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import orjson
import pandas as pd

from postproc.files.private import FILE
from postproc.model.errors import SetupError
from postproc.pipeline import Run
from postproc.read import inputs
from postproc.read.inputs import Unread, readable, said
from postproc.share.copying import replacing

UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)
ENDING = re.compile(r"(?:\.[A-Za-z0-9]{1,10}){1,2}\Z")  # .pcapng, .pcapng.gz: says what the file is
# Characters of a name: zips are unpacked below other folders, and Windows allows 260 for a whole path.
LONGEST = 60
# Devices of Windows, with any extension (Microsoft, "Naming Files, Paths, and Namespaces").
DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d|conin|conout)_?(?:\.|\Z)", re.IGNORECASE)


def safe_name(name: str, longest: int = LONGEST) -> str:
    """Return a file name of letters, digits, dot, hyphen and underscore; a shortened one keeps its extension.

    It is not hidden, does not look like an option, is no device of Windows, and does not end in a dot,
    which Windows drops.
    """
    plain = UNSAFE.sub("_", name).lstrip(".-").rstrip(".")
    if DEVICES.match(plain):
        plain = f"_{plain}"
    return shortened(plain, longest) or "unnamed"


def shortened(name: str, longest: int) -> str:
    """Return the name with at most ``longest`` characters, keeping its extension."""
    if len(name) <= longest:
        return name
    match = ENDING.search(name)
    ending = match[0] if match else ""
    return name[: longest - len(ending)].rstrip(".") + ending


def distinct(names: Iterable[str], longest: int = LONGEST) -> list[str]:
    """Return the names with a number added to later equal ones, ignoring case."""
    used: set[str] = set()
    unique = []
    for name in names:
        new, nth = name, 1
        while new.casefold() in used:
            nth += 1
            new = _numbered(name, nth, longest)
        used.add(new.casefold())
        unique.append(new)
    return unique


def _numbered(name: str, nth: int, longest: int) -> str:
    ending = match[0] if (match := ENDING.search(name)) else PurePosixPath(name).suffix
    added = f"-{nth}{ending}"
    return name.removesuffix(ending)[: longest - len(added)] + added


MEMBERS = (("trace", ".pcapng"), ("logs", ".log"), ("attachments", ".txt"))  # folder; extension if redacted
PLACES = ("path", "warnings")  # columns that may contain paths


def members(files: Iterable[Sequence[Path]], *, numbered: bool) -> dict[str, Path]:
    """Return member names for the files of each folder of MEMBERS: safe versions of their own, or numbers."""
    by_member: dict[str, Path] = {}
    for (folder, ending), group in zip(MEMBERS, files, strict=True):
        paths = list(dict.fromkeys(group))
        names = (
            [f"{number}{ending}" for number, _ in enumerate(paths, 1)]
            if numbered
            else distinct(safe_name(path.name) for path in paths)
        )
        by_member |= {f"{folder}/{name}": path for name, path in zip(names, paths, strict=True)}
    return by_member


def linked(files: Mapping[str, Path], place: Path) -> dict[str, Path]:
    """Put the files below ``place`` by their member names: as links, or copies if links are not allowed."""
    links = {name: place / name for name in files}
    for name, path in files.items():
        links[name].parent.mkdir(parents=True, exist_ok=True)
        try:
            links[name].symlink_to(path.absolute())
        except OSError:  # Windows: a privilege is needed
            shutil.copyfile(path, links[name])
    return links


def placed(run: Run, place: Path) -> Run:
    """Return the run with paths relative to ``place``."""
    tables = run.tables.with_(captures=_below(run.captures, place), logs=_below(run.logs, place))
    unread = (Unread(Path(_relative(each.path, place)), _without(each.reason, place)) for each in run.unread)
    return replace(run, tables=tables, unread=tuple(unread), logs_beside=(), other_logs=())


def _below(rows: pd.DataFrame, place: Path) -> pd.DataFrame:
    relative = {
        each: rows[each].map(lambda text: _without(text, place), na_action="ignore") for each in PLACES
    }
    return rows.assign(**relative).astype(rows.dtypes.to_dict())


def _relative(path: PurePath, place: Path) -> str:
    return path.relative_to(place).as_posix() if path.is_relative_to(place) else path.name


def _without(text: str, place: Path) -> str:
    """Remove the folder's path, also with links resolved, from a text."""
    for folder in (readable(str(place)), readable(os.path.realpath(place))):
        text = text.replace(f"{folder}{os.sep}", "").replace(folder, ".")
    return text


UNIX = 3  # "made by", so that unzip applies the permissions
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest time in a zip


def pack(files: Mapping[str, Path], about: Mapping[str, Any], target: Path, *, dated: bool) -> dict[str, int]:
    """Write the zip of the files, by member, and its manifest.json; return each member's size.

    ``about`` is added to the manifest; without ``dated`` no file reveals its time and time zone.
    SetupError if a file cannot be read or the zip not written.
    """
    hashes: dict[str, dict[str, Any]] = {}
    with replacing(target) as file, ZipFile(file, "w") as archive:
        for name, path in files.items():
            hashes[name] = _add(archive, name, path, dated=dated)
        manifest = orjson.dumps({**about, "files": hashes}, option=orjson.OPT_INDENT_2)
        archive.writestr(_info("manifest.json"), manifest)
    return {name: each["size"] for name, each in hashes.items()}


def _info(name: str, date: tuple[int, ...] = LONG_AGO) -> ZipInfo:
    info = ZipInfo(name, (date[0], date[1], date[2], date[3], date[4], date[5]))
    info.create_system, info.compress_type = UNIX, ZIP_DEFLATED
    info.external_attr = (stat.S_IFREG | FILE) << 16
    return info


def _add(archive: ZipFile, name: str, path: Path, *, dated: bool) -> dict[str, Any]:
    try:
        status = ZipInfo.from_file(path, name, strict_timestamps=False)
        info = _info(name, status.date_time if dated else LONG_AGO)
        info.file_size = status.file_size  # decides on Zip64
        with path.open("rb") as source, archive.open(info, "w") as member:
            shutil.copyfileobj(source, member, 1 << 20)
        return {"sha256": inputs.sha256(path), "size": status.file_size}
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error
