"""Which leg uses which transport address at which time: the index by which packets find their call.

It is built once for all captures and queried by ``whose``. Addresses come from session descriptions,
which hold for the leg's life, and from checks attributed by their ufrags, which reveal bases that no
description names. Addresses are kept per recording, because two captures may show different networks
with the same private addresses. Only an address whose leg was seen to end can be looked up from other
recordings (scope ANYWHERE).
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.ice import IceSessions, Life, by_ufrags
from postproc.correlate.joining.identities import DISCARD
from postproc.correlate.parties import Description, End, Place, Side
from postproc.correlate.rows import NS_PER_S, records
from postproc.correlate.spans import ALWAYS, LegKey, Span, Spans, Time, span_of, spans
from postproc.model import constants
from postproc.model.addresses import UNSPECIFIED, alternatives
from postproc.model.columns import INTEGER, TEXT, TIME, array
from postproc.model.tables import SLACK_S

Address = tuple[str, int]
Pair = tuple[Address, Address]
Recording = int | str

ANYWHERE = "*"
WAYS: dict[str | None, tuple[str | None, str | None]] = {
    "server_to_client": ("server", "client"),
    "client_to_server": ("client", "server"),
}
SLACK = SLACK_S * NS_PER_S
# From a STUN server look-up or a TURN allocation to the first check from the same base: candidates are
# gathered before the INVITE or its answer, and the phone may ring meanwhile. Below about 10 s, look-ups
# of ringing calls stay unattributed; the longer it is, the more likely the port was another call's.
GATHERING = constants.nanoseconds("whose.gathering_s")


# The addresses that descriptions name


ENDPOINTS = {
    "call": INTEGER,
    "leg": INTEGER,
    "side": TEXT,
    "addr": TEXT,
    "port": INTEGER,
    "start": TIME,
    "end": TIME,
}


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

    A candidate's related address counts too: it is the base of a STUN server look-up. Where there is no
    ICE, so does the source address of a party's SIP with the port of its description, since NAT may hide
    the described address at both ends; ``signalling`` has that address by Call-ID and party.
    ``legs`` has call, leg and life by Call-ID. ``end`` is NA where the leg's end was not captured.
    """
    rows = [
        (
            call,
            leg,
            sides[call_id, party][0],
            addr,
            port,
            life.start,
            life.end,
        )
        for call_id, party, addr, port in dict.fromkeys(
            chain(_named(sdp_media, candidates, authors), _behind_nat(sdp_media, authors, signalling or {}))
        )
        if call_id in legs
        for call, leg, life in [legs[call_id]]
    ]
    columns = zip(*rows, strict=True) if rows else ((),) * len(ENDPOINTS)
    return pd.DataFrame(
        {name: array(values, dtype) for (name, dtype), values in zip(ENDPOINTS.items(), columns, strict=True)}
    )


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
    for *key, addr, port, others in records(sdp_media, *place, "connection_addr", "port", "alternatives"):
        yield (key[0], key[1], key[2]), addr, port
        for other, other_port in alternatives(others):
            yield (key[0], key[1], key[2]), other, other_port
    for *key, addr, port, base, base_port in records(
        candidates, *place, "addr", "port", "related_addr", "related_port"
    ):
        yield (key[0], key[1], key[2]), addr, port
        yield (key[0], key[1], key[2]), base, base_port


# The index


class Use(NamedTuple):
    """A check, handshake or stream of a leg, sent from ``src`` in ``direction``; time in ns since 1970."""

    time: int
    leg: LegKey
    src: Address
    direction: str | None
    username: str | None


Uses = dict[tuple[Recording, Pair], list[Use]]  # in order of time
Named = dict[tuple[LegKey, str | None, Address], tuple[Time, Time]]


class Index(NamedTuple):
    """Everything that attributes packets to legs. Times are ns since 1970; lists are in order of time."""

    recordings: dict[str, int]
    sessions: IceSessions  # by their two ufrags
    checks: Uses
    others: tuple[Uses, ...]  # other traffic already attributed, strongest evidence first
    places: dict[tuple[Recording, Address], Spans]
    mapped: dict[tuple[Recording, Address], list[tuple[int, Address]]]  # the address on the other side of NAT
    ports: dict[LegKey, dict[int, set[str | None]]]  # media ports by whose side they are
    lives: dict[LegKey, tuple[Time, Time]]
    asked: dict[tuple[Recording, str], Spans]  # legs by the host that received the INVITE, until it answers


