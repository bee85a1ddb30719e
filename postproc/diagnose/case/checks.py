"""The connectivity checks of a call, per direction: sent, answered, to whom.

A check that two captures saw counts once, answered if one of them saw an answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from postproc.diagnose.case.case import CLIENT, SERVER, Case
from postproc.diagnose.case.rows import Row
from postproc.model.deployment import Thresholds

TO_CLIENT, TO_SERVER, EITHER_WAY = "server_to_client", "client_to_server", "other"
BEST = ("success", "error", "unanswered", "pending")


@dataclass(frozen=True)
class Checks:
    """Checks of one direction, each transaction once, in order of time."""

    rows: tuple[Row, ...]

    def of(self, outcome: str) -> list[Row]:
        return [row for row in self.rows if row.outcome == outcome]

    @property
    def sent(self) -> int:
        return len(self.rows)

    @property
    def answered(self) -> int:
        return len(self.of("success"))

    @property
    def unanswered(self) -> list[Row]:
        return self.of("unanswered")

    @property
    def silent(self) -> list[Row]:
        """Those to which nothing came back, the capture's last ones included."""
        return [row for row in self.rows if row.outcome in ("unanswered", "pending")]

    def dead(self, thresholds: Thresholds) -> bool:
        """No answer at all, and so for long enough; requests the capture's end left open prove nothing."""
        lost = self.unanswered
        if not lost or len(self.silent) < self.sent:
            return False
        lasted = (lost[-1].time - lost[0].time).total_seconds()
        return len(lost) >= thresholds.dead_requests or lasted >= thresholds.dead_seconds

    @property
    def targets(self) -> list[tuple[str, int]]:
        """Addresses and ports they were sent to, in order of first use."""
        return list(dict.fromkeys((row.dst_addr, row.dst_port) for row in self.rows))

    @property
    def sources(self) -> list[tuple[str, int]]:
        return list(dict.fromkeys((row.src_addr, row.src_port) for row in self.rows))


def checks(case: Case, direction: str | None = None, leg: int | None = None) -> Checks:
    """The checks of a direction (None: of all) on a leg (None: on all)."""
    asked = (
        row
        for row in case.bindings
        if row.purpose == "check"
        and row.outcome != "response_only"
        and (direction is None or row.direction == direction)
        and (leg is None or row.leg == leg)
    )
    return Checks(tuple(_once(asked)))


def _once(rows: Iterable[Row]) -> list[Row]:
    """Each transaction once: the view in which it went best."""
    found: dict[str, Row] = {}
    for row in rows:
        held = found.get(row.transaction_id)
        if held is None or BEST.index(row.outcome) < BEST.index(held.outcome):
            found[row.transaction_id] = row
    return sorted(found.values(), key=lambda row: row.time)


def sender(direction: str) -> str:
    return {TO_CLIENT: SERVER, TO_SERVER: CLIENT}[direction]


def receiver(direction: str) -> str:
    return {TO_CLIENT: CLIENT, TO_SERVER: SERVER}[direction]
