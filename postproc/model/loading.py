"""Load a table's rows as NamedTuples: NA is None, times are Timestamps, numbers are Python's.

Rules, pictures and the report use a call's few rows at a time; tuples are much faster there
than small DataFrames. The row types are in ``postproc.model.rows``.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import attrgetter
from typing import Any, Protocol, TypeVar, cast

import pandas as pd
from pandas.api.extensions import ExtensionArray

from postproc.model.columns import plain


class FrameNumber(int):
    """A frame number, distinguished from the other numbers in a finding's facts."""


FRAMES = frozenset(
    {"frame", "response_frame", "final_frame", "opened_by", "report_frame"}
)  # columns that hold them


class Row(Protocol):
    """The attributes common to all rows: the place in the capture they refer to."""

    @property
    def capture(self) -> str: ...
    @property
    def frame(self) -> int | None: ...
    @property
    def time(self) -> pd.Timestamp | None: ...


class PacketRow(Row, Protocol):
    """The attributes common to rows of packets from one transport address to another."""

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
    """Return the rows of a table, in its order, as their type from ``postproc.model.rows``."""
    return [] if table.empty else made(kind, columns(kind, table))


def columns(kind: type[R], table: pd.DataFrame) -> dict[str, ExtensionArray]:
    """Return the columns of a table that a row of this type has."""
    names: tuple[str, ...] = cast(Any, kind)._fields
    return {name: table[name].array for name in names}


def made(kind: type[R], held: Mapping[str, ExtensionArray]) -> list[R]:
    """Return the rows with these columns."""
    # NamedTuples without their own __new__, whose arguments take three times as long for rows of 40 columns.
    make = cast(Callable[[tuple[Any, ...]], R], partial(tuple.__new__, kind))
    return list(map(make, zip(*(_values(name, column) for name, column in held.items()), strict=True)))


def _values(name: str, column: ExtensionArray) -> list[Any]:
    values = plain(column)
    return [each and FrameNumber(each) for each in values] if name in FRAMES else values


def by(rows: Iterable[R], *names: str) -> Mapping[Any, tuple[R, ...]]:
    """Group rows by one column, or by a tuple of several; rows where one is NA are left out."""
    groups: dict[Any, list[R]] = defaultdict(list)
    key_of = attrgetter(*names)
    for row in rows:
        key = key_of(row)
        if key is not None and (len(names) == 1 or None not in key):
            groups[key].append(row)
    return {key: tuple(group) for key, group in groups.items()}
