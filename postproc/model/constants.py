"""Values shared by the package and the Wireshark plug-in: ``constants.toml``.

The plug-in must agree with the tables, so neither has such a value in its code.
A value is addressed by table and key, as in ``number("evidence.grain_s")``.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("constants.toml")
_VALUES: Mapping[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))


def table(path: str) -> Mapping[str, Any]:
    """Return a table: ``evidence`` or ``dtls.alerts``."""
    values = _VALUES
    for name in path.split("."):
        values = values[name]
    return values


def value(path: str) -> Any:  # noqa: ANN401  (of any type: see the file)
    """Return a value: ``sip.party_called``."""
    above, _, key = path.rpartition(".")
    return table(above)[key]


def number(path: str) -> float:
    return float(value(path))


def numbers(path: str) -> Mapping[str, float]:
    """Return all values of a table."""
    return {name: float(raw) for name, raw in table(path).items()}


def count(path: str) -> int:
    return int(value(path))


def nanoseconds(path: str) -> int:
    """Return a value given in seconds as nanoseconds."""
    return round(number(path) * 1_000_000_000)


def words(path: str) -> tuple[str, ...]:
    return tuple(map(str, value(path)))


def icmp_types(path: str) -> frozenset[tuple[int, int]]:
    """Return IP version and type of each of the ICMP messages."""
    return frozenset((int(version), kind) for version, types in table(path).items() for kind in types)
