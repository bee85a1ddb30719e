"""Numbers of calls and legs, and the legs' roles.

Calls count by their first INVITE, else first message or check; legs likewise
within their call. The same input gives the same numbers.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from postproc.correlate.arrays import UNKNOWN
from postproc.correlate.facts import Facts
from postproc.correlate.ice import Session
from postproc.correlate.joining import Joined
from postproc.correlate.records import records

INBOUND, OUTBOUND, SINGLE = "inbound", "outbound", "single"

Moment = tuple[int, str]  # ns since 1970 and Call-ID: sorts legs, and tells equally early ones apart


class Numbered(NamedTuple):
    """Call and leg by Call-ID; calls of ICE sessions without SIP by their place among the sessions."""

    legs: dict[str, tuple[int, int]]
    without_sip: dict[int, int]


def number(legs: pd.DataFrame, groups: Mapping[str, int], sessions: Sequence[Session]) -> Numbered:
    """Number the calls: ``groups`` has what tells calls apart, by Call-ID."""
    members: dict[int, list[Moment]] = {}
    for moment in _first_moments(legs):
        members.setdefault(groups[moment[1]], []).append(moment)
    calls: list[tuple[list[Moment], int | None]] = [(sorted(held), None) for held in members.values()]
    alone = [(place, session) for place, session in enumerate(sessions) if session.call_id is None]
    calls += [([(session.start or 0, " ".join(session.ufrags))], place) for place, session in alone]
    found = Numbered({}, {})
    for call, (held, place) in enumerate(sorted(calls, key=lambda item: item[0][0]), 1):
        if place is None:
            found.legs.update({call_id: (call, leg) for leg, (_, call_id) in enumerate(held, 1)})
        else:
            found.without_sip[place] = call
    return found


def _first_moments(legs: pd.DataFrame) -> list[Moment]:
    invited: dict[str, int] = {}
    first: dict[str, int] = {}
    for call_id, invite, time in records(legs, "call_id", "invite_time", "time"):
        if invite is not None:
            invited[call_id] = min(invited.get(call_id, invite), invite)
        first[call_id] = min(first.get(call_id, time or 0), time or 0)
    return [(invited.get(call_id, time), call_id) for call_id, time in first.items()]


class Roles(NamedTuple):
    """By node: the leg's role, and which of its ends (node, uac or uas) are a B2BUA's."""

    role: list[str]
    shared: set[tuple[int, str]]


def roles(facts: Facts, joined: Sequence[Joined], nodes: int) -> Roles:
    """Return what the legs are to the B2BUA between them; one amid two of them counts as outbound."""
    found = Roles([SINGLE] * nodes, set())
    for link in joined:
        if link.siblings:
            # Forks of a leg that was not seen share the caller's machine, else the called party's.
            end = "uac" if _from_one_machine(facts, link) else "uas"
            ends = [(link.a, end), (link.b, end)]
        else:
            ends = [(link.a, "uas"), (link.b, "uac")]
        found.shared.update(ends)
    for node, end in sorted(found.shared, reverse=True):  # uas before uac: who has both is outbound
        found.role[node] = OUTBOUND if end == "uac" else INBOUND
    return found


def _from_one_machine(facts: Facts, link: Joined) -> bool:
    one, other = (int(facts.uac.host[row]) for row in link.rows)
    return one == other != UNKNOWN
