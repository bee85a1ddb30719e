"""Where the legs' media may come from or go to, by their SDP, and for how long.

The last resort for what carries no credentials: RTP, DTLS, ICMP errors and the
look-ups at STUN servers, whose base is the related address of a candidate.
"""

from collections.abc import Iterator, Mapping

import pandas as pd

from postproc.correlate.hosts import UNSPECIFIED
from postproc.correlate.ice import Life
from postproc.correlate.messages import NO_TIME, moments
from postproc.correlate.parties import Description, Place
from postproc.correlate.records import records
from postproc.correlate.sides import End, Side
from postproc.correlate.tokens import DISCARD

Endpoint = tuple[str, str, str, int]  # Call-ID, party, address, port
Addresses = Iterator[tuple[Place, str | None, int | None]]


def endpoints(
    sdp_media: pd.DataFrame,
    candidates: pd.DataFrame,
    authors: Mapping[Place, Description],
    sides: Mapping[End, Side],
    legs: Mapping[str, tuple[int, int, Life]],
) -> pd.DataFrame:
    """Return the media endpoints: call, leg, side, addr, port, start, end; one row per leg, side and address.

    ``legs`` has call, leg and life by Call-ID. An end that was not seen is NA.
    """
    rows = [
        (
            call,
            leg,
            sides[call_id, party][0],
            addr,
            port,
            life.start,
            NO_TIME if life.end is None else life.end,
        )
        for call_id, party, addr, port in dict.fromkeys(_named(sdp_media, candidates, authors))
        if call_id in legs
        for call, leg, life in [legs[call_id]]
    ]
    call, leg, side, addr, port, start, end = zip(*rows, strict=True) if rows else ((),) * 7
    found = {"call": pd.array(call, "Int64"), "leg": pd.array(leg, "Int64"), "side": pd.array(side, "string")}
    found |= {"addr": pd.array(addr, "string"), "port": pd.array(port, "Int64")}
    return pd.DataFrame(found | {"start": moments(list(start)), "end": moments(list(end))})


def _named(
    sdp_media: pd.DataFrame, candidates: pd.DataFrame, authors: Mapping[Place, Description]
) -> Iterator[Endpoint]:
    for place, addr, port in _addresses(sdp_media, candidates):
        author = authors.get(place)
        if author and place[2] and addr and port and port != DISCARD and addr not in UNSPECIFIED:
            yield place[2], author.party, addr, port


def _addresses(sdp_media: pd.DataFrame, candidates: pd.DataFrame) -> Addresses:
    place = ("capture", "frame", "call_id")
    for *key, addr, port in records(sdp_media, *place, "connection_addr", "port"):
        yield (key[0], key[1], key[2]), addr, port
    for *key, addr, port, base, base_port in records(
        candidates, *place, "addr", "port", "related_addr", "related_port"
    ):
        yield (key[0], key[1], key[2]), addr, port
        yield (key[0], key[1], key[2]), base, base_port
