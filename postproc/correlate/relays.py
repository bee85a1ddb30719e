"""Translate traffic through a TURN relay to its ends beyond it: the relayed address and the peer (RFC 8656).

Between a TURN client and its server the packets show neither. The response to Allocate names the relayed
address, which is the candidate the client offers; CreatePermission, ChannelBind and every indication name
the peer. With these two as its ends, traffic inside TURN (checks, DTLS, media) is attributed and judged
like any other. Where one of them was not captured, the address on the wire stays in its place, and the
other one is still enough.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from postproc.correlate.endpoints import Address, Pair, pair_of
from postproc.correlate.rows import column, records
from postproc.model.columns import FLAG, INTEGER, TEXT, array

ENDS = ("src_addr", "src_port", "dst_addr", "dst_port")
CLIENT_AND_SERVER = ("client_addr", "client_port", "server_addr", "server_port")  # of a DTLS handshake
HINTS, NO_HINT = ("peer_addr", "peer_port", "channel"), (None, None, None)  # what names a message's peer
TYPES = (TEXT, INTEGER, TEXT, INTEGER)


@dataclass(slots=True)
class Allocation:
    """The allocation of a TURN client at its server, as one capture shows it.

    ``relayed``: relayed addresses with the time they were allocated. ``channels``: the peer of each
    channel. ``peers``: weighted mentions of each peer; 1 a message, 101 an answered check, so that one
    working path outweighs any usual number of permissions.
    """

    client: Address
    relayed: list[tuple[int, Address]] = field(default_factory=list)
    channels: dict[int, Address] = field(default_factory=dict)
    peers: Counter[Address] = field(default_factory=Counter)

    def relayed_at(self, time: int) -> Address | None:
        """Return the address allocated last by then, else the first one: times of a capture may disagree."""
        place = bisect_right(self.relayed, time, key=lambda entry: entry[0])
        return self.relayed[max(place - 1, 0)][1] if self.relayed else None

    def peer(self, named: Address | None, channel: int | None) -> Address | None:
        """Return the peer named, else the channel's, else the one mentioned most; None without any."""
        if named or channel in self.channels:
            return named or self.channels[channel or 0]
        return max(self.peers, key=lambda peer: self.peers[peer], default=None)


Allocations = Mapping[tuple[str, Pair], Allocation]  # by capture and the two ends on the wire


def allocations(stun_messages: pd.DataFrame) -> Allocations:
    """Return the allocations that STUN messages show."""
    by_flow: dict[tuple[str, Pair], Allocation] = {}
    if not any(map(any, records(stun_messages, "relay_addr", "peer_addr", "relayed"))):
        return by_flow
    rows = records(stun_messages, "capture", "time", "method", "kind", "channel", "relayed", by="time")
    wires = records(stun_messages, *ENDS, by="time")
    named = ("relay_addr", "relay_port", "peer_addr", "peer_port")
    relays_and_peers = records(stun_messages, *named, by="time")
    for (capture, time, method, kind, channel, relayed), wire, place in zip(
        rows, wires, relays_and_peers, strict=True
    ):
        if time is None or None in wire:
            continue
        src, dst = wire[:2], wire[2:]
        relay, peer = (None if None in end else end for end in (place[:2], place[2:]))
        granted = relay if method == "allocate" and kind == "success" else None
        if granted is None and peer is None and not relayed:
            continue
        by_server = granted is not None or method == "data"
        key = capture, pair_of(src, dst)
        allocation = by_flow.setdefault(key, Allocation(dst if by_server else src))
        if granted is not None:
            allocation.relayed.append((time, granted))
        if method == "channel_bind" and channel is not None and peer is not None:
            allocation.channels[channel] = peer
        if mentioned := peer or allocation.channels.get(channel or 0):
            allocation.peers[mentioned] += 100 * (relayed and kind == "success") + 1
    return {key: allocation for key, allocation in by_flow.items() if allocation.relayed or allocation.peers}


def beyond(
    rows: pd.DataFrame, by_flow: Allocations, time: str = "time", ends: tuple[str, ...] = ENDS
) -> pd.DataFrame:
    """Return ``rows`` with relayed traffic between its ends beyond the relay, ``relayed`` then False.

    ``ends`` names the columns of both addresses and ports, ``time`` the column of the time. Rows on a
    flow without a known allocation stay as they are.
    """
    if not by_flow or True not in column(rows["relayed"]):
        return rows
    relayed = rows["relayed"].fillna(value=False).astype(bool)
    through = rows[relayed]
    hints = records(through, *HINTS) if "channel" in rows else iter([NO_HINT] * len(through))
    wires, places = records(through, *ends), records(through, "capture", time)
    moved: dict[int, tuple[Any, ...]] = {}
    for at, wire, (capture, when), hint in zip(through.index, wires, places, hints, strict=True):
        if when is not None and None not in wire:
            ends_there = ends_beyond(by_flow, capture, when, (wire[:2], wire[2:]), hint)
            if ends_there:
                moved[at] = (*ends_there[0], *ends_there[1])
    moved_rows = rows.assign(relayed=array((relayed & ~rows.index.isin(list(moved))).tolist(), FLAG))
    for name, dtype, values in zip(ends, TYPES, zip(*moved.values(), strict=True), strict=bool(moved)):
        moved_rows.loc[list(moved), name] = array(list(values), dtype)
    return moved_rows


def ends_beyond(
    by_flow: Allocations, capture: str, time: int, wire: Pair, hint: tuple[Any, ...] = NO_HINT
) -> Pair | None:
    """Return sender and receiver beyond the relay of a packet between the ends ``wire``; None if unknown."""
    allocation = by_flow.get((capture, pair_of(*wire)))
    if allocation is None:
        return None
    sends = wire[0] == allocation.client
    named_peer = None if None in hint[:2] else (hint[0], hint[1])
    relayed = allocation.relayed_at(time) or allocation.client
    peer = allocation.peer(named_peer, hint[2]) or wire[1 if sends else 0]
    return (relayed, peer) if sends else (peer, relayed)


def once(messages: pd.DataFrame) -> pd.DataFrame:
    """Drop STUN messages inside TURN whose transaction the same capture also shows beyond the relay."""
    relayed = column(messages["relayed"])
    if True not in relayed:
        return messages
    keys = [*records(messages, "capture", "transaction_id")]
    plain = {key for key, inside in zip(keys, relayed, strict=True) if not inside}
    return messages[[not (inside and key in plain) for key, inside in zip(keys, relayed, strict=True)]]


def inside(rows: pd.DataFrame, *names: str, by: str | None = None) -> Iterator[list[Any]]:
    """Yield the ``records`` of the rows inside TURN: usually none."""
    every = records(rows, "relayed", *names, by=by) if True in column(rows["relayed"]) else ()
    return (row for relayed, *row in every if relayed)
