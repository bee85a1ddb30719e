"""The rows of a run by call, each with its ``call_uid``; and back, with the numbers of another run.

Numbers of calls and streams are a run's own. In the dataset a row is told apart by ``call_uid``; numbers
remain beside it as they were in the run that wrote it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any

import orjson
import pandas as pd

from postproc.dataset.partitions import WALKS
from postproc.model.calls import connection
from postproc.model.columns import INTEGER, TEXT, array, plain
from postproc.model.loading import load
from postproc.model.rows import ConnectionEventRow, SipMessageRow
from postproc.model.tables import BY_NAME, Tables
from postproc.results import Run

UID = "call_uid"
OTHER_CALLS = ("supported_by", "refuted_by")  # columns of findings with numbers of calls, comma-joined

Owners = Iterable[tuple[int, int]]  # position of a row, the call it belongs to; a row may be of several


def by_call(run: Run) -> dict[str, pd.DataFrame]:
    """The rows of each table that belong to calls, with their ``call_uid``; and the walks."""
    uids = {
        call: uid
        for call, uid in zip(plain(run.calls["call"]), plain(run.calls[UID]), strict=True)
        if uid is not None
    }
    found = {name: _with_uids(run.tables, name, uids) for name in BY_NAME}
    found["findings"] = _told(found["findings"], {str(call): uid for call, uid in uids.items()})
    walks = [
        (uid, run.lang, orjson.dumps(list(run.walks.get(call, ()))).decode()) for call, uid in uids.items()
    ]
    found[WALKS] = pd.DataFrame(walks, columns=[UID, "lang", "walk"]).astype("string")
    return found


def _with_uids(tables: Tables, name: str, uids: Mapping[int, str]) -> pd.DataFrame:
    rows: pd.DataFrame = getattr(tables, name)
    if name == "calls":
        return rows[rows[UID].notna()].reset_index(drop=True)
    owners = OWNERS[name](tables) if name in OWNERS else enumerate(plain(rows["call"]))
    held = [(place, uids[call]) for place, call in owners if call in uids]
    found = rows.iloc[[place for place, _ in held]].reset_index(drop=True)
    return found.assign(call_uid=array([uid for _, uid in held], TEXT))


def _places(keys: Iterable[Any], calls: Mapping[Any, Iterable[int]]) -> Iterator[tuple[int, int]]:
    return ((place, call) for place, key in enumerate(keys) for call in calls.get(key, ()))


def _calls_of(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[int]]:
    found: dict[Any, list[int]] = {}
    for key, call in dict.fromkeys(pairs):
        if key is not None and call is not None:
            found.setdefault(key, []).append(call)
    return found


def _pairs(rows: pd.DataFrame, key: str) -> list[tuple[Any, Any]]:
    return list(zip(plain(rows[key]), plain(rows["call"]), strict=True))


def _captures(tables: Tables) -> Owners:
    return _places(plain(tables.captures["capture"]), _calls_of(_pairs(tables.timeline, "capture")))


def _clocks(tables: Tables) -> Owners:
    return _places(plain(tables.clocks["capture"]), _calls_of(_pairs(tables.timeline, "capture")))


def _logs(tables: Tables) -> Owners:
    return _places(plain(tables.logs["capture"]), _calls_of(_pairs(tables.log_events, "capture")))


def _rtp_seconds(tables: Tables) -> Owners:
    return _places(plain(tables.rtp_seconds["stream"]), _calls_of(_pairs(tables.rtp_streams, "stream")))


def _joins(tables: Tables) -> Owners:
    calls = _calls_of(_pairs(tables.legs, "call_id"))
    ends = zip(plain(tables.joins["call_id_a"]), plain(tables.joins["call_id_b"]), strict=True)
    for place, pair in enumerate(ends):
        yield from (
            (place, call) for call in dict.fromkeys(each for end in pair for each in calls.get(end, ()))
        )


def _connection_events(tables: Tables) -> Owners:
    """Of the TCP connections that a call's SIP went over."""
    sip = tables.sip_messages[(tables.sip_messages["transport"] != "udp").fillna(value=False).astype(bool)]
    calls = _calls_of((connection(row), row.call) for row in load(SipMessageRow, sip))
    return _places(map(connection, load(ConnectionEventRow, tables.connection_events)), calls)


OWNERS: Mapping[str, Callable[[Tables], Owners]] = {
    "captures": _captures,
    "clocks": _clocks,
    "connection_events": _connection_events,
    "joins": _joins,
    "logs": _logs,
    "rtp_seconds": _rtp_seconds,
}


def _told(findings: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """The findings with other calls named otherwise; those without a name are left out."""

    def told(text: str | None) -> str | None:
        return ",".join(names[each] for each in (text or "").split(",") if each in names) or None

    return findings.assign(
        **{name: array([told(text) for text in plain(findings[name])], TEXT) for name in OTHER_CALLS}
    )


def numbered(held: Mapping[str, pd.DataFrame]) -> tuple[Tables, dict[int, list[dict[str, Any]]]]:
    """Tables with the calls numbered by their start, and their walks, of rows that ``by_call`` made."""
    calls = held["calls"].sort_values(["start", UID], kind="stable", ignore_index=True)
    number = {uid: place for place, uid in enumerate(plain(calls[UID]), 1)}
    streams = _numbers(held["rtp_streams"])
    tables = {}
    for name in BY_NAME:
        rows = calls if name == "calls" else held[name]
        if "call" in rows:
            rows = rows.assign(call=array([number.get(uid) for uid in plain(rows[UID])], INTEGER))
        if "stream" in rows:
            rows = rows.assign(stream=array([streams.get(key) for key in _stream_keys(rows)], INTEGER))
        if name == "findings":
            rows = _told(rows, {uid: str(call) for uid, call in number.items()})
        if name in OWNERS:  # a row that is of several calls was written with each
            rows = rows.drop_duplicates([each for each in BY_NAME[name].names if each in rows])
        tables[name] = rows[list(BY_NAME[name].names)].reset_index(drop=True)
    walks = zip(plain(held[WALKS][UID]), plain(held[WALKS]["walk"]), strict=True)
    return Tables().with_(**tables), {number[uid]: orjson.loads(walk) for uid, walk in walks if uid in number}


def _stream_keys(rows: pd.DataFrame) -> Iterator[tuple[Any, Any]]:
    return zip(plain(rows[UID]), plain(rows["stream"]), strict=True)


def _numbers(streams: pd.DataFrame) -> dict[tuple[Any, Any], int]:
    return dict(zip(dict.fromkeys(_stream_keys(streams)), count(1), strict=False))


__all__ = ["UID", "by_call", "numbered"]
