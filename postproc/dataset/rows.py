"""The rows of a run by call, each with its ``call_uid``; and back, with the numbers of another run.

Numbers of calls and streams are a run's own. In the dataset a row is told apart by ``call_uid``; numbers
remain beside it as they were in the run that wrote it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import orjson
import pandas as pd

from postproc.dataset.partitions import WALKS
from postproc.model import ownership
from postproc.model.columns import INTEGER, TEXT, array, plain
from postproc.model.tables import BY_NAME, Tables
from postproc.results import Run

UID = "call_uid"
OTHER_CALLS = ("supported_by", "refuted_by")  # columns of findings with numbers of calls, comma-joined


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
    held = [(place, uids[call]) for place, call in _owners(tables, name) if call in uids]
    found = rows.iloc[[place for place, _ in held]].reset_index(drop=True)
    return found.assign(call_uid=array([uid for _, uid in held], TEXT))


def _owners(tables: Tables, name: str) -> Iterator[tuple[int, int]]:
    """Position of a row and the call it belongs to; a row may be of several."""
    if name not in ownership.UNNUMBERED:
        yield from enumerate(plain(getattr(tables, name)["call"]))
        return
    calls: defaultdict[Any, list[int]] = defaultdict(list)
    had = ownership.had_by(tables, name)
    for thing, call in dict.fromkeys(zip(had["thing"], had["call"], strict=True)):
        calls[thing].append(int(call))
    for place, of in enumerate(zip(*ownership.things(tables, name), strict=True)):
        yield from dict.fromkeys((place, call) for thing in of for call in calls.get(thing, ()))


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
        if name in ownership.UNNUMBERED:  # a row that is of several calls was written with each
            rows = rows.drop_duplicates([each for each in BY_NAME[name].names if each in rows])
        tables[name] = rows[list(BY_NAME[name].names)].reset_index(drop=True)
    walks = zip(plain(held[WALKS][UID]), plain(held[WALKS]["walk"]), strict=True)
    return Tables().with_(**tables), {number[uid]: orjson.loads(walk) for uid, walk in walks if uid in number}


def _stream_keys(rows: pd.DataFrame) -> Iterator[tuple[Any, Any]]:
    return zip(plain(rows[UID]), plain(rows["stream"]), strict=True)


def _numbers(streams: pd.DataFrame) -> dict[tuple[Any, Any], int]:
    return dict(zip(dict.fromkeys(_stream_keys(streams)), count(1), strict=False))


__all__ = ["UID", "by_call", "numbered"]
