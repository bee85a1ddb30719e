"""Decide which calls of an analysed window have ended, and which have been reported."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from postproc.model.columns import plain
from postproc.model.tables import Tables

# s from the end of its last leg until a call is reported. By then an INVITE repeated with credentials, the
# retransmissions of a BYE (T1, RFC 3261, 17.1.2.1: after 0.5 and 1.5 s) and the last media have arrived. The
# report is due within 5 s of the end, and the rest of that is for reading and analysis.
SETTLE = 1.75
# s without any packet after which a call whose end was not captured is reported as open: a proxy gives up a
# ringing call after 3 minutes (timer C, RFC 3261, 16.6).
SILENT = 180.0
SILENT_ICE = 30.0  # s, without SIP: consent expires (RFC 7675, section 5.1)
REMEMBERED = 600.0  # s that identities of reported calls are kept beyond the window; a choice
KEPT = 30.0  # s that a file is kept after its last packet, for findings that compare a call with others


class State(NamedTuple):
    """A call of the window. Times in ns since 1970."""

    number: int
    uid: str
    start: int
    ended: int | None  # when its last leg ended; None while one has not
    last: int  # its last packet
    with_sip: bool
    identities: frozenset[str]  # Call-IDs; without SIP the USERNAMEs of its checks
    usernames: frozenset[str]

    def is_due(self, now: int) -> bool:
        """Return whether to report it: it has ended, or has had no packet for long."""
        if self.ended is not None:
            return now >= self.ended + SETTLE * 1e9
        return now >= self.last + (SILENT if self.with_sip else SILENT_ICE) * 1e9


def states(tables: Tables) -> list[State]:
    """Return the calls of the window."""
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
    """Return the end of each call whose legs have all ended; for a leg one recording's end is enough."""
    by_leg: dict[tuple[Any, Any], pd.Timestamp | None] = {}
    for call, call_id, end in zip(
        *(plain(legs[name]) for name in ("call", "call_id", "end_time")), strict=True
    ):
        by_leg[call, call_id] = max(
            (each for each in (by_leg.get((call, call_id)), end) if each is not None), default=None
        )
    ends: dict[int, int] = {}
    open_ = {call for (call, _), end in by_leg.items() if end is None}
    for (call, _), end in by_leg.items():
        if call not in open_ and end is not None:
            ends[call] = max(ends.get(call, 0), end.value)
    return ends


def _latest(columns: list[tuple[pd.DataFrame, str]]) -> dict[int, int]:
    latest: dict[int, int] = {}
    for rows, name in columns:
        for call, time in zip(plain(rows["call"]), plain(rows[name]), strict=True):
            if call is not None and time is not None:
                latest[call] = max(latest.get(call, 0), time.value)
    return latest


def _gathered(rows: pd.DataFrame, name: str) -> dict[int, set[str]]:
    by_call: dict[int, set[str]] = {}
    for call, value in zip(plain(rows["call"]), plain(rows[name]), strict=True):
        if call is not None and value is not None:
            by_call.setdefault(call, set()).add(value)
    return by_call


def needed_since(open_: Iterable[State], now: int) -> int:
    """Return the time (ns) from which packets are needed, by open calls or for comparison with others."""
    return min([now - int(KEPT * 1e9), *(each.start for each in open_)])


def let_go(captures: pd.DataFrame, since: int) -> list[str]:
    """Return the captures with all packets before ``since``."""
    lasts = zip(plain(captures["capture"]), plain(captures["last_time"]), strict=True)
    return [capture for capture, last in lasts if last is None or last.value < since]


@dataclass
class Told:
    """Calls reported, by identities in their packets, to recognise them when their first file is gone."""

    _until: dict[str, int] = field(default_factory=dict)  # identity -> last packet, ns

    def has(self, call: State) -> bool:
        """Return whether the call was reported; an identity that recurs after SILENT is another call's.

        With SIP all of its legs must have been, since new packets may change which legs are joined.
        """
        reported = [
            each in self._until and call.start <= self._until[each] + SILENT * 1e9 for each in call.identities
        ]
        return bool(reported) and (all(reported) if call.with_sip else any(reported))

    def fresh(self, calls: Iterable[State]) -> list[State]:
        """Return the calls not reported yet; packets after a report as open extend that call."""
        unreported = []
        for call in calls:
            if self.has(call):
                self.add(call)
            else:
                unreported.append(call)
        return unreported

    def copy(self) -> "Told":
        return Told(dict(self._until))

    def add(self, call: State) -> None:
        self._until |= dict.fromkeys(call.identities | call.usernames, call.last)

    def forget(self, before: int) -> None:
        """Forget calls that ended REMEMBERED before a time (ns)."""
        limit = before - int(REMEMBERED * 1e9)
        self._until = {name: until for name, until in self._until.items() if until >= limit}

    def __len__(self) -> int:
        return len(self._until)
