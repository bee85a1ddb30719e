"""Which calls of a judged window have ended, and which were told already."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from postproc.model.columns import plain
from postproc.model.tables import Tables

# s after the end of its last leg until a call is told: an INVITE that is sent again with credentials, a BYE
# that is repeated (T1, RFC 3261, 17.1.2.1: after 0.5 and 1.5 s) and the last media have come by then. The
# line is to stand within 5 s of the end: what remains is for reading and judging.
SETTLE = 1.75
# s without any packet after which a call whose end was not seen is told as open: a proxy gives up a call that
# rings after 3 minutes (timer C, RFC 3261, 16.6).
SILENT = 180.0
SILENT_ICE = 30.0  # s, without SIP: consent expires (RFC 7675, section 5.1)
REMEMBERED = 600.0  # s that identities of calls told are kept beyond the window
KEPT = 30.0  # s: what a file holds is kept so long after its last packet, for the neighbours of calls


@dataclass(frozen=True)
class State:
    """A call of the window. Times in ns."""

    number: int
    uid: str
    start: int
    ended: int | None  # all its legs have; None while one has not
    last: int  # its last packet
    with_sip: bool
    identities: frozenset[str]  # Call-IDs; without SIP the USERNAMEs of its checks
    usernames: frozenset[str]

    def is_due(self, now: int) -> bool:
        """Whether it is to be told: it has ended, or nothing has come of it for long."""
        if self.ended is not None:
            return now >= self.ended + SETTLE * 1e9
        return now >= self.last + (SILENT if self.with_sip else SILENT_ICE) * 1e9


def states(tables: Tables) -> list[State]:
    """The calls of the window."""
    ends = _ends(tables.legs)
    last = _latest([(tables.timeline, "time"), (tables.rtp_streams, "last_time"), (tables.legs, "time")])
    call_ids = _gathered(tables.legs, "call_id")
    usernames = _gathered(tables.stun_messages, "username")
    return [
        State(
            number,
            uid,
            start.value,
            ends.get(number),
            max(last.get(number, start.value), ends.get(number) or 0),
            bool(call_ids.get(number)),
            frozenset(call_ids.get(number, usernames.get(number, ()))),
            frozenset(usernames.get(number, ())),
        )
        for number, uid, start in zip(
            *(plain(tables.calls[name]) for name in ("call", "call_uid", "time")), strict=True
        )
        if uid is not None and start is not None
    ]


def _ends(legs: pd.DataFrame) -> dict[int, int]:
    """The end of each call all of whose legs have ended; a leg seen at two places ends where it is seen."""
    by_leg: dict[tuple[Any, Any], pd.Timestamp | None] = {}
    for call, call_id, end in zip(
        *(plain(legs[name]) for name in ("call", "call_id", "end_time")), strict=True
    ):
        by_leg[call, call_id] = max(
            (each for each in (by_leg.get((call, call_id)), end) if each is not None), default=None
        )
    found: dict[int, int] = {}
    open_ = {call for (call, _), end in by_leg.items() if end is None}
    for (call, _), end in by_leg.items():
        if call not in open_ and end is not None:
            found[call] = max(found.get(call, 0), end.value)
    return found


def _latest(columns: list[tuple[pd.DataFrame, str]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for rows, name in columns:
        for call, time in zip(plain(rows["call"]), plain(rows[name]), strict=True):
            if call is not None and time is not None:
                found[call] = max(found.get(call, 0), time.value)
    return found


def _gathered(rows: pd.DataFrame, name: str) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for call, value in zip(plain(rows["call"]), plain(rows[name]), strict=True):
        if call is not None and value is not None:
            found.setdefault(call, set()).add(value)
    return found


def needed_since(open_: Iterable[State], now: int) -> int:
    """Packets from then on are needed, by calls that go on or by neighbours of calls; times in ns."""
    return min([now - int(KEPT * 1e9), *(each.start for each in open_)])


def let_go(captures: pd.DataFrame, since: int) -> list[str]:
    """The captures all of whose packets are earlier."""
    lasts = zip(plain(captures["capture"]), plain(captures["last_time"]), strict=True)
    return [capture for capture, last in lasts if last is None or last.value < since]


@dataclass
class Told:
    """The calls told, by what their packets bear: so is what is left of one when its first file is gone."""

    _until: dict[str, int] = field(default_factory=dict)  # identity -> last packet, ns

    def has(self, call: State) -> bool:
        """Whether it was told; a Call-ID that comes again later than a call lasts is another call's.

        Legs may be joined otherwise once more of them is seen: with a leg that was not told it is another.
        """
        told = [
            each in self._until and call.start <= self._until[each] + SILENT * 1e9 for each in call.identities
        ]
        return bool(told) and (all(told) if call.with_sip else any(told))

    def fresh(self, calls: Iterable[State]) -> list[State]:
        """Those not told; of one that was told as open and goes on, what comes later is its, too."""
        found = []
        for call in calls:
            if self.has(call):
                self.add(call)
            else:
                found.append(call)
        return found

    def copy(self) -> "Told":
        return Told(dict(self._until))

    def add(self, call: State) -> None:
        self._until |= dict.fromkeys(call.identities | call.usernames, call.last)

    def forget(self, before: int) -> None:
        """Forget what ended long before a time."""
        limit = before - int(REMEMBERED * 1e9)
        self._until = {name: until for name, until in self._until.items() if until >= limit}

    def __len__(self) -> int:
        return len(self._until)
