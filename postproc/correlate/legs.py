"""Legs: one per recording and Call-ID of an INVITE dialog, with its parties and outcome (RFC 3261)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.rows import NO_TIME, records
from postproc.correlate.sip import (
    Address,
    Message,
    messages,
    succeeds,
    user_part,
)
from postproc.model import constants
from postproc.model.recordings import INVITE_DIALOG
from postproc.model.statuses import RINGING, TERMINATED, is_final, is_refusal
from postproc.model.tables import LEGS

# From the messages of one Call-ID: who called whom, the outcome, and who ended the call.
#
# The last INVITE without a To tag counts: it is the retry after an earlier one was challenged (401, 407) or
# redirected. Parties are told apart by tags, not addresses: caller and called party may be one host, or
# share one TCP connection. With proxies in the capture, the responses that reached the caller decide.


Messages = list[Message]
Asker = tuple[str | None, int | None]  # From tag and CSeq number: an INVITE on all its hops
Hop = tuple[Address, Address]  # requester, responder


class Opening(NamedTuple):
    """The INVITE that opens the dialog, on all its hops, by time."""

    requests: Messages  # empty if they precede the capture
    responses: Messages
    asked: set[Asker]
    callers: set[str | None]  # From tags of the calling party
    hops: list[Hop]  # from the caller on
    origins: set[Address]  # senders of the INVITE that did not receive it
    hosts: set[str | None]  # their addresses
    uac: Address
    uas: Address
    face: Message  # its From is the caller, its To the called party


class End(NamedTuple):
    """How the leg ended."""

    how: str  # bye, cancel or failure
    time: int
    by: str | None  # uac or uas
    reason: str | None  # Reason header


def opening(sent: Messages) -> Opening:
    """Return the opening of a dialog from all its messages (at least one) in order of time.

    Without an initial INVITE, the caller is the receiver of the first responses to one;
    without those, as a guess, the sender of the first request of all.
    """
    initial = [m for m in sent if m.method == "INVITE" and m.to_tag is None]
    requests = _that_count(initial, sent)
    askers = {_asker(m) for m in requests} or _askers_before_capture(sent)
    responses = [m for m in sent if _answers_invite(m) and _asker(m) in askers]
    first = requests or responses or _first_exchange(sent)
    callers = {m.from_tag for m in initial or first}
    hops = _hops(first)
    origins = {caller for caller, _ in hops} - {callee for _, callee in hops} or {hops[0][0]}
    hosts = {host for host, _ in origins}
    uas = _answering(responses, hops)
    return Opening(requests, responses, askers, callers, hops, origins, hosts, hops[0][0], uas, first[0])


def _asker(message: Message) -> Asker:
    return message.from_tag, message.cseq


def _that_count(initial: Messages, sent: Messages) -> Messages:
    """Drop initial INVITEs that had failed, or whose call was over, before the last one was sent.

    One INVITE on all its hops remains, or several sent in parallel.
    """
    if not initial:
        return []
    last = _asker(initial[-1])
    since = next(m.time for m in initial if _asker(m) == last)
    before = [m for m in sent if m.time < since]
    failed = {_asker(m) for m in before if _answers_invite(m) and is_refusal(m.status)} - {last}
    last_bye = max((m.time for m in before if m.method == "BYE"), default=NO_TIME)
    return [m for m in initial if _asker(m) not in failed and m.time >= last_bye]


def _answers_invite(message: Message) -> bool:
    return message.method is None and message.kind == "INVITE"


def _askers_before_capture(sent: Messages) -> set[Asker]:
    """Return the asker of the first response whose INVITE precedes the capture; empty if none."""
    captured = {_asker(m) for m in sent if m.method == "INVITE"}
    response_askers = (_asker(m) for m in sent if _answers_invite(m))
    return {*[asker for asker in response_askers if asker not in captured][:1]}


def _first_exchange(sent: Messages) -> Messages:
    first = sent[0]
    return [m for m in sent if m.kind == first.kind and _asker(m) == _asker(first)]


def _hops(first_messages: Messages) -> list[Hop]:
    if requests := [(m.src, m.dst) for m in first_messages if m.method is not None]:
        return list(dict.fromkeys(requests))
    # A 100 covers one hop only; later responses travel all the way back to the caller.
    answered = dict.fromkeys((m.dst, m.src) for m in first_messages if m.status == first_messages[-1].status)
    return list(answered)[::-1]


def _answering(responses: Messages, hops: list[Hop]) -> Address:
    """Return the fork that accepted first, else the last hop's receiver."""
    callees = {callee for _, callee in hops}
    return next((m.src for m in responses if succeeds(m) and m.src in callees), hops[-1][1])


def final(opened: Opening) -> Message | None:
    """Return the final response as the caller received it, None if there was none; a 2xx beats a failure.

    A failure that a proxy did not forward (it tried another target) is not final. Without the
    request only a 2xx counts: a failure may answer a re-INVITE.
    """
    finals = [m for m in _firsts(opened.responses) if succeeds(m) or _heard(m, opened)]
    return max(finals, key=lambda m: (_reach(m, opened), succeeds(m), m.time), default=None)


