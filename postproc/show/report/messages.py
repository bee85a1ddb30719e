"""The SIP messages of a call as text, with the important SDP lines marked; offer beside answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from postproc.model.calls import Call
from postproc.model.rows import SipMessageRow
from postproc.show.report.cells import clock, moment, shown
from postproc.show.terminal import clean

MOST = 60  # messages of a call; a choice: set-up, re-INVITEs and BYE of four legs
# Destination, kind, direction and security of media (RFC 8866, RFC 8839, RFC 8122).
MATTERS = re.compile(
    r"(?:c|m)=|a=(?:candidate|end-of-candidates|ice-|setup|fingerprint|crypto|rtcp|sendrecv|sendonly|recvonly|"
    r"inactive|remote-candidates)"
)
# Media keys, and digests that allow guessing a password: a report is passed on (RFC 4568, RFC 7616).
SECRET = re.compile(r"(inline:|a=ice-pwd:|(?:Proxy-)?Authorization\s*:\s*\w+ )\S.*", re.IGNORECASE)
HIDDEN = "\\g<1>…"
Texts = Mapping[tuple[str, int], str]  # capture, frame -> text
NO_TEXTS: Texts = MappingProxyType({})


class Message(NamedTuple):
    """A message as lines, each with whether it is marked; ``anchor`` is its id in the page."""

    anchor: str
    title: str
    time: str
    moment: str
    lines: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Messages:
    """The messages of a call in order, and the pairs of offer and answer."""

    every: tuple[Message, ...] = ()
    pairs: tuple[tuple[Message, Message], ...] = ()
    anchors: Mapping[tuple[str, int], str] = field(default_factory=dict)


def messages(call: Call, texts: Texts) -> Messages:
    """Return those messages of a call whose text is known."""
    rows = [row for row in call.sip_messages if (row.capture, row.frame) in texts][:MOST]
    by_frame = {
        (row.capture, row.frame): _message(f"call-{call.number}-message-{n}", row, texts)
        for n, row in enumerate(rows, 1)
    }
    pairs = tuple(
        (by_frame[offer.capture, offer.frame], by_frame[answer.capture, answer.frame])
        for offer, answer in _paired(rows)
    )
    return Messages(
        tuple(by_frame.values()), pairs, {key: message.anchor for key, message in by_frame.items()}
    )


def _message(anchor: str, row: SipMessageRow, texts: Texts) -> Message:
    lines = texts[row.capture, row.frame].split("\n")
    name = row.method or f"{row.status} {shown(row.reason, 60)}"
    return Message(
        anchor,
        f"#{row.frame} {name} ({shown(row.cseq_method)})" if row.status else f"#{row.frame} {name}",
        clock(row.time),
        moment(row.time),
        tuple((clean(SECRET.sub(HIDDEN, line)), MATTERS.match(line) is not None) for line in lines),
    )


def _paired(rows: Sequence[SipMessageRow]) -> list[tuple[SipMessageRow, SipMessageRow]]:
    """Return requests with a description, each with the first response to it that has one (RFC 3264)."""
    pairs = []
    for offer in rows:
        if offer.method and offer.has_sdp:
            answers = (
                row
                for row in rows
                if row.status and row.has_sdp and (row.call_id, row.cseq) == (offer.call_id, offer.cseq)
            )
            answer = next(answers, None)
            if answer:
                pairs.append((offer, answer))
    return pairs
