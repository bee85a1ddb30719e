"""Determine which of two captures a packet passes first.

By delay: packets from the first to the second are late there, packets back are early. That takes both
directions, since one delay cannot be separated from the clocks' difference. If packets of only one
direction match, or delays are too small, NAT decides, with private addresses inside; then TTL, which falls
along the path; and finally losses, since the place nearer to the receiver shows fewer packets.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import comb
from typing import NamedTuple

import numpy as np

from postproc.model.addresses import addr_class
from postproc.places.datagrams import Datagrams, Flow
from postproc.read.arrays import Array

FORTH, UNKNOWN, BACK = 1, 0, -1
INSIDE = ("private", "cgnat")  # classes of addresses that NAT translates
SURE = 4.0  # standard errors of a median by which two delays must differ; by chance one in 10,000 does
MEDIAN_ERROR = 1.86  # standard error of a median by median distance: 1.2533 * 1.4826 (normal distribution)
CHANCE = 1000  # an order of packets that is one in this many is no chance; a choice
ENOUGH = 50  # packets of one direction from which a drift is estimated; with fewer, the estimate does harm
LOST = 3  # packets by which one place must show fewer: an edge of a capture hides one or two


class Joined(NamedTuple):
    """Matching packets of one flow in each of two captures, as rows."""

    flows: tuple[int, int]
    one: Array
    other: Array


def ways(datagrams: Datagrams, joined: list[Joined]) -> dict[int, int]:
    """Return by flow of the first capture FORTH if it saw the packets first, BACK if last, or UNKNOWN."""
    for evidence in (_by_delay, _by_translation, _by_ttl, _by_losses):
        if decided := dict(evidence(datagrams, joined)):
            return _by_hosts(datagrams, joined, decided)
    return {each.flows[0]: UNKNOWN for each in joined}


def _by_hosts(datagrams: Datagrams, joined: list[Joined], decided: Mapping[int, int]) -> dict[int, int]:
    """Return the ways of all flows: a host on the first capture's side for one flow is so for all."""
    near: dict[str, int] = defaultdict(int)
    for number, way in decided.items():
        near[datagrams.flows[number][1].src_addr] += way
        near[datagrams.flows[number][1].dst_addr] -= way

    def of_hosts(flow: Flow) -> int:
        return int(np.sign(near[flow.src_addr] - near[flow.dst_addr]))

    return {
        each.flows[0]: decided.get(each.flows[0], of_hosts(datagrams.flows[each.flows[0]][1]))
        for each in joined
    }


def _by_delay(datagrams: Datagrams, joined: list[Joined]) -> Iterator[tuple[int, int]]:
    """Decide for hosts that send to each other: packets to the second capture are later on its clock."""
    time = datagrams.packets["time"]
    between: dict[tuple[str, str], list[Joined]] = defaultdict(list)
    for each in joined:
        flow = datagrams.flows[each.flows[0]][1]
        between[flow.src_addr, flow.dst_addr].append(each)
    for (src, dst), forth in between.items():
        if src < dst and (dst, src) in between:
            late = _without_drift([_late(time, each) for each in (forth, between[dst, src])])
            middles = [float(np.median(each)) for each in late]
            error = np.hypot(_error(late[0]), _error(late[1]))
            if abs(middles[0] - middles[1]) > SURE * error or _separate(*late):
                first = FORTH if middles[0] > middles[1] else BACK
                yield from ((each.flows[0], first) for each in forth)
                yield from ((each.flows[0], -first) for each in between[dst, src])


def _late(time: Array, joined: list[Joined]) -> tuple[Array, Array]:
    """Return when packets passed the first capture, and how much later the second."""
    sent = time[np.concatenate([each.one for each in joined])]
    arrived = time[np.concatenate([each.other for each in joined])]
    return sent, arrived - sent


def _without_drift(ways: list[tuple[Array, Array]]) -> list[Array]:
    """Return the lateness in both directions without drift, estimated in the one with more packets."""
    since, base = ways[0][0][0], ways[0][1][0]
    lines = [((sent - since).astype(np.float64), (late - base).astype(np.float64)) for sent, late in ways]
    elapsed, late = max(lines, key=lambda line: len(line[0]))
    steady = len(elapsed) < ENOUGH or not np.ptp(elapsed)
    slope = 0.0 if steady else float(np.polyfit(elapsed, late, 1)[0])
    return [late - slope * elapsed for elapsed, late in lines]


def _separate(one: Array, other: Array) -> bool:
    """Return whether all values of one are above all of the other, and too many for that to be chance."""
    lower, upper = (one, other) if one.max() < other.max() else (other, one)
    return bool(lower.max() < upper.min()) and comb(len(one) + len(other), len(one)) > 2 * CHANCE


def _error(late: Array) -> float:
    """Return the median's standard error; infinite for up to LOST packets, which may agree by chance."""
    spread = float(np.median(np.abs(late - np.median(late))))
    return MEDIAN_ERROR * spread / np.sqrt(len(late)) if len(late) > LOST else float("inf")


def _by_translation(datagrams: Datagrams, joined: list[Joined]) -> Iterator[tuple[int, int]]:
    for each in joined:
        one, other = (datagrams.flows[flow][1] for flow in each.flows)
        source = _private(one.src_addr) - _private(other.src_addr)
        destination = _private(other.dst_addr) - _private(one.dst_addr)
        if source + destination:
            yield each.flows[0], FORTH if source + destination > 0 else BACK


def _private(address: str) -> bool:
    return addr_class(address) in INSIDE


def _by_ttl(datagrams: Datagrams, joined: list[Joined]) -> Iterator[tuple[int, int]]:
    ttl = datagrams.packets["ttl"].astype(np.int64)
    for each in joined:
        falls = float(np.median(ttl[each.one] - ttl[each.other]))
        if falls:
            yield each.flows[0], FORTH if falls > 0 else BACK


def _by_losses(datagrams: Datagrams, joined: list[Joined]) -> Iterator[tuple[int, int]]:
    """Yield flows of which one capture shows more packets within the time span of the common ones."""
    time, flow = datagrams.packets["time"], datagrams.packets["flow"]
    for each in joined:
        counts = []
        for number, rows in zip(each.flows, (each.one, each.other), strict=True):
            inside = (flow == number) & (time >= time[rows].min()) & (time <= time[rows].max())
            counts.append(int(np.count_nonzero(inside)))
        if abs(counts[0] - counts[1]) >= LOST:
            yield each.flows[0], FORTH if counts[0] > counts[1] else BACK
