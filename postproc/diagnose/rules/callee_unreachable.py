"""The server has no contact for the called party: not registered, or the app not woken in time."""

import re
from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.server import LOGGED, LONGEST
from postproc.diagnose.evidence.signalling import q850, refusal
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "{callee} could not be reached: the server answers {answer} without asking the other side.",
    "{callee} war nicht erreichbar: Der Server antwortet {answer}, ohne die Gegenstelle zu fragen.",
)
ABSENT = Text(
    "Its Reason says that the subscriber is absent (Q.850 cause 20), {after_ms:0} ms after the INVITE.",
    "Der Reason-Header nennt den Teilnehmer abwesend (Q.850-Ursache 20), {after_ms:0} ms nach dem INVITE.",
)
SETTLE = Text(
    "the server's registrations at that time, or its log, show whether the device was registered.",
    "Die Registrierungen des Servers zu diesem Zeitpunkt oder sein Log zeigen, ob das Gerät angemeldet war.",
)

SUBSCRIBER_ABSENT = 20  # ITU-T Q.850, 2.2.7
STATUSES = frozenset({404, 410, 480, 503})
UNREGISTERED = re.compile(r"USER_NOT_REGISTERED|SUBSCRIBER_ABSENT")  # FreeSWITCH's names for it


def find(case: Case) -> Iterator[Finding]:
    refused = refusal(case, STATUSES)
    if refused is None or refused.asked_on:
        return
    lines = [row for row in case.log_events if UNREGISTERED.search(row.text or "")]
    absent = q850(refused.response.reason_header) == SUBSCRIBER_ABSENT
    if not (lines or absent):
        return  # a party that is away sends 480 itself, an everyday response
    facts: dict[str, object] = {
        "callee": case.call.to_user or "–",
        "answer": refused.phrase,
        "after_ms": refused.after_ms,
        "line": (lines[0].text or "")[:LONGEST] if lines else None,
    }
    detail = [text for text, holds in ((ABSENT, absent), (LOGGED, bool(lines))) if holds]
    yield Finding(
        RULE.name,
        "fault" if lines else "suspect",
        0.9 if lines else 0.8,
        evidence(refused.invite, refused.response),
        TITLE,
        tuple(detail),
        facts,
        None if lines else SETTLE,
        leg=refused.leg.leg,
    )


RULE = Rule(
    code="SIP006",
    name="callee-unreachable",
    stage="sip",
    breaks="registration",
    summary=Text("Called party not registered", "Angerufener nicht registriert"),
    claim=Text(
        "The server refuses a call by itself because the called device is not registered.",
        "Der Server lehnt einen Anruf selbst ab, weil das angerufene Gerät nicht registriert ist.",
    ),
    causes=(
        cause(
            "The app was closed or asleep, and the push that should wake it came too late or never.",
            "Die App war geschlossen oder im Ruhezustand, und der Push, der sie wecken soll, kam zu spät oder gar nicht.",
        ),
        cause(
            "The registration had expired: network change, or a NAT that forgot the connection.",
            "Die Registrierung war abgelaufen: Netzwechsel, oder ein NAT hat die Verbindung vergessen.",
        ),
        cause(
            "The number leads to a user who has no device.",
            "Die Rufnummer führt zu einem Benutzer ohne Gerät.",
        ),
    ),
    remedies=(
        remedy(
            "Look up the registrations of {callee} at that time, and the expiry that was granted.",
            "Die Registrierungen von {callee} zu diesem Zeitpunkt und die gewährte Gültigkeit nachsehen.",
        ),
        remedy(
            "Check the push service: token, certificate, battery optimisation of the phone.",
            "Den Push-Dienst prüfen: Token, Zertifikat, Akku-Optimierung des Telefons.",
        ),
    ),
    references=("RFC 3261, section 21.4.18", "ITU-T Q.850, section 2.2.7"),
    known_problems=Text(
        "A device that is switched off on purpose looks the same.",
        "Ein absichtlich ausgeschaltetes Gerät sieht genauso aus.",
    ),
    find=find,
)
