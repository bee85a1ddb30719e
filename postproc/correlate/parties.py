"""The two parties of a dialog, uac and uas, and the side each is on: client, server or other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import NamedTuple

import pandas as pd

from postproc.correlate.rows import column, late, records
from postproc.model.columns import INTEGER, TEXT, array
from postproc.model.deployment import CLIENT, OTHER, SERVER, Markers, Patterns, marked

# Which of a dialog's two parties wrote a session description, and whether it is offer or answer.
#
# A description belongs to its author, the uac or uas of the INVITE, identified by the
# From tag (RFC 3261, section 12), which neither a proxy that relays it nor a second
# vantage point changes. Offer and answer follow RFC 3264 and RFC 6337, section 1.1.


Place = tuple[str, int, str | None]  # capture, frame, Call-ID: where a description stands
Dialog = tuple[str | None, str | None]  # Call-ID and From tag
Exchange = tuple[str | None, str | None, int | None, str | None]  # the same, CSeq and method of the request


class Description(NamedTuple):
    """Author of a session description, its part in offer/answer, and the exchange it belongs to."""

    party: str  # uac or uas
    offer_answer: str | None
    exchange: Exchange


Authors = Mapping[Place, Description]


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
    time: int | None


class _Exchanges(NamedTuple):
    """State of the exchanges while walking through the messages by time."""

    offered: dict[Exchange, bool]  # whether the request came with a description
    invites: dict[Dialog, Exchange]  # the latest INVITE


def parties(sip_messages: pd.DataFrame) -> list[str]:
    """Return per message which party wrote it: uac or uas of the INVITE that opened the dialog."""
    callers = _callers(sip_messages)
    rows = records(sip_messages, "call_id", "from_tag", "method")
    # A response repeats the requester's From tag: whoever answers a caller's request is the uas.
    return [
        "uac" if ((call, tag) in callers) == (method is not None) else "uas" for call, tag, method in rows
    ]


TRICKLE = "trickle"  # the part of an INFO: candidates outside offer and answer (RFC 8840)


def _callers(sip_messages: pd.DataFrame) -> set[Dialog]:
    """Return the callers: senders of initial INVITEs, else as the first message of the dialog suggests."""
    callers: set[Dialog] = set()
    first: dict[str | None, tuple[tuple[int, float], str | None]] = {}  # what tells best, earliest
    names = ("call_id", "from_tag", "to_tag", "method", "cseq_method", "time")
    for call_id, tag, to_tag, method, cseq_method, time in records(sip_messages, *names):
        if method == "INVITE" and to_tag is None:
            callers.add((call_id, tag))
        rank = 1 if method is not None else 0 if cseq_method == "INVITE" else 2
        order = rank, inf if time is None else time
        if call_id not in first or order < first[call_id][0]:
            first[call_id] = order, tag
    caller_ids = {call_id for call_id, _ in callers}
    return callers | {(call_id, tag) for call_id, (_, tag) in first.items() if call_id not in caller_ids}


def descriptions(sip: pd.DataFrame) -> dict[Place, Description]:
    """Return every description by its place; ``sip`` has the messages with their ``party``."""
    exchanges = _Exchanges({}, {})
    by_place: dict[Place, Description] = {}
    messages = map(_Message._make, records(sip, *_Message._fields))
    relevant = (each for each in messages if each.has_sdp or each.method in ("INVITE", "INFO"))
    for message in sorted(relevant, key=lambda each: late(each.time)):
        exchange, part = _part(message, exchanges)
        if message.has_sdp or part == TRICKLE:
            place = message.capture, message.frame, message.call_id
            by_place[place] = Description(message.party, part, exchange)
    return by_place


def _part(message: _Message, exchanges: _Exchanges) -> tuple[Exchange, str | None]:
    """Return the exchange a description in this message belongs to, and which part it is."""
    dialog = (message.call_id, message.from_tag)
    exchange: Exchange = (*dialog, message.cseq, message.method or message.cseq_method)
    if message.method is None:
        return exchange, _of_response(exchange, exchanges)
    if message.method == "INFO" and not message.has_sdp:
        return exchange, TRICKLE
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
    """Return "answer" to a request that offered, "offer" to an INVITE that did not, else None."""
    offered = exchanges.offered.get(exchange)
    if offered:
        return "answer"
    return "offer" if offered is False and exchange[3] == "INVITE" else None


def sections(
    sdp_media: pd.DataFrame, descriptions: Mapping[Place, Description]
) -> Iterator[tuple[Description, list[str | None]]]:
    """Yield each description with the ufrags of its m= sections, in their order."""
    ufrags: dict[Place, list[str | None]] = {}
    for capture, frame, call_id, ufrag in records(sdp_media, "capture", "frame", "call_id", "ufrag"):
        ufrags.setdefault((capture, frame, call_id), []).append(ufrag)
    yield from (
        (descriptions[place], section_ufrags)
        for place, section_ufrags in ufrags.items()
        if place in descriptions
    )


# The side (client, server or other) of both ends of a leg.
#
# (1) Markers of the deployment, unless they contradict each other or the B2BUA that
# joining found; (2) in a call of two or more legs, the machine they share is the
# server, a far end with ICE the client, any other end other; (3) in a single leg
# the caller is the client and the called party the server.


PARTIES = ("uac", "uas")

End = tuple[str, str]  # Call-ID and party: uac or uas
Side = tuple[str, str]  # side, and how it is known: marker, b2bua or role


class Ends(NamedTuple):
    """Evidence on the ends of the legs."""

    call: Mapping[str, int]  # by Call-ID
    shared: frozenset[End]  # the B2BUA's ends, as joining found them
    with_ice: frozenset[End]
    marked: Mapping[End, str]


def sides_of_ends(ends: Ends) -> dict[End, Side]:
    """Return the side of both ends of every leg."""
    legs: dict[int, list[str]] = defaultdict(list)
    for call_id, call in ends.call.items():
        legs[call].append(call_id)
    return {end: side for call_legs in legs.values() for end, side in _of_call(call_legs, ends)}


def _of_call(legs: list[str], ends: Ends) -> Iterator[tuple[End, Side]]:
    marked = ends.marked if _consistent(legs, ends) else {}
    for leg in legs:
        for party, peer in (PARTIES, PARTIES[::-1]):
            end, far = (leg, party), (leg, peer)
            if end in marked:
                yield end, (marked[end], "marker")
            elif _at_b2bua(leg, ends):
                yield end, (SERVER if end in ends.shared else _far_side(end, ends), "b2bua")
            elif far in marked:
                yield end, (SERVER if marked[far] == CLIENT else _far_side(end, ends), "marker")
            else:
                yield end, (CLIENT if party == "uac" else SERVER, "role")


def _far_side(end: End, ends: Ends) -> str:
    return CLIENT if end in ends.with_ice else OTHER


def _consistent(legs: list[str], ends: Ends) -> bool:
    """Return whether no leg has one side at both ends, and exactly the B2BUA's ends are servers."""
    for leg in legs:
        marks = [ends.marked.get((leg, party)) for party in PARTIES]
        if marks[0] is not None and marks[0] == marks[1]:
            return False
        if not _at_b2bua(leg, ends):
            continue
        for party, side in zip(PARTIES, marks, strict=True):
            if side is not None and (side == SERVER) != ((leg, party) in ends.shared):
                return False
    return True


