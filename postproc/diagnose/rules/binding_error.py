"""Checks are answered with an error."""

from collections import Counter
from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.diagnose.evidence.paths import (
    EITHER_WAY,
    ROLE_CONFLICT,
    TO_CLIENT,
    TO_SERVER,
    checks,
    receiver,
    requests,
    sender,
)
from postproc.model.enumerations import Direction
from postproc.model.findings import Finding, Rule, cause, remedy
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
    400: "Bad Request",
    401: "Unauthenticated",
    403: "Forbidden",
    420: "Unknown Attribute",
    438: "Stale Nonce",
    500: "Server Error",
}


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        if connected(case, leg):
            continue
        for way in (TO_CLIENT, TO_SERVER, EITHER_WAY):
            sent = checks(case, way, leg)
            refused = sent.of("error")
            if refused and not sent.answered:
                code = Counter(row.error_code for row in refused).most_common(1)[0][0]
                if code == ROLE_CONFLICT:  # covered by ice-role-conflict
                    continue
                is_many = requests(refused) >= case.deployment.thresholds.dead_requests
                yield Finding(
                    RULE.name,
                    "fault" if is_many else "suspect",
                    0.9 if is_many else 0.6,
                    evidence(*refused),
                    NO_CODE if code is None else TITLE,
                    () if way == EITHER_WAY else (WHO,),
                    {"errors": len(refused), "sent": sent.sent, **_named(code), **_sides(way)},
                    leg=leg,
                    tags=frozenset({str(code)}),
                )


def _named(code: int | None) -> dict[str, object]:
    meaning = MEANING.get(code or 0)
    return {"code": code, "meaning": f" ({meaning})" if meaning else ""}


def _sides(way: Direction) -> dict[str, str]:
    return {} if way == EITHER_WAY else {"side": sender(way), "peer": receiver(way)}


RULE = Rule(
    code="ICE004",
    name="binding-error",
    stage="stun",
    breaks="credentials",
    summary=Text("Binding error", "Binding-Fehler"),
    claim=Text(
        "The other side receives the Binding Requests and refuses them all.",
        "Die andere Seite erhält die Binding Requests und lehnt sie alle ab.",
    ),
    causes=(
        cause(
            "Wrong ufrag or password: an old SDP, an answer of another fork, or two applications on one port.",
            "Falsches ufrag oder Passwort: ein altes SDP, die Antwort eines anderen Forks oder zwei Anwendungen an einem Port.",
            tag="401",
        ),
        cause(
            "The requests lack MESSAGE-INTEGRITY or USERNAME, which 400 says (RFC 8489, section 9.1.3): the application is not made for"
            " ICE of today, or an ALG removed them.",
            "Den Requests fehlt MESSAGE-INTEGRITY oder USERNAME, das besagt 400 (RFC 8489, Abschnitt 9.1.3): Die Anwendung ist nicht für"
            " heutiges ICE gemacht, oder ein ALG hat sie entfernt.",
            tag="400",
        ),
        cause(
            "The request is malformed or was changed on its way, for instance by an ALG.",
            "Der Request ist fehlerhaft oder wurde unterwegs verändert, zum Beispiel von einem ALG.",
            tag="400",
        ),
        cause(
            "The versions of both sides do not go together.",
            "Die Versionen beider Seiten passen nicht zusammen.",
        ),
    ),
    remedies=(
        remedy(
            "Compare the ufrag in USERNAME with a=ice-ufrag of the latest SDP of both sides.",
            "Das ufrag in USERNAME mit a=ice-ufrag im letzten SDP beider Seiten vergleichen.",
            tag="401",
        ),
        remedy(
            "Look in one request for MESSAGE-INTEGRITY and USERNAME (Wireshark); update the side that leaves them out, or switch its ICE off.",
            "In einem Request nach MESSAGE-INTEGRITY und USERNAME sehen (Wireshark); die Seite, die sie weglässt, aktualisieren oder"
            " ihr ICE abschalten.",
            tag="400",
        ),
        remedy(
            "Switch off SIP and STUN ALGs in routers and firewalls.",
            "SIP- und STUN-ALGs in Routern und Firewalls abschalten.",
        ),
    ),
    references=("RFC 8489, sections 9.1.3 and 14.8",),
    known_problems=Text(
        "Errors before the first success are ordinary; then the rule is silent. Error 487 belongs to ice-role-conflict.",
        "Fehler vor dem ersten Erfolg sind üblich; dann schweigt die Regel. Fehler 487 gehört zu ice-role-conflict.",
    ),
    find=find,
)
