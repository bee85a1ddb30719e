"""Final search of redacted files for originals left in them, and for words that no dictionary has.

Compressed files are searched decompressed, tables by their values. Redaction works by grammar, this search
by the originals. Unjudged words are those that are in both the input and the output, but in no dictionary:
a person has to review them.
"""

import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

import pyarrow as pa
import pyarrow.parquet as pq

from postproc.model.errors import SetupError
from postproc.read.records import Described, Record, pieces
from postproc.share.redaction import leaks
from postproc.share.redaction.leaks import Needles, Originals, narrowed
from postproc.share.redaction.media import looks_like_rtp
from postproc.share.redaction.tunnels import nested
from postproc.share.redaction.uris import MAGIC_BRANCH
from postproc.share.redaction.vocabulary import WORD, Known
from postproc.show.report.page import NAME
from postproc.wire.ip import TCP

CHUNK = 16 << 20  # bytes searched at a time; bounds memory
OVERLAP = 1 << 12  # bytes; longer than any original, so that one of two pieces has it whole
DEPTH = 4  # of compressed files in compressed files
PARQUET, ZIP = b"PAR1", b"PK\3\4"
PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
DAMAGED = (
    OSError,
    EOFError,
    zlib.error,
    BadZipFile,
    NotImplementedError,
    RuntimeError,
    pa.ArrowException,
)


