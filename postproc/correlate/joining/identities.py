"""Values that two legs share only if they are one call, and the weight of each kind."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from postproc.correlate.joining.couples import NEIGHBOURS, Couples, either, once, starting
from postproc.correlate.joining.features import (
    CALLEE_HEADERS,
    CALLER_HEADERS,
    UNKNOWN,
    Facts,
    Floats,
    Ints,
    Where,
    coded,
    distinct,
)
from postproc.correlate.joining.words import LONGEST, SHORTEST, is_named_id, local_part, looks_random, words
from postproc.correlate.rows import column, records
from postproc.model import constants
from postproc.model.addresses import UNSPECIFIED

# The weight of a value depends on its rarity: one that many legs carry (a product
# name, the port of a media server) identifies no call. The fingerprint of a
# certificate is never used: a server has one for all its calls.


# Headers meant for ids of calls, besides any X- header.
FOR_IDS = frozenset(constants.words("sip.id_headers"))
# Headers that name another call: a transfer, or a conference.
OF_OTHER_CALLS = frozenset(constants.words("sip.headers_of_other_calls"))
NOT_IDS = OF_OTHER_CALLS | CALLER_HEADERS | CALLEE_HEADERS
SESSION_UUID = re.compile(r"\b[0-9a-f]{32}\b", re.IGNORECASE)  # RFC 7989, section 5
NULL_UUID = "0" * 32
ICID = re.compile(r"icid-value\s*=\s*\"?([^\";,\s]+)", re.IGNORECASE)  # RFC 7315, section 5.6
SUFFIXES = "|".join(constants.words("ids.leg_suffixes"))
LEG_SUFFIX = re.compile(rf"[_-](?:{SUFFIXES})[_-]?\d{{0,4}}$", re.IGNORECASE)
KEPT = constants.count("ids.kept")
SEPARATOR = re.compile(r"[_.~:-]")
DISCARD = constants.count("addresses.discard_port")
SHORTEST_SESSION_ID = constants.count("ids.shortest_session_id")

Locals = dict[str, list[int]]  # rows of legs by the local part of their Call-ID


class Token(NamedTuple):
    """A value that a leg carries."""

    row: int
    kind: str  # see STRENGTH
    value: str


class Sources(NamedTuple):
    """Where tokens come from: descriptions with the ``party`` that wrote them, pairs of ufrags by Call-ID."""

    headers: pd.DataFrame
    sdp_media: pd.DataFrame
    candidates: pd.DataFrame
    ufrag_pairs: Mapping[str, Iterable[tuple[str, str]]]
    log_joins: Iterable[tuple[str, str]]


def tokens(legs: pd.DataFrame, sources: Sources, places: Where) -> Iterator[Token]:
    """Return the tokens of all legs; one may come several times."""
    call_ids = column(legs["call_id"])
    locals_ = local_parts(call_ids)
    return chain(
        in_call_ids(locals_),
        in_headers(sources.headers, places, locals_),
        in_descriptions(sources.sdp_media, sources.candidates, places),
        of_ice(sources.ufrag_pairs, call_ids),
        in_logs(sources.log_joins, call_ids),
    )


def in_call_ids(locals_: Locals) -> Iterator[Token]:
    """Yield tokens of Call-IDs that a B2BUA derived: equal before the host, or with a prefix or suffix."""
    for local, rows in locals_.items():
        for base in _bases(local, locals_):
            yield from (Token(row, "header", base) for row in (*rows, *locals_.get(base, ())))
    yield from _begun_alike(locals_)


def _begun_alike(locals_: Locals) -> Iterator[Token]:
    """Yield tokens of two Call-IDs that are alike just as far as a B2BUA keeps them.

    Alike farther are those of a counter behind the id of a device; of more than two nobody knows which are
    one call.
    """
    begun: dict[str, list[str]] = {}
    for local in locals_:
        if KEPT <= len(local) <= LONGEST:
            begun.setdefault(local[:KEPT], []).append(local)
    for head, alike in begun.items():
        if len(alike) == 2 and len({local[KEPT : KEPT + 1] for local in alike}) == 2 and looks_random(head):
            yield from (Token(row, "header", head) for local in alike for row in locals_[local])


def _bases(local: str, known: Container[str]) -> Iterator[str]:
    if len(local) > LONGEST:
        return
    for whole in {local, LEG_SUFFIX.sub("", local)}:
        if looks_random(whole):
            yield whole
    for cut in SEPARATOR.finditer(local):
        for part in (local[: cut.start()], local[cut.end() :]):
            if len(part) >= SHORTEST and part in known:
                yield part


def local_parts(call_ids: Iterable[str | None]) -> Locals:
    """Return the rows of the legs by the part of their Call-ID before the host."""
    by_local: Locals = {}
    for row, call_id in enumerate(call_ids):
        if call_id:
            by_local.setdefault(local_part(call_id), []).append(row)
    return by_local


def in_headers(headers: pd.DataFrame, places: Where, locals_: Locals) -> Iterator[Token]:
    """Yield tokens of ids in headers, X- headers being a kind of their own, and of Call-IDs named there."""
    for capture, call_id, name, value in dict.fromkeys(
        records(headers, "capture", "call_id", "name", "value")
    ):
        row = places.row(capture, call_id)
        if row == UNKNOWN or value is None or name is None or name in NOT_IDS:
            continue
        for identity in _ids(name, value, locals_):
            kind = "x-header" if name.startswith("x-") and identity not in locals_ else "header"
            yield from (Token(r, kind, identity) for r in (row, *locals_.get(identity, ())))


def _ids(name: str, value: str, known: Container[str]) -> Iterator[str]:
    """Yield the ids in a header's value: session or charging ids, else words that are ids or Call-IDs."""
    if name == "session-id":
        yield from (uuid.lower() for uuid in SESSION_UUID.findall(value) if uuid != NULL_UUID)
    elif name == "p-charging-vector":
        yield from ICID.findall(value)
    else:
        for word in map(local_part, words(value)):
            is_id = is_named_id(word) if name in FOR_IDS else name.startswith("x-") and looks_random(word)
            if is_id or (len(word) >= SHORTEST and word in known):
                yield word


