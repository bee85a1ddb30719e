"""Where the phases of a leg begin: the answers that take effect, and what was agreed (RFC 3264, RFC 6337)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from postproc.correlate.calls import Calls
from postproc.correlate.endpoints import recording_of
from postproc.correlate.parties import PARTIES, Description, Exchange, Place
from postproc.correlate.rows import records
from postproc.correlate.sip import in_order
from postproc.correlate.spans import LegKey
from postproc.model.addresses import UNSPECIFIED
from postproc.model.statuses import is_success
from postproc.model.tables import Tables

EARLY, ANSWERED, HOLD, RESUMED, RESTART = "early", "answered", "hold", "resumed", "restart"
WITHOUT_RTP = {"image", "application", "message"}  # UDPTL, SCTP, MSRP: no packet of theirs counts as media
SENDS, RECEIVES = {"sendrecv", "sendonly"}, {"sendrecv", "recvonly"}


class Section(NamedTuple):
    """The parts of an m= section that decide who may send where: a change of any begins a phase."""

    media: str | None
    port: int | None
    direction: str | None
    addr: str | None
    ufrag: str | None
    fingerprint: str | None


Sections = tuple[Section, ...]
Agreement = Mapping[str, Sections]  # by party; empty where no offer/answer was seen


class Opening(NamedTuple):
    """The start of a phase: the message that takes effect, the offer it answers, and what is agreed."""

    time: int
    capture: str
    frame: int
    kind: str
    offer: "Offer | None"
    agreement: Agreement


class Offer(NamedTuple):
    """The request, or the response to an INVITE without SDP, that carries the offer."""

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
        return self.cseq_method == "INVITE" and is_success(self.status)


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
    tables: Tables, calls: Calls, numbers: Mapping[str, int]
) -> Iterator[tuple[Leg, Sequence[Opening]]]:
    """Yield every leg with its openings; of several recordings, from the one that shows most of them."""
    messages = _messages(tables, numbers)
    described = _described(tables.sdp_media)
    best: dict[LegKey, tuple[Leg, Sequence[Opening]]] = {}
    for row in records(calls.legs, *Leg._fields):
        leg = Leg(*row)
        sent = messages.get((recording_of(numbers, leg.capture), leg.call_id), [])
        openings = [*_openings(leg, sent, calls.authors, described)]
        fullest = best.get((leg.call, leg.leg))
        if fullest is None or len(openings) > len(fullest[1]):
            best[leg.call, leg.leg] = leg, openings
    yield from best.values()
    yield from _without_sip(calls)


def _without_sip(calls: Calls) -> Iterator[tuple[Leg, Sequence[Opening]]]:
    """Yield calls and legs without readable SIP, with their first check as the answer."""
    for (call, number), checks in calls.unreadable.items():
        leg = Leg(checks.capture, checks.frame, checks.first, call, number, None, None, None)
        yield leg, [Opening(checks.first, checks.capture, checks.frame, ANSWERED, None, {})]
    for capture, frame, start, call, legs in records(
        calls.calls, "capture", "frame", "start", "call", "legs"
    ):
        if legs == 0 and start is not None:
            leg = Leg(capture, frame, start, call, None, None, None, None)
            yield leg, [Opening(start, capture, frame, ANSWERED, None, {})]


def _messages(
    tables: Tables, numbers: Mapping[str, int]
) -> dict[tuple[int | str, str | None], list[Message]]:
    sent: dict[tuple[int | str, str | None], list[Message]] = {}
    sip = tables.sip_messages
    for message in in_order(sip, map(Message._make, records(sip, *Message._fields))):
        if message.time is not None:
            sent.setdefault((recording_of(numbers, message.capture), message.call_id), []).append(message)
    return sent


def _described(sdp_media: pd.DataFrame) -> dict[Place, Sections]:
    by_place: dict[Place, list[Section]] = {}
    places = records(sdp_media, "capture", "frame", "call_id")
    columns = ("media", "port", "direction", "connection_addr", "ufrag", "fingerprint")
    for place, section in zip(places, records(sdp_media, *columns), strict=True):
        by_place.setdefault(place, []).append(Section(*section))
    return {place: tuple(sections) for place, sections in by_place.items()}


def _openings(
    leg: Leg,
    sent: Iterable[Message],
    authors: Mapping[Place, Description],
    described: Mapping[Place, Sections],
) -> Iterator[Opening]:
    """Yield the openings of a leg: each answer that changes the agreement, and the 2xx of the INVITE."""
    offers: dict[Exchange, Offer] = {}
    answered: set[tuple[Exchange, int | None, str | None]] = set()
    early: dict[str | None, tuple[Agreement, Offer]] = {}  # by tag: of forks that answered, one is accepted
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
            answer = author.exchange, message.status, message.to_tag
            request = offers[author.exchange]
            if answer not in answered and request.party != author.party:
                agreement, offer = {request.party: request.sections, author.party: sections}, request
                early[message.to_tag] = agreement, offer
            answered.add(answer)
        elif message.accepts_invite and not up and message.to_tag in early:
            agreement, offer = early[message.to_tag]
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
    """Return whether ICE restarts: a party has new ufrags (RFC 8839, section 4.4.1.1.1)."""
    pairs = [(_ufrags(before.get(party, ())), _ufrags(now.get(party, ()))) for party in PARTIES]
    return any(old and new and not old & new for old, new in pairs)


def _ufrags(sections: Sections) -> set[str]:
    return {section.ufrag for section in sections if section.ufrag}


def _both_may_send(agreement: Agreement) -> bool | None:
    """Return whether both parties may send; None if unknown, or for fax alone: T.38 is not a hold."""
    if _fax(agreement):
        return None
    ways = [may_send(agreement, *way) for way in (PARTIES, PARTIES[::-1])]
    return None if None in ways else all(ways)


def _fax(agreement: Agreement) -> bool:
    """Return whether a party's accepted sections are all T.38 (ITU-T T.38, annex D) or otherwise not RTP."""
    return any(
        accepted and all(section.media in WITHOUT_RTP for section in accepted)
        for accepted in ([each for each in sections if each.port] for sections in agreement.values())
    )


def may_send(agreement: Agreement, sender: str, receiver: str) -> bool | None:
    """Return whether audio (else video) may be sent; None where an offer or answer is not known."""
    pairs = [*zip(agreement.get(sender, ()), agreement.get(receiver, ()), strict=False)]
    audio = [pair for pair in pairs if pair[0].media == "audio"] or pairs
    return any(_passes(*pair) for pair in audio if pair[0].media not in WITHOUT_RTP) if audio else None


def _passes(sender: Section, receiver: Section) -> bool:
    """Return whether the two sections let the sender send.

    0.0.0.0 is the hold of RFC 2543; with ICE it only means that candidates follow (RFC 8840, 4.1.1).
    """
    if sender.port == 0 or receiver.port == 0:
        return False
    nowhere = receiver.addr in UNSPECIFIED and not receiver.ufrag
    return sender.direction in SENDS and receiver.direction in RECEIVES and not nowhere
