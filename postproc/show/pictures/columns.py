"""The columns of a call's ladder, left to right, and in which of them an address stands."""

from dataclasses import dataclass, field

from postproc.model.text import Lang
from postproc.show.pictures.cut import CallRows
from postproc.show.pictures.machines import Machine
from postproc.show.pictures.names import name
from postproc.show.pictures.whereabouts import Known, whereabouts

MOST = 12  # columns; what comes later shares the last one
LATER = {"other": 1, "relay": 2, "stun": 3, "icmp": 4}  # parts that stand on the right


@dataclass(frozen=True)
class Column:
    name: str
    agent: str | None
    hosts: tuple[str, ...]


@dataclass
class Columns:
    """The columns in order; ``of`` finds the one a transport address stands in."""

    machines: list[Machine]
    known: Known
    found: dict[int, int] = field(default_factory=dict)  # machine's id -> column

    def of(self, leg: int | None, at: str | None) -> int | None:
        machine = self.machine(leg, at)
        return None if machine is None else self.found[id(machine)]

    def machine(self, leg: int | None, at: str | None) -> Machine | None:
        if at is None:
            return None
        return self.known.get((leg, at)) or self.known.get((None, at))

    def headings(self, lang: Lang) -> list[Column]:
        """What stands above each column; machines that share the last one are named together."""
        agents = [machine.agent for machine in self.machines if machine.agent]
        held: dict[int, list[Machine]] = {}
        for machine in self.machines:
            held.setdefault(self.found[id(machine)], []).append(machine)
        return [_heading(held[at], agents, lang) for at in sorted(held)]


def _heading(machines: list[Machine], agents: list[str], lang: Lang) -> Column:
    hosts = tuple(dict.fromkeys(host for machine in machines for host in machine.hosts))
    if len(machines) > 1:
        return Column(name("more", None, agents, lang), None, hosts)
    return Column(name(machines[0].part, machines[0].agent, agents, lang), machines[0].agent, hosts)


def columns(tables: CallRows) -> Columns:
    """Find the machines of a call and put them in order."""
    machines, known = whereabouts(tables)
    ordered = sorted(machines, key=lambda machine: LATER.get(machine.part, 0))
    found = {id(machine): min(n, MOST - 1) for n, machine in enumerate(ordered)}
    return Columns(ordered, known, found)
