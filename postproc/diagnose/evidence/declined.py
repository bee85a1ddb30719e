"""Calls accepted without their audio (port 0 in the answer), in sentences of rule ``no-common-codec``."""

from collections.abc import Iterator
from datetime import datetime

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import media_ok
from postproc.diagnose.evidence.negotiation import exchanges
from postproc.diagnose.evidence.signalling import shown
from postproc.model.findings import Finding, cause
from postproc.model.rows import SipMessageRow
from postproc.model.statuses import is_success
from postproc.model.text import Text

# Requests that answer an offer in a response (RFC 3261, section 13.2.1; RFC 3262, section 5).
LATE = ("ACK", "PRACK")
IN_FLIGHT = 1.0  # seconds within which media stop after an answer: packets under way, an ACK that comes late; a choice
DECLINED = Text(
    "{answerer} accepts the call on leg {number} without its audio: port 0 in the answer to an offer of {offered}.",
    "{answerer} nimmt den Anruf auf Leg {number} ohne Audio an: Port 0 in der Antwort auf ein Angebot von {offered}.",
)
BEGUN_WITHOUT = Text(
    "{answerer} begins the call on leg {number} without audio: port 0 in its answer ({method}) to an offer of {offered}.",
    "{answerer} beginnt den Anruf auf Leg {number} ohne Audio: Port 0 in der Antwort ({method}) auf ein Angebot von {offered}.",
)
TAKEN_OUT = Text(
    "{answerer} takes the audio out of leg {number} during the call: port 0 in the answer to a new offer of {offered}, and no media for"
    " {seconds:0} s.",
    "{answerer} nimmt das Audio während des Anrufs aus Leg {number} heraus: Port 0 in der Antwort auf ein neues Angebot mit {offered},"
    " und {seconds:0} s lang keine Medien.",
)
ACCEPTED = Text("What it does accept: {accepted}.", "Was angenommen wird: {accepted}.")
SILENT = Text("Nothing else is accepted either.", "Auch sonst wird nichts angenommen.")
SETTLE = Text(
    "the log of {refuser} says what it did not accept.",
    "Das Log von {refuser} zeigt, was nicht annehmbar war.",
)
CAUSE = cause(
    "The answering side has no microphone or no codec for this call, or audio is switched off for it (video only).",
    "Die antwortende Seite hat für diesen Anruf kein Mikrofon oder keinen Codec, oder Audio ist dafür abgeschaltet (nur"
    " Video).",
    tag="declined",
)


def declined(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on each leg whose last answer refuses all audio (RFC 3264, section 6), with no fax in its place."""
    for leg in case.numbers:
        last = exchanges(case, leg)[-1:]
        if not last or not last[0].offer.audio.port:
            continue
        offer, answer = last[0]
        message = answer.message
        silent = _silent_since(case, leg, message.time) if _in_call(case, offer.message) else None
        if media_ok(case) is True and (silent or 0) < case.deployment.thresholds.stopped_seconds:
            continue
        here = [row for row in case.sdp_media if (row.capture, row.frame) == (message.capture, message.frame)]
        accepted = [row.media for row in here if row.port and row.media is not None]
        answers = is_success(message.status) or message.method in LATE
        if not answers or "audio" in accepted or "image" in accepted:
            continue
        begun = BEGUN_WITHOUT if message.method else DECLINED
        yield Finding(
            rule,
            "suspect",
            0.7,
            evidence(offer.message, message),
            begun if silent is None else TAKEN_OUT,
            (ACCEPTED if accepted else SILENT,),
            {
                "answerer": message.src_addr,
                "refuser": message.src_addr,
                "number": leg,
                "method": message.method,
                "offered": shown(offer.audio),
                "accepted": accepted,
                "seconds": silent,
            },
            SETTLE,
            leg=leg,
            tags=frozenset({"declined", "unshared"}),
        )


def _in_call(case: Case, offer: SipMessageRow) -> bool:
    """Whether an offer belongs to a request in the call; one in a response (late offer) to the first INVITE does not."""
    same = offer.call_id, offer.cseq
    asked = (row for row in case.sip_messages if row.method == "INVITE" and (row.call_id, row.cseq) == same)
    first = next(asked, None) if offer.method is None else offer
    return first is not None and first.to_tag is not None


def _silent_since(case: Case, leg: int | None, time: datetime) -> float | None:
    """Return the seconds from then to the end of a leg; None if it goes on with media, or its end is not seen."""
    ends = [row.end_time for row in case.legs if row.leg == leg and row.end_time is not None]
    spoken = any(
        row.leg == leg and (row.last_time - time).total_seconds() > IN_FLIGHT for row in case.rtp_streams
    )
    return None if spoken or not ends else (max(ends) - time).total_seconds()
