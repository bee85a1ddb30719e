"""Media goes to an address that was neither offered nor checked."""

from collections.abc import Iterator
from dataclasses import replace

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.hops import strays
from postproc.diagnose.evidence.media import both_may_send, both_ways, sections, talks
from postproc.model.addresses import alternatives, endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import RtpStreamRow
from postproc.model.text import Text

TITLE = Text(
    "Media goes to {target}, which nobody offered on leg {number}.",
    "Medien gehen an {target}, das auf Leg {number} niemand angeboten hat.",
)
TITLE_CANDIDATE = Text(
    "Media go to {target} on leg {number}, a candidate that did not prove to work: {packets} packets from {source}.",
    "Medien gehen auf Leg {number} an {target}, einen Kandidaten, der sich nicht bewährt hat: {packets} Pakete von {source}.",
)
DETAIL = Text(
    "{packets} packets from {source}; the SDP says {offered}.",
    "{packets} Pakete von {source}; im SDP steht {offered}.",
)

UNHEARD = Text(
    "{heard} sends to {source} meanwhile and gets nothing from there; {host} never sends anything itself.",
    "{heard} sendet währenddessen an {source} und bekommt von dort nichts; {host} sendet selbst nie etwas.",
)

UNNAMED = Text(
    "{heard} sends to {source} meanwhile and gets nothing from there; {host}, which nobody named, had sent {few} packets.",
    "{heard} sendet währenddessen an {source} und bekommt von dort nichts; {host}, das niemand genannt hat, hatte {few} Pakete gesendet.",
)


NOBODY_THERE = Text(
    "{heard} sends to {source} meanwhile and gets nothing back: nothing ever comes from {target}.",
    "{heard} sendet währenddessen an {source} und bekommt nichts zurück: Von {target} kommt nie etwas.",
)
FOR_RTCP = Text(
    "That is the port next to the one named, where RTCP belongs (RFC 3550, section 11).",
    "Das ist der Port neben dem genannten; dorthin gehört RTCP (RFC 3550, Abschnitt 11).",
)
UNCHECKED = Text(
    "It is a candidate with which no check succeeded; those with {heard} did, and media belong on that pair.",
    "Es ist ein Kandidat, mit dem kein Check gelang; die mit {heard} gelangen, und die Medien gehören auf dieses Paar.",
)


def find(case: Case) -> Iterator[Finding]:
    for row in strays(case):
        offered = {(c.addr, c.port) for c in case.candidates if c.leg == row.leg}
        target = row.dst_addr, row.dst_port
        if target not in _described(case, row.leg) or target in offered:
            yield _astray(case, row)  # one that SDP names is told by another rule
    for talk in talks(case):
        if any(row.leg == talk.leg for row in strays(case)):
            continue
        if both_ways(case, talk.leg) or not both_may_send(case, talk.leg):
            continue
        known = _known(case, talk.leg)
        for row in case.rtp_streams:
            target = (row.dst_addr, row.dst_port)
            enough = row.leg == talk.leg and (row.packets or 0) >= case.deployment.thresholds.one_way_packets
            if enough and known and target not in known:
                yield _finding(case, talk.leg, row)


def _described(case: Case, leg: int | None) -> set[tuple[str | None, int | None]]:
    ends: set[tuple[str | None, int | None]] = {(s.connection_addr, s.port) for s in sections(case, leg)}
    return ends.union(*(alternatives(section.alternatives) for section in sections(case, leg)))


def _known(case: Case, leg: int | None) -> set[tuple[str | None, int | None]]:
    """Return the legitimate targets of media: described, offered, checked, or seen as a source (NAT)."""
    targets = _described(case, leg)
    targets |= {(c.addr, c.port) for c in case.candidates if c.leg == leg}
    targets |= {(c.related_addr, c.related_port) for c in case.candidates if c.leg == leg}
    targets |= {(row.src_addr, row.src_port) for row in case.bindings if row.leg == leg}
    targets |= {(row.src_addr, row.src_port) for row in case.rtp_streams if row.leg == leg}
    targets |= {(row.base_addr, row.base_port) for row in case.nat_mappings if row.leg == leg}
    return targets | {(row.mapped_addr, row.mapped_port) for row in case.nat_mappings if row.leg == leg}


