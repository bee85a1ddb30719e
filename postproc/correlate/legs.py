"""Legs: one per recording and Call-ID of an INVITE dialog (RFC 3261, sections 12 and 13).

A challenge and its retry, forks, CANCEL, re-INVITE and REFER stay in one leg. Registrations,
subscriptions and the like make none; a dialog whose INVITE precedes the capture does.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pandas as pd

from postproc import constants
from postproc.columns import TIME
from postproc.correlate import dialogs
from postproc.correlate.messages import INVITE_DIALOG, NO_TIME, Message, in_order, messages, moments, succeeds
from postproc.correlate.uris import user_part
from postproc.tables import LEGS

# Methods that have nothing to do with a call, even where an odd phone uses one Call-ID for all.
APART = frozenset(constants.words("sip.apart"))

Key = tuple[Any, str]  # recording and Call-ID
Recordings = Mapping[Any, Any]


def legs(
    sip_messages: pd.DataFrame, transactions: pd.DataFrame, recordings: "pd.Series[int]"
) -> pd.DataFrame:
    """Return LEGS, by time of the first message; call, leg and role are NA.

    ``recordings`` maps capture names to recordings; a capture it does not know is one of its own.
    """
    numbers = recordings.to_dict()
    repeated = _repeated(transactions, numbers)
    found = _by_leg(messages(in_order(sip_messages)), numbers)
    rows = [_leg(sent) | {"retransmissions": repeated.get(key, 0)} for key, sent in found.items()]
    frame = pd.DataFrame.from_records(rows).reindex(columns=LEGS.names)
    for column in LEGS.columns:
        if column.dtype == TIME:
            frame[column.name] = moments(frame[column.name].to_list())
    return LEGS.conform(frame.sort_values("time", kind="stable"))


def _by_leg(sent: list[Message], recordings: Recordings) -> dict[Key, list[Message]]:
    """Return each leg's messages by time."""
    found: dict[Key, list[Message]] = defaultdict(list)
    for message in sent:
        if message.call_id is not None and _may_belong(message):
            found[recordings.get(message.capture, message.capture), message.call_id].append(message)
    return {key: held for key, held in found.items() if any(m.kind in INVITE_DIALOG for m in held)}


def _may_belong(message: Message) -> bool:
    return message.kind in INVITE_DIALOG or (message.to_tag is not None and message.kind not in APART)


def _repeated(transactions: pd.DataFrame, recordings: Recordings) -> dict[Key, int]:
    """Return the retransmissions per leg."""
    of_calls = transactions[~transactions["method"].isin(APART) & transactions["call_id"].notna()]
    again = (of_calls["retransmissions"] + of_calls["response_retransmissions"]).fillna(0)
    sums: dict[Key, int] = defaultdict(int)
    for capture, call_id, number in zip(of_calls["capture"], of_calls["call_id"], again, strict=True):
        sums[recordings.get(capture, capture), call_id] += number
    return sums


def _leg(sent: list[Message]) -> dict[str, Any]:
    opened = dialogs.opening(sent)
    first, face = sent[0], opened.face
    uac_agent, uas_agent = dialogs.agents(opened, sent)
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


def _outcome(opened: dialogs.Opening, sent: list[Message]) -> dict[str, Any]:
    answer = dialogs.final(opened)
    ended = dialogs.end(opened, answer, sent)
    accepted = answer is not None and succeeds(answer)
    ringing = _first_time(opened.responses, 180, 180)
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


def _state(opened: dialogs.Opening, accepted: bool, ended: dialogs.End | None, ringing: int) -> str:
    if not opened.requests:
        return "starts_mid_call"
    if ended:
        return {"bye": "completed", "cancel": "cancelled", "failure": "failed"}[ended.how]
    if accepted:
        return "answered"
    return "trying" if ringing == NO_TIME else "ringing"
