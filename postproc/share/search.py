"""The last look at what leaves: is an original left in a file, and which words does no dictionary explain?

Packed files are searched unpacked, tables by their values. What redaction does by grammar is searched for by
its originals. Unjudged words ask the other way round: which words of what was written stood in what was read,
and are they known to be nobody's? Those a person has to look at.
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

CHUNK = 16 << 20
OVERLAP = 1 << 12  # longer than what is looked for: seen whole in one of two pieces
DEPTH = 4  # of packed files in packed files
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


PCAPNG = bytes.fromhex("0a0d0d0a")
BATCH = 16 << 20  # bytes of packets searched in one go
APART = b"\xff" * 4
# In quotes a number of three digits is taken for somebody's. Texts of strangers are no such attributes.
PLACES = re.compile(rb' (?:x|y|font-size|data-call|data-value|colspan)="[\d.]+"')


def check(written: Iterable[Path], originals: Originals) -> None:
    """Raise SetupError when a file holds an original, in whatever encoding, packed or not."""
    for path in written:
        if found := [*_in_file(path, originals), *_in_payloads(path, originals)]:
            count = f"{len(found)} original values are" if len(found) > 1 else "an original value is"
            raise SetupError(f"{path.name}: {count} left after redaction; nothing was written")


def batches(payloads: Iterable[bytes]) -> Iterator[bytes]:
    """Payloads put together, with what is in none of them in between."""
    held: list[bytes] = []
    size = 0
    for payload in payloads:
        held.append(payload)
        size += len(payload)
        if size > BATCH:
            yield APART.join(held)
            held, size = [], 0
    yield APART.join(held)


def _in_file(path: Path, originals: Originals) -> list[str]:
    """What is found as text."""
    return next(filter(None, (leaks.in_text(data, originals) for data in _texts(path))), [])


def _texts(path: Path) -> Iterator[bytes]:
    """What is in a file; of a report without the numbers that are places in its pictures, and the like."""
    for data in contents(path):
        yield PLACES.sub(b"", data) if path.name == NAME else data


def _in_payloads(path: Path, originals: Originals) -> list[str]:
    """Addresses found as bytes in a capture, where chance puts no number: no header's."""
    with path.open("rb") as file:
        if file.read(4) != PCAPNG:
            return []
    found = (leaks.in_packets(data, originals) for data in batches(_telling_parts(path)))
    return next(filter(None, found), [])


def _telling_parts(capture: Path) -> Iterator[bytes]:
    types = []
    with pieces(capture) as found:
        for piece in found:
            if isinstance(piece, Described):
                types.append(piece.link_type)
            elif isinstance(piece, Record):
                yield _telling(types[piece.interface], piece.data)


def _telling(link_type: int, data: bytes) -> bytes:
    """The packet without what is random in headers: ids, checksums, numbers of TCP and RTP."""
    head, packet = b"", None
    for headers, packet in nested(link_type, data):
        head += headers + packet.source + packet.destination
    if packet is None:
        return data
    if packet.protocol == TCP:
        return head + packet.payload[(packet.payload[12] >> 4) * 4 if len(packet.payload) > 12 else 0 :]
    body = packet.payload[8:]
    return head + (body[12:] if looks_like_rtp(body) else body)


OWN_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*")  # no digits: a number in our texts is nobody's excuse
OWN_TEXTS = (".py", ".html", ".css", ".js", ".toml", ".j2")


def own_words() -> frozenset[str]:
    """Every word of the program's own texts, in lower case, and what each is put together from."""
    found: set[str] = set()
    for file in _files(resources.files("postproc")):
        for word in OWN_WORD.findall(file.read_text(encoding="utf-8").lower()):
            found |= {word, *word.split("-")}
    return frozenset(found)


def _files(folder: Traversable) -> list[Traversable]:
    inside = sorted(folder.iterdir(), key=lambda each: each.name)
    below = [file for each in inside if each.is_dir() for file in _files(each)]
    return below + [each for each in inside if each.is_file() and each.name.endswith(OWN_TEXTS)]


# Random numbers of STUN, often of letters only: transactions, tie-breakers (RFC 8489, 8445).
RANDOM = re.compile(rb"\x21\x12\xa4\x42.{12}|\x80[\x29\x2a]\0\x08.{8}", re.DOTALL)
# Text among the bytes of packets: what is shorter is one by chance.
TEXT = re.compile(rb"(?:[\t\r\n -~]|\xc3[\x80-\xbf]){8,}")
SPOKEN = re.compile(r"[^\W\d_]{4,}")  # a word of packets: letters only, or ids would be full of them
SHORTEST = 3  # letters of a word of texts


def unjudged_in_texts(
    before: Iterable[str], after: Iterable[str], known: Known, new: Collection[str]
) -> Counter[str]:
    """Words of the lines written that were in the lines read; ``new`` are the pseudonyms, in lower case.

    No bare number: one stays where the grammar of texts says what it counts, and nowhere else.
    """
    asked = Counter(word for word in _written(after) if word.lower() not in new)
    asked = Counter({word: count for word, count in asked.items() if not known.word(word)})
    wanted = {word.lower() for word in asked}
    there = {lower for word in _written(before) if (lower := word.lower()) in wanted}
    return Counter({word: count for word, count in asked.items() if word.lower() in there})


def _written(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield from (word for word in WORD.findall(line) if sum(map(str.isalpha, word)) >= SHORTEST)


def unjudged_in_capture(path: Path, target: Path, known: Known, new: Collection[str]) -> Counter[str]:
    """The same for a capture: the one read, and the one written; words of letters only."""
    asked = Counter(word for word in _spoken(target, known) if word.lower() not in new)
    # What begins a text may have a byte before it that looks like a letter.
    asked = Counter({w: n for w, n in asked.items() if not known.word(w) and not known.word(w[1:])})
    if not asked:
        return asked
    needles = Needles(word.lower().encode() for word in asked)
    there = {each.decode() for data in batches(_payloads(path)) for each in needles.found(data.lower())}
    return Counter({word: count for word, count in asked.items() if word.lower() in there})


def words_of(text: str) -> Iterator[str]:
    """The words in a pseudonym, in lower case."""
    for found in (*WORD.findall(text), *SPOKEN.findall(text)):
        yield found.lower()


def _spoken(capture: Path, known: Known) -> Iterator[str]:
    for data in contents(capture):
        for text in TEXT.findall(narrowed(RANDOM.sub(APART, data))):
            for word in WORD.findall(text.decode(errors="replace")):
                if not known.word(word):
                    yield from SPOKEN.findall(word)


def _payloads(capture: Path) -> Iterator[bytes]:
    with pieces(capture) as found:
        yield from (piece.data for piece in found if isinstance(piece, Record))
