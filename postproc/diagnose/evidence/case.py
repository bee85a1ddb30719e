"""One call with all rows that are its own.

A call seen by several captures has its bindings, streams and handshakes once per
capture here, as in the tables; ``checks`` and ``media`` count them once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pandas as pd

from postproc.model.deployment import CLIENT, OTHER, SERVER, Deployment
from postproc.model.findings import Evidence
from postproc.model.loading import R, Row, by, load
from postproc.model.rows import (
    BindingRow,
    CallRow,
    CandidateRow,
    CaptureRow,
    DtlsMessageRow,
    DtlsRow,
    IcmpErrorRow,
    LegRow,
    LogEventRow,
    NatMappingRow,
    PairRow,
    PhaseRow,
    RtpStreamRow,
    SdpMediaRow,
    SipMessageRow,
    TransactionRow,
)
from postproc.model.tables import Tables

__all__ = ["CLIENT", "OTHER", "SERVER", "Case", "cases", "evidence"]


@dataclass(frozen=True, repr=False)
class Case:
    """A call: rows of each table (see ``postproc tables``) that belong to it, in order of time.

    Message rows that are second captures of the same packet are left out.
    """

    number: int
    call: CallRow
    deployment: Deployment
    captures: tuple[CaptureRow, ...]
    legs: tuple[LegRow, ...]  # one per Call-ID and recording
    messages: tuple[SipMessageRow, ...]  # sip_messages
    transactions: tuple[TransactionRow, ...]
    sdp: tuple[SdpMediaRow, ...]  # sdp_media
    candidates: tuple[CandidateRow, ...]
    bindings: tuple[BindingRow, ...]
    pairs: tuple[PairRow, ...]
    dtls: tuple[DtlsRow, ...]
    dtls_messages: tuple[DtlsMessageRow, ...]
    phases: tuple[PhaseRow, ...]
    streams: tuple[RtpStreamRow, ...]
    nat: tuple[NatMappingRow, ...]
    icmp: tuple[IcmpErrorRow, ...]
    log: tuple[LogEventRow, ...]
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
        """Legs on which a client with ICE, DTLS or a client's marker is: "the client's leg"."""
        with_ice = {self.leg_of.get(section.call_id) for section in self.sdp if section.ufrag}
        checked = {binding.leg for binding in self.bindings if binding.purpose == "check"}
        sided = {row.leg for row in self.candidates if row.side == CLIENT}
        keyed = {row.leg for row in self.dtls}
        return sorted(leg for leg in with_ice | checked | sided | keyed if leg is not None)

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
    legs, messages = _owned(LegRow, tables.legs), _owned(SipMessageRow, tables.sip_messages)
    transactions, sdp = _owned(TransactionRow, tables.transactions), _owned(SdpMediaRow, tables.sdp_media)
    candidates, pairs = _owned(CandidateRow, tables.candidates), _owned(PairRow, tables.pairs)
    bindings, nat = _owned(BindingRow, tables.bindings), _owned(NatMappingRow, tables.nat_mappings)
    dtls, dtls_messages = _owned(DtlsRow, tables.dtls), _owned(DtlsMessageRow, tables.dtls_messages)
    streams, icmp = _owned(RtpStreamRow, tables.rtp_streams), _owned(IcmpErrorRow, tables.icmp_errors)
    phases = _owned(PhaseRow, tables.phases)
    log, software = _owned(LogEventRow, tables.log_events), _software(tables)
    captures = {row.capture: row for row in load(CaptureRow, tables.captures)}
    owned: list[Mapping[int, tuple[Row, ...]]] = [
        legs,
        candidates,
        bindings,
        pairs,
        dtls,
        streams,
        nat,
        messages,
        transactions,
        sdp,
        log,
        dtls_messages,
        icmp,
    ]
    found = []
    for call in sorted(load(CallRow, tables.calls), key=lambda row: row.call):
        n = call.call
        names = dict.fromkeys(row.capture for groups in owned for row in groups.get(n, ()))
        asked = (software.get(row.transaction_id) for row in bindings.get(n, ()))
        found.append(
            Case(
                number=n,
                call=call,
                deployment=deployment,
                captures=tuple(captures[name] for name in names if name in captures),
                software=tuple(dict.fromkeys(name for name in asked if name is not None)),
                legs=legs.get(n, ()),
                messages=messages.get(n, ()),
                transactions=transactions.get(n, ()),
                sdp=sdp.get(n, ()),
                candidates=candidates.get(n, ()),
                bindings=bindings.get(n, ()),
                pairs=pairs.get(n, ()),
                dtls=dtls.get(n, ()),
                dtls_messages=dtls_messages.get(n, ()),
                phases=phases.get(n, ()),
                streams=streams.get(n, ()),
                nat=nat.get(n, ()),
                icmp=icmp.get(n, ()),
                log=log.get(n, ()),
            )
        )
    return found


def _owned(kind: type[R], table: pd.DataFrame) -> Mapping[int, tuple[R, ...]]:
    """The rows of every call, in order of time."""
    once = table[table["copy_of"].isna()] if "copy_of" in table else table
    return by(load(kind, once.sort_values("time", kind="stable")), "call")


def _software(tables: Tables) -> dict[str, str]:
    """Transaction ID -> SOFTWARE said in it."""
    said = tables.stun_messages.dropna(subset=["software"])
    return dict(zip(said["transaction_id"], said["software"], strict=True))
