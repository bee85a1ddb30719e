"""The lanes of SIP, session descriptions and log lines."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.parties import Authors
from postproc.correlate.rows import records
from postproc.correlate.sip import user_part
from postproc.correlate.timeline.events import ERROR, NORMAL, NOTE, WARNING, Event, moments, of_calls, places
from postproc.model.statuses import CHALLENGES, is_failure
from postproc.model.vocabulary import EVERYDAY_ENDS

# SIP requests and responses of a call's legs.


NAMED = {"INVITE", "REFER"}  # requests shown with the user they are for


class Message(NamedTuple):
    """A row of sip_messages with a call, None where it is NA."""

    capture: str
    frame: int
    time: int | None
    call: int
    leg: int | None
    call_id: str | None
    src_addr: str | None
    src_port: int | None
    dst_addr: str | None
    dst_port: int | None
    method: str | None
    status: int | None
    reason: str | None
    cseq: int | None
    cseq_method: str | None
    branch: str | None
    to_tag: str | None
    request_uri: str | None
    to_uri: str | None

    @property
    def content(self) -> tuple[object, ...]:
        """What a retransmission repeats."""
        return self[0], self[5:12], self[13:17]


def sip_events(sip_messages: pd.DataFrame) -> Iterator[Event]:
    """Yield one event per message of a leg; retransmissions are labelled "(again)"."""
    of_legs = of_calls(sip_messages)
    # A message of a re-INVITE's transaction is inside the dialog: if that fails, the call goes on.
    begun = records(of_legs, "call_id", "cseq", "method", "to_tag")
    reinvites = {
        (call_id, cseq)
        for call_id, cseq, method, to_tag in begun
        if method == "INVITE" and to_tag is not None
    }
    before: set[int] = set()  # hashes: the texts of all messages would be most of a run's memory
    for message in map(Message._make, records(of_legs, *Message._fields)):
        if message.method is None and message.status is None:
            continue
        content, inside = hash(message.content), (message.call_id, message.cseq) in reinvites
        again = content in before
        before.add(content)
        yield Event(
            *message[:5],
            "sip",
            "response" if message.method is None else "request",
            f"{_label(message)} (again)" if again else _label(message),
            *places(*message[6:10]),
            _severity(message, inside, again),
        )


def _label(message: Message) -> str:
    if message.method is None:
        label = f"{message.status} {message.reason}" if message.reason else str(message.status)
        return label if message.cseq_method in ("INVITE", None) else f"{label} ({message.cseq_method})"
    name = "re-INVITE" if message.method == "INVITE" and message.to_tag else message.method
    user = user_part(message.request_uri or message.to_uri) if message.method in NAMED else None
    return f"{name} {user}" if user else name


def _severity(message: Message, inside_dialog: bool, again: bool) -> str:
    method, status, about = message.method, message.status, message.cseq_method
    if status in EVERYDAY_ENDS or method == "CANCEL" or (method is not None and again):
        return NOTE
    if not is_failure(status) or status in CHALLENGES:
        return NORMAL
    return WARNING if inside_dialog or about != "INVITE" else ERROR


# Session descriptions: offer or answer (RFC 3264), media and number of candidates.


Key = tuple[Any, ...]  # capture, frame, Call-ID


def sdp_events(
    sip_messages: pd.DataFrame, sdp_media: pd.DataFrame, candidates: pd.DataFrame, authors: Authors
) -> Iterator[Event]:
    """Yield one event per message of a leg that carries a description.

    It is offer or answer, or "description" where the request was not captured.
    """
    of_legs = of_calls(sip_messages)
    media, offered = _media(sdp_media), _candidates(candidates)
    told = records(of_legs, "call_id", "has_sdp", "src_addr", "src_port", "dst_addr", "dst_port")
    for at, (call_id, has_sdp, *src_and_dst) in zip(moments(of_legs), told, strict=True):
        if has_sdp:
            key: Key = (*at[:2], call_id)
            kind = authors[key].offer_answer or "description"
            label = f"{kind} {_description(media.get(key, {}), len(offered.get(key, ())))}"
            yield Event(*at, "sdp", kind, label, *places(*src_and_dst), NORMAL)


def _media(sdp_media: pd.DataFrame) -> dict[Key, dict[str, None]]:
    """Return the media of each description in order, marked where refused or not sendrecv."""
    by_place: dict[Key, dict[str, None]] = {}
    names = ("capture", "frame", "call_id", "media", "port", "direction")
    for *key, media, port, direction in records(sdp_media, *names):
        unusual = "refused" if port == 0 else direction if direction != "sendrecv" else None
        text = f"{media or '?'} ({unusual})" if unusual else media or "?"
        by_place.setdefault(tuple(key), {})[text] = None
    return by_place


def _candidates(candidates: pd.DataFrame) -> dict[Key, set[tuple[Any, ...]]]:
    """Return the distinct candidates of each description."""
    by_place: dict[Key, set[tuple[Any, ...]]] = {}
    names = ("addr", "port", "type", "transport", "component")
    keys = records(candidates, "capture", "frame", "call_id")
    for key, candidate in zip(keys, records(candidates, *names), strict=True):
        by_place.setdefault(key, set()).add(candidate)
    return by_place


def _description(media: dict[str, None], candidates: int) -> str:
    count = {0: "no candidates", 1: "1 candidate"}.get(candidates, f"{candidates} candidates")
    return f"{' + '.join(media) or '?'}, {count}"


# Log lines of a call, on the capture's clock.


TIES = {"channel", "peer", "sdp", "codec"}  # their content is in other lanes
REPEATED = {"srtp", "warning"}  # may occur by the thousand: only the first of each call is shown
DIGITS = re.compile(r"\d+", re.ASCII)
LENGTH = 160  # characters of a line that are shown
SEVERITIES = {
    "NOTICE": NOTE,
    "WARNING": WARNING,
    "ERR": ERROR,
    "ERROR": ERROR,
    "CRIT": ERROR,
    "ALERT": ERROR,
    "EMERG": ERROR,
}


def log_lines(log_events: pd.DataFrame) -> Iterator[Event]:
    """Yield the log lines of calls, except those that only link the log to the packets."""
    before: set[tuple[int, str] | None] = set()
    told = records(log_events, "kind", "text", "source", "level")
    for at, (kind, text, source, level) in zip(moments(log_events), told, strict=True):
        if at[3] is None or kind in TIES:
            continue
        same = None if text is None else (at[3], DIGITS.sub("#", text))
        if kind not in REPEATED or same not in before:
            severity = SEVERITIES.get((level or "").upper(), NORMAL)
            yield Event(*at, "log", kind or "line", _shortened(text or ""), source, None, severity)
        before.add(same)


def _shortened(text: str) -> str:
    return text if len(text) <= LENGTH else f"{text[:LENGTH]}.."
