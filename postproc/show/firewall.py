"""What a firewall has to allow for a call: the ports of the server and the traffic seen."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import pandas as pd

from postproc.model.filters import DISCARD, LAST_PORT
from postproc.model.tables import Tables
from postproc.show.calls import TO_CLIENT, TO_SERVER
from postproc.show.selection import ENDS, HANDSHAKE_ENDS, Flow, transports

Endpoint = tuple[str, int]
DATAGRAMS = ("udp", "sctp")  # SIP over anything else runs over TCP (RFC 3261, section 18; RFC 7118)


@dataclass(frozen=True, slots=True)
class Event:
    """Packets from one end to another; their kind is check, discovery, keepalive, dtls, media or sip."""

    call: int
    kind: str
    transport: str
    src: Endpoint
    dst: Endpoint
    direction: str
    first: pd.Timestamp
    last: pd.Timestamp
    count: int
    good: int  # answered, or completed
    repeats: int = 0  # of Binding Requests with the same transaction ID


@dataclass
class Traffic:
    """What goes between the server's end and a remote one, by kind as [sent by the server, received]."""

    server: Endpoint
    remote: Endpoint
    transport: str
    first: pd.Timestamp
    last: pd.Timestamp
    relays: bool = False  # the remote end is an address of the client on a TURN server
    repeats: int = 0
    asked: dict[str, list[int]] = field(default_factory=dict)
    answered: dict[str, list[int]] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        way = int(event.src != self.server)
        self.asked.setdefault(event.kind, [0, 0])[way] += event.count
        self.answered.setdefault(event.kind, [0, 0])[way] += event.good
        self.first, self.last = min(self.first, event.first), max(self.last, event.last)
        self.repeats += event.repeats

    @property
    def signals(self) -> bool:
        return set(self.asked) == {"sip"}

    @property
    def discovers(self) -> bool:
        return set(self.asked) == {"discovery"}


class Port(NamedTuple):
    """A candidate of the server: the base address it sends from, and the addresses offered for it."""

    base: Endpoint
    offered: tuple[Endpoint, ...]
    transport: str = "udp"

    @property
    def numbers(self) -> list[int]:
        return sorted({self.base[1], *(port for _, port in self.offered)})


class Hole(NamedTuple):
    """What one call needs: the server's ports, and its traffic, that at these ports first."""

    ports: tuple[Port, ...]
    traffic: tuple[Traffic, ...]


def holes(tables: Tables) -> dict[int, Hole]:
    """Return call -> what a firewall must let through for it."""
    servers, relays = _servers(tables), _relays(tables)
    events: dict[int, list[Event]] = defaultdict(list)
    for event in _events(tables):
        events[event.call].append(event)
    ports = _ports(tables, events)
    return {
        call: Hole(
            tuple(ports.get(call, ())),
            tuple(
                replace(traffic, relays=(call, traffic.remote) in relays)
                for traffic in _traffic_seen(
                    events.get(call, []), servers.get(call, set()), ports.get(call, [])
                )
            ),
        )
        for call in sorted({*ports, *events})
    }


def _events(tables: Tables) -> Iterator[Event]:
    seen = transports(tables)
    bindings = _counted(tables.bindings, ENDS, seen)
    succeeded = (bindings["outcome"] == "success").fillna(False)
    transactions = bindings.assign(
        _good=succeeded.astype("int64"), _count=1, _last=bindings["last_time"].fillna(bindings["time"])
    )
    yield from _rows(transactions, ENDS, "purpose", "direction", ("time", "_last", "_count", "_good"))
    dtls = _counted(tables.dtls, HANDSHAKE_ENDS, seen)
    end = dtls["completed"].fillna(dtls["started"])
    complete = (dtls["state"] == "complete").fillna(False)
    handshakes = dtls.assign(_kind="dtls", _way="other", _count=1, _good=complete.astype("int64"), _last=end)
    yield from _rows(handshakes, HANDSHAKE_ENDS, "_kind", "_way", ("started", "_last", "_count", "_good"))
    streams = _counted(tables.rtp_streams, ENDS, seen).assign(_kind="media")
    yield from _rows(streams, ENDS, "_kind", "direction", ("first_time", "last_time", "packets", "packets"))
    yield from _signalling(tables.sip_messages)


def _counted(table: pd.DataFrame, ends: list[str], seen: Mapping[Flow, Collection[str]]) -> pd.DataFrame:
    """Return the rows that count where they are, with their transport: that of STUN between those ends."""
    rows = table[table["counted_in"].isna()].dropna(subset=ends)
    flows = (
        Flow(*sorted(((one, int(port)), (other, int(other_port)))))
        for one, port, other, other_port in zip(*(rows[name] for name in ends), strict=True)
    )
    return rows.assign(transport=[min(seen.get(flow, ("udp",))) for flow in flows])


def _signalling(messages: pd.DataFrame) -> Iterator[Event]:
    """Yield SIP between two hosts, each way, counted in the first capture that shows it."""
    between = (messages["src_addr"] != messages["dst_addr"]).fillna(
        value=False
    )  # no firewall sees a host's own
    rows = messages[messages["copy_of"].isna() & between].dropna(subset=["call", "time", "transport", *ENDS])
    spans = (
        rows.groupby(["call", *ENDS, "transport", "capture"], sort=False, observed=True)["time"]
        .agg(["min", "max", "count"])
        .reset_index()
        .drop_duplicates(["call", *ENDS])
        .assign(_kind="sip", _way="other", _good=0)
    )
    spans["transport"] = spans["transport"].where(spans["transport"].isin(DATAGRAMS), "tcp")
    yield from _rows(spans, ENDS, "_kind", "_way", ("min", "max", "count", "_good"))


