"""Packets lost between two places of a call, and how certain that is.

A packet missing in the farther capture was lost on the way if that capture would have shown it. It would if
it shows others of the same direction. If it lacks packets that were answered, it drops packets itself, and
the loss is not certain.
"""

from collections.abc import Container, Iterable
from typing import Any, NamedTuple

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.diagnose.evidence.paths import best, checks
from postproc.diagnose.evidence.view import ENOUGH
from postproc.model.addresses import endpoint
from postproc.model.enumerations import Direction
from postproc.model.findings import Evidence
from postproc.model.rows import PassageRow
from postproc.model.text import Text
from postproc.model.transit import Transit, between_phones, transits

OPPOSITE: dict[Direction, Direction] = {
    "server_to_client": "client_to_server",
    "client_to_server": "server_to_client",
    "other": "other",
}
PATH = ("stun", "dtls", "rtp")  # kinds that take the path of the media

LEAKS = Text(
    "{capture} also lacks requests that were answered from there, so it lost some itself.",
    "Im Mitschnitt {capture} fehlen auch Requests, die von dort beantwortet wurden: Er hat also selbst Pakete verloren.",
)
SETTLE = Text(
    "make sure that {capture} shows other traffic of the same machine in both directions.",
    "sicherstellen, dass {capture} anderen Verkehr desselben Rechners in beiden Richtungen zeigt.",
)


class Loss(NamedTuple):
    """Packets of one kind and direction lost between two places."""

    transit: Transit
    way: tuple[Transit, ...]  # all stretches that packets of this leg, kind and direction pass
    beside: tuple[Transit, ...]  # all transits over the same stretch in this direction, including this one
    sees: bool  # the farther capture shows packets of the call
    unanswered: bool  # they are checks, and none of this direction is answered
    leaks: bool  # the farther capture lacks packets that were answered: it drops some itself
    returning: int  # packets of this leg that pass the stretch in the other direction

    @property
    def everything(self) -> bool:
        return self.transit.arrived == 0

    @property
    def percent(self) -> float:
        return 100 * self.transit.lost / self.transit.sent

    @property
    def hears(self) -> bool:
        """Whether the farther capture shows other packets of this direction."""
        return any(each.arrived for each in self.beside)

    @property
    def certain(self) -> bool:
        """Whether the farther capture would show arriving packets, or its machine would answer them."""
        return (self.hears or (self.sees and self.unanswered)) and not self.leaks

    @property
    def one_way(self) -> bool:
        """Whether on the media path nothing passes in this direction, and something in the other."""
        return self.everything and self.returning > 0 and self.transit.kind in PATH

    @property
    def smallest_lost(self) -> int | None:
        return min((row.smallest_lost for row in self.transit.flows if row.smallest_lost), default=None)

    @property
    def largest_arrived(self) -> int | None:
        """The largest datagram that arrived on the same path: signaling and media go to different machines."""
        on_path = self.transit.kind in PATH
        sizes = [
            row.largest_arrived
            for each in self.beside
            if each.leg == self.transit.leg and (each.kind in PATH) == on_path
            for row in each.flows
            if row.largest_arrived
        ]
        return max(sizes, default=None)

    @property
    def oversized(self) -> bool:
        """Whether all lost datagrams are larger than all that arrive, and some arrive."""
        smallest, largest = self.smallest_lost, self.largest_arrived
        return smallest is not None and largest is not None and smallest > max(ALWAYS_PASSES, largest)


# Every host accepts IPv4 packets of 576 bytes (RFC 791, section 3.1): no path in use is narrower. A higher
# limit misses narrow tunnels; with a lower one packets lost by chance look oversized.
ALWAYS_PASSES = 576


def losses(case: Case) -> list[Loss]:
    """Return the noticeable losses between neighboring places, along the way."""
    every, leaking = transits(case), _leaking(case)
    return [loss for each in every if each.lost and _matters(case, loss := _loss(case, each, every, leaking))]


def _loss(case: Case, transit: Transit, every: Iterable[Transit], leaking: Container[str]) -> Loss:
    stretch = (transit.origin, transit.target)
    forth = [each for each in every if (each.origin, each.target) == stretch]
    back = [each for each in every if (each.target, each.origin) == stretch]
    same = (transit.leg, transit.kind, transit.direction, transit.outward)
    opposite = OPPOSITE[transit.direction]
    return Loss(
        transit,
        way=tuple(each for each in every if (each.leg, each.kind, each.direction, each.outward) == same),
        beside=tuple(each for each in forth if each.direction == transit.direction),
        sees=any(each.arrived for each in forth) or any(each.sent for each in back),
        unanswered=_unanswered(case, transit),
        leaks=transit.target.capture in leaking,
        returning=sum(
            each.arrived
            for each in back
            if each.leg == transit.leg and each.kind in PATH and each.direction == opposite
        ),
    )


