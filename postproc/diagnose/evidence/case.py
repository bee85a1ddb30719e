"""One call with all its rows.

A call seen by several captures has its bindings, streams and handshakes once per
capture here, as in the tables; modules ``paths`` and ``media`` count them once.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, wraps
from itertools import chain
from operator import attrgetter
from typing import Any, Concatenate, ParamSpec, TypeVar

import pandas as pd

from postproc.model.calls import TURN_TRANSACTIONS, Call, Calls
from postproc.model.columns import plain
from postproc.model.deployment import CLIENT, OTHER, SERVER, Deployment
from postproc.model.findings import Evidence, Rule
from postproc.model.loading import Row, load
from postproc.model.rows import (
    CaptureRow,
    ConnectionEventRow,
    ConnectionRow,
    HttpRow,
    IcmpErrorRow,
    SipMessageRow,
    StunMessageRow,
    TlsRow,
)
from postproc.model.tables import Tables

__all__ = [
    "CLIENT",
    "OTHER",
    "SERVER",
    "Beside",
    "Case",
    "answered_once",
    "beside",
    "cases",
    "evidence",
    "found_by",
    "in_turn",
]

# Calls whose rows are held at a time. Those of one take some 40 kB; fewer calls mean that each table is searched for
# theirs more often. Runs of fewer calls than this load every table once.
AT_ONCE = 1000
# Seconds between what a machine does for a call and the call itself; a choice: candidates are gathered before the
# INVITE, at the pace of the people concerned and of servers that do not answer.
NEAR_S = 30.0
UNASKED: Any = object()
P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R", bound=Row)

Flow = tuple[str, str | None, int | None, str | None, int | None]  # capture, source, destination


class Case(Call):
    """A call and its deployment; rows are in order of time.

    Second captures of the same packet are left out. ``refuted`` names the rules whose suspicion other calls
    of the run refute: they explain nothing and suppress no other rule.
    """

    refuted: frozenset[str] = frozenset()

    def __init__(
        self,
        number: int,
        calls: Calls,
        deployment: Deployment,
        software: Mapping[str, str],
        at_every_place: Calls | None = None,
    ) -> None:
        super().__init__(number, calls)
        self._at_every_place = at_every_place or calls
        self.deployment = deployment
        self._software = software  # by transaction ID
        self.answers: dict[object, Any] = {}  # see answered_once

    def forget(self) -> None:
        self.answers.clear()
        super().forget()

    @cached_property
    def captures(self) -> tuple[CaptureRow, ...]:
        """The captures that contain rows of the call, in the order of its rows."""
        if len(self.run_captures) == 1:
            return self.run_captures
        owned: list[tuple[Row, ...]] = [
            self.legs,
            self.candidates,
            self.bindings,
            self.pairs,
            self.dtls,
            self.rtp_streams,
            self.nat_mappings,
            self.sip_messages,
            self.transactions,
            self.sdp_media,
            self.log_events,
            self.dtls_messages,
            self.icmp_errors,
        ]
        names = dict.fromkeys(map(attrgetter("capture"), chain.from_iterable(owned)))
        by_name = self._calls.by_capture
        return tuple(by_name[name] for name in names if name in by_name)

    @cached_property
    def software(self) -> tuple[str, ...]:
        """The distinct STUN SOFTWARE values of its bindings."""
        names = (self._software.get(row.transaction_id) for row in self.bindings)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    @cached_property
    def numbers(self) -> list[int]:
        """The numbers of its legs."""
        return sorted({leg.leg for leg in self.legs})

    @cached_property
    def leg_of(self) -> Mapping[str, int]:
        """Leg by Call-ID."""
        return {leg.call_id: leg.leg for leg in self.legs}

    @cached_property
    def products(self) -> frozenset[str]:
        """The deployment's products that take part; they select product-specific advice."""
        agents = [agent for leg in self.legs for agent in (leg.uac_agent, leg.uas_agent)]
        owners = [section.sdp_owner for section in self.sdp_media]
        return self.deployment.products_in([*agents, *owners, *self.software])

    @cached_property
    def client_legs(self) -> list[int]:
        """Legs with ICE, DTLS or a client's marker: "the client's leg"."""
        with_ice = {self.leg_of.get(section.call_id) for section in self.sdp_media if section.ufrag}
        checked = {binding.leg for binding in self.bindings if binding.purpose == "check"}
        sided = {row.leg for row in self.candidates if row.side == CLIENT}
        keyed = {row.leg for row in self.dtls}
        return sorted(leg for leg in with_ice | checked | sided | keyed if leg is not None)

    @cached_property
    def unread_legs(self) -> list[int]:
        """Legs known only from checks or DTLS: their SIP is encrypted, or not in the capture."""
        return [leg for leg in self.client_legs if leg not in self.numbers]

    @cached_property
    def judged_legs(self) -> Sequence[int | None]:
        """The client's legs; for a call without SIP one leg, None."""
        return self.client_legs if self.legs else [None]

    @cached_property
    def at_every_place(self) -> Call:
        """The call with the rows of every place, including those counted at another place."""
        return Call(self.number, self._at_every_place)

    @cached_property
    def lost_flows(self) -> frozenset[Flow]:
        """RTP flows of which a place farther along the way shows nothing."""
        return frozenset(
            (row.from_capture, row.from_src_addr, row.from_src_port, row.from_dst_addr, row.from_dst_port)
            for row in self.passages
            if row.kind == "rtp" and row.lost and not row.arrived
        )

    @cached_property
    def connections(self) -> tuple[ConnectionRow, ...]:
        """Empty here, as are ``tls`` and ``http``: these tables belong to no call (see Beside)."""
        return ()

    @cached_property
    def tls(self) -> tuple[TlsRow, ...]:
        return ()

    @cached_property
    def http(self) -> tuple[HttpRow, ...]:
        return ()

    @cached_property
    def last_time(self) -> datetime | None:
        """The end of the last capture with this call; None if unknown."""
        return max((each.last_time for each in self.captures if each.last_time), default=None)


