"""What the results in a folder were made from: of the same they need not be made again.

Beside the events of its captures a run leaves a record: digests of all that decides its results,
and of every file they are in. Whatever differs in the least, is missing or cannot be looked at
makes it another run, which is done as a whole: captures and logs and what could not be read of
them, options, deployment, rules asked, files wished for, the folder (notebooks name captures as
seen from it), our code, Python, installed packages and tshark. Only the language of the prose is
apart, as findings can be told anew from the tables.
"""

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import orjson

from postproc import cache
from postproc.files import commit, private
from postproc.model.errors import SetupError
from postproc.model.text import Lang
from postproc.read import inputs, logfiles, option_files, programs
from postproc.read.inputs import Capture, Unread, said
from postproc.read.logfiles import Log
from postproc.read.option_files import Options
from postproc.results import Run, loaded
from postproc.version import __version__

RECORD = Path(cache.FOLDER, "run.json")
INSTALLED = "*-info"  # a package's folder or file, whose name holds the version (PEP 376, PEP 427)
COMPILED = "__pycache__"


class Provenance(NamedTuple):
    """Everything that determines the results of a run, except the language of their prose."""

    settings: str  # what was asked for, files by name and size, programs
    logs: tuple[str, ...]  # SHA-256 of each, taken before it is read


@dataclass(frozen=True)
class Record:
    """What a run says of its results: ``content`` is of captures and logs, ``files`` hold the results."""

    run: str
    lang: Lang
    settings: str
    content: str
    files: Mapping[str, str]


def decisive(options: Options) -> list[str]:
    """Return the options that affect reading; a file is represented by its content."""
    return [f"{name}={_bytes_of(value)}" for name, value in options._asdict().items()]


def _bytes_of(value: object) -> str:
    if not isinstance(value, Path):
        return repr(value)
    try:
        return inputs.sha256(option_files.plain_keylog(value))  # a pipe would be waited for
    except OSError as error:
        raise SetupError(f"{value}: {said(error)}") from error


def of_run(
    out: Path,
    captures: Sequence[Capture],
    unread: Iterable[Unread],
    fs_logs: Iterable[Path | str],
    asked: Iterable[object],
) -> Provenance | None:
    """The provenance of a run over these captures; None where a log cannot be looked at.

    ``asked`` is all else that decides the results, in values that always have the same ``repr``.
    """
    logs, no_logs = logfiles.find([Path(path) for path in fs_logs], out)
    settings = (
        str(out.absolute()),
        [(each.name, str(each.path), each.size) for each in captures],
        [(each.name, str(each.path)) for each in logs],
        [(str(each.path), each.reason) for each in (*unread, *no_logs)],
        *asked,
        *_programs(),
    )
    try:
        return Provenance(_digest(map(repr, settings)), _of_logs(logs))
    except OSError:
        return None


def _of_logs(logs: Iterable[Log]) -> tuple[str, ...]:
    return tuple(inputs.sha256(log.path) for log in logs)


def _programs() -> tuple[str, ...]:
    return __version__, _code(), sys.version, *_installed(), programs.tshark_build()


def _code() -> str:
    """Return a digest of all files of the package - code, templates, constants - by name, size and time.

    That is how Python itself tells whether code has changed since it was compiled (PEP 552); to read it all
    takes 15 ms.
    """
    whole = hashlib.sha256()
    for folder, inner, names in os.walk(Path(__file__).parent):
        inner[:] = sorted({*inner} - {COMPILED})
        files = [(name, os.stat(os.path.join(folder, name))) for name in sorted(names)]  # noqa: PTH116, PTH118
        whole.update(repr((inner, [(name, at.st_size, at.st_mtime_ns) for name, at in files])).encode())
    return whole.hexdigest()


def _installed() -> list[str]:
    return sorted(each.name for place in sys.path for each in Path(place or ".").glob(INSTALLED))


def _digest(parts: Iterable[str]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part.encode(errors="surrogateescape")).digest())
    return whole.hexdigest()


def keep(done: Run, out: Path, made: Provenance) -> None:
    """Record what the results now in the folder were made from; the caller holds the folder's lock.

    Nothing is recorded of a run that left something out, or could not read it though it is a
    capture or log: that is tried again. Where no record can be written the next run is a whole one.
    """
    if any(each.error for each in done.unread):
        return
    hashes = dict(zip(done.captures["capture"], done.captures["sha256"], strict=True))
    record = Record(done.id, done.lang, made.settings, _content(hashes, made.logs), dict(commit.digests(out)))
    try:
        private.replace_file(out / RECORD, lambda path: path.write_bytes(orjson.dumps(asdict(record))))
    except OSError:
        return


def _content(hashes: Mapping[str, str], logs: Iterable[str]) -> str:
    return _digest([*(f"{name} {sha256}" for name, sha256 in sorted(hashes.items())), "logs", *logs])


def unchanged(out: Path, captures: Sequence[Capture], made: Provenance, threads: int) -> Run | None:
    """The results in the folder if they were made from just this, in whatever language; else None."""
    record = _record(out)
    if record is None or record.settings != made.settings:  # so that no byte is hashed in vain
        return None
    hashed, unhashed = inputs.hashed(captures, threads)
    if unhashed or _content({each.name: each.sha256 for each in hashed}, made.logs) != record.content:
        return None
    try:
        if dict(commit.digests(out)) != record.files:
            return None
        run, ids = loaded(out)
    except (SetupError, OSError):
        return None
    if ids != {record.run} or run.lang != record.lang:
        return None
    return replace(run, unchanged=int(run.captures["packets"].notna().sum()))


def _record(out: Path) -> Record | None:
    try:
        return Record(**orjson.loads((out / RECORD).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
