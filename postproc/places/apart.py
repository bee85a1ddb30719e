"""Captures of one call that share no packet, because nothing gets from one place to the other.

The client's capture is recognised in two ways. It shows the client's checks of an ICE session that the
other captures lack, and none of the server's. Or it is empty, it is the only capture besides the places of
calls, and no other shows anything from the client: since nothing confirms that the client sent anything,
rules treat this as a suspicion only. Such a capture becomes the last place, with certainty 0 and an unknown
clock.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from postproc.model.loading import by, load
from postproc.model.rows import BindingRow, ClockRow, PassageRow
from postproc.model.tables import CLOCKS, PASSAGES, Tables

TO_CLIENT, TO_SERVER = "server_to_client", "client_to_server"
ENDS = ("src_addr", "src_port", "dst_addr", "dst_port")
# By kind: the table with its packets at a place, and its columns of first and last time.
SEEN = {
    "stun": ("stun_messages", "time", "time"),
    "dtls": ("dtls_messages", "time", "time"),
    "rtp": ("rtp_streams", "first_time", "last_time"),
}


def with_places_apart(tables: Tables) -> Tables:
    """Return the tables with rows of ``clocks`` for such places, and of ``passages`` for their losses."""
    if len(tables.captures) < 2:
        return tables
    placed, lost = _silent(tables)
    clocks = load(ClockRow, tables.clocks)
    for unheard in (_unheard(clocks, legs) for legs in by(_checks(tables), "call", "leg").values()):
        placed += [row for row in unheard[0] if row not in placed]
        lost += unheard[1]
    return tables.with_(
        clocks=CLOCKS.conform(pd.concat([tables.clocks, CLOCKS.rows(placed)], ignore_index=True)),
        passages=PASSAGES.conform(pd.concat([tables.passages, PASSAGES.rows(lost)], ignore_index=True)),
    )


Rows = list[dict[str, Any]]


def _place(capture: str, reference: str, place: str, position: int) -> dict[str, Any]:
    """Return a row of ``clocks``; for the reference itself with offset 0, else unknown."""
    own = {"offset_ms": 0.0, "drift_ppm": 0.0, "drift_bound_ppm": 0.0} if capture == reference else {}
    return {
        "capture": capture,
        "reference": reference,
        "place": place,
        "position": position,
        "matched": 0,
        "certainty": 0.0,
        **own,
    }


def _checks(tables: Tables) -> list[BindingRow]:
    """Return the requests of checks by either side, of legs with checks in several captures."""
    rows = tables.bindings
    requests = rows[(rows["purpose"] == "check") & (rows["outcome"] != "response_only")]
    requests = requests[requests["direction"].isin([TO_CLIENT, TO_SERVER])]
    captures = requests.groupby(["call", "leg"])["capture"].transform("nunique")
    return load(BindingRow, requests[captures.fillna(0) > 1])


def _unheard(clocks: Iterable[ClockRow], checks: Sequence[BindingRow]) -> tuple[Rows, Rows]:
    """Return places and losses of a leg if one capture alone has the client's checks, and none has both."""
    of_server = [row for row in checks if row.direction == TO_CLIENT]
    of_client = [row for row in checks if row.direction == TO_SERVER]
    near, far = {row.capture for row in of_server}, {row.capture for row in of_client}
    positions = {row.capture: (row.position or 0, row.reference) for row in clocks if row.capture in near}
    if len(far) != 1 or near & far or not near or len(positions) < len(near) > 1:
        return [], []
    last = max(near, key=lambda capture: positions.get(capture, (1, capture)))
    client = far.pop()
    sent = [row for row in of_server if row.capture == last]
    if {_hosts(row) for row in sent} & {_hosts(row)[::-1] for row in of_client}:
        return [], []  # the same addresses: two interfaces of one machine with a direction each
    position, reference = positions.get(last, (1, last))
    placed = [] if positions else [_place(last, last, "server", position)]
    placed.append(_place(client, reference, "client", position + 1))
    return placed, [*_flows(sent, last, client), *_flows(of_client, client, last)]


def _hosts(row: BindingRow) -> tuple[str, str]:
    return row.src_addr, row.dst_addr


def _flows(checks: Iterable[BindingRow], origin: str, target: str) -> Iterator[dict[str, Any]]:
    """Yield rows of ``passages`` for the requests of each flow, none of which arrives."""
    for ends, rows in by(checks, *ENDS).items():
        requests = sum(row.requests or 1 for row in rows)
        yield {
            "capture": origin,
            "frame": rows[0].frame,
            "time": min(row.time for row in rows),
            "call": rows[0].call,
            "leg": rows[0].leg,
            "kind": "stun",
            "direction": rows[0].direction,
            "from_capture": origin,
            "to_capture": target,
            **{f"from_{end}": value for end, value in zip(ENDS, ends, strict=True)},
            "sent": requests,
            "arrived": 0,
            "lost": requests,
            "first_lost": min(row.time for row in rows),
            "last_lost": max(row.last_time or row.time for row in rows),
            "reordered": 0,
        }


def _silent(tables: Tables) -> tuple[Rows, Rows]:
    """Return places and losses if exactly one capture of the run is empty."""
    captures = tables.captures
    silent = captures.loc[captures["packets"] == 0, "capture"].tolist()
    placed: Rows = []
    lost: Rows = []
    others = {*captures["capture"]} - {*silent} - {*tables.clocks["capture"]}
    if len(silent) != 1 or others:
        return placed, lost  # ambiguous: several empty captures, or others of something else
    passages = load(PassageRow, tables.passages)
    for clock in _last_places(load(ClockRow, tables.clocks), passages):
        rows = list(_lost(tables, passages, clock.capture, silent[0]))
        if rows:
            lost += rows
            placed.append(_place(silent[0], clock.reference, "client", (clock.position or 0) + 1))
    return placed, lost


def _last_places(clocks: list[ClockRow], passages: list[PassageRow]) -> list[ClockRow]:
    """Return the place farthest from each server, unless it is the client's or shows its packets."""
    with_client = {
        capture
        for row in passages
        if row.direction == TO_SERVER
        for capture in (row.from_capture, row.to_capture)
    }
    last: dict[str, ClockRow] = {}
    for clock in clocks:
        if clock.position is not None and clock.position >= (last.get(clock.reference, clock).position or 0):
            last[clock.reference] = clock
    return [clock for clock in last.values() if clock.place != "client" and clock.capture not in with_client]


def _lost(tables: Tables, passages: list[PassageRow], place: str, silent: str) -> Iterator[dict[str, Any]]:
    """Yield rows of ``passages`` in which what arrived at the last place is lost after it."""
    for row in passages:
        if row.direction != TO_CLIENT or row.to_capture != place or row.kind not in SEEN:
            continue
        name, first, last = SEEN[row.kind]
        ends = {end: getattr(row, f"to_{end}") for end in ENDS}
        arrived: pd.DataFrame = getattr(tables, name)
        arrived = arrived[arrived["capture"] == place]
        for end, value in ends.items():
            arrived = arrived[arrived[end] == value]
        if row.arrived and len(arrived):
            yield {
                "capture": place,
                "frame": arrived["frame"].iloc[0],
                "time": arrived[first].min(),
                "call": row.call,
                "leg": row.leg,
                "kind": row.kind,
                "direction": row.direction,
                "from_capture": place,
                "to_capture": silent,
                **{f"from_{end}": value for end, value in ends.items()},
                "sent": row.arrived,
                "arrived": 0,
                "lost": row.arrived,
                "first_lost": arrived[first].min(),
                "last_lost": arrived[last].max(),
                "reordered": 0,
            }
