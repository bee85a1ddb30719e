"""Numbers of calls and legs, and the legs' roles.

Calls count by their first INVITE, else first message or check; legs likewise
within their call. The same input gives the same numbers.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from postproc.correlate.ice import Numbered, Session
from postproc.correlate.joining.features import UNKNOWN, Facts
from postproc.correlate.joining.join import Joined
from postproc.correlate.rows import records
from postproc.correlate.unreadable import Hidden

INBOUND, OUTBOUND, SINGLE = "inbound", "outbound", "single"

# ns since 1970, capture, frame, Call-ID: sorts legs. Of one moment the earlier frame comes first, so that a
# redacted copy, whose Call-IDs are others, has the same numbers.
Moment = tuple[int, str, int, str]


def number(
    legs: pd.DataFrame,
    groups: Mapping[str, int],
    sessions: Sequence[Session],
    hidden: Mapping[int, Hidden] = MappingProxyType({}),
) -> Numbered:
    """Number the calls: ``groups`` has what tells calls apart, by Call-ID; ``hidden`` legs are sessions."""
    members: dict[int, list[Moment]] = {}
    for moment in _first_moments(legs):
        members.setdefault(groups[moment[-1]], []).append(moment)
    calls: list[tuple[list[Moment], int | None]] = [(sorted(held), None) for held in members.values()]
    alone = [(place, session) for place, session in enumerate(sessions) if session.call_id is None]
    calls += [
        ([(session.start or 0, "", 0, " ".join(session.ufrags))], place)
        for place, session in alone
        if place not in hidden
    ]
    found = Numbered({}, {})
    first = {each.beside for each in hidden.values() if each.first}
    for call, (held, place) in enumerate(sorted(calls, key=lambda item: item[0][0]), 1):
        if place is None:
            begin = 2 if held[0][-1] in first else 1
            found.legs.update({call_id: (call, leg) for leg, (*_, call_id) in enumerate(held, begin)})
        else:
            found.without_sip[place] = call, None
    for place, each in hidden.items():
        call, leg = found.legs[each.beside]
        found.without_sip[place] = call, 1 if each.first else leg + 1
    return found


def _first_moments(legs: pd.DataFrame) -> list[Moment]:
    invited: dict[str, tuple[int, str, int]] = {}
    first: dict[str, tuple[int, str, int]] = {}
    columns = ("call_id", "invite_time", "time", "capture", "frame")
    for call_id, invite, time, *place in records(legs, *columns):
        if invite is not None:
            invited[call_id] = min(invited.get(call_id, (invite, *place)), (invite, *place))
        seen = (time or 0, *place)
        first[call_id] = min(first.get(call_id, seen), seen)
    return [(*invited.get(call_id, seen), call_id) for call_id, seen in first.items()]


class Roles(NamedTuple):
    """By node: the leg's role, and which of its ends (node, uac or uas) are a B2BUA's."""

    role: list[str]
    shared: set[tuple[int, str]]


def roles_of(facts: Facts, joined: Sequence[Joined], nodes: int) -> Roles:
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
