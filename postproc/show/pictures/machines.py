"""The machines of a call: the columns of its ladder, their names, and the machine of each address.

A machine is a set of addresses. A B2BUA is one machine although it takes the call on the loopback interface
and passes it on from its network card; two programs on one host are two, since they talk to each other. Where
a description gives its media another host than the SIP of its author (a signalling hub that speaks for an
app), the media are a machine of their own beside the author.

The machine of an address follows from the descriptions of its leg, then from the direction of its checks and
streams, then from its host; remaining addresses are machines that no message describes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from postproc.model.addresses import endpoint, host, transport_address
from postproc.model.calls import Call
from postproc.model.enumerations import LegRole
from postproc.model.rows import BindingRow, RtpStreamRow
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import PICTURES, SIDES, capital
from postproc.show.pictures.layout import plain

End = tuple[str, str]  # Call-ID and uac or uas
At = tuple[int | None, str]  # leg and addr:port; leg None: of any leg

PARTIES = ("uac", "uas")
OPPOSITE = {"uac": "uas", "uas": "uac"}
ENDS = {"server_to_client": ("server", "client"), "client_to_server": ("client", "server")}
MOST_COLUMNS = 12  # further machines share the last one; a choice: four legs and their STUN servers fit
RIGHTMOST = {"other": 1, "relay": 2, "stun": 3, "icmp": 4}  # parts that stand on the right

VERSION = re.compile(r"[/ _-]v?\d[\w.\-]*.*$")  # "LabPBX/16.2", "sipsorcery_v4.0.79.1", "FPBX-15.0"
LONGEST_NAME = 40


class Product(NamedTuple):
    """A program to be recognized: ``pattern`` is searched for in User-Agent or SDP owner; see ``beside``."""

    name: str
    pattern: str
    beside: str = ""  # pattern of another agent that must take part in the call


PRODUCTS = (
    Product("XCC", r"XPhone Call Controller"),
    Product("XPhone Server", r"^sipsorcery", beside=r"XPhone Call Controller"),
    Product("XPhone Client", r"^IceLink", beside=r"XPhone Call Controller"),
    Product("FreeSWITCH", r"FreeSWITCH"),
)
PARTS = {  # a machine's part in the call, and its name where it has no User-Agent
    "caller": Text("Caller", "Anrufer"),
    "called": Text("Called party", "Angerufener"),
    "b2bua": Text("B2BUA", "B2BUA"),
    "proxy": Text("Proxy", "Proxy"),
    "client": capital(SIDES["client"]),
    "server": capital(SIDES["server"]),
    "media": capital(PICTURES["media"]),
    "stun": Text("STUN server", "STUN-Server"),
    "relay": Text("TURN server", "TURN-Server"),
    "icmp": Text("Router", "Router"),
    "other": Text("Host", "Host"),
    "more": Text("Further hosts", "Weitere Hosts"),
}


@dataclass
class Machine:
    """A column of the ladder; ``part`` is a key of PARTS, ``places`` are its ``addr:port``."""

    part: str
    agent: str | None = None
    ends: set[End] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    hosts: dict[str, None] = field(default_factory=dict)  # in the order they were seen

    def add(self, at: str) -> None:
        self.places.add(at)
        self.hosts[host(at)] = None


class Leg(NamedTuple):
    number: int | None
    call_id: str
    ends: dict[str, tuple[str | None, str | None]]  # transport address and agent of uac and uas
    role: LegRole


class Heading(NamedTuple):
    """Name, User-Agent and addresses above a column."""

    name: str
    agent: str | None
    hosts: tuple[str, ...]


class Machines:
    """The machines of a call, left to right; ``column`` returns the column of a transport address."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._legs = _legs(call)
        self._found: list[Machine] = []
        self._owners: dict[At, Machine] = {}
        self._sides: dict[tuple[int | None, str], Machine] = {}  # by leg and side: client, server
        self._find_ends()
        self._find_translated()
        self._find_proxies()
        self._find_relays()
        self._find_described()
        self._find_directed()
        self._find_translated()
        self._find_others()
        self.all = sorted(self._found, key=lambda machine: RIGHTMOST.get(machine.part, 0))
        self._columns = {id(machine): min(n, MOST_COLUMNS - 1) for n, machine in enumerate(self.all)}

    def owner(self, leg: int | None, at: str) -> Machine | None:
        return self._owners.get((leg, at)) or self._owners.get((None, at))

    def column(self, leg: int | None, at: str | None) -> int | None:
        machine = None if at is None else self.owner(leg, at)
        return None if machine is None else self._columns[id(machine)]

    def headings(self, lang: Lang) -> list[Heading]:
        """Return the heading of each column; machines that share the last one are named together."""
        agents = [machine.agent for machine in self.all if machine.agent]
        columns: dict[int, list[Machine]] = {}
        for machine in self.all:
            columns.setdefault(self._columns[id(machine)], []).append(machine)
        return [_heading(columns[n], agents, lang) for n in sorted(columns)]

    def _find_ends(self) -> None:
        """Find the machines at the ends of the legs, caller first."""
        for leg in self._legs:
            for party in PARTIES:
                at, agent = leg.ends[party]
                machine = self._same(leg, party)
                if machine is None:
                    machine = Machine("caller" if party == "uac" else "called", agent)
                    self._found.append(machine)
                elif any(end != party for _, end in machine.ends):
                    machine.part = "b2bua"
                machine.ends.add((leg.call_id, party))
                machine.agent = machine.agent or agent
                if at:
                    machine.add(at)
        self._owners.update({(None, at): machine for machine in self._found for at in machine.places})

    def _same(self, leg: Leg, party: str) -> Machine | None:
        """Return the machine already found that this end belongs to, or None.

        By address and agent; by agent alone (loopback and Ethernet) for a machine that passes the call on,
        since two phones of one make are two; by role where nothing else decides.
        """
        at, agent = leg.ends[party]
        addr = host(at) if at else ""
        others = [machine for machine in self._found if (leg.call_id, OPPOSITE[party]) not in machine.ends]
        for machine in others:
            same_address = at in machine.places or (party == "uac" and addr in machine.hosts)
            if same_address and (machine.agent == agent or not machine.agent or not agent):
                return machine
        if party == "uas" or _at_host(others, addr):
            return None
        passing = [machine for machine in others if any(end == "uas" for _, end in machine.ends)]
        same_agent = [machine for machine in passing if agent and machine.agent == agent]
        return next(
            iter(same_agent or [machine for machine in passing if self._passes_on(machine, leg)]), None
        )

    def _passes_on(self, machine: Machine, leg: Leg) -> bool:
        """Tell whether the machine is UAS of the only inbound leg, and ``leg`` the only outbound one.

        A B2BUA.
        """
        inbound = [other.call_id for other in self._legs if other.role == "inbound"]
        only_pair = len(inbound) == 1 and len(self._legs) == 2
        return only_pair and leg.role == "outbound" and (inbound[0], "uas") in machine.ends

    def _find_translated(self) -> None:
        """Find addresses that NAT gives a machine between two places: one packet has one sender."""
        for leg, *pair in self._same_ends:
            for at, other in (pair, pair[::-1]):
                machine = self._owners.get((leg, other)) or self._owners.get((None, other))
                if machine is not None and (leg, at) not in self._owners:
                    self._owners[leg, at] = machine
                    machine.add(at)

    @cached_property
    def _same_ends(self) -> list[tuple[int | None, str, str]]:
        """Leg and the two addresses of an end at two places.

        The list is doubled, so that two passes join three places in a row.
        """
        pairs = {
            (row.leg, one, other)
            for row in self._call.passages
            for one, other in (
                (
                    transport_address(row.from_src_addr, row.from_src_port),
                    transport_address(row.to_src_addr, row.to_src_port),
                ),
                (
                    transport_address(row.from_dst_addr, row.from_dst_port),
                    transport_address(row.to_dst_addr, row.to_dst_port),
                ),
            )
            if one and other and one != other
        }
        return 2 * sorted(pairs, key=str)

    def _find_proxies(self) -> None:
        """Find SIP hops between the ends; a port that only TCP uses is its host's."""
        legs = {leg.number: leg for leg in self._legs}
        hops = {(event.leg, event.src, event.dst) for event in self._call.timeline if event.lane == "sip"}
        for number, *hop in sorted(hops, key=str):
            for at, next_hop in (hop, hop[::-1]):
                if at is None or self.owner(number, at):
                    continue
                other = self._owners.get((None, next_hop)) if next_hop else None
                machine = _at_host(
                    (candidate for candidate in self._found if candidate is not other), host(at)
                )
                if machine is None:
                    machine = Machine("proxy")
                    self._found.insert(self._before_uas(legs.get(number)), machine)
                machine.add(at)
                self._owners[None, at] = machine

    def _before_uas(self, leg: Leg | None) -> int:
        ends = (n for n, machine in enumerate(self._found) if leg and (leg.call_id, "uas") in machine.ends)
        return next(ends, len(self._found))

    def _find_relays(self) -> None:
        """Find relayed addresses: offered by a client, but on a TURN server."""
        for candidate in self._call.candidates:
            at = transport_address(candidate.addr, candidate.port)
            if candidate.type != "relay" or at is None:
                continue
            machine = _at_host(self._of_part("relay"), host(at))
            if machine is None:
                machine = Machine("relay")
                self._found.append(machine)
            machine.add(at)
            self._owners[candidate.leg, at] = machine

    def _of_part(self, *parts: str) -> list[Machine]:
        return [machine for machine in self._found if machine.part in parts]

    def _find_described(self) -> None:
        """Find addresses in session descriptions: the author's, or those of a machine it speaks for."""
        relays = self._of_part("relay")
        for leg in self._legs:
            for party in PARTIES:
                author = next(machine for machine in self._found if (leg.call_id, party) in machine.ends)
                owner, side, places = _described(self._call, leg, party)
                if not places:
                    continue
                own = [at for at in places if not _at_host(relays, host(at))]
                if side == "server" or not own or not author.hosts.keys().isdisjoint(map(host, own)):
                    machine = author
                else:
                    new = Machine("client" if side == "client" else "media", owner)
                    machine = self._spoken_for(author, party, places, new)
                for at in places:
                    if self._owners.setdefault((leg.number, at), machine) is machine:
                        machine.add(at)
                if side:
                    self._sides[leg.number, side] = machine

    def _spoken_for(self, author: Machine, party: str, places: Iterable[str], new: Machine) -> Machine:
        """Return the machine for media described by ``author``, which it inserts beside it if it is new."""
        media = self._of_part("client", "media")
        if known := next((candidate for at in places if (candidate := _at_host(media, host(at)))), None):
            return known
        self._found.insert(self._found.index(author) + (party == "uac"), new)
        return new

    def _find_directed(self) -> None:
        """Find addresses that no description names, of checks and streams whose direction is known."""
        relays = self._of_part("relay")
        rows: tuple[BindingRow | RtpStreamRow, ...] = (*self._call.bindings, *self._call.rtp_streams)
        for row in rows:
            places = endpoint(row.src_addr, row.src_port), endpoint(row.dst_addr, row.dst_port)
            for side, at in zip(ENDS.get(row.direction or "other", ()), places, strict=False):
                if (row.leg, at) in self._owners or _at_host(relays, host(at)):
                    continue
                if machine := self._sides.get((row.leg, side)):
                    self._owners[row.leg, at] = machine
                    machine.add(at)

    def _find_others(self) -> None:
        """Find the machines of all other addresses in the timeline: by host, else new ones."""
        look_ups = [binding for binding in self._call.bindings if binding.purpose == "discovery"]
        stun = {transport_address(binding.dst_addr, binding.dst_port) for binding in look_ups}
        hosts = self._by_host()
        for event in self._call.timeline:
            for at in (event.src, event.dst) if event.lane != "log" else ():
                if at is None or self.owner(event.leg, at):
                    continue
                machine = hosts.get((event.leg, host(at))) or hosts.get((None, host(at)))
                if machine is None:
                    machine = Machine("stun" if at in stun else "icmp" if event.lane == "icmp" else "other")
                    machine.add(at)
                    self._found.append(machine)
                    hosts[None, host(at)] = machine
                self._owners[event.leg, at] = machine

    def _by_host(self) -> dict[At, Machine]:
        """Return the machine at each host: in a leg the one with media, else the one with most ends.

        A hub has no media.
        """
        by_host: dict[At, Machine] = {}
        for machine in sorted(self._found, key=lambda entry: -len(entry.ends)):
            for addr in machine.hosts:
                by_host.setdefault((None, addr), machine)
        for (leg, at), machine in self._owners.items():
            if leg is not None:
                by_host.setdefault((leg, host(at)), machine)
        return by_host


