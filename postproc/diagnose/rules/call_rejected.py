"""The call was refused with a final response that is not an everyday one."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from postproc.diagnose.evidence import browsers, credentials, own_failures, redirects
from postproc.diagnose.evidence.case import Case, evidence, found_by
from postproc.diagnose.evidence.q850 import CAUSES, NUMBER_CAUSES
from postproc.diagnose.evidence.signalling import Rejection, by_machine, phrase, rejection, uncalled_for
from postproc.diagnose.evidence.timers import in_ms
from postproc.diagnose.evidence.view import watched_after
from postproc.diagnose.rules import (
    ack_missing,
    answer_mismatch,
    callee_unreachable,
    candidates_rejected_by_acl,
    change_failed,
    dtls_alert,
    invite_rejected_by_acl,
    no_common_codec,
    no_response,
    offer_without_candidates,
    session_expired,
    session_interval_too_small,
    signalling_lost,
    srtp_not_agreed,
)
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import DtlsMessageRow
from postproc.model.statuses import CHALLENGES, TERMINATED
from postproc.model.text import Text

# These are more specific.
NEARER = (
    invite_rejected_by_acl.RULE,
    callee_unreachable.RULE,
    session_interval_too_small.RULE,
    srtp_not_agreed.RULE,
    candidates_rejected_by_acl.RULE,
    offer_without_candidates.RULE,
    no_common_codec.RULE,
)
# These say what a BYE was sent for.
OF_BYES = (
    ack_missing.RULE,
    answer_mismatch.RULE,
    change_failed.RULE,
    no_response.RULE,
    session_expired.RULE,
    signalling_lost.RULE,
)

BY_OTHER = Text(
    "The call was rejected by {who}, on the server's other leg: {answer}.",
    "Der Anruf wurde von {who} auf dem anderen Leg des Servers abgelehnt: {answer}.",
)
BY_PEER = Text("The call was rejected by {who}: {answer}.", "Der Anruf wurde von {who} abgelehnt: {answer}.")
AFTER = Text("It came {after_ms} ms after the INVITE.", "Die Antwort kam {after_ms} ms nach dem INVITE.")
LONG_AFTER = Text("It came {after_s} s after the INVITE.", "Die Antwort kam {after_s} s nach dem INVITE.")
PASSED_ON = Text(
    "The server passed it on to the caller as {passed}.",
    "Der Server gab sie als {passed} an den Anrufer weiter.",
)
ALONE = Text(
    "No other leg of this call is in the capture, so it cannot be told whether {who} decided by itself"
    " or passed on another's answer.",
    "Ein weiteres Leg dieses Anrufs ist nicht im Mitschnitt; ob {who} selbst entschied oder eine fremde"
    " Antwort weitergab, lässt sich daher nicht sagen.",
)
REASON = Text("Its Reason header: {reason}.", "Reason-Header der Antwort: {reason}.")
BY_ITSELF = Text(
    "No phone had rung, and by its words that is not a person who declines: {who} failed to set up the call.",
    "Es hatte kein Telefon geklingelt, und dem Wortlaut nach lehnt da niemand ab: {who} konnte den Anruf nicht aufbauen.",
)
WARNING = Text("Its Warning header: {warning}.", "Warning-Header der Antwort: {warning}.")

OFFERLESS = Text(
    "The INVITE came without SDP (delayed offer), which not every side takes.",
    "Der INVITE kam ohne SDP (Delayed Offer); das nimmt nicht jede Seite an.",
)
AFTER_ALERT = Text(
    "A DTLS alert (frame {alert_frame}) had ended the handshake {alert_ms} ms before: the refusal follows from it.",
    "{alert_ms} ms davor hatte ein DTLS-Alert (Frame {alert_frame}) den Handshake beendet: Die Ablehnung folgt daraus.",
)

# FreeSWITCH ends a call within 30 ms of an alert (502 with Q.850 cause 27). A third of this would still do; with
# three times, a user's own refusal some seconds later is attributed to the alert.
GIVEN_UP = timedelta(seconds=1)

A_SECOND_MS = 1000  # from which on seconds are said
# Kinds of refusal, which select advice.
KINDS: Mapping[int, str] = {
    401: "credentials",
    407: "credentials",
    403: "forbidden",
    404: "number",
    410: "number",
    484: "number",
    604: "number",
    408: "timeout",
    504: "timeout",
    415: "media",
    488: "media",
    606: "media",
    TERMINATED: "gave-up",
    **dict.fromkeys((482, 483), "loop"),
    **dict.fromkeys((420, 421), "extension"),
    own_failures.PRECONDITION: "bearer",
    **dict.fromkeys((400, 405, 406, 413, 414, 416, 493, 501, 505, 513), "message"),
    **dict.fromkeys((428, 433, 436, 437, 438, 607, 608), "identity"),  # RFC 8224, 5079, 8197, 8688
}
# 415, 488 and 606 refuse something in the offer, and no more specific rule sees what: the status is not the cause.
UNEXPLAINED = 0.8


def find(case: Case) -> Iterator[Finding]:
    yield from own_failures.refused_onward(RULE.name, case, _of_status)
    yield from own_failures.cancelled(RULE.name, case)
    yield from redirects.in_circles(RULE.name, case)
    if not found_by(case, signalling_lost.RULE):  # then the answer had no way to the caller
        yield from own_failures.kept_back(RULE.name, case)
    yield from (found for found in own_failures.dropped(RULE.name, case) if not found_by(case, *OF_BYES))
    refused = rejection(case)
    if refused is None or found_by(case, *NEARER):
        return
    title, verdict, sure = _claim(case, refused)
    lacks = _lacks_of_browsers(case, refused)
    facts, detail = _facts(refused, lacks), list(_details(case, refused, lacks))
    alert = _alert(case, refused)
    if alert is not None:
        verdict = "note"  # the alert is the cause, and has its own rule
        detail.append(AFTER_ALERT)
        before = refused.origin.time - alert.time
        facts |= {"alert_frame": alert.frame, "alert_ms": round(in_ms(before))}
    yield Finding(
        RULE.name,
        verdict,
        sure,
        evidence(refused.invite, refused.origin, refused.response),
        title,
        tuple(detail),
        facts,
        leg=refused.leg.leg,
        tags=_tags(case, refused, lacks),
    )


def _tags(case: Case, refused: Rejection, lacks: Sequence[str]) -> frozenset[str]:
    if _offerless(refused):
        return frozenset({"offerless"})
    if lacks:
        return frozenset({"browser"})
    return frozenset({_kind(case, refused), *(["digest"] if credentials.digest(refused) else [])})


def _alert(case: Case, refused: Rejection) -> DtlsMessageRow | None:
    """Return the alert that broke a handshake of the call just before the refusal, except close_notify; or None."""
    if not found_by(case, dtls_alert.RULE):
        return None
    time = refused.origin.time
    alerts = (row for row in case.dtls_messages if row.alert is not None and row.alert != "close_notify")
    return next((row for row in alerts if time - GIVEN_UP <= row.time <= time), None)


def _claim(case: Case, refused: Rejection) -> tuple[Text, Verdict, float]:
    if credentials.missing(case, refused):
        ended = watched_after(case, refused.response.time) < case.deployment.thresholds.too_short_seconds
        return credentials.UNANSWERED, "cannot_tell" if ended else "suspect", 0.6
    if credentials.unaccepted(case, refused):
        return credentials.REFUSED, "fault", 0.9
    title = BY_PEER if refused.origin is refused.response else BY_OTHER
    if by_machine(refused) or uncalled_for(refused):
        return title, "suspect", 0.7
    if _kind(case, refused) == "media":
        return title, "fault", UNEXPLAINED
    return (title, "suspect", 0.9) if _number(refused) else (title, "fault", 0.95)


def _number(refused: Rejection) -> bool:
    """Whether the dialed number does not exist: mistyped by the caller, or composed wrongly."""
    return refused.cause in NUMBER_CAUSES or KINDS.get(refused.origin.status or 0) == "number"


def _details(case: Case, refused: Rejection, lacks: Sequence[str]) -> Iterator[Text]:
    yield AFTER if refused.after_ms < A_SECOND_MS else LONG_AFTER
    if refused.origin is not refused.response:
        yield PASSED_ON
    elif _alone(case, refused):
        yield ALONE
    if _offerless(refused):
        yield OFFERLESS
    if credentials.digest(refused):
        yield credentials.UNKNOWN_DIGEST
    if refused.cause is not None and refused.cause in CAUSES:
        yield CAUSES[refused.cause]
    elif refused.response.reason_header:
        yield REASON
    if by_machine(refused):
        yield BY_ITSELF
    if uncalled_for(refused):
        yield own_failures.UNCALLED_FOR
    if lacks:
        yield browsers.LACKING
    if refused.warning:
        yield WARNING


def _offerless(refused: Rejection) -> bool:
    """Whether an INVITE without an offer is refused as a message, or for what it says of media."""
    kind = KINDS.get(refused.status)
    return kind in ("message", "media", "extension") and not (
        refused.invite.has_sdp or refused.invite.cut_short
    )


def _alone(case: Case, refused: Rejection) -> bool:
    """Whether the refusal may come from a leg that is not captured."""
    own = refused.own(case) or refused.status in CHALLENGES or credentials.unaccepted(case, refused)
    return len(case.numbers) == 1 and not own


def _lacks_of_browsers(case: Case, refused: Rejection) -> list[str]:
    """Return what a browser that refuses the offer misses in it."""
    for_media = by_machine(refused) or _of_status(refused.status) == "media"
    return browsers.lacks(case, refused) if for_media else []


def _facts(refused: Rejection, lacks: Sequence[str]) -> dict[str, Any]:
    return {
        "who": refused.origin.src_addr,
        "answer": phrase(refused.origin.status, refused.origin.reason),
        "passed": refused.phrase,
        "after_ms": refused.after_ms,
        "after_s": refused.after_ms / 1000,
        "reason": refused.response.reason_header,
        "warning": refused.warning,
        "cause": refused.cause,
        "digest": credentials.digest(refused),
        "lacks": lacks,
    }


def _kind(case: Case, refused: Rejection) -> str:
    if credentials.missing(case, refused):
        return "no-credentials"
    if refused.status in CHALLENGES or credentials.unaccepted(case, refused):
        return "credentials"
    return "server" if by_machine(refused) else _of_status(refused.origin.status or refused.status)


def _of_status(status: int) -> str:
    return KINDS.get(status, "server" if status // 100 == 5 else "other")


RULE = Rule(
    code="SIP002",
    name="call-rejected",
    stage="sip",
    breaks="call",
    summary=Text("Call rejected", "Anruf abgelehnt"),
    claim=Text(
        "The INVITE got a final failure that is neither busy nor cancelled nor declined; on the onward leg, too, where the"
        " server answered the caller itself. Or a side ends the call for a failure of its own, by CANCEL or BYE with such a Reason; or the callee's answer never reaches the caller.",
        "Der INVITE wurde endgültig abgelehnt, und zwar weder als besetzt noch abgebrochen noch vom Angerufenen; auch auf dem"
        " weiterführenden Leg, wo der Server dem Anrufer selbst geantwortet hat. Oder eine Seite beendet den Anruf wegen eines eigenen"
        " Fehlers, per CANCEL oder BYE mit einem solchen Reason; oder die Annahme des Angerufenen erreicht den Anrufer nie.",
    ),
    causes=(
        *credentials.CAUSES,
        cause(
            "The caller may not make this call: blocked number, missing permission, unknown caller ID.",
            "Der Anrufer darf diesen Anruf nicht führen: gesperrte Rufnummer, fehlende Berechtigung, unbekannte Absendernummer.",
            tag="forbidden",
        ),
        cause(
            "The number does not exist there, or it arrives in a format that is not understood.",
            "Die Rufnummer gibt es dort nicht, oder sie kommt in einem Format an, das nicht verstanden wird.",
            tag="number",
        ),
        cause(
            "The next hop did not answer in time: not reachable, overloaded, or its answers are lost.",
            "Die nächste Station antwortete nicht rechtzeitig: nicht erreichbar, überlastet, oder ihre Antworten gehen verloren.",
            tag="timeout",
        ),
        cause(
            "The media offered do not suit that side: codec, encryption or candidates.",
            "Die angebotenen Medien passen dieser Seite nicht: Codec, Verschlüsselung oder Kandidaten.",
            tag="media",
        ),
        browsers.CAUSE,
        own_failures.KEPT_BACK_CAUSE,
        own_failures.UNCALLED_FOR_CAUSE,
        own_failures.RADIO_CAUSE,
        own_failures.NO_ANSWER_CAUSE,
        redirects.CAUSE,
        cause(
            "The call comes back to a server that has passed it on already: two routes point at each other, or an unknown"
            " number goes to a default route.",
            "Der Anruf kommt zu einem Server zurück, der ihn schon weitergegeben hat: Zwei Routen zeigen aufeinander, oder"
            " eine unbekannte Rufnummer geht an eine Standardroute.",
            tag="loop",
        ),
        cause(
            "One side demands an extension of SIP that the other does not know (Require: 100rel, timer, precondition).",
            "Eine Seite verlangt eine SIP-Erweiterung, die die andere nicht kennt (Require: 100rel, timer, precondition).",
            tag="extension",
        ),
        cause(
            "The resources that the preconditions want (curr:qos, des:qos; in mobile networks a dedicated bearer) were not granted to"
            " {who}.",
            "Die Ressourcen, die die Vorbedingungen verlangen (curr:qos, des:qos; im Mobilnetz ein Dedicated Bearer), wurden {who}"
            " nicht gewährt.",
            tag="bearer",
        ),
        cause(
            "A header or the body of the INVITE is not what that side takes: malformed, too large, of another content type, or"
            " rewritten on the way (SIP ALG).",
            "Ein Header oder der Inhalt des INVITE entspricht nicht dem, was diese Seite annimmt: fehlerhaft, zu groß, von einem"
            " anderen Inhaltstyp oder unterwegs verändert (SIP-ALG).",
            tag="message",
        ),
        cause(
            "{who} cannot handle an INVITE without SDP: it expects the offer there.",
            "{who} beherrscht keinen INVITE ohne SDP: Es erwartet das Angebot schon dort.",
            tag="offerless",
        ),
        cause(
            "That side does not take the caller's identity: number withheld, signature missing or invalid (STIR), or the caller"
            " is blocked.",
            "Diese Seite nimmt die Identität des Anrufers nicht an: Rufnummer unterdrückt, Signatur fehlt oder ist ungültig"
            " (STIR), oder der Anrufer ist gesperrt.",
            tag="identity",
        ),
        cause(
            "The server that answered has a fault of its own, or the destination behind it is not available.",
            "Der antwortende Server hat selbst eine Störung, oder das Ziel hinter ihm ist nicht verfügbar.",
            tag="server",
        ),
    ),
    remedies=(
        remedy(
            "Look in the core network why no bearer was set up (Rx, PCRF, packet filters), or switch preconditions off in the phone.",
            "Im Kernnetz nachsehen, warum kein Bearer entstand (Rx, PCRF, Paketfilter), oder Vorbedingungen im Telefon abschalten.",
            tag="bearer",
        ),
        browsers.REMEDY,
        own_failures.KEPT_BACK_REMEDY,
        own_failures.UNCALLED_FOR_REMEDY,
        own_failures.RADIO_REMEDY,
        own_failures.NO_ANSWER_REMEDY,
        redirects.REMEDY,
        remedy(
            "Look at the log of the machine that answered first, at the time given here.",
            "Das Log des Systems ansehen, das zuerst abgelehnt hat, zur hier genannten Zeit.",
        ),
        *credentials.REMEDIES,
        remedy(
            "Have the caller's side offer in the INVITE (early offer; CUCM and Genesys: a setting of the trunk).",
            "Die anrufende Seite schon im INVITE anbieten lassen (Early Offer; bei CUCM und Genesys eine Einstellung des Trunks).",
            tag="offerless",
        ),
        remedy(
            "Compare the number in the Request-URI with the format that the other side expects.",
            "Die Rufnummer in der Request-URI mit dem Format vergleichen, das die Gegenseite erwartet.",
            tag="number",
        ),
        remedy(
            "Compare the INVITE with one that this side takes: headers that are doubled or missing, Content-Type, length (fewer codecs, or"
            " TCP), scheme of the URI (sip:, sips:, tel:).",
            "Den INVITE mit einem vergleichen, den diese Seite annimmt: doppelte oder fehlende Header, Content-Type, Länge (weniger"
            " Codecs oder TCP), Schema der URI (sip:, sips:, tel:).",
            tag="message",
        ),
        remedy(
            "Show a number that belongs to this trunk (P-Asserted-Identity), have the provider sign the calls, or have the number unblocked.",
            "Eine Rufnummer dieses Trunks anzeigen (P-Asserted-Identity), die Anrufe vom Provider signieren oder die Rufnummer entsperren"
            " lassen.",
            tag="identity",
        ),
        remedy(
            "Switch the extension that is required off at the side that demands it.",
            "Die verlangte Erweiterung auf der Seite abschalten, die sie fordert.",
            tag="extension",
        ),
        remedy(
            "Give the time and the Call-ID to whoever runs the trunk or the gateway.",
            "Dem Betreiber des Trunks oder Gateways Zeit und Call-ID nennen.",
        ),
    ),
    references=("RFC 3261, section 21", "RFC 3326", "ITU-T Q.850"),
    known_problems=Text(
        "Busy, not available, declined and cancelled calls (480, 486, 487, 600, 603) are not reported, unless the server made that"
        " answer of another failure behind it.",
        "Besetzt, nicht erreichbar, abgewiesen und abgebrochen (480, 486, 487, 600, 603) werden nicht gemeldet, außer wenn der"
        " Server diese Antwort aus einem anderen Fehler dahinter gemacht hat.",
    ),
    find=find,
)
