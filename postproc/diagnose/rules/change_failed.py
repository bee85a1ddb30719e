"""A call is ended because a request inside it, such as a re-INVITE, was refused or never answered."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from postproc.diagnose.evidence.case import Case, evidence, found_by
from postproc.diagnose.evidence.negotiation import Exchange, exchanges
from postproc.diagnose.evidence.q850 import NORMAL_CLEARING
from postproc.diagnose.evidence.signalling import AT_ONCE, author, phrase, q850, sip_cause
from postproc.diagnose.evidence.timers import in_ms, timed_out
from postproc.diagnose.rules import ack_missing, no_response, session_expired, transfer_failed
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import SdpMediaRow, SipMessageRow, TransactionRow
from postproc.model.statuses import ASKED_AGAIN, CHALLENGES, TERMINATED, is_refusal, is_success
from postproc.model.text import Text

# These say of the same request what it was for.
NEARER = (no_response.RULE, ack_missing.RULE, session_expired.RULE, transfer_failed.RULE)

TITLE_REFUSED = Text(
    "{ender} ended the call {ms:0} ms after {target} had refused the {method} on leg {number} with {answer}.",
    "{ender} beendete den Anruf {ms:0} ms, nachdem {target} auf Leg {number} das {method} mit {answer} abgelehnt hatte.",
)
TITLE_BOTH = Text(
    "{ender} refused the {method} on leg {number} with {answer} and ended the call {ms:0} ms later.",
    "{ender} lehnte auf Leg {number} das {method} mit {answer} ab und beendete den Anruf {ms:0} ms später.",
)
TITLE_BOTH_FROM = Text(
    "{target} refused the {method} on leg {number} with {answer} and ended the call {ms:0} ms later, from {ender}.",
    "{target} lehnte auf Leg {number} das {method} mit {answer} ab und beendete den Anruf {ms:0} ms später, von {ender} aus.",
)
TITLE_UNANSWERED = Text(
    "{ender} ended the call {seconds:0} s after its {method} on leg {number}, which got no final response.",
    "{ender} beendete den Anruf {seconds:0} s nach seinem {method} auf Leg {number}, worauf keine endgültige Antwort kam.",
)
TITLE_AGREED = Text(
    "{ender} ended the call {ms:0} ms after the {method} on leg {number} had changed its codec from {codec_before} to {codec}.",
    "{ender} beendete den Anruf {ms:0} ms, nachdem das {method} auf Leg {number} den Codec von {codec_before} auf {codec} geändert"
    " hatte.",
)
NO_HAND = Text(
    "Nobody hangs up that fast: {ender} did not get on with the change, although it was agreed.",
    "So schnell legt niemand auf: {ender} kam mit der Änderung nicht zurecht, obwohl sie vereinbart war.",
)
AS_BEFORE = Text(
    "After a refusal the call goes on as it was (RFC 3261, section 14.1); whoever hangs up instead takes it for the end.",
    "Nach einer Ablehnung geht der Anruf weiter wie zuvor (RFC 3261, Abschnitt 14.1); wer stattdessen auflegt, hält sie für das Ende.",
)
NO_CREDENTIALS = Text(
    "{target} asks for credentials, and the {method} is not sent again with any.",
    "{target} verlangt Zugangsdaten, und das {method} wird nicht mit solchen wiederholt.",
)
COLLIDING = Text(
    "That is the answer to two changes at once: {collisions} were refused so, of both sides together, and none came through.",
    "So werden zwei gleichzeitige Änderungen beantwortet: {collisions} wurden so abgelehnt, von beiden Seiten zusammen, und keine"
    " kam durch.",
)
PENDING = Text(
    "{target} took it ({answer}), and nothing came of it.",
    "{target} nahm es an ({answer}), und es wurde nichts daraus.",
)
REPEATED = Text("It was sent {times} times.", "Gesendet wurde {times}-mal.")
NO_ICE = Text(
    "The new description has no ICE (a=ice-ufrag), which had been agreed before.",
    "Der neuen Beschreibung fehlt ICE (a=ice-ufrag), das vorher vereinbart war.",
)
NO_KEYS = Text(
    "The new description has no a=fingerprint, and keys by DTLS had been agreed before.",
    "Der neuen Beschreibung fehlt a=fingerprint; vorher waren Schlüssel per DTLS vereinbart.",
)
PROFILE = Text(
    "The new profile is {proto}; {proto_before} had been agreed before.",
    "Das neue Profil ist {proto}; vorher war {proto_before} vereinbart.",
)
FEWER = Text(
    "m= sections of the new description: {sections}, before: {sections_before}. There must never be fewer (RFC 3264, section 8).",
    "m=-Abschnitte der neuen Beschreibung: {sections}, vorher: {sections_before}. Weniger dürfen es nie werden (RFC 3264, Abschnitt 8).",
)
GLARE = 491  # RFC 3261, section 14.1: both sides ask for a change at once
# What is said, and advised, of refusals after which the request is to be sent again.
NOT_AGAIN = {GLARE: (COLLIDING, "colliding"), **dict.fromkeys(CHALLENGES, (NO_CREDENTIALS, "challenged"))}
SETTLE = Text(
    "the log of {ender} says why it ended the call.",
    "Das Log von {ender} zeigt, warum der Anruf von dort beendet wurde.",
)

# Each side waits a time of its own before it asks again. With 2, one unlucky second try before a hang-up is blamed; with
# 6, a call whose server gives up after the fourth is missed.
COLLISIONS = 4
ANSWERED_ELSEWHERE = 200  # SIP;cause=200 (RFC 3326, section 3.1)
METHODS = frozenset({"INVITE", "UPDATE", "PRACK"})
# Below the time in which people react to what they hear; a machine that fails takes as long as a few packets.
BY_ITSELF = timedelta(milliseconds=200)


def find(case: Case) -> Iterator[Finding]:
    bye = next((row for row in case.sip_messages if row.method == "BYE"), None) or _cancel(case)
    if bye is None or q850(bye.reason_header) == NORMAL_CLEARING:
        return
    asked = [
        row for row in case.transactions if not row.initial and row.method in METHODS and row.time <= bye.time
    ]
    # A caller cancels whenever he likes, and rarely within moments, or after 32 s to the second.
    hung_up = bye.method == "BYE"
    failed = next(
        (
            row
            for row in reversed(asked)
            if (hung_up and (_refused(row, bye) or _given_up(row, asked, bye)))
            or _taken_back(row, bye)
            or _unanswered(case, row, bye)
        ),
        None,
    )
    changed = _changed(case, bye) if failed is None and hung_up else None
    if not (failed or changed) or found_by(case, *NEARER):
        return
    if changed:
        yield changed
    if failed is None:
        return
    # A B2BUA passes it on: the request that failed first is the one whose answer is somebody's own.
    origin = min(
        (row for row in asked if row.final_status == failed.final_status and _refused(row, bye)),
        key=lambda row: row.final_time or row.time,
        default=failed,
    )
    yield _finding(case, origin, bye, len(_collisions(failed, asked)))


def _cancel(case: Case) -> SipMessageRow | None:
    """Return the CANCEL of a call whose early dialog may have failed; None if it was answered elsewhere."""
    cancel = next((row for row in case.sip_messages if row.method == "CANCEL"), None)
    return None if cancel is None or sip_cause(cancel.reason_header) == ANSWERED_ELSEWHERE else cancel


def _changed(case: Case, bye: SipMessageRow) -> Finding | None:
    """Return a finding if the dialog of a BYE had agreed on another codec just before it, with media both ways; else none."""
    every = exchanges(case, case.leg_of.get(bye.call_id))
    last = next((each for each in reversed(every) if each.answer.message.time <= bye.time), None)
    if last is None or last.offer.message.to_tag is None or not last.accepted:
        return None
    ended = bye.time - last.answer.message.time
    before = [
        each
        for each in every
        if each.accepted and each.answer.message.time < last.offer.message.time and _codec(each)
    ]
    held = any(part.audio.direction not in (None, "sendrecv") for part in last)
    referred = any(row.method == "REFER" for row in case.sip_messages)
    if ended > BY_ITSELF or held or referred or not before or _codec(before[-1]) == _codec(last):
        return None
    request = last.offer.message
    facts: dict[str, object] = {
        "ender": bye.src_addr,
        "target": last.answer.message.src_addr,
        "method": "re-INVITE" if request.method == "INVITE" else request.method,
        "number": request.leg,
        "frame": request.frame,
        "ms": in_ms(ended),
        "codec": _codec(last),
        "codec_before": _codec(before[-1]),
    }
    return Finding(
        RULE.name,
        "suspect",
        0.6,
        evidence(request, last.answer.message, bye),
        TITLE_AGREED,
        (NO_HAND,),
        facts,
        SETTLE,
        leg=request.leg,
        tags=frozenset({"agreed"}),
    )


def _codec(each: Exchange) -> str:
    """Return the first codec of an answer, which the offerer will send (RFC 3264, section 6.1)."""
    return (each.answer.audio.codecs or "").split(",")[0].partition("=")[2]


def _refused(row: TransactionRow, bye: SipMessageRow) -> bool:
    refused = is_refusal(row.final_status) and row.final_status not in (*ASKED_AGAIN, TERMINATED)
    return refused and row.final_time is not None and timedelta() <= bye.time - row.final_time <= AT_ONCE


def _taken_back(row: TransactionRow, cancel: SipMessageRow) -> bool:
    """Whether a caller's machine cancels the call because its own request in the early dialog was refused."""
    own = cancel.method == "CANCEL" and (row.call_id, row.src_addr) == (cancel.call_id, cancel.src_addr)
    return own and _refused(row, cancel) and cancel.time - (row.final_time or row.time) <= BY_ITSELF


