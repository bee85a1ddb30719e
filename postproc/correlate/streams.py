"""RTP streams: their call and leg, direction, codec and encryption (RFC 3550, RFC 3551)."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.endpoints import Address, Index, Pair, pair_of, with_handshakes
from postproc.correlate.ice import direction
from postproc.correlate.relays import CLIENT_AND_SERVER, Allocations, beyond
from postproc.correlate.rows import column, late, records, taken
from postproc.correlate.spans import LegKey, Span, Spans, overlapping, spans
from postproc.correlate.successive import cut_by_call
from postproc.correlate.whose import CROWD, Owner, Traffic, owner, ufrag_at
from postproc.model.columns import INTEGER, array
from postproc.model.tables import RTP_SECONDS, RTP_STREAMS

# Codec and encryption of a stream, from SDP.
#
# The receiver's description defines what is sent to it (RFC 3264, section 5.1).
# Its section is found by ufrag or by transport address, else all sections of the
# leg are searched. Payload types that no description maps follow RFC 3551, section 6.


STATIC = {
    0: "PCMU",
    3: "GSM",
    4: "G723",
    5: "DVI4",
    6: "DVI4",
    7: "LPC",
    8: "PCMA",
    9: "G722",
    10: "L16",
    11: "L16",
    12: "QCELP",
    13: "CN",
    14: "MPA",
    15: "G728",
    16: "DVI4",
    17: "DVI4",
    18: "G729",
    25: "CelB",
    26: "JPEG",
    28: "nv",
    31: "H261",
    32: "MPV",
    33: "MP2T",
    34: "H263",
}
SPELLING = {name.upper(): name for name in (*STATIC.values(), "opus", "telephone-event")}
SECURE, PLAIN = {"SAVP", "SAVPF"}, {"AVP", "AVPF"}


class Section(NamedTuple):
    """A media section of a leg's SDP; ``author`` is the description's o= line and Call-ID."""

    author: tuple[str | None, ...]
    ufrag: str | None
    address: tuple[str | None, int | None]
    proto: str | None
    codecs: str | None
    media: str | None = None


Sections = dict[LegKey, list[Section]]


def sections(sdp_media: pd.DataFrame, legs: pd.DataFrame) -> Sections:
    """Return each leg's sections in use (port not 0) in time order; under (call, None) the whole call's."""
    leg_of = {call_id: (call, leg) for call_id, call, leg in records(legs, "call_id", "call", "leg")}
    authors = records(sdp_media, "call_id", "sdp_owner", "session_id", by="time")
    told = ("ufrag", "connection_addr", "port", "proto", "codecs", "media")
    rows = records(sdp_media, *told, by="time")
    by_leg: dict[LegKey, dict[Section, None]] = {}
    for author, (ufrag, addr, port, proto, codecs, media) in zip(authors, rows, strict=True):
        leg = leg_of.get(author[0])
        if leg is not None and port != 0:
            section = Section(author, ufrag, (addr, port), proto, codecs, media)
            for key in {leg, (leg[0], None)}:
                by_leg.setdefault(key, {})[section] = None
    return {key: list(distinct) for key, distinct in by_leg.items()}


def nearest_first(sections: Sequence[Section], receiver: Address, ufrag: str | None) -> list[list[Section]]:
    """Return the receiver's sections, the rest of its description, and all of them."""
    own = [s for s in sections if (s.ufrag == ufrag if ufrag else s.address == receiver)]
    authors = {section.author for section in own}
    return [own, [section for section in sections if section.author in authors], list(sections)]


def codec(tiers: Sequence[Sequence[Section]], payload_type: int | None) -> str | None:
    """Return the encoding name of a payload type without clock rate; None if nothing defines it."""
    if payload_type is None:
        return None
    for section in (section for tier in tiers for section in tier):
        for number, name in _mapped(section.codecs or ""):
            if number == str(payload_type):
                return name
    return STATIC.get(payload_type)


