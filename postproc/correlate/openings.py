"""Where the phases of a leg begin: which answers take effect, and what they agree (RFC 3264, RFC 6337)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from postproc.correlate.calls import Calls
from postproc.correlate.endpoints import LegKey, recording_of
from postproc.correlate.joining.features import UNSPECIFIED
from postproc.correlate.parties import PARTIES, Description, Exchange, Place
from postproc.correlate.rows import records
from postproc.correlate.sip import in_order
from postproc.model.tables import Tables

EARLY, ANSWERED, HOLD, RESUMED, RESTART = "early", "answered", "hold", "resumed", "restart"
WITHOUT_RTP = {"image", "application", "message"}  # UDPTL, SCTP, MSRP: no packet of theirs counts as media
SENDS, RECEIVES = {"sendrecv", "sendonly"}, {"sendrecv", "recvonly"}


class Section(NamedTuple):
    """What an m= section says of sending: a change of any of it begins a phase."""

    media: str | None
    port: int | None
    direction: str | None
    addr: str | None
    ufrag: str | None
    fingerprint: str | None


Sections = tuple[Section, ...]
Agreement = Mapping[str, Sections]  # by party; empty where no offer/answer was seen


class Opening(NamedTuple):
    """Where a phase begins: the message that does it, the request that led to it, and what is agreed."""

    time: int
    capture: str
    frame: int
    kind: str
    offer: "Offer | None"
    agreement: Agreement


class Offer(NamedTuple):
    """The request, or the response to an INVITE without SDP, that offers."""

    frame: int
    time: int
    party: str
    sections: Sections


class Message(NamedTuple):
    """A request or response of an INVITE dialog, in order of time."""

    time: int
    capture: str
    frame: int
    call_id: str | None
    method: str | None
    status: int | None
    cseq_method: str | None
    to_tag: str | None

    @property
    def accepts_invite(self) -> bool:
        return self.cseq_method == "INVITE" and self.status is not None and 200 <= self.status < 300


class Leg(NamedTuple):
    """A row of legs: one per recording and Call-ID."""

    capture: str
    frame: int
    time: int
    call: int
    leg: int | None
    call_id: str | None
    state: str | None
    end_time: int | None


def answered_legs(
    tables: Tables, found: Calls, numbers: Mapping[str, int]
) -> Iterator[tuple[Leg, Sequence[Opening]]]:
    """Yield every leg with what opens its phases; of several recordings the one that shows most of them."""
    messages = _messages(tables, numbers)
    described = _described(tables.sdp_media)
    best: dict[LegKey, tuple[Leg, Sequence[Opening]]] = {}
    for row in records(found.legs, *Leg._fields):
        leg = Leg(*row)
        sent = messages.get((recording_of(numbers, leg.capture), leg.call_id), [])
        openings = [*_openings(leg, sent, found.authors, described)]
        known = best.get((leg.call, leg.leg))
        if known is None or len(openings) > len(known[1]):
            best[leg.call, leg.leg] = leg, openings
    yield from best.values()
    yield from _without_sip(found)


def _without_sip(found: Calls) -> Iterator[tuple[Leg, Sequence[Opening]]]:
    """Yield ICE sessions whose SIP was not seen, calls or legs of such, as if their first check answered."""
    for (call, number), checks in found.unreadable.items():
        leg = Leg(checks.capture, checks.frame, checks.first, call, number, None, None, None)
        yield leg, [Opening(checks.first, checks.capture, checks.frame, ANSWERED, None, {})]
    alone = found.calls[(found.calls["legs"] == 0).fillna(False) & found.calls["start"].notna()]
    for capture, frame, start, call in records(alone, "capture", "frame", "start", "call"):
        leg = Leg(capture, frame, start, call, None, None, None, None)
        yield leg, [Opening(start, capture, frame, ANSWERED, None, {})]


def _messages(
    tables: Tables, numbers: Mapping[str, int]
) -> dict[tuple[int | str, str | None], list[Message]]:
    sent: dict[tuple[int | str, str | None], list[Message]] = {}
    for row in records(in_order(tables.sip_messages), *Message._fields):
        if row[0] is not None:
            message = Message(*row)
            sent.setdefault((recording_of(numbers, message.capture), message.call_id), []).append(message)
    return sent


def _described(sdp_media: pd.DataFrame) -> dict[Place, Sections]:
    held: dict[Place, list[Section]] = {}
    places = records(sdp_media, "capture", "frame", "call_id")
    columns = ("media", "port", "direction", "connection_addr", "ufrag", "fingerprint")
    for place, section in zip(places, records(sdp_media, *columns), strict=True):
        held.setdefault(place, []).append(Section(*section))
    return {place: tuple(sections) for place, sections in held.items()}


def _openings(
    leg: Leg,
    sent: Iterable[Message],
    authors: Mapping[Place, Description],
    described: Mapping[Place, Sections],
) -> Iterator[Opening]:
    """Yield the openings of a leg: each answer that changes what holds, and the 2xx of the INVITE."""
    offers: dict[Exchange, Offer] = {}
    answered: set[tuple[Exchange, int | None, str | None]] = set()
    last: Opening | None = None
    up = leg.state == "starts_mid_call"
    if up:
        yield (last := Opening(leg.time, leg.capture, leg.frame, ANSWERED, None, {}))
    for message in sent:
        place = message.capture, message.frame, message.call_id
        author, sections = authors.get(place), described.get(place, ())
        agreement, offer = (last.agreement if last else {}), None
        if author and sections and author.offer_answer == "offer":
            offers.setdefault(author.exchange, Offer(message.frame, message.time, author.party, sections))
        elif author and sections and author.exchange in offers:
            again = author.exchange, message.status, message.to_tag
            asked = offers[author.exchange]
            if again not in answered and asked.party != author.party:
                agreement, offer = {asked.party: asked.sections, author.party: sections}, asked
            answered.add(again)
        accepts = message.accepts_invite and not up
        up = up or accepts
        if (last is None and not agreement and not accepts) or (
            last is not None
            and agreement == last.agreement
            and not accepts
            and (offer is None or offer == last.offer)
        ):
            continue
        kind = _kind(last, agreement, up=up, accepts=accepts)
        last = Opening(message.time, message.capture, message.frame, kind, offer, agreement)
        yield last


def _kind(last: Opening | None, agreement: Agreement, *, up: bool, accepts: bool) -> str:
    if not up:
        return EARLY
    if accepts or last is None:
        return ANSWERED
    if _restarts(last.agreement, agreement):
        return RESTART
    before, now = _both_may_send(last.agreement), _both_may_send(agreement)
    if now is False:
        return HOLD
    return RESUMED if before is False else ANSWERED


def _restarts(before: Agreement, now: Agreement) -> bool:
    """Tell an ICE restart: a party has other ufrags than before (RFC 8839, section 4.4.1.1.1)."""
    pairs = [(_ufrags(before.get(party, ())), _ufrags(now.get(party, ()))) for party in PARTIES]
    return any(old and new and not old & new for old, new in pairs)


def _ufrags(sections: Sections) -> set[str]:
    return {section.ufrag for section in sections if section.ufrag}


def _both_may_send(agreement: Agreement) -> bool | None:
    """None also for a fax alone: a call that turned to T.38 is not held."""
    if _fax(agreement):
        return None
    ways = [may_send(agreement, *way) for way in (PARTIES, PARTIES[::-1])]
    return None if None in ways else all(ways)


def _fax(agreement: Agreement) -> bool:
    """Every section that was not refused is T.38's (ITU-T T.38, annex D) or other than RTP."""
    return any(
        taken and all(section.media in WITHOUT_RTP for section in taken)
        for taken in ([each for each in sections if each.port] for sections in agreement.values())
    )


def may_send(agreement: Agreement, sender: str, receiver: str) -> bool | None:
    """Return whether audio (else video) may be sent; None where an offer or answer is not known."""
    pairs = [*zip(agreement.get(sender, ()), agreement.get(receiver, ()), strict=False)]
    audio = [pair for pair in pairs if pair[0].media == "audio"] or pairs
    return any(_passes(*pair) for pair in audio if pair[0].media not in WITHOUT_RTP) if audio else None


def _passes(sender: Section, receiver: Section) -> bool:
    """0.0.0.0 is the hold of RFC 2543; with ICE it only says that candidates come later (RFC 8840, 4.1.1)."""
    if sender.port == 0 or receiver.port == 0:
        return False
    nowhere = receiver.addr in UNSPECIFIED and not receiver.ufrag
    return sender.direction in SENDS and receiver.direction in RECEIVES and not nowhere
