"""Media goes to an address that was neither offered nor checked."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import both_may_send, both_ways, sections, talks
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import RtpStreamRow
from postproc.model.text import Text

TITLE = Text(
    "Media goes to {target}, which nobody offered on leg {number}.",
    "Medien gehen an {target}, das auf Leg {number} niemand angeboten hat.",
)
DETAIL = Text(
    "{packets} packets from {source}; the SDP says {offered}.",
    "{packets} Pakete von {source}; im SDP steht {offered}.",
)


def find(case: Case) -> Iterator[Finding]:
    for talk in talks(case):
        if both_ways(case, talk.leg) or not both_may_send(case, talk.leg):
            continue
        known = _known(case, talk.leg)
        for row in case.rtp_streams:
            target = (row.dst_addr, row.dst_port)
            enough = row.leg == talk.leg and (row.packets or 0) >= case.deployment.thresholds.one_way_packets
            if enough and known and target not in known:
                yield _finding(case, talk.leg, row)


def _known(case: Case, leg: int | None) -> set[tuple[str | None, int | None]]:
    """Return the legitimate targets of media: described, offered, checked, or seen as a source (NAT)."""
    targets: set[tuple[str | None, int | None]] = {(s.connection_addr, s.port) for s in sections(case, leg)}
    targets |= {(c.addr, c.port) for c in case.candidates if c.leg == leg}
    targets |= {(c.related_addr, c.related_port) for c in case.candidates if c.leg == leg}
    targets |= {(row.src_addr, row.src_port) for row in case.bindings if row.leg == leg}
    targets |= {(row.src_addr, row.src_port) for row in case.rtp_streams if row.leg == leg}
    targets |= {(row.base_addr, row.base_port) for row in case.nat_mappings if row.leg == leg}
    return targets | {(row.mapped_addr, row.mapped_port) for row in case.nat_mappings if row.leg == leg}


def _finding(case: Case, leg: int | None, row: RtpStreamRow) -> Finding:
    facts = {
        "number": leg,
        "packets": row.packets,
        "source": endpoint(row.src_addr, row.src_port),
        "target": endpoint(row.dst_addr, row.dst_port),
        "offered": [endpoint(s.connection_addr, s.port) for s in sections(case, leg)],
    }
    return Finding(RULE.name, "suspect", 0.7, evidence(row), TITLE, (DETAIL,), facts, leg=leg)


RULE = Rule(
    code="RTP005",
    name="media-on-unexpected-path",
    stage="media",
    breaks="media_path",
    summary=Text("Media on an unexpected path", "Medien auf unerwartetem Pfad"),
    claim=Text(
        "RTP is sent to an address that neither SDP nor checks named, and audio is not heard both ways.",
        "RTP geht an eine Adresse, die weder SDP noch Checks genannt haben, und Audio kommt nicht in beiden Richtungen an.",
    ),
    causes=(
        cause(
            "The sender keeps to an old SDP (re-INVITE, transfer).",
            "Der Absender hält sich an ein altes SDP (re-INVITE, Weiterleitung).",
        ),
        cause(
            "NAT or a media proxy on the way changes addresses, and the capture shows one side of it.",
            "NAT oder ein Medienproxy auf dem Weg ändert Adressen, und der Mitschnitt zeigt eine Seite davon.",
        ),
    ),
    remedies=(
        remedy(
            "Compare with the latest SDP of both sides; capture on the other side of the NAT.",
            "Mit dem letzten SDP beider Seiten vergleichen; auf der anderen Seite des NAT mitschneiden.",
        ),
    ),
    references=("RFC 3264", "RFC 4961"),
    known_problems=Text(
        "Symmetric RTP behind NAT is ordinary: an address that sends itself is not unexpected.",
        "Symmetrisches RTP hinter NAT ist üblich: Eine Adresse, die selbst sendet, ist nicht unerwartet.",
    ),
    find=find,
)