def index(
    legs: pd.DataFrame,
    endpoints: pd.DataFrame,
    ice_sessions: pd.DataFrame,
    recordings: "pd.Series[Any]",
    sip_messages: pd.DataFrame,
) -> Index:
    """Build the index: numbered legs, media endpoints, ICE sessions, recordings, SIP of all places."""
    numbers = {str(capture): int(number) for capture, number in recordings.items()}
    addresses = _ends(endpoints)
    return Index(
        numbers,
        by_ufrags(ice_sessions),
        checks={},
        others=(),
        places=_places(addresses, _heard_in(legs, sip_messages, numbers)),
        mapped={},
        ports=_ports(addresses),
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
    """Add every STUN transaction with a call: an ICMP error may quote too little to name the transaction."""
    requests = _uses(index, bindings, "time", "src_addr", "src_port", "dst_addr", "dst_port")
    return index._replace(others=(*index.others, requests))


def with_handshakes(index: Index, dtls: pd.DataFrame) -> Index:
    """Add DTLS handshakes with a call as evidence for what runs between the same addresses."""
    names = ("started", "client_addr", "client_port", "server_addr", "server_port")
    return index._replace(others=(*index.others, _uses(index, dtls, *names)))


def with_streams(index: Index, rtp_streams: pd.DataFrame) -> Index:
    """Add RTP streams with a call, by their first and last packet, and RTCP on the next port up.

    RTCP (RFC 3550, section 11) has no table of its own, but ICMP errors quote it.
    """
    uses: Uses = {}
    times = ("first_time", "last_time")
    for capture, first, last, call, leg, src_addr, src_port, dst_addr, dst_port in records(
        rtp_streams, "capture", *times, "call", "leg", "src_addr", "src_port", "dst_addr", "dst_port"
    ):
        if None in (call, first, last, src_addr, src_port, dst_addr, dst_port):
            continue
        for shift in (0, 1):
            src, dst = (src_addr, src_port + shift), (dst_addr, dst_port + shift)
            uses_there = uses.setdefault((recording_of(index.recordings, capture), pair_of(src, dst)), [])
            uses_there += (Use(time, (call, leg), src, None, None) for time in (first, last))
    for uses_there in uses.values():
        uses_there.sort(key=lambda use: use.time)
    return index._replace(others=(*index.others, uses))


def _uses(index: Index, rows: pd.DataFrame, time: str, *ends: str) -> Uses:
    uses: Uses = {}
    for capture, at, call, leg, *end in records(rows, "capture", time, "call", "leg", *ends, by=time):
        if None not in (at, call, *end):
            src, dst = (end[0], end[1]), (end[2], end[3])
            key = recording_of(index.recordings, capture), pair_of(src, dst)
            uses.setdefault(key, []).append(Use(at, (call, leg), src, None, None))
    return uses


def _checks(bindings: pd.DataFrame, numbers: Mapping[str, int]) -> Uses:
    """Return the checks with a call by recording and pair of addresses."""
    ends = records(bindings, "src_addr", "src_port", "dst_addr", "dst_port", by="time")
    names = ("purpose", "capture", "time", "call", "leg", "direction", "username")
    rows = records(bindings, *names, by="time")
    uses: Uses = {}
    for (purpose, capture, time, call, leg, direction, username), end in zip(rows, ends, strict=True):
        if purpose == "check" and None not in (time, call, *end):
            key = recording_of(numbers, capture), pair_of(end[:2], end[2:])
            uses.setdefault(key, []).append(Use(time, (call, leg), end[:2], direction, username))
    return uses


def _with_bases(index: Index, checks: Uses) -> dict[tuple[Recording, Address], Spans]:
    """Return ``index.places`` extended by the addresses that checks of a leg went from or to."""
    use_times: dict[tuple[Recording, Address, LegKey], tuple[int, int, str | None]] = {}
    for (scope, pair), uses in checks.items():
        for use in uses:
            sides = WAYS.get(use.direction, (None, None))
            for address, side in zip(pair if use.src == pair[0] else pair[::-1], sides, strict=True):
                first, last, _ = use_times.get((scope, address, use.leg), (use.time, use.time, None))
                use_times[scope, address, use.leg] = min(first, use.time), max(last, use.time), side
    new_spans: dict[tuple[Recording, Address], list[Span]] = {}
    for (scope, address, leg), (first, last, side) in use_times.items():
        spans_there = index.places.get((scope, address))
        if not (spans_there and span_of(spans_there, leg, first, last)):
            latest = index.lives.get(leg, ALWAYS)[1] + SLACK
            span = Span(first - GATHERING, min(last + GATHERING, max(latest, last)), leg, side)
            new_spans.setdefault((scope, address), []).append(span)
    empty = spans(())
    added = {key: spans([*index.places.get(key, empty).spans, *more]) for key, more in new_spans.items()}
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


def _places(
    ends: Named, scopes_of: Mapping[LegKey, set[Recording]]
) -> dict[tuple[Recording, Address], Spans]:
    """Return the legs at each address by recording, and by ANYWHERE where the leg's end is known."""
    spans_at: dict[tuple[Recording, Address], list[Span]] = {}
    for (leg, side, address), (start, end) in ends.items():
        scopes = {*scopes_of.get(leg, ()), *((ANYWHERE,) if end < ALWAYS[1] else ())}
        for scope in scopes:
            spans_at.setdefault((scope, address), []).append(Span(start, end, leg, side))
    return {key: spans(items) for key, items in spans_at.items()}


def _heard_in(
    legs: pd.DataFrame, sip_messages: pd.DataFrame, numbers: Mapping[str, int]
) -> dict[LegKey, set[Recording]]:
    """Return the recordings that hold SIP of each leg, whichever place's copy of it counts."""
    recordings_of: dict[LegKey, set[Recording]] = {}
    legs_of: dict[str, set[LegKey]] = {}
    for capture, call, leg, call_id in records(legs, "capture", "call", "leg", "call_id"):
        recordings_of.setdefault((call, leg), set()).add(recording_of(numbers, capture))
        legs_of.setdefault(call_id, set()).add((call, leg))
    for capture, call_id in records(
        sip_messages[["capture", "call_id"]].drop_duplicates(), "capture", "call_id"
    ):
        for key in legs_of.get(call_id, ()):
            recordings_of[key].add(recording_of(numbers, capture))
    return recordings_of


def _mapped(
    bindings: pd.DataFrame, numbers: Mapping[str, int]
) -> dict[tuple[Recording, Address], list[tuple[int, Address]]]:
    """Return each address's counterpart on the other side of a NAT: base to mapped, and mapped to base."""
    counterparts: dict[tuple[Recording, Address], list[tuple[int, Address]]] = {}
    for capture, time, *ends in records(
        bindings, "capture", "time", "src_addr", "src_port", "mapped_addr", "mapped_port", by="time"
    ):
        base, outside = (ends[0], ends[1]), (ends[2], ends[3])
        if None not in ends and time is not None and base != outside:
            scope = recording_of(numbers, capture)
            _learn(counterparts.setdefault((scope, base), []), time, outside)
            _learn(counterparts.setdefault((scope, outside), []), time, base)
    return counterparts


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
    """Return start and end of each leg, and of each call as (call, None); infinite where not captured.

    A leg in several recordings lives from the earliest start to the latest end that any of them shows.
    """
    starts: dict[LegKey, Time] = {}
    ends: dict[LegKey, Time] = {}
    for call, leg, time, state, end in records(legs, "call", "leg", "time", "state", "end_time"):
        start = ALWAYS[0] if time is None or state == "starts_mid_call" else time
        starts[call, leg] = min(starts.get((call, leg), start), start)
        if end is not None:
            ends[call, leg] = max(ends.get((call, leg), end), end)
    leg_lives = {leg: (start, ends.get(leg, ALWAYS[1])) for leg, start in starts.items()}
    for (call, _), (start, finish) in list(leg_lives.items()):
        first, last = leg_lives.get((call, None), (start, finish))
        leg_lives[call, None] = min(first, start), max(last, finish)
    return leg_lives


def _asked(legs: pd.DataFrame, numbers: Mapping[str, int]) -> dict[tuple[Recording, str], Spans]:
    """Return, by host, the legs whose INVITE it has not yet answered: it may be gathering candidates."""
    spans_by_host: dict[tuple[Recording, str], list[Span]] = {}
    names = ("capture", "call", "leg", "uas_addr", "invite_time", "answer_time", "end_time")
    for capture, call, leg, host, invited, *endings in records(legs, *names):
        if host is not None and invited is not None:
            answered = min((time for time in endings if time is not None), default=invited + GATHERING)
            span = Span(invited, answered, (call, leg), None)
            spans_by_host.setdefault((recording_of(numbers, capture), host), []).append(span)
    return {key: spans(items) for key, items in spans_by_host.items()}