def media(tiers: Sequence[Sequence[Section]], payload_type: int | None) -> str | None:
    """Return the media of the section that defines a payload type, else the receiver's if it is one only."""
    for section in (section for tier in tiers for section in tier):
        if any(number == str(payload_type) for number, _ in _mapped(section.codecs or "")):
            return section.media
    kinds = {section.media for section in next(iter(tiers), ())}
    return kinds.pop() if len(kinds) == 1 else None


def _mapped(codecs: str) -> Iterator[tuple[str, str]]:
    """Yield payload type and name of each item like ``8=PCMA/8000``."""
    for item in codecs.split(","):
        number, _, encoding = item.strip().partition("=")
        name = encoding.partition("/")[0]
        if name:
            yield number, SPELLING.get(name.upper(), name)


def secured(tiers: Sequence[Sequence[Section]]) -> bool | None:
    """Return whether the profile is SRTP's (RFC 3711, 5124, 5764); None if unknown or sections differ."""
    for tier in tiers:
        profiles = {(section.proto or "").upper().rpartition("/")[2] for section in tier}
        if profiles & (SECURE | PLAIN):
            return None if profiles & SECURE and profiles & PLAIN else bool(profiles & SECURE)
    return None


# The rtp_streams table (RFC 3550, RFC 3551).


# Streams of no call with fewer packets are dropped: other UDP traffic can look like RTP that long. A choice;
# lower lists chance matches as streams, higher loses short media whose signalling was not captured.
NOISE = 8

Owned = Sequence[Owner | None]
Place = tuple[str, Pair]
Completed = dict[tuple[Place, int | None], int]


class Whose(NamedTuple):
    """The columns that correlation adds to a stream."""

    call: int | None
    leg: int | None
    direction: str
    src_side: str | None
    media: str | None
    codec: str | None
    secured: bool | None
    direct: bool


