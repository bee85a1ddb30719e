"""The lanes of SIP, session descriptions and log lines."""

from typing import Any

import pandas as pd

from postproc.correlate.parties import descriptions, parties
from postproc.correlate.rows import column, records
from postproc.correlate.sip import user_part
from postproc.correlate.timeline.events import ERROR, NORMAL, NOTE, WARNING, of_calls, of_rows, places
from postproc.model.vocabulary import EVERYDAY_ENDS

# SIP requests and responses of a call's legs.


CHALLENGES = {401, 407}
NAMED = {"INVITE", "REFER"}  # requests shown with the user they are for
SAME = [
    "capture",
    "call_id",
    "src_addr",
    "src_port",
    "dst_addr",
    "dst_port",
    "method",
    "status",
    "cseq",
    "cseq_method",
    "branch",
    "to_tag",
]


def sip_events(sip_messages: pd.DataFrame) -> pd.DataFrame:
    """Return one event per message of a leg; retransmissions are labelled "(again)"."""
    legible = sip_messages[sip_messages["method"].notna() | sip_messages["status"].notna()]
    of_legs = of_calls(legible)
    again, inside = of_legs.duplicated(SAME).tolist(), _inside_dialog(of_legs)
    starts = records(of_legs, "method", "status", "reason", "cseq_method", "to_tag", "request_uri", "to_uri")
    numbers = records(of_legs, "method", "status", "cseq_method")
    return of_rows(
        "sip",
        of_legs,
        kind=["response" if method is None else "request" for method in column(of_legs["method"])],
        label=[
            f"{_label(*row)} (again)" if old else _label(*row) for row, old in zip(starts, again, strict=True)
        ],
        src=places(of_legs, "src"),
        dst=places(of_legs, "dst"),
        severity=[_severity(*row) for row in zip(numbers, inside, again, strict=True)],
    )


def _inside_dialog(sip_messages: pd.DataFrame) -> list[bool]:
    """Return for each message whether it belongs to a re-INVITE: if that fails, the call goes on."""
    reinvite = (sip_messages["method"] == "INVITE").fillna(False) & sip_messages["to_tag"].notna()
    transactions = set(records(sip_messages[reinvite], "call_id", "cseq"))
    return [key in transactions for key in records(sip_messages, "call_id", "cseq")]


def _label(
    method: str | None,
    status: int | None,
    reason: str | None,
    about: str | None,
    to_tag: str | None,
    *uris: str | None,
) -> str:
    if method is None:
        label = f"{status} {reason}" if reason else str(status)
        return label if about in ("INVITE", None) else f"{label} ({about})"
    name = "re-INVITE" if method == "INVITE" and to_tag else method
    user = user_part(uris[0] or uris[1]) if method in NAMED else None
    return f"{name} {user}" if user else name


def _severity(message: tuple[str | None, int | None, str | None], inside_dialog: bool, again: bool) -> str:
    method, status, about = message
    if status in EVERYDAY_ENDS or method == "CANCEL" or (method is not None and again):
        return NOTE
    if status is None or status < 400 or status in CHALLENGES:
        return NORMAL
    return WARNING if inside_dialog or about != "INVITE" else ERROR


# Session descriptions: offer or answer (RFC 3264), media and number of candidates.


Key = tuple[Any, ...]  # capture, frame, Call-ID


def sdp_events(sip_messages: pd.DataFrame, sdp_media: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """Return one event per message of a leg that carries a description."""
    of_legs = of_calls(sip_messages)
    with_sdp = of_legs[of_legs["has_sdp"].fillna(False)]
    kinds = _kinds(of_legs, with_sdp)
    media, offered = _media(sdp_media), _candidates(candidates)
    texts = [
        _description(media.get(key, {}), len(offered.get(key, ())))
        for key in records(with_sdp, "capture", "frame", "call_id")
    ]
    return of_rows(
        "sdp",
        with_sdp,
        kind=kinds,
        label=[f"{kind} {description}" for kind, description in zip(kinds, texts, strict=True)],
        src=places(with_sdp, "src"),
        dst=places(with_sdp, "dst"),
        severity=NORMAL,
    )


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


def _kinds(messages: pd.DataFrame, with_sdp: pd.DataFrame) -> list[str]:
    """Return offer or answer of each description; "description" where the request was not captured."""
    by_place = descriptions(messages.assign(party=parties(messages)))
    where = records(with_sdp, "capture", "frame", "call_id")
    return [by_place[place].offer_answer or "description" for place in where]


def _description(media: dict[str, None], candidates: int) -> str:
    count = {0: "no candidates", 1: "1 candidate"}.get(candidates, f"{candidates} candidates")
    return f"{' + '.join(media) or '?'}, {count}"


# Log lines of a call, on the capture's clock.


TIES = {"channel", "peer", "sdp", "codec"}  # their content is in other lanes
REPEATED = {"srtp", "warning"}  # may occur by the thousand: only the first of each call is shown
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


def log_lines(log_events: pd.DataFrame) -> pd.DataFrame:
    """Return the log lines of calls, except those that only link the log to the packets."""
    lines = of_calls(log_events[~log_events["kind"].isin(TIES)])
    same = lines["call"].astype("string") + lines["text"].str.replace(r"\d+", "#", regex=True)
    lines = lines[~lines["kind"].isin(REPEATED) | ~same.duplicated()]
    return of_rows(
        "log",
        lines,
        kind=lines["kind"].fillna("line").array,
        label=[_shortened(text or "") for text in column(lines["text"])],
        src=lines["source"].array,
        dst=None,
        severity=[SEVERITIES.get((level or "").upper(), NORMAL) for level in column(lines["level"])],
    )


def _shortened(text: str) -> str:
    return text if len(text) <= LENGTH else f"{text[:LENGTH]}.."
