"""What runs through a TURN relay, as it is beyond it: between the relayed address and the peer (RFC 8656).

Between a TURN client and its server the wire shows neither: the answer to Allocate names the address
that the relay gives the client, the candidate it offers; CreatePermission, ChannelBind and every
indication name the peer. With both in the place of the two ends, checks, DTLS and media inside TURN are
tied and judged like any others. Where one of the two was not captured the wire's own address stays:
the other still ties it.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from typing import Any

import pandas as pd

from postproc.correlate.endpoints import Address, Pair, pair_of
from postproc.correlate.rows import records
from postproc.dataclass import dataclass
from postproc.model.columns import FLAG, INTEGER, TEXT, array

ENDS = ("src_addr", "src_port", "dst_addr", "dst_port")
CLIENT_AND_SERVER = ("client_addr", "client_port", "server_addr", "server_port")  # of a DTLS handshake
HINTS, NO_HINT = ("peer_addr", "peer_port", "channel"), (None, None, None)  # of which peer a message is
TYPES = (TEXT, INTEGER, TEXT, INTEGER)


@dataclass(slots=True)
class Allocation:
    """What is known of a TURN client at its server, as one capture shows it.

    ``relayed`` are the addresses it was given, by time; ``channels`` has the peer of each channel.
    ``peers`` counts what was heard of each: a permission is little, an answered check is much.
    """

    client: Address
    relayed: list[tuple[int, Address]] = field(default_factory=list)
    channels: dict[int, Address] = field(default_factory=dict)
    peers: Counter[Address] = field(default_factory=Counter)

    def relayed_at(self, time: int) -> Address | None:
        """Return the address given last by then, else the first one: its Allocate may be older."""
        place = bisect_right(self.relayed, time, key=lambda given: given[0])
        return self.relayed[max(place - 1, 0)][1] if self.relayed else None

    def peer(self, named: Address | None, channel: int | None) -> Address | None:
        """Return the peer named, else the channel's, else the one most was heard of."""
        if named or channel in self.channels:
            return named or self.channels[channel or 0]
        return max(self.peers, key=lambda peer: self.peers[peer], default=None)


Allocations = Mapping[tuple[str, Pair], Allocation]  # by capture and the two ends on the wire


def allocations(stun_messages: pd.DataFrame) -> Allocations:
    """Return what STUN messages say of TURN clients and servers."""
    found: dict[tuple[str, Pair], Allocation] = {}
    ordered = stun_messages.sort_values("time", kind="stable")
    rows = records(ordered, "capture", "time", "method", "kind", "channel", "relayed")
    wires = records(ordered, *ENDS)
    named = records(ordered, "relay_addr", "relay_port", "peer_addr", "peer_port")
    for (capture, time, method, kind, channel, relayed), wire, place in zip(rows, wires, named, strict=True):
        if time is None or None in wire:
            continue
        src, dst = wire[:2], wire[2:]
        relay, peer = (None if None in end else end for end in (place[:2], place[2:]))
        granted = relay if method == "allocate" and kind == "success" else None
        if granted is None and peer is None and not relayed:
            continue
        by_server = granted is not None or method == "data"
        key = capture, pair_of(src, dst)
        known = found.setdefault(key, Allocation(dst if by_server else src))
        if granted is not None:
            known.relayed.append((time, granted))
        if method == "channel_bind" and channel is not None and peer is not None:
            known.channels[channel] = peer
        if spoken := peer or known.channels.get(channel or 0):
            known.peers[spoken] += 100 * (relayed and kind == "success") + 1
    return {key: known for key, known in found.items() if known.relayed or known.peers}


def beyond(
    rows: pd.DataFrame, known: Allocations, time: str = "time", ends: tuple[str, ...] = ENDS
) -> pd.DataFrame:
    """Return ``rows`` with the ends of what is relayed as they are beyond it, and no longer ``relayed``.

    ``ends`` are the columns with address and port of both, ``time`` the one that says when. What runs on
    a flow of which nothing is known stays as it is.
    """
    relayed = rows["relayed"].fillna(value=False).astype(bool)
    if not known or not relayed.any():
        return rows
    through = rows[relayed]
    hints = records(through, *HINTS) if "channel" in rows else iter([NO_HINT] * len(through))
    wires, places = records(through, *ends), records(through, "capture", time)
    moved: dict[int, tuple[Any, ...]] = {}
    for at, wire, (capture, when), hint in zip(through.index, wires, places, hints, strict=True):
        if when is not None and None not in wire:
            there = ends_beyond(known, capture, when, (wire[:2], wire[2:]), hint)
            if there:
                moved[at] = (*there[0], *there[1])
    made = rows.assign(relayed=array((relayed & ~rows.index.isin(list(moved))).tolist(), FLAG))
    for name, dtype, values in zip(ends, TYPES, zip(*moved.values(), strict=True), strict=bool(moved)):
        made.loc[list(moved), name] = array(list(values), dtype)
    return made


def ends_beyond(
    known: Allocations, capture: str, time: int, wire: Pair, hint: tuple[Any, ...] = NO_HINT
) -> Pair | None:
    """Return sender and receiver beyond the relay of what goes from one to the other on the wire."""
    allocation = known.get((capture, pair_of(*wire)))
    if allocation is None:
        return None
    sends = wire[0] == allocation.client
    named = None if None in hint[:2] else (hint[0], hint[1])
    relayed = allocation.relayed_at(time) or allocation.client
    peer = allocation.peer(named, hint[2]) or wire[1 if sends else 0]
    return (relayed, peer) if sends else (peer, relayed)


def once(messages: pd.DataFrame) -> pd.DataFrame:
    """Leave out STUN messages inside TURN whose transaction the same capture shows beyond the relay, too."""
    relayed = messages["relayed"].fillna(value=False).astype(bool)
    if not relayed.any():
        return messages
    plain = {*records(messages[~relayed], "capture", "transaction_id")}
    twice = [key in plain for key in records(messages, "capture", "transaction_id")]
    return messages[~(relayed & pd.Series(twice, index=messages.index))]
