"""Features of legs that the legs of one call may share, as arrays with a row per leg.

Arrays allow many pairs of legs to be compared at once. Words are encoded as integers that are equal where
the words are; UNKNOWN equals nothing.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from operator import itemgetter
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from postproc.correlate.joining.words import number, users
from postproc.correlate.rows import NO_TIME, NS_PER_S, column, late, records
from postproc.correlate.sip import user_part
from postproc.model import constants
from postproc.model.addresses import UNSPECIFIED
from postproc.model.statuses import is_refusal

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

UNKNOWN = -1
BACKGROUND = constants.count("evidence.background")
AT_ONCE = constants.number("couples.reaction_s")  # s between a 200 that nobody wants any more and the BYE


class Where(NamedTuple):
    """Index of the legs: recording by capture, row of ``legs`` by recording and Call-ID."""

    recordings: dict[str | None, int]
    rows: dict[tuple[int, str | None], int]

    def row(self, capture: str | None, call_id: str | None) -> int:
        """Return the leg's row, UNKNOWN where there is none."""
        return self.rows.get((self.recordings.get(capture, UNKNOWN), call_id), UNKNOWN)


def where(legs: pd.DataFrame, recordings: "pd.Series[int]") -> Where:
    """Index the legs; a capture missing from ``recordings`` is a recording of its own."""
    numbers: dict[str | None, int] = {str(name): int(number) for name, number in recordings.items()}
    for capture in column(legs["capture"]):
        numbers.setdefault(capture, max(numbers.values(), default=UNKNOWN) + 1)
    keys = zip(
        (numbers[capture] for capture in column(legs["capture"])), column(legs["call_id"]), strict=True
    )
    return Where(numbers, {key: row for row, key in enumerate(keys)})


def coded(*columns: Iterable[Any]) -> list[Ints]:
    """Number the words of several columns alike, from 0; None is UNKNOWN."""
    numbers: dict[Any, int] = {}
    return [
        np.array(
            [UNKNOWN if word is None else numbers.setdefault(word, len(numbers)) for word in words], "int64"
        )
        for words in columns
    ]


