"""A transfer by REFER fails: refused, its new call failed, or its media did not start."""

from collections.abc import Iterator
from datetime import timedelta

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.signalling import phrase
from postproc.diagnose.evidence.timers import TIMEOUT_S
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.loading import Row
from postproc.model.rows import LegRow, SipMessageRow
from postproc.model.statuses import CHALLENGES, UNSUITED, is_failure, is_final, is_refusal
from postproc.model.text import Text
from postproc.model.vocabulary import EVERYDAY_ENDS

REFUSED = Text(
    "The transfer to {target} was refused: {answerer} answers the REFER with {answer}.",
    "Die Übergabe an {target} wurde abgelehnt: {answerer} beantwortet das REFER mit {answer}.",
)
FAILED = Text(
    "The transfer to {target} failed: the new call ended with {answer}.",
    "Die Übergabe an {target} scheiterte: Der neue Anruf endete mit {answer}.",
)
ONE_WAY = Text(
    "The transfer to {target} was set up, but on the new leg {number} media flows in one direction only.",
    "Die Übergabe an {target} kam zustande, aber auf dem neuen Leg {number} fließen Medien nur in einer Richtung.",
)
FORGOTTEN = Text(
    "{answerer} took the REFER to {target} ({answer}), and nothing came of it: no NOTIFY and no new call for {seconds:0} s.",
    "{answerer} nahm das REFER auf {target} an ({answer}), und es wurde nichts daraus: {seconds:0} s lang kein NOTIFY und kein neuer"
    " Anruf.",
)
AT_ONCE = Text(
    "Who accepts a REFER reports on it at once, and again at the end (RFC 3515, section 2.4.4).",
    "Wer ein REFER annimmt, meldet sich dazu sofort und am Ende noch einmal (RFC 3515, Abschnitt 2.4.4).",
)
ASKED = Text(
    "{referrer} asked for it by REFER on leg {leg} (frame {frame}).",
    "{referrer} verlangte sie per REFER auf Leg {leg} (Frame {frame}).",
)
NOTIFIED = Text("NOTIFY says so (frame {told_frame}).", "So meldet es das NOTIFY (Frame {told_frame}).")
SEEN = Text(
    "{packets} packets came from {heard}, none the other way.",
    "{packets} Pakete kamen von {heard}, in Gegenrichtung keines.",
)
SETTLE = Text(
    "the log of {answerer} says what became of the transfer.",
    "Das Log von {answerer} zeigt, was aus der Übergabe wurde.",
)
# A shorter new leg may have been hung up before anybody spoke. A choice.
TALKED_S = 3.0
# Timer F of RFC 3261. With a third, a phone that waits for its user is blamed; with three times, people have
# hung up before.
NOTIFIED_BY = timedelta(seconds=TIMEOUT_S)
UNREAD = frozenset({400, 416})  # of a REFER: malformed, or a URI that is not understood


def find(case: Case) -> Iterator[Finding]:
    reported = set()
    for refer in case.sip_messages:
        place = refer.call_id, refer.cseq
        if refer.method != "REFER" or refer.refer_to is None or place in reported:
            continue
        reported.add(place)
        yield from _outcome(case, refer)


def _outcome(case: Case, refer: SipMessageRow) -> Iterator[Finding]:
    later = [row for row in case.sip_messages if row.call_id == refer.call_id and row.time >= refer.time]
    answers = (row for row in later if row.cseq_method == "REFER" and row.cseq == refer.cseq)
    answer = next((row for row in answers if is_final(row.status)), None)
    if answer is not None and is_refusal(answer.status):
        if answer.status not in CHALLENGES:
            tag = "unread" if answer.status in UNREAD else "refused"
            yield _finding(refer, REFUSED, tag, phrase(answer.status, answer.reason), seen=(answer,))
        return
    notifies = [row for row in later if row.method == "NOTIFY" and row.fragment_status is not None]
    last = next((row for row in reversed(notifies) if is_final(row.fragment_status)), None)
    if last is not None and is_refusal(last.fragment_status):
        yield _finding(refer, FAILED, "failed", str(last.fragment_status), seen=(last,), detail=NOTIFIED)
        return
    if answer is not None:
        yield from _forgotten(case, refer, answer)
    for leg in _brought_about(case, refer):
        if is_failure(leg.final_status):
            said = phrase(leg.final_status, leg.final_reason)
            yield _finding(refer, FAILED, "failed", said, seen=(leg,))
        else:
            yield from _one_way(case, refer, leg)


