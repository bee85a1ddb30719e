"""The events of one capture on disk, so that an unchanged capture is not read twice.

A capture's events are one file, which appears whole and is named after all that
decides what is in it: the readers, tshark, the options, and the capture's bytes,
their number apart from their hash, so that only captures of a known size need be
hashed to be found. It holds the tables that have rows, each as a stream of Arrow IPC.
Names are given when it is read: the same bytes may be called otherwise in the next run.

It is not waited for until it is on the disk: what a power failure leaves of it does
not have the digest that the file begins with, and the capture is read anew. The digest
is no seal, as the folder may be a stranger's: what arrow makes of a file is looked at
before it is used.
"""

import hashlib
import io
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple
from uuid import uuid4

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from postproc.files import private, scratch
from postproc.files.commit import regular
from postproc.files.signals import undisturbed
from postproc.model.columns import ARROW, TEXT
from postproc.model.events import Events, frame, with_columns
from postproc.model.tables import BY_NAME, NAME, Tables
from postproc.version import __version__

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from numpy.typing import NDArray

FOLDER = "events"  # of a run's results
DIGEST = 32  # bytes of the SHA-256 that a file begins with: of all behind it
# The name a file has until it is complete; an earlier version made folders.
MAKING = re.compile(r"\.\w{32}-\d+-\w{32}\.\w{32}(\.gone)?")
BUFFERED = 1 << 20  # bytes written at a time: arrow's own pieces are some hundred for a small capture
NUMBERED = ("rtp_streams", "rtp_seconds")  # tables whose rows name an RTP stream by its number


def key(*parts: str) -> str:
    """What stands for these parts and for the readers' code, on which events depend."""
    return hashlib.sha256("\n".join([__version__, _readers(), *parts]).encode()).hexdigest()[:32]


def places(cache: Path) -> set[Path]:
    """Return the places that have events, without the hash of the captures' bytes."""
    return {held.with_name(held.name.rpartition("-")[0]) for held in cache.glob("*-*")}


def place(cache: Path, key: str, sizes: Sequence[int]) -> Path:
    """Return the place in the cache for files of these sizes read as one, without their hash."""
    whole = key if len(sizes) == 1 else hashlib.sha256(f"{key} {sizes}".encode()).hexdigest()[:32]
    return cache / f"{whole}-{sum(sizes)}"


def file(place: Path, hashes: Sequence[str]) -> Path:
    """Return the file at this place for captures with these hashes."""
    sha256 = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    return place.with_name(f"{place.name}-{sha256[:32]}")


class Digesting(io.RawIOBase):
    """A file and the digest of its content, computed while writing: events are too large to keep twice."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self.sha256 = hashlib.sha256()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        self.sha256.update(data)
        return self._file.write(data)


def write(events: Events, file: Path) -> None:
    """Write one capture's events into a file that appears when it is complete."""
    making = file.with_name(f".{file.name}.{uuid4().hex}")
    try:
        private.make_folder(making.parent)
        with open(making, "xb", opener=partial(os.open, mode=private.FILE)) as written:
            written.write(bytes(DIGEST))
            body = Digesting(written)
            with pa.BufferedOutputStream(pa.PythonFile(body, "w"), BUFFERED) as pieces:
                for rows in events.values():
                    with pa.ipc.new_stream(pieces, rows.schema) as stream:
                        stream.write_table(rows)
            written.seek(0)
            written.write(body.sha256.digest())
        if file.is_dir() and not file.is_symlink():  # none of ours
            shutil.rmtree(file, ignore_errors=True)
        making.replace(file)
    finally:
        with undisturbed():
            making.unlink(missing_ok=True)


def clear_unfinished(cache: Path) -> None:
    """Remove unfinished files; the caller ensures that no other run is writing here."""
    if cache.is_symlink():  # who knows where to
        return
    for making in cache.glob(".*"):
        if not MAKING.fullmatch(making.name) or making.is_symlink():
            continue
        if making.is_dir():
            scratch.clear(making)
        else:
            making.unlink(missing_ok=True)


def read(file: Path) -> Events | None:
    """Return the tables in a file, None if it is missing, damaged or incomplete."""
    try:
        content = regular(file).read_bytes()
        if hashlib.sha256(memoryview(content)[DIGEST:]).digest() != content[:DIGEST]:
            return None
        return _events(pa.BufferReader(pa.py_buffer(content).slice(DIGEST)))
    except (OSError, ValueError, KeyError, MemoryError, pa.ArrowException):
        return None


def _events(body: pa.BufferReader) -> Events:
    """The tables that stand behind each other; ValueError or KeyError if they are not ours."""
    events: Events = {}
    while body.tell() < body.size():
        with pa.ipc.open_stream(body) as stream:
            metadata = stream.schema.metadata or {}
            table = metadata[NAME].decode()
            if not stream.schema.equals(BY_NAME[table].schema):
                raise ValueError(table)
            events[table] = stream.read_all()
        events[table].validate(full=True)  # offsets, too, that lead elsewhere
    return events


def gather(captures: Iterable[tuple[Events, Sequence[Mapping[str, str]]]]) -> Tables:
    """Put captures under each other, each file with what it is called in this run: capture, path, sha256.

    RTP streams are numbered on, so that no two of the run have one number.
    """
    held, files, streams = list[_Held](), list[Mapping[str, str]](), 0
    for events, names in captures:
        held.append(_Held(events, len(files), several=len(names) > 1, streams=streams))
        files += names
        streams += len(events.get("rtp_streams", ()))
    parts = {name: [each for each in held if name in each.events] for name in BY_NAME}
    return Tables().with_(**{name: _frame(name, having, files) for name, having in parts.items() if having})


class _Held(NamedTuple):
    """The events of a capture."""

    events: Events
    first: int  # the place of its first file among all
    several: bool  # its rows have the places of its files in place of their names
    streams: int  # RTP streams of the captures before it

    def places(self, table: str) -> "NDArray[np.int64]":
        """Return for each row the place of its file among all."""
        rows = self.events[table]
        within = (
            rows["capture"].cast(pa.int64()).to_numpy() if self.several else np.zeros(len(rows), np.int64)
        )
        return within + self.first


def _frame(table: str, held: Sequence[_Held], files: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    # In one piece: arrow works on a column of two hundred pieces several times as long.
    rows = pa.concat_tables([each.events[table] for each in held]).combine_chunks()
    places = pa.array(np.concatenate([each.places(table) for each in held]))
    named = {
        column: pa.array([file[column] for file in files], ARROW[TEXT]).take(places)
        for column in files[0].keys() & {*rows.column_names}
    }
    if table in NUMBERED:
        before = np.repeat([each.streams for each in held], [len(each.events[table]) for each in held])
        named["stream"] = pc.add(rows["stream"], pa.array(before))
    return frame(with_columns(rows, named))


def _readers() -> str:
    """Return a hash of the code that makes and stores events; changed readers invalidate the cache."""
    here = Path(__file__).parent
    code = [
        Path(__file__),
        here / "model" / "tables.py",
        here / "model" / "events.py",
        here / "model" / "columns.py",
        here / "model" / "constants.toml",
        *sorted((here / "read").glob("*.py")),
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()
