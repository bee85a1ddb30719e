"""The candidates a side offers, and the NAT mappings of their bases.

The offered candidates are the distinct ones of a side's latest ufrag on each leg.
"""

from ipaddress import ip_address
from typing import NamedTuple

from postproc.diagnose.evidence.case import CLIENT, SERVER, Case, answered_once
from postproc.diagnose.evidence.server import server_addresses
from postproc.model.addresses import endpoint
from postproc.model.rows import CandidateRow, NatMappingRow

PUBLIC = frozenset({"public", "documentation"})
PRIVATE = frozenset({"private", "ula", "link_local", "loopback"})
INSIDE = PRIVATE | {"cgnat"}  # unreachable from outside
BEHIND_NAT = INSIDE | {"mdns"}


@answered_once
def offered(case: Case, side: str, leg: int | None = None) -> list[CandidateRow]:
    """Return the distinct candidates (address, port, type) of the side's latest ufrag, in SDP order.

    ``leg`` None means all legs.
    """
    mine = [row for row in case.candidates if row.side == side and leg in (None, row.leg) and row.addr]
    latest: dict[int | None, CandidateRow] = {}
    for row in mine:
        latest[row.leg] = row  # in order of time
    current = {(row.leg, row.ufrag) for row in latest.values()}
    distinct: dict[tuple[object, ...], CandidateRow] = {}
    for row in mine:
        if (row.leg, row.ufrag) in current:
            distinct.setdefault((row.addr, row.port, row.type), row)
    return list(distinct.values())


def classes(candidates: list[CandidateRow]) -> set[str]:
    return {row.addr_class for row in candidates if row.addr_class}


def public(candidates: list[CandidateRow]) -> list[CandidateRow]:
    return [row for row in candidates if row.addr_class in PUBLIC]


def private(candidates: list[CandidateRow]) -> list[CandidateRow]:
    return [row for row in candidates if row.addr_class in PRIVATE]


def shown(candidates: list[CandidateRow]) -> list[str]:
    """Return ``host 10.0.0.5:30000`` for each."""
    return [f"{row.type} {endpoint(row.addr, row.port)}" for row in candidates]


def version(addr: str) -> int | None:
    """Return the IP version of an address, 4 or 6; None for a name."""
    try:
        return ip_address(addr).version
    except ValueError:
        return None


def negotiated(case: Case, leg: int | None) -> bool:
    """Whether both sides' candidates are known, so that there was something to check."""
    return bool(offered(case, CLIENT, leg)) and bool(offered(case, SERVER, leg))


class Base(NamedTuple):
    """A transport address of a side, and the rows with its mappings."""

    side: str
    addr: str
    port: int
    rows: tuple[NatMappingRow, ...]

    @property
    def seen(self) -> set[tuple[str, int]]:
        return {(row.mapped_addr, row.mapped_port) for row in self.rows}

    @property
    def outside(self) -> set[str]:
        """The mapped addresses."""
        return {addr for addr, _ in self.seen}


def bases(case: Case, leg: int | None) -> list[Base]:
    """Return every base with a known mapping."""
    own = server_addresses(case)
    by_base: dict[tuple[str, int], list[NatMappingRow]] = {}
    for row in case.nat_mappings:
        if row.leg == leg and None not in (row.base_addr, row.base_port, row.mapped_addr, row.mapped_port):
            by_base.setdefault((row.base_addr, row.base_port), []).append(row)
    return [
        Base(SERVER if addr in own else CLIENT, addr, port, tuple(rows))
        for (addr, port), rows in by_base.items()
    ]