def _given_up(row: TransactionRow, asked: list[TransactionRow], bye: SipMessageRow) -> bool:
    """Whether a request was to be sent again, with credentials or after a collision, and the call ended instead."""
    if row.final_time is None or not timedelta() <= bye.time - row.final_time <= AT_ONCE:
        return False
    if row.final_status in CHALLENGES:
        again = (each for each in asked if each.time > row.final_time and each.method == row.method)
        return not any((each.call_id, each.src_addr) == (row.call_id, row.src_addr) for each in again)
    return row.final_status == GLARE and len(_collisions(row, asked)) >= COLLISIONS


def _collisions(row: TransactionRow, asked: list[TransactionRow]) -> list[TransactionRow]:
    """Return the changes of a dialog, of both sides, that were refused because of each other since the last that was agreed."""
    dialog = [each for each in asked if each.call_id == row.call_id and each.method != "PRACK"]
    agreed = [each.time for each in dialog if is_success(each.final_status)]
    return [
        each for each in dialog if each.final_status == GLARE and not any(time > each.time for time in agreed)
    ]


def _unanswered(case: Case, row: TransactionRow, bye: SipMessageRow) -> bool:
    """Whether the requester's timer ended the call; a re-INVITE without any response has another rule."""
    pending = row.final_status is None and (row.method != "INVITE" or bool(_answers(case, row)))
    return pending and bye.src_addr == row.src_addr and timed_out((bye.time - row.time).total_seconds())


