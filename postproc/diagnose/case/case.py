"""One call with all rows that are its own.

A call seen by several captures has its bindings, streams and handshakes once per
capture here, as in the tables; ``checks`` and ``media`` count them once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pandas as pd

from postproc.diagnose.case.rows import Row, Rows, by, rows
from postproc.model.deployment import CLIENT, OTHER, SERVER, Deployment
from postproc.model.findings import Evidence
from postproc.model.tables import Tables

__all__ = ["CLIENT", "OTHER", "SERVER", "Case", "cases", "evidence"]

OWNED = {
    "legs": "legs", "candidates": "candidates", "bindings": "bindings", "pairs": "pairs", "dtls": "dtls",
    "streams": "rtp_streams", "nat": "nat_mappings", "messages": "sip_messages",
    "transactions": "transactions", "sdp": "sdp_media", "log": "log_events",
    "dtls_messages": "dtls_messages", "icmp": "icmp_errors",
}  # fmt: skip


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
    owned = {name: _owned(getattr(tables, table)) for name, table in OWNED.items()}
    software = _software(tables)
    captures = {row.capture: row for row in rows(tables.captures)}
    found = []
    for call in sorted(rows(tables.calls), key=lambda row: row.call):
        mine = {name: groups.get(call.call, ()) for name, groups in owned.items()}
        names = dict.fromkeys(row.capture for group in mine.values() for row in group)
        found.append(
            Case(
                number=call.call,
                call=call,
                deployment=deployment,
                captures=tuple(captures[name] for name in names if name in captures),
                software=tuple(dict.fromkeys(
                    software[b.transaction_id] for b in mine["bindings"] if b.transaction_id in software
                )),
                **mine,
            )
        )  # fmt: skip
    return found


def _owned(table: pd.DataFrame) -> Mapping[int, Rows]:
    """The rows of every call, in order of time."""
    once = table[table["copy_of"].isna()] if "copy_of" in table else table
    return by(rows(once.sort_values("time", kind="stable")), "call")


def _software(tables: Tables) -> dict[str, str]:
    """Transaction ID -> SOFTWARE said in it."""
    said = tables.stun_messages.dropna(subset=["software"])
    return dict(zip(said["transaction_id"], said["software"], strict=True))