def in_descriptions(sdp_media: pd.DataFrame, candidates: pd.DataFrame, places: Where) -> Iterator[Token]:
    """Yield tokens of ufrags, media addresses and origins, which are equal where a party's SDP is relayed.

    Both tables have the ``party`` that wrote them, NA where it is not known.
    """
    key = ("capture", "call_id", "party")
    columns = (*key, "connection_addr", "port", "ufrag", "sdp_owner", "session_id")
    for row, party, addr, port, ufrag, owner, session in _of_legs(sdp_media, places, *columns):
        yield from _address(row, party, addr, port)
        if ufrag:
            yield Token(row, "ufrag", ufrag)
        if session and len(session) >= SHORTEST_SESSION_ID:
            yield Token(row, "origin", f"{party} {owner} {session}")
    for row, party, addr, port in _of_legs(candidates, places, *key, "addr", "port"):
        yield from _address(row, party, addr, port)


def _address(row: int, party: str, addr: str | None, port: int | None) -> Iterator[Token]:
    if addr and port and port != DISCARD and addr not in UNSPECIFIED:
        yield Token(row, "media", f"{party} {addr} {port}")


def _of_legs(table: pd.DataFrame, places: Where, *names: str) -> Iterator[tuple[Any, ...]]:
    """Yield the distinct rows of a known party with their leg's row instead of capture and Call-ID."""
    for capture, call_id, party, *values in dict.fromkeys(records(table, *names)):
        row = places.row(capture, call_id)
        if party is not None and row != UNKNOWN:
            yield row, party, *values


def of_ice(pairs: Mapping[str, Iterable[tuple[str, str]]], call_ids: Iterable[str | None]) -> Iterator[Token]:
    """Yield a token of both ufrags of each negotiation; ``pairs`` has them by Call-ID."""
    for row, call_id in enumerate(call_ids):
        agreed = pairs.get(call_id, ()) if call_id else ()
        yield from (Token(row, "ice", " ".join(sorted(pair))) for pair in agreed)


def in_logs(log_joins: Iterable[tuple[str, str]], call_ids: Iterable[str | None]) -> Iterator[Token]:
    """Yield a token for each pair of Call-IDs that a log reports as one call."""
    rows: dict[str | None, list[int]] = {}
    for row, call_id in enumerate(call_ids):
        rows.setdefault(call_id, []).append(row)
    for number, pair in enumerate(log_joins):
        yield from (Token(row, "log", str(number)) for call_id in pair for row in rows.get(call_id, ()))


# Legs that carry the same token, and its weight.
#
# STRENGTH is the log-odds of a value that only two legs carry, and DOUBLING is taken
# off for every doubling of its carriers: a parallel ring shares one id among many
# legs, and all legs share a product name.


STRENGTH = constants.numbers("tokens.strength")
DOUBLING = constants.numbers("tokens.doubling")
USUALLY = DOUBLING["usually"]
EVER = float("inf")


class Shared(NamedTuple):
    """Couples of legs that share a token of one kind; ``weight`` is that of the rarest."""

    kind: str
    couples: Couples
    weight: Floats


def shared_tokens(facts: Facts, tokens: Iterable[Token]) -> list[Shared]:
    """Return the couples that share tokens, by kind of token."""
    by_kind: dict[str, dict[Token, None]] = {kind: {} for kind in STRENGTH}
    for token in tokens:
        by_kind[token.kind][token] = None
    return [_of_kind(facts, kind, list(of_kind)) for kind, of_kind in by_kind.items() if of_kind]


def _of_kind(facts: Facts, kind: str, tokens: list[Token]) -> Shared:
    row = np.array([token.row for token in tokens], dtype="int64")
    (value,) = coded(token.value for token in tokens)
    weight = STRENGTH[kind] - DOUBLING.get(kind, USUALLY) * np.log2(_carriers(facts.node[row], value) / 2)
    worth = weight > 0
    row, value, weight = row[worth], value[worth], weight[worth]
    first, second = starting(facts, either(row, value), EVER, NEIGHBOURS)
    return _rarest(facts, kind, (row[first], row[second]), weight[first])


def _carriers(node: Ints, value: Ints) -> Ints:
    """Return for each token how many Call-IDs carry its value."""
    nodes = int(node.max(initial=0)) + 1
    carriers: Ints = np.bincount(distinct(value * nodes + node) // nodes)[value]
    return carriers


def _rarest(facts: Facts, kind: str, couples: Couples, weight: Floats) -> Shared:
    upstream, downstream = once(facts, *couples)
    best = np.zeros(len(upstream))
    ids = upstream * len(facts) + downstream
    token_ids = couples[0] * len(facts) + couples[1]
    place = np.searchsorted(ids, token_ids)
    of_two = facts.node[couples[0]] != facts.node[couples[1]]
    np.maximum.at(best, place[of_two], weight[of_two])
    return Shared(kind, (upstream, downstream), best)