def _answers(case: Case, row: TransactionRow) -> list[SipMessageRow]:
    asked = (row.call_id, row.cseq, row.method, row.src_addr)
    return [
        each
        for each in case.sip_messages
        if each.status is not None and (each.call_id, each.cseq, each.cseq_method, each.dst_addr) == asked
    ]


def _finding(case: Case, failed: TransactionRow, bye: SipMessageRow, collisions: int) -> Finding:
    request = next(
        (
            row
            for row in case.sip_messages
            if (row.capture, row.frame, row.call_id) == (failed.capture, failed.frame, failed.call_id)
            and row.method == failed.method  # a TCP segment may hold several messages
        ),
        None,
    )
    facts: dict[str, object] = {
        "ender": bye.src_addr,
        "target": failed.dst_addr,
        "method": "re-INVITE" if failed.method == "INVITE" else failed.method,
        "number": failed.leg,
        "frame": failed.frame,
        "seconds": (bye.time - failed.time).total_seconds(),
        "times": failed.requests,
    }
    answers = _answers(case, failed)
    if failed.final_status is None:
        title, tags = TITLE_UNANSWERED, ["unanswered"]
        detail = [*([REPEATED] if failed.requests > 1 else []), *([PENDING] if answers else [])]
        if answers:
            facts["answer"] = phrase(answers[0].status, answers[0].reason)
    else:
        lacking, more = _less(case, request) if request else ([], {})
        facts |= {
            "collisions": collisions,
            "ms": in_ms(bye.time - (failed.final_time or failed.time)),
            "answer": phrase(failed.final_status, failed.final_reason),
        } | more
        title, by = _refused_and_ended(failed, answers, bye)
        said, kind = NOT_AGAIN.get(failed.final_status or 0, (None, "refused"))
        detail = [*([said] if said else []), AS_BEFORE, *lacking]
        tags = [kind, *([] if said else [by]), *(["less"] if lacking else [])]
    return Finding(
        RULE.name,
        "suspect",
        0.8,
        evidence(request, answers[-1] if answers else None, bye),
        title,
        tuple(detail),
        facts,
        SETTLE,
        leg=failed.leg,
        tags=frozenset(tags),
    )