def _heard(failure: Message, opened: Opening) -> bool:
    if not opened.requests:
        return False
    return _reach(failure, opened) > 0 or len(opened.hops) == 1


def _firsts(responses: Messages) -> Messages:
    """Drop provisional responses and retransmissions."""
    firsts: dict[tuple[object, ...], Message] = {}
    for m in responses:
        if is_final(m.status):
            firsts.setdefault((m.src, m.dst, m.branch, m.status, m.to_tag), m)
    return list(firsts.values())


def _reach(message: Message, opened: Opening) -> int:
    """Return 2 for a response to the caller, 1 if to another port of its host, 0 for a later hop's."""
    return 2 if message.dst in opened.origins else int(message.dst[0] in opened.hosts)


def end(opened: Opening, answer: Message | None, sent: Messages) -> End | None:
    """Return how the leg ended, given its final response; None if its end was not captured."""
    cancel = next((m for m in sent if _cancels(m, opened)), None)
    bye = _last_bye(opened, sent)
    if answer and not succeeds(answer):
        given_up = answer.status == TERMINATED and (cancel or bye)  # RFC 3261, sections 9.2 and 15.1.2
        reason = given_up.reason_header if given_up else None
        how, by = ("cancel", "uac") if given_up else ("failure", "uas")
        return End(how, answer.time, by, reason or answer.reason_header)
    if bye:
        return End("bye", bye.time, _side(bye, opened), bye.reason_header)
    if cancel and not answer:
        return End("cancel", cancel.time, "uac", cancel.reason_header)
    return None


def _cancels(message: Message, opened: Opening) -> bool:
    """Return whether it is the caller's CANCEL, not a proxy's to one fork nor that of a re-INVITE."""
    if message.method != "CANCEL" or message.src[0] not in opened.hosts:
        return False
    if not opened.requests:
        return message.to_tag is None
    return _asker(message) in opened.asked


def _last_bye(opened: Opening, sent: Messages) -> Message | None:
    """Return the BYE that ended the last dialog: forks that answered are hung up one by one (13.2.2.4)."""
    since = opened.requests[0].time if opened.requests else NO_TIME
    firsts: dict[str | None, Message] = {}
    for m in sent:
        if m.method == "BYE" and m.time >= since:
            firsts.setdefault(m.to_tag if m.from_tag in opened.callers else m.from_tag, m)
    dialogs = _confirmed(opened, sent)
    if not dialogs & firsts.keys():
        return next(iter(firsts.values()), None)
    ended = [bye for tag, bye in firsts.items() if tag in dialogs]
    return max(ended, key=lambda m: m.time) if len(ended) == len(dialogs) else None


def _confirmed(opened: Opening, sent: Messages) -> set[str | None]:
    """Return the called party's tag of each dialog that was accepted, not cancelled, and acknowledged."""
    accepted = [m for m in opened.responses if succeeds(m)]
    cancelled = {_asker(m) for m in sent if _cancels(m, opened)}
    not_cancelled = {m.to_tag for m in accepted if _asker(m) not in cancelled} or {m.to_tag for m in accepted}
    return not_cancelled & {m.to_tag for m in sent if m.method == "ACK"} or not_cancelled


def _side(request: Message, opened: Opening) -> str | None:
    if request.from_tag is not None and request.from_tag in opened.callers:
        return "uac"
    if request.to_tag is not None and request.to_tag in opened.callers:
        return "uas"
    # RFC 2543 has dialogs without tags: there only the address identifies the party.
    return {opened.uas: "uas", opened.uac: "uac"}.get(request.src) if opened.uac != opened.uas else None


def agents(opened: Opening, sent: Messages) -> tuple[str | None, str | None]:
    """Return (User-Agent of the caller, User-Agent or Server of the called party)."""
    by_caller = (m for m in sent if m.method is not None and m.from_tag in opened.callers)
    by_callee = (m for m in sent if m.method is not None and m.from_tag not in opened.callers)
    to_caller = (m for m in sent if m.method is None and m.from_tag in opened.callers)
    # The 2xx is the called party's own; a failure or a 100 may be a proxy's.
    accepted = (m for m in opened.responses if succeeds(m))
    return (
        _agent(chain(opened.requests, by_caller)),
        _agent(chain(accepted, by_callee, reversed(opened.responses), to_caller)),
    )


def _agent(by_preference: Iterable[Message]) -> str | None:
    return next((m.user_agent for m in by_preference if m.user_agent), None)


# Legs: one per recording and Call-ID of an INVITE dialog (RFC 3261, sections 12 and 13).
#
# A challenge and its retry, forks, CANCEL, re-INVITE and REFER stay in one leg. Registrations,
# subscriptions and the like make none; a dialog whose INVITE precedes the capture does.


# Methods outside calls, even where a phone uses one Call-ID for everything.
APART = frozenset(constants.words("sip.apart"))

Key = tuple[Any, str]  # recording and Call-ID
Recordings = Mapping[Any, Any]


