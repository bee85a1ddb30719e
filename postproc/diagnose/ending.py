"""Sentences on how a call without a fault went, and on who ended a call, when and why."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from postproc.diagnose.evidence import fax
from postproc.diagnose.evidence.case import OTHER, Case
from postproc.diagnose.evidence.media import both_ways, talking, way, ways
from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER
from postproc.diagnose.evidence.q850 import NORMAL_CLEARING
from postproc.diagnose.evidence.signalling import given_up, q850, rejection, server_calls
from postproc.diagnose.evidence.view import truncated
from postproc.model.enumerations import Verdict
from postproc.model.rows import LegRow
from postproc.model.statuses import TERMINATED, is_redirection, is_success
from postproc.model.text import Text
from postproc.model.vocabulary import EVERYDAY_ENDS

CANCELLED = Text("The caller hung up before an answer.", "Der Anrufer hat vor dem Abheben aufgelegt.")
CROSSED = Text(
    "The caller hung up just as the call was answered: CANCEL and 200 OK crossed.",
    "Der Anrufer hat aufgelegt, während abgehoben wurde: CANCEL und 200 OK haben sich gekreuzt.",
)
GOOD = Text(
    "Media flows both ways on the client's leg ({to_client} and {to_server} packets).",
    "Auf dem Client-Leg fließen Medien in beide Richtungen ({to_client} und {to_server} Pakete).",
)
GOOD_PLAIN = Text(
    "Media flows both ways ({one} and {other} packets).",
    "Medien fließen in beide Richtungen ({one} und {other} Pakete).",
)
FAXED = Text(
    "Nothing wrong is seen; fax packets (T.38) flowed, as agreed.",
    "Es ist kein Fehler zu sehen; Faxpakete (T.38) sind wie vereinbart geflossen.",
)
REDIRECTED = Text("The call was redirected ({status}).", "Der Anruf wurde umgeleitet ({status}).")
ONE_WAY = Text(
    "Nothing wrong is seen; media flows in one direction only, as offer and answer say (hold, announcement).",
    "Es ist kein Fehler zu sehen; Medien fließen nur in einer Richtung, so wie Angebot und Antwort es sagen"
    " (Halten, Ansage).",
)
UNPROVEN = Text(
    "Media flowed both ways, but one side is silent at the end, and the capture does not show whether that was"
    " agreed or for how long it lasted.",
    "Medien flossen in beide Richtungen, aber am Ende schweigt eine Seite, und der Mitschnitt zeigt nicht, ob das"
    " vereinbart war oder wie lange es dauerte.",
)
UNKNOWN = Text(
    "Nothing wrong is seen, but there is no media by which to judge the call.",
    "Es ist kein Fehler zu sehen, aber auch keine Medien, nach denen man den Anruf beurteilen könnte.",
)
TRUNCATED = Text(
    "Of some messages only the beginning was captured (tcpdump -s 0 captures whole packets), and there is no media by"
    " which to judge the call.",
    "Von manchen Nachrichten ist nur der Anfang aufgezeichnet (ganze Pakete zeichnet tcpdump -s 0 auf), und es gibt keine"
    " Medien, nach denen man den Anruf beurteilen könnte.",
)


HUNG_UP = Text(
    "{side:word} ({address}) hung up after {seconds:0} s{why}.",
    "{side:word} ({address}) legte nach {seconds:0} s auf{why}.",
)
HUNG_UP_AT_ONCE = Text(
    "{side:word} ({address}) hung up within a second{why}.",
    "{side:word} ({address}) legte binnen einer Sekunde auf{why}.",
)
HUNG_UP_UNHEARD = Text(
    "{side:word} ({address}) hung up after {seconds:0} s{why}; its BYE was not answered.",
    "{side:word} ({address}) legte nach {seconds:0} s auf{why}; das BYE blieb unbeantwortet.",
)
HUNG_UP_SOME_TIME = Text(
    "{side:word} ({address}) hung up{why}; the capture's clock jumps, so nobody can say after how long.",
    "{side:word} ({address}) legte auf{why}; die Uhr des Mitschnitts springt, daher ist die Dauer unbekannt.",
)
HUNG_UP_BEFORE = Text(
    "{side:word} ({address}) hung up by BYE{why}, before the call was answered.",
    "{side:word} ({address}) legte per BYE auf{why}, bevor der Anruf angenommen war.",
)
GIVEN_UP = Text("Cancelled after {seconds:0} s{why}.", "Abgebrochen nach {seconds:0} s{why}.")
Sentence = tuple[Text, Mapping[str, Any]]  # with its facts
LONGEST_CALL_S = 7 * 86_400  # no call lasts a week; a larger value believes durations from a clock that jumps
T2 = timedelta(seconds=4)  # RFC 3261, section 17.1.2.2: by then the 200 or the BYE has been retransmitted
LONGEST_REASON = 100  # characters quoted of a Reason
UNHEARD = 3  # times a BYE is sent; a choice: with fewer, the response may be outside the capture


def hung_up(case: Case) -> Sentence | None:
    """Return who ended the call, when and why; None if not captured, or if a refusal ended it."""
    ended = [leg for leg in case.legs if leg.end_time is not None]
    handed_on = {row.call_id for row in case.sip_messages if row.method == "REFER"}
    completed = [leg for leg in ended if leg.state == "completed"]
    completed = [leg for leg in completed if leg.call_id not in handed_on] or completed
    if completed:
        return _bye(case, min(completed, key=lambda each: each.end_time or each.time))
    first = next((leg for leg in ended if leg.leg == 1 and leg.state == "cancelled"), None)
    if first is None or first.end_time is None or case.call.answer is not None:
        return None
    seconds = (first.end_time - (first.invite_time or first.time)).total_seconds()
    return GIVEN_UP, {"seconds": seconds, "why": _why(first.end_reason)}


def _bye(case: Case, leg: LegRow) -> Sentence | None:
    rows = (row for row in case.sip_messages if row.method == "BYE" and row.call_id == leg.call_id)
    bye = next((row for row in rows if leg.end_time is not None and row.time >= leg.end_time), None)
    if bye is None or leg.answer_time is None or leg.ended_by is None:
        return None
    sent = [row for row in case.transactions if row.method == "BYE" and row.call_id == leg.call_id]
    unheard = bool(sent) and all(row.final_status is None and row.requests >= UNHEARD for row in sent)
    seconds = (bye.time - leg.answer_time).total_seconds()
    early = any(
        row.call_id == leg.call_id and row.capture == bye.capture and row.frame > bye.frame
        for row in case.sip_messages
        if row.cseq_method == "INVITE" and is_success(row.status)
    )
    sentence = HUNG_UP_UNHEARD if unheard else HUNG_UP if seconds >= 1 else HUNG_UP_AT_ONCE
    unsure = HUNG_UP_BEFORE if early and seconds < 0 else HUNG_UP_SOME_TIME
    return (sentence if 0 <= seconds < LONGEST_CALL_S else unsure), {
        "side": _side(leg),
        "address": bye.src_addr,
        "seconds": seconds,
        "why": _why(bye.reason_header),
    }


def _side(leg: LegRow) -> str:
    """Return who ended a leg: caller, called, or the B2BUA if it ended its own side."""
    own = {"inbound": "uas", "outbound": "uac"}.get(leg.role or "")
    if leg.ended_by == own:
        return "b2bua"
    return "caller" if leg.ended_by == "uac" else "called"


def _why(reason: str | None) -> str:
    if not reason or q850(reason) == NORMAL_CLEARING:
        return ""
    return f" ({reason[:LONGEST_REASON]})"


def ended_well(case: Case) -> bool:
    """Whether the first leg ended normally without media: busy, cancelled, not answered, redirected."""
    first = [leg for leg in case.legs if leg.leg == 1]
    answered = [leg for leg in first if leg.answer_time is not None]
    if not first or answered:
        return bool(first) and all(_crossed(case, leg) for leg in answered)
    return (
        rejection(case) is None
        and given_up(case) is None
        and any(
            not taken_back(case, leg)
            and (
                leg.final_status in EVERYDAY_ENDS or leg.state == "cancelled" or _redirected(leg.final_status)
            )
            for leg in first
        )
    )


def _crossed(case: Case, leg: LegRow) -> bool:
    """Whether CANCEL and 200 OK crossed: the caller acknowledges and hangs up (RFC 3261, section 9.1)."""
    if leg.ended_by != "uac" or leg.answer_time is None or leg.end_time is None:
        return False
    soon = leg.answer_time + T2
    cancels = (row for row in case.sip_messages if (row.method, row.call_id) == ("CANCEL", leg.call_id))
    return leg.end_time <= soon and any(row.time <= soon for row in cancels)


def taken_back(case: Case, leg: LegRow) -> bool:
    """Whether the server itself cancels the only leg seen, so that the reason is not captured."""
    cancelled = leg.state == "cancelled" or leg.final_status == TERMINATED
    return cancelled and len(case.numbers) == 1 and server_calls(case, leg)


def _redirected(status: int | None) -> bool:
    """Whether the response redirects the caller (RFC 3261, section 21.3), which makes another call."""
    return is_redirection(status)


def ending(case: Case, verdict: Verdict, media_ok: bool | None) -> Sentence:
    """Return the sentence, with its facts, for a call in which no rule found a fault."""
    if media_ok:
        if any(both_ways(case, leg) for leg in talking(case)):
            return _good(case)
        return (FAXED if any(fax.sent(case, leg) for leg in talking(case)) else ONE_WAY), {}
    status = case.call.final_status
    if verdict == "ok":
        usual = CANCELLED if case.call.answer is None else CROSSED
        return (REDIRECTED if _redirected(status) else EVERYDAY_ENDS.get(status or 0, usual)), {
            "status": status
        }
    if any(both_ways(case, leg) for leg in talking(case)):
        return UNPROVEN, {}
    if _as_agreed(case):
        return ONE_WAY, {}
    return (TRUNCATED if truncated(case) else UNKNOWN), {}


def _as_agreed(case: Case) -> bool:
    """Whether there is media, and a description that does not allow both directions."""
    directions = {section.direction for section in case.sdp_media if section.media == "audio"}
    return bool(case.rtp_streams) and bool(directions & {"sendonly", "recvonly", "inactive"})


def _good(case: Case) -> Sentence:
    leg = next(iter(talking(case)), None)
    to_client, to_server = (way(case, leg, direction).packets for direction in (TO_CLIENT, TO_SERVER))
    if to_client or to_server:
        return GOOD, {"to_client": to_client, "to_server": to_server}
    counts = sorted((each.packets for each in ways(case, leg).values()), reverse=True)
    one, other = (*counts, 0, 0)[:2]
    return GOOD_PLAIN, {"one": one, OTHER: other}
