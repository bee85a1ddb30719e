"""A call ends because its session timer was not refreshed, or the refresh failed (RFC 4028)."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.q850 import NORMAL_CLEARING
from postproc.diagnose.evidence.signalling import phrase, q850
from postproc.diagnose.evidence.timers import ROOM_S, timed_out
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import SipMessageRow
from postproc.model.statuses import ASKED_AGAIN, REQUEST_PENDING, REQUEST_TIMEOUT, is_final, is_success
from postproc.model.text import Text

TITLE = Text(
    "The session timer ran out: {ender} ended the call {seconds:0} s after the last refresh.",
    "Der Session-Timer lief ab: {ender} beendete den Anruf {seconds:0} s nach der letzten Auffrischung.",
)
BY_REASON = Text(
    "The session timer ran out: {ender} ended the call.",
    "Der Session-Timer lief ab: {ender} beendete den Anruf.",
)
FAILED = Text(
    "The session could not be refreshed: {ender} ended the call {seconds:0} s after the last refresh.",
    "Die Session ließ sich nicht auffrischen: {ender} beendete den Anruf {seconds:0} s nach der letzten Auffrischung.",
)
AGREED = Text(
    "Agreed on leg {number}: a refresh within {interval} s (Session-Expires), due from {refresher}.",
    "Vereinbart auf Leg {number}: eine Auffrischung innerhalb von {interval} s (Session-Expires), fällig von {refresher}.",
)
MISSING = Text(
    "No re-INVITE or UPDATE came in that time.", "In dieser Zeit kam weder ein Re-INVITE noch ein UPDATE."
)
REFUSED = Text(
    "The refresh by {method} was refused: {answer} (frame {frame}).",
    "Die Auffrischung per {method} wurde abgelehnt: {answer} (Frame {frame}).",
)
UNANSWERED = Text(
    "The refresh by {method} (frame {frame}) got no final response.",
    "Die Auffrischung per {method} (Frame {frame}) blieb ohne endgültige Antwort.",
)
REASON = Text("The Reason of the BYE: {reason}", "Der Reason-Header des BYE: {reason}")
SETTLE = Text(
    "the log of {ender} says whether the timer ended the call.",
    "Das Log von {ender} zeigt, ob der Timer den Anruf beendet hat.",
)

TIMER = re.compile(r"session.{0,3}(?:timer|timeout|expir|interval|refresh)", re.IGNORECASE)
REFRESHING = frozenset({"INVITE", "UPDATE"})
CLASH_S = 2.0  # a retry waits for less than 2 s, or for 2.1 to 4 s (RFC 3261, section 14.1): a BYE instead is no person's
# After these, the dialog no longer exists, and the requester ends the call at once (RFC 3261, section 12.2.1.2).
GONE = frozenset({REQUEST_TIMEOUT, 481})
# RFC 4028, section 10: the BYE is sent this long before expiry, or a third of the interval if that is less.
EARLY_S = 32.0
PASSED_ON_S = 2.0  # within which a B2BUA ends the other leg


class Agreed(NamedTuple):
    """The session interval agreed by a dialog's last refresh, and the response with it."""

    interval: int
    refresher: str  # address
    response: SipMessageRow


def find(case: Case) -> Iterator[Finding]:
    for call_id in case.leg_of:
        rows = [row for row in case.sip_messages if row.call_id == call_id]
        bye = next((row for row in rows if row.method == "BYE"), None)
        if bye is not None:
            yield from _ended(case, rows, bye)


