"""Who calls and who is called on each leg, by every header that names them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from postproc import constants
from postproc.correlate.arrays import UNKNOWN, Floats, Ints, Where, coded, leg_rows, padded, rarity
from postproc.correlate.numbers import number, users
from postproc.correlate.records import column, records
from postproc.correlate.uris import user_part

WIDTH = constants.count("users.width")  # names of one party that are compared
CALLER_HEADERS = frozenset(constants.words("sip.caller_headers"))
CALLEE_HEADERS = frozenset(constants.words("sip.callee_headers"))
PARTY_CALLED: str = constants.value("sip.party_called")

Named = list[tuple[int, str]]  # row of the leg, user part


@dataclass(frozen=True)
class Users:
    """One party of each leg: (legs, WIDTH) arrays of the keys of its numbers, see ``numbers``."""

    exact: Ints
    tail: Ints
    key: Ints  # equal wherever exact or tail may be: to look legs up by
    rarity: Floats  # of each key


def parties(
    legs: pd.DataFrame, requests: pd.DataFrame, headers: pd.DataFrame, places: Where, region: str | None
) -> tuple[Users, Users]:
    """Return the caller and the callee of each leg.

    ``requests`` has row and uri of the INVITEs; ``region`` (ISO 3166) reads national numbers.
    """
    callers = [*enumerate(column(legs["from_user"]))]
    called = zip(requests["row"], map(user_part, column(requests["uri"])), strict=True)
    callees = [*enumerate(column(legs["to_user"])), *called]
    for is_caller, row, user in _in_headers(headers, places):
        (callers if is_caller else callees).append((row, user))
    return _users(_distinct(callers), len(legs), region), _users(_distinct(callees), len(legs), region)


def _distinct(named: list[tuple[int, str | None]]) -> Named:
    return [(row, user) for row, user in dict.fromkeys(named) if user]


def _in_headers(headers: pd.DataFrame, places: Where) -> Iterator[tuple[bool, int, str]]:
    naming = headers[headers["name"].isin(CALLER_HEADERS | CALLEE_HEADERS) & headers["value"].notna()]
    naming = naming.drop_duplicates(["capture", "call_id", "name", "value"])
    rows = leg_rows(naming, places).tolist()
    for row, (name, value) in zip(rows, records(naming, "name", "value"), strict=True):
        is_caller = name in CALLER_HEADERS and PARTY_CALLED not in value.lower()
        if row != UNKNOWN:
            yield from ((is_caller, row, user) for user in users(value))


def _users(named: Named, legs: int, region: str | None) -> Users:
    numbers = {user: number(user, region) for user in dict.fromkeys(user for _, user in named)}
    known = [(row, numbers[user]) for row, user in named if numbers[user] != (None, None)]
    rows = np.array([row for row, _ in known], dtype="int64")
    (exacts,), (tails,) = coded(n.exact for _, n in known), coded(n.tail for _, n in known)
    exact, tail = padded(rows, exacts, legs, WIDTH), padded(rows, tails, legs, WIDTH)
    key = np.where(tail >= 0, tail + exact.max(initial=0) + 1, exact)
    return Users(exact, tail, key, rarity(key))
