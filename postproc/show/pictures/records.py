"""A call's rows as plain tuples: NA is None, times are ns since 1970."""

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any, Protocol

import pandas as pd

NS_PER_S = 1_000_000_000


class HasTables(Protocol):
    """A run, its Tables or a call's: the tables that pictures are made from, as attributes."""

    @property
    def calls(self) -> pd.DataFrame: ...
    @property
    def legs(self) -> pd.DataFrame: ...
    @property
    def sip_messages(self) -> pd.DataFrame: ...
    @property
    def sdp_media(self) -> pd.DataFrame: ...
    @property
    def candidates(self) -> pd.DataFrame: ...
    @property
    def bindings(self) -> pd.DataFrame: ...
    @property
    def pairs(self) -> pd.DataFrame: ...
    @property
    def dtls(self) -> pd.DataFrame: ...
    @property
    def rtp_streams(self) -> pd.DataFrame: ...
    @property
    def rtp_seconds(self) -> pd.DataFrame: ...
    @property
    def nat_mappings(self) -> pd.DataFrame: ...
    @property
    def timeline(self) -> pd.DataFrame: ...
    @property
    def findings(self) -> pd.DataFrame: ...
    @property
    def captures(self) -> pd.DataFrame: ...


def column(values: "pd.Series[Any]") -> list[Any]:
    """The values as Python objects."""
    known = values.notna().tolist()
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        found = values.dt.tz_convert("UTC").to_numpy("datetime64[ns]").astype("int64").tolist()
    else:
        found = values.tolist()
    return found if all(known) else [v if k else None for v, k in zip(found, known, strict=True)]


def records(rows: Iterable[Any], *names: str) -> Iterator[tuple[Any, ...]]:
    """One tuple per row with the columns named (two or more)."""
    return map(attrgetter(*names), rows)


def place(addr: str | None, port: int | None) -> str | None:
    """A transport address as the timeline writes it: ``192.0.2.1:5060``, ``[2001:db8::1]:5060``."""
    if addr is None or port is None:
        return addr
    return f"[{addr}]:{port}" if ":" in addr else f"{addr}:{port}"


def host(place: str) -> str:
    """The address of a transport address."""
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place.rpartition(":")[0] if place.count(":") == 1 else place
