"""A capture without one packet, beside places that the server's packets pass on their way to the client.

Where nothing comes back from the client either, it may be the client's: that nobody sends what it would have
shown. So it stands as the last place, with certainty 0; rules make no more of it than a suspicion.
"""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from postproc.model.loading import load
from postproc.model.rows import ClockRow, PassageRow
from postproc.model.tables import CLOCKS, PASSAGES, Tables

ENDS = ("src_addr", "src_port", "dst_addr", "dst_port")
# By kind: the table with its packets at a place, and its columns of first and last time.
SEEN = {
    "stun": ("stun_messages", "time", "time"),
    "dtls": ("dtls_messages", "time", "time"),
    "rtp": ("rtp_streams", "first_time", "last_time"),
}


def with_silent_client(tables: Tables) -> Tables:
    """The tables with a row of ``clocks`` for it, and in ``passages`` what did not get there."""
    captures = tables.captures
    silent = captures.loc[captures["packets"] == 0, "capture"].tolist()
    if len(silent) != 1:
        return tables  # of several nobody knows which is the client's
    passages = load(PassageRow, tables.passages)
    placed, lost = [], []
    for clock in _last_places(load(ClockRow, tables.clocks), passages):
        rows = list(_lost(tables, passages, clock.capture, silent[0]))
        if rows:
            lost += rows
            placed.append(
                {
                    "capture": silent[0],
                    "reference": clock.reference,
                    "place": "client",
                    "position": (clock.position or 0) + 1,
                    "matched": 0,
                    "certainty": 0.0,
                }
            )
    return tables.with_(
        clocks=CLOCKS.conform(pd.concat([tables.clocks, CLOCKS.rows(placed)], ignore_index=True)),
        passages=PASSAGES.conform(pd.concat([tables.passages, PASSAGES.rows(lost)], ignore_index=True)),
    )


def _last_places(clocks: list[ClockRow], passages: list[PassageRow]) -> list[ClockRow]:
    """The farthest from each server, where none is the client's and none shows packets of the client."""
    heard = {
        capture
        for row in passages
        if row.direction == "client_to_server"
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
        if row.direction != "server_to_client" or row.to_capture != place or row.kind not in SEEN:
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
