"""What ties packets to legs, indexed: ICE checks, addresses named in SDP, NAT mappings, lives.

The index is made once for all captures; ``attribution`` asks it. Addresses are
kept by recording: two captures may hold other people's networks with the same
private addresses. Only an address whose leg is seen to end may also be looked
up from other recordings (scope ANYWHERE).
"""

from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.records import records
from postproc.correlate.spans import ALWAYS, LegKey, Span, Spans, Time, spans

Address = tuple[str, int]
Pair = tuple[Address, Address]
Recording = int | str
Life = tuple[Time, Time]
Ends = dict[tuple[LegKey, str | None, Address], Life]

ANYWHERE = "*"


class Check(NamedTuple):
    """A check, or a DTLS handshake, of a leg: sent by src; direction is src's way."""

    time: int
    leg: LegKey
    src: Address
    direction: str | None
    username: str | None


Evidence = dict[tuple[Recording, Pair], list[Check]]
Mapped = dict[tuple[Recording, Address], list[tuple[int, Address]]]


class Ties(NamedTuple):
    """All evidence. Times are ns since 1970; lists are in time order."""

    recordings: dict[str, int]
    checks: Evidence
    handshakes: Evidence
    places: dict[tuple[Recording, Address], Spans]
    mapped: Mapped
    ports: dict[LegKey, dict[int, set[str | None]]]
    lives: dict[LegKey, Life]


def pair_of(a: Address, b: Address) -> Pair:
    """Return the two transport addresses in a fixed order."""
    return (a, b) if a <= b else (b, a)


def recording_of(recordings: dict[str, int], capture: str) -> Recording:
    """Return the capture's recording; a capture without a number is its own."""
    return recordings.get(capture, capture)


def ties(
    legs: pd.DataFrame, endpoints: pd.DataFrame, bindings: pd.DataFrame, recordings: "pd.Series[Any]"
) -> Ties:
    """Index the evidence: legs with call, media endpoints, bindings with call, capture -> recording."""
    numbers = {str(capture): int(number) for capture, number in recordings.items()}
    ends = _ends(endpoints)
    return Ties(
        numbers,
        checks=_checks(bindings, numbers),
        handshakes={},
        places=_places(ends, _heard_in(legs, numbers)),
        mapped=_mapped(bindings, numbers),
        ports=_ports(ends),
        lives=_lives(legs),
    )


def with_handshakes(ties: Ties, dtls: pd.DataFrame) -> Ties:
    """Add DTLS handshakes with a call as evidence for what runs between the same addresses."""
    known = dtls[dtls["call"].notna()].sort_values("started", kind="stable")
    names = ("capture", "started", "call", "leg", "client_addr", "client_port", "server_addr", "server_port")
    found: Evidence = {}
    for capture, time, call, leg, *ends in records(known, *names):
        if time is not None and None not in ends:
            src, dst = (ends[0], ends[1]), (ends[2], ends[3])
            key = recording_of(ties.recordings, capture), pair_of(src, dst)
            found.setdefault(key, []).append(Check(time, (call, leg), src, None, None))
    return ties._replace(handshakes=found)


def _heard_in(legs: pd.DataFrame, numbers: dict[str, int]) -> dict[LegKey, set[Recording]]:
    """Return the recordings that hold SIP of each leg."""
    heard: dict[LegKey, set[Recording]] = {}
    for capture, call, leg in records(legs, "capture", "call", "leg"):
        heard.setdefault((call, leg), set()).add(recording_of(numbers, capture))
    return heard


def _checks(bindings: pd.DataFrame, numbers: dict[str, int]) -> Evidence:
    """Return the checks with a call by recording and pair of addresses."""
    known = bindings[bindings["call"].notna() & (bindings["purpose"] == "check").fillna(False)]
    known = known.sort_values("time", kind="stable")
    ends = records(known, "src_addr", "src_port", "dst_addr", "dst_port")
    rows = records(known, "capture", "time", "call", "leg", "direction", "username")
    found: Evidence = {}
    for (capture, time, call, leg, direction, username), end in zip(rows, ends, strict=True):
        if time is not None and None not in end:
            key = recording_of(numbers, capture), pair_of(end[:2], end[2:])
            found.setdefault(key, []).append(Check(time, (call, leg), end[:2], direction, username))
    return found


def _ends(endpoints: pd.DataFrame) -> Ends:
    """Return each leg's addresses and when they are the leg's, infinite where unknown."""
    ends: Ends = {}
    names = ("call", "leg", "side", "addr", "port", "start", "end")
    for call, leg, side, addr, port, start, end in records(endpoints, *names):
        if call is not None and addr is not None and port:
            key = (call, leg), side, (addr, port)
            begins, finishes = ends.get(key, ALWAYS[::-1])
            first = ALWAYS[0] if start is None else start
            ends[key] = min(begins, first), max(finishes, ALWAYS[1] if end is None else end)
    return ends


def _places(ends: Ends, heard: dict[LegKey, set[Recording]]) -> dict[tuple[Recording, Address], Spans]:
    """Return who is at an address, by recording, and ANYWHERE where the end is known."""
    found: dict[tuple[Recording, Address], list[Span]] = {}
    for (leg, side, address), (start, end) in ends.items():
        scopes = {*heard.get(leg, ()), *((ANYWHERE,) if end < ALWAYS[1] else ())}
        for scope in scopes:
            found.setdefault((scope, address), []).append(Span(start, end, leg, side))
    return {key: spans(items) for key, items in found.items()}


def _mapped(bindings: pd.DataFrame, numbers: dict[str, int]) -> Mapped:
    """Return what an address is called on the other side of a NAT, both ways."""
    known = bindings[bindings["mapped_addr"].notna()].sort_values("time", kind="stable")
    found: Mapped = {}
    for capture, time, *ends in records(
        known, "capture", "time", "src_addr", "src_port", "mapped_addr", "mapped_port"
    ):
        base, outside = (ends[0], ends[1]), (ends[2], ends[3])
        if None not in ends and time is not None and base != outside:
            scope = recording_of(numbers, capture)
            _learn(found.setdefault((scope, base), []), time, outside)
            _learn(found.setdefault((scope, outside), []), time, base)
    return found


def _learn(names: list[tuple[int, Address]], time: int, name: Address) -> None:
    if not names or names[-1][1] != name:
        names.append((time, name))


def _ports(ends: Ends) -> dict[LegKey, dict[int, set[str | None]]]:
    """Return each leg's media ports and whose they are."""
    ports: dict[LegKey, dict[int, set[str | None]]] = {}
    for leg, side, (_, port) in ends:
        ports.setdefault(leg, {}).setdefault(port, set()).add(side)
    return ports


def _lives(legs: pd.DataFrame) -> dict[LegKey, Life]:
    """Return first message .. end of each leg; of two vantage points the end that one shows counts."""
    starts: dict[LegKey, Time] = {}
    ends: dict[LegKey, Time] = {}
    for call, leg, time, state, end in records(legs, "call", "leg", "time", "state", "end_time"):
        start = ALWAYS[0] if time is None or state == "starts_mid_call" else time
        starts[call, leg] = min(starts.get((call, leg), start), start)
        if end is not None:
            ends[call, leg] = max(ends.get((call, leg), end), end)
    return {leg: (start, ends.get(leg, ALWAYS[1])) for leg, start in starts.items()}