def legs(
    sip_messages: pd.DataFrame, transactions: pd.DataFrame, recordings: "pd.Series[int]"
) -> pd.DataFrame:
    """Return LEGS, by time of the first message; call, leg and role are NA.

    ``recordings`` maps capture names to recordings; a capture missing from it is a recording of its own.
    """
    numbers = recordings.to_dict()
    repeated = _repeated(transactions, numbers)
    by_leg = _by_leg(messages(sip_messages), numbers)
    rows = [_leg(sent) | {"retransmissions": repeated.get(key, 0)} for key, sent in by_leg.items()]
    rows.sort(key=lambda row: (row["time"] == NO_TIME, row["time"]))
    return LEGS.rows(
        {name: None if value == NO_TIME else value for name, value in row.items()} for row in rows
    )


def _by_leg(sent: list[Message], recordings: Recordings) -> dict[Key, list[Message]]:
    """Return each leg's messages by time."""
    by_leg: dict[Key, list[Message]] = defaultdict(list)
    for message in sent:
        if message.call_id is not None and _may_belong(message):
            by_leg[recordings.get(message.capture, message.capture), message.call_id].append(message)
    legs = {key: group for key, group in by_leg.items() if any(m.kind in INVITE_DIALOG for m in group)}
    own = {key for key, group in legs.items() if not all(_misnamed(m) for m in group)}
    dialogs = {(recording, *_tags(m)) for recording, call_id in own for m in legs[recording, call_id]}
    return {
        key: group
        for key, group in legs.items()
        if key in own or not all((key[0], *_tags(m)) in dialogs for m in group)
    }


def _tags(message: Message) -> tuple[str, str] | tuple[()]:
    """Return the tags of a message's dialog, in one order for both directions; empty if one is missing."""
    if not message.from_tag or not message.to_tag:
        return ()
    first, second = sorted((message.from_tag, message.to_tag))
    return first, second


def _misnamed(message: Message) -> bool:
    """Whether a message may belong to the dialog of its tags although its Call-ID is another.

    A proxy that hides Call-IDs may encode that of an ACK, or decode that of a response, without being due to.
    """
    answers = message.method is None and message.kind != "INVITE"
    return bool(_tags(message)) and (answers or message.method == "ACK")


def _may_belong(message: Message) -> bool:
    return message.kind in INVITE_DIALOG or (message.to_tag is not None and message.kind not in APART)


def _repeated(transactions: pd.DataFrame, recordings: Recordings) -> dict[Key, int]:
    """Return the retransmissions per leg."""
    sums: dict[Key, int] = defaultdict(int)
    names = ("capture", "call_id", "method", "retransmissions", "response_retransmissions")
    for capture, call_id, method, *repeats in records(transactions, *names):
        if call_id is not None and method not in APART and None not in repeats:
            sums[recordings.get(capture, capture), call_id] += sum(repeats)
    return sums


def _leg(sent: list[Message]) -> dict[str, Any]:
    opened = opening(sent)
    first, face = sent[0], opened.face
    uac_agent, uas_agent = agents(opened, sent)
    return {
        "capture": first.capture,
        "frame": first.frame,
        "time": first.time,
        "call_id": first.call_id,
        "uac_addr": opened.uac[0],
        "uac_port": opened.uac[1],
        "uas_addr": opened.uas[0],
        "uas_port": opened.uas[1],
        "transport": face.transport,
        "from_user": user_part(face.from_uri),
        "to_user": user_part(face.to_uri),
        "uac_agent": uac_agent,
        "uas_agent": uas_agent,
        **_outcome(opened, sent),
    }


def _outcome(opened: Opening, sent: list[Message]) -> dict[str, Any]:
    answer = final(opened)
    ended = end(opened, answer, sent)
    accepted = answer is not None and succeeds(answer)
    ringing = _first_time(opened.responses, RINGING, RINGING)
    return {
        "invite_time": next((m.time for m in sent if m.method == "INVITE" and m.to_tag is None), NO_TIME),
        "progress_time": _first_time(opened.responses, 101, 199),
        "ringing_time": ringing,
        "answer_time": _first_time(opened.responses, 200, 299) if accepted else NO_TIME,
        "end_time": ended.time if ended else NO_TIME,
        "final_status": answer.status if answer else None,
        "final_reason": answer.reason if answer else None,
        "ended_by": ended.by if ended else None,
        "end_reason": ended.reason if ended else None,
        "state": _state(opened, accepted, ended, ringing),
    }


def _first_time(responses: list[Message], lowest: int, highest: int) -> int:
    return next((m.time for m in responses if lowest <= (m.status or 0) <= highest), NO_TIME)


def _state(opened: Opening, accepted: bool, ended: End | None, ringing: int) -> str:
    if not opened.requests:
        return "starts_mid_call"
    if ended:
        return {"bye": "completed", "cancel": "cancelled", "failure": "failed"}[ended.how]
    if accepted:
        return "answered"
    return "trying" if ringing == NO_TIME else "ringing"
