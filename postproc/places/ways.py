"""Which of two captures a packet passes first.

Delays tell: what goes from the one to the other arrives late there, what comes back early. It takes both
ways, as one delay is never told from the clocks' difference. Where packets of one way only match, or the
delays are too small, NAT tells: private addresses are inside. Then TTL, which falls along the way, and at
last losses: what a place nearer to the receiver shows is less.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import comb

import numpy as np

from postproc.model.addresses import addr_class
from postproc.places.datagrams import Datagrams, Flow
from postproc.read.arrays import Array

FORTH, UNKNOWN, BACK = 1, 0, -1
INSIDE = ("private", "cgnat")  # classes of addresses that NAT translates
SURE = 4.0  # standard errors of a median by which two delays must differ, so that chance orders one in 10,000
MEDIAN_ERROR = 1.86  # standard error of a median by median distance: 1.2533 * 1.4826 (normal distribution)
CHANCE = 1000  # one in so many orders of packets is taken for none of chance
ENOUGH = 50  # packets of one way that tell a drift: fewer tell less than they spoil
LOST = 3  # packets by which one place must show fewer: an edge of a capture hides one or two


@dataclass(frozen=True)
class Joined:
    """Matched packets of two captures that are of one flow at each: rows of the one's, and of the other's."""

    flows: tuple[int, int]
    one: Array
    other: Array


def ways(found: Datagrams, joined: list[Joined]) -> dict[int, int]:
    """By the one's flow: FORTH if it saw the packets first, BACK if last, UNKNOWN if nothing tells."""
    for tells in (_by_delay, _by_translation, _by_ttl, _by_losses):
        if known := dict(tells(found, joined)):
            return _by_hosts(found, joined, known)
    return {each.flows[0]: UNKNOWN for each in joined}


def _by_hosts(found: Datagrams, joined: list[Joined], known: Mapping[int, int]) -> dict[int, int]:
    """The ways of all flows: a host that sends one forth stands on the one's side for the others, too."""
    near: dict[str, int] = defaultdict(int)
    for number, way in known.items():
        near[found.flows[number][1].src_addr] += way
        near[found.flows[number][1].dst_addr] -= way

    def of_hosts(flow: Flow) -> int:
        return int(np.sign(near[flow.src_addr] - near[flow.dst_addr]))

    return {
        each.flows[0]: known.get(each.flows[0], of_hosts(found.flows[each.flows[0]][1])) for each in joined
    }


def _by_delay(found: Datagrams, joined: list[Joined]) -> Iterator[tuple[int, int]]:
    """Of each two hosts that send to each other: later on the other's clock is what goes to it."""
    time = found.packets["time"]
    between: dict[tuple[str, str], list[Joined]] = defaultdict(list)
    for each in joined:
        flow = found.flows[each.flows[0]][1]
        between[flow.src_addr, flow.dst_addr].append(each)
    for (src, dst), held in between.items():
        if src < dst and (dst, src) in between:
            late = _without_drift([_late(time, each) for each in (held, between[dst, src])])
            middles = [float(np.median(each)) for each in late]
            error = np.hypot(_error(late[0]), _error(late[1]))
            if abs(middles[0] - middles[1]) > SURE * error or _separate(*late):
                first = FORTH if middles[0] > middles[1] else BACK
                yield from ((each.flows[0], first) for each in held)
                yield from ((each.flows[0], -first) for each in between[dst, src])


def _late(time: Array, joined: list[Joined]) -> tuple[Array, Array]:
    """When packets passed the one, and how much later they passed the other."""
    sent = time[np.concatenate([each.one for each in joined])]
    arrived = time[np.concatenate([each.other for each in joined])]
    return sent, arrived - sent


def _without_drift(ways: list[tuple[Array, Array]]) -> list[Array]:
    """How late packets are either way, without what the way with more packets shows to grow with time."""
    since, base = ways[0][0][0], ways[0][1][0]
    lines = [((sent - since).astype(np.float64), (late - base).astype(np.float64)) for sent, late in ways]
    elapsed, late = max(lines, key=lambda line: len(line[0]))
    steady = len(elapsed) < ENOUGH or not np.ptp(elapsed)
    slope = 0.0 if steady else float(np.polyfit(elapsed, late, 1)[0])
    return [late - slope * elapsed for elapsed, late in lines]


def _separate(one: Array, other: Array) -> bool:
    """Whether all of the one are later than all of the other, and so many that this is no chance."""
    lower, upper = (one, other) if one.max() < other.max() else (other, one)
    return bool(lower.max() < upper.min()) and comb(len(one) + len(other), len(one)) > 2 * CHANCE


def _error(late: Array) -> float:
    """What the median may be wrong by; two or three packets may be near each other by chance."""
    spread = float(np.median(np.abs(late - np.median(late))))
    return MEDIAN_ERROR * spread / np.sqrt(len(late)) if len(late) > LOST else float("inf")


def _by_translation(found: Datagrams, joined: list[Joined]) -> Iterator[tuple[int, int]]:
    for each in joined:
        one, other = (found.flows[flow][1] for flow in each.flows)
        source = _private(one.src_addr) - _private(other.src_addr)
        destination = _private(other.dst_addr) - _private(one.dst_addr)
        if source + destination:
            yield each.flows[0], FORTH if source + destination > 0 else BACK


def _private(address: str) -> bool:
    return addr_class(address) in INSIDE


def _by_ttl(found: Datagrams, joined: list[Joined]) -> Iterator[tuple[int, int]]:
    ttl = found.packets["ttl"].astype(np.int64)
    for each in joined:
        falls = float(np.median(ttl[each.one] - ttl[each.other]))
        if falls:
            yield each.flows[0], FORTH if falls > 0 else BACK


def _by_losses(found: Datagrams, joined: list[Joined]) -> Iterator[tuple[int, int]]:
    """Flows of which one capture shows more between the first and the last packet that both show."""
    time, flow = found.packets["time"], found.packets["flow"]
    for each in joined:
        counts = []
        for number, rows in zip(each.flows, (each.one, each.other), strict=True):
            inside = (flow == number) & (time >= time[rows].min()) & (time <= time[rows].max())
            counts.append(int(np.count_nonzero(inside)))
        if abs(counts[0] - counts[1]) >= LOST:
            yield each.flows[0], FORTH if counts[0] > counts[1] else BACK
