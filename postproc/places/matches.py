"""Match packets of several captures, and join the flows that NAT made of one.

Packets match by content. Flows are joined when enough of their packets match: one STUN message, DTLS record
or SIP message is enough, since their random numbers never coincide. For RTP several packets must match with
their payload, since a B2BUA may forward SSRC, sequence number and timestamp to its other leg under another
key. If it forwards the payload too, a capture shows each packet twice; then the flow counts that has an end
in common, or that SDP assigns to the same Call-ID.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from postproc.model.tables import Tables
from postproc.places.copies import Pairs, paired_by_time
from postproc.places.datagrams import DTLS, RTP, SIP, STUN, Datagrams
from postproc.read.arrays import Array, lengths, starts_of_runs
from postproc.read.packets import MIX, mixed

# RTP packets that must match, and the share of them with equal first payload bytes. Senders that start SSRC,
# sequence number and timestamp from fixed values coincide in many packets, but not in payload; nor do a
# B2BUA's two SRTP legs. With fewer, silence matches silence; with more, a stream mostly lost does not.
FEWEST_RTP, SAME_PAYLOAD = 10, 0.5
MOST_PLACES = 32  # flows that show a packet; with more, its key is not unique
# ns within which all packets of two captures agree if they are of one point: a file extracted from another,
# perhaps with times in microseconds only. Two interfaces rarely show a packet in the same microsecond.
SAME_POINT = 1_000
HALF = 0.5
PROVING = (STUN, DTLS, SIP)


class Matches(NamedTuple):
    """Equal packets of joined flows, as rows of ``packets``: in one capture, and in a later one.

    ``once`` flags those whose content is unique in both flows. ``joined`` are the pairs of flows.
    """

    one: Array
    other: Array
    once: Array
    joined: frozenset[tuple[int, int]]


class _Candidate(NamedTuple):
    """Two flows of different captures, and the places of their matching packets."""

    flows: tuple[int, int]
    at: Array
    proven: bool
    likeness: int


def matches(datagrams: Datagrams, events: Tables) -> Matches:
    """Match the packets of different captures by content, and join flows by them."""
    packets = datagrams.packets
    content, repeated = _contents(packets)
    one, other = _pairs(packets["capture"], content)
    once = ~(repeated[one] | repeated[other])
    candidates = list(_candidates(datagrams, one, other, _call_ids(datagrams, events)))
    chosen = _chosen(datagrams, one, other, candidates)
    pairs = [Pairs(*(np.zeros(0, dtype) for dtype in (np.int64, np.int64, bool)))]
    joined: set[tuple[int, int]] = set()
    for flows, at in _of_different_points(packets, one, other, chosen):
        joined |= flows
        pairs.append(paired_by_time(packets, Pairs(one[at], other[at], once[at]), flows))
    return Matches(
        np.concatenate([each.one for each in pairs]),
        np.concatenate([each.other for each in pairs]),
        np.concatenate([each.once for each in pairs]),
        frozenset(joined),
    )


def _contents(packets: Array) -> tuple[Array, Array]:
    """Return a hash per packet of key and occurrence on its flow; and which packets are not unique."""
    order = np.lexsort((packets["time"], packets["key"], packets["flow"]))
    starts = starts_of_runs(packets["flow"][order], packets["key"][order])
    size = lengths(starts, len(order))
    place = np.arange(len(order)) - np.repeat(starts, size)
    content, repeated = np.empty(len(order), np.uint64), np.empty(len(order), bool)
    content[order] = mixed(packets["key"][order] + place.astype(np.uint64) * MIX[2])
    repeated[order] = np.repeat(size > 1, size)
    return content, repeated


def _pairs(capture: Array, content: Array) -> tuple[Array, Array]:
    """Return the pairs of rows with equal content in two captures."""
    order = np.lexsort((capture, content))
    starts = starts_of_runs(content[order])
    size = lengths(starts, len(order))
    order = order[np.repeat((size > 1) & (size <= MOST_PLACES), size)]
    ones, others = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for apart in range(1, min(MOST_PLACES, len(order))):
        one, other = order[:-apart], order[apart:]
        same = content[one] == content[other]
        if not same.any():
            break
        same &= capture[one] != capture[other]
        ones.append(one[same])
        others.append(other[same])
    return np.concatenate(ones), np.concatenate(others)


def _candidates(
    datagrams: Datagrams, one: Array, other: Array, call_ids: dict[int, set[str]]
) -> Iterator[_Candidate]:
    """Yield the pairs of flows that may be one."""
    packets = datagrams.packets
    flows = packets["flow"][one], packets["flow"][other]
    order = np.lexsort((np.arange(len(one)), flows[1], flows[0]))
    starts = starts_of_runs(flows[0][order], flows[1][order])
    for at in np.split(order, starts[1:]) if len(order) else ():
        pair = int(flows[0][at[0]]), int(flows[1][at[0]])
        kinds = packets["kind"][one[at]]
        proven = bool(np.isin(kinds, PROVING).any())
        if not proven and not _same_media(packets, one[at], other[at], kinds == RTP):
            continue
        ids = [call_ids[flow] for flow in pair]
        if not all(ids) or ids[0] & ids[1] or SIP in kinds:
            yield _Candidate(pair, at, proven, _likeness(datagrams, pair))


def _same_media(packets: Array, one: Array, other: Array, rtp: Array) -> bool:
    """Return whether enough RTP has the same payload; of RTCP, whose reports all differ, one is enough."""
    if not rtp.any():
        return True
    first, second = packets["payload"][one[rtp]], packets["payload"][other[rtp]]
    captured = (first != 0) & (second != 0)
    same = (first == second)[captured]
    return len(first) >= FEWEST_RTP and (not len(same) or same.mean() >= SAME_PAYLOAD)


def _likeness(datagrams: Datagrams, pair: tuple[int, int]) -> int:
    """Score the ends and ports that two flows have in common."""
    one, other = (datagrams.flows[flow][1] for flow in pair)
    ends = (one[:2] == other[:2]) + (one[2:] == other[2:])
    return 2 * ends + (one.src_port == other.src_port) + (one.dst_port == other.dst_port)


def _chosen(datagrams: Datagrams, one: Array, other: Array, candidates: list[_Candidate]) -> list[_Candidate]:
    """Return the best candidates: those whose packets no better one has matched with the same capture."""
    matched: dict[tuple[int, int], list[Array]] = defaultdict(
        list
    )  # by flow and the other's capture: packets
    chosen = []
    for each in sorted(candidates, key=lambda each: (not each.proven, -each.likeness, -len(each.at))):
        (flow, far), (ours, theirs) = each.flows, (one[each.at], other[each.at])
        sides = [((flow, datagrams.flows[far][0]), ours), ((far, datagrams.flows[flow][0]), theirs)]
        if all(
            np.isin(rows, np.concatenate([*matched[key], rows[:0]])).mean() <= HALF for key, rows in sides
        ):
            chosen.append(each)
            for key, rows in sides:
                matched[key].append(rows)
    return chosen


def _of_different_points(
    packets: Array, one: Array, other: Array, candidates: list[_Candidate]
) -> Iterator[tuple[set[tuple[int, int]], Array]]:
    """Yield by pair of captures the joined flows and their pairs of packets.

    Captures with all packets at the same time are left out: one was extracted from the other.
    """
    by_captures = defaultdict(list)
    for each in candidates:
        first = each.at[0]
        by_captures[packets["capture"][one[first]], packets["capture"][other[first]]].append(each)
    for group in by_captures.values():
        at = np.sort(np.concatenate([each.at for each in group]))
        apart = packets["time"][other[at]] - packets["time"][one[at]]
        if np.abs(apart).max() > SAME_POINT:
            yield {each.flows for each in group}, at


def _call_ids(datagrams: Datagrams, events: Tables) -> dict[int, set[str]]:
    """Return by flow the Call-IDs whose SDP names one of its ends in the same capture."""
    by_address: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for table, addr in ((events.sdp_media, "connection_addr"), (events.candidates, "addr")):
        rows = table.loc[
            table["capture"].isin(datagrams.captures), ["capture", addr, "port", "call_id"]
        ].dropna()
        for capture, address, port, call_id in rows.itertuples(index=False):
            by_address[capture, address, port].add(call_id)
    empty: set[str] = set()
    return {
        number: by_address.get((datagrams.captures[capture], flow.src_addr, flow.src_port), empty)
        | by_address.get((datagrams.captures[capture], flow.dst_addr, flow.dst_port), empty)
        for number, (capture, flow) in enumerate(datagrams.flows)
    }
