"""The parties share no codec, or no keying method: offer/answer (RFC 3264) fails."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import audio, described, media_ok
from postproc.diagnose.evidence.negotiation import exchanges, formats, last_description
from postproc.diagnose.evidence.packing import packed_otherwise
from postproc.diagnose.evidence.server import NO_CODEC, codec_matched, media_refused, quoted
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
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import RtpStreamRow, SdpMediaRow
from postproc.model.text import Text

UNSUPPORTED_BODY = 415  # RFC 3261, section 21.4.13
REFUSALS = (UNSUPPORTED_BODY, 488, 606)
IN_FLIGHT = 1.0  # seconds within which media stop after an answer: packets under way, an ACK that comes late; a choice

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
DECLINED = Text(
    "{answerer} accepts the call on leg {number} without its audio: port 0 in the answer to an offer of {offered}.",
    "{answerer} nimmt den Anruf auf Leg {number} ohne Audio an: Port 0 in der Antwort auf ein Angebot von {offered}.",
)
TAKEN_OUT = Text(
    "{answerer} takes the audio out of leg {number} during the call: port 0 in the answer to a new offer of {offered}, and no media for"
    " {seconds:0} s.",
    "{answerer} nimmt das Audio während des Anrufs aus Leg {number} heraus: Port 0 in der Antwort auf ein neues Angebot mit {offered},"
    " und {seconds:0} s lang keine Medien.",
)
ACCEPTED = Text("What it does accept: {accepted}.", "Was angenommen wird: {accepted}.")
SILENT = Text("Nothing else is accepted either.", "Auch sonst wird nichts angenommen.")
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
BY_LOG = Text("The server's log says so: {log:2}.", "So steht es im Log des Servers: {log:2}.")
STRANGE = Text(
    "{source} sends payload type {kind} ({codec}) on leg {number}, {packets} packets, and no description of the leg names"
    " it (named: {agreed}).",
    "{source} sendet auf Leg {number} Payload-Typ {kind} ({codec}), {packets} Pakete, und keine Beschreibung des Legs nennt"
    " ihn (genannt: {agreed}).",
)
OUTDATED = Text(
    "{source} sends payload type {kind} ({codec}) to {target} for {seconds:0} s more, which the last description from there"
    " no longer names (named: {agreed}).",
    "{source} sendet noch {seconds:0} s lang Payload-Typ {kind} ({codec}) an {target}; die letzte Beschreibung von dort nennt"
    " ihn nicht mehr (genannt: {agreed}).",
)
NOT_NAMED = Text(
    "{source} sends payload type {kind} ({codec}) to {target}, which the description from there does not name"
    " (named: {agreed}).",
    "{source} sendet Payload-Typ {kind} ({codec}) an {target}; die Beschreibung von dort nennt ihn nicht"
    " (genannt: {agreed}).",
)
OTHERWISE = Text(
    "A sender uses the numbers of the receiver's last description (RFC 3264, section 5.1).",
    "Ein Absender verwendet die Nummern der letzten Beschreibung des Empfängers (RFC 3264, Abschnitt 5.1).",
)
HEARD = Text(
    "whether anything is heard at {target}: a receiver may know static payload types without being told.",
    "ob bei {target} etwas zu hören ist: Statische Payload-Typen kennt ein Empfänger womöglich auch ungesagt.",
)
NO_SPEECH = ("CN", "TELEPHONE-EVENT")  # of which a stream may consist for a while
UNSHARED = frozenset({"unshared"})
COMFORT_NOISE = 13  # many send it without offering it (RFC 3389, section 4)
SETTLE = Text(
    "the log of {refuser} says what it did not accept.",
    "Das Log von {refuser} zeigt, was nicht annehmbar war.",
)


# Rules that explain other problems of the offer, for which FreeSWITCH logs CODEC NEGOTIATION ERROR too.
NEARER = (candidates_rejected_by_acl, offer_without_candidates, srtp_not_agreed)


def find(case: Case) -> Iterator[Finding]:
    refused = rejection(case)
    findings = list(_disjoint(case, refused))
    if not findings and refused is not None and refused.status in REFUSALS:
        findings = list(_refused(case, refused))
    yield from findings or [
        *_declined(case),
        *_strange(case),
        *_outdated(case),
        *packed_otherwise(RULE.name, case),
    ]


def _declined(case: Case) -> Iterator[Finding]:
    """Find legs whose last answer refuses all audio (RFC 3264, section 6), with no fax in its place."""
    for leg in case.numbers:
        last = exchanges(case, leg)[-1:]
        if not last or not last[0].offer.audio.port:
            continue
        message = last[0].answer.message
        silent = _silent_since(case, leg, message.time) if last[0].offer.message.to_tag else None
        if media_ok(case) is True and (silent or 0) < case.deployment.thresholds.stopped_seconds:
            continue
        here = [row for row in case.sdp_media if (row.capture, row.frame) == (message.capture, message.frame)]
        accepted = [row.media for row in here if row.port and row.media is not None]
        if (message.status or 0) // 100 != 2 or "audio" in accepted or "image" in accepted:
            continue
        yield Finding(
            RULE.name,
            "suspect",
            0.7,
            evidence(last[0].offer.message, message),
            DECLINED if silent is None else TAKEN_OUT,
            (ACCEPTED if accepted else SILENT,),
            {
                "answerer": message.src_addr,
                "refuser": message.src_addr,
                "number": leg,
                "offered": shown(last[0].offer.audio),
                "accepted": accepted,
                "seconds": silent,
            },
            SETTLE,
            leg=leg,
            tags=frozenset({"declined", "unshared"}),
        )


def _silent_since(case: Case, leg: int | None, time: datetime) -> float | None:
    """Return the seconds from then to the end of a leg; None if it goes on with media, or its end is not seen."""
    ends = [row.end_time for row in case.legs if row.leg == leg and row.end_time is not None]
    spoken = any(
        row.leg == leg and (row.last_time - time).total_seconds() > IN_FLIGHT for row in case.rtp_streams
    )
    return None if spoken or not ends else (max(ends) - time).total_seconds()


def _strange(case: Case) -> Iterator[Finding]:
    """Yield findings on media with a payload type that no description of its leg names, so that it cannot be decoded."""
    for leg in case.numbers:
        offered_formats = [row.formats or "" for row in case.sdp_media if case.leg_of.get(row.call_id) == leg]
        agreed = {number for formats in offered_formats for number in formats.split(",")}
        if not described(case, leg) or not all(offered_formats):
            continue
        flows: dict[tuple[str, str, int], list[RtpStreamRow]] = {}  # a sender may change its SSRC
        for row in audio(case, leg):
            if row.payload_type not in (None, COMFORT_NOISE) and str(row.payload_type) not in agreed:
                source, target = endpoint(row.src_addr, row.src_port), endpoint(row.dst_addr, row.dst_port)
                flows.setdefault((source, target, row.payload_type), []).append(row)
        for (source, target, kind), rows in flows.items():
            packets = sum(row.packets or 0 for row in rows)
            # used in both directions: agreed somewhere outside the capture
            is_agreed = (target, source, kind) in flows
            if is_agreed or packets < case.deployment.thresholds.one_way_packets:
                continue
            facts = {
                "source": source,
                "number": leg,
                "kind": kind,
                "codec": rows[0].codec or "–",
                "packets": packets,
                "agreed": sorted(agreed),
                "target": target,
            }
            yield Finding(
                RULE.name,
                "suspect",
                0.7,
                evidence(*rows),
                STRANGE,
                (),
                facts,
                HEARD,
                leg=leg,
                tags=frozenset({"strange", "unshared"}),
            )


def _outdated(case: Case) -> Iterator[Finding]:
    """Yield findings on media with a payload type that their receiver's last description does not name, as others did."""
    limits = case.deployment.thresholds
    for leg in case.numbers:
        named = {kind for each in exchanges(case, leg) for part in each for kind in formats(part.audio)}
        streams = audio(case, leg)
        sent: dict[tuple[object, ...], datetime] = {}  # until when
        for row in streams:
            key = row.src_addr, row.src_port, row.payload_type
            sent[key] = max(sent.get(key, row.last_time), row.last_time)
        for row in streams:
            told = last_description(case, leg, (row.dst_addr, row.dst_port), row.last_time)
            if (
                told is None
                or row.payload_type != row.last_payload_type
                or (row.codec or "").upper().startswith(NO_SPEECH)
                or str(row.payload_type) not in named - formats(told.audio)
            ):
                continue
            since = max(row.first_time, told.message.time)
            seconds = (row.last_time - since).total_seconds()
            back = sent.get((row.dst_addr, row.dst_port, row.payload_type), since)
            if (back - since).total_seconds() >= limits.one_way_seconds:
                continue  # the receiver uses it, too
            if seconds < limits.one_way_seconds or (row.packets or 0) < limits.one_way_packets:
                continue
            yield Finding(
                RULE.name,
                "suspect",
                0.7,
                evidence(told.message, row),
                OUTDATED if row.first_time < told.message.time else NOT_NAMED,
                (OTHERWISE,),
                {
                    "source": endpoint(row.src_addr, row.src_port),
                    "target": endpoint(row.dst_addr, row.dst_port),
                    "kind": row.payload_type,
                    "codec": row.codec or "–",
                    "seconds": seconds,
                    "agreed": sorted(formats(told.audio), key=lambda kind: (len(kind), kind)),
                },
                HEARD,
                leg=leg,
                tags=frozenset({"outdated"}),
            )


