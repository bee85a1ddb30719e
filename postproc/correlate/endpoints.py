"""Who is at which address at which time: the index by which packets find their call.

Made once for all captures; ``whose`` asks it. Addresses come from session descriptions, which hold
for the leg's life, and from checks tied by their ufrags, which show bases that no description names.
They are kept by recording: two captures may hold other people's networks with the same private
addresses. Only an address whose leg is seen to end may also be looked up from other recordings
(scope ANYWHERE).
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.ice import IceSessions, Life, by_ufrags
from postproc.correlate.joining.features import UNSPECIFIED
from postproc.correlate.joining.identities import DISCARD
from postproc.correlate.parties import Description, End, Place, Side
from postproc.correlate.rows import NS_PER_S, records
from postproc.correlate.sip import NO_TIME, moments
from postproc.model import constants
from postproc.model.tables import SLACK_S

Time = float  # ns since 1970, infinite where unknown
LegKey = tuple[int, int | None]  # call and leg; an ICE session without SIP has no leg
Address = tuple[str, int]
Pair = tuple[Address, Address]
Recording = int | str

ALWAYS = (float("-inf"), float("inf"))
ANYWHERE = "*"
WAYS: dict[str | None, tuple[str | None, str | None]] = {
    "server_to_client": ("server", "client"),
    "client_to_server": ("client", "server"),
}
SLACK = SLACK_S * NS_PER_S
# From a look-up at a STUN server, or the making of a TURN relay, to the first check from the same base:
# candidates are gathered before the INVITE or its answer, and people let it ring. Below some 10 s the
# look-ups of calls that ring are lost; the longer it is, the likelier the port was another call's.
GATHERING = constants.nanoseconds("whose.gathering_s")


# Spans of time, searched by overlap. A maximum tree over the ends finds each match in logarithmic time,
# however many spans share one address: thousands of calls on one media port, or a call whose end was
# never seen, must not make the search quadratic.


class Span(NamedTuple):
    """A leg's right to an address; times in ns, infinite where unknown."""

    start: Time
    end: Time
    leg: LegKey
    side: str | None


class Spans(NamedTuple):
    """Spans sorted by start, their starts, the maximum tree of their ends, and spans by leg."""

    spans: list[Span]
    starts: list[Time]
    latest_end: list[Time]
    by_leg: dict[LegKey, list[Span]]


def spans(items: Iterable[Span]) -> Spans:
    """Index the spans."""
    ordered = sorted(items, key=lambda span: span.start)
    by_leg: dict[LegKey, list[Span]] = {}
    for span in ordered:
        by_leg.setdefault(span.leg, []).append(span)
    return Spans(ordered, [span.start for span in ordered], _maximum_tree([s.end for s in ordered]), by_leg)


def _maximum_tree(values: list[Time]) -> list[Time]:
    """Return a binary tree in a list: node n has children 2n and 2n + 1, leaves are the values."""
    size = 1 << max(len(values) - 1, 0).bit_length()
    tree = [ALWAYS[0]] * size + values + [ALWAYS[0]] * (size - len(values))
    for node in range(size - 1, 0, -1):
        tree[node] = max(tree[2 * node], tree[2 * node + 1])
    return tree


