"""What the captures of a call can show: a precondition for conclusions from missing packets."""

from datetime import datetime

from postproc.diagnose.evidence.case import Case, answered_once
from postproc.model.loading import PacketRow
from postproc.model.rows import BindingRow
from postproc.model.statuses import is_final


def watched_after(case: Case, time: datetime) -> float:
    """Return the seconds from ``time`` to the end of the call's captures; 0 if unknown."""
    return (case.last_time - time).total_seconds() if case.last_time else 0.0


def goes_on(case: Case) -> bool:
    """Whether the captures end before the call: no leg's end is in them."""
    return not any(leg.end_time for leg in case.legs)


def end(case: Case) -> datetime | None:
    """Return the end of the call or of the captures, whichever is earlier."""
    ends = [time for time in (case.call.end, case.last_time) if time is not None]
    return min(ends, default=None)


def truncated(case: Case) -> bool:
    """Return whether only the beginning of some messages was captured, by the snapshot length.

    What these say is not known, not even which call they belong to.
    """
    return any(row.messages_cut for row in case.captures)


Ends = tuple[str, str]  # sender's and receiver's address


def ends_seen(binding: BindingRow) -> list[Ends]:
    """Return the directions in which packets of a binding were captured."""
    forth = (binding.src_addr, binding.dst_addr)
    if binding.outcome == "response_only":
        return [forth[::-1]]
    return [forth, forth[::-1]] if binding.response_frame is not None else [forth]


ENOUGH = 2  # a single hole may be due to the capture's start; a choice, more would hide small leaks


@answered_once
def holes(case: Case) -> list[PacketRow]:
    """Return the responses to packets that no capture shows: Binding Successes, SIP responses, ACKs."""
    late = {leg.call_id for leg in case.legs if leg.state == "starts_mid_call"}
    requests_seen = {(row.call_id, row.cseq, row.method) for row in case.sip_messages if row.method}
    finals = {(row.call_id, row.cseq) for row in case.sip_messages if is_final(row.status)}
    requested = {row.transaction_id for row in case.bindings if row.outcome != "response_only"}
    unasked: list[PacketRow] = [row for row in case.bindings if row.transaction_id not in requested]
    for row in case.sip_messages:
        if row.call_id in late or row.cseq is None:
            continue
        answers = row.status is not None and (row.call_id, row.cseq, row.cseq_method) not in requests_seen
        confirms = row.method == "ACK" and (row.call_id, row.cseq) not in finals
        if answers or confirms:
            unasked.append(row)
    return unasked


def leaky(case: Case) -> bool:
    """Whether the captures dropped packets, so that a loss in them proves nothing about the network."""
    return len(holes(case)) >= ENOUGH
