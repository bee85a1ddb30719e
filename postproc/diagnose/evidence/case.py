"""One call with all rows that are its own.

A call seen by several captures has its bindings, streams and handshakes once per
capture here, as in the tables; ``checks`` and ``media`` count them once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import pandas as pd

from postproc.model.calls import Call, Calls
from postproc.model.deployment import CLIENT, OTHER, SERVER, Deployment
from postproc.model.findings import Evidence
from postproc.model.loading import Row
from postproc.model.rows import (
    CaptureRow,
    ConnectionEventRow,
    ConnectionRow,
    HttpRow,
    IcmpErrorRow,
    SipMessageRow,
    TlsRow,
)
from postproc.model.tables import Tables

__all__ = ["CLIENT", "OTHER", "SERVER", "Beside", "Case", "answered_once", "beside", "cases", "evidence"]

P = ParamSpec("P")
T = TypeVar("T")

Flow = tuple[str, str | None, int | None, str | None, int | None]  # capture, source, destination


class Case(Call):
    """A call and the deployment it is judged by; its rows are in order of time.

    Rows of messages that are second captures of the same packet are left out. ``refuted`` are the rules
    whose suspicion other calls of the run refute: they explain nothing, and stand in no other rule's way.
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

    @cached_property
    def captures(self) -> tuple[CaptureRow, ...]:
        """The captures it was seen in, in the order of its rows."""
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
        by_name = {row.capture: row for row in self.run_captures}
        names = dict.fromkeys(row.capture for rows in owned for row in rows)
        return tuple(by_name[name] for name in names if name in by_name)

    @cached_property
    def software(self) -> tuple[str, ...]:
        """STUN SOFTWARE of its checks."""
        asked = (self._software.get(row.transaction_id) for row in self.bindings)
        return tuple(dict.fromkeys(name for name in asked if name is not None))

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
        """Products of the deployment file that take part: they decide what wording fits."""
        agents = [agent for leg in self.legs for agent in (leg.uac_agent, leg.uas_agent)]
        owners = [section.sdp_owner for section in self.sdp_media]
        return self.deployment.products_in([*agents, *owners, *self.software])

    @cached_property
    def client_legs(self) -> list[int]:
        """Legs on which a client with ICE, DTLS or a client's marker is: "the client's leg"."""
        with_ice = {self.leg_of.get(section.call_id) for section in self.sdp_media if section.ufrag}
        checked = {binding.leg for binding in self.bindings if binding.purpose == "check"}
        sided = {row.leg for row in self.candidates if row.side == CLIENT}
        keyed = {row.leg for row in self.dtls}
        return sorted(leg for leg in with_ice | checked | sided | keyed if leg is not None)

    @cached_property
    def unread_legs(self) -> list[int]:
        """Legs known by their checks alone: their SIP is encrypted, or not in the capture."""
        return [leg for leg in self.client_legs if leg not in self.numbers]

    @cached_property
    def judged_legs(self) -> Sequence[int | None]:
        """The client's legs; a call without SIP is one leg without a number."""
        return self.client_legs if self.legs else [None]

    @cached_property
    def at_every_place(self) -> Call:
        """The call with the rows of each place, also those that count at another."""
        return Call(self.number, self._at_every_place)

    @cached_property
    def lost_flows(self) -> frozenset[Flow]:
        """RTP of which another place, farther along its way, shows nothing."""
        return frozenset(
            (row.from_capture, row.from_src_addr, row.from_src_port, row.from_dst_addr, row.from_dst_port)
            for row in self.passages
            if row.kind == "rtp" and row.lost and not row.arrived
        )

    @cached_property
    def connections(self) -> tuple[ConnectionRow, ...]:
        """TCP of the way in, which is no call's: so of ``tls`` and ``http``."""
        return ()

    @cached_property
    def tls(self) -> tuple[TlsRow, ...]:
        return ()

    @cached_property
    def http(self) -> tuple[HttpRow, ...]:
        return ()

    @cached_property
    def last_time(self) -> datetime | None:
        """When the last capture with this call ends."""
        return max((each.last_time for each in self.captures if each.last_time), default=None)


def answered_once(
    ask: Callable[Concatenate[Case, P], T],
) -> Callable[Concatenate[Case, P], T]:
    """What many rules ask of a call by its rows alone is answered once; nobody changes the answer."""

    @wraps(ask)
    def answered(case: Case, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (ask, args, *kwargs.items())
        if key not in case.answers:
            case.answers[key] = ask(case, *args, **kwargs)
        found: T = case.answers[key]
        return found

    return answered


class Beside(Case):
    """What belongs to no call: registrations and other SIP, all connections that carry SIP, the way in."""

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
    def products(self) -> frozenset[str]:
        """Products that name themselves in it."""
        return self.deployment.products_in(row.user_agent for row in self.sip_messages)


def evidence(*found: Row | None, more: Iterable[int] = ()) -> Evidence:
    """Evidence from rows: the first one's capture, and the frames of all of that capture."""
    seen = [row for row in found if row is not None]
    if not seen:
        raise ValueError("a finding needs a row to stand on")
    capture = seen[0].capture
    frames = sorted({row.frame for row in seen if row.capture == capture and row.frame is not None} | {*more})
    return Evidence(capture, tuple(frames), seen[0].time)


def cases(tables: Tables, deployment: Deployment) -> list[Case]:
    """One case per call, by number."""
    calls, software = Calls(tables, _once_in_order), _software(tables)
    at_every_place = Calls(tables, _in_order)
    return [Case(number, calls, deployment, software, at_every_place) for number in calls.numbers]


def beside(tables: Tables, deployment: Deployment) -> Beside:
    """What is in the run beside its calls."""
    return Beside(Calls(tables, _once_in_order), deployment)


def _once_in_order(table: pd.DataFrame) -> pd.DataFrame:
    return _in_order(table[table["counted_in"].isna()] if "counted_in" in table else table)


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    once = table[table["copy_of"].isna()] if "copy_of" in table else table
    return once.sort_values("time", kind="stable")


def _software(tables: Tables) -> dict[str, str]:
    """Transaction ID -> SOFTWARE said in it."""
    said = tables.stun_messages.dropna(subset=["software"])
    return dict(zip(said["transaction_id"], said["software"], strict=True))