def _forgotten(case: Case, refer: SipMessageRow, answer: SipMessageRow) -> Iterator[Finding]:
    """Yield a finding if neither a report nor a call follows an accepted REFER, nor media on the held call."""
    reports = [row for row in case.sip_messages if row.method == "NOTIFY" and row.call_id == refer.call_id]
    called = any(leg.invite_time is not None and leg.invite_time >= refer.time for leg in case.legs)
    leg = next((each for each in case.legs if each.call_id == refer.call_id), None)
    end = leg.end_time if leg is not None else None
    if reports or called or end is None or end - answer.time < NOTIFIED_BY:
        return
    talked = any(
        row.leg == refer.leg and row.last_time >= answer.time + NOTIFIED_BY for row in case.rtp_streams
    )
    if not talked:
        yield _finding(
            refer,
            FORGOTTEN,
            "forgotten",
            phrase(answer.status, answer.reason),
            seen=(answer,),
            detail=AT_ONCE,
            seconds=(end - answer.time).total_seconds(),
        )


def _brought_about(case: Case, refer: SipMessageRow) -> Iterator[LegRow]:
    """Yield the legs that the REFER's receiver started after it."""
    for leg in case.legs:
        if leg.invite_time is not None and leg.invite_time >= refer.time and leg.uac_addr == refer.dst_addr:
            yield leg


def _one_way(case: Case, refer: SipMessageRow, leg: LegRow) -> Iterator[Finding]:
    """Yield a finding if media of the new leg is captured, but only from one side."""
    end = leg.end_time or case.last_time
    if leg.answer_time is None or end is None or (end - leg.answer_time).total_seconds() < TALKED_S:
        return
    streams = [stream for stream in case.rtp_streams if stream.leg == leg.leg and stream.direct is not True]
    senders = {stream.src_addr for stream in streams}
    if len(senders) == 1:
        yield _finding(
            refer,
            ONE_WAY,
            "media",
            "200",
            seen=(leg, streams[0]),
            detail=SEEN,
            number=leg.leg,
            packets=sum(stream.packets for stream in streams),
            heard=streams[0].src_addr,
        )


def _finding(
    refer: SipMessageRow,
    title: Text,
    tag: str,
    answer: str,
    *,
    seen: tuple[Row, ...],
    detail: Text | None = None,
    **more: object,
) -> Finding:
    if tag == "failed" and int(answer[:3]) in UNSUITED:
        tag = "unsuited"
    everyday = tag == "failed" and int(answer[:3]) in EVERYDAY_ENDS
    unsure = tag == "forgotten"
    verdict: Verdict = "note" if everyday else "suspect" if unsure else "fault"
    return Finding(
        RULE.name,
        verdict,
        0.7 if unsure else 0.9,
        evidence(refer, *seen),
        title,
        (ASKED, *([detail] if detail is not None else [])),
        {
            "target": refer.refer_to,
            "referrer": refer.src_addr,
            "answerer": refer.dst_addr,
            "answer": answer,
            "leg": refer.leg,
            "frame": refer.frame,
            "told_frame": seen[0].frame,
        }
        | more,
        None if everyday else SETTLE,
        leg=refer.leg,
        tags=frozenset({tag}),
    )