def _at_host(machines: Iterable[Machine], addr: str) -> Machine | None:
    """Return the first machine seen at an address."""
    return next((machine for machine in machines if addr in machine.hosts), None)


def _legs(call: Call) -> list[Leg]:
    """Return the legs in order; a leg seen in two captures counts once."""
    first: dict[str, Leg] = {}
    for row in sorted(call.legs, key=lambda leg: (leg.leg, leg.time)):
        uac = transport_address(row.uac_addr, row.uac_port), row.uac_agent
        uas = transport_address(row.uas_addr, row.uas_port), row.uas_agent
        first.setdefault(row.call_id, Leg(row.leg, row.call_id, {"uac": uac, "uas": uas}, row.role))
    return list(first.values())


def _described(call: Call, leg: Leg, party: str) -> tuple[str | None, str | None, list[str]]:
    """Return SDP owner, side and transport addresses that one party of a leg described."""
    authors = _authors(call, leg)
    owner: str | None = None
    side: str | None = None
    places: dict[str | None, None] = {}
    for row in call.candidates:
        if row.call_id == leg.call_id and authors.get((row.capture, row.frame)) == party:
            owner = owner or row.sdp_owner
            side = side or (row.side if row.side != "other" else None)
            places[transport_address(row.addr, row.port)] = None
            places[transport_address(row.related_addr, row.related_port)] = None
    for section in call.sdp_media:
        by_party = section.call_id == leg.call_id and authors.get((section.capture, section.frame)) == party
        if by_party and section.connection_addr and section.port:
            owner = owner or section.sdp_owner
            places[transport_address(section.connection_addr, section.port)] = None
    return owner, side, [at for at in places if at and host(at) not in ("0.0.0.0", "::")]