def _at_b2bua(leg: str, ends: Ends) -> bool:
    """Return whether the leg is joined to another at one end; a leg joined only by a transfer is not."""
    return any((leg, party) in ends.shared for party in PARTIES)


def marked_ends(
    legs: pd.DataFrame, sdp_media: pd.DataFrame, authors: Mapping[Place, Description], markers: Markers
) -> dict[End, str]:
    """Return the side of ends that a marker matches: by the owner in their SDP, else by their User-Agent."""
    by_agent: dict[End, str] = {}
    for party in PARTIES:
        agents = _by_name(markers.user_agent, column(legs[f"{party}_agent"]))
        for call_id, agent in records(legs, "call_id", f"{party}_agent"):
            if side := agents.get(agent):
                by_agent[call_id, party] = side
    owners = _by_name(markers.sdp_owner, column(sdp_media["sdp_owner"]))
    by_owner: dict[End, str] = {}  # the first description with a mark decides
    for capture, frame, call_id, owner in records(sdp_media, "capture", "frame", "call_id", "sdp_owner"):
        side, author = owners.get(owner), authors.get((capture, frame, call_id))
        if side and author and call_id:
            by_owner.setdefault((call_id, author.party), side)
    return by_agent | by_owner


def _by_name(patterns: Patterns, names: Iterable[str | None]) -> dict[str | None, str]:
    return {name: side for name in set(names) if (side := marked(patterns, name))}


def with_sides(
    rows: pd.DataFrame,
    authors: Mapping[Place, Description],
    sides: Mapping[End, Side],
    legs: Mapping[str, tuple[int, int]],
) -> pd.DataFrame:
    """Fill call, leg, side, side_by and offer_answer of CANDIDATES; ``legs`` has call and leg by Call-ID."""
    places = list(records(rows, "capture", "frame", "call_id"))
    written = [authors.get(place) if place[2] in legs else None for place in places]
    side = [sides[place[2], d.party] if d else (None, None) for place, d in zip(places, written, strict=True)]
    number = [legs.get(place[2], (None, None)) for place in places]
    return rows.assign(
        call=array([call for call, _ in number], INTEGER),
        leg=array([leg for _, leg in number], INTEGER),
        side=array([name for name, _ in side], TEXT),
        side_by=array([how for _, how in side], TEXT),
        offer_answer=array([d.offer_answer if d else None for d in written], TEXT),
    )
