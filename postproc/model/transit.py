"""A call's packets on their way past several captures: how many left one place and reached the next.

A place is where a capture was taken. Its name is server, wan or client if exactly one capture is known to be
there, else the capture's name; so, too, where two phones send each other media past their server. Counts are
those of table ``passages``, summed over flows.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import NamedTuple

import pandas as pd

from postproc.model.addresses import endpoint
from postproc.model.calls import Call
from postproc.model.enumerations import Direction, PassageKind
from postproc.model.rows import ClockRow, PassageRow, SipMessageRow

KINDS: tuple[PassageKind, ...] = (
    "sip",
    "stun",
    "dtls",
    "rtp",
    "rtcp",
)  # in the order in which a call needs them
MEDIA: tuple[PassageKind, ...] = ("stun", "dtls", "rtp", "rtcp")
DIRECTIONS: tuple[Direction, ...] = ("server_to_client", "client_to_server", "other")


class Spot(NamedTuple):
    """A place and its capture; ``position`` counts from 1 at the server, None if unknown."""

    capture: str
    name: str
    position: int | None = None


class Transit(NamedTuple):
    """Packets of one kind, leg and direction between two places, from ``origin`` to ``target``."""

    leg: int | None
    kind: PassageKind
    direction: Direction
    origin: Spot
    target: Spot
    flows: tuple[PassageRow, ...]

    @property
    def sent(self) -> int:
        return sum(row.sent for row in self.flows)

    @property
    def arrived(self) -> int:
        return sum(row.arrived for row in self.flows)

    @property
    def lost(self) -> int:
        return sum(row.lost for row in self.flows)

    @property
    def first_lost(self) -> pd.Timestamp | None:
        return min((row.first_lost for row in self.flows if row.first_lost is not None), default=None)

    @property
    def last_lost(self) -> pd.Timestamp | None:
        return max((row.last_lost for row in self.flows if row.last_lost is not None), default=None)

    @property
    def delay_ms(self) -> float | None:
        """The delay of the flow with the most packets that arrived."""
        timed = [row for row in self.flows if row.delay_ms is not None]
        return max(timed, key=lambda row: row.arrived).delay_ms if timed else None

    @property
    def outward(self) -> bool | None:
        """Whether it leads away from the server; None if the order of the places is unknown."""
        if self.origin.position is None or self.target.position is None:
            return None
        return self.origin.position < self.target.position


def spots(call: Call) -> tuple[Spot, ...]:
    """Return the places where a call was captured, from server to client; unordered ones last, by name."""
    names = {name for row in call.passages for name in (row.from_capture, row.to_capture)}
    clocks = {name: _clock(call.clocks, name, names) for name in names}
    places = [row.place for row in clocks.values() if row is not None]
    places_found, past_server = [], between_phones(call)
    for name, row in clocks.items():
        known = row is not None and places.count(row.place) == 1 and not past_server
        place = row.place if row is not None and known else None
        places_found.append(Spot(name, place or name, row.position if row is not None else None))
    return tuple(
        sorted(places_found, key=lambda spot: (spot.position is None, spot.position or 0, spot.capture))
    )


def between_phones(call: Call) -> bool:
    """Return whether media go between machines that speak SIP with one in the middle only, not with it.

    Where a call has a single leg, its called side counts as the server elsewhere.
    """
    ends = {
        addr for row in call.passages if row.kind in MEDIA for addr in (row.from_src_addr, row.from_dst_addr)
    }
    if not ends:
        return False
    peers: dict[str, set[str]] = defaultdict(set)
    invites: dict[str, set[str | None]] = defaultdict(set)
    for row in call.sip_messages:
        peers[row.src_addr].add(row.dst_addr)
        peers[row.dst_addr].add(row.src_addr)
        if row.method == "INVITE":
            invites[row.src_addr].add(row.call_id)
            invites[row.dst_addr].add(row.call_id)
    outer = {addr for addr, others in peers.items() if len(others) == 1 and len(invites[addr]) == 1}
    middle = {other for addr in outer for other in peers[addr]} - outer
    return bool(middle) and ends <= outer


def _clock(rows: Iterable[ClockRow], capture: str, of_call: set[str]) -> ClockRow | None:
    """Return a capture's row in ``clocks``: prefer a reference of this call, then one with a position."""
    own = [row for row in rows if row.capture == capture]
    return min(own, key=lambda row: (row.reference not in of_call, row.position is None), default=None)


def transits(call: Call) -> tuple[Transit, ...]:
    """Return the transits from place to next place, by leg, kind, direction and along the way."""
    places = spots(call)
    by_capture = {spot.capture: spot for spot in places}
    told = _told_nearer(call.passages, by_capture)
    flows: dict[tuple[int | None, PassageKind, Direction, str, str], list[PassageRow]] = {}
    for row in call.passages:
        if (row.to_capture, *_flow(row)) in told:
            continue
        key = (row.leg, row.kind, row.direction or "other", row.from_capture, row.to_capture)
        flows.setdefault(key, []).append(row)
    between_places = [
        Transit(leg, kind, direction, by_capture[origin], by_capture[target], tuple(rows))
        for (leg, kind, direction, origin, target), rows in flows.items()
    ]
    return tuple(sorted(between_places, key=_order))