def _refused_and_ended(
    failed: TransactionRow, answers: Sequence[SipMessageRow], bye: SipMessageRow
) -> tuple[Text, str]:
    """Return the title of a refusal after which the call ends, and whether one side does both or two sides do."""
    if failed.dst_addr == bye.src_addr:
        return TITLE_BOTH, "one-side"
    if any(author(row) == author(bye) for row in answers if row.status == failed.final_status):
        return TITLE_BOTH_FROM, "one-side"
    return TITLE_REFUSED, "two-sides"


def _less(case: Case, request: SipMessageRow) -> tuple[list[Text], dict[str, object]]:
    """Return sentences, with their facts, on what the request's description lacks of its sender's last one before."""
    now = _sections(case, request)
    former = [
        row
        for row in case.sip_messages
        if row.call_id == request.call_id
        and row.src_addr == request.src_addr
        and row.time < request.time
        and not is_refusal(row.status)
    ]
    before = next((found for row in reversed(former) if (found := _sections(case, row))), [])
    if not now or not before:
        return [], {}
    facts: dict[str, object] = {
        "proto": now[0].proto,
        "proto_before": before[0].proto,
        "sections": len(now),
        "sections_before": len(before),
    }
    said = (
        (NO_ICE, any(row.ufrag for row in before) and not any(row.ufrag for row in now)),
        (NO_KEYS, any(row.fingerprint for row in before) and not any(row.fingerprint for row in now)),
        (PROFILE, now[0].proto != before[0].proto),
        (FEWER, len(now) < len(before)),
    )
    return [text for text, holds in said if holds], facts


def _sections(case: Case, message: SipMessageRow) -> list[SdpMediaRow]:
    place = (message.capture, message.frame, message.call_id)
    return [row for row in case.sdp_media if (row.capture, row.frame, row.call_id) == place]


