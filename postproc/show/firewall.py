"""What a firewall has to allow for a call: the ports and traffic seen, and the handout for its administrator.

Pure: tables in, lines out. Of what captures contain, only addresses, numbers and quoted values appear.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from postproc.model import filters
from postproc.model.addresses import endpoint
from postproc.model.filters import LAST_PORT
from postproc.model.tables import Tables
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import CALL_NUMBER
from postproc.show.calls import TO_CLIENT, TO_SERVER, Line
from postproc.show.selection import ENDS, HANDSHAKE_ENDS

Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Event:
    """Packets from one end to another: their kind (check, discovery, keepalive, dtls, media) and number."""

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
    """UDP between the server's end and a remote one, counted by kind as [sent by the server, received]."""

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
    """A candidate of the server: the base address it sends from, and the addresses offered for it."""

    base: Endpoint
    offered: tuple[Endpoint, ...]

    @property
    def numbers(self) -> list[int]:
        return sorted({self.base[1], *(port for _, port in self.offered)})


@dataclass(frozen=True)
class Hole:
    """What one call needs: the server's ports, and its traffic, that at these ports first."""

    ports: tuple[Port, ...]
    traffic: tuple[Traffic, ...]


def holes(tables: Tables) -> dict[int, Hole]:
    """Return call -> what a firewall must let through for it."""
    ports, servers = _ports(tables), _servers(tables)
    events: dict[int, list[Event]] = defaultdict(list)
    for event in _events(tables):
        events[event.call].append(event)
    return {
        call: Hole(
            tuple(ports.get(call, ())),
            tuple(_traffic_seen(events.get(call, []), servers.get(call, set()), ports.get(call, []))),
        )
        for call in sorted({*ports, *events})
    }


def _events(tables: Tables) -> Iterator[Event]:
    bindings = tables.bindings
    succeeded = (bindings["outcome"] == "success").fillna(False)
    transactions = bindings.assign(_good=succeeded.astype("int64"), _count=1, _last=bindings["time"])
    yield from _rows(transactions, ENDS, "purpose", "direction", ("time", "_last", "_count", "_good"))
    end = tables.dtls["completed"].fillna(tables.dtls["started"])
    complete = (tables.dtls["state"] == "complete").fillna(False)
    handshakes = tables.dtls.assign(
        _kind="dtls", _way="other", _count=1, _good=complete.astype("int64"), _last=end
    )
    yield from _rows(handshakes, HANDSHAKE_ENDS, "_kind", "_way", ("started", "_last", "_count", "_good"))
    streams = tables.rtp_streams.assign(_kind="media")
    times = ("first_time", "last_time", "packets", "packets")
    yield from _rows(streams, ENDS, "_kind", "direction", times)


def _rows(
    table: pd.DataFrame, ends: list[str], kind: str, direction: str, rest: tuple[str, str, str, str]
) -> Iterator[Event]:
    rows = table.dropna(subset=["call", *ends, kind, *rest])
    columns = [rows[name] for name in ("call", kind, *ends)]
    ways = rows[direction].fillna("other")
    measured = [rows[name] for name in rest]
    for call, event_kind, addr, port, other, other_port, way, first, last, count, good in zip(
        *columns, ways, *measured, strict=True
    ):
        ends_of = (addr, int(port)), (other, int(other_port))
        yield Event(int(call), event_kind, *ends_of, way, first, last, int(count), int(good))


def _ports(tables: Tables) -> dict[int, list[Port]]:
    """Return call -> the server's candidates by base address, in the order they were offered."""
    rows = tables.candidates
    rows = rows[(rows["side"] == "server").fillna(False) & (rows["transport"] == "udp").fillna(False)]
    rows = rows.dropna(subset=["call", "addr", "port"])
    rows = rows[rows["port"].between(1, LAST_PORT)]
    bases = _bases(tables)
    by_base: dict[int, dict[Endpoint, dict[Endpoint, None]]] = defaultdict(dict)
    for call, addr, port in zip(rows["call"], rows["addr"], rows["port"], strict=True):
        offered = (addr, int(port))
        by_base[int(call)].setdefault(bases.get(offered, offered), {})[offered] = None
    return {
        call: [Port(base, tuple(offered)) for base, offered in bases_of.items()]
        for call, bases_of in by_base.items()
    }


