"""Requests that get lost inside a dialog (PRACK, or to a Contact behind NAT), in sentences of rule ``no-response``."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from postproc.diagnose.evidence.candidates import INSIDE
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.signalling import phrase
from postproc.diagnose.evidence.timers import lasting, span_s
from postproc.model.addresses import addr_class
from postproc.model.findings import Finding
from postproc.model.rows import SipMessageRow
from postproc.model.statuses import is_failure, is_progress
from postproc.model.text import Text
from postproc.model.vocabulary import EVERYDAY_ENDS

SETTLE_PRACK = Text(
    "a capture at {target} shows whether the PRACK arrives there.",
    "Ein Mitschnitt bei {target} zeigt, ob das PRACK dort ankommt.",
)
PRACK = Text(
    "{target} does not answer the PRACK of {sender} on leg {number}, and repeats its {status}: {times} times in {seconds:0} s.",
    "{target} beantwortet das PRACK von {sender} auf Leg {number} nicht und wiederholt sein {status}: {times}-mal in {seconds:0} s.",
)
RELIABLE = Text(
    "The {status} is one that wants a PRACK (Require: 100rel); until that is answered the call cannot go on.",
    "Das {status} verlangt ein PRACK (Require: 100rel); bis das beantwortet ist, kommt der Anruf nicht weiter.",
)
NO_PRACK = Text(
    "{sender} never sends the PRACK that the {status} on leg {number} wants: {target} sends it {times} times in {seconds:0} s and"
    " then refuses the call.",
    "{sender} sendet das PRACK nie, das das {status} auf Leg {number} verlangt: {target} sendet es {times}-mal in {seconds:0} s und"
    " lehnt den Anruf dann ab.",
)
REFUSED_FOR_IT = Text(
    "Its sender has to refuse the call after 32 s without PRACK (RFC 3262, section 3); it did so with {answer}.",
    "Nach 32 s ohne PRACK muss sein Absender den Anruf ablehnen (RFC 3262, Abschnitt 3); er tat es mit {answer}.",
)
SETTLE_NO_PRACK = Text(
    "a capture at {sender} shows whether it sends a PRACK, and where to.",
    "Ein Mitschnitt bei {sender} zeigt, ob von dort ein PRACK ausgeht und wohin.",
)
ASTRAY = Text(
    "{sender} sends its {method} on leg {number} to {target}, from where nothing ever came: {times} times in {seconds:0} s, without"
    " an answer.",
    "{sender} schickt sein {method} auf Leg {number} an {target}, von wo nie etwas kam: {times}-mal in {seconds:0} s, ohne Antwort.",
)
SEEN_AT = Text(
    "{target} is the Contact of the far end and not public; its SIP comes from {seen}.",
    "{target} ist der Contact der Gegenstelle und nicht öffentlich; deren SIP kommt von {seen}.",
)
UNTOLD = Text(
    "So the far end does not hear that the call is over.",
    "Die Gegenstelle erfährt also nicht, dass der Anruf zu Ende ist.",
)
HELD_UP = Text(
    "Until a PRACK is answered the call cannot go on (RFC 3262, section 4).",
    "Bis ein PRACK beantwortet ist, kommt der Anruf nicht weiter (RFC 3262, Abschnitt 4).",
)
SETTLE_ASTRAY = Text(
    "a capture at the far end shows that the {method} does not arrive.",
    "Ein Mitschnitt bei der Gegenstelle zeigt, dass das {method} dort nicht ankommt.",
)

IN_DIALOG = ("BYE", "INVITE", "UPDATE", "PRACK", "INFO", "REFER", "NOTIFY")
MEANS = {"BYE": UNTOLD, "PRACK": HELD_UP}


def unanswered_pracks(rule: str, case: Case) -> Iterator[Finding]:
    """Yield findings on PRACKs without a response."""
    for prack, copies in _unanswered_pracks(case):
        yield Finding(
            rule,
            "suspect",
            0.8,
            evidence(prack, *copies),
            PRACK,
            (RELIABLE,),
            {
                "target": prack.dst_addr,
                "sender": prack.src_addr,
                "status": phrase(copies[0].status, copies[0].reason),
            }
            | _repeated(copies),
            SETTLE_PRACK,
            leg=prack.leg,
            tags=frozenset({"hop", "prack"}),
        )


def missing_pracks(rule: str, case: Case) -> Iterator[Finding]:
    """Yield findings on calls refused because the PRACK never came (RFC 3262, section 3)."""
    asked = {(row.capture, row.call_id) for row in case.sip_messages if row.method == "PRACK"}
    sent: dict[object, list[SipMessageRow]] = defaultdict(list)
    for row in case.sip_messages:
        if row.rseq is not None and (row.capture, row.call_id) not in asked:
            sent[row.capture, row.call_id, row.cseq, row.rseq, row.src_addr, row.to_tag].append(row)
    for copies in sent.values():
        first, last = copies[0], copies[-1]
        refused = next((row for row in case.sip_messages if _refuses(row, last)), None)
        if lasting(copies) and refused is not None:
            yield Finding(
                rule,
                "suspect",
                0.8,
                evidence(*copies, refused),
                NO_PRACK,
                (RELIABLE, REFUSED_FOR_IT),
                {
                    "target": first.src_addr,
                    "sender": first.dst_addr,
                    "status": phrase(first.status, first.reason),
                    "answer": phrase(refused.status, refused.reason),
                }
                | _repeated(copies),
                SETTLE_NO_PRACK,
                leg=first.leg,
                tags=frozenset({"unacknowledged"}),
            )


def _refuses(row: SipMessageRow, last: SipMessageRow) -> bool:
    same = (row.capture, row.call_id, row.cseq, row.src_addr) == (
        last.capture,
        last.call_id,
        last.cseq,
        last.src_addr,
    )
    failed = is_failure(row.status) and row.status not in EVERYDAY_ENDS
    return same and failed and row.cseq_method == "INVITE" and row.time >= last.time


def gone_astray(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on each dialog in which requests go to a Contact behind NAT (RFC 3261, section 12.2.1.1)."""
    hops: dict[tuple[object, ...], list[SipMessageRow]] = defaultdict(list)
    for row in case.sip_messages:
        if row.method in IN_DIALOG and row.to_tag is not None and addr_class(row.dst_addr) in INSIDE:
            hops[row.capture, row.call_id, row.cseq, row.method, row.src_addr, row.dst_addr].append(row)
    done = set[object]()
    for copies in hops.values():
        first = copies[0]
        dialog = [row for row in case.sip_messages if row.call_id == first.call_id]
        seen = {row.src_addr for row in dialog if row.dst_addr == first.src_addr and row.time < first.time}
        outside = sorted(addr for addr in seen if addr_class(addr) not in INSIDE)
        silent = all(row.src_addr != first.dst_addr for row in dialog)
        answered = any(
            row.cseq_method == first.method and row.cseq == first.cseq and row.status for row in dialog
        )
        if not (outside and silent and lasting(copies)) or answered or first.call_id in done:
            continue
        done.add(first.call_id)
        yield Finding(
            rule,
            "suspect",
            0.8,
            evidence(*copies),
            ASTRAY,
            (SEEN_AT, *([MEANS[first.method]] if first.method in MEANS else [])),
            {
                "sender": first.src_addr,
                "target": first.dst_addr,
                "method": "re-INVITE" if first.method == "INVITE" else first.method,
                "seen": outside,
            }
            | _repeated(copies),
            SETTLE_ASTRAY,
            leg=first.leg,
            tags=frozenset({"contact", "early" if first.method == "PRACK" else "astray"}),
        )


def _repeated(copies: Sequence[SipMessageRow]) -> dict[str, object]:
    """Return the facts about a message that is sent again."""
    return {"number": copies[0].leg, "times": len(copies), "seconds": span_s(copies)}


def _unanswered_pracks(case: Case) -> Iterator[tuple[SipMessageRow, list[SipMessageRow]]]:
    """Yield PRACKs without a response, each with the response that is repeated as if it had not come (RFC 3262, section 3)."""
    for prack in case.sip_messages:
        same = (prack.capture, prack.call_id)
        if prack.method != "PRACK" or any(
            row.status is not None
            and (row.capture, row.call_id, row.cseq, row.cseq_method) == (*same, prack.cseq, "PRACK")
            for row in case.sip_messages
        ):
            continue
        copies: dict[object, list[SipMessageRow]] = defaultdict(list)
        for row in case.sip_messages:
            sent_here = (row.capture, row.call_id, row.src_addr) == (*same, prack.dst_addr)
            if sent_here and is_progress(row.status):
                copies[row.status, row.cseq, row.to_tag].append(row)
        for sent in copies.values():
            late = [row for row in sent if row.time > prack.time]
            if lasting(sent) and late and sent[0].time <= prack.time:
                yield prack, sent
                return