RULE = Rule(
    code="SIP017",
    name="transfer-failed",
    stage="sip",
    breaks="transfer",
    despite_media=True,
    summary=Text("Transfer failed", "Übergabe gescheitert"),
    claim=Text(
        "A REFER is refused or accepted without consequence, the call that it asks for fails, or stands without media both ways.",
        "Ein REFER wird abgelehnt oder folgenlos angenommen, der damit verlangte Anruf scheitert oder steht ohne Medien in beiden"
        " Richtungen.",
    ),
    causes=(
        cause(
            "The server does not allow transfers here, or does not know REFER; or a wrong Route led the REFER to somebody else, even back to"
            " its sender.",
            "Der Server erlaubt hier keine Übergaben oder kennt REFER nicht; oder eine falsche Route führte das REFER zu jemand anderem,"
            " sogar zum Absender zurück.",
            tag="refused",
        ),
        cause(
            "{answerer} does not understand the address in Refer-To ({target}): no host, no brackets, or not escaped.",
            "{answerer} versteht die Adresse in Refer-To ({target}) nicht: kein Host, keine spitzen Klammern oder nicht maskiert.",
            tag="unread",
        ),
        cause(
            "The new call's offer does not suit the target: it copies the held session (port 0, a=inactive), its codecs or its keys.",
            "Das Angebot des neuen Anrufs passt dem Ziel nicht: Es kopiert die gehaltene Sitzung (Port 0, a=inactive), deren Codecs oder"
            " Schlüssel.",
            tag="unsuited",
        ),
        cause(
            "{answerer} does not carry the REFER out: its dial plan has no transfer, a proxy answered in its stead, or its INVITE goes another"
            " way than this capture.",
            "{answerer} führt das REFER nicht aus: Der Wählplan kennt keine Übergabe, ein Proxy antwortete an seiner Stelle, oder sein"
            " INVITE nimmt einen anderen Weg als diesen Mitschnitt.",
            tag="forgotten",
        ),
        cause(
            "The target does not exist, may not be called from here, or did not answer.",
            "Das Ziel gibt es nicht, darf von hier nicht angerufen werden oder nahm nicht ab.",
            tag="failed",
        ),
        cause(
            "The new leg inherits media settings of the old one that do not suit it, such as ICE and DTLS towards a plain gateway.",
            "Das neue Leg erbt Medieneinstellungen des alten, die nicht zu ihm passen, etwa ICE und DTLS zu einem einfachen Gateway.",
            tag="media",
        ),
    ),
    remedies=(
        remedy(
            "Have {referrer} write a whole address into Refer-To: <sip:number@host>.",
            "{referrer} eine vollständige Adresse in Refer-To schreiben lassen: <sip:nummer@host>.",
            tag="unread",
        ),
        remedy(
            "Compare the offer of the new call with that of a call without a transfer; transfer without holding first, to see whether that"
            " is it.",
            "Das Angebot des neuen Anrufs mit dem eines Anrufs ohne Übergabe vergleichen; zur Probe übergeben, ohne vorher zu halten.",
            tag="unsuited",
        ),
        remedy(
            "Call {target} from there directly: does that succeed?",
            "{target} von dort direkt anrufen: Gelingt das?",
        ),
        remedy(
            "Compare offer and answer of the new leg with those of a call without a transfer.",
            "Angebot und Antwort des neuen Legs mit denen eines Anrufs ohne Übergabe vergleichen.",
            tag="media",
        ),
        remedy(
            "In FreeSWITCH: the channel variables that the transfer inherits (media_webrtc) and the dial plan's context for transfers.",
            "In FreeSWITCH: die Kanalvariablen, die die Übergabe erbt (media_webrtc), und den Wählplan-Kontext für Übergaben.",
            product="freeswitch",
        ),
    ),
    references=("RFC 3515", "RFC 5589", "RFC 3420"),
    known_problems=Text(
        "A target that is busy or does not answer is a note; a transfer within the server, without REFER, is not seen.",
        "Ein besetztes oder nicht abnehmendes Ziel ist ein Hinweis; eine Übergabe im Server ohne REFER ist nicht zu sehen.",
    ),
    find=find,
)
