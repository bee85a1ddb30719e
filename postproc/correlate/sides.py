"""Whose candidates: side client, server or other of either end of a leg.

(1) Markers of the deployment, where they contradict neither themselves nor the
B2BUA found; (2) in a call of two or more legs the machine they share is the
server, a far end with ICE the client, any other end other; (3) in a single leg
the caller is the client, the called party the server.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from postproc.correlate.parties import Description, Place
from postproc.correlate.records import column, records
from postproc.deployment import CLIENT, OTHER, SERVER, Markers, Patterns, marked

PARTIES = ("uac", "uas")

End = tuple[str, str]  # Call-ID and party: uac or uas
Side = tuple[str, str]  # side, and how it is known: marker, b2bua or role


@dataclass(frozen=True)
class Ends:
    """What is known of the ends of the legs."""

    call: Mapping[str, int]  # by Call-ID
    shared: frozenset[End]  # the B2BUA's, as the joining shows them
    with_ice: frozenset[End]
    marked: Mapping[End, str]


def sides(ends: Ends) -> dict[End, Side]:
    """Return the side of both ends of every leg."""
    legs: dict[int, list[str]] = defaultdict(list)
    for call_id, call in ends.call.items():
        legs[call].append(call_id)
    return {end: side for held in legs.values() for end, side in _of_call(held, ends)}


def _of_call(legs: list[str], ends: Ends) -> Iterator[tuple[End, Side]]:
    marked = ends.marked if _consistent(legs, ends) else {}
    for leg in legs:
        for party, peer in (PARTIES, PARTIES[::-1]):
            end, far = (leg, party), (leg, peer)
            if end in marked:
                yield end, (marked[end], "marker")
            elif len(legs) > 1:
                yield end, (SERVER if end in ends.shared else _far_side(end, ends), "b2bua")
            elif far in marked:
                yield end, (SERVER if marked[far] == CLIENT else _far_side(end, ends), "marker")
            else:
                yield end, (CLIENT if party == "uac" else SERVER, "role")


def _far_side(end: End, ends: Ends) -> str:
    return CLIENT if end in ends.with_ice else OTHER


def _consistent(legs: list[str], ends: Ends) -> bool:
    """No leg has one mark at both ends; servers are where the B2BUA is, and clients are not."""
    for leg in legs:
        found = [ends.marked.get((leg, party)) for party in PARTIES]
        if found[0] is not None and found[0] == found[1]:
            return False
        for party, side in zip(PARTIES, found, strict=True):
            if len(legs) > 1 and side is not None and (side == SERVER) != ((leg, party) in ends.shared):
                return False
    return True


def marks(
    legs: pd.DataFrame, sdp_media: pd.DataFrame, authors: Mapping[Place, Description], markers: Markers
) -> dict[End, str]:
    """Return the ends that a marker names, by what they write in SDP, else by their User-Agent."""
    found: dict[End, str] = {}
    for party in PARTIES:
        agents = _by_name(markers.user_agent, column(legs[f"{party}_agent"]))
        for call_id, agent in records(legs, "call_id", f"{party}_agent"):
            if side := agents.get(agent):
                found[call_id, party] = side
    owners = _by_name(markers.sdp_owner, column(sdp_media["sdp_owner"]))
    first: dict[End, str] = {}  # the first description with a mark decides
    for capture, frame, call_id, owner in records(sdp_media, "capture", "frame", "call_id", "sdp_owner"):
        side, author = owners.get(owner), authors.get((capture, frame, call_id))
        if side and author and call_id:
            first.setdefault((call_id, author.party), side)
    return found | first


def _by_name(patterns: Patterns, names: Iterable[str | None]) -> dict[str | None, str]:
    return {name: side for name in set(names) if (side := marked(patterns, name))}


def candidates(
    rows: pd.DataFrame,
    authors: Mapping[Place, Description],
    known: Mapping[End, Side],
    legs: Mapping[str, tuple[int, int]],
) -> pd.DataFrame:
    """Fill call, leg, side, side_by and offer_answer of CANDIDATES; ``legs`` has call and leg by Call-ID."""
    places = list(records(rows, "capture", "frame", "call_id"))
    told = [authors.get(place) if place[2] in legs else None for place in places]
    side = [known[place[2], d.party] if d else (None, None) for place, d in zip(places, told, strict=True)]
    number = [legs.get(place[2], (None, None)) for place in places]
    return rows.assign(
        call=pd.array([call for call, _ in number], "Int64"),
        leg=pd.array([leg for _, leg in number], "Int64"),
        side=pd.array([name for name, _ in side], "string"),
        side_by=pd.array([how for _, how in side], "string"),
        offer_answer=pd.array([d.offer_answer if d else None for d in told], "string"),
    )
