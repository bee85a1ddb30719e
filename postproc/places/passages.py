"""What of a leg was seen at each of its places, and of that at the next.

The places of a leg stand in the order of the way, from the server to its far end, and each two that
follow each other are compared. Only packets count that the second could have seen: between hosts
of which it shows something, and while it ran, by corrected clocks. Those it shows ran with it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from postproc.model.addresses import addr_class
from postproc.model.clocks import NS_PER_MS, PPM
from postproc.places.datagrams import KINDS, Flow
from postproc.places.overlaps import Comparison, Overlap
from postproc.places.owners import UNOWNED, Leg, Owners
from postproc.places.ways import INSIDE
from postproc.read.arrays import Array, starts_of_runs

DIRECTIONS = {1: "server_to_client", -1: "client_to_server", 0: "other"}


@dataclass(frozen=True)
class Course:
    """A leg's captures in the order of the way, server first; ``reference`` is the one whose clock counts."""

    leg: Leg
    rows: Array  # of the leg's packets
    captures: tuple[int, ...]
    reference: int
    signs: Mapping[int, int]  # by flow: 1 goes along the way, -1 against it
    directed: bool  # it is known which end is the client's


@dataclass(frozen=True)
class Stretch:
    """Packets of one flow and kind at one place, and the same at the next."""

    sender: int
    receiver: int
    sign: int  # 1 along the course, -1 against it
    rows: Array
    partner: Array  # -1 where the next place does not show it

    @property
    def lost(self) -> Array:
        return self.rows[self.partner < 0]


def courses(seen: Overlap, owners: Owners, captures: pd.DataFrame, sip: pd.DataFrame) -> list[Course]:
    """The courses of all legs of which two captures show the same packets; a call has one reference."""
    places: dict[int, set[int]] = defaultdict(set)
    for pair, common in seen.common.items():
        for leg in np.unique(owners.of_packet[common.one]).tolist():
            if leg != UNOWNED:
                places[leg] |= {*pair}
    packets = dict(zip(captures["capture"], captures["packets"], strict=True))
    held = sip[sip["call"].notna()].groupby(["call", "capture"])["call_id"].nunique().to_dict()
    found = []
    for number, at in sorted(places.items()):
        call = owners.legs[number].call
        of_call = {*at}.union(*(places[other] for other, leg in enumerate(owners.legs) if leg.call == call))
        reference = best_for_calls(
            [(held.get((call, seen.captures[each]), 0), packets[seen.captures[each]]) for each in of_call],
            list(of_call),
        )
        found.append(_course(seen, owners, number, at, reference))
    return found


def best_for_calls(legs_and_packets: Sequence[tuple[int, int]], captures: Sequence[int]) -> int:
    """Of captures the one with SIP of most legs, then of most packets; without SIP the first."""
    rated = zip(legs_and_packets, captures, strict=True)
    return min(rated, key=lambda each: (-each[0][0], -each[0][1] if each[0][0] else 0, each[1]))[1]


def _course(seen: Overlap, owners: Owners, number: int, at: set[int], reference: int) -> Course:
    rows = np.flatnonzero(owners.of_packet == number)
    flows = np.unique(seen.packets["flow"][rows]).tolist()
    signs = {flow: owners.signs.get(flow, 0) for flow in flows}
    directed = any(signs.values())
    if not directed:
        signs = _signs_from(seen, reference, flows)
    signs = _by_hosts(seen, signs)
    order = _order(seen, signs, at, reference, from_reference=not directed)
    return Course(owners.legs[number], rows, order, reference, signs, directed)


def _signs_from(seen: Overlap, reference: int, flows: list[int]) -> dict[int, int]:
    """Where nobody is the client, the way leads from the reference to the others."""
    others = seen.neighbours[reference]
    signs = dict.fromkeys(flows, 0)
    for flow in flows:
        if seen.flows[flow][0] == reference:
            signs[flow] = next((way for other in others if (way := seen.first_seen(flow, other))), 0)
    for common in seen.common.values():
        for one, other in (each.flows for each in common.joined):
            if one in signs and other in signs:
                signs[one] = signs[one] or signs[other]
                signs[other] = signs[other] or signs[one]
    return signs


def _by_hosts(seen: Overlap, signs: Mapping[int, int]) -> dict[int, int]:
    """The same, and for flows of which it is not known that of others between the same hosts."""
    between: dict[tuple[int, str, str], int] = defaultdict(int)
    for flow, sign in signs.items():
        capture, ends = seen.flows[flow]
        between[capture, ends.src_addr, ends.dst_addr] += sign
        between[capture, ends.dst_addr, ends.src_addr] -= sign
    return {
        flow: sign or int(np.sign(between[capture, ends.src_addr, ends.dst_addr]))
        for flow, sign in signs.items()
        for capture, ends in [seen.flows[flow]]
    }


