"""The parties share no codec, or no keying method: offer/answer (RFC 3264) fails."""

from collections.abc import Iterator
from typing import Any

from postproc.diagnose.evidence import declined, unnamed
from postproc.diagnose.evidence.case import Case, evidence, found_by
from postproc.diagnose.evidence.media import media_ok
from postproc.diagnose.evidence.packing import packed_otherwise
from postproc.diagnose.evidence.server import BY_LOG, NO_CODEC, codec_matched, media_refused, quoted
from postproc.diagnose.evidence.signalling import (
    INCOMPATIBLE,
    Negotiated,
    Rejection,
    disjoint,
    negotiated,
    phrase,
    q850,
    refused_offer,
    rejection,
    shown,
    well_known,
)
from postproc.diagnose.rules import candidates_rejected_by_acl, offer_without_candidates, srtp_not_agreed
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import SdpMediaRow
from postproc.model.statuses import UNSUITED
from postproc.model.text import Text

UNSUPPORTED_BODY = 415  # RFC 3261, section 21.4.13

DISJOINT = Text(
    "No common codec: {offerer} offers {offered}, {answerer} answers with {answered}.",
    "Kein gemeinsamer Codec: {offerer} bietet {offered} an, {answerer} antwortet mit {answered}.",
)
STRIPPED = Text(
    "No codec is left: {offerer} offers {offered}, and the answer from {answerer} has formats beside audio only (events, noise).",
    "Kein Codec ist übrig: {offerer} bietet {offered} an, und die Antwort von {answerer} hat nur Formate neben dem Audio (Events,"
    " Rauschen).",
)
PASSED_ON = Text(
    "{refuser} refuses the media offered by the server ({offered}): {answer}.",
    "{refuser} lehnt die vom Server angebotenen Medien ({offered}) ab: {answer}.",
)
AT_ONCE = Text(
    "No common codec: {refuser} refuses an offer of {offered} with {answer}.",
    "Kein gemeinsamer Codec: {refuser} lehnt ein Angebot von {offered} mit {answer} ab.",
)
PROFILE = Text(
    "{refuser} refuses the offer with {answer}: probably its media profile {proto} does not fit.",
    "{refuser} lehnt das Angebot mit {answer} ab: Vermutlich passt das Medienprofil {proto} nicht.",
)
NOTHING_SHARED = Text(
    "Offer and answer of this leg have no audio codec in common, though an answer may only choose"
    " from what was offered.",
    "Angebot und Antwort dieses Legs haben keinen Audio-Codec gemeinsam, obwohl eine Antwort nur aus dem"
    " Angebotenen wählen darf.",
)
ENDED = Text("The call then fails with {answer}.", "Der Anruf scheitert daraufhin mit {answer}.")
CAUSE_88 = Text(
    "Reason says Q.850 cause 88, incompatible destination.",
    "Im Reason-Header steht Q.850-Ursache 88, inkompatibles Ziel.",
)
UNUSUAL = Text(
    "Of the codecs that nearly every server knows (PCMA, PCMU, G722, Opus) none is offered.",
    "Von den Codecs, die fast jeder Server kennt (PCMA, PCMU, G722, Opus), wird keiner angeboten.",
)
USUAL = Text(
    "A usual codec is offered ({offered}) and no candidates, so neither is the likely reason.",
    "Ein üblicher Codec wird angeboten ({offered}) und keine Kandidaten: An beidem liegt es eher nicht.",
)
PASSED = Text(
    "The server passes this refusal on to the caller.",
    "Der Server gibt diese Ablehnung an den Anrufer weiter.",
)
BY_WARNING = Text("It says why: Warning {warning}.", "Es nennt den Grund: Warning {warning}.")
UNSHARED = frozenset({"unshared"})

# Rules that explain other problems of the offer, for which FreeSWITCH logs CODEC NEGOTIATION ERROR too.
NEARER = (candidates_rejected_by_acl.RULE, offer_without_candidates.RULE, srtp_not_agreed.RULE)


