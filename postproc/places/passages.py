"""Compare a leg's packets at each of its places with those at the next.

The places of a leg are ordered along its path, from the server to the far end, and each two neighbours are
compared. Only packets that the second could have captured count: between hosts of which it shows packets,
and, by corrected clocks, while it ran.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, permutations
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from postproc.model.addresses import addr_class
from postproc.model.clocks import NS_PER_MS, PPM
from postproc.places.datagrams import KINDS, Flow
from postproc.places.overlaps import Comparison, Overlap
from postproc.places.owners import UNOWNED, Leg, Owners
from postproc.places.ways import INSIDE
from postproc.read.arrays import Array, starts_of_runs

NONE: Array = np.zeros(0, np.int64)
DIRECTIONS = {1: "server_to_client", -1: "client_to_server", 0: "other"}


class Course(NamedTuple):
    """A leg's captures along its path, server first; ``reference`` is the one whose clock is used."""

    leg: Leg
    rows: Array  # of the leg's packets
    captures: tuple[int, ...]
    reference: int
    signs: Mapping[int, int]  # by flow: 1 along the path, -1 against it
    directed: bool  # whether the client's end is known


class Stretch(NamedTuple):
    """Packets of one flow and kind at one place, with the same packets at the next."""

    sender: int
    receiver: int
    sign: int  # 1 along the course, -1 against it
    rows: Array
    partner: Array  # -1 if the next place lacks it

    @property
    def lost(self) -> Array:
        return self.rows[self.partner < 0]


def courses(overlap: Overlap, owners: Owners, captures: pd.DataFrame, sip: pd.DataFrame) -> list[Course]:
    """Return the courses of all legs with common packets in two captures; a call has one reference."""
    places: dict[int, set[int]] = defaultdict(set)
    for pair, common in overlap.common.items():
        for leg in np.unique(owners.of_packet[common.one]).tolist():
            if leg != UNOWNED:
                places[leg] |= {*pair}
    packets = dict(zip(captures["capture"], captures["packets"], strict=True))
    sip_legs = sip[sip["call"].notna()].groupby(["call", "capture"])["call_id"].nunique().to_dict()
    all_courses = []
    for number, at in sorted(places.items()):
        call = owners.legs[number].call
        of_call = {*at}.union(*(places[other] for other, leg in enumerate(owners.legs) if leg.call == call))
        reference = best_for_calls(
            [
                (sip_legs.get((call, overlap.captures[each]), 0), packets[overlap.captures[each]])
                for each in of_call
            ],
            list(of_call),
        )
        all_courses.append(_course(overlap, owners, number, at, reference))
    return all_courses


def best_for_calls(legs_and_packets: Sequence[tuple[int, int]], captures: Sequence[int]) -> int:
    """Return the capture with SIP of most legs, then with most packets; without SIP the first."""
    rated = zip(legs_and_packets, captures, strict=True)
    return min(rated, key=lambda each: (-each[0][0], -each[0][1] if each[0][0] else 0, each[1]))[1]


def _course(overlap: Overlap, owners: Owners, number: int, at: set[int], reference: int) -> Course:
    rows = np.flatnonzero(owners.of_packet == number)
    flows = np.unique(overlap.packets["flow"][rows]).tolist()
    signs = {flow: owners.signs.get(flow, 0) for flow in flows}
    directed = any(signs.values())
    if not directed:
        signs = _signs_from(overlap, reference, flows)
    signs = shared(overlap, _by_hosts(overlap, signs))
    order = _order(overlap, signs, at, reference, from_reference=not directed)
    return Course(owners.legs[number], rows, order, reference, signs, directed)


def _signs_from(overlap: Overlap, reference: int, flows: list[int]) -> dict[int, int]:
    """Return the flows' signs if the client is unknown: the path leads from the reference to the others."""
    others = overlap.neighbours[reference]
    signs = dict.fromkeys(flows, 0)
    for flow in flows:
        if overlap.flows[flow][0] == reference:
            signs[flow] = next((way for other in others if (way := overlap.first_seen(flow, other))), 0)
    return shared(overlap, signs)


def shared(overlap: Overlap, signs: dict[int, int]) -> dict[int, int]:
    """Return the signs with unknown ones taken from the same flow in other captures."""
    for common in overlap.common.values():
        for one, other in (each.flows for each in common.joined):
            if one in signs and other in signs:
                signs[one] = signs[one] or signs[other]
                signs[other] = signs[other] or signs[one]
    return signs