def contents(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes in overlapping pieces, decompressed; of tables the texts."""
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
    except DAMAGED:  # search it as it is
        file.seek(0)
    yield from _pieces(file)


def _members(file: IO[bytes], depth: int) -> Iterator[bytes]:
    with ZipFile(file) as archive:
        yield archive.comment + b"\n" + "\n".join(archive.namelist()).encode("utf-8", "surrogateescape")
        for member in archive.infolist():
            yield member.comment + member.extra
            yield from _contents(BytesIO(archive.read(member)), depth - 1)


def _values(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the distinct texts of each column, and the table's metadata."""
    table = pq.ParquetFile(file)
    yield b"\n".join(part for pair in (table.schema_arrow.metadata or {}).items() for part in pair)
    for name in table.schema_arrow.names:
        column = table.read(columns=[name]).column(name)
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


PCAPNG = bytes.fromhex("0a0d0d0a")
BATCH = 16 << 20  # bytes of packets searched together
APART = b"\xff" * 4
# Attributes of the report with numbers, which in quotes would be taken for extensions of users.
PLACES = re.compile(rb' (?:x|y|font-size|data-call|data-value|colspan)="[\d.]+"')


def check(written: Iterable[Path], originals: Originals) -> None:
    """Raise SetupError if a file has an original in any encoding, compressed or not."""
    for path in written:
        if left := [*_in_file(path, originals), *_in_payloads(path, originals)]:
            count = f"{len(left)} original values are" if len(left) > 1 else "an original value is"
            raise SetupError(f"{path.name}: {count} left after redaction; nothing was written")


def batches(payloads: Iterable[bytes]) -> Iterator[bytes]:
    """Yield payloads joined by a separator that occurs in no original."""
    batch: list[bytes] = []
    size = 0
    for payload in payloads:
        batch.append(payload)
        size += len(payload)
        if size > BATCH:
            yield APART.join(batch)
            batch, size = [], 0
    yield APART.join(batch)


def _in_file(path: Path, originals: Originals) -> list[str]:
    """Return the originals found as text."""
    return next(filter(None, (leaks.in_text(data, originals) for data in _texts(path))), [])


def _texts(path: Path) -> Iterator[bytes]:
    """Yield a file's content; of a report without coordinates of its pictures and the like."""
    for data in contents(path):
        yield PLACES.sub(b"", data) if path.name == NAME else data


def _in_payloads(path: Path, originals: Originals) -> list[str]:
    """Return the addresses found as bytes in a capture, outside header fields with random values."""
    with path.open("rb") as file:
        if file.read(4) != PCAPNG:
            return []
    found = (leaks.in_packets(data, originals) for data in batches(_telling_parts(path)))
    return next(filter(None, found), [])


def _telling_parts(capture: Path) -> Iterator[bytes]:
    types = []
    with pieces(capture) as parts:
        for piece in parts:
            if isinstance(piece, Described):
                types.append(piece.link_type)
            elif isinstance(piece, Record):
                yield _telling(types[piece.interface], piece.data)


def _telling(link_type: int, data: bytes) -> bytes:
    """Return the packet without random header fields: ids, checksums, sequence numbers of TCP and RTP."""
    head, packet = b"", None
    for headers, packet in nested(link_type, data):
        head += headers + packet.source + packet.destination
    if packet is None:
        return data
    if packet.protocol == TCP:
        return head + packet.payload[(packet.payload[12] >> 4) * 4 if len(packet.payload) > 12 else 0 :]
    body = packet.payload[8:]
    return head + (body[12:] if looks_like_rtp(body) else body)


OWN_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*")  # without digits: numbers in texts exempt nothing
OWN_TEXTS = (".py", ".html", ".css", ".js", ".toml", ".j2")
# What no output quotes: docstrings and comments, as our sources are formatted.
PROSE = re.compile(r'^[ \t]*"""[\s\S]*?"""|(?:^|[ \t]{2})#.*$', re.MULTILINE)


def own_words() -> frozenset[str]:
    """Return the words that the program's own texts may put into an output, in lower case."""
    words: set[str] = set()
    for file in _files(resources.files("postproc")):
        text = file.read_text(encoding="utf-8")
        words |= words_in_source(text) if file.name.endswith(".py") else _with_parts(text)
    return frozenset(words)


def words_in_source(text: str) -> set[str]:
    """Return the words of a module's names and texts, which an output may have."""
    return _with_parts(PROSE.sub("", text))


def _with_parts(text: str) -> set[str]:
    """Return the words and the parts of those with hyphens."""
    words = set(OWN_WORD.findall(text.lower()))
    return words.union(*(word.split("-") for word in words))


def _files(folder: Traversable) -> list[Traversable]:
    inside = sorted(folder.iterdir(), key=lambda each: each.name)
    below = [file for each in inside if each.is_dir() for file in _files(each)]
    return below + [each for each in inside if each.is_file() and each.name.endswith(OWN_TEXTS)]


# Random values of STUN that may look like letters: transaction IDs, tie-breakers (RFC 8489, 8445).
RANDOM = re.compile(rb"\x21\x12\xa4\x42.{12}|\x80[\x29\x2a]\0\x08.{8}", re.DOTALL)
# Text among the bytes of packets; shorter runs occur by chance.
TEXT = re.compile(rb"(?:[\t\r\n -~]|\xc3[\x80-\xbf]){8,}")
SPOKEN = re.compile(r"[^\W\d_]{4,}")  # a word in packets: letters only, as ids are full of mixed ones
SHORTEST = 3  # letters of a word of texts


def unjudged_in_texts(
    before: Iterable[str], after: Iterable[str], known: Known, new: Collection[str]
) -> Counter[str]:
    """Count the unjudged words in the lines of both input and output; ``new``: pseudonyms in lower case.

    Bare numbers are no words: they remain only where the grammar of texts identifies them.
    """
    remaining = Counter(word for word in _written(after) if word.lower() not in new)
    remaining = Counter({word: count for word, count in remaining.items() if not known.word(word)})
    wanted = {word.lower() for word in remaining}
    present = {lower for word in _written(before) if (lower := word.lower()) in wanted}
    return Counter({word: count for word, count in remaining.items() if word.lower() in present})


def _written(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield from (word for word in WORD.findall(line) if sum(map(str.isalpha, word)) >= SHORTEST)


def unjudged_in_capture(path: Path, target: Path, known: Known, new: Collection[str]) -> Counter[str]:
    """Count the unjudged words in both input and output capture; words of letters only."""
    remaining = Counter(word for word in _spoken(target, known) if word.lower() not in new)
    # A byte before the text may look like its first letter.
    remaining = Counter({w: n for w, n in remaining.items() if not known.word(w) and not known.word(w[1:])})
    if not remaining:
        return remaining
    needles = Needles(word.lower().encode() for word in remaining)
    present = {each.decode() for data in batches(_payloads(path)) for each in needles.found(data.lower())}
    return Counter({word: count for word, count in remaining.items() if word.lower() in present})


def words_of(text: str) -> Iterator[str]:
    """Yield the words in a pseudonym, in lower case."""
    for word in (*WORD.findall(text), *SPOKEN.findall(text)):
        yield word.lower()


def _spoken(capture: Path, known: Known) -> Iterator[str]:
    for data in batches(_payloads(capture)):  # of the file as it is, a block's length may follow a word
        for text in TEXT.findall(narrowed(RANDOM.sub(APART, data))):
            for word in WORD.findall(text.decode(errors="replace")):
                if not known.word(word):  # of a branch, the cookie stays before the pseudonym
                    yield from SPOKEN.findall(word.removeprefix(MAGIC_BRANCH))


def _payloads(capture: Path) -> Iterator[bytes]:
    with pieces(capture) as parts:
        yield from (piece.data for piece in parts if isinstance(piece, Record))
