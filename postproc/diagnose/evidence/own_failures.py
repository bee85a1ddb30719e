"""Findings on calls that a side ends for a failure of its own, in sentences of rule ``call-rejected``."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import media_ok
from postproc.diagnose.evidence.q850 import BROKEN_DOWN, CAUSES
from postproc.diagnose.evidence.signalling import (
    RELEASED,
    given_up,
    phrase,
    q850,
    release_cause,
    sip_cause,
    with_ice,
)
from postproc.model.findings import Finding, cause, remedy
from postproc.model.rows import LegRow, SipMessageRow
from postproc.model.statuses import REQUEST_TIMEOUT, is_failure, is_success
from postproc.model.text import Text
from postproc.model.vocabulary import EVERYDAY_ENDS

BEARER_LOST = 3  # RELEASE_CAUSE, 3GPP TS 24.229, section 7.2A.18.11
PRECONDITION = 580  # RFC 3312, section 8: a precondition could not be met
GAVE_UP = Text(
    "The caller's side took the call back by itself {seconds:0} s after the INVITE: {reason}.",
    "Die anrufende Seite hat den Anruf {seconds:0} s nach dem INVITE von sich aus zurückgezogen: {reason}.",
)
DROPPED = Text(
    "{who} ended the call by itself {seconds:0} s after the answer: {reason}.",
    "{who} hat den Anruf {seconds:0} s nach dem Abheben von sich aus beendet: {reason}.",
)
RADIO_CAUSE = cause(
    "The mobile network took the bearer for the media away, or never routed media into it: radio coverage lost, a handover that"
    " failed, or packet filters (Rx, PCRF) that do not fit the addresses in SDP.",
    "Das Mobilnetz hat den Bearer der Medien abgebaut oder nie Medien hineingeleitet: Funkabdeckung verloren, ein Handover"
    " gescheitert, oder Paketfilter (Rx, PCRF), die nicht zu den Adressen im SDP passen.",
    tag="radio",
)
RADIO_REMEDY = remedy(
    "Compare with a call from a place with good coverage; if that breaks, too, after the same time, compare the bearer's packet"
    " filters in the core network with addresses and ports in SDP.",
    "Mit einem Anruf von einem Ort mit gutem Empfang vergleichen; bricht auch der nach derselben Zeit ab, die Paketfilter des"
    " Bearers im Kernnetz mit Adressen und Ports im SDP vergleichen.",
    tag="radio",
)
UNCALLED_FOR = Text(
    "That is the answer to a CANCEL (RFC 3261, section 9.2), and nobody had cancelled: {who} gave the call up by itself.",
    "So wird ein CANCEL beantwortet (RFC 3261, Abschnitt 9.2), und niemand hatte abgebrochen: {who} gab den Anruf selbst auf.",
)
UNCALLED_FOR_CAUSE = cause(
    "The app at {who} waits for the call only so long after its push notification or its user's tap, and the INVITE came later;"
    " or the device cannot take it (permission, another call).",
    "Die App bei {who} wartet nach ihrer Push-Nachricht oder dem Tippen nur eine gewisse Zeit auf den Anruf, und der INVITE kam"
    " später; oder das Gerät kann ihn nicht annehmen (Berechtigung, anderer Anruf).",
    tag="gave-up",
)
UNCALLED_FOR_REMEDY = remedy(
    "Raise the app's timeout between push and INVITE, and have the server send the INVITE as soon as the app has registered.",
    "Das Timeout der App zwischen Push und INVITE erhöhen und den Server den INVITE senden lassen, sobald sich die App"
    " registriert hat.",
    tag="gave-up",
)
KEPT_BACK_CAUSE = cause(
    "{server} waits for something before it answers the caller: media of the other leg, a confirmation, a script; or its answer"
    " fails (codecs, keys).",
    "{server} wartet auf etwas, bevor es dem Anrufer antwortet: Medien des anderen Legs, eine Bestätigung, ein Skript; oder seine"
    " Antwort scheitert (Codecs, Schlüssel).",
    tag="kept",
)
KEPT_BACK_REMEDY = remedy(
    "Look in the log of {server} from the answer in frame {frame} on: what does it do with it?",
    "Im Log von {server} ab der Antwort in Frame {frame} nachsehen: Was macht es damit?",
    tag="kept",
)
NO_HANG_UP = Text(
    "By that Reason in the BYE nobody hung up: {who}, or the network behind it, could not keep the call, which had audio both ways.",
    "Nach diesem Reason im BYE hat niemand aufgelegt: {who} oder das Netz dahinter konnte den Anruf nicht halten, der Audio in beiden"
    " Richtungen hatte.",
)
NO_ANSWER = Text(
    "By that Reason in the BYE nobody hung up: {who}, or who is behind it, got no answer to something that it sent in the call.",
    "Nach diesem Reason im BYE hat niemand aufgelegt: {who}, oder wer dahinter ist, bekam auf etwas keine Antwort, das es im Anruf"
    " gesendet hatte.",
)
SETTLE_NO_ANSWER = Text(
    "a capture at {who} shows what it sent (re-INVITE, UPDATE) and got no answer to.",
    "Ein Mitschnitt bei {who} zeigt, was von dort (re-INVITE, UPDATE) ohne Antwort blieb.",
)
NO_ANSWER_CAUSE = cause(
    "Requests in the call (re-INVITE, UPDATE: hold, resumption, session timer) get lost on their way to the other side: a NAT"
    " mapping or firewall state that expired, a SIP ALG, a size above the MTU.",
    "Anfragen im Anruf (re-INVITE, UPDATE: Halten, Zurückholen, Session-Timer) gehen auf dem Weg zur Gegenstelle verloren: eine"
    " abgelaufene NAT-Zuordnung, ein abgelaufener Firewall-Zustand, ein SIP-ALG, eine Größe über der MTU.",
    tag="unanswered",
)
NO_ANSWER_REMEDY = remedy(
    "Capture at {who} and follow the last request before the BYE hop by hop: where does it stop?",
    "Bei {who} mitschneiden und die letzte Anfrage vor dem BYE Station für Station verfolgen: Wo endet sie?",
    tag="unanswered",
)
NOBODY = Text(
    "By that Reason in the CANCEL nobody hung up: {who} could not set up what the call needs.",
    "Nach diesem Reason im CANCEL hat niemand aufgelegt: {who} konnte nicht bereitstellen, was der Anruf braucht.",
)
SETTLE_GAVE_UP = Text(
    "the log of {who} says what failed there.", "Das Log von {who} sagt, was dort scheiterte."
)
ONWARD = Text(
    "{who} refused the call that {server} passed on ({answer}); {seconds:0} s later {server}, which had answered the"
    " caller itself, hung up.",
    "{who} lehnte den Anruf ab, den {server} weitergab ({answer}); {seconds:0} s später legte {server}, der dem Anrufer"
    " selbst geantwortet hatte, auf.",
)
SETTLE = Text(
    "what the caller heard, or the server's dial plan: whether it means to end the call then.",
    "was der Anrufer hörte, oder der Wählplan des Servers: ob er den Anruf dann beenden soll.",
)
KEPT_BACK = Text(
    "{who} answered (frame {frame}), and {server} did not tell the caller, until {who} was gone again {seconds:0} s later.",
    "{who} nahm ab (Frame {frame}), und {server} teilte es dem Anrufer nicht mit, bis {who} {seconds:0} s später wieder weg war.",
)
HEARD_RINGING = Text(
    "The caller heard it ring all the time; {who} spoke, and {server} sent no media there.",
    "Der Anrufer hörte die ganze Zeit den Rufton; {who} sprach, und {server} sendete keine Medien dorthin.",
)
SETTLE_KEPT = Text(
    "the log of {server} says what it waited for after that answer.",
    "Das Log von {server} sagt, worauf nach dieser Antwort noch gewartet wurde.",
)
# An announcement and a goodbye. A third of this misses short announcements; three times includes a voicemail that
# recorded a message.
GOODBYE = timedelta(seconds=30)


def refused_onward(rule: str, case: Case, kind: Callable[[int], str]) -> Iterator[Finding]:
    """Yield a finding on a call that the server answered itself (menu, queue) and ended once its onward leg was refused.

    ``kind`` is what advice goes by, of a status.
    """
    first = [leg for leg in case.legs if leg.leg == 1 and leg.answer_time is not None]
    onward = [leg for leg in case.legs if leg.leg > 1]
    up = any(leg.answer_time is not None or leg.state == "cancelled" for leg in onward)
    if not first or not onward or up or any(row.method == "REFER" for row in case.sip_messages):
        return
    by_call_id = {leg.call_id: leg for leg in onward}
    failures = [
        row
        for row in case.sip_messages
        if row.call_id in by_call_id
        and row.cseq_method == "INVITE"
        and row.status == by_call_id[row.call_id].final_status
    ]
    last = max(failures, key=lambda row: row.time, default=None)
    if last is None or not is_failure(last.status) or last.status in EVERYDAY_ENDS:
        return
    ended = next((leg for leg in first if leg.ended_by == "uas" and leg.end_time is not None), None)
    if ended is None or ended.end_time is None or not timedelta() <= ended.end_time - last.time <= GOODBYE:
        return
    facts = {
        "who": last.src_addr,
        "answer": phrase(last.status, last.reason),
        "server": last.dst_addr,
        "seconds": (ended.end_time - last.time).total_seconds(),
    }
    why = CAUSES.get(q850(last.reason_header) or 0)
    yield Finding(
        rule,
        "suspect",
        0.7,
        evidence(last),
        ONWARD,
        (why,) if why else (),
        facts,
        SETTLE,
        leg=last.leg,
        tags=frozenset({kind(last.status or 0)}),
    )


def kept_back(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on a call that was answered on the onward leg, where the server neither sends media nor tells the caller."""
    first = [leg for leg in case.legs if leg.leg == 1]
    limits = case.deployment.thresholds
    if not first or any(leg.answer_time is not None or leg.state == "cancelled" for leg in first):
        return
    servers = {leg.uas_addr for leg in first}
    for leg in case.legs:
        onward = leg.leg != 1 and leg.uac_addr in servers and not with_ice(case, leg)
        if not onward or leg.answer_time is None or leg.end_time is None:
            continue
        phases = [each for each in case.phases if each.leg == leg.leg and each.kind != "early"]
        came = sum(each.packets_from_client or 0 for each in phases)
        sent = sum(each.packets_from_server or 0 for each in phases)
        waited = (leg.end_time - leg.answer_time).total_seconds()
        if waited >= limits.one_way_seconds and came >= limits.one_way_packets and not sent:
            answer = next(row for row in case.sip_messages if _accepts(row, leg))
            facts = {"who": leg.uas_addr, "server": leg.uac_addr, "seconds": waited, "frame": answer.frame}
            yield Finding(
                rule,
                "suspect",
                0.75,
                evidence(answer),
                KEPT_BACK,
                (HEARD_RINGING,),
                facts,
                SETTLE_KEPT,
                leg=leg.leg,
                tags=frozenset({"kept"}),
            )
            return


