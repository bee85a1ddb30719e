"""What is in the files that leave, for who searches them: packed ones unpacked, tables as their values."""

import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

import pyarrow as pa
import pyarrow.parquet as pq

CHUNK = 16 << 20
OVERLAP = 1 << 12  # longer than what is looked for: seen whole in one of two pieces
DEPTH = 4  # of packed files in packed files
PARQUET, ZIP = b"PAR1", b"PK\3\4"
PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
DAMAGED = (
    OSError, EOFError, zlib.error, BadZipFile, NotImplementedError, RuntimeError, pa.ArrowException,
)  # fmt: skip


def contents(path: Path) -> Iterator[bytes]:
    """The bytes of a file in pieces that overlap; of packed ones what is in them, of tables the texts."""
    with path.open("rb") as file:
        yield from _contents(file, DEPTH)


def _contents(file: IO[bytes], depth: int) -> Iterator[bytes]:
    head = file.read(6)
    file.seek(0)
    packed = next((name for magic, name in PACKED.items() if head.startswith(magic)), None)
    try:
        if head.startswith(PARQUET):
            yield from _values(file)
            return
        if depth and head.startswith(ZIP):
            yield from _members(file, depth)
            return
        if depth and packed:
            with pa.CompressedInputStream(BytesIO(file.read()), packed) as unpacked:
                yield from _contents(BytesIO(unpacked.read()), depth - 1)
            return
    except DAMAGED:  # then it is searched as it is
        file.seek(0)
    yield from _pieces(file)


def _members(file: IO[bytes], depth: int) -> Iterator[bytes]:
    with ZipFile(file) as archive:
        yield archive.comment + b"\n" + "\n".join(archive.namelist()).encode("utf-8", "surrogateescape")
        for member in archive.infolist():
            yield member.comment + member.extra
            yield from _contents(BytesIO(archive.read(member)), depth - 1)


def _values(file: IO[bytes]) -> Iterator[bytes]:
    """The different texts of each column, and what is said of the table."""
    held = pq.ParquetFile(file)
    yield b"\n".join(part for pair in (held.schema_arrow.metadata or {}).items() for part in pair)
    for name in held.schema_arrow.names:
        column = held.read(columns=[name]).column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            yield "\n".join(filter(None, column.unique().to_pylist())).encode("utf-8", "surrogatepass")
        elif pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            yield b"\n".join(filter(None, column.unique().to_pylist()))


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    before = b""
    while data := file.read(CHUNK):
        yield before + data
        before = data[-OVERLAP:]
