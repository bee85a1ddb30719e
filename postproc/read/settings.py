"""Values of a settings file (TOML), checked: every mistake is one line that says what was expected."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import regex

from postproc.model.acl import Network, network_of
from postproc.model.errors import SetupError

T = TypeVar("T")
SHOWN = 40  # characters of a wrong value
PORTS = range(1, 65536)


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
