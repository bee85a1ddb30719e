"""Checks are answered, but nobody starts the DTLS handshake."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import both_ways
from postproc.diagnose.evidence.paths import best, checks, secured, starter
from postproc.diagnose.evidence.view import end
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "DTLS never started: {answered} Binding Requests were answered, but no ClientHello followed in {seconds:0} s.",
    "DTLS hat nie begonnen: {answered} Binding Requests wurden beantwortet, aber in {seconds:0} s folgte kein ClientHello.",
)
WHO = Text(
    "By a=setup:active it is the {side:word}'s turn to begin.",
    "Nach a=setup:active müsste der {side:word} beginnen.",
)
NOBODY = Text(
    "No SDP says a=setup:active: both may be waiting.",
    "In keinem SDP steht a=setup:active: Womöglich warten beide.",
)


def find(case: Case) -> Iterator[Finding]:
    until = end(case)
    for leg in case.judged_legs:
        good = checks(case, leg=leg).of("success")
        handshake = best(case, leg)
        begun = handshake is not None and handshake.state != "none"
        if not good or begun or until is None or both_ways(case, leg) or not secured(case, leg):
            continue
        seconds = (until - good[0].time).total_seconds()
        if seconds >= case.deployment.thresholds.too_short_seconds:
            side = starter(case, leg)
            facts = {"answered": len(good), "seconds": seconds, "side": side}
            yield Finding(
                RULE.name,
                "fault" if side else "suspect",
                0.85 if side else 0.7,
                evidence(*good),
                TITLE,
                (WHO,) if side else (NOBODY,),
                facts,
                leg=leg,
                tags=frozenset({side or "nobody"}),
            )


RULE = Rule(
    code="DTLS001",
    name="dtls-not-started",
    stage="dtls",
    breaks="handshake_start",
    from_absence=True,
    summary=Text("DTLS not started", "DTLS nicht begonnen"),
    claim=Text(
        "The path is there, DTLS-SRTP is agreed, and no ClientHello is sent.",
        "Der Pfad ist da, DTLS-SRTP ist vereinbart, und es wird kein ClientHello gesendet.",
    ),
    causes=(
        cause(
            "Its own checks to the chosen candidate were not answered: FreeSWITCH from 1.10.11 on waits for that.",
            "Die eigenen Checks zum gewählten Kandidaten blieben unbeantwortet: FreeSWITCH ab 1.10.11 wartet darauf.",
            product="freeswitch",
            tag="server",
        ),
        cause(
            "Both sides wait for the other to begin: the roles in a=setup contradict each other.",
            "Beide Seiten warten auf die andere: Die Rollen in a=setup widersprechen sich.",
            tag="nobody",
        ),
        cause(
            "The ClientHello is lost on the sender's own machine or before the capture point.",
            "Der ClientHello geht auf dem Rechner des Absenders oder vor dem Mitschnittpunkt verloren.",
        ),
    ),
    remedies=(
        remedy("Capture on the side that has to begin.", "Auf der Seite mitschneiden, die beginnen muss."),
        remedy(
            "Find out why the server's own Binding Requests stay unanswered.",
            "Klären, warum die eigenen Binding Requests des Servers unbeantwortet bleiben.",
            tag="server",
        ),
    ),
    references=("RFC 5763, section 5", "RFC 8842, section 5"),
    known_problems=Text(
        "A capture that began after the handshake shows none; where media flows the rule is silent.",
        "Ein Mitschnitt, der nach dem Handshake begann, zeigt keinen; fließen Medien, schweigt die Regel.",
    ),
    find=find,
)
