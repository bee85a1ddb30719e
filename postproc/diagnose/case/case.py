"""One call with all rows that are its own.

A call seen by several captures has its bindings, streams and handshakes once per
capture here, as in the tables; ``checks`` and ``media`` count them once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import pandas as pd

from postproc.deployment import CLIENT, OTHER, SERVER, Deployment
from postproc.diagnose.case.rows import Row, Rows, by, rows
from postproc.findings import Evidence
from postproc.tables import Tables

__all__ = ["CLIENT", "OTHER", "SERVER", "Case", "cases", "evidence"]

SLACK = timedelta(seconds=5)  # a flow's ports are still the call's so long before and after its packets


@dataclass(frozen=True, repr=False)
class Case:
    """A call: rows of each table (see ``postproc tables``) that belong to it, in order of time.

    Message rows that are second captures of the same packet are left out.
    """

    number: int
    call: Row
    deployment: Deployment
    captures: Rows
    legs: Rows  # one per Call-ID and recording
    messages: Rows  # sip_messages
    transactions: Rows
    sdp: Rows  # sdp_media
    candidates: Rows
    bindings: Rows
    pairs: Rows
    dtls: Rows
    dtls_messages: Rows
    streams: Rows
    nat: Rows
    icmp: Rows
    log: Rows
    software: tuple[str, ...]  # STUN SOFTWARE of its checks

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
        owners = [section.sdp_owner for section in self.sdp]
        return self.deployment.products_in([*agents, *owners, *self.software])

    @cached_property
    def client_legs(self) -> list[int]:
        """Legs on which a client with ICE or a client's marker is; DESIGN 2a's "the client's leg"."""
        with_ice = {self.leg_of.get(section.call_id) for section in self.sdp if section.ufrag}
        checked = {binding.leg for binding in self.bindings if binding.purpose == "check"}
        sided = {row.leg for row in self.candidates if row.side == CLIENT}
        return sorted(leg for leg in with_ice | checked | sided if leg is not None)

    @cached_property
    def judged_legs(self) -> Sequence[int | None]:
        """The client's legs; a call without SIP is one leg without a number."""
        return self.client_legs if self.legs else [None]

    @cached_property
    def last_time(self) -> datetime | None:
        """When the last capture with this call ends."""
        return max((each.last_time for each in self.captures if each.last_time), default=None)


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
    calls = sorted(rows(tables.calls), key=lambda row: row.call)
    legs = rows(tables.legs)
    call_of = {leg.call_id: leg.call for leg in legs}
    owned = _Owned(tables, call_of)
    software = _software(tables)
    captures = {row.capture: row for row in rows(tables.captures)}
    icmp = owned.icmp()
    found = []
    for call in calls:
        number = call.call
        mine = owned.of(number)
        names = dict.fromkeys(row.capture for group in mine.values() for row in group)
        found.append(
            Case(
                number=number,
                call=call,
                deployment=deployment,
                captures=tuple(captures[name] for name in names if name in captures),
                icmp=icmp.get(number, ()),
                software=tuple(dict.fromkeys(
                    software[b.transaction_id] for b in mine["bindings"] if b.transaction_id in software
                )),
                **mine,
            )
        )  # fmt: skip
    return found


class _Owned:
    """The rows of every call, table by table."""

    def __init__(self, tables: Tables, call_of: Mapping[str, int]) -> None:
        first = {name: _first_captures(getattr(tables, name)) for name in ("sip_messages", "candidates")}
        numbered = {
            "legs": tables.legs, "candidates": first["candidates"], "bindings": tables.bindings,
            "pairs": tables.pairs, "dtls": tables.dtls, "streams": tables.rtp_streams, "nat": tables.nat_mappings,
        }  # fmt: skip
        named = {
            "messages": first["sip_messages"], "transactions": tables.transactions,
            "sdp": tables.sdp_media, "log": tables.log_events,
        }  # fmt: skip
        self._groups = {name: by(_sorted(table), "call") for name, table in numbered.items()}
        for name, table in named.items():
            self._groups[name] = by(_sorted(_numbered(table, call_of)), "call")
        self._groups["dtls_messages"] = self._of_tuples(tables.dtls_messages)
        self._icmp = _first_captures(tables.icmp_errors)

    def of(self, number: int) -> dict[str, Rows]:
        return {name: groups.get(number, ()) for name, groups in self._groups.items()}

    def icmp(self) -> Mapping[int, Rows]:
        """ICMP errors by call: those that quote a packet of one of its 5-tuples."""
        return self._of_tuples(self._icmp)

    def _of_tuples(self, table: pd.DataFrame) -> Mapping[int, Rows]:
        found: dict[int, list[Row]] = {}
        for row in _sorted(table):
            ends = ((row.src_addr, row.src_port), (row.dst_addr, row.dst_port))
            for number in self._tuples.get((row.capture, frozenset(ends)), {}):
                first, last = self._life[number]
                if first - SLACK <= row.time <= last + SLACK:
                    found.setdefault(number, []).append(row)
        return {number: tuple(held) for number, held in found.items()}

    @cached_property
    def _tuples(self) -> dict[tuple[str, frozenset[tuple[str, int]]], dict[int, None]]:
        """Capture and the two ends of a flow -> calls that used it."""
        found: dict[tuple[str, frozenset[tuple[str, int]]], dict[int, None]] = {}
        for name in ("bindings", "streams"):
            for number, held in self._groups[name].items():
                for row in held:
                    ends = frozenset({(row.src_addr, row.src_port), (row.dst_addr, row.dst_port)})
                    found.setdefault((row.capture, ends), {})[number] = None
        for number, held in self._groups["dtls"].items():
            for row in held:
                ends = frozenset({(row.client_addr, row.client_port), (row.server_addr, row.server_port)})
                found.setdefault((row.capture, ends), {})[number] = None
        return found

    @cached_property
    def _life(self) -> dict[int, tuple[datetime, datetime]]:
        """First and last packet of each call that used a flow."""
        times: dict[int, list[datetime]] = {}
        for name in ("legs", "messages", "bindings", "dtls", "streams"):
            for number, held in self._groups[name].items():
                ends = (row.last_time for row in held) if name == "streams" else ()
                times.setdefault(number, []).extend(
                    time for time in (*(row.time for row in held), *ends) if time is not None
                )
        return {number: (min(held), max(held)) for number, held in times.items()}


def _first_captures(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["copy_of"].isna()]


def _numbered(table: pd.DataFrame, call_of: Mapping[str, int]) -> pd.DataFrame:
    return table.assign(call=table["call_id"].map(call_of).astype("Int64"))


def _sorted(table: pd.DataFrame) -> list[Row]:
    return rows(table.sort_values("time", kind="stable"))


def _software(tables: Tables) -> dict[str, str]:
    """Transaction ID -> SOFTWARE said in it."""
    said = tables.stun_messages.dropna(subset=["software"])
    return dict(zip(said["transaction_id"], said["software"], strict=True))