def _order(
    seen: Overlap, signs: Mapping[int, int], at: set[int], reference: int, *, from_reference: bool
) -> tuple[int, ...]:
    """Captures by which of each two sees first what goes along the way."""
    ahead: dict[int, int] = defaultdict(int)
    for (one, other), common in seen.common.items():
        if one in at and other in at:
            vote = sum(
                signs.get(each.flows[0], 0) * common.ways[each.flows[0]] * len(each.one)
                for each in common.joined
            )
            ahead[one] += int(np.sign(vote))
            ahead[other] -= int(np.sign(vote))
    first = {reference} if from_reference else set()
    return tuple(sorted(at, key=lambda each: (each not in first, -ahead[each], each != reference, each)))


def passages(seen: Overlap, course: Course) -> Iterator[dict[str, Any]]:
    """Rows of ``passages`` for a leg, stretch by stretch along the way."""
    for stretch in stretches(seen, course):
        yield from _row(seen, course, stretch)


def stretches(seen: Overlap, course: Course) -> Iterator[Stretch]:
    """The packets of a leg at each place but the last on their way, by kind and flow."""
    for near, far in zip(course.captures, course.captures[1:], strict=False):
        clocks = [seen.comparison(course.reference, each) for each in (near, far)]
        if all(clocks):
            for sender, receiver, sign in ((near, far, 1), (far, near, -1)):
                yield from _stretches(seen, course, sender, receiver, sign)


def _stretches(seen: Overlap, course: Course, sender: int, receiver: int, sign: int) -> Iterator[Stretch]:
    """What the sender's place shows of the leg that goes to the receiver's, by kind and flow."""
    packets, partner = seen.packets, seen.partners(sender, receiver)
    hosts = _hosts_in_common(seen, sender, receiver)
    rows = course.rows[packets["capture"][course.rows] == sender]
    rows = rows[np.lexsort((packets["time"][rows], packets["flow"][rows], packets["kind"][rows]))]
    starts = starts_of_runs(packets["kind"][rows], packets["flow"][rows])
    for each in np.split(rows, starts[1:]) if len(rows) else ():
        flow = int(packets["flow"][each[0]])
        ends = seen.flows[flow][1]
        along = course.signs[flow] or 1
        if along == sign and frozenset((ends.src_addr, ends.dst_addr)) in hosts:
            yield _that_counts(seen, course, Stretch(sender, receiver, sign, each, partner[each]))


def _hosts_in_common(seen: Overlap, one: int, other: int) -> set[frozenset[str]]:
    """Pairs of hosts, as the one sees them, of whose packets both show some."""
    common = seen.common.get((min(one, other), max(one, other)))
    flows = (each.flows[one > other] for each in common.joined) if common else ()
    return {frozenset((ends.src_addr, ends.dst_addr)) for ends in (seen.flows[flow][1] for flow in flows)}


def _that_counts(seen: Overlap, course: Course, stretch: Stretch) -> Stretch:
    """The packets that the receiver's place shows, or could have shown, as its capture ran."""
    sent, arrived = _times(seen, course, stretch)
    matched = stretch.partner >= 0
    delay = np.median((arrived - sent)[matched]) if matched.any() else 0.0
    first, last = _corrected(seen, course.reference, stretch.receiver, seen.spans[stretch.receiver])
    counted = matched | ((sent + delay >= first) & (sent + delay <= last))
    return replace(stretch, rows=stretch.rows[counted], partner=stretch.partner[counted])


def _times(seen: Overlap, course: Course, stretch: Stretch) -> tuple[Array, Array]:
    """When the packets passed either place, by the reference's clock."""
    times = seen.packets["time"]
    ends = ((stretch.sender, stretch.rows), (stretch.receiver, stretch.partner))
    sent, arrived = (_corrected(seen, course.reference, at, times[rows]) for at, rows in ends)
    return sent, arrived


def _row(seen: Overlap, course: Course, stretch: Stretch) -> Iterator[dict[str, Any]]:
    if not len(stretch.rows):
        return
    times, matched = seen.packets["time"], stretch.partner >= 0
    sent, arrived = _times(seen, course, stretch)
    rows, partner, lost = stretch.rows, stretch.partner[matched], stretch.lost
    delay = np.median((arrived - sent)[matched]) if matched.any() else 0.0
    flow = seen.flows[seen.packets["flow"][rows[0]]][1]
    later = np.maximum.accumulate(times[partner]) if len(partner) else partner
    yield {
        "capture": seen.captures[stretch.sender],
        "frame": int(seen.packets["frame"][rows[0]]),
        "time": int(times[rows[0]]),
        "call": course.leg.call,
        "leg": course.leg.leg,
        "kind": KINDS[seen.packets["kind"][rows[0]]],
        "direction": DIRECTIONS[stretch.sign if course.directed else 0],
        "from_capture": seen.captures[stretch.sender],
        "to_capture": seen.captures[stretch.receiver],
        **_named("from", flow),
        **_named("to", _usual_flow(seen, partner)),
        "sent": len(rows),
        "arrived": len(partner),
        "lost": len(lost),
        "first_lost": int(times[lost].min()) if len(lost) else None,
        "last_lost": int(times[lost].max()) if len(lost) else None,
        # A clock that was set between two packets makes them arrive before they were sent: no delay to tell.
        "delay_ms": delay / NS_PER_MS if len(partner) and delay >= 0 else None,
        "reordered": int(np.count_nonzero(times[partner] < later)),
        "smallest_lost": _size(seen, lost, np.min),
        "largest_arrived": _size(seen, rows[matched], np.max),
    }


