"""What the captures of a call can show, before anything is concluded from what they do not."""

from datetime import datetime

from postproc.diagnose.evidence.case import Case
from postproc.model.loading import PacketRow
from postproc.model.rows import BindingRow


def watched_after(case: Case, time: datetime) -> float:
    """Seconds that the captures go on after a moment."""
    return (case.last_time - time).total_seconds() if case.last_time else 0.0


def goes_on(case: Case) -> bool:
    """The captures end before the call does: no leg's end is in them."""
    return not any(leg.end_time for leg in case.legs)


def end(case: Case) -> datetime | None:
    """When the call was over, or the captures were."""
    ends = [time for time in (case.call.end, case.last_time) if time is not None]
    return min(ends, default=None)


Ends = tuple[str, str]  # sender's and receiver's address


def ends_seen(binding: BindingRow) -> list[Ends]:
    """Which ways packets of a binding were captured; of a lone response only the way back."""
    there = (binding.src_addr, binding.dst_addr)
    if binding.outcome == "response_only":
        return [there[::-1]]
    return [there, there[::-1]] if binding.response_frame is not None else [there]


ENOUGH = 2  # one may be due to the capture's beginning


def holes(case: Case) -> list[PacketRow]:
    """What answers a packet that no capture shows: Binding Successes, SIP responses and ACKs of nothing."""
    late = {leg.call_id for leg in case.legs if leg.state == "starts_mid_call"}
    asked = {(row.call_id, row.cseq, row.method) for row in case.sip_messages if row.method}
    finals = {(row.call_id, row.cseq) for row in case.sip_messages if (row.status or 0) >= 200}
    requested = {row.transaction_id for row in case.bindings if row.outcome != "response_only"}
    unasked: list[PacketRow] = [row for row in case.bindings if row.transaction_id not in requested]
    for row in case.sip_messages:
        if row.call_id in late or row.cseq is None:
            continue
        answers = row.status is not None and (row.call_id, row.cseq, row.cseq_method) not in asked
        confirms = row.method == "ACK" and (row.call_id, row.cseq) not in finals
        if answers or confirms:
            unasked.append(row)
    return unasked


def leaky(case: Case) -> bool:
    """The captures lose packets, so a loss in them proves nothing about the network."""
    return len(holes(case)) >= ENOUGH
