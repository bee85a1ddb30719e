"""Between two places, packets of one direction pass and all of the other are lost."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.transit import LEAKS, SETTLE, Loss, counted, losses, proof, sender
from postproc.model.findings import Finding, Rule, Variant, cause, remedy
from postproc.model.text import Text

SIDED = Text(
    "Between {origin:word} and {target:word} only one direction passes: all {sent} {what:word} from the"
    " {sender:word} are lost.",
    "Zwischen {origin:word} und {target:word} kommt nur eine Richtung durch: Alle {sent} {what:word} des"
    " {sender:word}s gehen verloren.",
)
TITLE = Text(
    "Between {origin:word} and {target:word} only one direction passes: all {sent} {what:word} from {source} to"
    " {destination} are lost.",
    "Zwischen {origin:word} und {target:word} kommt nur eine Richtung durch: Alle {sent} {what:word} von {source} an"
    " {destination} gehen verloren.",
)
BACK = Text(
    "{returning:packet of the other direction arrives|packets of the other direction arrive}. Arrived on the way of"
    " the lost ones: {stretches:way}.",
    "{returning:Paket der Gegenrichtung kommt|Pakete der Gegenrichtung kommen} an. Angekommen auf dem Weg der"
    " verlorenen: {stretches:way}.",
)
UNANSWERED = Text(
    "They would have been answered had they arrived: no answer to them is seen at {target:word} either.",
    "Wären sie angekommen, wären sie beantwortet worden: Auch am Punkt {target:word} ist keine Antwort darauf zu sehen.",
)
UNHEARD = Text(
    "{capture} shows no packet of this direction at all: it may be that it recorded the other one only.",
    "{capture} zeigt gar kein Paket dieser Richtung: Womöglich wurde dort nur die andere aufgezeichnet.",
)


def find(case: Case) -> Iterator[Finding]:
    for loss in losses(case):
        if loss.one_way and not loss.oversized:
            yield _finding(case, loss)


def _finding(case: Case, loss: Loss) -> Finding:
    transit = loss.transit
    detail = [BACK]
    if loss.leaks:
        detail.append(LEAKS)
    elif loss.unanswered:
        detail.append(UNANSWERED)
    elif not loss.hears:
        detail.append(UNHEARD)
    return Finding(
        RULE.name,
        "cannot_tell" if loss.leaks else "fault" if loss.certain else "suspect",
        0.5 if loss.leaks else 0.9 if loss.certain else 0.7,
        proof(transit),
        SIDED if sender(case, transit) else TITLE,
        tuple(detail),
        counted(case, loss) | {"returning": loss.returning},
        None if loss.certain else SETTLE,
        leg=transit.leg,
        tags=frozenset({transit.kind}),
    )


RULE = Rule(
    code="NET002",
    name="one-direction-between",
    stage="stun",
    variants={
        "stun": Variant("stun", "stun_transit"),
        "dtls": Variant("dtls", "dtls_transit"),
        "rtp": Variant("media", "rtp_transit"),
    },
    from_absence=True,
    despite_media=True,
    summary=Text("One direction between two places", "Nur eine Richtung zwischen zwei Mitschnittpunkten"),
    claim=Text(
        "Between two places of the way packets of one direction arrive, and of the other none.",
        "Zwischen zwei Mitschnittpunkten kommen Pakete der einen Richtung an, von der anderen keines.",
    ),
    causes=(
        cause(
            "A firewall between the two lets packets pass in one direction only.",
            "Eine Firewall dazwischen lässt Pakete nur in einer Richtung durch.",
        ),
        cause(
            "A NAT has no mapping for what comes from outside: nothing was sent to that address and port before.",
            "Ein NAT hat für das, was von außen kommt, keine Zuordnung: An diese Adresse und diesen Port ging vorher"
            " nichts hinaus.",
        ),
        cause(
            "The way back takes another router, which does not know the connection.",
            "Der Rückweg führt über einen anderen Router, der die Verbindung nicht kennt.",
        ),
    ),
    remedies=(
        remedy(
            "Look at the devices between the two places: rules for this direction, NAT tables, drop counters.",
            "Die Geräte zwischen beiden Punkten prüfen: Regeln für diese Richtung, NAT-Tabellen, Verwurfszähler.",
        ),
        remedy(
            "Let UDP pass both ways between the media ports of both sides (server: {ports}).",
            "UDP in beiden Richtungen zwischen den Medien-Ports beider Seiten durchlassen (Server: {ports}).",
        ),
    ),
    references=("RFC 4787, sections 4.3 and 5", "RFC 8445, section 7"),
    known_problems=Text(
        "A capture that records one direction only looks alike; without proof the rule is only a suspicion.",
        "Ein Mitschnitt, der nur eine Richtung aufzeichnet, sieht genauso aus; ohne Beleg ist die Regel nur ein Verdacht.",
    ),
    find=find,
)
