"""Checks are answered, but with an error."""

from collections import Counter
from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.diagnose.evidence.paths import (
    EITHER_WAY,
    TO_CLIENT,
    TO_SERVER,
    checks,
    receiver,
    requests,
    sender,
)
from postproc.model.enumerations import Direction
from postproc.model.findings import Advice, Finding, Rule
from postproc.model.text import Text

TITLE = Text(
    "Binding Requests are answered with error {code}{meaning} ({errors} of {sent}).",
    "Binding Requests werden mit Fehler {code}{meaning} beantwortet ({errors} von {sent}).",
)
NO_CODE = Text(
    "Binding Requests are answered with an error ({errors} of {sent}).",
    "Binding Requests werden mit einem Fehler beantwortet ({errors} von {sent}).",
)
WHO = Text(
    "The {peer:word} refuses the {side:word}'s requests.",
    "Requests vom {side:word} werden vom {peer:word} abgelehnt.",
)
MEANING = {
    400: "Bad Request", 401: "Unauthenticated", 403: "Forbidden", 420: "Unknown Attribute",
    438: "Stale Nonce", 487: "Role Conflict", 500: "Server Error",
}  # fmt: skip


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        if connected(case, leg):
            continue
        for way in (TO_CLIENT, TO_SERVER, EITHER_WAY):
            sent = checks(case, way, leg)
            refused = sent.of("error")
            if refused and not sent.answered:
                code = Counter(row.error_code for row in refused).most_common(1)[0][0]
                many = requests(refused) >= case.deployment.thresholds.dead_requests
                yield Finding(
                    RULE.name, "fault" if many else "suspect", 0.9 if many else 0.6, evidence(*refused),
                    NO_CODE if code is None else TITLE, () if way == EITHER_WAY else (WHO,),
                    {"errors": len(refused), "sent": sent.sent, **_named(code), **_sides(way)}, leg=leg,
                    tags=frozenset({str(code)}),
                )  # fmt: skip


def _named(code: int | None) -> dict[str, object]:
    meaning = MEANING.get(code or 0)
    return {"code": code, "meaning": f" ({meaning})" if meaning else ""}


def _sides(way: Direction) -> dict[str, str]:
    return {} if way == EITHER_WAY else {"side": sender(way), "peer": receiver(way)}


RULE = Rule(
    code="ICE004",
    name="binding-error",
    stage="stun",
    summary=Text("Binding error", "Binding-Fehler"),
    claim=Text(
        "The other side receives the Binding Requests and refuses them all.",
        "Die andere Seite erhält die Binding Requests und lehnt sie alle ab.",
    ),
    causes=(
        Advice(Text(
            "Wrong ufrag or password: an old SDP, an answer of another fork, or two applications on one port.",
            "Falsches ufrag oder Passwort: ein altes SDP, die Antwort eines anderen Forks oder zwei Anwendungen an einem Port.",
        ), tag="401"),
        Advice(Text(
            "Both sides take the same role, and the conflict is never resolved.",
            "Beide Seiten nehmen dieselbe Rolle ein, und der Konflikt wird nie aufgelöst.",
        ), tag="487"),
        Advice(Text(
            "The request is malformed or was changed on its way, for instance by an ALG.",
            "Der Request ist fehlerhaft oder wurde unterwegs verändert, zum Beispiel von einem ALG.",
        ), tag="400"),
        Advice(Text(
            "The versions of both sides do not go together.",
            "Die Versionen beider Seiten passen nicht zusammen.",
        )),
    ),
    remedies=(
        Advice(Text(
            "Compare the ufrag in USERNAME with a=ice-ufrag of the latest SDP of both sides.",
            "Das ufrag in USERNAME mit a=ice-ufrag im letzten SDP beider Seiten vergleichen.",
        ), tag="401"),
        Advice(Text(
            "Update the side that ignores the answer 487.",
            "Die Seite aktualisieren, die die Antwort 487 ignoriert.",
        ), tag="487"),
        Advice(Text(
            "Switch off SIP and STUN ALGs in routers and firewalls.",
            "SIP- und STUN-ALGs in Routern und Firewalls abschalten.",
        )),
    ),
    references=("RFC 8489, section 14.8", "RFC 8445, section 7.2.5.1"),
    known_problems=Text(
        "Errors before the first success are ordinary while roles settle; then the rule is silent.",
        "Fehler vor dem ersten Erfolg sind üblich, solange sich die Rollen finden; dann schweigt die Regel.",
    ),
    find=find,
    follows=("first-leg-missing",),
)  # fmt: skip