def overlapping(index: Spans, first: Time, last: Time) -> Iterator[Span]:
    """Yield the spans that share time with first .. last, latest start first."""
    started = bisect_right(index.starts, last)
    todo = [(1, 0, len(index.latest_end) // 2)]
    while todo:
        node, begin, width = todo.pop()
        if begin >= started or index.latest_end[node] < first:
            continue
        if width == 1:
            yield index.spans[begin]
        else:
            half = width // 2
            todo += [(2 * node, begin, half), (2 * node + 1, begin + half, half)]


def span_of(index: Spans, leg: LegKey, first: Time, last: Time) -> Span | None:
    """Return the leg's span there that shares time with first .. last."""
    held = index.by_leg.get(leg, ())
    return next((span for span in held if span.start <= last and span.end >= first), None)


# The addresses that descriptions name


def endpoints(
    sdp_media: pd.DataFrame,
    candidates: pd.DataFrame,
    authors: Mapping[Place, Description],
    sides: Mapping[End, Side],
    legs: Mapping[str, tuple[int, int, Life]],
    *,
    signalling: Mapping[End, str] | None = None,
) -> pd.DataFrame:
    """Return the media endpoints: call, leg, side, addr, port, start, end; one row per leg, side and address.

    The related address of a candidate is one, too: the base of a look-up at a STUN server. So is, where
    no ICE tells more, the address a party's SIP comes from with the port of its description: NAT may hide
    the described address at both ends. ``signalling`` has it by Call-ID and party.
    ``legs`` has call, leg and life by Call-ID. An end that was not seen is NA.
    """
    rows = [
        (
            call,
            leg,
            sides[call_id, party][0],
            addr,
            port,
            life.start,
            NO_TIME if life.end is None else life.end,
        )
        for call_id, party, addr, port in dict.fromkeys(
            chain(_named(sdp_media, candidates, authors), _behind_nat(sdp_media, authors, signalling or {}))
        )
        if call_id in legs
        for call, leg, life in [legs[call_id]]
    ]
    call, leg, side, addr, port, start, end = zip(*rows, strict=True) if rows else ((),) * 7
    found = {"call": pd.array(call, "Int64"), "leg": pd.array(leg, "Int64"), "side": pd.array(side, "string")}
    found |= {"addr": pd.array(addr, "string"), "port": pd.array(port, "Int64")}
    return pd.DataFrame(found | {"start": moments(list(start)), "end": moments(list(end))})


def _named(
    sdp_media: pd.DataFrame, candidates: pd.DataFrame, authors: Mapping[Place, Description]
) -> Iterator[tuple[str, str, str, int]]:
    """Yield Call-ID, party, address and port."""
    for place, addr, port in _addresses(sdp_media, candidates):
        author = authors.get(place)
        if author and place[2] and addr and port and port != DISCARD and addr not in UNSPECIFIED:
            yield place[2], author.party, addr, port


def _behind_nat(
    sdp_media: pd.DataFrame, authors: Mapping[Place, Description], signalling: Mapping[End, str]
) -> Iterator[tuple[str, str, str, int]]:
    """Yield Call-ID, party, the address its SIP comes from, and its media port."""
    places = records(sdp_media, "capture", "frame", "call_id")
    for place, (ufrag, port) in zip(places, records(sdp_media, "ufrag", "port"), strict=True):
        author = authors.get(place)
        host = signalling.get((place[2], author.party)) if author and place[2] else None
        if author and place[2] and host and port and port != DISCARD and ufrag is None:
            yield place[2], author.party, host, port


def _addresses(
    sdp_media: pd.DataFrame, candidates: pd.DataFrame
) -> Iterator[tuple[Place, str | None, int | None]]:
    place = ("capture", "frame", "call_id")
    for *key, addr, port in records(sdp_media, *place, "connection_addr", "port"):
        yield (key[0], key[1], key[2]), addr, port
    for *key, addr, port, base, base_port in records(
        candidates, *place, "addr", "port", "related_addr", "related_port"
    ):
        yield (key[0], key[1], key[2]), addr, port
        yield (key[0], key[1], key[2]), base, base_port


# The index


class Use(NamedTuple):
    """A packet, or several, of a leg from src: a check, a handshake, a stream; direction is src's way."""

    time: int
    leg: LegKey
    src: Address
    direction: str | None
    username: str | None


Uses = dict[tuple[Recording, Pair], list[Use]]  # in order of time
Named = dict[tuple[LegKey, str | None, Address], tuple[Time, Time]]


class Index(NamedTuple):
    """All that is known. Times are ns since 1970; lists are in order of time."""

    recordings: dict[str, int]
    sessions: IceSessions  # by their two ufrags
    checks: Uses
    others: tuple[Uses, ...]  # what else is tied already, the better evidence first
    places: dict[tuple[Recording, Address], Spans]
    mapped: dict[tuple[Recording, Address], list[tuple[int, Address]]]  # its names across the NAT
    ports: dict[LegKey, dict[int, set[str | None]]]  # media ports by whose side they are
    lives: dict[LegKey, tuple[Time, Time]]
    asked: dict[tuple[Recording, str], Spans]  # legs by the host that was sent their INVITE, till its answer


def index(
    legs: pd.DataFrame,
    endpoints: pd.DataFrame,
    ice_sessions: pd.DataFrame,
    recordings: "pd.Series[Any]",
) -> Index:
    """Index what signalling says: numbered legs, media endpoints, ICE sessions, capture -> recording."""
    numbers = {str(capture): int(number) for capture, number in recordings.items()}
    named = _ends(endpoints)
    return Index(
        numbers,
        by_ufrags(ice_sessions),
        checks={},
        others=(),
        places=_places(named, _heard_in(legs, numbers)),
        mapped={},
        ports=_ports(named),
        lives=lives(legs),
        asked=_asked(legs, numbers),
    )


def pair_of(a: Address, b: Address) -> Pair:
    """Return the two transport addresses in a fixed order."""
    return (a, b) if a <= b else (b, a)


def recording_of(recordings: Mapping[str, int], capture: str) -> Recording:
    """Return the capture's recording; a capture without a number is its own."""
    return recordings.get(capture, capture)


def with_bindings(index: Index, bindings: pd.DataFrame) -> Index:
    """Add STUN transactions: checks that have a call, the bases they came from, and NAT mappings."""
    checks = _checks(bindings, index.recordings)
    return index._replace(
        checks=checks,
        mapped=_mapped(bindings, index.recordings),
        places=_with_bases(index, checks),
    )


def with_requests(index: Index, bindings: pd.DataFrame) -> Index:
    """Add all STUN transactions with a call, look-ups too: what an ICMP error may quote too shortly."""
    found = _uses(index, bindings, "time", "src_addr", "src_port", "dst_addr", "dst_port")
    return index._replace(others=(*index.others, found))


def with_handshakes(index: Index, dtls: pd.DataFrame) -> Index:
    """Add DTLS handshakes with a call as evidence for what runs between the same addresses."""
    names = ("started", "client_addr", "client_port", "server_addr", "server_port")
    return index._replace(others=(*index.others, _uses(index, dtls, *names)))


def with_streams(index: Index, rtp_streams: pd.DataFrame) -> Index:
    """Add RTP streams with a call, by their first and their last packet, and RTCP on the next port.

    That one (RFC 3550, section 11) has no rows of its own, but ICMP errors quote it.
    """
    known = rtp_streams[rtp_streams["call"].notna()]
    found: Uses = {}
    times = ("first_time", "last_time")
    for capture, first, last, call, leg, src_addr, src_port, dst_addr, dst_port in records(
        known, "capture", *times, "call", "leg", "src_addr", "src_port", "dst_addr", "dst_port"
    ):
        if None in (first, last, src_addr, src_port, dst_addr, dst_port):
            continue
        for shift in (0, 1):
            src, dst = (src_addr, src_port + shift), (dst_addr, dst_port + shift)
            held = found.setdefault((recording_of(index.recordings, capture), pair_of(src, dst)), [])
            held += (Use(time, (call, leg), src, None, None) for time in (first, last))
    for held in found.values():
        held.sort(key=lambda use: use.time)
    return index._replace(others=(*index.others, found))


def _uses(index: Index, rows: pd.DataFrame, time: str, *ends: str) -> Uses:
    known = rows[rows["call"].notna() & rows[time].notna()].sort_values(time, kind="stable")
    found: Uses = {}
    for capture, at, call, leg, *end in records(known, "capture", time, "call", "leg", *ends):
        if None not in end:
            src, dst = (end[0], end[1]), (end[2], end[3])
            key = recording_of(index.recordings, capture), pair_of(src, dst)
            found.setdefault(key, []).append(Use(at, (call, leg), src, None, None))
    return found


def _checks(bindings: pd.DataFrame, numbers: Mapping[str, int]) -> Uses:
    """Return the checks with a call by recording and pair of addresses."""
    known = bindings[bindings["call"].notna() & (bindings["purpose"] == "check").fillna(False)]
    known = known.sort_values("time", kind="stable")
    ends = records(known, "src_addr", "src_port", "dst_addr", "dst_port")
    rows = records(known, "capture", "time", "call", "leg", "direction", "username")
    found: Uses = {}
    for (capture, time, call, leg, direction, username), end in zip(rows, ends, strict=True):
        if time is not None and None not in end:
            key = recording_of(numbers, capture), pair_of(end[:2], end[2:])
            found.setdefault(key, []).append(Use(time, (call, leg), end[:2], direction, username))
    return found


def _with_bases(index: Index, checks: Uses) -> dict[tuple[Recording, Address], Spans]:
    """Return the places with those added from which, or at which, a leg was checked, for that time."""
    seen: dict[tuple[Recording, Address, LegKey], tuple[int, int, str | None]] = {}
    for (scope, pair), uses in checks.items():
        for use in uses:
            sides = WAYS.get(use.direction, (None, None))
            for address, side in zip(pair if use.src == pair[0] else pair[::-1], sides, strict=True):
                first, last, _ = seen.get((scope, address, use.leg), (use.time, use.time, None))
                seen[scope, address, use.leg] = min(first, use.time), max(last, use.time), side
    found: dict[tuple[Recording, Address], list[Span]] = {}
    for (scope, address, leg), (first, last, side) in seen.items():
        there = index.places.get((scope, address))
        if not (there and span_of(there, leg, first, last)):
            over = index.lives.get(leg, ALWAYS)[1] + SLACK
            span = Span(first - GATHERING, min(last + GATHERING, max(over, last)), leg, side)
            found.setdefault((scope, address), []).append(span)
    empty = spans(())
    added = {key: spans([*index.places.get(key, empty).spans, *more]) for key, more in found.items()}
    return index.places | added


def _ends(endpoints: pd.DataFrame) -> Named:
    """Return each leg's addresses and when they are the leg's, infinite where unknown."""
    ends: Named = {}
    names = ("call", "leg", "side", "addr", "port", "start", "end")
    for call, leg, side, addr, port, start, end in records(endpoints, *names):
        if call is not None and addr is not None and port:
            key = (call, leg), side, (addr, port)
            begins, finishes = ends.get(key, ALWAYS[::-1])
            first = ALWAYS[0] if start is None else start
            ends[key] = min(begins, first), max(finishes, ALWAYS[1] if end is None else end)
    return ends


def _places(ends: Named, heard: Mapping[LegKey, set[Recording]]) -> dict[tuple[Recording, Address], Spans]:
    """Return who is at an address, by recording, and ANYWHERE where the end is known."""
    found: dict[tuple[Recording, Address], list[Span]] = {}
    for (leg, side, address), (start, end) in ends.items():
        scopes = {*heard.get(leg, ()), *((ANYWHERE,) if end < ALWAYS[1] else ())}
        for scope in scopes:
            found.setdefault((scope, address), []).append(Span(start, end, leg, side))
    return {key: spans(items) for key, items in found.items()}


def _heard_in(legs: pd.DataFrame, numbers: Mapping[str, int]) -> dict[LegKey, set[Recording]]:
    """Return the recordings that hold SIP of each leg."""
    heard: dict[LegKey, set[Recording]] = {}
    for capture, call, leg in records(legs, "capture", "call", "leg"):
        heard.setdefault((call, leg), set()).add(recording_of(numbers, capture))
    return heard


def _mapped(
    bindings: pd.DataFrame, numbers: Mapping[str, int]
) -> dict[tuple[Recording, Address], list[tuple[int, Address]]]:
    """Return what an address is called on the other side of a NAT, both ways."""
    known = bindings[bindings["mapped_addr"].notna()].sort_values("time", kind="stable")
    found: dict[tuple[Recording, Address], list[tuple[int, Address]]] = {}
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


def _ports(ends: Named) -> dict[LegKey, dict[int, set[str | None]]]:
    """Return each leg's media ports and whose they are."""
    ports: dict[LegKey, dict[int, set[str | None]]] = {}
    for leg, side, (_, port) in ends:
        ports.setdefault(leg, {}).setdefault(port, set()).add(side)
    return ports


def lives(legs: pd.DataFrame) -> dict[LegKey, tuple[Time, Time]]:
    """Return first message .. end of each leg, and of each call as (call, None).

    Of two vantage points the end that one shows counts.
    """
    starts: dict[LegKey, Time] = {}
    ends: dict[LegKey, Time] = {}
    for call, leg, time, state, end in records(legs, "call", "leg", "time", "state", "end_time"):
        start = ALWAYS[0] if time is None or state == "starts_mid_call" else time
        starts[call, leg] = min(starts.get((call, leg), start), start)
        if end is not None:
            ends[call, leg] = max(ends.get((call, leg), end), end)
    found = {leg: (start, ends.get(leg, ALWAYS[1])) for leg, start in starts.items()}
    for (call, _), (start, over) in list(found.items()):
        first, last = found.get((call, None), (start, over))
        found[call, None] = min(first, start), max(last, over)
    return found


def _asked(legs: pd.DataFrame, numbers: Mapping[str, int]) -> dict[tuple[Recording, str], Spans]:
    """Return the legs whose INVITE a host has got and not yet answered: it may be gathering candidates."""
    found: dict[tuple[Recording, str], list[Span]] = {}
    names = ("capture", "call", "leg", "uas_addr", "invite_time", "answer_time", "end_time")
    for capture, call, leg, host, invited, *over in records(legs, *names):
        if host is not None and invited is not None:
            answered = min((time for time in over if time is not None), default=invited + GATHERING)
            span = Span(invited, answered, (call, leg), None)
            found.setdefault((recording_of(numbers, capture), host), []).append(span)
    return {key: spans(items) for key, items in found.items()}