def _ended(case: Case, rows: Sequence[SipMessageRow], bye: SipMessageRow) -> Iterator[Finding]:
    before = [row for row in rows if row.time <= bye.time]
    refreshed = [row for row in before if row.cseq_method in REFRESHING and is_success(row.status)]
    agreed = _agreed(before, refreshed)
    by_reason = bool(TIMER.search(bye.reason_header or ""))
    if agreed is None or not refreshed:
        if by_reason:
            yield _finding(bye, None, None, None)
        return
    last = refreshed[-1]
    request, answer = _attempt(before, last)
    seconds = (bye.time - last.time).total_seconds()
    soonest = agreed.interval - min(EARLY_S, agreed.interval / 3) - ROOM_S
    in_time = soonest <= seconds <= agreed.interval + ROOM_S
    failed = request is not None and (
        answer is None or (answer.status or 0) not in ASKED_AGAIN or _clashed(bye, answer)
    )
    due = request is not None and (request.time - last.time).total_seconds() >= agreed.interval / 2 - ROOM_S
    at_once = failed and due and _gives_up(bye, request, answer)
    ended = at_once or (in_time and (request is None or failed))
    if by_reason or (ended and not _hung_up(case, bye)):
        yield _finding(bye, agreed, request, answer, seconds=seconds, by_reason=by_reason)


def _agreed(before: Sequence[SipMessageRow], refreshed: Sequence[SipMessageRow]) -> Agreed | None:
    """Return the interval of the last 2xx that names one; the refresher is an end of that transaction."""
    response = next((row for row in reversed(refreshed) if row.session_expires), None)
    if response is None or response.session_expires is None:
        return None
    requests = [row for row in before if row.method is not None and row.cseq == response.cseq]
    uac, uas = response.dst_addr, response.src_addr
    if requests and response.src_addr == requests[0].src_addr:  # returned by another route
        uac, uas = uas, uac
    return Agreed(response.session_expires, uas if response.refresher == "uas" else uac, response)


def _attempt(
    before: Sequence[SipMessageRow], last: SipMessageRow
) -> tuple[SipMessageRow | None, SipMessageRow | None]:
    """Return the first refresh request after the last successful one, and its final response."""
    later = [row for row in before if row.time > last.time]
    requests = [row for row in later if row.method in REFRESHING and row.to_tag is not None]
    if not requests:
        return None, None
    request = requests[-1]
    finals = (row for row in later if is_final(row.status) and row.cseq_method in REFRESHING)
    return request, next((row for row in finals if row.cseq == request.cseq), None)


def _gives_up(bye: SipMessageRow, request: SipMessageRow | None, answer: SipMessageRow | None) -> bool:
    """Whether the BYE is due to the failed refresh."""
    if answer is not None:
        if _clashed(bye, answer):
            return True
        return answer.status in GONE and (bye.time - answer.time).total_seconds() <= ROOM_S
    waited = (bye.time - request.time).total_seconds() if request is not None else 0.0
    return timed_out(waited)


def _clashed(bye: SipMessageRow, answer: SipMessageRow) -> bool:
    """Whether a BYE follows at once where two refreshes had met, in place of another attempt."""
    return answer.status == REQUEST_PENDING and (bye.time - answer.time).total_seconds() <= CLASH_S


def _hung_up(case: Case, bye: SipMessageRow) -> bool:
    """Whether a person hung up: by the Reason, or because the other leg had ended just before."""
    if q850(bye.reason_header) == NORMAL_CLEARING:
        return True
    return any(
        row.method == "BYE"
        and row.call_id != bye.call_id
        and 0 <= (bye.time - row.time).total_seconds() <= PASSED_ON_S
        for row in case.sip_messages
    )


