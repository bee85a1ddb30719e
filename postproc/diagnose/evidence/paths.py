"""The path that media are to take being set up: connectivity checks, and DTLS handshakes over it.

A check that two captures saw counts once, answered if one of them saw an answer. Whether silence is proof
goes by the requests on the wire, not by transactions: RFC 8445 (section 14.3) has a check repeated with one
transaction ID, and only some servers, FreeSWITCH for one, take a new ID each time. Of a handshake that
several captures saw, the view counts that shows most.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from postproc.diagnose.evidence.case import CLIENT, SERVER, Case, answered_once
from postproc.model import constants
from postproc.model.deployment import Thresholds
from postproc.model.enumerations import Direction, Outcome, Side
from postproc.model.rows import BindingRow, DtlsMessageRow, DtlsRow

TO_CLIENT: Direction = "server_to_client"
TO_SERVER: Direction = "client_to_server"
EITHER_WAY: Direction = "other"
SENDER: Mapping[Direction, Side] = {TO_CLIENT: SERVER, TO_SERVER: CLIENT}
RECEIVER: Mapping[Direction, Side] = {TO_CLIENT: CLIENT, TO_SERVER: SERVER}
# RFC 8489, section 6.2.1: whoever asks waits 500 ms before it asks again.
RTO = timedelta(milliseconds=500)
PATIENCE_S = constants.count("bindings.patience_s")  # as the outcome "unanswered" goes by
ROLE_CONFLICT = 487  # RFC 8445, section 7.3.1.1
BEST_OUTCOMES: tuple[Outcome, ...] = ("success", "error", "unanswered", "pending")


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
        """Those given up, whatever the capture's end left open of their repetitions."""
        return [row for row in self.rows if row.outcome == "unanswered" or _given_up(row)]

    @property
    def silent(self) -> list[BindingRow]:
        """Those to which nothing came back, the capture's last ones included."""
        return [row for row in self.rows if row.outcome in ("unanswered", "pending")]

    def dead(self, thresholds: Thresholds) -> bool:
        """No answer at all, and so for long enough; requests the capture's end left open prove nothing alone.

        Beside one that was given up those count that a later request left without an answer for a usual RTO.
        """
        if not self.unanswered or len(self.silent) < self.sent:
            return False
        last = self.silent[-1].time
        overdue = [row for row in self.silent if row in self.unanswered or last - row.time >= RTO]
        return enough(overdue, thresholds)

    @property
    def targets(self) -> list[tuple[str, int]]:
        """Addresses and ports they were sent to, in order of first use."""
        return list(dict.fromkeys((row.dst_addr, row.dst_port) for row in self.rows))

    @property
    def sources(self) -> list[tuple[str, int]]:
        return list(dict.fromkeys((row.src_addr, row.src_port) for row in self.rows))


def _given_up(row: BindingRow) -> bool:
    """Still open at the capture's end, but its first request was long overdue by the last one."""
    overdue = row.last_time is not None and (row.last_time - row.time).total_seconds() >= PATIENCE_S
    return row.outcome == "pending" and overdue


def requests(rows: Iterable[BindingRow]) -> int:
    """How many requests were sent in these transactions, retransmissions included."""
    return sum(row.requests or 0 for row in rows)


def enough(lost: Sequence[BindingRow], thresholds: Thresholds) -> bool:
    """Whether requests without an answer are many enough, or were sent for long enough, to prove something."""
    if not lost:
        return False
    lasted = max(row.last_time or row.time for row in lost) - min(row.time for row in lost)
    return requests(lost) >= thresholds.dead_requests or lasted.total_seconds() >= thresholds.dead_seconds


@answered_once
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
        if held is None or BEST_OUTCOMES.index(row.outcome) < BEST_OUTCOMES.index(held.outcome):
            found[row.transaction_id] = row
    return sorted(found.values(), key=lambda row: row.time)


def sender(direction: Direction) -> Side:
    return SENDER[direction]


def receiver(direction: Direction) -> Side:
    return RECEIVER[direction]


BEST_STATES = ("complete", "alert", "incomplete", "client_hello_only", "none")


def handshakes(case: Case, leg: int | None) -> list[DtlsRow]:
    """Handshakes of a leg, of several captures of one the view that shows most."""
    found: dict[object, DtlsRow] = {}
    for row in case.dtls:
        if row.leg == leg:
            key = frozenset({row.client_port, row.server_port})
            held = found.get(key)
            if held is None or BEST_STATES.index(row.state) < BEST_STATES.index(held.state):
                found[key] = row
    return list(found.values())


def best(case: Case, leg: int | None) -> DtlsRow | None:
    """The handshake of a leg that came farthest."""
    return min(handshakes(case, leg), key=lambda row: BEST_STATES.index(row.state), default=None)


def secured(case: Case, leg: int | None) -> bool:
    """Both descriptions of the leg ask for DTLS-SRTP (RFC 5763)."""
    offers = [
        s
        for s in case.sdp_media
        if case.leg_of.get(s.call_id) == leg and s.media in ("audio", None) and s.port
    ]
    authors = {section.ufrag or section.sdp_owner for section in offers if section.fingerprint}
    return len(authors) > 1


def starter(case: Case, leg: int | None) -> str | None:
    """Side that has to send the ClientHello: the one that says setup:active (RFC 8842); None if none does."""
    for section in case.sdp_media:
        if case.leg_of.get(section.call_id) == leg and section.setup == "active":
            return next((c.side for c in case.candidates if c.ufrag and c.ufrag == section.ufrag), None)
    return None


def hellos_of_both(messages: Iterable[DtlsMessageRow]) -> list[DtlsMessageRow]:
    """The first ClientHello of each end, where both sent one between them and neither a ServerHello; else none.

    One side is active and the other passive (RFC 5763, section 5).
    """
    first: dict[tuple[str, int], DtlsMessageRow] = {}
    for message in messages:
        if message.handshake_type == "server_hello":
            return []
        if message.handshake_type == "client_hello":
            first.setdefault((message.src_addr, message.src_port), message)
    return list(first.values()) if len(first) > 1 else []
