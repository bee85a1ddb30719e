"""The machines of a call and where each is seen: the columns of a ladder.

A machine is a set of addresses. A B2BUA is one machine although it takes the call
on the loopback and passes it on from its network card; two programs on one host
are two, as they talk with each other. Media that a description places elsewhere
than its author's SIP (a signalling hub that speaks for an app) have a machine of
their own, beside the author's.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from postproc.show.pictures.cut import CallRows
from postproc.show.pictures.records import host, place, records

End = tuple[str, str]  # Call-ID and uac or uas
PARTIES = ("uac", "uas")
OPPOSITE = {"uac": "uas", "uas": "uac"}


@dataclass
class Machine:
    """``part`` says what it does in the call, see names.PARTS; ``places`` are ``addr:port``."""

    part: str
    agent: str | None = None
    ends: set[End] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    hosts: dict[str, None] = field(default_factory=dict)  # in the order they were seen

    def add(self, at: str) -> None:
        self.places.add(at)
        self.hosts[host(at)] = None


@dataclass(frozen=True)
class Leg:
    number: int | None
    call_id: str
    ends: dict[str, tuple[str | None, int | None, str | None]]  # addr, port, agent of uac and uas
    role: str | None


def legs(tables: CallRows) -> list[Leg]:
    """The legs in their order; seen by two captures, a leg counts once."""
    ordered = sorted(tables.legs, key=lambda leg: (leg.leg or 0, leg.time or 0))
    rows = list({leg.call_id: leg for leg in reversed(ordered)}.values())[::-1]
    names = [f"{party}_{what}" for party in PARTIES for what in ("addr", "port", "agent")]
    ids = records(rows, "leg", "call_id", "role")
    return [
        Leg(number, call_id, {"uac": ends[:3], "uas": ends[3:]}, role)
        for (number, call_id, role), ends in zip(ids, records(rows, *names), strict=True)
        if call_id is not None
    ]


def of_sip(held: list[Leg]) -> list[Machine]:
    """The machines at the ends of the legs, caller first."""
    machines: list[Machine] = []
    for leg in held:
        for party in PARTIES:
            _add(machines, leg, party, held)
    return machines


def _add(machines: list[Machine], leg: Leg, party: str, held: list[Leg]) -> None:
    addr, port, agent = leg.ends[party]
    at = place(addr, port)
    machine = _same(machines, leg, party, at, held)
    if machine is None:
        machine = Machine("caller" if party == "uac" else "called", agent)
        machines.append(machine)
    elif any(each != party for _, each in machine.ends):
        machine.part = "b2bua"
    machine.ends.add((leg.call_id, party))
    machine.agent = machine.agent or agent
    if at:
        machine.add(at)


def _same(machines: list[Machine], leg: Leg, party: str, at: str | None, held: list[Leg]) -> Machine | None:
    """The machine among those known that this end belongs to.

    By address and name; by the name alone (lo and eth) for who passes a call on: two
    phones of one make are two; by the role where nothing else tells.
    """
    addr, agent = leg.ends[party][0], leg.ends[party][2]
    others = [machine for machine in machines if (leg.call_id, OPPOSITE[party]) not in machine.ends]
    for machine in others:
        here = at in machine.places or (party == "uac" and addr in machine.hosts)
        if here and (machine.agent == agent or not machine.agent or not agent):
            return machine
    if party == "uas" or beside(others, addr or ""):
        return None
    passing = [machine for machine in others if any(each == "uas" for _, each in machine.ends)]
    named = [machine for machine in passing if agent and machine.agent == agent]
    return next(iter(named or [machine for machine in passing if _passes_on(machine, leg, held)]), None)


def _passes_on(machine: Machine, leg: Leg, held: list[Leg]) -> bool:
    """Whether the roles say so: the B2BUA is UAS of the one inbound leg, UAC of the one outbound."""
    inbound = [each.call_id for each in held if each.role == "inbound"]
    alone = len(inbound) == 1 and len(held) == 2
    return alone and leg.role == "outbound" and (inbound[0], "uas") in machine.ends


def beside(machines: Iterable[Machine], addr: str) -> Machine | None:
    """The first machine seen at an address."""
    return next((machine for machine in machines if addr in machine.hosts), None)