def _by_hosts(overlap: Overlap, signs: Mapping[int, int]) -> dict[int, int]:
    """Return the signs with unknown ones taken from other flows between the same hosts."""
    between: dict[tuple[int, str, str], int] = defaultdict(int)
    for flow, sign in signs.items():
        capture, ends = overlap.flows[flow]
        between[capture, ends.src_addr, ends.dst_addr] += sign
        between[capture, ends.dst_addr, ends.src_addr] -= sign
    return {
        flow: sign or int(np.sign(between[capture, ends.src_addr, ends.dst_addr]))
        for flow, sign in signs.items()
        for capture, ends in [overlap.flows[flow]]
    }


def _order(
    overlap: Overlap, signs: Mapping[int, int], at: set[int], reference: int, *, from_reference: bool
) -> tuple[int, ...]:
    """Return the captures in the order in which packets along the path pass them."""
    ahead: dict[int, int] = defaultdict(int)
    for (one, other), common in overlap.common.items():
        if one in at and other in at:
            vote = sum(
                signs.get(each.flows[0], 0) * common.ways[each.flows[0]] * len(each.one)
                for each in common.joined
            )
            ahead[one] += int(np.sign(vote))
            ahead[other] -= int(np.sign(vote))
    for one, other in permutations(at, 2):
        if (min(one, other), max(one, other)) not in overlap.common:
            ahead[one] += _sends(overlap, signs, one, other)
    first = {reference} if from_reference else set()
    return tuple(sorted(at, key=lambda each: (each not in first, -ahead[each], each != reference, each)))


def _sends(overlap: Overlap, signs: Mapping[int, int], one: int, other: int) -> int:
    """Return which way goes what a capture shows between hosts of which another shows other packets.

    Nothing gets through, and each shows what its own side sends: 1 on the server's, -1 on the far end's.
    """
    shown, there = _shown(overlap, signs, one), _shown(overlap, signs, other)
    return int(np.sign(sum(shown[hosts] for hosts in shown.keys() & there.keys())))


def _shown(overlap: Overlap, signs: Mapping[int, int], capture: int) -> dict[frozenset[str], int]:
    """Return by pair of hosts the sum of the signs of a capture's flows between them."""
    sums: dict[frozenset[str], int] = defaultdict(int)
    for flow, sign in signs.items():
        at, ends = overlap.flows[flow]
        if at == capture:
            sums[frozenset((ends.src_addr, ends.dst_addr))] += sign
    return sums


def passages(overlap: Overlap, course: Course) -> Iterator[dict[str, Any]]:
    """Yield rows of ``passages`` for a leg, stretch by stretch along the path."""
    for stretch in stretches(overlap, course):
        yield from _row(overlap, course, stretch)


def stretches(overlap: Overlap, course: Course) -> Iterator[Stretch]:
    """Yield a leg's packets at each place and at the next on their way, by kind and flow.

    Media from phone to phone pass no place at the server, though signaling does: between hosts of which the
    places in the middle show nothing, the next place is the one beyond.
    """
    for (start, near), (end, far) in combinations(enumerate(course.captures), 2):
        if all(overlap.comparison(course.reference, each) for each in (near, far)):
            for sender, receiver, sign in ((near, far, 1), (far, near, -1)):
                hosts = _hosts_of(overlap, course, sender, receiver)
                for each in course.captures[start + 1 : end]:
                    hosts -= _hosts_of(overlap, course, sender, each)
                yield from _stretches(overlap, course, Stretch(sender, receiver, sign, NONE, NONE), hosts)


def _stretches(
    overlap: Overlap, course: Course, empty: Stretch, hosts: set[frozenset[str]]
) -> Iterator[Stretch]:
    """Yield the leg's packets between these hosts at the sender's place, by kind and flow."""
    packets, partner = overlap.packets, overlap.partners(empty.sender, empty.receiver)
    rows = course.rows[packets["capture"][course.rows] == empty.sender]
    rows = rows[np.lexsort((packets["time"][rows], packets["flow"][rows], packets["kind"][rows]))]
    starts = starts_of_runs(packets["kind"][rows], packets["flow"][rows])
    for each in np.split(rows, starts[1:]) if len(rows) and hosts else ():
        flow = int(packets["flow"][each[0]])
        ends = overlap.flows[flow][1]
        along = course.signs[flow] or 1
        if along == empty.sign and frozenset((ends.src_addr, ends.dst_addr)) in hosts:
            yield _that_counts(overlap, course, empty._replace(rows=each, partner=partner[each]))