def padded(rows: Ints, values: Ints, height: int, width: int) -> Ints:
    """Return a (height, up to ``width``) array with each row's first values in order, padded by UNKNOWN."""
    order = np.argsort(rows, kind="stable")
    rows, values = rows[order], values[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    keep = (place < width) & (rows >= 0)
    table = np.full((height, int(place[keep].max(initial=0)) + 1), UNKNOWN, dtype="int64")
    table[rows[keep], place[keep]] = values[keep]
    return table


def shared(one: Ints, other: Ints) -> Flags:
    """Return where two (pairs, width) arrays have a known word in common."""
    equal = (one[:, :, None] == other[:, None, :]) & (one[:, :, None] >= 0)
    return np.asarray(equal.any(axis=(1, 2)), dtype=bool)


def rarity(words: Ints) -> Floats:
    """Return how surprising each word is in a leg of another call: -log of its share of the legs.

    ``words`` has one row per leg, of one word or several.
    """
    _, place, counts = np.unique(words, return_inverse=True, return_counts=True)
    others = np.maximum(counts[place].reshape(words.shape) - 1, 1)
    surprise: Floats = -np.log(np.minimum(others / (len(words) + BACKGROUND), 1.0))
    return surprise


def distinct(numbers: Ints) -> Ints:
    """Return each number once, sorted; faster than numpy.unique for millions, which hashes."""
    ordered = np.sort(numbers)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered


# Calling and called party of each leg, from every header that names them.


NAMES = constants.count("users.width")  # names of one party that are compared
CALLER_HEADERS = frozenset(constants.words("sip.caller_headers"))
CALLEE_HEADERS = frozenset(constants.words("sip.callee_headers"))
PARTY_CALLED: str = constants.value("sip.party_called")

Named = list[tuple[int, str]]  # row of the leg, user part
Requests = dict[int, str]  # URI of the INVITE by row of the leg


class Users(NamedTuple):
    """One party of each leg: (legs, WIDTH) arrays of the keys of its numbers, see ``numbers``."""

    exact: Ints
    tail: Ints
    key: Ints  # equal wherever exact or tail may be: to look legs up by
    rarity: Floats  # of each key


def parties(
    legs: pd.DataFrame, requests: Requests, headers: pd.DataFrame, places: Where, region: str | None
) -> tuple[Users, Users]:
    """Return caller and callee of each leg; ``region`` (ISO 3166) is used to read national numbers."""
    callers = [*enumerate(column(legs["from_user"]))]
    called = ((row, user_part(uri)) for row, uri in requests.items())
    callees = [*enumerate(column(legs["to_user"])), *called]
    for is_caller, row, user in _in_headers(headers, places):
        (callers if is_caller else callees).append((row, user))
    return _users(_distinct(callers), len(legs), region), _users(_distinct(callees), len(legs), region)


def _distinct(named: list[tuple[int, str | None]]) -> Named:
    return [(row, user) for row, user in dict.fromkeys(named) if user]


def _in_headers(headers: pd.DataFrame, places: Where) -> Iterator[tuple[bool, int, str]]:
    for capture, call_id, name, value in dict.fromkeys(
        records(headers, "capture", "call_id", "name", "value")
    ):
        if name in CALLER_HEADERS | CALLEE_HEADERS and value is not None:
            row = places.row(capture, call_id)
            is_caller = name in CALLER_HEADERS and PARTY_CALLED not in value.lower()
            if row != UNKNOWN:
                yield from ((is_caller, row, user) for user in users(value))


def _users(named: Named, legs: int, region: str | None) -> Users:
    numbers = {user: number(user, region) for user in dict.fromkeys(user for _, user in named)}
    with_key = [(row, numbers[user]) for row, user in named if numbers[user] != (None, None)]
    rows = np.array([row for row, _ in with_key], dtype="int64")
    (exacts,), (tails,) = coded(n.exact for _, n in with_key), coded(n.tail for _, n in with_key)
    exact, tail = padded(rows, exacts, legs, NAMES), padded(rows, tails, legs, NAMES)
    key = np.where(tail >= 0, tail + exact.max(initial=0) + 1, exact)
    return Users(exact, tail, key, rarity(key))


# The machine at either end of a leg, by a set of addresses.
#
# A B2BUA may receive a call on 127.0.0.1 and forward it from its network card. Only
# its addresses in Contact and SDP, or its product name, show then that it is the same
# machine. 127/8 means the same machine only within one recording.


ADDRESSES = constants.count("hosts.width")  # addresses of one end that are compared
LOOPBACK = "loopback of recording "
URI_HOST = re.compile(r"sips?:(?:[^@]*@)?(?:\[([^\]]+)\]|([^:;>?\s]+))", re.IGNORECASE)
PARTIES = ("uac", "uas")

Addresses = Iterable[tuple[str, str | None, str, str]]  # capture, Call-ID, party, address in SDP
EndAddress = tuple[int, str, str]  # row of the leg, party, address


class End(NamedTuple):
    """One end of each leg."""

    place: Ints  # address and port on the wire
    host: Ints  # the address alone
    hosts: Ints  # (legs, WIDTH): host first, then addresses in Contact and SDP
    agent: Ints
    loopback: Flags


def ends(legs: pd.DataFrame, sip: pd.DataFrame, addresses: Addresses, places: Where) -> tuple[End, End]:
    """Return the ends uac and uas of each leg.

    ``sip`` has the messages with their ``party``; ``addresses`` those named in SDP.
    """
    recording = [places.recordings[name] for name in column(legs["capture"])]
    wire = [_names(column(legs[f"{party}_addr"]), recording) for party in PARTIES]
    by_party = {party: list(enumerate(names)) for party, names in zip(PARTIES, wire, strict=True)}
    for row, party, addr in [*_contacts(sip, places), *_in_sdp(addresses, places)]:
        by_party[party].append((row, _name(addr, recording[row])))
    distinct = [list(dict.fromkeys(by_party[party])) for party in PARTIES]
    agents = coded(*(column(legs[f"{party}_agent"]) for party in PARTIES))
    uac, uas = _assembled(distinct, _places(legs, wire), agents)
    return uac, uas


def _assembled(
    by_party: list[list[tuple[int, str | None]]], places: list[Ints], agents: list[Ints]
) -> Iterator[End]:
    hosts = coded(*([addr for _, addr in named] for named in by_party))
    for named, codes, place, agent in zip(by_party, hosts, places, agents, strict=True):
        rows = np.array([row for row, _ in named], dtype="int64")
        table = padded(rows, codes, len(agent), ADDRESSES)
        # Wire addresses come first in ``named``, one per leg whether known or not.
        on_wire = [addr for _, addr in named[: len(agent)]]
        loopback = np.array([bool(addr) and str(addr).startswith(LOOPBACK) for addr in on_wire], dtype=bool)
        yield End(place, table[:, 0], table, agent, loopback)


def _places(legs: pd.DataFrame, wire: list[list[str | None]]) -> list[Ints]:
    ports = [column(legs[f"{party}_port"]) for party in PARTIES]
    return coded(
        *(
            [addr and (addr, port) for addr, port in zip(*wire_and_ports, strict=True)]
            for wire_and_ports in zip(wire, ports, strict=True)
        )
    )


def _contacts(sip: pd.DataFrame, places: Where) -> Iterator[EndAddress]:
    """Yield hosts in the Contact of INVITEs and their responses; a redirection's names another machine."""
    named = records(sip, "capture", "call_id", "party", "contact")
    said = records(sip, "method", "cseq_method", "status")
    contacts = dict.fromkeys(
        contact
        for contact, (method, about, status) in zip(named, said, strict=True)
        if contact[-1] is not None and (method or about) == "INVITE" and not is_refusal(status)
    )
    for capture, call_id, party, uri in contacts:
        row, host = places.row(capture, call_id), URI_HOST.match(uri)
        if host and row != UNKNOWN:
            yield row, party, host[1] or host[2]


def _in_sdp(addresses: Addresses, places: Where) -> Iterator[EndAddress]:
    for capture, call_id, party, addr in dict.fromkeys(addresses):
        row = places.row(capture, call_id)
        if row != UNKNOWN and addr not in UNSPECIFIED:
            yield row, party, addr


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


# All features, one place per row of ``legs``.


@dataclass(frozen=True)
class Facts:
    """Features as arrays; times are seconds since the first leg, NaN if not known."""

    node: Ints  # equal in the rows of one Call-ID
    recording: Ints
    start: Floats  # first INVITE, else first message
    invited: Flags  # the INVITE was seen
    progress: Floats
    ringing: Floats
    answer: Floats  # NaN also where it was called off at the same moment
    end: Floats
    ended_by: Ints  # place in PARTIES
    failure: Ints  # final status from 400 on; not 487, which answers a CANCEL
    target: Ints  # Request-URI without parameters
    caller: Users
    callee: Users
    uac: End
    uas: End

    def __len__(self) -> int:
        return len(self.node)


class Messages(NamedTuple):
    """Input of the features: messages with their ``party``, headers, and addresses in SDP."""

    sip: pd.DataFrame
    headers: pd.DataFrame
    addresses: Addresses


def facts(legs: pd.DataFrame, messages: Messages, places: Where, region: str | None) -> Facts:
    """Return the features of all ``legs``; ``region`` (ISO 3166) is used to read national numbers."""
    invite, progress, ringing, answer, end = (
        seconds(legs, f"{name}_time") for name in ("invite", "progress", "ringing", "answer", "end")
    )
    requests = _requests(messages.sip, places)
    caller, callee = parties(legs, requests, messages.headers, places, region)
    uac, uas = ends(legs, messages.sip, messages.addresses, places)
    status = np.array([code or 0 for code in column(legs["final_status"])], dtype="int64")
    return Facts(
        node=coded(column(legs["call_id"]))[0],
        recording=np.array([places.recordings[name] for name in column(legs["capture"])], dtype="int64"),
        start=np.where(np.isnan(invite), seconds(legs, "time"), invite),
        invited=~np.isnan(invite),
        progress=progress,
        ringing=ringing,
        answer=np.where(_called_off(messages.sip, places, answer, end), np.nan, answer),
        end=end,
        ended_by=np.array(
            [PARTIES.index(by) if by in PARTIES else UNKNOWN for by in column(legs["ended_by"])], int
        ),
        failure=np.where((status >= 400) & (status != 487), status, UNKNOWN),
        target=_targets(requests, len(legs)),
        caller=caller,
        callee=callee,
        uac=uac,
        uas=uas,
    )


def _called_off(sip: pd.DataFrame, places: Where, answer: Floats, end: Floats) -> Flags:
    """Return where the caller's CANCEL crossed the 200 and a BYE followed at once (RFC 3261, section 9.1).

    As to the call, such a leg was never answered: of targets rung side by side it is one that lost.
    """
    cancels = {
        (capture, call_id)
        for capture, call_id, method, party in records(sip, "capture", "call_id", "method", "party")
        if method == "CANCEL" and party == "uac"
    }
    cancelled = np.zeros(len(answer), dtype=bool)
    cancelled[[row for row in (places.row(*each) for each in cancels) if row != UNKNOWN]] = True
    return np.asarray(cancelled & (end - answer <= AT_ONCE), dtype=bool)


def seconds(legs: pd.DataFrame, name: str) -> Floats:
    """Return a column of times as seconds since the first leg."""
    times, since = (cast(Any, legs[each].array).as_unit("ns").asi8 for each in (name, "time"))
    present = since[since != NO_TIME]
    if not len(present):
        return np.full(len(legs), np.nan)
    return np.where(times == NO_TIME, np.nan, (times - present.min()) / NS_PER_S)


def _requests(sip: pd.DataFrame, places: Where) -> Requests:
    """Return the URI of the last initial INVITE of each leg."""
    initial = (
        (late(time), places.row(capture, call_id), uri)
        for method, to_tag, uri, time, capture, call_id in records(
            sip, "method", "to_tag", "request_uri", "time", "capture", "call_id"
        )
        if method == "INVITE" and to_tag is None and uri is not None
    )
    last = {row: uri for _, row, uri in sorted(initial, key=itemgetter(0))}
    last.pop(UNKNOWN, None)
    return last


def _targets(requests: Requests, legs: int) -> Ints:
    targets = np.full(legs, UNKNOWN, dtype="int64")
    targets[[*requests]] = coded(uri.partition(";")[0] for uri in requests.values())[0]
    return targets