def _disjoint(case: Case, refused: Rejection | None) -> Iterator[Finding]:
    """Yield findings on legs whose answer has no codec of the offer; certain if the call failed because of it."""
    for leg in {each.call_id: each for each in case.legs}.values():
        pair = negotiated(case, leg.call_id)
        if pair is None or not disjoint(*pair) or media_ok(case) is True:
            continue
        failed = refused is not None and refused.status in REFUSALS
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
            None if sure else SETTLE,
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
    if any(True for rule in NEARER if rule.RULE.name not in case.refuted for _ in rule.find(case)):
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
        yield Finding(RULE.name, "suspect", 0.6, proof, title, detail, facts, SETTLE, leg=leg, tags=UNSHARED)


def _guess(case: Case, refused: Rejection, audio: SdpMediaRow) -> tuple[Text, Text] | None:
    """Return the likely reason and its evidence; None if the capture leaves it open."""
    if refused.origin.status not in REFUSALS or not shown(audio):
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
        cause(
            "The sender changed its codec without a new offer, or a gateway passes media on from a leg with other codecs.",
            "Der Absender hat den Codec ohne neues Angebot gewechselt, oder ein Gateway reicht Medien von einem Leg mit"
            " anderen Codecs durch.",
            tag="strange",
        ),
        cause(
            "{source} keeps to an earlier description: of before a re-INVITE, or of a 183 from another branch; or it takes"
            " dynamic numbers from its own.",
            "{source} bleibt bei einer früheren Beschreibung: der vor einem Re-INVITE oder der in einem 183 von anderer Stelle;"
            " oder sie nimmt dynamische Nummern aus ihrer eigenen.",
            tag="outdated",
        ),
        cause(
            "The answering side has no microphone or no codec for this call, or audio is switched off for it (video only).",
            "Die antwortende Seite hat für diesen Anruf kein Mikrofon oder keinen Codec, oder Audio ist dafür abgeschaltet (nur"
            " Video).",
            tag="declined",
        ),
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
        remedy(
            "Update {source}; until then pin one codec with one payload type on both sides, or have the re-INVITE avoided.",
            "{source} aktualisieren; bis dahin auf beiden Seiten einen einzigen Codec mit einem Payload-Typ vorgeben oder den"
            " Re-INVITE vermeiden.",
            tag="outdated",
        ),
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
