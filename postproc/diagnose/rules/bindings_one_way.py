"""Checks are answered in one direction only, and there is no media."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER, checks, receiver, requests, sender
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "Bindings work one way only: the {side:word}'s requests are never answered ({lost} of {sent}).",
    "Bindings gelingen nur in einer Richtung: Requests des {side:word}s bleiben unbeantwortet ({lost} von {sent}).",
)
DETAIL = Text(
    "The {peer:word}'s own requests arrive and are answered ({answered} of {asked}),"
    " but nothing answers at {targets}.",
    "Requests des {peer:word}s kommen an und werden beantwortet ({answered} von {asked}),"
    " aber von {targets} kommt keine Antwort.",
)
SETTLE = Text(
    "a capture at the {peer:word} shows whether the requests arrive there or the answers are lost on the way back.",
    "Ein Mitschnitt am {peer:word} zeigt, ob die Requests dort ankommen oder die Antworten auf dem Rückweg verloren gehen.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        if connected(case, leg):
            continue
        for way, back in ((TO_CLIENT, TO_SERVER), (TO_SERVER, TO_CLIENT)):
            lost, good = checks(case, way, leg), checks(case, back, leg)
            if good.answered and lost.dead(case.deployment.thresholds):
                facts = {
                    "side": sender(way),
                    "peer": receiver(way),
                    "lost": requests(lost.silent),
                    "sent": requests(lost.rows),
                    "answered": good.answered,
                    "asked": good.sent,
                    "targets": [endpoint(*target) for target in lost.targets],
                }
                yield Finding(
                    RULE.name,
                    "fault",
                    0.9,
                    evidence(*lost.silent, *good.of("success")),
                    TITLE,
                    (DETAIL,),
                    facts,
                    SETTLE,
                    leg=leg,
                    tags=frozenset({sender(way)}),
                )


RULE = Rule(
    code="ICE003",
    name="bindings-one-way",
    stage="stun",
    breaks="path",
    from_absence=True,
    summary=Text("Bindings one way only", "Bindings nur in einer Richtung"),
    claim=Text(
        "One side's Binding Requests are answered, the other's never: the path carries one direction only.",
        "Die Binding Requests der einen Seite werden beantwortet, die der anderen nie: Der Pfad trägt nur eine Richtung.",
    ),
    causes=(
        cause(
            "A firewall lets packets through in one direction only.",
            "Eine Firewall lässt Pakete nur in einer Richtung durch.",
        ),
        cause(
            "The answers leave by another interface or with another source address than the requests came to.",
            "Die Antworten gehen über eine andere Netzwerkkarte oder mit anderer Absenderadresse hinaus, als die Requests ankamen.",
        ),
        cause(
            "The address that is asked is not the one the requests of that side come from (NAT with changing ports).",
            "Die angefragte Adresse ist nicht die, von der die Requests jener Seite kommen (NAT mit wechselnden Ports).",
        ),
    ),
    remedies=(
        remedy(
            "Capture on both sides at the same time and compare by transaction ID.",
            "Gleichzeitig auf beiden Seiten mitschneiden und nach Transaktions-ID vergleichen.",
        ),
        remedy(
            "Check that UDP from and to the server's media ports ({ports}) passes the firewall both ways.",
            "Prüfen, ob UDP von und zu den Medien-Ports des Servers ({ports}) in beiden Richtungen durch die Firewall kommt.",
        ),
        remedy(
            "Give the media server one network card, or set its routes so that answers leave where requests came in.",
            "Dem Medienserver nur eine Netzwerkkarte geben oder die Routen so setzen, dass Antworten dort hinausgehen, wo Requests ankommen.",
        ),
    ),
    references=("RFC 8445, section 7", "RFC 7675"),
    known_problems=Text(
        "A first request that only opens the path may stay unanswered in a good call; the rule is silent once a path works.",
        "Ein erster Request, der nur den Weg öffnet, darf auch im Gutfall unbeantwortet bleiben; funktioniert ein Pfad, schweigt die Regel.",
    ),
    find=find,
)
