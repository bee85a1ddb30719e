"""Offers and answers of a leg, each with the message that carries it (RFC 3264, RFC 6337).

Hop by hop: what a proxy forwards with changes is another exchange; a retransmission or a
second capture of an exchange is not.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, answered_once
from postproc.diagnose.evidence.signalling import author
from postproc.model.rows import SdpMediaRow, SipMessageRow

# The columns that identify a description; frame and time do not.
CONTENT = (
    "connection_addr",
    "port",
    "proto",
    "direction",
    "ufrag",
    "setup",
    "fingerprint",
    "rtcp_mux",
    "crypto",
    "ice_mismatch",
    "formats",
)
OFFERING = frozenset({"INVITE", "UPDATE"})
DTLS_PROFILES = ("UDP/TLS/", "TCP/DTLS/")  # RFC 5764, section 9


class Described(NamedTuple):
    """The audio section of a description, its message, and its author: ``party`` is uac or uas."""

    party: str
    message: SipMessageRow
    audio: SdpMediaRow


class Exchange(NamedTuple):
    """An offer and its answer; an offer has several if a later response differs."""

    offer: Described
    answer: Described

    @property
    def descriptions(self) -> tuple[tuple[Described, Described], tuple[Described, Described]]:
        """Each description with the one of its receiver."""
        return (self.offer, self.answer), (self.answer, self.offer)

    @property
    def ice(self) -> bool:
        """Whether both ends take part in ICE."""
        return bool(self.offer.audio.ufrag and self.answer.audio.ufrag)

    @property
    def accepted(self) -> bool:
        """Whether neither side rejected the audio with port 0."""
        return bool(self.offer.audio.port and self.answer.audio.port)


@answered_once
def exchanges(case: Case, leg: int | None) -> list[Exchange]:
    """Return the distinct exchanges of a leg in order of time."""
    distinct: dict[object, Exchange] = {}
    for call_id, number in case.leg_of.items():
        if number == leg:
            for exchange in _of_call_id(case, call_id):
                distinct.setdefault((*map(_content, exchange), _hop(exchange.offer.message)), exchange)
    return sorted(distinct.values(), key=lambda exchange: exchange.answer.message.time)


def last_description(
    case: Case, leg: int | None, media: tuple[str, int | None], before: datetime
) -> Described | None:
    """Return the last answered description until then that names this media address and port.

    None without one, or if its author has named another place since, which is where media belong.
    """
    said = [
        part
        for each in exchanges(case, leg)
        for part in each
        if each.accepted and each.answer.message.time <= before and part.audio.formats
    ]
    here = [part for part in said if (part.audio.connection_addr, part.audio.port) == media]
    last = max(here, key=lambda part: part.message.time, default=None)
    moved = last is not None and any(
        author(part.message) == author(last.message)
        and _hop(part.message) == _hop(last.message)
        and part.message.time > last.message.time
        for part in said
    )
    return None if moved else last


def formats(section: SdpMediaRow) -> set[str]:
    """Return the payload types of a section, as written."""
    return set((section.formats or "").split(",")) - {""}


def secured(section: SdpMediaRow) -> bool:
    """Whether the section's profile is an SRTP one (RFC 3711, RFC 5124, RFC 5764)."""
    return "SAVP" in (section.proto or "").upper()


def by_dtls(section: SdpMediaRow) -> bool:
    """Whether the section offers keys by DTLS (RFC 5763), possibly among others."""
    return bool(section.fingerprint) or (section.proto or "").upper().startswith(DTLS_PROFILES)


def _content(described: Described) -> tuple[object, ...]:
    return (described.party, *(getattr(described.audio, name) for name in CONTENT))


def _hop(message: SipMessageRow) -> frozenset[str]:
    return frozenset({message.src_addr, message.dst_addr})


def _of_call_id(case: Case, call_id: str) -> list[Exchange]:
    audio = _audio(case, call_id)
    messages = [row for row in case.sip_messages if row.call_id == call_id]
    opened = {row.from_tag for row in messages if row.method == "INVITE" and row.to_tag is None}
    callers = opened or {row.from_tag for row in messages[:1]}
    offers: dict[object, Described] = {}
    answered: list[Exchange] = []
    for row in messages:
        section = audio.get((row.capture, row.frame))
        if section is None:
            continue
        party = "uac" if (row.from_tag in callers) == (row.method is not None) else "uas"
        described = Described(party, row, section)
        method = "INVITE" if row.method == "ACK" else row.method or row.cseq_method
        transaction: object = (row.capture, row.from_tag, row.cseq, method, _hop(row))
        offer = offers.get(transaction)
        if row.method == "PRACK" and (reliable := _unanswered(offers, answered, row)):
            offer = reliable  # it answers the offer of a reliable response (RFC 3262, section 5)
        if row.method in OFFERING or offer is None:
            offers[transaction] = described
        elif offer.party != party:
            answered.append(Exchange(offer, described))
    return answered


def _unanswered(
    offers: Mapping[object, Described], answered: Sequence[Exchange], prack: SipMessageRow
) -> Described | None:
    """Return the offer in a reliable response of this dialog and hop that nobody has answered yet; or None."""
    done = {id(each.offer) for each in answered}
    for offer in offers.values():
        response = offer.message
        same = (response.capture, response.from_tag, _hop(response)) == (
            prack.capture,
            prack.from_tag,
            _hop(prack),
        )
        if response.rseq is not None and response.to_tag == prack.to_tag and same and id(offer) not in done:
            return offer
    return None


def _audio(case: Case, call_id: str) -> dict[tuple[str, int | None], SdpMediaRow]:
    """Return the first audio section of each message, by capture and frame."""
    first: dict[tuple[str, int | None], SdpMediaRow] = {}
    for row in case.sdp_media:
        if row.call_id == call_id and row.media == "audio":
            first.setdefault((row.capture, row.frame), row)
    return first