def find(case: Case) -> Iterator[Finding]:
    refused = rejection(case)
    findings = list(_disjoint(case, refused))
    if not findings and refused is not None and refused.status in UNSUITED:
        findings = list(_refused(case, refused))
    yield from findings or [
        *declined.declined(RULE.name, case),
        *unnamed.never_named(RULE.name, case),
        *unnamed.no_longer_named(RULE.name, case),
        *packed_otherwise(RULE.name, case),
    ]


def _disjoint(case: Case, refused: Rejection | None) -> Iterator[Finding]:
    """Yield findings on legs whose answer has no codec of the offer; certain if the call failed because of it."""
    for leg in {each.call_id: each for each in case.legs}.values():
        pair = negotiated(case, leg.call_id)
        if pair is None or not disjoint(*pair) or media_ok(case) is True:
            continue
        failed = refused is not None and refused.status in UNSUITED
        hung_up = q850(leg.end_reason) == INCOMPATIBLE
        details = [NOTHING_SHARED, *([ENDED] if failed else []), *([CAUSE_88] if hung_up else [])]
        facts = _pair(case, pair) | ({"answer": refused.phrase} if refused else {})
        sure = failed or hung_up
        proof = evidence(pair.offer, pair.answer, refused.response if refused else None)
        yield Finding(
            RULE.name,
            "fault" if sure else "suspect",
            0.95 if sure else 0.6,
            proof,
            DISJOINT if facts["answered"] else STRIPPED,
            tuple(details),
            facts,
            None if sure else declined.SETTLE,
            leg=leg.leg,
            tags=UNSHARED,
        )


def _pair(case: Case, pair: Negotiated) -> dict[str, Any]:
    by = {(row.capture, row.frame, row.call_id): row.src_addr for row in case.sip_messages}
    offerer, answerer = (by.get((row.capture, row.frame, row.call_id)) for row in pair)
    return {
        "offerer": offerer,
        "answerer": answerer,
        "refuser": answerer,
        "offered": shown(pair.offer),
        "answered": shown(pair.answer),
    }


def _refused(case: Case, refused: Rejection) -> Iterator[Finding]:
    """Yield a finding on a refusal without an answer: from the log, else the likely reason."""
    if found_by(case, *NEARER):
        return
    offer = refused_offer(case, refused)
    if offer is None:
        return
    _, audio = offer
    facts = {
        "refuser": refused.origin.src_addr,
        "answer": phrase(refused.origin.status, refused.origin.reason),
        "offered": shown(audio),
        "proto": audio.proto,
        "warning": refused.warning,
    }
    proof = evidence(refused.invite, refused.origin, refused.response)
    leg = next((each.leg for each in case.legs if each.call_id == refused.origin.call_id), None)
    if lines := media_refused(case, refused.leg.call_id):
        title = AT_ONCE if lines[0].row.text.startswith(NO_CODEC) else PROFILE
        facts["log"] = quoted(lines)
        yield Finding(RULE.name, "fault", 0.9, proof, title, (BY_LOG,), facts, leg=leg, tags=UNSHARED)
    elif refused.of_codecs:
        title = AT_ONCE if refused.origin is refused.response else PASSED_ON
        yield Finding(RULE.name, "fault", 0.85, proof, title, (BY_WARNING,), facts, leg=leg, tags=UNSHARED)
    elif not codec_matched(case, refused.leg.call_id) and (guess := _guess(case, refused, audio)) is not None:
        title, why = guess
        detail = (why, CAUSE_88) if refused.cause == INCOMPATIBLE else (why,)
        yield Finding(
            RULE.name, "suspect", 0.6, proof, title, detail, facts, declined.SETTLE, leg=leg, tags=UNSHARED
        )


def _guess(case: Case, refused: Rejection, audio: SdpMediaRow) -> tuple[Text, Text] | None:
    """Return the likely reason and its evidence; None if the capture leaves it open."""
    if refused.origin.status not in UNSUITED or not shown(audio):
        return None
    if not well_known(audio):
        return AT_ONCE, UNUSUAL
    if refused.origin is not refused.response:
        return PASSED_ON, PASSED
    if refused.origin.status == UNSUPPORTED_BODY:
        return None  # it refuses the type of the body, not what the body offers
    if refused.own(case) and not any(row.call_id == refused.leg.call_id for row in case.candidates):
        return PROFILE, USUAL
    return None


