"""JSON objects written and read piece by piece, as those of many calls are large."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

BEGINNING, END = b'{\n"', b"}\n"  # of a document that ``write`` wrote


def write(path: Path, entries: Mapping[str, object]) -> None:
    """Write a JSON object; what an iterator yields becomes a list. Lists are written piece by piece.

    Such items are objects. Only their first and last lines, those of entries, and brackets are not indented.
    """
    with path.open("wb") as file:
        for place, (name, value) in enumerate(entries.items()):
            file.write((b",\n" if place else b"{\n") + orjson.dumps(name) + b": ")
            if isinstance(value, (Iterator, list)):
                file.write(b"[")
                for number, item in enumerate(value):
                    file.write(b",\n" if number else b"\n")
                    file.write(orjson.dumps(item, option=orjson.OPT_INDENT_2))
                file.write(b"\n]")
            else:
                file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2))
        file.write(b"\n}\n")


def read(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the entries of a JSON object by name; of a list each item under the list's name.

    A document in another layout than that of ``write`` is held whole. ValueError if it is no JSON object.
    """
    with path.open("rb") as file:
        beginning = file.read(len(BEGINNING))
        file.seek(0)
        yield from _piecewise(file) if beginning == BEGINNING else _whole(file.read())


def _whole(text: bytes) -> Iterator[tuple[str, Any]]:
    document = orjson.loads(text)
    if not isinstance(document, dict):
        raise ValueError(f"no JSON object, but {type(document).__name__}")
    for name, value in document.items():
        for item in value if isinstance(value, list) else [value]:
            yield name, item


def _piecewise(file: Iterable[bytes]) -> Iterator[tuple[str, Any]]:
    name, piece, ended = "", list[bytes](), False
    for line in islice(file, 1, None):
        rest = line
        if not piece and line.startswith(b'"'):
            label, _, rest = line.partition(b": ")
            name = orjson.loads(label)
        if piece or rest == b"{\n":
            piece.append(rest)
            if rest.startswith((b" ", b"{")):
                continue
        elif rest.strip(b"[],\n") and line != END:
            piece = [rest]
        else:  # brackets of a list, or of the document
            ended = line == END
            continue
        yield name, orjson.loads(b"".join(piece).removesuffix(b"\n").removesuffix(b","))
        piece = []
    if not ended:
        raise ValueError("cut short")
