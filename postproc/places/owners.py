"""Attribute packets that several captures show: call, leg and direction.

The tables attribute the packets of the capture with the call's SIP. The same packet in another capture
belongs to the same leg, and so does other traffic on the same flow, its reverse, or the next port, which
is RTCP's (RFC 3550, section 11).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
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
ROUNDS = 3  # from the reference to the next place, to the one after it, and back over reverse flows


class Leg(NamedTuple):
    """Call and leg by number, None if there is none."""

    call: int | None
    leg: int | None


class Owners(NamedTuple):
    """Each packet's leg, an index of ``legs``; each flow's sign: 1 to the client, -1 from it, else 0."""

    legs: list[Leg]
    of_packet: Array
    signs: Mapping[int, int]


def owners(overlap: Overlap, tables: Tables) -> Owners:
    """Return the packets' legs, from the tables and from equal packets in several captures."""
    numbers = {
        (overlap.captures[capture], flow): number for number, (capture, flow) in enumerate(overlap.flows)
    }
    legs: dict[Leg, int] = {}
    owner = np.full(len(overlap.packets), UNOWNED)
    for table, kind in MESSAGES.items():
        _by_frame(overlap, _owned(getattr(tables, table), overlap.captures), kind, owner, legs)
    _by_stream(overlap, _owned(tables.rtp_streams, overlap.captures), numbers, owner, legs)
    for _ in range(ROUNDS):
        _by_match(overlap, owner)
        _by_flow(overlap, numbers, owner)
    return Owners(list(legs), owner, _signs(overlap, tables, numbers))


def _owned(rows: pd.DataFrame, captures: list[str]) -> pd.DataFrame:
    """Return the rows of these captures with a call, ``capture`` replaced by its number."""
    owned = rows[rows["call"].notna() & rows["capture"].isin(captures)]
    return owned.assign(capture=owned["capture"].map({name: number for number, name in enumerate(captures)}))


def _numbered(rows: pd.DataFrame, legs: dict[Leg, int]) -> Array:
    """Return the index in ``legs`` of each row's leg, adding new ones."""
    calls, numbers = (rows[name].astype(object).where(rows[name].notna(), None) for name in ("call", "leg"))
    return np.array(
        [legs.setdefault(Leg(*key), len(legs)) for key in zip(calls, numbers, strict=True)], np.int64
    )


def _by_frame(overlap: Overlap, rows: pd.DataFrame, kind: int, owner: Array, legs: dict[Leg, int]) -> None:
    """Attribute messages by their frames."""
    keys = _keys(rows["capture"].to_numpy(np.int64), rows["frame"].to_numpy(np.int64))
    which = np.flatnonzero(overlap.packets["kind"] == kind)
    wanted = _keys(overlap.packets["capture"][which], overlap.packets["frame"][which])
    _look_up(keys, _numbered(rows, legs), owner, which, wanted)


def _by_stream(
    overlap: Overlap,
    rows: pd.DataFrame,
    numbers: Mapping[tuple[str, Flow], int],
    owner: Array,
    legs: dict[Leg, int],
) -> None:
    """Attribute RTP and RTCP by flow and SSRC."""
    ends = zip(rows["capture"], *(rows[name] for name in (*Flow._fields, "ssrc")), strict=True)
    flows_ssrcs = [
        (numbers.get((overlap.captures[at], Flow(*flow)), UNOWNED), ssrc) for at, *flow, ssrc in ends
    ]
    flows, ssrcs = np.array(flows_ssrcs, np.int64).reshape(-1, 2).T
    which = np.flatnonzero(np.isin(overlap.packets["kind"], (RTP, RTCP)))
    wanted = _keys(overlap.packets["flow"][which], overlap.packets["ssrc"][which])
    _look_up(_keys(flows, ssrcs), _numbered(rows, legs), owner, which, wanted)


def _keys(one: Array, other: Array) -> Array:
    keys: Array = one.astype(np.int64) << 40 | other.astype(np.int64)
    return keys


def _look_up(keys: Array, legs: Array, owner: Array, which: Array, wanted: Array) -> None:
    """Attribute the packets ``which`` by their keys ``wanted``."""
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    at = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    owner[which] = np.where(keys[order[at]] == wanted, legs[order[at]], owner[which])


def _by_match(overlap: Overlap, owner: Array) -> None:
    """Attribute equal packets to the same leg."""
    for common in overlap.common.values():
        for known, new in ((common.one, common.other), (common.other, common.one)):
            unknown = (owner[new] == UNOWNED) & (owner[known] != UNOWNED)
            owner[new[unknown]] = owner[known[unknown]]


def _by_flow(overlap: Overlap, numbers: Mapping[tuple[str, Flow], int], owner: Array) -> None:
    """Attribute a flow's packets to its most frequent leg, or its neighbours'; not SIP, shared by calls."""
    flow = overlap.packets["flow"]
    most = np.full(len(overlap.flows), UNOWNED)
    is_owned = owner != UNOWNED
    counts = Counter(zip(flow[is_owned].tolist(), owner[is_owned].tolist(), strict=True))
    for (number, leg), _ in sorted(counts.items(), key=lambda item: item[1]):
        most[number] = leg
    for number, (capture, ends) in enumerate(overlap.flows):
        near = (
            numbers.get((overlap.captures[capture], each), UNOWNED) for each in (ends.reverse, ends.before)
        )
        if most[number] == UNOWNED:
            most[number] = next((most[each] for each in near if each != UNOWNED), UNOWNED)
    new = (owner == UNOWNED) & (overlap.packets["kind"] != SIP)
    owner[new] = most[flow[new]]


def _signs(overlap: Overlap, tables: Tables, numbers: Mapping[tuple[str, Flow], int]) -> dict[int, int]:
    """Return the signs of flows, from the tables' directions of them, their reverse, and equal flows."""
    votes: dict[int, int] = defaultdict(int)
    for rows in (tables.rtp_streams, tables.bindings):
        owned = _owned(rows, overlap.captures)
        owned = owned[owned["direction"].isin(list(SIGNS))]
        for capture, *addresses, direction in owned[["capture", *Flow._fields, "direction"]].itertuples(
            index=False
        ):
            flow, sign = Flow(*addresses), SIGNS[direction]
            for each, way in ((flow, sign), (flow.reverse, -sign)):
                if (number := numbers.get((overlap.captures[capture], each))) is not None:
                    votes[number] += way
    _share(overlap, votes)
    for number, (capture, ends) in enumerate(overlap.flows):
        for near, way in ((ends.reverse, -1), (ends.before, 1), (ends.before.reverse, -1)):
            other = numbers.get((overlap.captures[capture], near))
            if not votes[number] and other is not None:
                votes[number] = way * votes[other]
    _share(overlap, votes)
    return {number: int(np.sign(vote)) for number, vote in votes.items()}


def _share(overlap: Overlap, votes: dict[int, int]) -> None:
    """Give equal flows the same sign at all places."""
    for _ in range(ROUNDS):
        for common in overlap.common.values():
            for one, other in (each.flows for each in common.joined):
                votes[one] = votes[one] or votes[other]
                votes[other] = votes[other] or votes[one]
