"""Captures of one call that share no packet, as nothing gets from the one place to the other.

The client's is told in two ways. Its capture shows checks of the client in the same ICE session, which the
others lack, and none of the server's. Or it shows nothing at all, lies beside places of calls and no other
capture, and nobody else shows anything of the client: then nobody sends what it would have shown, and rules
make no more of it than a suspicion. Such a capture stands as the last place, with certainty 0 and a clock
that nobody knows.
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
    """The tables with rows of ``clocks`` for such places, and of ``passages`` for what did not get there."""
    if len(tables.captures) < 2:
        return tables
    placed, lost = _silent(tables)
    clocks = load(ClockRow, tables.clocks)
    for made in (_unheard(clocks, legs) for legs in by(_checks(tables), "call", "leg").values()):
        placed += [row for row in made[0] if row not in placed]
        lost += made[1]
    return tables.with_(
        clocks=CLOCKS.conform(pd.concat([tables.clocks, CLOCKS.rows(placed)], ignore_index=True)),
        passages=PASSAGES.conform(pd.concat([tables.passages, PASSAGES.rows(lost)], ignore_index=True)),
    )


Rows = list[dict[str, Any]]


def _place(capture: str, reference: str, place: str, position: int) -> dict[str, Any]:
    """A row of ``clocks``; of the reference itself the offset is known."""
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
    """Requests of connectivity checks by either side, of legs that several captures show some of."""
    rows = tables.bindings
    asked = rows[(rows["purpose"] == "check") & (rows["outcome"] != "response_only")]
    asked = asked[asked["direction"].isin([TO_CLIENT, TO_SERVER])]
    captures = asked.groupby(["call", "leg"])["capture"].transform("nunique")
    return load(BindingRow, asked[captures.fillna(0) > 1])


def _unheard(clocks: Iterable[ClockRow], checks: Sequence[BindingRow]) -> tuple[Rows, Rows]:
    """Places and losses of a leg, where one capture alone shows checks of the client, none of both sides."""
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
        return [], []  # the same addresses: two interfaces of one machine may show a direction each
    position, reference = positions.get(last, (1, last))
    placed = [] if positions else [_place(last, last, "server", position)]
    placed.append(_place(client, reference, "client", position + 1))
    return placed, [*_flows(sent, last, client), *_flows(of_client, client, last)]


def _hosts(row: BindingRow) -> tuple[str, str]:
    return row.src_addr, row.dst_addr


def _flows(checks: Iterable[BindingRow], origin: str, target: str) -> Iterator[dict[str, Any]]:
    """Rows of ``passages``: requests of each flow, none of which arrives."""
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
    """Places and losses where one capture of the run shows nothing at all."""
    captures = tables.captures
    silent = captures.loc[captures["packets"] == 0, "capture"].tolist()
    placed: Rows = []
    lost: Rows = []
    others = {*captures["capture"]} - {*silent} - {*tables.clocks["capture"]}
    if len(silent) != 1 or others:
        return placed, lost  # nobody knows whose it is: of several, or beside captures of something else
    passages = load(PassageRow, tables.passages)
    for clock in _last_places(load(ClockRow, tables.clocks), passages):
        rows = list(_lost(tables, passages, clock.capture, silent[0]))
        if rows:
            lost += rows
            placed.append(_place(silent[0], clock.reference, "client", (clock.position or 0) + 1))
    return placed, lost


def _last_places(clocks: list[ClockRow], passages: list[PassageRow]) -> list[ClockRow]:
    """The farthest from each server, where none is the client's and none shows packets of the client."""
    heard = {
        capture
        for row in passages
        if row.direction == TO_SERVER
        for capture in (row.from_capture, row.to_capture)
    }
    last: dict[str, ClockRow] = {}
    for clock in clocks:
        if clock.position is not None and clock.position >= (last.get(clock.reference, clock).position or 0):
            last[clock.reference] = clock
    return [clock for clock in last.values() if clock.place != "client" and clock.capture not in heard]


def _lost(tables: Tables, passages: list[PassageRow], place: str, silent: str) -> Iterator[dict[str, Any]]:
    """What arrived at the last place, as lost behind it."""
    for row in passages:
        if row.direction != TO_CLIENT or row.to_capture != place or row.kind not in SEEN:
            continue
        name, first, last = SEEN[row.kind]
        ends = {end: getattr(row, f"to_{end}") for end in ENDS}
        seen: pd.DataFrame = getattr(tables, name)
        seen = seen[seen["capture"] == place]
        for end, value in ends.items():
            seen = seen[seen[end] == value]
        if row.arrived and len(seen):
            yield {
                "capture": place,
                "frame": seen["frame"].iloc[0],
                "time": seen[first].min(),
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
                "first_lost": seen[first].min(),
                "last_lost": seen[last].max(),
                "reordered": 0,
            }