def _authors(call: Call, leg: Leg) -> dict[tuple[str, int | None], str]:
    """Return who sent each message of a leg: responses keep the From of the request (RFC 3261, 8.2.6.2)."""
    sip = [message for message in call.sip_messages if message.call_id == leg.call_id]
    sip.sort(key=lambda message: message.time)
    opening = [row.from_tag for row in sip if row.method == "INVITE" and row.to_tag is None]
    responded = [row.from_tag for row in sip if row.method is None and row.cseq_method == "INVITE"]
    caller = next(iter(opening or responded), None)
    return {
        (row.capture, row.frame): "uac" if (row.from_tag == caller) == (row.method is not None) else "uas"
        for row in sip
    }


def _heading(machines: list[Machine], agents: list[str], lang: Lang) -> Heading:
    hosts = tuple(dict.fromkeys(host for machine in machines for host in machine.hosts))
    if len(machines) > 1:
        return Heading(name("more", None, agents, lang), None, hosts)
    return Heading(name(machines[0].part, machines[0].agent, agents, lang), machines[0].agent, hosts)


def name(part: str, agent: str | None, agents: list[str], lang: Lang) -> str:
    """Return the name of a machine; ``agents`` are those of all machines of the call."""
    for product in PRODUCTS if agent else ():
        beside = not product.beside or any(re.search(product.beside, other) for other in agents)
        if beside and re.search(product.pattern, agent or ""):
            return product.name
    own = VERSION.sub("", plain(agent)).strip()
    return own if 0 < len(own) <= LONGEST_NAME else PARTS[part].of(lang)
