"""A router or host reports by ICMP that checks or media cannot be delivered."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from postproc.diagnose.evidence.case import OTHER, Case, at_one_place, evidence
from postproc.diagnose.evidence.icmp import kind, undelivered
from postproc.diagnose.evidence.media import connected, due
from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER, checks, closing, sender
from postproc.model.addresses import addr_class, endpoint
from postproc.model.enumerations import Direction
from postproc.model.findings import Finding, Rule, Variant, cause, remedy
from postproc.model.icmp import TOO_LARGE
from postproc.model.rows import IcmpErrorRow, RtpStreamRow
from postproc.model.text import Text

TITLE = Text(
    "{reporter} reports by ICMP: {what} for {target} ({count:Binding Request|Binding Requests}).",
    "{reporter} meldet per ICMP: {what} für {target} ({count:Binding Request|Binding Requests}).",
)
MEDIA = Text(
    "{reporter} reports by ICMP: {what} for the RTP to {target} ({count:time|times} in {seconds:0} s).",
    "{reporter} meldet per ICMP: {what} für das RTP an {target} ({count}-mal in {seconds:0} s).",
)
UNHEARD = Text(
    "What {source} sends on leg {number} ({packets} packets) has not been delivered since {since:clock}.",
    "Was {source} auf Leg {number} sendet ({packets} Pakete), wird seit {since:clock} nicht zugestellt.",
)
NO_MAPPING = Text(
    "The report comes from the asked address itself: the NAT there is reached,"
    " but it has no open port for packets from the {side:word}.",
    "Die Meldung kommt von der angefragten Adresse selbst: Das NAT dort wird erreicht,"
    " hat aber für Pakete vom {side:word} keinen offenen Port.",
)
NO_LISTENER = Text(
    "The report comes from the asked address itself: the host is reached, but nothing listens on that port.",
    "Die Meldung kommt von der angefragten Adresse selbst: Der Host wird erreicht, aber auf dem Port lauscht nichts.",
)
REFUSES = Text(
    "The report comes from the asked address itself: the machine or NAT there is reached,"
    " but takes no packets of this sender on that port.",
    "Die Meldung kommt von der angefragten Adresse selbst: Der Host oder das NAT dort wird erreicht,"
    " nimmt auf dem Port aber keine Pakete dieses Absenders an.",
)
ROUTER = Text(
    "The report comes from a router on the way.",
    "Die Meldung kommt von einem Router auf dem Weg.",
)
PROHIBITED = ("network prohibited", "host prohibited", "communication administratively prohibited")

# Hosts send one report per second to one destination (RFC 1812, section 4.3.2.8), however many packets they drop.
# A lower limit accuses a port that opens a moment late, or a stream that has just been redirected.
REPORTS = 3
LASTING = timedelta(seconds=3)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        if connected(case, leg):
            continue
        for way in (TO_CLIENT, TO_SERVER):
            sent = checks(case, way, leg)
            reports = _reports(case, {row.transaction_id for row in sent.rows if row.outcome != "success"})
            if reports and not sent.answered:
                yield _finding(case, leg, way, reports)
    for stream in case.rtp_streams:
        refused = _refused(case, stream)
        if refused and not _led_elsewhere(case, stream):
            yield _of_media(case, stream, refused)


def _refused(case: Case, stream: RtpStreamRow) -> list[IcmpErrorRow]:
    """Return the reports about a stream while both sides may send, if they last to its end or that of the phase.

    On hold, while ringing and after the call, closed ports are normal.
    """
    flow = (stream.src_addr, stream.src_port, stream.dst_addr, stream.dst_port)
    reports = undelivered(case, flow)
    closed = closing(case, stream.leg) if reports else None
    if closed is not None and (closed.src_addr, closed.src_port) == flow[2:]:
        reports = [row for row in reports if row.time < closed.time]
    for phase in due(case, stream.leg) if reports else ():
        if phase.started is None or phase.ended is None:
            continue
        within = [row for row in reports if phase.started <= row.time <= phase.ended]
        until = min(stream.last_time, phase.ended)
        if (
            len(within) >= REPORTS
            and within[-1].time - within[0].time >= LASTING
            and until - within[-1].time < LASTING
        ):
            return within
    return []


def _led_elsewhere(case: Case, stream: RtpStreamRow) -> bool:
    """Whether the sender switched to another address, or sends to several, of which one may work."""
    return any(
        row.ssrc == stream.ssrc
        and row.last_time > stream.first_time + LASTING
        and (row.src_addr, row.src_port) == (stream.src_addr, stream.src_port)
        and (row.dst_addr, row.dst_port) != (stream.dst_addr, stream.dst_port)
        for row in case.rtp_streams
    )


def _of_media(case: Case, stream: RtpStreamRow, reports: list[IcmpErrorRow]) -> Finding:
    facts, tags, sentences = _said_by(case, reports)
    facts |= {
        "source": endpoint(stream.src_addr, stream.src_port),
        "number": stream.leg,
        "packets": stream.packets,
        "seconds": (reports[-1].time - reports[0].time).total_seconds(),
        "since": reports[0].time,
        "side": stream.src_side or OTHER,
    }
    return Finding(
        RULE.name,
        "fault",
        0.85,
        evidence(*reports, stream),
        MEDIA,
        (UNHEARD, *sentences),
        facts,
        leg=stream.leg,
        tags=frozenset({*tags, "media"}),
    )


def _reports(case: Case, transaction_ids: set[str]) -> list[IcmpErrorRow]:
    return at_one_place(
        row
        for row in case.icmp_errors
        if row.transaction_id in transaction_ids and kind(row) not in TOO_LARGE
    )


def _finding(case: Case, leg: int | None, way: Direction, reports: list[IcmpErrorRow]) -> Finding:
    facts, tags, sentences = _said_by(case, reports)
    return Finding(
        RULE.name,
        "fault",
        0.9,
        evidence(*reports),
        TITLE,
        sentences,
        facts | {"side": sender(way)},
        leg=leg,
        tags=frozenset({*tags, "checks"}),
    )


def _said_by(
    case: Case, reports: Sequence[IcmpErrorRow]
) -> tuple[dict[str, Any], set[str], tuple[Text, ...]]:
    """Return facts, reporter kinds (tags) and sentences for the most frequent report."""
    (reporter, error), count = Counter((row.reporter, kind(row)) for row in reports).most_common(1)[0]
    first = next(row for row in reports if (row.reporter, kind(row)) == (reporter, error))
    itself = reporter == first.dst_addr
    tags = {"prohibited"} if error in PROHIBITED else _itself(case, reporter) if itself else {"router"}
    facts = {
        "reporter": reporter,
        "what": error,
        "target": endpoint(first.dst_addr, first.dst_port),
        "count": count,
        "reporter_class": addr_class(reporter),
    }
    return facts, tags, tuple(_said(tags, itself=itself))


def _itself(case: Case, reporter: str) -> set[str]:
    """Return what the target address is by the candidates: a NAT, a host, or both if they are unknown."""
    kinds = {row.type for row in case.candidates if row.addr == reporter}
    if not kinds:
        return {"nat", "host"}
    return {"host"} if "host" in kinds else {"nat"}


def _said(tags: set[str], *, itself: bool) -> Iterator[Text]:
    if not itself:
        yield ROUTER
    elif "prohibited" not in tags:
        yield REFUSES if len(tags) > 1 else NO_MAPPING if "nat" in tags else NO_LISTENER


RULE = Rule(
    code="ICE006",
    name="icmp-unreachable",
    stage="stun",
    variants={"checks": Variant("stun", "delivery"), "media": Variant("media", "rtp_transit")},
    despite_media=True,
    summary=Text("ICMP: unreachable", "ICMP: nicht erreichbar"),
    claim=Text(
        "ICMP errors answer the Binding Requests or the media, and say who refuses them and why.",
        "ICMP-Fehler beantworten die Binding Requests oder die Medien und sagen, wer sie abweist und warum.",
    ),
    causes=(
        cause(
            "The NAT at {reporter} has no mapping for packets from this sender: the other side has not sent to it,"
            " or has sent to another address or port than these come from.",
            "Das NAT an {reporter} hat keine Zuordnung für Pakete dieses Absenders: Die Gegenseite hat ihm nichts gesendet"
            " oder an eine andere Adresse oder einen anderen Port, als die Pakete kommen.",
            tag="nat",
        ),
        cause(
            "Nothing listens on that port there (any more).",
            "Dort lauscht nichts (mehr) auf diesem Port.",
            tag="host",
        ),
        cause(
            "The router {reporter} knows no route to the address.",
            "Der Router {reporter} kennt keine Route zu der Adresse.",
            tag="router",
        ),
        cause(
            "The firewall {reporter} forbids it.", "Die Firewall {reporter} verbietet es.", tag="prohibited"
        ),
    ),
    remedies=(
        remedy(
            "Check that the sender's NAT keeps address and port: packets must leave from the address offered in SDP.",
            "Prüfen, ob das NAT des Absenders Adresse und Port beibehält: Pakete müssen von der im SDP angebotenen Adresse kommen.",
            tag="nat",
        ),
        remedy(
            "Forward the server's media ports ({ports}) one to one.",
            "Die Medien-Ports des Servers ({ports}) eins zu eins weiterleiten.",
            tag="nat",
        ),
        remedy(
            "Add the route, or allow the traffic, at {reporter}.",
            "An {reporter} die Route ergänzen oder den Verkehr freigeben.",
            tag="router",
        ),
        remedy(
            "Allow UDP from and to the server's media ports ({ports}) at {reporter}.",
            "UDP von und zu den Medien-Ports des Servers ({ports}) an {reporter} freigeben.",
            tag="prohibited",
        ),
        remedy(
            "Check why the application at {target} is gone: crashed, ended early, another port in use.",
            "Klären, warum die Anwendung an {target} nicht da ist: abgestürzt, zu früh beendet, anderer Port.",
            tag="host",
        ),
    ),
    references=("RFC 792", "RFC 4443", "RFC 8445, section 7.2.5.2.4"),
    known_problems=Text(
        "ICMP can be forged, and after hang-up it is ordinary; only reports that quote unanswered checks count, and of"
        " media those that go on for seconds while both sides may send.",
        "ICMP lässt sich fälschen und ist nach dem Auflegen üblich; es zählen nur Meldungen zu unbeantworteten Checks und"
        " zu Medien solche, die sekundenlang andauern, während beide Seiten senden dürfen.",
    ),
    find=find,
)
