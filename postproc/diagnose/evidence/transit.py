"""What is lost between two places of a call, and how far the captures there prove it.

A packet that the farther capture does not show was lost on the way to it, if that capture would have shown
it. It would where it shows others of the same direction; where it lacks packets that were answered, it
loses some itself, and nobody can tell.
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
from postproc.model.transit import Transit, transits

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


class Loss(NamedTuple):
    """Packets of one kind and direction that are lost between two places."""

    transit: Transit
    way: tuple[Transit, ...]  # all stretches that packets of this kind and direction pass
    beside: tuple[Transit, ...]  # what else passes the same stretch in this direction, this among it
    sees: bool  # the farther capture shows packets of the call
    unanswered: bool  # they are checks, and nobody answers one of this direction
    leaks: bool  # the farther capture lacks packets that were answered: it loses some itself
    returning: int  # packets of the other direction that pass the stretch, on this leg

    @property
    def everything(self) -> bool:
        return self.transit.arrived == 0

    @property
    def percent(self) -> float:
        return 100 * self.transit.lost / self.transit.sent

    @property
    def hears(self) -> bool:
        """The farther capture shows other packets of this direction."""
        return any(each.arrived for each in self.beside)

    @property
    def certain(self) -> bool:
        """The farther capture would show what arrives, or its machine would answer it."""
        return (self.hears or (self.sees and self.unanswered)) and not self.leaks

    @property
    def one_way(self) -> bool:
        """Nothing passes in this direction of the media's path, and something in the other."""
        return self.everything and self.returning > 0 and self.transit.kind in PATH

    @property
    def smallest_lost(self) -> int | None:
        return min((row.smallest_lost for row in self.transit.flows if row.smallest_lost), default=None)

    @property
    def largest_arrived(self) -> int | None:
        """Of all that takes the same path: signalling goes to another machine than media do."""
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
        """Only datagrams larger than all that arrive are lost, and small ones do arrive."""
        smallest, largest = self.smallest_lost, self.largest_arrived
        return smallest is not None and largest is not None and smallest > max(ALWAYS_PASSES, largest)


# Every host takes IPv4 packets of 576 bytes (RFC 791, section 3.1): no path in use is narrower. With a higher
# limit narrow tunnels go unnamed; with a lower one packets lost by chance are taken for large ones.
ALWAYS_PASSES = 576


def losses(case: Case) -> list[Loss]:
    """What is lost between two places, along the way, and may be felt."""
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
    """Captures that lack requests which were answered: what they do not show may have passed them."""
    lacking = [row.capture for row in case.at_every_place.bindings if row.outcome == "response_only"]
    return {name for name in lacking if lacking.count(name) >= ENOUGH}


def _matters(case: Case, loss: Loss) -> bool:
    """RTP is felt by the share that is lost, all else where nothing of it arrives, or nothing as large."""
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


# Of what is sent after the first loss so much has to be lost for the stream to break off there: a few percent
# are sent before the device that drops them has made up its mind. With less, a bad line is taken for a cut.
ALL_BUT_A_FEW = 0.95


def cut_off(case: Case, loss: Loss) -> float:
    """For how many seconds nothing of a stream arrives any more, to its end; 0 where some of it does."""
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
    """What the sentences on a loss name."""
    transit = loss.transit
    return {
        "what": _what(case, transit),
        "sender": sender(transit),
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
    """The stretches as a finding's facts have them: (origin, target, arrived, sent) each."""
    return [[each.origin.name, each.target.name, each.arrived, each.sent] for each in way]


def _what(case: Case, transit: Transit) -> str:
    """What is lost, as a word of the vocabulary: STUN packets without one response are Binding Requests."""
    if transit.kind != "stun":
        return transit.kind
    back = OPPOSITE[transit.direction]
    answers = any(
        row.response_frame is not None and (row.leg, row.direction) == (transit.leg, back)
        for row in case.at_every_place.bindings
    )
    return "stun" if answers or transit.direction == "other" else "binding_requests"


def sender(transit: Transit) -> str | None:
    """The side that sends it; None where that cannot be told."""
    return None if transit.direction == "other" else transit.direction.partition("_to_")[0]


def _biggest(transit: Transit) -> PassageRow:
    """The flow of which most is lost."""
    return max(transit.flows, key=lambda row: row.lost)


def _ends(row: PassageRow) -> dict[str, str]:
    """Sender and receiver as the place nearer to the sender shows them."""
    return {
        "source": endpoint(row.from_src_addr, row.from_src_port),
        "destination": endpoint(row.from_dst_addr, row.from_dst_port),
    }


def proof(transit: Transit) -> Evidence:
    """In the capture nearer to the sender, from the first that is lost on."""
    row = _biggest(transit)
    seen = evidence(row)
    return Evidence(seen.capture, seen.frames, row.first_lost or seen.time)
