"""Tables as plain tuples: loops over tuples are many times faster than over a frame's rows."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

NS_PER_S = 1_000_000_000


def column(values: "pd.Series[Any]") -> list[Any]:
    """Return the values as Python objects: NA is None, times are ns since 1970 (int)."""
    known = values.notna().tolist()
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        found = values.dt.tz_convert("UTC").to_numpy("datetime64[ns]").astype("int64").tolist()
    else:
        found = values.tolist()
    return found if all(known) else [v if k else None for v, k in zip(found, known, strict=True)]


def records(rows: pd.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    """Yield one tuple per row with the columns named; see ``column`` for the values."""
    return zip(*(column(rows[name]) for name in names), strict=True)


def timestamp(time: int | None) -> pd.Timestamp | None:
    """Return ns since 1970 as a UTC timestamp."""
    return None if time is None else pd.Timestamp(time, tz="UTC")
