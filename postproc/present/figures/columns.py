"""The columns of a call's ladder, left to right, and in which of them an address stands."""

from dataclasses import dataclass, field

from postproc.present.figures.cut import CallRows
from postproc.present.figures.machines import Machine
from postproc.present.figures.names import name
from postproc.present.figures.whereabouts import Known, whereabouts
from postproc.text import Lang

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
        shown: dict[int, Column] = {}
        for machine in self.machines:
            at = self.found[id(machine)]
            title = name(machine.part, machine.agent, agents, lang)
            if at in shown:
                title = name("more", None, agents, lang)
                hosts = (*shown[at].hosts, *machine.hosts)
                shown[at] = Column(title, None, tuple(dict.fromkeys(hosts)))
            else:
                shown[at] = Column(title, machine.agent, tuple(machine.hosts))
        return [shown[at] for at in sorted(shown)]


def columns(tables: CallRows) -> Columns:
    """Find the machines of a call and put them in order."""
    machines, known = whereabouts(tables)
    ordered = sorted(machines, key=lambda machine: LATER.get(machine.part, 0))
    found = {id(machine): min(n, MOST - 1) for n, machine in enumerate(ordered)}
    return Columns(ordered, known, found)
