"""The rows of one call that pictures are made from, as plain objects: loops over them are quick."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pandas as pd

from postproc.show.pictures.records import HasTables, column

Row = SimpleNamespace  # has the columns of NEEDED as attributes; NA is None, times are ns since 1970
Rows = list[Row]

ENDS = "src_addr src_port dst_addr dst_port"
NEEDED = {
    name: tuple(columns.split())
    for name, columns in {
        "calls": "call from_user to_user start answer end verdict headline",
        "legs": "time call leg call_id uac_addr uac_port uac_agent uas_addr uas_port uas_agent role "
        "transport from_user to_user invite_time ringing_time progress_time answer_time end_time "
        "final_status state",
        "timeline": "time capture frame call leg lane kind label src dst severity",
        "candidates": "time capture frame call leg call_id side sdp_owner type addr port related_addr "
        "related_port",
        "bindings": f"time capture frame call leg purpose direction {ENDS} transaction_id requests outcome "
        "rtt_ms response_frame",
        "pairs": "capture call leg local_addr local_port local_type remote_addr remote_port remote_type sent "
        "answered errors first_time last_time nominated state",
        "dtls": "time capture call leg client_addr client_port server_addr server_port "
        "state started completed",
        "rtp_streams": f"capture frame call leg {ENDS} stream direction ssrc codec secured packets lost "
        "jitter_ms first_time last_time",
        "findings": "code name severity verdict title capture frame frames call",
        "sip_messages": "time capture frame call call_id method from_tag to_tag cseq cseq_method",
        "sdp_media": "capture frame call call_id sdp_owner connection_addr port",
        "rtp_seconds": "stream second time packets lost jitter_ms",
        "captures": "capture first_time last_time",
    }.items()
}
KEYS = {"rtp_seconds": "stream"}  # else call


@dataclass(frozen=True)
class CallRows:
    """One call, ``number``; every list in the order of its table."""

    number: int
    calls: Rows
    legs: Rows
    timeline: Rows
    candidates: Rows
    bindings: Rows
    pairs: Rows
    dtls: Rows
    rtp_streams: Rows
    findings: Rows
    sip_messages: Rows
    sdp_media: Rows
    rtp_seconds: Rows
    captures: Rows


def each_call(run: HasTables) -> Iterator[CallRows]:
    """All calls in the order of their numbers; goes through each table once."""
    parts = {name: _parts(name, getattr(run, name)) for name in NEEDED if name != "captures"}
    captures = rows("captures", run.captures)
    for call in sorted(parts["calls"]):
        yield _call(call, parts, captures)


def of_call(run: HasTables | CallRows, call: int) -> CallRows:
    """One call of a run; LookupError when the run has no such call."""
    if isinstance(run, CallRows):
        return run
    of_calls = {name: _of(getattr(run, name), "call", {call}) for name in NEEDED if _has_call(name)}
    if not len(of_calls["calls"]):
        known = sorted(set(run.calls["call"].dropna()))
        raise LookupError(f"no call {call} in this run; it has {_listed(known) or 'none'}")
    keys = {"stream": set(of_calls["rtp_streams"]["stream"].dropna())}
    others = {name: _of(getattr(run, name), key, keys[key]) for name, key in KEYS.items()}
    parts = {name: _parts(name, held) for name, held in (of_calls | others).items()}
    return _call(call, parts, rows("captures", run.captures))


def rows(name: str, table: pd.DataFrame) -> Rows:
    """The rows of a table with the columns needed."""
    names = NEEDED[name]
    values = zip(*(column(table[each]) for each in names), strict=True)
    return [Row(**dict(zip(names, row, strict=True))) for row in values]


Parts = dict[Any, Rows]  # by call or stream


def _has_call(name: str) -> bool:
    return name not in KEYS and name != "captures"


def _of(table: pd.DataFrame, key: str, values: set[Any]) -> pd.DataFrame:
    return table[table[key].isin(values)]


def _parts(name: str, table: pd.DataFrame) -> Parts:
    found: Parts = defaultdict(list)
    key = KEYS.get(name, "call")
    for row in rows(name, table):
        if (value := getattr(row, key)) is not None:
            found[value].append(row)
    return found


def _call(call: int, parts: dict[str, Parts], captures: Rows) -> CallRows:
    mine = {name: held.get(call, []) for name, held in parts.items() if _has_call(name)}
    keys: dict[str, Iterable[Hashable]] = {
        "stream": dict.fromkeys(stream.stream for stream in mine["rtp_streams"])
    }
    others = {
        name: [row for value in keys[key] for row in parts[name].get(value, [])] for name, key in KEYS.items()
    }
    return CallRows(call, **mine, **others, captures=captures)


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:20])) + (", …" if len(numbers) > 20 else "")
