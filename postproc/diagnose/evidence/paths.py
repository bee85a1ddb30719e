"""Setup of the media path: connectivity checks and DTLS handshakes.

A check seen by two captures counts once, as answered if one of them saw an answer. Whether silence is proof
depends on the requests on the wire, not on transactions: RFC 8445 (section 14.3) retransmits a check with
one transaction ID, while some servers, such as FreeSWITCH, use a new ID each time. Of a handshake seen by
several captures, the most complete view counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from postproc.diagnose.evidence.case import CLIENT, SERVER, Case, answered_once
from postproc.model import constants
from postproc.model.deployment import Thresholds
from postproc.model.enumerations import Direction, Outcome, Side
from postproc.model.rows import BindingRow, DtlsMessageRow, DtlsRow
from postproc.model.vocabulary import DTLS_PROGRESS

TO_CLIENT: Direction = "server_to_client"
TO_SERVER: Direction = "client_to_server"
EITHER_WAY: Direction = "other"
SENDER: Mapping[Direction, Side] = {TO_CLIENT: SERVER, TO_SERVER: CLIENT}
RECEIVER: Mapping[Direction, Side] = {TO_CLIENT: CLIENT, TO_SERVER: SERVER}
# RFC 8489, section 6.2.1: the first retransmission is due after 500 ms.
RTO = timedelta(milliseconds=500)
PATIENCE_S = constants.count("bindings.patience_s")  # the limit for outcome "unanswered"
ROLE_CONFLICT = 487  # RFC 8445, section 7.3.1.1
BEST_OUTCOMES: tuple[Outcome, ...] = ("success", "error", "unanswered", "pending")


class Checks(NamedTuple):
    """Checks, each transaction once, in order of time."""

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
        """The checks given up, including those overdue at the capture's end."""
        return [row for row in self.rows if _given_up(row)]

    @property
    def silent(self) -> list[BindingRow]:
        """The checks without any response, including those pending at the capture's end."""
        return [row for row in self.rows if row.outcome in ("unanswered", "pending")]

    def dead(self, thresholds: Thresholds) -> bool:
        """Whether there was no response at all for long enough; pending requests alone prove nothing.

        If one was given up, pending ones count too when they were unanswered for an RTO before the last.
        """
        if len(silent := self.silent) < self.sent or not self.unanswered:
            return False
        last = silent[-1].time
        overdue = [row for row in silent if _given_up(row) or last - row.time >= RTO]
        return enough(overdue, thresholds)

    @property
    def targets(self) -> list[tuple[str, int]]:
        """The destination addresses and ports, in order of first use."""
        return list(dict.fromkeys((row.dst_addr, row.dst_port) for row in self.rows))

    @property
    def sources(self) -> list[tuple[str, int]]:
        return list(dict.fromkeys((row.src_addr, row.src_port) for row in self.rows))


def _given_up(row: BindingRow) -> bool:
    """Whether a check is unanswered, or pending at the capture's end and was overdue at its last request."""
    if row.outcome != "pending" or row.last_time is None:
        return row.outcome == "unanswered"
    return (row.last_time - row.time).total_seconds() >= PATIENCE_S


def requests(rows: Iterable[BindingRow]) -> int:
    """Return the number of requests in these transactions, including retransmissions."""
    return sum(row.requests or 0 for row in rows)


def enough(lost: Sequence[BindingRow], thresholds: Thresholds) -> bool:
    """Whether the unanswered requests are many enough, or span enough time, to be evidence."""
    if not lost:
        return False
    lasted = max(row.last_time or row.time for row in lost) - min(row.time for row in lost)
    return requests(lost) >= thresholds.dead_requests or lasted.total_seconds() >= thresholds.dead_seconds


@answered_once
def checks(case: Case, direction: Direction | None = None, leg: int | None = None) -> Checks:
    """Return the checks of a direction (None: all) on a leg (None: all)."""
    rows = (
        row
        for row in case.bindings
        if row.purpose == "check"
        and row.outcome != "response_only"
        and (direction is None or row.direction == direction)
        and (leg is None or row.leg == leg)
    )
    return Checks(tuple(_once(rows)))


def _once(rows: Iterable[BindingRow]) -> list[BindingRow]:
    """Return each transaction once, in the view with the best outcome."""
    best_view: dict[str, BindingRow] = {}
    for row in rows:
        other = best_view.get(row.transaction_id)
        if other is None or BEST_OUTCOMES.index(row.outcome) < BEST_OUTCOMES.index(other.outcome):
            best_view[row.transaction_id] = row
    return sorted(best_view.values(), key=lambda row: row.time)


def sender(direction: Direction) -> Side:
    return SENDER[direction]


def receiver(direction: Direction) -> Side:
    return RECEIVER[direction]


def handshakes(case: Case, leg: int | None) -> list[DtlsRow]:
    """Return the handshakes of a leg, each in its most complete view."""
    best_view: dict[object, DtlsRow] = {}
    for row in case.dtls:
        if row.leg == leg:
            key = frozenset({row.client_port, row.server_port})
            other = best_view.get(key)
            if other is None or DTLS_PROGRESS.index(row.state) < DTLS_PROGRESS.index(other.state):
                best_view[key] = row
    return list(best_view.values())


def best(case: Case, leg: int | None) -> DtlsRow | None:
    """Return the handshake of a leg that progressed furthest, or None."""
    return min(handshakes(case, leg), key=lambda row: DTLS_PROGRESS.index(row.state), default=None)


def secured(case: Case, leg: int | None) -> bool:
    """Whether both descriptions of the leg have a fingerprint, i.e. use DTLS-SRTP (RFC 5763)."""
    offers = [
        s
        for s in case.sdp_media
        if case.leg_of.get(s.call_id) == leg and s.media in ("audio", None) and s.port
    ]
    authors = {section.ufrag or section.sdp_owner for section in offers if section.fingerprint}
    return len(authors) > 1


def starter(case: Case, leg: int | None) -> str | None:
    """Return the side that has to send the ClientHello, by a=setup:active (RFC 8842); None if unknown."""
    for section in case.sdp_media:
        if case.leg_of.get(section.call_id) == leg and section.setup == "active":
            return next((c.side for c in case.candidates if c.ufrag and c.ufrag == section.ufrag), None)
    return None


def hellos_of_both(messages: Iterable[DtlsMessageRow]) -> list[DtlsMessageRow]:
    """Return the first ClientHello of each end if both sent one and neither a ServerHello; else empty.

    Only the active side may send one (RFC 5763, section 5).
    """
    first: dict[tuple[str, int], DtlsMessageRow] = {}
    for message in messages:
        if message.handshake_type == "server_hello":
            return []
        if message.handshake_type == "client_hello":
            first.setdefault((message.src_addr, message.src_port), message)
    return list(first.values()) if len(first) > 1 else []


def closing(case: Case, leg: int | None) -> DtlsMessageRow | None:
    """The alert by which a side closes what it had secured (RFC 5246, section 7.2.1): the call is over for it.

    An encrypted alert does not show what it says; after a finished handshake it comes at the end.
    """
    alerts = (row for row in case.dtls_messages if row.leg == leg and row.content == "alert" and row.epoch)
    return next((row for row in alerts if row.alert in ("encrypted", "close_notify")), None)
