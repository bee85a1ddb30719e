"""WebSockets in trouble: refused, closed again and again after the same idle time, or cut silently.

What runs inside them, SignalR or SIP (RFC 7118), is the business of a rule each.
"""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Literal, NamedTuple

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import (
    REFUSED_UPGRADES_BESIDE,
    connection_of,
    grouped,
    hosts,
    hub,
    watched,
)
from postproc.model.rows import ConnectionRow, HttpRow

SWITCHING, NOT_FOUND, FORBIDDEN, ERROR = 101, 404, 403, 500
# Idle timeouts close a WebSocket after the same time each time: within a tenth, or a second. A choice.
ALIKE_SHARE, ALIKE_S = 0.1, 1.0
SHORTEST_IDLE_S = 2.0  # a choice: shorter pauses occur in traffic; SignalR itself pings every 15 s
FEWEST_CLOSED = 3  # a choice: two may be chance
# Unacknowledged segments, and their duration: TCP has retransmitted twice by then (RFC 6298, section 5).
FEWEST_UNHEARD, UNHEARD_S = 3, 1.0
FEWEST_CUT = 2
# Seconds of capture after an unanswered upgrade; a choice, less reports captures that end too early.
ENDS_S = 2.0


class Trouble(NamedTuple):
    """Upgrades to one path that fare alike; ``idle``: seconds without data before each connection was lost."""

    kind: Literal["refused", "killed", "cut"]
    rows: Sequence[HttpRow]
    idle: float = 0.0

    @property
    def statuses(self) -> list[int]:
        return sorted({row.status for row in self.rows if row.status is not None})

    @property
    def confidence(self) -> float:
        return {"refused": 0.9, "killed": 0.85, "cut": 0.8}[self.kind]

    @property
    def facts(self) -> dict[str, object]:
        row = self.rows[0]
        return {
            "client": row.client_addr,
            "server": row.host or hosts(row).place,
            "path": hub(row),
            "times": len(self.rows),
            "answer": ", ".join(map(str, self.statuses)),
            "idle": self.idle,
        }

    @property
    def answers(self) -> list[int | None]:
        """Frames of the refusals."""
        return [row.response_frame for row in self.rows] if self.kind == "refused" else []


def for_sip(row: HttpRow) -> bool:
    """Whether an upgrade asks for SIP inside the WebSocket (RFC 7118, section 4.1)."""
    return "sip" in [each.strip() for each in (row.subprotocols or "").split(",")]


def troubles(case: Case, *, sip: bool) -> Iterator[Trouble]:
    """Yield the troubles of WebSockets that carry SIP, or of all others."""
    upgrades = [row for row in case.http if "websocket" in (row.upgrade or "") and for_sip(row) == sip]
    for rows in grouped(upgrades, lambda row: (hosts(row), row.host, hub(row))).values():
        refused = _refused(case, rows, sip=sip)
        if refused:
            yield Trouble("refused", refused)
        sockets = [
            (row, connection)
            for row in rows
            if _granted(row) and (connection := connection_of(case, row)) is not None
        ]
        killed = [(row, each) for row, each in sockets if _closed_idle(row, each)]
        times = [each.longest_pause_s for _, each in killed]
        if len(killed) >= FEWEST_CLOSED and _alike(times):
            yield Trouble("killed", [row for row, _ in killed], median(times))
        cut = {each.frame: (row, each) for row, each in sockets if _unheard(case, each)}
        if len(cut) >= FEWEST_CUT:
            idle = median(each.longest_pause_s for _, each in cut.values())
            yield Trouble("cut", [row for row, _ in cut.values()], idle)


def _refused(case: Case, rows: Sequence[HttpRow], *, sip: bool) -> list[HttpRow]:
    """Return upgrades not granted although the path exists; empty if one was granted.

    A hub of SignalR shows by other requests that it exists; nothing but upgrades goes to a path for SIP.
    """
    if any(_granted(row) for row in rows):
        return []
    first = rows[0]
    beside = [
        row.status
        for row in case.http
        if hosts(row) == hosts(first)
        and row.status is not None
        and not row.upgrade
        and hub(row) == hub(first)
    ]
    hub_exists = sip or any(status < 400 for status in beside)
    broken = not beside or any(status >= ERROR for status in beside)
    return [row for row in rows if _not_granted(case, row, hub_exists=hub_exists, broken=broken)]


def _granted(row: HttpRow) -> bool:
    """Whether the upgrade was granted: 101, or over HTTP/2 any success (RFC 8441, section 5)."""
    return row.status == SWITCHING or (row.method == "CONNECT" and 200 <= (row.status or 0) < 300)


def _not_granted(case: Case, row: HttpRow, *, hub_exists: bool, broken: bool) -> bool:
    if row.status is None:
        connection = connection_of(case, row)
        return connection is not None and connection.ended_by is not None and watched(case, row) > ENDS_S
    if row.status in REFUSED_UPGRADES_BESIDE or 300 <= row.status < 400:
        return False
    if row.status in (NOT_FOUND, FORBIDDEN):
        return hub_exists
    return hub_exists or not broken if row.status >= ERROR else True


def _closed_idle(row: HttpRow, connection: ConnectionRow) -> bool:
    """Whether the server's side closed it at the end of a pause, without a Close frame, as a proxy does."""
    by = connection.ended_by or ""
    closes = by.startswith("server") or (by.startswith("client") and row.forwarded)
    paused = connection.pause_before_end and connection.longest_pause_s >= SHORTEST_IDLE_S
    # Over HTTP/2 a Close frame is not visible, and the connection is shared.
    return closes and paused and row.goodbye is None and row.status == SWITCHING


def _alike(times: Sequence[float]) -> bool:
    middle = median(times)
    return all(abs(each - middle) <= max(ALIKE_S, ALIKE_SHARE * middle) for each in times)


def _unheard(case: Case, connection: ConnectionRow) -> bool:
    """Whether one side gets no response while another connection of the two is answered."""
    unheard = max(connection.unheard_client, connection.unheard_server)
    if unheard < FEWEST_UNHEARD or (connection.unheard_s or 0.0) < UNHEARD_S:
        return False
    since = connection.last_time.timestamp() - (connection.unheard_s or 0.0)
    return any(
        each.outcome == "established"
        and hosts(each) == hosts(connection)
        and since < each.time.timestamp() <= connection.last_time.timestamp()
        for each in case.connections
    )