def _rows(
    table: pd.DataFrame,
    ends: list[str],
    kind: str,
    direction: str,
    rest: tuple[str, str, str, str],
) -> Iterator[Event]:
    rows = table.dropna(subset=["call", *ends, kind, *rest])
    columns = [rows[name] for name in ("call", kind, *ends)]
    ways = rows[direction].fillna("other")
    measured = [rows[name] for name in rest]
    requests = rows["requests"].fillna(1) if "requests" in rows else [1] * len(rows)
    for call, event_kind, addr, port, other, other_port, way, first, last, count, good, sent, over in zip(
        *columns, ways, *measured, requests, rows["transport"], strict=True
    ):
        ends_of = (addr, int(port)), (other, int(other_port))
        counts = int(count), int(good), max(int(sent) - 1, 0)
        yield Event(int(call), event_kind, over, *ends_of, way, first, last, *counts)


def _ports(tables: Tables, events: Mapping[int, Sequence[Event]]) -> dict[int, list[Port]]:
    """Return call -> the server's candidates by base address, in the order they were offered."""
    rows = tables.candidates
    rows = rows[(rows["side"] == "server").fillna(False)]
    rows = rows.dropna(subset=["call", "addr", "port", "transport"])
    rows = rows[rows["port"].between(1, LAST_PORT) & (rows["transport"].isin(("udp", "tcp")))]
    bases = _bases(tables)
    by_base: dict[int, dict[tuple[Endpoint, str], dict[Endpoint, None]]] = defaultdict(dict)
    for call, addr, port, transport in zip(
        rows["call"], rows["addr"], rows["port"], rows["transport"], strict=True
    ):
        offered = (addr, int(port))
        if offered[1] == DISCARD and transport == "tcp":  # an active candidate, which nobody connects to
            continue
        base = bases.get(offered) or _sender(offered, events.get(int(call), ()))
        by_base[int(call)].setdefault((base, transport), {})[offered] = None
    return {
        call: [Port(base, tuple(offered), transport) for (base, transport), offered in bases_of.items()]
        for call, bases_of in by_base.items()
    }


def _sender(offered: Endpoint, events: Sequence[Event]) -> Endpoint:
    """Return the server's end that its packets with this port come from, behind a NAT that keeps the port."""
    ends = _server_ends(events)
    behind = {end for end in ends if end[1] == offered[1]}
    return offered if offered in ends or len(behind) != 1 else behind.pop()


def _bases(tables: Tables) -> dict[Endpoint, Endpoint]:
    """Return mapped address -> the base address behind the NAT, from candidates and STUN."""
    mappings = tables.nat_mappings.dropna(subset=["base_addr", "base_port", "mapped_addr", "mapped_port"])
    columns = [mappings[name] for name in ("mapped_addr", "mapped_port", "base_addr", "base_port")]
    return {
        (addr, int(port)): (base, int(base_port))
        for addr, port, base, base_port in zip(*columns, strict=True)
    }


def _relays(tables: Tables) -> set[tuple[int, Endpoint]]:
    """Return the addresses that clients offer of their TURN servers, with the call."""
    rows = tables.candidates
    rows = rows[(rows["type"] == "relay").fillna(False) & (rows["side"] == "client").fillna(False)]
    rows = rows.dropna(subset=["call", "addr", "port"])
    return {
        (int(call), (addr, int(port)))
        for call, addr, port in zip(rows["call"], rows["addr"], rows["port"], strict=True)
    }


def _servers(tables: Tables) -> dict[int, set[str]]:
    """Return call -> addresses of the B2BUA: callee of an inbound leg, caller of an outbound one."""
    servers: dict[int, set[str]] = defaultdict(set)
    for role, column in (("inbound", "uas_addr"), ("outbound", "uac_addr")):
        rows = tables.legs[(tables.legs["role"] == role).fillna(False)].dropna(subset=["call", column])
        for call, addr in zip(rows["call"], rows[column], strict=True):
            servers[int(call)].add(addr)
    return dict(servers)


def _traffic_seen(events: list[Event], servers: set[str], ports: list[Port]) -> list[Traffic]:
    ours = _server_ends(events) | {port.base for port in ports}
    servers = servers | {addr for port in ports for addr, _ in (port.base, *port.offered)}
    by_ends: dict[tuple[Endpoint, Endpoint], Traffic] = {}
    for event in events:
        ends = (event.src, event.dst)
        if not _outward(event, ours, servers) or ends[::-1] in by_ends:
            ends = (event.dst, event.src)
        if ends not in by_ends:
            by_ends[ends] = Traffic(*ends, event.transport, event.first, event.last)
        by_ends[ends].add(event)
    bases = {port.base for port in ports}
    return sorted(
        by_ends.values(),
        key=lambda traffic: (
            traffic.server not in bases,
            traffic.discovers,
            not traffic.signals,
            traffic.first,
        ),
    )


def _server_ends(events: Iterable[Event]) -> set[Endpoint]:
    """Return the server's end of all events whose direction is known."""
    sent = {event.src for event in events if event.direction == TO_CLIENT}
    return sent | {event.dst for event in events if event.direction == TO_SERVER}


def _outward(event: Event, ours: set[Endpoint], servers: set[str]) -> bool:
    """Tell whether the sender is the server's end; if unknown, take the first sender for it."""
    if (event.src in ours) != (event.dst in ours):
        return event.src in ours
    return event.src[0] in servers or event.dst[0] not in servers
