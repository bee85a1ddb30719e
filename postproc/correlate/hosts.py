"""Which machine is at either end of a leg: by a set of addresses, not by one.

A B2BUA may take a call on 127.0.0.1 and pass it on from its network card: then
only what it writes in Contact and SDP, or its name, shows that it is the same
machine. 127/8 is the same machine only within one recording.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address

import numpy as np
import pandas as pd

from postproc import constants
from postproc.correlate.arrays import UNKNOWN, Flags, Ints, Where, coded, leg_rows, padded
from postproc.correlate.records import column, records

WIDTH = constants.count("hosts.width")  # addresses of one end that are compared
LOOPBACK = "loopback of recording "
URI_HOST = re.compile(r"sips?:(?:[^@]*@)?(?:\[([^\]]+)\]|([^:;>?\s]+))", re.IGNORECASE)
UNSPECIFIED = frozenset(constants.words("addresses.unspecified"))
PARTIES = ("uac", "uas")

Said = tuple[int, str, str]  # row of the leg, party, address


@dataclass(frozen=True)
class End:
    """One end of each leg."""

    place: Ints  # address and port on the wire
    host: Ints  # the address alone
    hosts: Ints  # (legs, WIDTH): host first, then what Contact and SDP say
    agent: Ints
    loopback: Flags


def ends(legs: pd.DataFrame, sip: pd.DataFrame, addresses: pd.DataFrame, places: Where) -> tuple[End, End]:
    """Return the ends uac and uas of each leg.

    ``sip`` has the messages with their ``party``; ``addresses`` is what SDP names.
    """
    recording = [places.recordings[name] for name in column(legs["capture"])]
    wire = [_names(column(legs[f"{party}_addr"]), recording) for party in PARTIES]
    said = {party: list(enumerate(names)) for party, names in zip(PARTIES, wire, strict=True)}
    for row, party, addr in [*_contacts(sip, places), *_in_sdp(addresses, places)]:
        said[party].append((row, _name(addr, recording[row])))
    distinct = [list(dict.fromkeys(said[party])) for party in PARTIES]
    agents = coded(*(column(legs[f"{party}_agent"]) for party in PARTIES))
    uac, uas = _assembled(distinct, _places(legs, wire), agents)
    return uac, uas


def _assembled(
    said: list[list[tuple[int, str | None]]], places: list[Ints], agents: list[Ints]
) -> Iterator[End]:
    hosts = coded(*([addr for _, addr in named] for named in said))
    for named, codes, place, agent in zip(said, hosts, places, agents, strict=True):
        rows = np.array([row for row, _ in named], dtype="int64")
        table = padded(rows, codes, len(agent), WIDTH)
        # The wire address comes first of all: one per leg, known or not.
        on_wire = [addr for _, addr in named[: len(agent)]]
        loopback = np.array([bool(addr) and str(addr).startswith(LOOPBACK) for addr in on_wire], dtype=bool)
        yield End(place, table[:, 0], table, agent, loopback)


def _places(legs: pd.DataFrame, wire: list[list[str | None]]) -> list[Ints]:
    ports = [column(legs[f"{party}_port"]) for party in PARTIES]
    return coded(*(
        [addr and (addr, port) for addr, port in zip(*held, strict=True)]
        for held in zip(wire, ports, strict=True)
    ))  # fmt: skip


def _contacts(sip: pd.DataFrame, places: Where) -> Iterator[Said]:
    """Contacts of the INVITE's messages; those of a redirection are not its sender's own."""
    about = (sip["method"].fillna(sip["cseq_method"]) == "INVITE").fillna(False)
    own = (sip["status"].fillna(0) < 300).astype(bool)
    named = sip[about & own & sip["contact"].notna()]
    named = named.drop_duplicates(["capture", "call_id", "party", "contact"])
    told = zip(leg_rows(named, places).tolist(), records(named, "party", "contact"), strict=True)
    for row, (party, uri) in told:
        host = URI_HOST.match(uri)
        if host and row != UNKNOWN:
            yield row, party, host[1] or host[2]


def _in_sdp(addresses: pd.DataFrame, places: Where) -> Iterator[Said]:
    named = addresses.drop_duplicates(["capture", "call_id", "party", "addr"])
    told = zip(leg_rows(named, places).tolist(), records(named, "party", "addr"), strict=True)
    yield from (
        (row, party, addr) for row, (party, addr) in told if row != UNKNOWN and addr not in UNSPECIFIED
    )


def _names(addrs: list[str | None], recordings: list[int]) -> list[str | None]:
    return [addr and _name(addr, number) for addr, number in zip(addrs, recordings, strict=True)]


def _name(addr: str, recording: int) -> str:
    return f"{LOOPBACK}{recording}" if _is_loopback(addr) else addr


@lru_cache(maxsize=65536)
def _is_loopback(addr: str) -> bool:
    try:
        return ip_address(addr).is_loopback
    except ValueError:
        return addr.lower() == "localhost"
