"""Whose the packets are that several captures show: call, leg and direction.

The tables say it of the capture that has the call's SIP. What is the same packet elsewhere is of the same
leg; so is what else goes over the same flow, back, or over the next port, where RTCP is (RFC 3550, section
11).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from postproc.model.tables import Tables
from postproc.places.datagrams import DTLS, RTCP, RTP, SIP, STUN, Flow
from postproc.places.overlaps import Overlap
from postproc.read.arrays import Array

UNOWNED = -1
SIGNS = {"server_to_client": 1, "client_to_server": -1}
MESSAGES = {"stun_messages": STUN, "dtls_messages": DTLS, "sip_messages": SIP}
ROUNDS = 3  # from the reference over the place next to it to the one behind, and back over reverse flows


class Leg(NamedTuple):
    """Call and leg by number, None where there is none."""

    call: int | None
    leg: int | None


@dataclass(frozen=True)
class Owners:
    """Each packet's leg, as a place in ``legs``, and each flow's way: 1 to the client, -1 from it, else 0."""

    legs: list[Leg]
    of_packet: Array
    signs: Mapping[int, int]


def owners(seen: Overlap, tables: Tables) -> Owners:
    """Say whose the packets are, by the tables and by what several captures show alike."""
    numbers = {(seen.captures[capture], flow): number for number, (capture, flow) in enumerate(seen.flows)}
    legs: dict[Leg, int] = {}
    owner = np.full(len(seen.packets), UNOWNED)
    for table, kind in MESSAGES.items():
        _by_frame(seen, _owned(getattr(tables, table), seen.captures), kind, owner, legs)
    _by_stream(seen, _owned(tables.rtp_streams, seen.captures), numbers, owner, legs)
    for _ in range(ROUNDS):
        _by_match(seen, owner)
        _by_flow(seen, numbers, owner)
    return Owners(list(legs), owner, _signs(seen, tables, numbers))


def _owned(rows: pd.DataFrame, captures: list[str]) -> pd.DataFrame:
    """Rows of these captures whose call is known, ``capture`` being its number."""
    held = rows[rows["call"].notna() & rows["capture"].isin(captures)]
    return held.assign(capture=held["capture"].map({name: number for number, name in enumerate(captures)}))


def _numbered(rows: pd.DataFrame, legs: dict[Leg, int]) -> Array:
    """The place in ``legs`` of each row's leg; new ones are added."""
    calls, numbers = (rows[name].astype(object).where(rows[name].notna(), None) for name in ("call", "leg"))
    return np.array(
        [legs.setdefault(Leg(*key), len(legs)) for key in zip(calls, numbers, strict=True)], np.int64
    )


def _by_frame(seen: Overlap, rows: pd.DataFrame, kind: int, owner: Array, legs: dict[Leg, int]) -> None:
    """Messages are told by their frames."""
    keys = _keys(rows["capture"].to_numpy(np.int64), rows["frame"].to_numpy(np.int64))
    which = np.flatnonzero(seen.packets["kind"] == kind)
    asked = _keys(seen.packets["capture"][which], seen.packets["frame"][which])
    _look_up(keys, _numbered(rows, legs), owner, which, asked)


def _by_stream(
    seen: Overlap,
    rows: pd.DataFrame,
    numbers: Mapping[tuple[str, Flow], int],
    owner: Array,
    legs: dict[Leg, int],
) -> None:
    """RTP and RTCP are told by flow and SSRC."""
    ends = zip(rows["capture"], *(rows[name] for name in (*Flow._fields, "ssrc")), strict=True)
    found = [(numbers.get((seen.captures[at], Flow(*flow)), UNOWNED), ssrc) for at, *flow, ssrc in ends]
    flows, ssrcs = np.array(found, np.int64).reshape(-1, 2).T
    which = np.flatnonzero(np.isin(seen.packets["kind"], (RTP, RTCP)))
    asked = _keys(seen.packets["flow"][which], seen.packets["ssrc"][which])
    _look_up(_keys(flows, ssrcs), _numbered(rows, legs), owner, which, asked)


def _keys(one: Array, other: Array) -> Array:
    keys: Array = one.astype(np.int64) << 40 | other.astype(np.int64)
    return keys


def _look_up(keys: Array, legs: Array, owner: Array, which: Array, asked: Array) -> None:
    """Give the packets whose key is one of these its leg."""
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    at = np.minimum(np.searchsorted(keys, asked, sorter=order), len(keys) - 1)
    owner[which] = np.where(keys[order[at]] == asked, legs[order[at]], owner[which])


def _by_match(seen: Overlap, owner: Array) -> None:
    """What is the same packet is of the same leg."""
    for common in seen.common.values():
        for known, new in ((common.one, common.other), (common.other, common.one)):
            unknown = (owner[new] == UNOWNED) & (owner[known] != UNOWNED)
            owner[new[unknown]] = owner[known[unknown]]


def _by_flow(seen: Overlap, numbers: Mapping[tuple[str, Flow], int], owner: Array) -> None:
    """What goes over a flow, back or beside it is of the leg that most of it is of; SIP of many calls may."""
    flow = seen.packets["flow"]
    most = np.full(len(seen.flows), UNOWNED)
    kept = owner != UNOWNED
    counts = Counter(zip(flow[kept].tolist(), owner[kept].tolist(), strict=True))
    for (number, leg), _ in sorted(counts.items(), key=lambda item: item[1]):
        most[number] = leg
    for number, (capture, ends) in enumerate(seen.flows):
        near = (numbers.get((seen.captures[capture], each), UNOWNED) for each in (ends.reverse, ends.before))
        if most[number] == UNOWNED:
            most[number] = next((most[each] for each in near if each != UNOWNED), UNOWNED)
    new = (owner == UNOWNED) & (seen.packets["kind"] != SIP)
    owner[new] = most[flow[new]]


def _signs(seen: Overlap, tables: Tables, numbers: Mapping[tuple[str, Flow], int]) -> dict[int, int]:
    """The ways of flows, by what the tables say of them, of their reverse, and of them elsewhere."""
    votes: dict[int, int] = defaultdict(int)
    for rows in (tables.rtp_streams, tables.bindings):
        held = _owned(rows, seen.captures)
        held = held[held["direction"].isin(list(SIGNS))]
        for capture, *addresses, direction in held[["capture", *Flow._fields, "direction"]].itertuples(
            index=False
        ):
            flow, sign = Flow(*addresses), SIGNS[direction]
            for each, way in ((flow, sign), (flow.reverse, -sign)):
                if (number := numbers.get((seen.captures[capture], each))) is not None:
                    votes[number] += way
    _share(seen, votes)
    for number, (capture, ends) in enumerate(seen.flows):
        for near, way in ((ends.reverse, -1), (ends.before, 1), (ends.before.reverse, -1)):
            other = numbers.get((seen.captures[capture], near))
            if not votes[number] and other is not None:
                votes[number] = way * votes[other]
    _share(seen, votes)
    return {number: int(np.sign(vote)) for number, vote in votes.items()}


def _share(seen: Overlap, votes: dict[int, int]) -> None:
    """Flows that are one go the same way at all places."""
    for _ in range(ROUNDS):
        for common in seen.common.values():
            for one, other in (each.flows for each in common.joined):
                votes[one] = votes[one] or votes[other]
                votes[other] = votes[other] or votes[one]