RULE = Rule(
    code="SDP004",
    name="no-common-codec",
    stage="sdp",
    breaks="codec",
    summary=Text("No common codec", "Kein gemeinsamer Codec"),
    claim=Text(
        "What one party offers for media the other does not accept: no codec, or no media profile, in common; or media comes"
        " in a codec that nobody named, or its receiver no longer names, or in two payload formats of one codec.",
        "Was eine Seite für Medien anbietet, nimmt die andere nicht an: kein gemeinsamer Codec oder kein gemeinsames Medienprofil;"
        " oder Medien kommen in einem Codec, den niemand genannt hat oder der Empfänger nicht mehr nennt, oder in zwei Payload-Formaten"
        " eines Codecs.",
    ),
    causes=(
        cause(
            "One side knows only one of the payload formats of AMR and does not say so, or a server between drops or rewrites a=fmtp.",
            "Eine Seite kennt nur eines der Payload-Formate von AMR und sagt es nicht, oder ein Server dazwischen lässt a=fmtp weg oder"
            " ändert es.",
            tag="packed",
        ),
        cause(
            "The codec lists of server and gateway, or server and client, have nothing in common, or a relay strips the codecs.",
            "Die Codec-Listen von Server und Gateway oder von Server und Client haben nichts gemeinsam, oder ein Relay entfernt die"
            " Codecs.",
            tag="unshared",
        ),
        cause(
            "One party answers with a codec that was not offered (a fault of its own).",
            "Eine Seite antwortet mit einem Codec, der nicht angeboten wurde (ihr eigener Fehler).",
            tag="unshared",
        ),
        unnamed.CAUSE,
        unnamed.OUTDATED_CAUSE,
        declined.CAUSE,
        cause(
            "One side demands encrypted media (SAVP, SAVPF), the other offers it unencrypted (AVP), or the reverse.",
            "Eine Seite verlangt verschlüsselte Medien (SAVP, SAVPF), die andere bietet sie unverschlüsselt (AVP) an, oder umgekehrt.",
            tag="unshared",
        ),
    ),
    remedies=(
        remedy(
            "Set the same octet-align on both sides, or offer both formats under two numbers, or use another codec (G.711) on this leg.",
            "octet-align auf beiden Seiten gleich einstellen oder beide Formate unter zwei Nummern anbieten oder auf diesem Leg einen"
            " anderen Codec (G.711) verwenden.",
            tag="packed",
        ),
        unnamed.OUTDATED_REMEDY,
        remedy(
            "Allow a codec on both legs that all parties know; G.711 A-law (PCMA) is nearly always one.",
            "Auf beiden Legs einen Codec zulassen, den alle Beteiligten können; G.711 A-law (PCMA) ist es fast immer.",
            tag="unshared",
        ),
        remedy(
            "Compare the codec settings of trunk, gateway and server in the order of the offer seen here.",
            "Codec-Einstellungen von Trunk, Gateway und Server mit dem hier gezeigten Angebot vergleichen.",
            tag="unshared",
        ),
        remedy(
            "Compare the settings for encryption (SRTP) on both sides.",
            "Die Einstellungen zur Verschlüsselung (SRTP) auf beiden Seiten vergleichen.",
            tag="unshared",
        ),
        remedy(
            "FreeSWITCH: see inbound-codec-prefs, outbound-codec-prefs and absolute_codec_string of profile and gateway.",
            "FreeSWITCH: inbound-codec-prefs, outbound-codec-prefs und absolute_codec_string von Profil und Gateway prüfen.",
            tag="unshared",
            product="freeswitch",
        ),
    ),
    references=("RFC 3264, section 6.1", "RFC 3261, section 21.4.26", "ITU-T Q.850, cause 88"),
    known_problems=Text(
        "A refusal names no codec: without an answer to compare with, a Warning header, or the server's log, the rule is"
        " only a suspicion.",
        "Eine Ablehnung nennt keinen Codec: Ohne Antwort zum Vergleich, Warning-Header oder Log des Servers ist die Regel"
        " nur ein Verdacht.",
    ),
    find=find,
    despite_media=True,
)
