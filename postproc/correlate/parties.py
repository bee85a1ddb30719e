"""Who of a dialog's two parties wrote a session description, and whether it is offer or answer.

A description belongs to its author, uac or uas of the INVITE, told by the From
tag (RFC 3261, section 12): a proxy that relays it, or a second vantage point,
changes nothing. Offer and answer follow RFC 3264 and RFC 6337, section 1.1.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from postproc.correlate.records import records

Place = tuple[str, int, str | None]  # capture, frame, Call-ID: where a description stands
Dialog = tuple[str | None, str | None]  # Call-ID and From tag
Exchange = tuple[str | None, str | None, int | None, str | None]  # the same, CSeq and method of the request


class Description(NamedTuple):
    """Author and part of one session description."""

    party: str  # uac or uas
    offer_answer: str | None
    exchange: Exchange


class _Message(NamedTuple):
    capture: str
    frame: int
    call_id: str | None
    method: str | None
    cseq: int | None
    cseq_method: str | None
    from_tag: str | None
    has_sdp: bool | None
    party: str


class _Exchanges(NamedTuple):
    """What is known of the exchanges while walking through the messages by time."""

    offered: dict[Exchange, bool]  # whether the request came with a description
    invites: dict[Dialog, Exchange]  # the latest INVITE


def parties(sip_messages: pd.DataFrame) -> list[str]:
    """Return per message which party wrote it: uac or uas of the INVITE that opened the dialog."""
    callers = _callers(sip_messages)
    rows = records(sip_messages, "call_id", "from_tag", "method")
    # From stays the requester's in the response: who answers a caller's request is the uas.
    return [
        "uac" if ((call, tag) in callers) == (method is not None) else "uas" for call, tag, method in rows
    ]


def _callers(sip_messages: pd.DataFrame) -> set[Dialog]:
    """Return the callers by the initial INVITEs; where none was seen, by what the first messages say."""
    sip = sip_messages
    initial = sip[(sip["method"] == "INVITE").fillna(False) & sip["to_tag"].isna()]
    rest = sip[~sip["call_id"].isin(initial["call_id"])]
    of_invite = rest["method"].isna() & (rest["cseq_method"] == "INVITE").fillna(False)
    rest = rest.assign(told_by=(2 - 2 * of_invite.astype(int)).where(rest["method"].isna(), 1))
    first = rest.sort_values(["told_by", "time"], kind="stable").drop_duplicates("call_id")
    return {*records(initial, "call_id", "from_tag"), *records(first, "call_id", "from_tag")}


def descriptions(sip: pd.DataFrame) -> dict[Place, Description]:
    """Return author and part of every description; ``sip`` has the messages with their ``party``."""
    told = sip["has_sdp"].fillna(False) | (sip["method"] == "INVITE").fillna(False)
    exchanges = _Exchanges({}, {})
    found: dict[Place, Description] = {}
    for row in records(sip[told].sort_values("time", kind="stable"), *_Message._fields):
        message = _Message(*row)
        exchange, part = _part(message, exchanges)
        if message.has_sdp:
            place = message.capture, message.frame, message.call_id
            found[place] = Description(message.party, part, exchange)
    return found


def _part(message: _Message, exchanges: _Exchanges) -> tuple[Exchange, str | None]:
    """Return the exchange a description in this message belongs to, and which part it is."""
    dialog = (message.call_id, message.from_tag)
    exchange: Exchange = (*dialog, message.cseq, message.method or message.cseq_method)
    if message.method is None:
        return exchange, _of_response(exchange, exchanges)
    if message.method in ("ACK", "PRACK"):
        invite = exchanges.invites.get(dialog, exchange)
        if message.method == "ACK" or not exchanges.offered.get(invite, True):
            return invite, "answer"
    if message.method == "INVITE":
        exchanges.invites[dialog] = exchange
    if message.method in ("INVITE", "UPDATE", "PRACK"):
        exchanges.offered[exchange] = bool(message.has_sdp) or exchanges.offered.get(exchange, False)
        return exchange, "offer"
    return exchange, None


def _of_response(exchange: Exchange, exchanges: _Exchanges) -> str | None:
    """It answers a request that offered, and offers where the INVITE did not; else who knows."""
    offered = exchanges.offered.get(exchange)
    if offered:
        return "answer"
    return "offer" if offered is False and exchange[3] == "INVITE" else None


def sections(
    sdp_media: pd.DataFrame, known: Mapping[Place, Description]
) -> Iterator[tuple[Description, list[str | None]]]:
    """Yield each description with the ufrags of its m= sections, in their order."""
    ufrags: dict[Place, list[str | None]] = {}
    for capture, frame, call_id, ufrag in records(sdp_media, "capture", "frame", "call_id", "ufrag"):
        ufrags.setdefault((capture, frame, call_id), []).append(ufrag)
    yield from ((known[place], held) for place, held in ufrags.items() if place in known)
