"""A device on the path rewrites SIP: two captures of one message differ."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import media_ok
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text
from postproc.model.transit import Alteration, Rewritten, alterations, spots

TITLE = Text(
    "SIP is rewritten between {origin:word} and {target:word}: {what} of the same {message} is {here} at the one and"
    " {there} at the other.",
    "SIP wird zwischen {origin:word} und {target:word} umgeschrieben: {what} derselben Nachricht {message} ist am einen"
    " Punkt {here} und am anderen {there}.",
)
DETAIL = Text(
    "{capture} (frame {frame}) and {other_capture} (frame {other_frame}) hold the same message (Call-ID, CSeq and"
    " branch), but not the same text.",
    "{capture} (Frame {frame}) und {other_capture} (Frame {other_frame}) enthalten dieselbe Nachricht (Call-ID, CSeq und"
    " Branch), aber nicht denselben Text.",
)
LINES = Text(
    "Rewritten in {count:message|messages}: {lines:8}.",
    "Umgeschrieben in {count:Nachricht|Nachrichten}: {lines:8}.",
)
MEDIA = Text(
    "The description names another place for the media than its author did, and media do not come both ways.",
    "Die Beschreibung nennt für die Medien einen anderen Ort als ihr Verfasser, und Medien kommen nicht in beiden"
    " Richtungen an.",
)


def find(case: Case) -> Iterator[Finding]:
    altered: dict[tuple[str, str], list[Alteration]] = {}
    for each in alterations(case):
        altered.setdefault((each.message.capture, each.other.capture), []).append(each)
    for same_change in altered.values():
        yield _finding(case, same_change)


def _finding(case: Case, changes: list[Alteration]) -> Finding:
    described = [each for each in changes if each.in_description]
    example = (described or changes)[0]
    line = next((line for line in example.lines if line.what.startswith("SDP")), example.lines[0])
    harmful = bool(described) and not media_ok(case)
    names = {spot.capture: spot.name for spot in spots(case)}
    message, other = example.message, example.other
    return Finding(
        RULE.name,
        "fault" if harmful else "suspect",
        0.9 if harmful else 0.8,
        evidence(message, other),
        TITLE,
        (DETAIL, LINES, MEDIA) if harmful else (DETAIL, LINES),
        {
            "origin": names.get(message.capture, message.capture),
            "target": names.get(other.capture, other.capture),
            "what": line.what,
            "message": example.name,
            "here": line.here,
            "there": line.there,
            "capture": message.capture,
            "frame": message.frame,
            "other_capture": other.capture,
            "other_frame": other.frame,
            "count": len(changes),
            "lines": [f"{each.what} {each.here} → {each.there}" for each in _every_line(changes)],
        },
        leg=case.leg_of.get(message.call_id),
    )


def _every_line(changes: list[Alteration]) -> list[Rewritten]:
    """Return each difference once, however many messages show it."""
    return list(dict.fromkeys(line for each in changes for line in each.lines))


RULE = Rule(
    code="NAT008",
    name="sip-alg",
    stage="sdp",
    breaks="unaltered_sip",
    summary=Text("SIP ALG", "SIP-ALG"),
    claim=Text(
        "A router on the way changes addresses inside SIP messages.",
        "Ein Router auf dem Weg ändert Adressen in SIP-Nachrichten.",
    ),
    causes=(
        cause("A SIP ALG in a router or firewall.", "Ein SIP-ALG in Router oder Firewall."),
        cause(
            "A session border controller or proxy that does so on purpose.",
            "Ein Session Border Controller oder Proxy, der das absichtlich tut.",
        ),
    ),
    remedies=(
        remedy(
            "Switch off the SIP ALG, or use another port than 5060 or TLS.",
            "Das SIP-ALG abschalten oder einen anderen Port als 5060 oder TLS verwenden.",
        ),
    ),
    references=("RFC 3261, section 8.1.1.8", "RFC 3261, section 16.6"),
    known_problems=Text(
        "It needs the same message in two captures; one capture alone does not prove an ALG.",
        "Nötig ist dieselbe Nachricht in zwei Mitschnitten; einer allein beweist kein ALG.",
    ),
    find=find,
)
