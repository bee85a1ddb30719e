"""What NAT did with the addresses of a call, side by side with what SDP offered."""

from dataclasses import dataclass

from postproc.diagnose.case.case import CLIENT, SERVER, Case
from postproc.diagnose.case.parties import server_addresses
from postproc.model.rows import NatMappingRow


@dataclass(frozen=True)
class Base:
    """An address and port of a side, and the rows that say how it is seen outside."""

    side: str
    addr: str
    port: int
    rows: tuple[NatMappingRow, ...]

    @property
    def seen(self) -> set[tuple[str, int]]:
        return {(row.mapped_addr, row.mapped_port) for row in self.rows}

    @property
    def outside(self) -> set[str]:
        """Addresses outside under which it is known."""
        return {addr for addr, _ in self.seen}


def bases(case: Case, leg: int | None) -> list[Base]:
    """Every base of which a mapping is known, with its side."""
    own = server_addresses(case)
    held: dict[tuple[str, int], list[NatMappingRow]] = {}
    for row in case.nat:
        if row.leg == leg and None not in (row.base_addr, row.base_port, row.mapped_addr, row.mapped_port):
            held.setdefault((row.base_addr, row.base_port), []).append(row)
    return [
        Base(SERVER if addr in own else CLIENT, addr, port, tuple(rows))
        for (addr, port), rows in held.items()
    ]
