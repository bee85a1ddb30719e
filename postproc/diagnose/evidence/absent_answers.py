"""Offers that get no answer at all: the ACK or the 2xx holds no SDP; in sentences of rule ``answer-mismatch``."""

from collections.abc import Iterator
from datetime import timedelta

from postproc.diagnose.evidence.answers import BY_MACHINE
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.negotiation import OFFERING
from postproc.diagnose.evidence.signalling import phrase
from postproc.diagnose.evidence.timers import in_ms
from postproc.model.findings import Finding
from postproc.model.statuses import is_success
from postproc.model.text import Text

NO_ANSWER = Text(
    "The ACK from {who} on leg {number} lacks the answer to the offer in the 200 OK.",
    "Dem ACK von {who} auf Leg {number} fehlt die Antwort auf das Angebot im 200 OK.",
)
NO_SDP = Text(
    "The {status} from {who} on leg {number} answers an INVITE that offers, and holds no SDP; nor did any response before it.",
    "Das {status} von {who} auf Leg {number} beantwortet einen INVITE mit Angebot und enthält kein SDP; auch keine Antwort"
    " davor enthielt eines.",
)
NOWHERE = Text(
    "So {offerer} does not know where to send; only {who} knows the other side's address.",
    "{offerer} weiß daher nicht, wohin zu senden ist; nur {who} kennt die Adresse der anderen Seite.",
)
NOT_ANSWERED = Text(
    "The {status} from {who} on leg {number} accepts a change by {method} that offers, and holds no SDP: {ender} ended the call"
    " {after_ms} ms later.",
    "Das {status} von {who} auf Leg {number} nimmt eine Änderung per {method} mit Angebot an und enthält kein SDP: {ender} beendete den"
    " Anruf {after_ms} ms danach.",
)
STANDS = Text(
    "Without an answer to its offer {ender} has no session to go on with (RFC 3311, section 5.2; RFC 3261, section 14.2).",
    "Ohne Antwort auf sein Angebot hat {ender} keine gültige Sitzung mehr (RFC 3311, Abschnitt 5.2; RFC 3261, Abschnitt 14.2).",
)
UNANSWERED = Text(
    "The INVITE came without SDP, so {offerer} offered in its 200 OK and does not know where to send.",
    "Der INVITE kam ohne SDP; daher hat {offerer} im 200 OK angeboten und weiß nicht, wohin zu senden ist.",
)
CUT_OFF = Text(
    "The {method} of {who} announces SDP (Content-Type), but by its Content-Length the body is empty: {offerer} does not see it.",
    "Im {method} von {who} ist SDP angekündigt (Content-Type), aber nach Content-Length ist der Inhalt leer: {offerer} sieht ihn nicht.",
)
OFFERED_TWICE = Text(
    "{offerer} took the INVITE from {who} on leg {number} for one without an offer, offered in its 200 OK, and got no answer in the ACK.",
    "{offerer} hielt den INVITE von {who} auf Leg {number} für einen ohne Angebot, bot im 200 OK selbst an und bekam im ACK keine Antwort.",
)
NO_MEDIA = Text("No media went both ways on it.", "Medien in beide Richtungen gab es auf ihm nicht.")


def in_ack(rule: str, case: Case, leg: int) -> Iterator[Finding]:
    """Yield findings on 200s with an offer (the INVITE had none) whose ACK carries no answer (RFC 3261, section 13.2.1)."""
    rows = [row for row in case.sip_messages if case.leg_of.get(row.call_id) == leg]
    first = next((row for row in rows if row.method == "INVITE"), None)
    if first is None or first.has_sdp or first.cut_short:
        return
    invites = [row for row in rows if (row.call_id, row.cseq) == (first.call_id, first.cseq)]
    offer = next((row for row in invites if is_success(row.status) and row.has_sdp), None)
    acks = [row for row in invites if row.method == "ACK"]
    if offer is None or not acks or any(row.has_sdp for row in rows if row.src_addr == first.src_addr):
        return
    cut = next((row for row in (first, *acks) if row.sdp_lost), None)
    facts: dict[str, object] = {
        "who": first.src_addr,
        "number": leg,
        "offerer": offer.src_addr,
        "method": cut.method if cut else None,
    }
    yield Finding(
        rule,
        "fault",
        0.85,
        evidence(first, offer, *acks[:1]),
        OFFERED_TWICE if cut is first else NO_ANSWER,
        (CUT_OFF if cut else UNANSWERED, NO_MEDIA),
        facts,
        leg=leg,
        tags=frozenset({"cut" if cut else "ack"}),
    )


def in_response(rule: str, case: Case, leg: int) -> Iterator[Finding]:
    """Find a 2xx without the answer that the INVITE's offer requires, nor one before (RFC 3261, section 13.2.1)."""
    rows = [row for row in case.sip_messages if case.leg_of.get(row.call_id) == leg]
    first = next((row for row in rows if row.method == "INVITE"), None)
    if first is None or not first.has_sdp or first.to_tag is not None:
        return
    asked = (first.call_id, first.cseq, "INVITE")
    answers = [row for row in rows if (row.call_id, row.cseq, row.cseq_method) == asked]
    done = next((row for row in answers if is_success(row.status)), None)
    if done is None or any(row.has_sdp or row.cut_short for row in rows if row.src_addr == done.src_addr):
        return
    yield Finding(
        rule,
        "suspect",
        0.75,
        evidence(first, done),
        NO_SDP,
        (NOWHERE,),
        {
            "status": phrase(done.status, done.reason),
            "who": done.src_addr,
            "number": leg,
            "offerer": first.src_addr,
        },
        leg=leg,
        tags=frozenset({"empty"}),
    )


def to_change(rule: str, case: Case, leg: int) -> Iterator[Finding]:
    """Yield a finding on an offer in the call whose 2xx has no SDP, if its sender then ends the call at once."""
    rows = [row for row in case.sip_messages if case.leg_of.get(row.call_id) == leg]
    bye = next((row for row in rows if row.method == "BYE"), None)
    asked = [row for row in rows if row.method in OFFERING and row.to_tag is not None and row.has_sdp]
    for offer in asked if bye is not None and bye.reason_header is None else []:
        place = (offer.capture, offer.call_id, offer.cseq, offer.method, offer.src_addr)
        answers = [
            row
            for row in rows
            if row.status and (row.capture, row.call_id, row.cseq, row.cseq_method, row.dst_addr) == place
        ]
        done = next((row for row in answers if is_success(row.status)), None)
        if done is None or bye is None or any(row.has_sdp or row.cut_short for row in answers):
            continue
        waited = bye.time - done.time
        if bye.src_addr == offer.src_addr and timedelta() <= waited <= BY_MACHINE:
            yield Finding(
                rule,
                "suspect",
                0.75,
                evidence(offer, done, bye),
                NOT_ANSWERED,
                (STANDS,),
                {
                    "status": phrase(done.status, done.reason),
                    "who": done.src_addr,
                    "number": leg,
                    "method": "re-INVITE" if offer.method == "INVITE" else offer.method,
                    "ender": bye.src_addr,
                    "after_ms": round(in_ms(waited)),
                },
                leg=leg,
                tags=frozenset({"empty"}),
            )
            return
