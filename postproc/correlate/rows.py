"""Table rows as plain tuples, which are many times faster to loop over than the rows of a DataFrame."""

from collections.abc import Iterator
from itertools import chain
from math import inf
from operator import itemgetter
from typing import Any

import pandas as pd
from pandas.api.extensions import ExtensionArray

from postproc.model.columns import plain

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
# Rows that are Python objects at a time if they are not kept: about 20 MB of SIP messages. A choice: of fewer
# rows fewer equal texts are one object.
AT_ONCE = 20_000
NO_TIME = int(pd.NaT.value)


def column(values: "pd.Series[Any]") -> list[Any]:
    """Return the values as Python objects: NA is None, times are ns since 1970 (int)."""
    return _plain(values.array)


def _plain(values: ExtensionArray) -> list[Any]:
    held: Any = values
    if not isinstance(held.dtype, pd.DatetimeTZDtype):
        return plain(held)
    times: list[Any] = (held if held.unit == "ns" else held.as_unit("ns")).asi8.tolist()
    return [None if time == NO_TIME else time for time in times] if NO_TIME in times else times


def records(rows: pd.DataFrame, *names: str, by: str | None = None) -> Iterator[tuple[Any, ...]]:
    """Yield one tuple per row with the columns named; see ``column`` for the values.

    ``by`` is the column by which they are sorted: equal ones stay in their order, NA comes last.
    """
    held = [rows[name].array for name in names]
    blocks = (
        zip(*(_plain(each[start : start + AT_ONCE]) for each in held), strict=True)
        for start in range(0, len(rows), AT_ONCE)
    )
    found = chain.from_iterable(blocks)
    if by is None:
        return found
    keys = [inf if value is None else value for value in column(rows[by])]
    if keys == sorted(keys):  # as most tables are
        return found
    return (row for _, row in sorted(zip(keys, found, strict=True), key=itemgetter(0)))


def taken(rows: pd.DataFrame, places: list[int]) -> pd.DataFrame:
    """Return the rows at these places, in this order."""
    return rows if places == list(range(len(rows))) else rows.take(places)


def late(number: float | None) -> float:
    """Return a sort key of times or frame numbers: None comes last."""
    return inf if number is None else number
