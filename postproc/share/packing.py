"""Files into a zip, with their hashes; nothing of the machine goes with them."""

import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import orjson

from postproc.files.private import FILE
from postproc.model.errors import SetupError
from postproc.read import inputs
from postproc.read.inputs import said
from postproc.share.copying import replacing

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