def answered_once(
    ask: Callable[Concatenate[Case, P], T],
) -> Callable[Concatenate[Case, P], T]:
    """Cache a function of a case and hashable arguments in the case; callers must not modify the result."""

    @wraps(ask)
    def answered(case: Case, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (ask, *args, *kwargs.items()) if kwargs else (ask, *args)
        answer: T = case.answers.get(key, UNASKED)  # looked up once: rows as arguments are slow to hash
        if answer is UNASKED:
            answer = case.answers[key] = ask(case, *args, **kwargs)
        return answer

    return answered


def found_by(case: Case, *rules: Rule) -> bool:
    """Whether one of the rules has a finding, and other calls do not refute it."""
    return any(True for rule in rules if rule.name not in case.refuted for _ in rule.find(case))


class Beside(Case):
    """Rows outside calls: registrations and other SIP, all SIP connections, and TCP, TLS and HTTP before a call."""

    def __init__(self, calls: Calls, deployment: Deployment) -> None:
        super().__init__(0, calls, deployment, {})

    @cached_property
    def sip_messages(self) -> tuple[SipMessageRow, ...]:
        return self._calls.of_none(SipMessageRow, "sip_messages")

    @cached_property
    def connection_events(self) -> tuple[ConnectionEventRow, ...]:
        return tuple(event for events in self._calls.connection_events.values() for event in events)

    @cached_property
    def connections(self) -> tuple[ConnectionRow, ...]:
        return self._calls.every(ConnectionRow, "connections")

    @cached_property
    def tls(self) -> tuple[TlsRow, ...]:
        return self._calls.every(TlsRow, "tls")

    @cached_property
    def http(self) -> tuple[HttpRow, ...]:
        return self._calls.every(HttpRow, "http")

    @cached_property
    def icmp_errors(self) -> tuple[IcmpErrorRow, ...]:
        return self._calls.of_none(IcmpErrorRow, "icmp_errors")

    @cached_property
    def sip_ways(self) -> frozenset[tuple[str, str]]:
        """Between whom SIP was seen, in calls and outside: source and destination."""
        ways = self._calls.tables.sip_messages[["src_addr", "dst_addr"]].drop_duplicates()
        return frozenset(zip(plain(ways["src_addr"]), plain(ways["dst_addr"]), strict=True))

    @cached_property
    def sip_senders(self) -> frozenset[str]:
        return frozenset(source for source, _ in self.sip_ways)

    def sip_among(self, addresses: Collection[str]) -> tuple[SipMessageRow, ...]:
        """Return the messages from one of these addresses to another, in calls and outside, in order of time."""
        return self._calls.among(SipMessageRow, "sip_messages", addresses) if addresses else ()

    @cached_property
    def turn_messages(self) -> tuple[StunMessageRow, ...]:
        """Requests to TURN servers and their responses, those of calls included."""
        rows = self._calls.tables.stun_messages
        return tuple(load(StunMessageRow, _once_in_order(rows[rows["method"].isin(TURN_TRANSACTIONS)])))

    def seen_in_call(self, addr: str, since: datetime, until: datetime) -> bool:
        """Whether a machine takes part in a call at that time: in its SIP, by a check that succeeds, or by media."""
        tables, near = self._calls.tables, timedelta(seconds=NEAR_S)
        checks = tables.bindings[
            (tables.bindings["purpose"] == "check") & (tables.bindings["outcome"] == "success")
        ]
        messages = tables.sip_messages[tables.sip_messages["call"].notna()]
        for rows, begin, end in (
            (messages, "time", "time"),
            (checks, "time", "time"),
            (tables.rtp_streams, "first_time", "last_time"),
        ):
            own = (rows["src_addr"] == addr) | (rows["dst_addr"] == addr)
            if (own & (rows[begin] <= until + near) & (rows[end] >= since - near)).any():
                return True
        return False

    @cached_property
    def products(self) -> frozenset[str]:
        """The products named in User-Agents outside calls."""
        return self.deployment.products_in(row.user_agent for row in self.sip_messages)


def evidence(*rows: Row | None, more: Iterable[int] = ()) -> Evidence:
    """Return evidence from rows: the first row's capture and time, and the frames of all rows in that capture.

    ``more`` adds frame numbers; None rows are skipped, ValueError if no row is left.
    """
    present = [row for row in rows if row is not None]
    if not present:
        raise ValueError("a finding needs a row to stand on")
    capture = present[0].capture
    frames = sorted(
        {row.frame for row in present if row.capture == capture and row.frame is not None} | {*more}
    )
    return Evidence(capture, tuple(frames), present[0].time)


def at_one_place(rows: Iterable[R]) -> list[R]:
    """Return the rows of the capture that shows the most of them: another may show the same packets."""
    by_capture: dict[str, list[R]] = defaultdict(list)
    for row in rows:
        by_capture[row.capture].append(row)
    return max(by_capture.values(), key=len, default=[])


def in_turn(every: Iterable[Case]) -> Iterator[Case]:
    """Yield each call, then drop its rows where the run has many: those of all calls would be large."""
    for case in every:
        yield case
        if case.one_of_many:
            case.forget()


def cases(tables: Tables, deployment: Deployment) -> list[Case]:
    """Return one case per call, ordered by number."""
    calls, software = Calls(tables, _once_in_order, at_once=AT_ONCE), _software(tables)
    at_every_place = Calls(tables, _in_order, at_once=AT_ONCE) if _counted_elsewhere(tables) else None
    return [Case(number, calls, deployment, software, at_every_place) for number in calls.numbers]


def beside(tables: Tables, deployment: Deployment) -> Beside:
    """Return the run's rows outside its calls."""
    return Beside(Calls(tables, _once_in_order), deployment)


def _once_in_order(table: pd.DataFrame) -> pd.DataFrame:
    return _in_order(_without(table, "counted_in"))


def _counted_elsewhere(tables: Tables) -> bool:
    """Whether rows of one place count at another; otherwise the rows of every place are those that count."""
    return any(
        "counted_in" in table.names and len(rows) and rows["counted_in"].notna().any()
        for table, rows in tables.items()
    )


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    once = _without(table, "copy_of")
    return once if once["time"].is_monotonic_increasing else once.sort_values("time", kind="stable")


def _without(table: pd.DataFrame, mark: str) -> pd.DataFrame:
    """Return the rows without this mark: the table itself if none has it."""
    if mark not in table:
        return table
    unmarked = table[mark].isna()
    return table if unmarked.all() else table[unmarked]


def _software(tables: Tables) -> dict[str, str]:
    """Return SOFTWARE by transaction ID."""
    names, identities = (plain(tables.stun_messages[name]) for name in ("software", "transaction_id"))
    return {key: name for key, name in zip(identities, names, strict=True) if name is not None}