def courses(call: Call) -> list[tuple[Transit, ...]]:
    """Group the transits that packets of one leg, kind and direction pass in turn."""
    return [tuple(group) for _, group in groupby(transits(call), key=_course)]


def _course(transit: Transit) -> tuple[object, ...]:
    return transit.leg, transit.kind, transit.direction, transit.outward


def _flow(row: PassageRow) -> tuple[object, ...]:
    """Return what is one and the same for a flow's passages from a place to others."""
    ends = (row.from_src_addr, row.from_src_port, row.from_dst_addr, row.from_dst_port)
    return row.leg, row.kind, row.direction, row.from_capture, *ends


def _told_nearer(rows: Iterable[PassageRow], places: Mapping[str, Spot]) -> set[tuple[object, ...]]:
    """Return farther places of flows that have a passage to a nearer one, each with its flow.

    A flow that passes none of the places between has its next place beyond. Where a position is unknown,
    nothing is nearer than anything else.
    """
    if any(spot.position is None for spot in places.values()):
        return set()
    targets: dict[tuple[object, ...], list[tuple[int, str]]] = {}
    for row in rows:
        far = abs((places[row.to_capture].position or 0) - (places[row.from_capture].position or 0))
        targets.setdefault(_flow(row), []).append((far, row.to_capture))
    return {
        (capture, *flow)
        for flow, distances in targets.items()
        for far, capture in distances
        if far > min(distances)[0]
    }


def _order(transit: Transit) -> tuple[int, int, int, int]:
    """Sort key along the way; packets to the server pass the places in reverse order."""
    position = transit.origin.position or 0
    return (
        transit.leg or 0,
        KINDS.index(transit.kind),
        DIRECTIONS.index(transit.direction),
        -position if transit.outward is False else position,
    )


Frame = tuple[str, int | None, str | None]  # capture, number, Call-ID


class Rewritten(NamedTuple):
    """A line of a SIP message, or of its SDP, that differs between two captures of the message."""

    what: str  # the header, or the line of SDP
    here: str
    there: str


class Alteration(NamedTuple):
    """One SIP message in two captures, matched by Call-ID, CSeq and branch, and the lines that differ."""

    message: SipMessageRow
    other: SipMessageRow
    lines: tuple[Rewritten, ...]

    @property
    def name(self) -> str:
        return self.message.method or f"{self.message.status} {self.message.cseq_method or ''}".strip()

    @property
    def in_description(self) -> bool:
        return any(line.what.startswith("SDP") for line in self.lines)


def alterations(call: Call) -> tuple[Alteration, ...]:
    """Return the messages that two captures show differently.

    A proxy adds a Via with its own branch (RFC 3261, section 16.6), so messages with equal branch differ
    only if a device that is no SIP element changed them.
    """
    copies: dict[tuple[object, ...], dict[str, SipMessageRow]] = {}
    for row in call.sip_messages:
        if row.branch:
            key = (row.call_id, row.cseq, row.cseq_method, row.method, row.status, row.branch, row.to_tag)
            copies.setdefault(key, {}).setdefault(row.capture, row)
    described = _described(call)
    pairs = [(first, other) for rows in copies.values() for first, *rest in [rows.values()] for other in rest]
    every = [Alteration(first, other, _differing(first, other, described)) for first, other in pairs]
    return tuple(each for each in every if each.lines)


def _differing(
    one: SipMessageRow, other: SipMessageRow, described: dict[Frame, dict[str, str]]
) -> tuple[Rewritten, ...]:
    """Return the lines in both captures that differ; a line missing in one may have been truncated."""
    lines, other_lines = _lines(one, described), _lines(other, described)
    both = [name for name in lines if name in other_lines]
    return tuple(
        Rewritten(name, lines[name], other_lines[name]) for name in both if lines[name] != other_lines[name]
    )


def _lines(row: SipMessageRow, described: dict[Frame, dict[str, str]]) -> dict[str, str]:
    """Return the lines of a message that are compared, without insignificant white space."""
    headers = {"Request-URI": row.request_uri, "Contact": row.contact, "Record-Route": row.record_route}
    lines = {name: "".join(value.split()) for name, value in headers.items() if value}
    return lines | described.get((row.capture, row.frame, row.call_id), {})


def _described(call: Call) -> dict[Frame, dict[str, str]]:
    """Return the media addresses of each description, by frame and SDP line."""
    lines: dict[Frame, dict[str, str]] = {}
    for section in call.sdp_media:
        at = lines.setdefault((section.capture, section.frame, section.call_id), {})
        at[f"SDP m={section.media}"] = endpoint(section.connection_addr, section.port)
    for row in call.candidates:
        at = lines.setdefault((row.capture, row.frame, row.call_id), {})
        name = f"SDP a=candidate {row.type}"
        at[name] = ", ".join(filter(None, (at.get(name), endpoint(row.addr, row.port))))
    return lines
