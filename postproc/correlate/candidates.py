"""Candidates: their verdict by access lists, the one a wire address stands for, and their NAT mappings."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.rows import column, late, records
from postproc.model import constants
from postproc.model.acl import decide
from postproc.model.addresses import UNSPECIFIED
from postproc.model.deployment import SERVER, Deployment
from postproc.model.tables import NAT_MAPPINGS

# Candidates a side offered, and which of them a wire address is (RFC 8445, section 5.1.1).
#
# A wire address is a base, or a base translated by NAT. A base is recognised by the
# candidate's own address, by its related address (raddr, rport), or by the mapped
# address a responder or STUN server saw for it. Behind a NAT that preserves ports a
# server may offer only the outer address: then the port identifies the candidate.
# An address that the far side never offered is peer-reflexive.


Place = tuple[str | None, int | None]
MOST = constants.count("whose.most_candidates")  # candidates compared per ufrag; bounds the work
REFLEXIVE = ("srflx", "prflx")  # types whose related address is the base


class Candidate(NamedTuple):
    """The first a=candidate line that offers this address; time in nanoseconds."""

    place: Place
    kind: str | None
    base: Place | None
    component: int | None
    transport: str | None
    mid: str | None
    capture: str | None
    frame: int | None
    time: int | None


Offered = Mapping[tuple[int, str], list[Candidate]]
Mapped = Mapping[tuple[str | None, Place], set[Place]]


def offered(candidates: pd.DataFrame) -> Offered:
    """Return the distinct candidates by call and ufrag, in the order they were offered."""
    by_ufrag: dict[tuple[int, str], dict[tuple[Place, str | None, Place | None], Candidate]] = {}
    places = ("addr", "port", "related_addr", "related_port", "type")
    rest = ("component", "transport", "mid", "capture", "frame", "time")
    rows = zip(
        *(records(candidates, *names, by="time") for names in (("call", "ufrag"), places, rest)), strict=True
    )
    for owner, (addr, port, related_addr, related_port, kind), line in rows:
        base = (related_addr, related_port) if kind in REFLEXIVE and related_addr else None
        if None not in owner and None not in (addr, port):
            candidate = Candidate((addr, port), kind, base, *line)
            by_ufrag.setdefault(owner, {}).setdefault((candidate.place, kind, base), candidate)
    return {owner: list(islice(distinct.values(), MOST)) for owner, distinct in by_ufrag.items()}


def mapped(bindings: pd.DataFrame) -> Mapped:
    """Return the mapped addresses of each base, as Binding successes of one capture report them."""
    outer_places: dict[tuple[str | None, Place], set[Place]] = {}
    names = ("outcome", "capture", "src_addr", "src_port", "mapped_addr", "mapped_port")
    for outcome, capture, addr, port, outer_addr, outer_port in records(bindings, *names):
        if outcome == "success" and outer_addr is not None:
            outer_places.setdefault((capture, (addr, port)), set()).add((outer_addr, outer_port))
    return outer_places


def behind(
    wire: Place, outside: Iterable[Place], candidates: list[Candidate], *, local: bool
) -> list[Candidate]:
    """Return the candidates a wire address may stand for, by the strongest evidence only; else none.

    ``outside`` are its mapped addresses. ``local`` says that it is certainly a base, so an equal port
    is enough. The same holds for an mDNS name, which hides a base (draft-ietf-mmusic-mdns-ice-candidates).
    """
    mapped_places = set(outside)
    same_port = [c for c in candidates if c.place[1] == wire[1] and (local or _is_name(c.place[0]))]
    return (
        [c for c in candidates if c.place == wire]
        or [c for c in candidates if c.base == wire]
        or [c for c in candidates if c.place in mapped_places]
        or same_port
    )


def covered(wire: Place, outside: Iterable[Place], candidates: list[Candidate], *, local: bool) -> set[Place]:
    """Return the offered addresses that a check from or to a wire address covers: all that share its base."""
    places = {wire, *outside}
    direct = {c.place for c in candidates if c.place in places or c.base == wire}
    nearby = {c.place for c in behind(wire, places, candidates, local=local)}
    return direct or nearby or ({c.place for c in candidates} if local else set())


def kind_of(wire: Place, outside: Iterable[Place], candidates: list[Candidate], *, local: bool) -> str | None:
    """Return the type of the candidate a wire address stands for; None where its side's offer is unknown."""
    if not candidates:
        return None
    matching = behind(wire, outside, candidates, local=local)
    return matching[0].kind if matching else "host" if local else "prflx"