def _accepts(row: SipMessageRow, leg: LegRow) -> bool:
    return row.call_id == leg.call_id and row.cseq_method == "INVITE" and is_success(row.status)


def cancelled(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on a call that its caller's side cancelled for a failure of its own (RFC 3326)."""
    both = given_up(case)
    if both is None:
        return
    invite, cancel = both
    reason = cancel.reason_header or ""
    why = CAUSES.get(q850(reason) or 0)
    yield Finding(
        rule,
        "suspect",
        0.8,
        evidence(invite, cancel),
        GAVE_UP,
        (NOBODY, *((why,) if why else ())),
        {"who": cancel.src_addr, "reason": reason, "seconds": (cancel.time - invite.time).total_seconds()},
        SETTLE_GAVE_UP,
        leg=cancel.leg,
        tags=frozenset({"bearer" if str(PRECONDITION) in reason else "radio" if _radio(reason) else "media"}),
    )


def dropped(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on a call that a machine ended for a failure of its own, although its media were good.

    If nothing it sent in the call was answered, nothing need be seen of the media: a hold may be the last of it.
    """
    bye = next((row for row in case.sip_messages if row.method == "BYE"), None)
    answered = next((leg for leg in case.legs if bye is not None and leg.call_id == bye.call_id), None)
    if bye is None or answered is None or answered.answer_time is None:
        return
    reason = bye.reason_header or ""
    of_media = "RTP" in reason  # JsSIP ends a call to which no media comes with 408 and "RTP Timeout"
    unanswered = sip_cause(reason) == REQUEST_TIMEOUT and not of_media
    heard = media_ok(case)
    if not (unanswered and heard is not False) and not (_broke(bye.reason_header) and heard is True):
        return
    why = CAUSES.get(q850(bye.reason_header) or 0)
    kind = "unanswered" if unanswered else "radio" if _radio(bye.reason_header) else "server"
    yield Finding(
        rule,
        "suspect",
        0.7,
        evidence(bye),
        DROPPED,
        (NO_ANSWER if unanswered else NO_HANG_UP, *((why,) if why else ())),
        {
            "who": bye.src_addr,
            "reason": bye.reason_header,
            "seconds": (bye.time - answered.answer_time).total_seconds(),
        },
        SETTLE_NO_ANSWER if unanswered else SETTLE_GAVE_UP,
        leg=bye.leg,
        tags=frozenset({kind}),
    )


def _radio(reason: str | None) -> bool:
    return release_cause(reason) == BEARER_LOST


def _broke(reason: str | None) -> bool:
    """Whether a Reason names a failure of a network or server; 102 and 127 come with ordinary ends, too."""
    if q850(reason) in BROKEN_DOWN or release_cause(reason) in RELEASED:
        return True
    return sip_cause(reason) in range(500, 600)
