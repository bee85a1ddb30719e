"""SIP messages as the correlation walks them: each counted once, by time, as plain tuples.

A frame may stand late in its file (several interfaces): order is by time, never by frame.
A second capture of the same packet (``copy_of``) is not counted.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from postproc import constants
from postproc.columns import plain

# Methods that prove a dialog made by an INVITE (RFC 3261 sections 9, 13, 15; RFC 3262).
INVITE_DIALOG = frozenset(constants.words("sip.invite_dialog"))
NO_TIME = int(pd.NaT.value)

Address = tuple[str | None, int | None]


class Message(NamedTuple):
    """A row of sip_messages; None where it is NA."""

    capture: str
    frame: int
    time: int  # ns since 1970, NO_TIME if unknown
    call_id: str | None
    src: Address
    dst: Address
    transport: str | None
    method: str | None  # None in a response
    status: int | None
    reason: str | None
    kind: str | None  # method of the request, or of the one responded to
    cseq: int | None
    branch: str | None
    from_uri: str | None
    from_tag: str | None
    to_uri: str | None
    to_tag: str | None
    user_agent: str | None
    reason_header: str | None


def in_order(sip_messages: pd.DataFrame) -> pd.DataFrame:
    """Return the requests and responses by time, second captures left out."""
    sip = sip_messages
    counted = sip[sip["copy_of"].isna() & (sip["method"].notna() | sip["status"].notna())]
    return counted.sort_values("time", kind="stable", na_position="first", ignore_index=True)


def messages(ordered: pd.DataFrame) -> list[Message]:
    """Return the rows of ``in_order`` as tuples."""
    kind = ordered["method"].fillna(ordered["cseq_method"])
    columns = ordered.assign(kind=kind, time=ordered["time"].astype("int64"))
    ends = {"src": _addresses(ordered, "src"), "dst": _addresses(ordered, "dst")}
    fields = (ends[name] if name in ends else plain(columns[name]) for name in Message._fields)
    return list(map(Message._make, zip(*fields, strict=True)))


def _addresses(ordered: pd.DataFrame, end: str) -> list[Address]:
    pairs = zip(plain(ordered[f"{end}_addr"]), plain(ordered[f"{end}_port"]), strict=True)
    known: dict[Address, Address] = {}
    return [known.setdefault(pair, pair) for pair in pairs]


def succeeds(response: Message) -> bool:
    """Return whether it is a 2xx."""
    return response.status is not None and 200 <= response.status < 300


def moments(times: list[int]) -> pd.DatetimeIndex:
    """Turn times of messages back into UTC timestamps, NO_TIME into NaT."""
    return pd.DatetimeIndex(np.array(times, dtype="int64").view("datetime64[ns]"), tz="UTC")