def _is_name(addr: str | None) -> bool:
    return addr is not None and addr.lower().endswith(".local")


# NAT mappings: a base and the address seen for it outside.
#
# Every Binding success carries the requester's address as the responder saw it
# (XOR-MAPPED-ADDRESS, RFC 8489, section 14.2). So STUN server look-ups and checks
# both reveal the requester's NAT mapping towards their destination (RFC 4787,
# section 4.1), and a server-reflexive candidate reveals that of its related address.
# A check captured after its sender's NAT reveals nothing.


LEARNED_FROM = {"discovery": "stun_server", "check": "check"}
CONCEALED = UNSPECIFIED  # a related address kept private (RFC 8839, section 5.1)
FIRST = ("capture", "frame", "time", "call", "leg")


def nat_mappings(bindings: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """Return NAT_MAPPINGS by time: each call's distinct mappings where they were first seen."""
    found = [*_from_bindings(bindings), *_from_candidates(candidates)]
    distinct: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for row in sorted(found, key=lambda row: (late(row[2]), row[0], late(row[1]))):
        distinct.setdefault(row[3:], row)
    return NAT_MAPPINGS.of_tuples(list(distinct.values()))


def _from_bindings(bindings: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Yield the mappings in Binding successes; a check without address translation gives none."""
    names = ("src_addr", "src_port", "mapped_addr", "mapped_port", "dst_addr", "dst_port", "purpose")
    rows = zip(records(bindings, *FIRST), records(bindings, *names), strict=True)
    for first, (addr, port, outer_addr, outer_port, *seen_by, purpose) in rows:
        learned_from = LEARNED_FROM.get(purpose)
        if learned_from is None or addr is None or outer_addr is None:
            continue
        kept = None if None in (port, outer_port) else port == outer_port
        if learned_from == "stun_server" or addr != outer_addr or kept is False:
            yield (*first, addr, port, outer_addr, outer_port, learned_from, *seen_by, kept)


def _from_candidates(candidates: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    names = ("related_addr", "related_port", "addr", "port", "type")
    rows = zip(records(candidates, *FIRST), records(candidates, *names), strict=True)
    for first, (*ends, kind) in rows:
        addr, port, outer_addr, outer_port = ends
        if kind == "srflx" and addr is not None and addr not in CONCEALED and outer_addr is not None:
            kept = None if None in (port, outer_port) else port == outer_port
            yield (*first, *ends, "candidate", None, None, kept)


# Verdict of the deployment's access lists on every candidate offered to the server.


def access(candidates: pd.DataFrame, deployment: Deployment) -> pd.DataFrame:
    """Fill ``acl_verdict`` of all CANDIDATES except the server's own.

    NA where no lists are known, "unknown" where it is not known which of them apply.
    """
    names, lists = deployment.candidate_acl, deployment.lists
    if not (names or lists) or candidates.empty:
        return candidates
    addresses = column(candidates["addr"])
    verdicts = {address: decide(address, names, lists).verdict for address in set(addresses)}
    offered = candidates["side"].ne(SERVER).fillna(False)
    verdict = pd.Series(pd.array([verdicts[address] for address in addresses], "string"), candidates.index)
    return candidates.assign(acl_verdict=verdict.where(offered))
