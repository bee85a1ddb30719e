"""What a firewall must let through for a call: ports, addresses, both ends, times.

Pure: tables in, facts out. Of each flow one end is the server's: where checks
or media say so, else where the B2BUA stands in the call's legs.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from postproc.model.filters import LAST_PORT
from postproc.model.tables import Tables
from postproc.show.callfilters import ENDS, HANDSHAKE_ENDS

TO_CLIENT, TO_SERVER = "server_to_client", "client_to_server"
Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Event:
    """Something on the wire: its kind (check, discovery, keepalive, dtls, media) and how often."""

    call: int
    kind: str
    src: Endpoint
    dst: Endpoint
    direction: str
    first: pd.Timestamp
    last: pd.Timestamp
    count: int
    good: int  # answered, or completed


@dataclass
class Traffic:
    """Between the server's end and another; counts are (out of the server, into it)."""

    server: Endpoint
    remote: Endpoint
    first: pd.Timestamp
    last: pd.Timestamp
    asked: dict[str, list[int]] = field(default_factory=dict)
    answered: dict[str, list[int]] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        way = int(event.src != self.server)
        self.asked.setdefault(event.kind, [0, 0])[way] += event.count
        self.answered.setdefault(event.kind, [0, 0])[way] += event.good
        self.first, self.last = min(self.first, event.first), max(self.last, event.last)

    @property
    def discovers(self) -> bool:
        return set(self.asked) == {"discovery"}


@dataclass(frozen=True)
class Port:
    """A candidate of the server: where it sends and receives, and what it offered for that."""

    base: Endpoint
    offered: tuple[Endpoint, ...]

    @property
    def numbers(self) -> list[int]:
        return sorted({self.base[1], *(port for _, port in self.offered)})


@dataclass(frozen=True)
class Hole:
    """All of a call: the server's ports, and its traffic, that at those ports first."""

    ports: tuple[Port, ...]
    traffic: tuple[Traffic, ...]


def holes(tables: Tables) -> dict[int, Hole]:
    """call -> what a firewall must let through for it."""
    ports, servers = _ports(tables), _servers(tables)
    found: dict[int, list[Event]] = defaultdict(list)
    for event in _events(tables):
        found[event.call].append(event)
    return {
        call: Hole(
            tuple(ports.get(call, ())),
            tuple(_traffic(found.get(call, []), servers.get(call, set()), ports.get(call, []))),
        )
        for call in sorted({*ports, *found})
    }


def _events(tables: Tables) -> Iterator[Event]:
    bindings = tables.bindings
    good = (bindings["outcome"] == "success").fillna(False)
    asked = bindings.assign(_good=good.astype("int64"), _count=1, _last=bindings["time"])
    yield from _rows(asked, ENDS, "purpose", "direction", ("time", "_last", "_count", "_good"))
    end = tables.dtls["completed"].fillna(tables.dtls["started"])
    done = (tables.dtls["state"] == "complete").fillna(False)
    shaken = tables.dtls.assign(_kind="dtls", _way="other", _count=1, _good=done.astype("int64"), _last=end)
    yield from _rows(shaken, HANDSHAKE_ENDS, "_kind", "_way", ("started", "_last", "_count", "_good"))
    streams = tables.rtp_streams.assign(_kind="media")
    times = ("first_time", "last_time", "packets", "packets")
    yield from _rows(streams, ENDS, "_kind", "direction", times)


def _rows(
    table: pd.DataFrame, ends: list[str], kind: str, direction: str, rest: tuple[str, str, str, str]
) -> Iterator[Event]:
    known = table.dropna(subset=["call", *ends, kind, *rest])
    columns = [known[name] for name in ("call", kind, *ends)]
    ways = known[direction].fillna("other")
    measured = [known[name] for name in rest]
    for call, what, addr, port, other, other_port, way, first, last, count, good in zip(
        *columns, ways, *measured, strict=True
    ):
        ends_of = (addr, int(port)), (other, int(other_port))
        yield Event(int(call), what, *ends_of, way, first, last, int(count), int(good))


def _ports(tables: Tables) -> dict[int, list[Port]]:
    """call -> the server's candidates by the address they stand for, in the order they were offered."""
    rows = tables.candidates
    rows = rows[(rows["side"] == "server").fillna(False) & (rows["transport"] == "udp").fillna(False)]
    rows = rows.dropna(subset=["call", "addr", "port"])
    rows = rows[rows["port"].between(1, LAST_PORT)]
    bases = _bases(tables)
    found: dict[int, dict[Endpoint, dict[Endpoint, None]]] = defaultdict(dict)
    for call, addr, port in zip(rows["call"], rows["addr"], rows["port"], strict=True):
        offered = (addr, int(port))
        found[int(call)].setdefault(bases.get(offered, offered), {})[offered] = None
    return {
        call: [Port(base, tuple(offered)) for base, offered in bases_of.items()]
        for call, bases_of in found.items()
    }


def _bases(tables: Tables) -> dict[Endpoint, Endpoint]:
    """Address seen outside -> the address behind the NAT, as candidates and STUN tell."""
    known = tables.nat_mappings.dropna(subset=["base_addr", "base_port", "mapped_addr", "mapped_port"])
    columns = [known[name] for name in ("mapped_addr", "mapped_port", "base_addr", "base_port")]
    return {(addr, int(port)): (base, int(own)) for addr, port, base, own in zip(*columns, strict=True)}


def _servers(tables: Tables) -> dict[int, set[str]]:
    """call -> addresses of the B2BUA: callee of an inbound leg, caller of an outbound one."""
    found: dict[int, set[str]] = defaultdict(set)
    for role, column in (("inbound", "uas_addr"), ("outbound", "uac_addr")):
        rows = tables.legs[(tables.legs["role"] == role).fillna(False)].dropna(subset=["call", column])
        for call, addr in zip(rows["call"], rows[column], strict=True):
            found[int(call)].add(addr)
    return dict(found)


def _traffic(events: list[Event], servers: set[str], ports: list[Port]) -> list[Traffic]:
    ours = _server_ends(events) | {port.base for port in ports}
    found: dict[tuple[Endpoint, Endpoint], Traffic] = {}
    for event in events:
        ends = (event.src, event.dst)
        if not _outward(event, ours, servers) or ends[::-1] in found:
            ends = (event.dst, event.src)
        if ends not in found:
            found[ends] = Traffic(*ends, event.first, event.last)
        found[ends].add(event)
    bases = {port.base for port in ports}
    return sorted(found.values(), key=lambda each: (each.server not in bases, each.discovers, each.first))


def _server_ends(events: list[Event]) -> set[Endpoint]:
    """The server's end of all that is known to go from it or to it."""
    sent = {event.src for event in events if event.direction == TO_CLIENT}
    return sent | {event.dst for event in events if event.direction == TO_SERVER}


def _outward(event: Event, ours: set[Endpoint], servers: set[str]) -> bool:
    """Whether the sender is the server's end; where nobody knows, the first sender counts as it."""
    if (event.src in ours) != (event.dst in ours):
        return event.src in ours
    return event.src[0] in servers or event.dst[0] not in servers
