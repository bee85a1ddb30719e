"""The final search of what leaves: is an original left in a file, and which words are in no dictionary?

Compressed files are searched decompressed, tables by their values. Redaction works by grammar; this searches
for its originals. Unjudged words are the reverse: words of the output that were in the input, and are not
known to name nobody. A person has to look at them.
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
from postproc.share.redaction.vocabulary import WORD, Known
from postproc.show.report.page import NAME
from postproc.wire.ip import TCP

CHUNK = 16 << 20  # bytes; a choice that bounds memory
OVERLAP = 1 << 12  # bytes; longer than any original, so that each is whole in one of two pieces
DEPTH = 4  # levels of compressed files in compressed files; a choice: deeper ones are searched as they are
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
    """Yield a file's bytes in overlapping pieces: of compressed ones decompressed, of tables the texts."""
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
    except DAMAGED:  # search its bytes as they are
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
    parquet = pq.ParquetFile(file)
    yield b"\n".join(part for pair in (parquet.schema_arrow.metadata or {}).items() for part in pair)
    for name in parquet.schema_arrow.names:
        column = parquet.read(columns=[name]).column(name)
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
BATCH = 16 << 20  # bytes of packets searched at once; a choice that bounds memory
APART = b"\xff" * 4
# A quoted number of three digits counts as somebody's; strangers' texts are never in these attributes.
PLACES = re.compile(rb' (?:x|y|font-size|data-call|data-value|colspan)="[\d.]+"')


def check(written: Iterable[Path], originals: Originals) -> None:
    """Raise SetupError when a file contains an original, in whatever encoding, compressed or not."""
    for path in written:
        if left := [*_in_file(path, originals), *_in_payloads(path, originals)]:
            count = f"{len(left)} original values are" if len(left) > 1 else "an original value is"
            raise SetupError(f"{path.name}: {count} left after redaction; nothing was written")


def batches(payloads: Iterable[bytes]) -> Iterator[bytes]:
    """Join payloads to batches, separated by bytes that are in none of them."""
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
    """Yield a file's contents; of a report without coordinates of pictures and the like."""
    for data in contents(path):
        yield PLACES.sub(b"", data) if path.name == NAME else data


def _in_payloads(path: Path, originals: Originals) -> list[str]:
    """Return addresses found as bytes in a capture, outside of header fields with random numbers."""
    with path.open("rb") as file:
        if file.read(4) != PCAPNG:
            return []
    hits = (leaks.in_packets(data, originals) for data in batches(_telling_parts(path)))
    return next(filter(None, hits), [])


def _telling_parts(capture: Path) -> Iterator[bytes]:
    link_types = []
    with pieces(capture) as capture_pieces:
        for piece in capture_pieces:
            if isinstance(piece, Described):
                link_types.append(piece.link_type)
            elif isinstance(piece, Record):
                yield _telling(link_types[piece.interface], piece.data)


def _telling(link_type: int, data: bytes) -> bytes:
    """Return the packet without random header fields: IDs, checksums, numbers of TCP and RTP."""
    head, packet = b"", None
    for headers, packet in nested(link_type, data):
        head += headers + packet.source + packet.destination
    if packet is None:
        return data
    if packet.protocol == TCP:
        return head + packet.payload[(packet.payload[12] >> 4) * 4 if len(packet.payload) > 12 else 0 :]
    body = packet.payload[8:]
    return head + (body[12:] if looks_like_rtp(body) else body)


OWN_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*")  # no digits: numbers here exempt no original
OWN_TEXTS = (".py", ".html", ".css", ".js", ".toml", ".j2")


def own_words() -> frozenset[str]:
    """Return every word of the program's own texts, in lower case, and the parts of hyphenated ones."""
    words: set[str] = set()
    for file in _files(resources.files("postproc")):
        for word in OWN_WORD.findall(file.read_text(encoding="utf-8").lower()):
            words |= {word, *word.split("-")}
    return frozenset(words)


def _files(folder: Traversable) -> list[Traversable]:
    inside = sorted(folder.iterdir(), key=lambda entry: entry.name)
    below = [file for entry in inside if entry.is_dir() for file in _files(entry)]
    return below + [entry for entry in inside if entry.is_file() and entry.name.endswith(OWN_TEXTS)]


# Random numbers of STUN, which may look like letters: transaction IDs, tie-breakers (RFC 8489, 8445).
RANDOM = re.compile(rb"\x21\x12\xa4\x42.{12}|\x80[\x29\x2a]\0\x08.{8}", re.DOTALL)
# Text among the bytes of packets, of 8 characters or more; a choice: shorter runs occur by chance.
TEXT = re.compile(rb"(?:[\t\r\n -~]|\xc3[\x80-\xbf]){8,}")
SPOKEN = re.compile(r"[^\W\d_]{4,}")  # a word in packets: letters only, or IDs would be full of them
SHORTEST = 3  # letters of a word in texts; a choice: shorter ones are mostly abbreviations


def unjudged_in_texts(
    before: Iterable[str], after: Iterable[str], known: Known, new: Collection[str]
) -> Counter[str]:
    """Return the words of ``after`` that were in ``before``; ``new`` are the pseudonyms, in lower case.

    Bare numbers are left out: one only stays where the grammar of texts says what it counts.
    """
    unknown = Counter(word for word in _written(after) if word.lower() not in new)
    unknown = Counter({word: count for word, count in unknown.items() if not known.word(word)})
    lowered = {word.lower() for word in unknown}
    in_input = {lower for word in _written(before) if (lower := word.lower()) in lowered}
    return Counter({word: count for word, count in unknown.items() if word.lower() in in_input})


def _written(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield from (word for word in WORD.findall(line) if sum(map(str.isalpha, word)) >= SHORTEST)


def unjudged_in_capture(path: Path, target: Path, known: Known, new: Collection[str]) -> Counter[str]:
    """Return the same for a capture, from the one read and the one written; words of letters only."""
    unknown = Counter(word for word in _spoken(target, known) if word.lower() not in new)
    # The byte before a text may look like a letter of its first word.
    unknown = Counter({w: n for w, n in unknown.items() if not known.word(w) and not known.word(w[1:])})
    if not unknown:
        return unknown
    needles = Needles(word.lower().encode() for word in unknown)
    in_input = {hit.decode() for data in batches(_payloads(path)) for hit in needles.found(data.lower())}
    return Counter({word: count for word, count in unknown.items() if word.lower() in in_input})


def words_of(text: str) -> Iterator[str]:
    """Yield the words in a pseudonym, in lower case."""
    for part in (*WORD.findall(text), *SPOKEN.findall(text)):
        yield part.lower()


def _spoken(capture: Path, known: Known) -> Iterator[str]:
    for data in contents(capture):
        for text in TEXT.findall(narrowed(RANDOM.sub(APART, data))):
            for word in WORD.findall(text.decode(errors="replace")):
                if not known.word(word):
                    yield from SPOKEN.findall(word)


def _payloads(capture: Path) -> Iterator[bytes]:
    with pieces(capture) as found:
        yield from (piece.data for piece in found if isinstance(piece, Record))