def _corrected(seen: Overlap, reference: int, capture: int, time: Array) -> Array:
    comparison = seen.comparison(reference, capture) or Comparison()
    return comparison.corrected(time)


def _size(seen: Overlap, rows: Array, which: Callable[[Array], Any]) -> int | None:
    """The least or greatest of the packets' sizes; that of SIP messages is not known."""
    sizes = seen.packets["size"][rows]
    return int(which(sizes)) if len(sizes) and sizes.all() else None


def _named(place: str, flow: Flow | None) -> dict[str, Any]:
    return {f"{place}_{name}": getattr(flow, name) if flow else None for name in Flow._fields}


def _usual_flow(seen: Overlap, rows: Array) -> Flow | None:
    """The flow of most of these."""
    if not len(rows):
        return None
    flows, counts = np.unique(seen.packets["flow"][rows], return_counts=True)
    return seen.flows[int(flows[np.argmax(counts)])][1]


def clocks(seen: Overlap, course: Course) -> Iterator[dict[str, Any]]:
    """Rows of ``clocks`` for a leg's captures."""
    places = _places(seen, course)
    for position, capture in enumerate(course.captures, 1):
        for row in _clock(seen, course.reference, capture):
            yield row | {"place": places.get(capture), "position": position}


def clocks_by_root(seen: Overlap) -> Iterator[dict[str, Any]]:
    """Rows for all captures by the root's clock, of which nobody says where they stand."""
    for capture in range(len(seen.captures)):
        yield from _clock(seen, seen.root, capture)


def _clock(seen: Overlap, reference: int, capture: int) -> Iterator[dict[str, Any]]:
    comparison = seen.comparison(reference, capture)
    if comparison is not None:
        clocks = comparison.clocks
        first = comparison.first if clocks else _first_matched(seen, reference)
        drift = _sum(each.drift for each in clocks)
        drift_bound = _sum(None if each.drift_bound is None else each.drift_bound**2 for each in clocks)
        bound = _sum(each.bound for each in clocks)
        yield {
            "capture": seen.captures[capture],
            "frame": None if first is None else int(seen.packets["frame"][first]),
            "time": None if first is None else int(seen.packets["time"][first]),
            "reference": seen.captures[reference],
            "offset_ms": sum(each.offset for each in clocks) / NS_PER_MS,
            "drift_ppm": None if drift is None else drift / PPM,
            "matched": comparison.matched if clocks else len(_matched(seen, reference)),
            "residual_ms": max((each.residual or 0.0 for each in clocks), default=0.0) / NS_PER_MS,
            "bound_ms": None if bound is None else bound / NS_PER_MS,
            "certainty": comparison.certainty,
            "drift_bound_ppm": None if drift_bound is None else sqrt(drift_bound) / PPM,
        }


def _sum(values: Iterable[float | None]) -> float | None:
    """Their sum; None where one is not known."""
    terms = list(values)
    return None if None in terms else sum(term for term in terms if term is not None)


def _matched(seen: Overlap, reference: int) -> Array:
    """Rows of the reference whose packets another capture shows."""
    rows = [common.one for pair, common in seen.common.items() if pair[0] == reference]
    rows += [common.other for pair, common in seen.common.items() if pair[1] == reference]
    return np.unique(np.concatenate([np.zeros(0, np.int64), *rows]))


def _first_matched(seen: Overlap, reference: int) -> int | None:
    rows = _matched(seen, reference)
    return int(rows[np.argmin(seen.packets["time"][rows])]) if len(rows) else None


def _places(seen: Overlap, course: Course) -> dict[int, str]:
    """What stands where, as far as NAT tells: the client's own shows its address before NAT."""
    first, last = course.captures[0], course.captures[-1]
    named = dict.fromkeys(course.captures[1:], "wan")
    if course.reference == first or _end_is_inside(seen, course, first, 1):
        named[first] = "server"
    if course.directed and (_end_is_inside(seen, course, last, -1) or not _is_translated(seen, course)):
        named[last] = "client"
    return named


def _ends(seen: Overlap, course: Course, capture: int, sign: int) -> set[str]:
    """The addresses at the server's end (sign 1) or the far end (-1) of the leg's flows at a place."""
    flows = [
        (seen.flows[flow][1], way) for flow, way in course.signs.items() if seen.flows[flow][0] == capture
    ]
    return {flow.src_addr if way == sign else flow.dst_addr for flow, way in flows if way}


def _end_is_inside(seen: Overlap, course: Course, capture: int, sign: int) -> bool:
    return any(addr_class(each) in INSIDE for each in _ends(seen, course, capture, sign))


def _is_translated(seen: Overlap, course: Course) -> bool:
    """An end's address is another at the last place than at the first."""
    first, last = course.captures[0], course.captures[-1]
    return any(not _ends(seen, course, first, sign) & _ends(seen, course, last, sign) for sign in (1, -1))
