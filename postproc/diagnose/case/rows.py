"""Tables as plain rows: NA is None, times are datetimes, numbers are Python's.

Rules look at one call's few rows at a time; plain tuples are much quicker there
than small tables.
"""

from collections import defaultdict, namedtuple
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import pandas as pd

from postproc.model.columns import plain


class Row(Protocol):
    """A row of a table: its columns are attributes."""

    capture: str
    frame: int | None
    time: Any

    def __getattr__(self, name: str) -> Any: ...


Rows = tuple[Row, ...]


def rows(table: pd.DataFrame) -> list[Row]:
    """The rows of a table, in its order."""
    kind: Callable[..., Row] = _named([str(name) for name in table.columns])
    columns = [plain(table[name]) for name in table.columns]
    return [kind(*values) for values in zip(*columns, strict=True)]


def _named(names: list[str]) -> Any:
    make: Any = namedtuple
    return make("TableRow", names)


def by(found: Iterable[Row], *names: str) -> Mapping[Any, Rows]:
    """Rows grouped by a column, or by several; those where one is NA are left out."""
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in found:
        key = tuple(getattr(row, name) for name in names)
        if None not in key:
            groups[key[0] if len(names) == 1 else key].append(row)
    return {key: tuple(held) for key, held in groups.items()}
