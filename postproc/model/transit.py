"""A call's packets on their way past several captures: what of them left one place and reached the next.

A place is where a capture was taken. It is called server, wan or client where that is certain of one capture
only, else by its capture's name. Counts are those of the table ``passages``, summed up over flows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import NamedTuple

import pandas as pd

from postproc.model.addresses import endpoint
from postproc.model.calls import Call
from postproc.model.enumerations import Direction, PassageKind
from postproc.model.rows import ClockRow, PassageRow, SipMessageRow

KINDS: tuple[PassageKind, ...] = ("sip", "stun", "dtls", "rtp", "rtcp")  # in the order a call needs them
DIRECTIONS: tuple[Direction, ...] = ("server_to_client", "client_to_server", "other")


@dataclass(frozen=True)
class Spot:
    """A place and its capture; ``position`` counts from 1 at the server, None where that cannot be told."""

    capture: str
    name: str
    position: int | None = None


@dataclass(frozen=True)
class Transit:
    """Packets of one kind and direction of a leg between two places, nearer to their sender first."""

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
        """Of the flow with most packets that arrived."""
        timed = [row for row in self.flows if row.delay_ms is not None]
        return max(timed, key=lambda row: row.arrived).delay_ms if timed else None

    @property
    def outward(self) -> bool | None:
        """Whether it leads away from the server; None where the order of the places is not known."""
        if self.origin.position is None or self.target.position is None:
            return None
        return self.origin.position < self.target.position


def spots(call: Call) -> tuple[Spot, ...]:
    """The places a call was seen from, from the server to the client; those in no order last, by name."""
    names = {name for row in call.passages for name in (row.from_capture, row.to_capture)}
    clocks = {name: _clock(call.clocks, name, names) for name in names}
    places = [row.place for row in clocks.values() if row is not None]
    found = []
    for name, row in clocks.items():
        place = row.place if row is not None and places.count(row.place) == 1 else None
        found.append(Spot(name, place or name, row.position if row is not None else None))
    return tuple(sorted(found, key=lambda spot: (spot.position is None, spot.position or 0, spot.capture)))


def _clock(rows: Iterable[ClockRow], capture: str, of_call: set[str]) -> ClockRow | None:
    """A capture has a clock by each reference: the one that tells its position by a capture of this call."""
    own = [row for row in rows if row.capture == capture]
    return min(own, key=lambda row: (row.reference not in of_call, row.position is None), default=None)


def transits(call: Call) -> tuple[Transit, ...]:
    """Between neighbouring places, by leg, kind, direction and along the way."""
    seen = spots(call)
    by_capture = {spot.capture: spot for spot in seen}
    flows: dict[tuple[int | None, PassageKind, Direction, str, str], list[PassageRow]] = {}
    for row in call.passages:
        key = (row.leg, row.kind, row.direction or "other", row.from_capture, row.to_capture)
        flows.setdefault(key, []).append(row)
    between = _neighbours(seen)
    found = [
        Transit(leg, kind, direction, by_capture[origin], by_capture[target], tuple(rows))
        for (leg, kind, direction, origin, target), rows in flows.items()
        if between is None or frozenset({origin, target}) in between
    ]
    return tuple(sorted(found, key=_order))


def courses(call: Call) -> list[tuple[Transit, ...]]:
    """The stretches that packets of one leg, kind and direction pass, one after the other."""
    return [tuple(group) for _, group in groupby(transits(call), key=_course)]


def _course(transit: Transit) -> tuple[object, ...]:
    return transit.leg, transit.kind, transit.direction, transit.outward


def _neighbours(seen: Iterable[Spot]) -> set[frozenset[str]] | None:
    """Captures next to each other along the way; None where the order of some is not known."""
    captures: dict[int, list[str]] = {}
    for spot in seen:
        if spot.position is None:
            return None
        captures.setdefault(spot.position, []).append(spot.capture)
    ordered = [captures[position] for position in sorted(captures)]
    return {frozenset({one, other}) for near, far in pairwise(ordered) for one in near for other in far}


def _order(transit: Transit) -> tuple[int, int, int, int]:
    """Along the way: what goes to the server passes the places in the other order."""
    position = transit.origin.position or 0
    return (
        transit.leg or 0,
        KINDS.index(transit.kind),
        DIRECTIONS.index(transit.direction),
        -position if transit.outward is False else position,
    )


Frame = tuple[str, int | None, str | None]  # capture, number, Call-ID


class Rewritten(NamedTuple):
    """A line of a SIP message, or of its description, that is not the same in two captures of the message."""

    what: str  # the header, or the line of SDP
    here: str
    there: str


class Alteration(NamedTuple):
    """One SIP message in two captures, the same by Call-ID, CSeq and branch, and what differs."""

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
    """The messages that two captures hold and that are not the same in both.

    A proxy on the way puts a branch of its own on top (RFC 3261, section 16.6), so that only what leaves
    the branch alone is compared with itself: a device that has no business in SIP.
    """
    seen: dict[tuple[object, ...], dict[str, SipMessageRow]] = {}
    for row in call.sip_messages:
        if row.branch:
            key = (row.call_id, row.cseq, row.cseq_method, row.method, row.status, row.branch, row.to_tag)
            seen.setdefault(key, {}).setdefault(row.capture, row)
    described = _described(call)
    pairs = [(first, other) for rows in seen.values() for first, *rest in [rows.values()] for other in rest]
    every = [Alteration(first, other, _differing(first, other, described)) for first, other in pairs]
    return tuple(each for each in every if each.lines)


def _differing(
    one: SipMessageRow, other: SipMessageRow, described: dict[Frame, dict[str, str]]
) -> tuple[Rewritten, ...]:
    """What both captures show, each its own way; what one lacks may be cut off there."""
    here, there = _lines(one, described), _lines(other, described)
    both = [what for what in here if what in there]
    return tuple(Rewritten(what, here[what], there[what]) for what in both if here[what] != there[what])


def _lines(row: SipMessageRow, described: dict[Frame, dict[str, str]]) -> dict[str, str]:
    """What of a message is compared, without white space, which says nothing."""
    headers = {"Request-URI": row.request_uri, "Contact": row.contact, "Record-Route": row.record_route}
    lines = {what: "".join(value.split()) for what, value in headers.items() if value}
    return lines | described.get((row.capture, row.frame, row.call_id), {})


def _described(call: Call) -> dict[Frame, dict[str, str]]:
    """Where each description places media, line by line."""
    found: dict[Frame, dict[str, str]] = {}
    for section in call.sdp_media:
        at = found.setdefault((section.capture, section.frame, section.call_id), {})
        at[f"SDP m={section.media}"] = endpoint(section.connection_addr, section.port)
    for row in call.candidates:
        at = found.setdefault((row.capture, row.frame, row.call_id), {})
        what = f"SDP a=candidate {row.type}"
        at[what] = ", ".join(filter(None, (at.get(what), endpoint(row.addr, row.port))))
    return found