RULE = Rule(
    code="SIP018",
    name="change-failed",
    stage="sip",
    breaks="session",
    despite_media=True,
    summary=Text("Change during the call failed", "Änderung im Anruf gescheitert"),
    claim=Text(
        "A call is ended, however good the media, because a re-INVITE, UPDATE or PRACK in it is refused or gets no final response, or a side does not get on with a change that was agreed; before the answer, too.",
        "Ein Anruf wird, wie gut die Medien auch sind, beendet, weil ein re-INVITE, UPDATE oder PRACK darin abgelehnt wird oder keine"
        " endgültige Antwort bekommt oder weil eine Seite mit einer vereinbarten Änderung nicht zurechtkommt; auch schon vor"
        " dem Abheben.",
    ),
    causes=(
        cause(
            "{ender} still gets or sends media in {codec_before} when the change takes effect, and takes that for an error; or it has no"
            " way from {codec} to the codec of the other leg.",
            "{ender} empfängt oder sendet noch Medien in {codec_before}, wenn die Änderung greift, und nimmt das als Fehler; oder es"
            " hat keinen Weg von {codec} zum Codec des anderen Legs.",
            tag="agreed",
        ),
        cause(
            "A server in the middle builds the new offer without what this side had agreed to (ICE, DTLS, profile, sections).",
            "Ein Server dazwischen baut das neue Angebot ohne das, was mit dieser Seite vereinbart war (ICE, DTLS, Profil,"
            " Abschnitte).",
            tag="less",
        ),
        cause(
            "{target} does not take the new description, or no changes at all, and {ender} does not go on as before.",
            "{target} nimmt die neue Beschreibung oder überhaupt keine Änderung an, und {ender} macht nicht weiter wie zuvor.",
            tag="two-sides",
        ),
        cause(
            "{target} does not take the new description, or no changes at all, and ends the call for it.",
            "{target} nimmt die neue Beschreibung oder überhaupt keine Änderung an und beendet deshalb den Anruf.",
            tag="one-side",
        ),
        cause(
            "{target} asks for credentials for requests in the call, too, and {ender}, perhaps a trunk without an account, has none.",
            "{target} verlangt auch für Anfragen im Anruf Zugangsdaten, und {ender}, etwa ein Trunk ohne Konto, hat keine.",
            tag="challenged",
        ),
        cause(
            "Both sides ask again after the same time: the one that did not choose the Call-ID has to wait up to 2 s, the other 2.1 to 4 s"
            " (RFC 3261, section 14.1). Servers that answer each change with one of their own collide again and again.",
            "Beide Seiten fragen nach derselben Zeit wieder: Wer die Call-ID nicht gewählt hat, wartet bis zu 2 s, die andere Seite 2,1 bis"
            " 4 s (RFC 3261, Abschnitt 14.1). Server, die jede Änderung mit einer eigenen beantworten, stoßen immer wieder zusammen.",
            tag="colliding",
        ),
        cause(
            "A proxy or B2BUA takes the request and does not pass it on, or not its answer: wrong route, topology hiding, another"
            " request still open. Or {target} does not handle {method}, or not before it rings.",
            "Ein Proxy oder B2BUA nimmt die Anfrage an und gibt sie oder ihre Antwort nicht weiter: falsche Route, Topology Hiding,"
            " noch eine andere Anfrage offen. Oder {target} kann kein {method} verarbeiten, oder nicht, bevor es klingelt.",
            tag="unanswered",
        ),
    ),
    remedies=(
        remedy(
            "Update {ender}; or have both legs use one codec from the start (one codec in the lists of trunk and phones), so that nobody"
            " changes it in the call.",
            "{ender} aktualisieren; oder beide Legs von Anfang an denselben Codec verwenden lassen (ein Codec in den Listen von Trunk und"
            " Telefonen), damit niemand ihn im Anruf wechselt.",
            tag="agreed",
        ),
        remedy(
            "Have the server describe a re-INVITE as it described the call (rtpengine: the same ICE, DTLS and profile flags).",
            "Den Server ein re-INVITE so beschreiben lassen wie den Anruf selbst (rtpengine: dieselben Flags für ICE, DTLS und Profil).",
            tag="less",
        ),
        remedy(
            "Compare the description in frame {frame} with the one agreed before; switch off what is not needed (direct media,"
            " session refresh, connected-line updates).",
            "Die Beschreibung in Frame {frame} mit der vorher vereinbarten vergleichen; abschalten, was nicht gebraucht wird"
            " (Direct Media, Session-Auffrischung, Anzeige des Verbundenen).",
            tag="refused",
        ),
        remedy(
            "Have {target} challenge only requests that open a dialog (Kamailio: has_totag comes before the authentication).",
            "{target} nur Anfragen nach Zugangsdaten fragen lassen, die einen Dialog eröffnen (Kamailio: has_totag vor der"
            " Authentifizierung).",
            tag="challenged",
        ),
        remedy(
            "Switch off at one of the two what it changes the call for (direct media, session refresh by both, connected-line updates).",
            "Auf einer der beiden Seiten abschalten, wofür sie den Anruf ändert (Direct Media, Session-Auffrischung durch beide, Anzeige des"
            " Verbundenen).",
            tag="colliding",
        ),
        remedy(
            "Follow {method} in frame {frame} behind {target}: capture there, or read its log.",
            "{method} aus Frame {frame} hinter {target} verfolgen: dort mitschneiden oder das Log lesen.",
            tag="unanswered",
        ),
    ),
    references=("RFC 3261, sections 14.1 and 17.1", "RFC 3262, section 4", "RFC 3264, section 8"),
    known_problems=Text(
        "Somebody who hangs up in the two seconds after a refusal looks the same.",
        "Wer in den zwei Sekunden nach einer Ablehnung auflegt, sieht genauso aus.",
    ),
    find=find,
)