def _hosts_of(overlap: Overlap, course: Course, one: int, other: int) -> set[frozenset[str]]:
    """Return the pairs of hosts, as ``one`` sees them, of which both captures show packets of the leg.

    Where nothing gets through, each shows what its own side sends, and they have no packet in common.
    """
    shown = _shown(overlap, course.signs, one).keys() & _shown(overlap, course.signs, other).keys()
    return _hosts_in_common(overlap, one, other) | shown


def _hosts_in_common(overlap: Overlap, one: int, other: int) -> set[frozenset[str]]:
    """Return the pairs of hosts, as ``one`` sees them, with common packets."""
    common = overlap.common.get((min(one, other), max(one, other)))
    flows = (each.flows[one > other] for each in common.joined) if common else ()
    return {frozenset((ends.src_addr, ends.dst_addr)) for ends in (overlap.flows[flow][1] for flow in flows)}


def _that_counts(overlap: Overlap, course: Course, stretch: Stretch) -> Stretch:
    """Keep the packets that the receiver's place shows, or could have shown because its capture ran."""
    sent, arrived = _times(overlap, course, stretch)
    matched = stretch.partner >= 0
    delay = np.median((arrived - sent)[matched]) if matched.any() else 0.0
    first, last = _corrected(overlap, course.reference, stretch.receiver, overlap.spans[stretch.receiver])
    counted = matched | ((sent + delay >= first) & (sent + delay <= last))
    return stretch._replace(rows=stretch.rows[counted], partner=stretch.partner[counted])


def _times(overlap: Overlap, course: Course, stretch: Stretch) -> tuple[Array, Array]:
    """Return when the packets passed both places, by the reference's clock."""
    times = overlap.packets["time"]
    ends = ((stretch.sender, stretch.rows), (stretch.receiver, stretch.partner))
    sent, arrived = (_corrected(overlap, course.reference, at, times[rows]) for at, rows in ends)
    return sent, arrived


def _row(overlap: Overlap, course: Course, stretch: Stretch) -> Iterator[dict[str, Any]]:
    if not len(stretch.rows):
        return
    times, matched = overlap.packets["time"], stretch.partner >= 0
    sent, arrived = _times(overlap, course, stretch)
    rows, partner, lost = stretch.rows, stretch.partner[matched], stretch.lost
    delay = np.median((arrived - sent)[matched]) if matched.any() else 0.0
    flow = overlap.flows[overlap.packets["flow"][rows[0]]][1]
    later = np.maximum.accumulate(times[partner]) if len(partner) else partner
    yield {
        "capture": overlap.captures[stretch.sender],
        "frame": int(overlap.packets["frame"][rows[0]]),
        "time": int(times[rows[0]]),
        "call": course.leg.call,
        "leg": course.leg.leg,
        "kind": KINDS[overlap.packets["kind"][rows[0]]],
        "direction": DIRECTIONS[stretch.sign if course.directed else 0],
        "from_capture": overlap.captures[stretch.sender],
        "to_capture": overlap.captures[stretch.receiver],
        **_named("from", flow),
        **_named("to", _usual_flow(overlap, partner)),
        "sent": len(rows),
        "arrived": len(partner),
        "lost": len(lost),
        "first_lost": int(times[lost].min()) if len(lost) else None,
        "last_lost": int(times[lost].max()) if len(lost) else None,
        # If a clock was set between two packets, they arrive before they were sent: the delay is unknown.
        "delay_ms": delay / NS_PER_MS if len(partner) and delay >= 0 else None,
        "reordered": int(np.count_nonzero(times[partner] < later)),
        "smallest_lost": _size(overlap, lost, np.min),
        "largest_arrived": _size(overlap, rows[matched], np.max),
    }


def _corrected(overlap: Overlap, reference: int, capture: int, time: Array) -> Array:
    comparison = overlap.comparison(reference, capture) or Comparison()
    return comparison.corrected(time)


def _size(overlap: Overlap, rows: Array, which: Callable[[Array], Any]) -> int | None:
    """Return the least or greatest packet size; None for SIP messages, whose size is unknown."""
    sizes = overlap.packets["size"][rows]
    return int(which(sizes)) if len(sizes) and sizes.all() else None


def _named(place: str, flow: Flow | None) -> dict[str, Any]:
    return {f"{place}_{name}": getattr(flow, name) if flow else None for name in Flow._fields}


