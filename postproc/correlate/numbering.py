"""Numbers of calls and legs, and the legs' roles.

Calls are numbered by the time of their first INVITE, else of their first message or check; legs
likewise within a call. The same input always gives the same numbers.
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

# Sort key of legs: ns since 1970, capture, frame, Call-ID. The frame comes before the Call-ID, so that a
# redacted copy, which has other Call-IDs, gets the same numbers.
Moment = tuple[int, str, int, str]


def number(
    legs: pd.DataFrame,
    groups: Mapping[str, int],
    sessions: Sequence[Session],
    hidden: Mapping[int, Hidden] = MappingProxyType({}),
) -> Numbered:
    """Number calls and legs.

    ``groups`` maps a Call-ID to the group of legs that form its call; ``hidden`` maps the place of an
    ICE session to the leg with unreadable SIP that it stands for.
    """
    members: dict[int, list[Moment]] = {}
    for moment in _first_moments(legs):
        members.setdefault(groups[moment[-1]], []).append(moment)
    calls: list[tuple[list[Moment], int | None]] = [(sorted(moments), None) for moments in members.values()]
    alone = [(place, session) for place, session in enumerate(sessions) if session.call_id is None]
    calls += [
        ([(session.start or 0, "", 0, " ".join(session.ufrags))], place)
        for place, session in alone
        if place not in hidden
    ]
    numbered = Numbered({}, {})
    first = {hidden_leg.beside for hidden_leg in hidden.values() if hidden_leg.first}
    for call, (moments, place) in enumerate(sorted(calls, key=lambda item: item[0][0]), 1):
        if place is None:
            begin = 2 if moments[0][-1] in first else 1
            numbered.legs.update({call_id: (call, leg) for leg, (*_, call_id) in enumerate(moments, begin)})
        else:
            numbered.without_sip[place] = call, None
    for place, hidden_leg in hidden.items():
        call, leg = numbered.legs[hidden_leg.beside]
        numbered.without_sip[place] = call, 1 if hidden_leg.first else leg + 1
    return numbered


def _first_moments(legs: pd.DataFrame) -> list[Moment]:
    invited: dict[str, tuple[int, str, int]] = {}
    first: dict[str, tuple[int, str, int]] = {}
    columns = ("call_id", "invite_time", "time", "capture", "frame")
    for call_id, invite, time, *place in records(legs, *columns):
        if invite is not None:
            invited[call_id] = min(invited.get(call_id, (invite, *place)), (invite, *place))
        moment = (time or 0, *place)
        first[call_id] = min(first.get(call_id, moment), moment)
    return [(*invited.get(call_id, moment), call_id) for call_id, moment in first.items()]


class Roles(NamedTuple):
    """The role of each node's leg, and the ends (node, uac or uas) that are a B2BUA's."""

    role: list[str]
    shared: set[tuple[int, str]]


def roles_of(facts: Facts, joined: Sequence[Joined], nodes: int) -> Roles:
    """Return each leg's role towards its B2BUA; a leg between two B2BUAs counts as outbound."""
    roles = Roles([SINGLE] * nodes, set())
    for link in joined:
        if link.siblings:
            # Forks of a leg that was not seen share the caller's machine, else the called party's.
            end = "uac" if _from_one_machine(facts, link) else "uas"
            ends = [(link.a, end), (link.b, end)]
        else:
            ends = [(link.a, "uas"), (link.b, "uac")]
        roles.shared.update(ends)
    for node, end in sorted(roles.shared, reverse=True):  # uas before uac: who has both is outbound
        roles.role[node] = OUTBOUND if end == "uac" else INBOUND
    return roles


def _from_one_machine(facts: Facts, link: Joined) -> bool:
    one, other = (int(facts.uac.host[row]) for row in link.rows)
    return one == other != UNKNOWN
