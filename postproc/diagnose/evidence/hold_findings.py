"""Findings on holds that cannot be ended, or in which a side misses media, in sentences of rule ``media-stopped``."""

from postproc.diagnose.evidence.case import evidence
from postproc.diagnose.evidence.holds import Kept
from postproc.diagnose.evidence.signalling import phrase
from postproc.model.findings import Finding, cause, remedy
from postproc.model.rows import PhaseRow, SipMessageRow
from postproc.model.statuses import REQUEST_PENDING, is_success
from postproc.model.text import Text

TITLE_REFUSED = Text(
    "Leg {number} stays on hold for another {seconds:0} s: the {method} of {since:clock} that was to resume the call was"
    " refused with {answer}.",
    "Leg {number} bleibt noch {seconds:0} s gehalten: Das {method} von {since:clock}, das den Anruf zurückholen sollte,"
    " wurde mit {answer} abgelehnt.",
)
TITLE_UNANSWERED = Text(
    "Leg {number} stays on hold for another {seconds:0} s: the {method} of {since:clock} that was to resume the call was"
    " never answered.",
    "Leg {number} bleibt noch {seconds:0} s gehalten: Das {method} von {since:clock}, das den Anruf zurückholen sollte,"
    " blieb unbeantwortet.",
)
TITLE_ANSWERED = Text(
    "Leg {number} stays on hold for another {seconds:0} s: the {method} that was to resume the call was answered with"
    " another hold at {since:clock}.",
    "Leg {number} bleibt noch {seconds:0} s gehalten: Das {method}, das den Anruf zurückholen sollte, wurde um {since:clock}"
    " wieder mit einem Halten beantwortet.",
)
TITLE_LEFT = Text(
    "Leg {number} stays on hold from {since:clock} on for {seconds:0} s, although leg {other} was resumed.",
    "Leg {number} bleibt ab {since:clock} {seconds:0} s lang gehalten, obwohl Leg {other} zurückgeholt wurde.",
)
TITLE_UNFED = Text(
    "{ender} ended the call {seconds:0} s into a hold on leg {number} for want of media: {reason}.",
    "{ender} hat den Anruf {seconds:0} s nach Beginn eines Haltens auf Leg {number} mangels Medien beendet: {reason}.",
)
UNFED = Text(
    "During the hold no RTP came on that leg; none has to (RFC 3264, section 8.4).",
    "Während des Haltens kam auf diesem Leg kein RTP; es muss auch keines kommen (RFC 3264, Abschnitt 8.4).",
)
HELD = Text(
    "Until then silence was agreed; from then on {holder} wanted to send and to receive.",
    "Bis dahin war Stille vereinbart; von da an wollte {holder} senden und empfangen.",
)
PENDING_CAUSE = cause(
    "{target} had an offer of its own open, and {holder} did not try again: after 491 it waits for up to 4 s and repeats its offer"
    " (RFC 3261, section 14.1).",
    "{target} hatte ein eigenes Angebot offen, und {holder} versuchte es nicht noch einmal: Nach 491 wird bis zu 4 s gewartet und das"
    " Angebot wiederholt (RFC 3261, Abschnitt 14.1).",
    tag="pending",
)
PENDING_REMEDY = remedy(
    "Update {holder}; until then have only one side send re-INVITEs of its own accord (session timer, hold).",
    "{holder} aktualisieren; bis dahin nur eine Seite von sich aus re-INVITEs senden lassen (Session-Timer, Halten).",
    tag="pending",
)
LAST_OFFER = Text(
    "There the {method} of {relay} in frame {frame} still holds; by it audio goes one way at most.",
    "Dort gilt noch das {method} von {relay} in Frame {frame}; danach geht Audio höchstens in eine Richtung.",
)
SETTLE_HELD = Text(
    "The log of {target} shows whether the {method} arrived and what was wrong with it.",
    "Das Log von {target} zeigt, ob das {method} ankam und was daran störte.",
)
SETTLE_RELAY = Text(
    "The log of {relay} shows what it made of the call's media then.",
    "Das Log von {relay} zeigt, was dort dann mit den Medien des Anrufs geschah.",
)


def left_on_hold(rule: str, held: Kept) -> Finding:
    """Return a finding on a call that stays on hold although it was to be resumed."""
    asked, refused = held.asked, held.refused
    facts: dict[str, object] = {
        "number": held.phase.leg,
        "since": held.since,
        "seconds": held.seconds,
        "method": asked.method,
        "frame": asked.frame,
        "holder": asked.src_addr,
        "target": asked.dst_addr,
        "relay": held.relay,
    }
    if held.resumed is not None:
        facts["other"] = held.resumed.leg
        title, detail, tag = TITLE_LEFT, LAST_OFFER, "left"
    elif refused is not None and is_success(refused.status):
        title, detail, tag = TITLE_ANSWERED, HELD, "answered"
    elif refused is not None:
        facts["answer"] = phrase(refused.status, refused.reason)
        title, detail = TITLE_REFUSED, HELD
        tag = "pending" if refused.status == REQUEST_PENDING else "refused"
    else:
        title, detail, tag = TITLE_UNANSWERED, HELD, "unanswered"
    return Finding(
        rule,
        "suspect",
        0.7,
        evidence(held.phase, asked, refused, held.resumed),
        title,
        (detail,),
        facts,
        {"left": SETTLE_RELAY, "answered": None, "pending": None}.get(tag, SETTLE_HELD),
        leg=held.phase.leg,
        tags=frozenset({tag}),
    )


def unfed(rule: str, bye: SipMessageRow, held: PhaseRow) -> Finding:
    """Return a finding on a call that is ended for want of media on hold, where none need to come."""
    return Finding(
        rule,
        "suspect",
        0.8,
        evidence(held, bye),
        TITLE_UNFED,
        (UNFED,),
        {
            "ender": bye.src_addr,
            "number": held.leg,
            "seconds": (bye.time - (held.started or held.time)).total_seconds(),
            "reason": bye.reason_header,
        },
        leg=held.leg,
        tags=frozenset({"unfed"}),
    )
