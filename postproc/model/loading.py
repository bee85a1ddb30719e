"""A table's rows as NamedTuples: NA is None, times are Timestamps, numbers are Python's.

Rules, pictures and the report look at one call's few rows at a time; plain tuples are much
quicker there than small tables. Their types are in ``postproc.model.rows``.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar, cast

import pandas as pd

from postproc.model.columns import plain


class FrameNumber(int):
    """A frame's number, which tells it from the other numbers in the facts of a finding."""


FRAMES = frozenset({"frame", "response_frame", "final_frame", "opened_by"})  # columns that hold them


class Row(Protocol):
    """What the rows of every table have: the place in the capture they lead back to."""

    @property
    def capture(self) -> str: ...
    @property
    def frame(self) -> int | None: ...
    @property
    def time(self) -> pd.Timestamp | None: ...


class PacketRow(Row, Protocol):
    """What the rows of all that goes from one address and port to another have."""

    @property
    def time(self) -> pd.Timestamp: ...
    @property
    def leg(self) -> int | None: ...
    @property
    def src_addr(self) -> str: ...
    @property
    def src_port(self) -> int: ...
    @property
    def dst_addr(self) -> str: ...
    @property
    def dst_port(self) -> int: ...


R = TypeVar("R", bound=Row)


def load(kind: type[R], table: pd.DataFrame) -> list[R]:
    """The rows of a table, in its order, as the type that ``postproc.model.rows`` has for it."""
    names: tuple[str, ...] = cast(Any, kind)._fields
    make = cast(Callable[..., R], kind)
    return list(map(make, *(_values(table, name) for name in names)))


def _values(table: pd.DataFrame, name: str) -> list[Any]:
    values = plain(table[name])
    return [each and FrameNumber(each) for each in values] if name in FRAMES else values


def by(rows: Iterable[R], *names: str) -> Mapping[Any, tuple[R, ...]]:
    """Rows grouped by a column, or by several; those where one is NA are left out."""
    groups: dict[Any, list[R]] = defaultdict(list)
    for row in rows:
        key = tuple(getattr(row, name) for name in names)
        if None not in key:
            groups[key[0] if len(names) == 1 else key].append(row)
    return {key: tuple(group) for key, group in groups.items()}
