"""Convert the rows of a run to rows with ``call_uid``, and back to a run with new numbers.

Numbers of calls and streams are valid only in one run. In the dataset ``call_uid`` identifies a row's call;
the numbers remain as they were in the run that wrote them.
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
OTHER_CALLS = ("supported_by", "refuted_by")  # columns of findings with numbers of calls, separated by commas


def by_call(run: Run) -> dict[str, pd.DataFrame]:
    """Return, by table, the rows that belong to calls, with their ``call_uid``; and the walks."""
    uids = {
        call: uid
        for call, uid in zip(plain(run.calls["call"]), plain(run.calls[UID]), strict=True)
        if uid is not None
    }
    tables = {name: _with_uids(run.tables, name, uids) for name in BY_NAME}
    tables["findings"] = _with_calls_renamed(
        tables["findings"], {str(call): uid for call, uid in uids.items()}
    )
    walks = [
        (uid, run.lang, orjson.dumps(list(run.walks.get(call, ()))).decode()) for call, uid in uids.items()
    ]
    tables[WALKS] = pd.DataFrame(walks, columns=[UID, "lang", "walk"]).astype("string")
    return tables


def _with_uids(tables: Tables, name: str, uids: Mapping[int, str]) -> pd.DataFrame:
    rows: pd.DataFrame = getattr(tables, name)
    if name == "calls":
        return rows[rows[UID].notna()].reset_index(drop=True)
    owned = [(place, uids[call]) for place, call in _owners(tables, name) if call in uids]
    selected = rows.iloc[[place for place, _ in owned]].reset_index(drop=True)
    return selected.assign(call_uid=array([uid for _, uid in owned], TEXT))


def _owners(tables: Tables, name: str) -> Iterator[tuple[int, int]]:
    """Yield row positions with the call each belongs to; a row may belong to several."""
    if name not in ownership.UNNUMBERED:
        yield from enumerate(plain(getattr(tables, name)["call"]))
        return
    calls: defaultdict[Any, list[int]] = defaultdict(list)
    had = ownership.had_by(tables, name)
    for key, call in dict.fromkeys(zip(had["thing"], had["call"], strict=True)):
        calls[key].append(int(call))
    for place, of in enumerate(zip(*ownership.things(tables, name), strict=True)):
        yield from dict.fromkeys((place, call) for key in of for call in calls.get(key, ()))


def _with_calls_renamed(findings: pd.DataFrame, new_names: Mapping[str, str]) -> pd.DataFrame:
    """Return the findings with references to other calls renamed; those without a new name are dropped."""

    def renamed(text: str | None) -> str | None:
        return ",".join(new_names[each] for each in (text or "").split(",") if each in new_names) or None

    return findings.assign(
        **{name: array([renamed(text) for text in plain(findings[name])], TEXT) for name in OTHER_CALLS}
    )


def numbered(held: Mapping[str, pd.DataFrame]) -> tuple[Tables, dict[int, list[dict[str, Any]]]]:
    """Return tables with calls numbered by start, and their walks, from rows in the form of ``by_call``."""
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
            rows = _with_calls_renamed(rows, {uid: str(call) for uid, call in number.items()})
        if name in ownership.UNNUMBERED:  # a row of several calls was written once for each
            rows = rows.drop_duplicates([each for each in BY_NAME[name].names if each in rows])
        tables[name] = rows[list(BY_NAME[name].names)].reset_index(drop=True)
    walks = zip(plain(held[WALKS][UID]), plain(held[WALKS]["walk"]), strict=True)
    return Tables().with_(**tables), {number[uid]: orjson.loads(walk) for uid, walk in walks if uid in number}


def _stream_keys(rows: pd.DataFrame) -> Iterator[tuple[Any, Any]]:
    return zip(plain(rows[UID]), plain(rows["stream"]), strict=True)


def _numbers(streams: pd.DataFrame) -> dict[tuple[Any, Any], int]:
    return dict(zip(dict.fromkeys(_stream_keys(streams)), count(1), strict=False))


__all__ = ["UID", "by_call", "numbered"]
