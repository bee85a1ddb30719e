"""The connectivity checks of a call, per direction: sent, answered, to whom.

A check that two captures saw counts once, answered if one of them saw an answer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from postproc.diagnose.case.case import CLIENT, SERVER, Case
from postproc.model.deployment import Thresholds
from postproc.model.enumerations import Direction, Outcome, Side
from postproc.model.rows import BindingRow

TO_CLIENT: Direction = "server_to_client"
TO_SERVER: Direction = "client_to_server"
EITHER_WAY: Direction = "other"
SENDER: Mapping[Direction, Side] = {TO_CLIENT: SERVER, TO_SERVER: CLIENT}
RECEIVER: Mapping[Direction, Side] = {TO_CLIENT: CLIENT, TO_SERVER: SERVER}
BEST: tuple[Outcome, ...] = ("success", "error", "unanswered", "pending")


@dataclass(frozen=True)
class Checks:
    """Checks of one direction, each transaction once, in order of time."""

    rows: tuple[BindingRow, ...]

    def of(self, outcome: Outcome) -> list[BindingRow]:
        return [row for row in self.rows if row.outcome == outcome]

    @property
    def sent(self) -> int:
        return len(self.rows)

    @property
    def answered(self) -> int:
        return len(self.of("success"))

    @property
    def unanswered(self) -> list[BindingRow]:
        return self.of("unanswered")

    @property
    def silent(self) -> list[BindingRow]:
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


def checks(case: Case, direction: Direction | None = None, leg: int | None = None) -> Checks:
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


def _once(rows: Iterable[BindingRow]) -> list[BindingRow]:
    """Each transaction once: the view in which it went best."""
    found: dict[str, BindingRow] = {}
    for row in rows:
        held = found.get(row.transaction_id)
        if held is None or BEST.index(row.outcome) < BEST.index(held.outcome):
            found[row.transaction_id] = row
    return sorted(found.values(), key=lambda row: row.time)


def sender(direction: Direction) -> Side:
    return SENDER[direction]


def receiver(direction: Direction) -> Side:
    return RECEIVER[direction]
