"""Candidates: what the access lists say of them, which of them a wire address is, what NAT makes of them."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import NamedTuple

import pandas as pd

from postproc.correlate.rows import column, records
from postproc.model import constants
from postproc.model.acl import decide
from postproc.model.deployment import SERVER, Deployment
from postproc.model.tables import NAT_MAPPINGS

# Candidates a side offered, and which of them a wire address is (RFC 8445, section 5.1.1).
#
# What stands on the wire is a base, or what NAT made of it on the way. A base is
# known by the candidate's own address, by its related address (raddr, rport), or
# by the mapped address a responder or STUN server saw for it. Behind a NAT that
# keeps ports a server may offer the outer address alone: then the port tells.
# An address that the far side never offered is peer-reflexive.


Place = tuple[str | None, int | None]
MOST = constants.count("whose.most_candidates")  # candidates of one ufrag that are looked at
REFLEXIVE = ("srflx", "prflx")  # whose related address is the base


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
    """Distinct candidates by call and ufrag, in the order they were offered."""
    found: dict[tuple[int, str], dict[tuple[Place, str | None, Place | None], Candidate]] = {}
    ordered = candidates.sort_values("time", kind="stable")
    places = ("addr", "port", "related_addr", "related_port", "type")
    rest = ("component", "transport", "mid", "capture", "frame", "time")
    rows = zip(
        records(ordered, "call", "ufrag"), records(ordered, *places), records(ordered, *rest), strict=True
    )
    for owner, (addr, port, related_addr, related_port, kind), line in rows:
        base = (related_addr, related_port) if kind in REFLEXIVE and related_addr else None
        if None not in owner and None not in (addr, port):
            candidate = Candidate((addr, port), kind, base, *line)
            found.setdefault(owner, {}).setdefault((candidate.place, kind, base), candidate)
    return {owner: list(islice(distinct.values(), MOST)) for owner, distinct in found.items()}


def mapped(bindings: pd.DataFrame) -> Mapped:
    """What each base of a capture looks like from outside, as successes told it."""
    known = bindings[(bindings["outcome"] == "success").fillna(False) & bindings["mapped_addr"].notna()]
    found: dict[tuple[str | None, Place], set[Place]] = {}
    names = ("capture", "src_addr", "src_port", "mapped_addr", "mapped_port")
    for capture, addr, port, outer_addr, outer_port in records(known, *names):
        found.setdefault((capture, (addr, port)), set()).add((outer_addr, outer_port))
    return found


def behind(
    wire: Place, outside: Iterable[Place], candidates: list[Candidate], *, local: bool
) -> list[Candidate]:
    """The candidates a wire address may stand for, the best evidence alone, else none.

    ``outside`` are its mapped addresses. ``local`` says that it is a base for sure: then an equal
    port is enough. So it is for an mDNS name, which hides a base (draft-ietf-mmusic-mdns-ice-candidates).
    """
    known = set(outside)
    same_port = [c for c in candidates if c.place[1] == wire[1] and (local or _is_name(c.place[0]))]
    return (
        [c for c in candidates if c.place == wire]
        or [c for c in candidates if c.base == wire]
        or [c for c in candidates if c.place in known]
        or same_port
    )


def covered(wire: Place, outside: Iterable[Place], candidates: list[Candidate], *, local: bool) -> set[Place]:
    """The offered addresses that are reached from, or at, a wire address: all that share its base."""
    known = {wire, *outside}
    direct = {c.place for c in candidates if c.place in known or c.base == wire}
    nearby = {c.place for c in behind(wire, known, candidates, local=local)}
    return direct or nearby or ({c.place for c in candidates} if local else set())


def kind_of(wire: Place, outside: Iterable[Place], candidates: list[Candidate], *, local: bool) -> str | None:
    """Type of the candidate a wire address stands for; None where its side's offer is not known."""
    if not candidates:
        return None
    found = behind(wire, outside, candidates, local=local)
    return found[0].kind if found else "host" if local else "prflx"