def _astray(case: Case, row: RtpStreamRow) -> Finding:
    found = _finding(case, row.leg, row)
    arriving = (
        each
        for each in case.rtp_streams
        if (each.capture, each.dst_addr, each.dst_port) == (row.capture, row.src_addr, row.src_port)
        and each.last_time > row.first_time
    )
    heard = max(arriving, key=lambda each: each.packets or 0)
    few = sum(each.packets or 0 for each in case.rtp_streams if each.src_addr == row.dst_addr)
    facts = {
        **found.facts,
        "heard": endpoint(heard.src_addr, heard.src_port),
        "host": row.dst_addr,
        "few": few,
    }
    target = row.dst_addr, row.dst_port
    checked = any(c.leg == row.leg and (c.addr, c.port) == target for c in case.candidates)
    if row.dst_addr == heard.src_addr or checked:
        rtcp = (row.dst_addr, (row.dst_port or 0) - 1) in _described(case, row.leg)
        why = (NOBODY_THERE, *((UNCHECKED,) if checked else (FOR_RTCP,) if rtcp else ()))
    else:
        why = (UNNAMED if few else UNHEARD,)
    return replace(
        found,
        title=TITLE_CANDIDATE if checked else found.title,
        confidence=0.8,
        detail=why if checked else (DETAIL, *why),
        facts=facts,
        evidence=evidence(row, heard),
        tags=frozenset({"pair" if checked else "astray"}),
    )


def _finding(case: Case, leg: int | None, row: RtpStreamRow) -> Finding:
    facts: dict[str, object] = {
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
    despite_media=True,
    summary=Text("Media on an unexpected path", "Medien auf unerwartetem Pfad"),
    claim=Text(
        "RTP is sent to an address that neither SDP nor checks named, and audio is not heard both ways or its hearer is left out.",
        "RTP geht an eine Adresse, die weder SDP noch Checks genannt haben, und Audio kommt nicht in beiden Richtungen an, oder wer es hören soll, geht leer aus.",
    ),
    causes=(
        cause(
            "The sender takes the address from elsewhere than c= and m=: from o=, from the SIP message, or from packets of"
            " somebody else that came to its port (port latching).",
            "Der Absender nimmt die Adresse nicht aus c= und m=, sondern aus o=, aus der SIP-Nachricht oder von fremden Paketen,"
            " die an seinem Port ankamen (Port-Latching).",
            tag="astray",
        ),
        cause(
            "{source} takes the first candidate or the one in c= for its media, and not the pair that the checks chose; or it changed over"
            " too late.",
            "{source} nimmt für seine Medien den ersten Kandidaten oder den aus c= und nicht das Paar, das die Checks ergeben haben; oder es"
            " wechselte zu spät.",
            tag="pair",
        ),
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
            "Look at {source} for how it learns the address (rtpengine: trust-address, port-latching, strict-source), and let only"
            " the other side's packets come to its ports.",
            "Auf {source} nachsehen, woher die Adresse stammt (rtpengine: trust-address, port-latching, strict-source), und an dessen"
            " Ports nur Pakete der Gegenseite zulassen.",
            tag="astray",
        ),
        remedy(
            "Update {source}; until then have the other side offer only candidates that {source} reaches.",
            "{source} aktualisieren; bis dahin die andere Seite nur Kandidaten anbieten lassen, die {source} erreicht.",
            tag="pair",
        ),
        remedy(
            "In FreeSWITCH: rtp-auto-adjust and its log line “Auto Changing audio port” say where the address comes from.",
            "In FreeSWITCH: rtp-auto-adjust und die Logzeile „Auto Changing audio port“ zeigen, woher die Adresse kommt.",
            tag="astray",
            product="freeswitch",
        ),
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