def streams(
    rtp_streams: pd.DataFrame,
    rtp_seconds: pd.DataFrame,
    sdp_media: pd.DataFrame,
    *,
    legs: pd.DataFrame,
    dtls: pd.DataFrame,
    index: Index,
    relays: Allocations | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return rtp_streams and rtp_seconds, streams numbered 1, 2, ... over the run by time.

    On input (capture, stream) is the key of both. ``legs`` are numbered, ``dtls`` has its calls, and
    ``relays`` give the two ends of media inside TURN. Streams of no call with fewer than NOISE packets
    are dropped.
    """
    completed = beyond(dtls, relays or {}, "started", CLIENT_AND_SERVER)
    ends = with_handshakes(index, completed)
    whole = _traffic(beyond(rtp_streams, relays or {}, "first_time"))
    rtp_streams, rtp_seconds = cut_by_call(rtp_streams, rtp_seconds, whole, partial(owner, ends))
    flows = _traffic(beyond(rtp_streams, relays or {}, "first_time"))
    owners = _by_reverse(flows, [traffic and owner(ends, traffic) for traffic in flows])
    sources = sections(sdp_media, legs), _completed(completed)
    payload_types = column(rtp_streams["payload_type"])
    added = [_whose(index, *row, sources) for row in zip(flows, owners, payload_types, strict=True)]
    if not added:
        return RTP_STREAMS.empty(), RTP_SECONDS.empty()
    columns = zip(Whose._fields, zip(*added, strict=True), strict=True)
    types = RTP_STREAMS.dtypes
    filled = rtp_streams.assign(**{name: array(values, types[name]) for name, values in columns})
    packets = column(rtp_streams["packets"])
    kept = [row for row, whose in enumerate(added) if whose.call is not None or (packets[row] or 0) >= NOISE]
    return _numbered(filled, kept, rtp_seconds)


def _traffic(rtp_streams: pd.DataFrame) -> list[Traffic | None]:
    names = ("capture", "src_addr", "src_port", "dst_addr", "dst_port", "first_time", "last_time")
    flows: list[Traffic | None] = []
    for row in records(rtp_streams, *names):
        capture, source, source_port, target, target_port, first, last = row
        known = None not in row
        flows.append(
            Traffic(capture, (source, source_port), (target, target_port), first, last) if known else None
        )
    return flows


def _by_reverse(flows: Sequence[Traffic | None], owners: Owned) -> Owned:
    """Attribute remaining streams by those on the same address pair that overlap, if they are one leg's."""
    lives: dict[Place, list[Span]] = {}
    attributed: dict[tuple[Place, LegKey], tuple[Traffic, Owner]] = {}
    for traffic, stream_owner in zip(flows, owners, strict=True):
        if traffic and stream_owner:
            leg = stream_owner.call, stream_owner.leg
            lives.setdefault(_place(traffic), []).append(Span(traffic.first, traffic.last, leg, None))
            attributed[_place(traffic), leg] = traffic, stream_owner
    index = {place: spans(stream_spans) for place, stream_spans in lives.items()}
    return [
        stream_owner or (traffic and _from_reverse(traffic, index.get(_place(traffic)), attributed))
        for traffic, stream_owner in zip(flows, owners, strict=True)
    ]


def _from_reverse(
    traffic: Traffic, index: Spans | None, attributed: dict[tuple[Place, LegKey], tuple[Traffic, Owner]]
) -> Owner | None:
    near = overlapping(index, traffic.first, traffic.last) if index else ()
    legs = {span.leg for span in islice(near, CROWD)}
    if len(legs) != 1:
        return None
    other, stream_owner = attributed[_place(traffic), legs.pop()]
    return (
        stream_owner
        if other.src == traffic.src
        else stream_owner._replace(src_side=stream_owner.dst_side, dst_side=stream_owner.src_side)
    )


def _place(traffic: Traffic) -> Place:
    return traffic.capture, pair_of(traffic.src, traffic.dst)


def _completed(dtls: pd.DataFrame) -> Completed:
    """Return when the first DTLS handshake that completed between two ends began, by call."""
    begun: Completed = {}
    ends = records(dtls, *CLIENT_AND_SERVER)
    rows = records(dtls, "capture", "call", "started", "state")
    for (capture, call, started, state), end in zip(rows, ends, strict=True):
        if state == "complete" and started is not None and None not in end:
            key = (capture, pair_of(end[:2], end[2:])), call
            begun[key] = min(started, begun.get(key, started))
    return begun


def _whose(
    index: Index,
    traffic: Traffic | None,
    stream_owner: Owner | None,
    payload_type: int | None,
    sources: tuple[Sections, Completed],
) -> Whose:
    """Return the added columns of one stream; ``sources`` are SDP sections and completed handshakes."""
    by_leg, completed = sources
    call, leg = (stream_owner.call, stream_owner.leg) if stream_owner else (None, None)
    keyed = traffic is not None and completed.get((_place(traffic), call), traffic.last + 1) <= traffic.last
    if traffic is None or stream_owner is None:
        return Whose(None, None, "other", None, None, codec([], payload_type), keyed or None, False)
    ufrag = ufrag_at(index, traffic, (stream_owner.call, leg), traffic.dst)
    tiers = nearest_first(by_leg.get((stream_owner.call, leg), []), traffic.dst, ufrag)
    way = direction(stream_owner.src_side, stream_owner.dst_side)
    described = media(tiers, payload_type), codec(tiers, payload_type), keyed or secured(tiers)
    return Whose(call, leg, way, stream_owner.src_side, *described, stream_owner.direct)


def _numbered(
    rows: pd.DataFrame, kept: list[int], rtp_seconds: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Number the streams kept (by row) by time, and apply the numbers to their seconds."""
    places = [*records(rows, "first_time", "capture", "stream")]
    order = sorted(kept, key=lambda row: (late(places[row][0]), *places[row][1:]))
    numbers: dict[Any, int] = {places[row][1:]: number for number, row in enumerate(order, 1)}
    every = [numbers.get(key, 0) for key in records(rtp_seconds, "capture", "stream")]
    second = column(rtp_seconds["second"])
    of_streams = sorted(
        (row for row, number in enumerate(every) if number), key=lambda row: (every[row], second[row])
    )
    seconds = taken(rtp_seconds, of_streams).assign(stream=array([every[row] for row in of_streams], INTEGER))
    numbered = taken(rows, order).assign(stream=array(range(1, len(order) + 1), INTEGER))
    return RTP_STREAMS.conform(numbered), RTP_SECONDS.conform(seconds)