def _is_name(addr: str | None) -> bool:
    return addr is not None and addr.lower().endswith(".local")


# NAT mappings: a base and the address seen for it outside.
#
# Every Binding success carries the requester's address as the responder saw it
# (XOR-MAPPED-ADDRESS, RFC 8489, section 14.2): look-ups at a STUN server and
# checks tell of the requester's NAT, each towards its own destination (RFC 4787,
# section 4.1). A server-reflexive candidate says the same of its related address.
# A check seen where its sender's NAT is already behind it tells nothing.


LEARNED_FROM = {"discovery": "stun_server", "check": "check"}
UNSAID = constants.words("addresses.unspecified")  # a related address kept private (RFC 8839, section 5.1)
BINDING = {
    "src_addr": "base_addr",
    "src_port": "base_port",
    "dst_addr": "seen_by_addr",
    "dst_port": "seen_by_port",
}
CANDIDATE = {
    "related_addr": "base_addr",
    "related_port": "base_port",
    "addr": "mapped_addr",
    "port": "mapped_port",
}
TOLD = ["capture", "frame", "time", "call", "leg", "base_addr", "base_port", "mapped_addr", "mapped_port"]


def nat_mappings(bindings: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """The nat_mappings table by time: each call's distinct mappings where they were first seen."""
    both = pd.concat([_from_bindings(bindings), _from_candidates(candidates)], ignore_index=True)
    ordered = both.sort_values(["time", "capture", "frame"], kind="stable")
    distinct = [name for name in NAT_MAPPINGS.names if name not in ("capture", "frame", "time")]
    return NAT_MAPPINGS.conform(ordered.drop_duplicates(distinct))


def _from_bindings(bindings: pd.DataFrame) -> pd.DataFrame:
    """Mappings that responders told: a check that saw no change is left out."""
    found = bindings.rename(columns=BINDING)[[*TOLD, "seen_by_addr", "seen_by_port", "purpose"]]
    found["learned_from"] = found["purpose"].map(LEARNED_FROM)
    changed = (found["mapped_addr"] != found["base_addr"]) | (found["mapped_port"] != found["base_port"])
    told = found["mapped_addr"].notna() & found["base_addr"].notna() & found["learned_from"].notna()
    looked_up = (found["learned_from"] == "stun_server").fillna(False)
    return _mappings(found[told & (changed.fillna(False) | looked_up)])


def _from_candidates(candidates: pd.DataFrame) -> pd.DataFrame:
    found = candidates.rename(columns=CANDIDATE)[[*TOLD, "type"]]
    reflexive = (found["type"] == "srflx").fillna(False)
    said = found["base_addr"].notna() & ~found["base_addr"].isin(UNSAID) & found["mapped_addr"].notna()
    known = found[reflexive & said]
    return _mappings(known.assign(learned_from="candidate", seen_by_addr=None, seen_by_port=None))


def _mappings(found: pd.DataFrame) -> pd.DataFrame:
    kept = found.assign(port_preserved=found["base_port"] == found["mapped_port"])
    return NAT_MAPPINGS.conform(kept)


# What the deployment's access lists say of every candidate offered to the server.


def access(candidates: pd.DataFrame, deployment: Deployment) -> pd.DataFrame:
    """Fill ``acl_verdict`` of CANDIDATES but the server's own.

    NA where no lists are known, unknown where it is not known which are applied.
    """
    names, lists = deployment.candidate_acl, deployment.lists
    if not (names or lists) or candidates.empty:
        return candidates
    told = column(candidates["addr"])
    verdicts = {address: decide(address, names, lists).verdict for address in set(told)}
    offered = candidates["side"].ne(SERVER).fillna(False)
    verdict = pd.Series(pd.array([verdicts[address] for address in told], "string"), candidates.index)
    return candidates.assign(acl_verdict=verdict.where(offered))