def _unanswered(case: Case, transit: Transit) -> bool:
    if transit.kind != "stun" or transit.direction == "other":
        return False
    return checks(case, transit.direction, transit.leg).dead(case.deployment.thresholds)


def _leaking(case: Case) -> set[str]:
    """Return the captures that lack answered requests: packets they do not show may have passed."""
    lacking = [row.capture for row in case.at_every_place.bindings if row.outcome == "response_only"]
    return {name for name in lacking if lacking.count(name) >= ENOUGH}


def _matters(case: Case, loss: Loss) -> bool:
    """Whether a loss is noticeable: RTP by its share, others if nothing, or nothing as large, arrives."""
    limits, transit = case.deployment.thresholds, loss.transit
    if transit.kind == "rtp":
        return transit.sent >= limits.one_way_packets and loss.percent > limits.loss_note_percent
    if transit.kind == "rtcp" or transit.lost < limits.dead_requests:
        return False
    if transit.kind == "stun" and connected(case, transit.leg):
        return False  # some other pair of candidates works
    handshake = best(case, transit.leg)
    if transit.kind == "dtls" and handshake is not None and handshake.state == "complete":
        return False
    return loss.everything or loss.oversized


# The share of packets after the first loss that must be lost for the stream to count as cut off there; a few
# may pass before the device drops all. A choice: with a smaller share, a bad line looks like a cut.
ALL_BUT_A_FEW = 0.95


def cut_off(case: Case, loss: Loss) -> float:
    """Return the seconds from the first loss to the stream's end if (almost) nothing arrives then; else 0."""
    row = _biggest(loss.transit)
    source = (row.from_capture, row.from_src_addr, row.from_src_port, row.from_dst_addr, row.from_dst_port)
    sent = [
        each
        for each in case.at_every_place.rtp_streams
        if (each.capture, each.src_addr, each.src_port, each.dst_addr, each.dst_port) == source
    ]
    if loss.transit.kind != "rtp" or not sent or row.first_lost is None:
        return 0.0
    ended = max(each.last_time for each in sent)
    lasted = (ended - min(each.first_time for each in sent)).total_seconds()
    silent = (ended - row.first_lost).total_seconds()
    expected = sum(each.packets or 0 for each in sent) * silent / lasted if lasted > 0 else 0.0
    return silent if expected and row.lost >= ALL_BUT_A_FEW * expected else 0.0


def counted(case: Case, loss: Loss) -> dict[str, Any]:
    """Return the facts of a loss for the templates of findings."""
    transit = loss.transit
    return {
        "what": _what(case, transit),
        "sender": sender(case, transit),
        "sent": transit.sent,
        "arrived": transit.arrived,
        "lost": transit.lost,
        "percent": loss.percent,
        "origin": transit.origin.name,
        "target": transit.target.name,
        "capture": transit.target.capture,
        "stretches": counts(loss.way),
        "first": transit.first_lost,
        "last": transit.last_lost,
        **_ends(_biggest(transit)),
    }


def counts(way: Iterable[Transit]) -> list[list[str | int]]:
    """Return the stretches as facts: (origin, target, arrived, sent) each."""
    return [[each.origin.name, each.target.name, each.arrived, each.sent] for each in way]


def _what(case: Case, transit: Transit) -> str:
    """Return the key in PASSING for what is lost; STUN without any response is Binding Requests."""
    if transit.kind != "stun":
        return transit.kind
    back = OPPOSITE[transit.direction]
    answers = any(
        row.response_frame is not None and (row.leg, row.direction) == (transit.leg, back)
        for row in case.at_every_place.bindings
    )
    return "stun" if answers or transit.direction == "other" else "binding_requests"


def sender(case: Case, transit: Transit) -> str | None:
    """Return the sending side; None if unknown, or if it is one of two phones."""
    if transit.direction == "other" or between_phones(case):
        return None
    return transit.direction.partition("_to_")[0]


def _biggest(transit: Transit) -> PassageRow:
    """Return the flow with the most lost packets."""
    return max(transit.flows, key=lambda row: row.lost)


def _ends(row: PassageRow) -> dict[str, str]:
    """Return sender and receiver as seen at the place nearer to the sender."""
    return {
        "source": endpoint(row.from_src_addr, row.from_src_port),
        "destination": endpoint(row.from_dst_addr, row.from_dst_port),
    }


def proof(transit: Transit) -> Evidence:
    """Return evidence in the capture nearer to the sender, from the first lost packet on."""
    row = _biggest(transit)
    origin_evidence = evidence(row)
    return Evidence(origin_evidence.capture, origin_evidence.frames, row.first_lost or origin_evidence.time)
