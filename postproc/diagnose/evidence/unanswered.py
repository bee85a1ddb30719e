"""INVITEs and CANCELs to which no response comes, in sentences of rule ``no-response``."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.icmp import kind, undelivered
from postproc.diagnose.evidence.signalling import ONE_PACKET, phrase
from postproc.diagnose.evidence.timers import TIMEOUT_S, lasting, span_s
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, cause, remedy
from postproc.model.rows import IcmpErrorRow, SipMessageRow
from postproc.model.statuses import TRYING
from postproc.model.text import Text

CANCEL_LOST = Text(
    "{target} does not answer the CANCEL of {sender} on leg {number}: it was sent {times} times in {seconds:0} s.",
    "{target} beantwortet das CANCEL von {sender} auf Leg {number} nicht: Es wurde {times}-mal in {seconds:0} s gesendet.",
)
HEARD_BEFORE = Text(
    "Before, {target} was heard ({answer}): by now the one does not hear the other any more, and the call may have been answered"
    " meanwhile.",
    "Vorher war {target} zu hören ({answer}): Inzwischen hört eine Seite die andere nicht mehr, und der Anruf kann derweil"
    " angenommen worden sein.",
)
SETTLE_CANCEL = Text(
    "a capture at {target} shows whether the CANCEL arrives, and what is answered.",
    "Ein Mitschnitt bei {target} zeigt, ob das CANCEL ankommt und was geantwortet wird.",
)
CANCEL_CAUSE = cause(
    "Signalling stopped getting through while it rang: a firewall or a SIP ALG drops the responses of {target}, a NAT mapping"
    " expired, or {target} went away.",
    "Während es läutete, kam die Signalisierung nicht mehr durch: Eine Firewall oder ein SIP-ALG verwirft die Antworten von {target},"
    " eine NAT-Zuordnung ist abgelaufen, oder {target} ist nicht mehr da.",
    tag="lost-cancel",
)
CANCEL_REMEDY = remedy(
    "Capture at {target} and compare: which responses leave there and do not arrive at {sender}?",
    "Bei {target} mitschneiden und vergleichen: Welche Antworten gehen dort ab und kommen bei {sender} nicht an?",
    tag="lost-cancel",
)
SILENT = Text(
    "{target} does not answer the INVITE: {sender} sent it {times} times in {seconds:0} s.",
    "{target} antwortet nicht auf den INVITE: {sender} sendete ihn {times}-mal in {seconds:0} s.",
)
ONCE = Text(
    "{target} does not answer the INVITE that {sender} sent over {transport}.",
    "{target} antwortet nicht auf den INVITE, den {sender} über {transport} sendete.",
)
UNHEARD = Text(
    "{target} answers the INVITE, but {sender} does not get the answer: it sent the INVITE {times} times in {seconds:0} s.",
    "{target} antwortet auf den INVITE, aber {sender} erhält die Antwort nicht: Der INVITE kam {times}-mal in {seconds:0} s.",
)
NOTHING = Text(
    "Not even 100 Trying came back on leg {number}.", "Auf Leg {number} kam nicht einmal 100 Trying zurück."
)
WENT_TO = Text(
    "The responses went to {answered} (first: {answer}); the INVITE came from {asked}.",
    "Die Antworten gingen an {answered} (zuerst: {answer}); der INVITE kam von {asked}.",
)
REFUSED = Text(
    "{reporter} reports by ICMP that it cannot be delivered ({what}).",
    "{reporter} meldet per ICMP, dass er nicht zustellbar ist ({what}).",
)
ELSEWHERE = Text(
    "Another attempt was answered; this one cost {seconds:0} s.",
    "Ein anderer Versuch wurde beantwortet; dieser kostete {seconds:0} s.",
)
RENEWAL = Text(
    "It was a re-INVITE in a call that stood; {ender} ended the call {ended:0} s after it (RFC 3261, section 12.2.1.2).",
    "Es war ein re-INVITE in einem stehenden Anruf; {ender} beendete ihn {ended:0} s danach (RFC 3261, Abschnitt 12.2.1.2).",
)
UNFINISHED = Text(
    "The INVITE is not complete: by its Content-Length more bytes should follow, for which {target} waits.",
    "Der INVITE ist unvollständig: Nach seinem Content-Length müssten weitere Bytes folgen, auf die {target} wartet.",
)
LONG = Text(
    "It is {size} bytes long, so it goes over UDP in fragments, which many firewalls and servers drop.",
    "Er ist {size} Bytes lang und geht über UDP daher in Fragmenten, die viele Firewalls und Server verwerfen.",
)
NO_CONTACT = Text(
    "It has no Contact, which an INVITE must have (RFC 3261, section 8.1.1.8); many servers drop such a message without a word.",
    "Ihm fehlt der Contact, den ein INVITE haben muss (RFC 3261, Abschnitt 8.1.1.8); viele Server verwerfen so eine Nachricht"
    " wortlos.",
)
OLD_BRANCH = Text(
    "Its Via has the branch of the INVITE of frame {former}, so {target} takes it for a copy of that one (RFC 3261, section 17.2.3).",
    "Sein Via hat den Branch des INVITE aus Frame {former}; {target} hält es also für eine Kopie davon (RFC 3261, Abschnitt 17.2.3).",
)
ONLY_TRYING = Text(
    "{target} takes the INVITE on leg {number} (100 Trying), and nothing follows for {seconds:0} s, until {sender} cancels: no ringing,"
    " no refusal.",
    "{target} nimmt den INVITE auf Leg {number} an (100 Trying), und {seconds:0} s lang folgt nichts, bis {sender} abbricht: kein"
    " Klingeln, keine Ablehnung.",
)
NEXT_HOP_ONLY = Text(
    "100 Trying is the next hop's own; whoever was to be called was not reached, or does not answer either.",
    "100 Trying stammt von der nächsten Station selbst; wer angerufen werden sollte, wurde nicht erreicht oder antwortet auch nicht.",
)
SETTLE_BEHIND = Text(
    "a capture behind {target}, or its log, shows where the INVITE went.",
    "Ein Mitschnitt hinter {target} oder das Log dort zeigt, wohin der INVITE ging.",
)
BEHIND_CAUSE = cause(
    "{target} waits for a next hop that does not answer, with a timer longer than the caller's patience; or for an app that its push"
    " notification does not wake, or for a look-up (DNS, database).",
    "{target} wartet auf eine nächste Station, die nicht antwortet, mit einem Timer, der länger ist als die Geduld des Anrufers; oder auf"
    " eine App, die ihre Push-Nachricht nicht weckt, oder auf eine Abfrage (DNS, Datenbank).",
    tag="behind",
)
BEHIND_REMEDY = remedy(
    "Look in the log of {target} at that time for the next attempt; shorten its timers (Kamailio: fr_timer) and give it another"
    " destination to try.",
    "Im Log von {target} zu dieser Zeit den nächsten Versuch suchen; die Timer dort verkürzen (Kamailio: fr_timer) und ein weiteres Ziel"
    " hinterlegen.",
    tag="behind",
)
SETTLE = Text(
    "a capture at {target} shows whether the INVITE arrives there.",
    "Ein Mitschnitt bei {target} zeigt, ob der INVITE dort ankommt.",
)


def attempts(case: Case, *, renewing: bool = False) -> Iterator[list[SipMessageRow]]:
    """Yield the copies of each INVITE on one hop; each branch of a fork separately."""
    hops: dict[tuple[object, ...], list[SipMessageRow]] = defaultdict(list)
    for row in case.sip_messages:
        if row.method == "INVITE" and (row.to_tag is not None) == renewing:
            hops[row.capture, row.call_id, row.cseq, row.branch, row.src_addr, row.dst_addr].append(row)
    yield from hops.values()


def answers_to(case: Case, invite: SipMessageRow) -> list[SipMessageRow]:
    """Return the responses to an INVITE, wherever they were sent."""
    return [
        row
        for row in case.sip_messages
        if row.status is not None
        and row.cseq_method == "INVITE"
        and (row.capture, row.call_id, row.cseq) == (invite.capture, invite.call_id, invite.cseq)
        and (row.branch == invite.branch or row.dst_addr == invite.src_addr)
        and row.time >= invite.time
    ]


def refusals(case: Case, copies: Sequence[SipMessageRow]) -> list[IcmpErrorRow]:
    """Return the ICMP errors about an INVITE if every copy of it was refused; else empty."""
    first = copies[0]
    flow = first.src_addr, first.src_port, first.dst_addr, first.dst_port
    errors = [row for row in undelivered(case, flow) if first.time <= row.time]
    return errors if len(errors) >= len(copies) else []


def reliable(invite: SipMessageRow) -> bool:
    return invite.transport in ("tcp", "tls", "ws", "wss")


def finding_on(
    rule: str,
    case: Case,
    copies: Sequence[SipMessageRow],
    *,
    answers: Sequence[SipMessageRow] = (),
    bye: SipMessageRow | None = None,
    told: Sequence[IcmpErrorRow] = (),
) -> Finding:
    """Return the finding on the copies of an INVITE: ``bye`` ended the call for it, ``told`` are ICMP errors about it."""
    first, last = copies[0], copies[-1]
    # A response before the last retransmission did not reach the sender; a later one was just slow.
    unheard = [row for row in answers if row.src_addr == first.dst_addr]
    silent = not (unheard or told)
    facts: dict[str, object] = {
        "target": first.dst_addr,
        "sender": first.src_addr,
        "number": first.leg,
        "times": len(copies),
        "seconds": (last.time - first.time).total_seconds(),
        "transport": (first.transport or "").upper(),
    }
    if unheard:
        answer = unheard[0]
        facts |= {
            "answered": f"{answer.dst_addr}:{answer.dst_port}",
            "asked": f"{first.src_addr}:{first.src_port}",
            "answer": phrase(answer.status, answer.reason),
        }
    if told:
        facts |= {"reporter": told[0].reporter, "what": kind(told[0])}
    unfinished = first.cut_short and first.transport == "tcp" and not unheard
    long = silent and bye is None and first.transport == "udp" and (first.size or 0) > ONE_PACKET
    if long:
        facts["size"] = first.size
    bare = silent and bye is None and first.contact is None and not first.cut_short
    former = _with_its_branch(case, first) if silent and bye is not None else None
    if former is not None:
        facts["former"] = former.frame
    served = bye is None and any(leg.answer_time is not None for leg in case.legs)
    if bye is not None:
        facts |= {"ended": (bye.time - first.time).total_seconds(), "ender": bye.src_addr}
    said = (
        (REFUSED if told else WENT_TO if unheard else NOTHING, True),
        (UNFINISHED, unfinished),
        (LONG, long),
        (NO_CONTACT, bare),
        (OLD_BRANCH, former is not None),
        (ELSEWHERE, served),
        (RENEWAL, bye is not None),
    )
    # What is wrong with the INVITE, of which the first that holds selects the advice.
    wrong = {
        "refused": bool(told),
        "unfinished": unfinished,
        "bare": bare,
        "reused": former is not None,
    }
    # Otherwise it does not arrive, or the response to it.
    lost = {
        "dropped": True,
        "renewal": bye is not None,
        "unheard": bye is None and bool(unheard),
        "silent": bye is None and not unheard,
        "long": long,
    }
    verdict: Verdict = "note" if served else "fault"
    return Finding(
        rule,
        verdict,
        0.9,
        evidence(*copies, *unheard[:1], *told, bye),
        UNHEARD if unheard else SILENT if len(copies) > 1 else ONCE,
        tuple(text for text, holds in said if holds),
        facts,
        None if told else SETTLE,
        leg=first.leg,
        tags=frozenset({"hop", *(_holding(wrong)[:1] or _holding(lost))}),
    )


def _holding(tags: Mapping[str, bool]) -> list[str]:
    return [tag for tag, holds in tags.items() if holds]


def _with_its_branch(case: Case, invite: SipMessageRow) -> SipMessageRow | None:
    """Return an earlier INVITE of the dialog with the same Via branch; None if there is none."""
    hop = (invite.capture, invite.call_id, invite.method, invite.src_addr, invite.branch)
    return next(
        (
            row
            for row in case.sip_messages
            if (row.capture, row.call_id, row.method, row.src_addr, row.branch) == hop
            and row.branch is not None
            and row.cseq != invite.cseq
        ),
        None,
    )


def only_trying(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on a call that was cancelled after longer than Timer B, with 100 Trying and nothing else before."""
    if any(leg.progress_time or leg.ringing_time or leg.answer_time for leg in case.legs):
        return
    first = {leg.call_id for leg in case.legs if leg.leg == 1}
    for cancel in (row for row in case.sip_messages if row.method == "CANCEL" and row.call_id in first):
        asked = (cancel.capture, cancel.call_id, cancel.cseq)
        rows = [
            row
            for row in case.sip_messages
            if (row.capture, row.call_id, row.cseq, row.cseq_method) == (*asked, "INVITE")
            and row.time <= cancel.time
        ]
        invite = next((row for row in rows if row.method == "INVITE"), None)
        said = {row.status for row in rows if row.status is not None}
        waited = (cancel.time - invite.time).total_seconds() if invite is not None else 0.0
        if invite is not None and said == {TRYING} and waited >= TIMEOUT_S:
            yield Finding(
                rule,
                "suspect",
                0.6,
                evidence(invite, cancel),
                ONLY_TRYING,
                (NEXT_HOP_ONLY,),
                {
                    "target": invite.dst_addr,
                    "sender": invite.src_addr,
                    "number": invite.leg,
                    "seconds": waited,
                },
                SETTLE_BEHIND,
                leg=invite.leg,
                tags=frozenset({"behind"}),
            )
            return


def lost_cancels(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on a CANCEL without a response, to a side that had been heard before."""
    hops: dict[tuple[object, ...], list[SipMessageRow]] = defaultdict(list)
    for row in case.sip_messages:
        if row.method == "CANCEL":
            hops[row.capture, row.call_id, row.cseq, row.src_addr, row.dst_addr].append(row)
    for copies in filter(lasting, hops.values()):
        first = copies[0]
        there = (first.capture, first.call_id, first.dst_addr, first.src_addr)
        said = [
            row
            for row in case.sip_messages
            if row.status and (row.capture, row.call_id, row.src_addr, row.dst_addr) == there
        ]
        before = [row for row in said if row.time < first.time]
        if not before or any(row.time >= first.time for row in said):
            continue
        yield Finding(
            rule,
            "suspect",
            0.75,
            evidence(before[-1], *copies),
            CANCEL_LOST,
            (HEARD_BEFORE,),
            {
                "target": first.dst_addr,
                "sender": first.src_addr,
                "number": first.leg,
                "times": len(copies),
                "seconds": span_s(copies),
                "answer": phrase(before[-1].status, before[-1].reason),
            },
            SETTLE_CANCEL,
            leg=first.leg,
            tags=frozenset({"lost-cancel"}),
        )
        return