def _bases(tables: Tables) -> dict[Endpoint, Endpoint]:
    """Return mapped address -> the base address behind the NAT, from candidates and STUN."""
    mappings = tables.nat_mappings.dropna(subset=["base_addr", "base_port", "mapped_addr", "mapped_port"])
    columns = [mappings[name] for name in ("mapped_addr", "mapped_port", "base_addr", "base_port")]
    return {
        (addr, int(port)): (base, int(base_port))
        for addr, port, base, base_port in zip(*columns, strict=True)
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
    by_ends: dict[tuple[Endpoint, Endpoint], Traffic] = {}
    for event in events:
        ends = (event.src, event.dst)
        if not _outward(event, ours, servers) or ends[::-1] in by_ends:
            ends = (event.dst, event.src)
        if ends not in by_ends:
            by_ends[ends] = Traffic(*ends, event.first, event.last)
        by_ends[ends].add(event)
    bases = {port.base for port in ports}
    return sorted(
        by_ends.values(), key=lambda traffic: (traffic.server not in bases, traffic.discovers, traffic.first)
    )


def _server_ends(events: list[Event]) -> set[Endpoint]:
    """Return the server's end of all events whose direction is known."""
    sent = {event.src for event in events if event.direction == TO_CLIENT}
    return sent | {event.dst for event in events if event.direction == TO_SERVER}


def _outward(event: Event, ours: set[Endpoint], servers: set[str]) -> bool:
    """Tell whether the sender is the server's end; if unknown, take the first sender for it."""
    if (event.src in ours) != (event.dst in ours):
        return event.src in ours
    return event.src[0] in servers or event.dst[0] not in servers


NO_CALLS = Text("no calls in this capture", "keine Anrufe in diesem Mitschnitt")
FILTER = Text("Display filter", "Anzeigefilter")
WITH_PLUGIN = Text("With the plug-in", "Mit dem Plug-in")
NOTHING = Text("(nothing of it is in the capture)", "(nichts davon ist im Mitschnitt)")
FIREWALL = Text("For the firewall (times in UTC)", "Für die Firewall (Zeiten in UTC)")
NO_TRAFFIC = Text("No STUN, DTLS or media seen.", "Weder STUN noch DTLS noch Sprachdaten gesehen.")
SERVER_PORT = Text(
    "UDP port of the server's candidate: {port}", "UDP-Port des Kandidaten des Servers: {port}"
)
OFFERED_AS = Text(" ({base}, offered as {offered})", " ({base}, angeboten als {offered})")
NO_PORT = Text(
    "The server offered no candidate in this capture.",
    "Der Server hat in diesem Mitschnitt keinen Kandidaten angeboten.",
)
BOTH_WAYS = Text(
    "Allow UDP between {server} and {remote}, both ways, whoever begins.",
    "UDP zwischen {server} und {remote} in beiden Richtungen erlauben, gleich wer beginnt.",
)
LOOK_UP = Text(
    "Allow UDP from {server} to the STUN server {remote}, and its answers.",
    "UDP von {server} zum STUN-Server {remote} und dessen Antworten erlauben.",
)
SEEN_AS = Text(
    "Outside, NAT must keep {base} reachable as {offered}.",
    "NAT muss {base} von außen als {offered} erreichbar halten.",
)
CHECKS = Text(
    "checks {out}/{into} sent/received, {good} answered",
    "Checks {out}/{into} gesendet/empfangen, {good} beantwortet",
)
KEEPALIVES = Text(
    "keepalives {out}/{into} sent/received, {good} answered",
    "Keepalives {out}/{into} gesendet/empfangen, {good} beantwortet",
)
LOOK_UPS = Text("STUN look-ups {all}, {good} answered", "STUN-Abfragen {all}, {good} beantwortet")
HANDSHAKES = Text("DTLS handshakes {all}, {good} complete", "DTLS-Handshakes {all}, {good} vollständig")
MEDIA = Text("media packets {out}/{into} sent/received", "Medienpakete {out}/{into} gesendet/empfangen")
KINDS = {
    "check": CHECKS,
    "keepalive": KEEPALIVES,
    "discovery": LOOK_UPS,
    "dtls": HANDSHAKES,
    "media": MEDIA,
}
INDENT = "  "


def handout(
    line: Line, display_filter: str, hole: Hole | None, lang: Lang, *, of_several: bool = False
) -> Iterator[str]:
    """Yield a call's heading, its filters, then what to allow, the port of the server's candidate first.

    The plug-in numbers the calls of the open capture alone, so ``of_several`` leaves its filter out: in a run
    of several captures the numbers differ.
    """
    yield _heading(line, lang)
    yield f"{FILTER.of(lang)}:"
    yield INDENT + (display_filter or NOTHING.of(lang))
    if not of_several:
        yield f"{WITH_PLUGIN.of(lang)}:"
        yield f"{INDENT}legs.call == {line.call}"
    yield f"{FIREWALL.of(lang)}:"
    if hole is None:
        yield INDENT + NO_TRAFFIC.of(lang)
        return
    if not hole.ports:
        yield INDENT + NO_PORT.of(lang)
    for port in hole.ports:
        yield from _port(port, lang)
    for traffic in hole.traffic:
        yield from _traffic(traffic, lang)


def _heading(line: Line, lang: Lang) -> str:
    """Return a line like ``call 1  721 -> 0891  2026-11-22 22:38:49 UTC``."""
    parties = f"{line.from_user or '?'} -> {line.to_user or '?'}"
    start = f"{line.start:%Y-%m-%d %H:%M:%S} UTC" if line.start is not None else ""
    return "  ".join(filter(None, (CALL_NUMBER.of(lang, call=line.call), parties, start)))


def _port(port: Port, lang: Lang) -> Iterator[str]:
    others = [endpoint(*end) for end in port.offered if end != port.base]
    offered = OFFERED_AS.of(lang, base=endpoint(*port.base), offered=", ".join(others)) if others else ""
    yield INDENT + SERVER_PORT.of(lang, port=port.base[1]) + (offered or f" ({endpoint(*port.base)})")
    yield from _tools(filters.ports(port.numbers), " or ".join(f"udp port {n}" for n in port.numbers))
    if others:
        yield 2 * INDENT + SEEN_AS.of(lang, base=endpoint(*port.base), offered=", ".join(others))


def _traffic(traffic: Traffic, lang: Lang) -> Iterator[str]:
    server, remote = endpoint(*traffic.server), endpoint(*traffic.remote)
    yield f"{INDENT}UDP {server} <-> {remote}  {_span(traffic.first, traffic.last)}"
    yield 2 * INDENT + "; ".join(_counts(traffic, lang))
    yield 2 * INDENT + (LOOK_UP if traffic.discovers else BOTH_WAYS).of(lang, server=server, remote=remote)
    yield from _tools(
        filters.between(traffic.server, traffic.remote),
        filters.capture_filter(traffic.server, traffic.remote),
    )


def told(traffic: Traffic, lang: Lang) -> str:
    """Describe one flow in a line: its ends, its time span, and how much of it was answered."""
    ends = f"UDP {endpoint(*traffic.server)} <-> {endpoint(*traffic.remote)}"
    return f"{ends}, {_span(traffic.first, traffic.last)}: {'; '.join(_counts(traffic, lang))}"


def _tools(display: str, capture: str) -> Iterator[str]:
    yield f"{2 * INDENT}Wireshark: {display}"
    yield f"{2 * INDENT}tcpdump:   {capture}"


def _counts(traffic: Traffic, lang: Lang) -> Iterator[str]:
    for kind, text in KINDS.items():
        if kind in traffic.asked:
            out, into = traffic.asked[kind]
            good = sum(traffic.answered[kind])
            yield text.of(lang, out=out, into=into, all=out + into, good=good)


def _span(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Return a span like ``2026-11-22 22:38:49.516 - 22:39:00.519``."""
    begin, end = (f"{time:%H:%M:%S}.{time.microsecond // 1000:03}" for time in (first, last))
    return f"{first:%Y-%m-%d} {begin} - {end}"
