"""Files into a zip, under harmless names, with their hashes; nothing of the machine goes with them.

Names made from strangers' names are cut, and each is there once, on every system. A run tells where its files
lay. In a ticket that is somebody's machine: user, customer, folders. What is run on is therefore linked below
one folder first, and that folder's name is taken out.
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
# Signs of a name. Folders of zips are unpacked below others, and Windows takes 260 for a whole path.
LONGEST = 60
# Devices of Windows, whatever ending they bear (Microsoft, "Naming Files, Paths, and Namespaces").
DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d|conin|conout)_?(?:\.|\Z)", re.IGNORECASE)


def safe_name(name: str, longest: int = LONGEST) -> str:
    """A file name of letters, digits, dot, hyphen and underscore; one too long keeps its ending.

    No name is hidden, an option, a device of Windows, or ends in a dot, which Windows drops.
    """
    plain = UNSAFE.sub("_", name).lstrip(".-").rstrip(".")
    if DEVICES.match(plain):
        plain = f"_{plain}"
    return shortened(plain, longest) or "unnamed"


def shortened(name: str, longest: int) -> str:
    """The name in so many signs, with its ending."""
    if len(name) <= longest:
        return name
    found = ENDING.search(name)
    ending = found[0] if found else ""
    return name[: longest - len(ending)].rstrip(".") + ending


def distinct(names: Iterable[str], longest: int = LONGEST) -> list[str]:
    """The names, the later of those that are equal with a number; upper and lower case are one."""
    taken: set[str] = set()
    found = []
    for name in names:
        new, nth = name, 1
        while new.casefold() in taken:
            nth += 1
            new = _numbered(name, nth, longest)
        taken.add(new.casefold())
        found.append(new)
    return found


def _numbered(name: str, nth: int, longest: int) -> str:
    ending = found[0] if (found := ENDING.search(name)) else PurePosixPath(name).suffix
    added = f"-{nth}{ending}"
    return name.removesuffix(ending)[: longest - len(added)] + added


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
    return replace(run, tables=tables, unread=tuple(unread), logs_beside=(), other_logs=())


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


UNIX = 3  # "made by": what makes unzip take the permissions
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first day a zip can tell


def pack(files: Mapping[str, Path], about: Mapping[str, Any], target: Path, *, dated: bool) -> dict[str, int]:
    """Write the zip of the files, by member, and its manifest.json; return each member's size.

    ``about`` is what the manifest says besides; without ``dated`` no file tells when and in
    which time zone it was written. SetupError when a file cannot be read or the zip not written.
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
        found = ZipInfo.from_file(path, name, strict_timestamps=False)
        info = _info(name, found.date_time if dated else LONG_AGO)
        info.file_size = found.file_size  # decides on Zip64
        with path.open("rb") as source, archive.open(info, "w") as member:
            shutil.copyfileobj(source, member, 1 << 20)
        return {"sha256": inputs.sha256(path), "size": found.file_size}
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error