def _usual_flow(overlap: Overlap, rows: Array) -> Flow | None:
    """Return the most frequent flow of these packets."""
    if not len(rows):
        return None
    flows, counts = np.unique(overlap.packets["flow"][rows], return_counts=True)
    return overlap.flows[int(flows[np.argmax(counts)])][1]


def clocks(overlap: Overlap, course: Course) -> Iterator[dict[str, Any]]:
    """Yield rows of ``clocks`` for a leg's captures."""
    places = _places(overlap, course)
    for position, capture in enumerate(course.captures, 1):
        for row in _clock(overlap, course.reference, capture):
            yield row | {"place": places.get(capture), "position": position}


def clocks_by_root(overlap: Overlap) -> Iterator[dict[str, Any]]:
    """Yield rows for all captures relative to the root's clock, without place and position."""
    for capture in range(len(overlap.captures)):
        yield from _clock(overlap, overlap.root, capture)


def _clock(overlap: Overlap, reference: int, capture: int) -> Iterator[dict[str, Any]]:
    comparison = overlap.comparison(reference, capture)
    if comparison is not None:
        clocks = comparison.clocks
        first = comparison.first if clocks else _first_matched(overlap, reference)
        drift = _sum(each.drift for each in clocks)
        drift_bound = _sum(None if each.drift_bound is None else each.drift_bound**2 for each in clocks)
        bound = _sum(each.bound for each in clocks)
        yield {
            "capture": overlap.captures[capture],
            "frame": None if first is None else int(overlap.packets["frame"][first]),
            "time": None if first is None else int(overlap.packets["time"][first]),
            "reference": overlap.captures[reference],
            "offset_ms": sum(each.offset for each in clocks) / NS_PER_MS,
            "drift_ppm": None if drift is None else drift / PPM,
            "matched": comparison.matched if clocks else len(_matched(overlap, reference)),
            "residual_ms": max((each.residual or 0.0 for each in clocks), default=0.0) / NS_PER_MS,
            "bound_ms": None if bound is None else bound / NS_PER_MS,
            "certainty": comparison.certainty,
            "drift_bound_ppm": None if drift_bound is None else sqrt(drift_bound) / PPM,
        }


def _sum(values: Iterable[float | None]) -> float | None:
    """Return the sum; None if a value is unknown."""
    terms = list(values)
    return None if None in terms else sum(term for term in terms if term is not None)


def _matched(overlap: Overlap, reference: int) -> Array:
    """Return the reference's rows of packets that another capture shows."""
    rows = [common.one for pair, common in overlap.common.items() if pair[0] == reference]
    rows += [common.other for pair, common in overlap.common.items() if pair[1] == reference]
    return np.unique(np.concatenate([np.zeros(0, np.int64), *rows]))


def _first_matched(overlap: Overlap, reference: int) -> int | None:
    rows = _matched(overlap, reference)
    return int(rows[np.argmin(overlap.packets["time"][rows])]) if len(rows) else None


def _places(overlap: Overlap, course: Course) -> dict[int, str]:
    """Return the place of each capture as far as NAT reveals it: the client's shows its private address."""
    first, last = course.captures[0], course.captures[-1]
    place_of = dict.fromkeys(course.captures[1:], "wan")
    if course.reference == first or _end_is_inside(overlap, course, first, 1):
        place_of[first] = "server"
    if course.directed and (_end_is_inside(overlap, course, last, -1) or not _is_translated(overlap, course)):
        place_of[last] = "client"
    return place_of


def _ends(overlap: Overlap, course: Course, capture: int, sign: int) -> set[str]:
    """Return the addresses at the server's end (sign 1) or the far end (-1) of a leg's flows at a place."""
    flows = [
        (overlap.flows[flow][1], way)
        for flow, way in course.signs.items()
        if overlap.flows[flow][0] == capture
    ]
    return {flow.src_addr if way == sign else flow.dst_addr for flow, way in flows if way}


def _end_is_inside(overlap: Overlap, course: Course, capture: int, sign: int) -> bool:
    return any(addr_class(each) in INSIDE for each in _ends(overlap, course, capture, sign))


def _is_translated(overlap: Overlap, course: Course) -> bool:
    """Return whether an end's address differs between the first and the last place."""
    first, last = course.captures[0], course.captures[-1]
    return any(
        not _ends(overlap, course, first, sign) & _ends(overlap, course, last, sign) for sign in (1, -1)
    )
