"""Checks tied to their ICE session by credentials, whatever NAT did to the addresses.

The USERNAME of a check is ``receiver's ufrag:sender's ufrag`` (RFC 8445,
section 7.2.2). Both halves must fit: a ufrag may have four characters only,
and in a large capture one half alone meets its like.
"""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from postproc.correlate.records import records

UNBOUNDED = float("inf")


class Session(NamedTuple):
    """A row of the ICE sessions; its life in nanoseconds, infinite where not known."""

    ufrag_a: str
    side_a: str | None
    ufrag_b: str
    side_b: str | None
    call: int
    leg: int | None
    start: float
    end: float


Sessions = Mapping[frozenset[str], list[Session]]


def sessions(ice_sessions: pd.DataFrame) -> Sessions:
    """ICE sessions by their unordered pair of ufrags."""
    found: dict[frozenset[str], list[Session]] = {}
    names = ("ufrag_a", "side_a", "ufrag_b", "side_b", "call", "leg", "start", "end")
    for *row, start, end in records(ice_sessions, *names):
        session = Session._make([*row, *life(start, end)])
        if session.ufrag_a and session.ufrag_b and session.call is not None:
            found.setdefault(frozenset((session.ufrag_a, session.ufrag_b)), []).append(session)
    return found


def life(start: int | None, end: int | None) -> tuple[float, float]:
    """Both ends of a life in nanoseconds, infinite where not known."""
    return -UNBOUNDED if start is None else start, UNBOUNDED if end is None else end


def halves(username: str | None) -> tuple[str, str] | None:
    """Receiver's and sender's ufrag of a USERNAME; None when it is not of that form."""
    receiver, colon, sender = (username or "").partition(":")
    return (receiver, sender) if receiver and colon and sender else None


def session_of(known: Sessions, username: str | None, time: int | None) -> Session | None:
    """The ICE session of a check; of several with the same ufrags the one nearest in time."""
    pair = halves(username)
    found = known.get(frozenset(pair), []) if pair else []
    if len(found) < 2 or time is None:
        return found[0] if found else None
    return min(found, key=lambda session: max(session.start - time, time - session.end, 0))


def sides(session: Session | None, username: str | None) -> tuple[str | None, str | None]:
    """Side of a check's sender and of its receiver; None where the ufrags do not tell."""
    pair = halves(username)
    if session is None or pair is None or session.ufrag_a == session.ufrag_b:
        return None, None
    if pair[1] == session.ufrag_a:
        return session.side_a, session.side_b
    return session.side_b, session.side_a


def direction(sender: str | None, receiver: str | None) -> str:
    """Direction as the tables name it."""
    return f"{sender}_to_{receiver}" if {sender, receiver} == {"client", "server"} else "other"
