"""Files that an option names: their bytes, limited; the values of a settings file (TOML), checked.

Every mistake is one line that says what was expected.
"""

import difflib
import os
import re
import select
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import regex

from postproc.model.acl import Network, network_of
from postproc.model.errors import SetupError
from postproc.read.inputs import said

T = TypeVar("T")
SHOWN = 40  # characters of a wrong value
PORTS = range(1, 65536)
WAIT = 60  # s for all that comes out of a pipe: `--acl <(ssh server cat acl.conf.xml)` takes seconds
PIECE = 1 << 16  # bytes; what a pipe of Linux holds


def content(path: Path, largest: int, kind: str, hint: str = "") -> bytes:
    """The bytes of a file of some ``kind``, or of a pipe; ``hint`` says what to name if it cannot be opened.

    Raises SetupError when it is larger than such files are, or the writer of a pipe does not come to an end.
    """
    held = bytearray()
    try:
        with open(path, "rb", buffering=0, opener=_opened) as file:
            plain = stat.S_ISREG(os.fstat(file.fileno()).st_mode) or not hasattr(select, "poll")  # Windows
            for piece in iter(lambda: file.read(PIECE), b"") if plain else _arriving(path, file.fileno()):
                held += piece
                if len(held) > largest:
                    raise SetupError(f"{path}: larger than {largest >> 20} MiB, which no {kind} is")
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}{hint}") from error
    return bytes(held)


def _opened(path: str, flags: int) -> int:
    """Open without waiting for the writer of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _arriving(path: Path, descriptor: int) -> Iterator[bytes]:
    """What comes out of a pipe or a device until its writer closes it."""
    until = time.monotonic() + WAIT
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while (left := until - time.monotonic()) > 0 and poll.poll(left * 1000):
        piece = os.read(descriptor, PIECE)
        if not piece:
            return
        yield piece
    raise SetupError(f"{path}: a pipe that came to no end within {WAIT} s")


@dataclass(frozen=True)
class At:
    """A place in a file: the file as the user named it, and the key."""

    file: str
    key: str = ""

    def __truediv__(self, name: object) -> "At":
        return At(self.file, f"{self.key}.{name}" if self.key else str(name))

    def wrong(self, expected: str, found: object) -> SetupError:
        return SetupError(f"{self.file}: {self.key}: expected {expected}, not {_shown(found)}")


def _shown(found: object) -> str:
    text = repr(found)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def table(value: object, at: At) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise at.wrong("a table", value)


def known(value: object, names: Iterable[str], at: At) -> Mapping[str, Any]:
    """Return a table none of whose keys is unknown; the nearest known one is named."""
    held, allowed = table(value, at), tuple(names)
    for key in held:
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, n=1, cutoff=0)
            raise SetupError(f"{at.file}: unknown key {_shown((at / key).key)}; did you mean {near[0]!r}?")
    return held


def text(value: object, at: At) -> str:
    if isinstance(value, str) and value:
        return value
    raise at.wrong("text", value)


def choice(*names: str) -> Callable[[object, At], str]:
    def read(value: object, at: At) -> str:
        if isinstance(value, str) and value in names:
            return value
        raise at.wrong(" or ".join(map(repr, names)), value)

    return read


def each(read: Callable[[object, At], T]) -> Callable[[object, At], tuple[T, ...]]:
    """Make a reader of lists from a reader of values."""

    def read_all(value: object, at: At) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise at.wrong("a list", value)
        return tuple(read(item, At(at.file, f"{at.key}[{place}]")) for place, item in enumerate(value))

    return read_all


def pattern(value: object, at: At) -> str:
    written = text(value, at)
    try:
        regex.compile(written)
    except (regex.error, OverflowError, RecursionError) as error:
        raise SetupError(f"{at.file}: {at.key}: not a regular expression: {error}") from error
    return written


def ports(value: object, at: At) -> range:
    """Read ``"30000-33000"`` or a single port, both ends included."""
    found = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", value) if isinstance(value, str) else None
    single = value if isinstance(value, int) and not isinstance(value, bool) else 0
    first, last = (int(found[1]), int(found[2])) if found else (single, single)
    if first in PORTS and last in PORTS and first <= last:
        return range(first, last + 1)
    raise at.wrong('a port or a range of ports like "30000-33000"', value)


def network(value: object, at: At) -> Network:
    found = network_of(value) if isinstance(value, str) else None
    if found is None:
        raise at.wrong('an address or a network like "192.168.1.0/24"', value)
    return found


def number(value: object, at: At) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return value
    raise at.wrong("a number, zero or more", value)


def region(value: object, at: At) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Z]{2}|", value):
        return value
    raise at.wrong('a country of ISO 3166 like "DE", or ""', value)