def _finding(
    bye: SipMessageRow,
    agreed: Agreed | None,
    request: SipMessageRow | None,
    answer: SipMessageRow | None,
    *,
    seconds: float = 0.0,
    by_reason: bool = True,
) -> Finding:
    facts: dict[str, object] = {
        "ender": bye.src_addr,
        "number": bye.leg,
        "seconds": seconds,
        "reason": bye.reason_header,
    }
    detail: list[Text] = []
    tag = "missing"
    if agreed is not None:
        detail.append(AGREED)
        facts |= {"interval": agreed.interval, "refresher": agreed.refresher}
        detail.append(MISSING)
    if request is not None:
        tag = "failed"
        message = answer or request
        facts |= {"method": request.method, "frame": message.frame}
        if answer is not None:
            facts["answer"] = phrase(answer.status, answer.reason)
            tag = "clash" if answer.status == REQUEST_PENDING else tag
        detail[-1] = UNANSWERED if answer is None else REFUSED
    if bye.reason_header:
        detail.append(REASON)
    return Finding(
        RULE.name,
        "fault"
        if by_reason or tag == "failed"
        else "suspect",  # of two that met, a BYE so soon may be chance
        0.95 if by_reason else 0.8 if tag == "failed" else 0.7,
        evidence(bye, agreed.response if agreed else None, request, answer),
        BY_REASON if agreed is None else TITLE if tag == "missing" else FAILED,
        tuple(detail),
        facts,
        None if by_reason else SETTLE,
        leg=bye.leg,
        tags=frozenset({tag} if tag == "clash" else {tag, "lost"}),
    )


RULE = Rule(
    code="SIP013",
    name="session-expired",
    stage="sip",
    breaks="session",
    despite_media=True,
    summary=Text("Session timer ran out", "Session-Timer abgelaufen"),
    claim=Text(
        "A call is ended, however good the media, because the refresh that its session timer wants is missing or failed.",
        "Ein Anruf wird, wie gut die Medien auch sind, beendet, weil die vom Session-Timer verlangte Auffrischung fehlt oder scheitert.",
    ),
    causes=(
        cause(
            "The side that is to refresh does not: it agreed to the timer and does not know it.",
            "Die Seite, die auffrischen müsste, tut es nicht: Sie hat dem Timer zugestimmt und beherrscht ihn nicht.",
            tag="missing",
        ),
        cause(
            "The re-INVITE or UPDATE is lost on the way: NAT or firewall closed the path, or the Contact is private.",
            "Der Re-INVITE oder das UPDATE geht unterwegs verloren: NAT oder Firewall haben den Weg geschlossen, oder der Contact ist privat.",
            tag="lost",
        ),
        cause(
            "Both sides take themselves for the refresher: their requests meet, each refuses the other's (491), and they give up"
            " instead of trying again.",
            "Beide Seiten halten sich für zuständig: Ihre Anfragen treffen aufeinander, jede lehnt die andere ab (491), und sie"
            " geben auf, statt es noch einmal zu versuchen.",
            tag="clash",
        ),
        cause(
            "The other side refuses the refresh: its description does not suit, or it no longer knows the dialog.",
            "Die Gegenseite lehnt die Auffrischung ab: Die Beschreibung passt ihr nicht, oder sie kennt den Dialog nicht mehr.",
            tag="failed",
        ),
    ),
    remedies=(
        remedy(
            "Have the server refresh (refresher=uas), or use a longer timer, or switch session timers off on one side.",
            "Den Server auffrischen lassen (refresher=uas), einen längeren Timer einstellen oder Session-Timer auf einer Seite abschalten.",
        ),
        remedy(
            "Keep the signalling path open: shorter keep-alives, TCP or TLS instead of UDP.",
            "Den Signalisierungsweg offen halten: kürzere Keep-Alives, TCP oder TLS statt UDP.",
            tag="lost",
        ),
        remedy(
            "In FreeSWITCH: session-timeout and enable-timer in the SIP profile.",
            "In FreeSWITCH: session-timeout und enable-timer im SIP-Profil.",
            product="freeswitch",
        ),
    ),
    references=("RFC 4028, section 10", "RFC 3326"),
    known_problems=Text(
        "Somebody who hangs up just when an unrefreshed timer runs out looks the same; without a Reason it is a suspicion.",
        "Wer gerade auflegt, wenn ein nicht aufgefrischter Timer abläuft, sieht genauso aus; ohne Reason-Header ist es ein Verdacht.",
    ),
    find=find,
)
