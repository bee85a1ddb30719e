"""Packets that must have been there and are not in the captures: the captures themselves lose some."""

from postproc.diagnose.case.case import Case
from postproc.model.loading import PacketRow

ENOUGH = 2  # one may be due to the capture's beginning


def holes(case: Case) -> list[PacketRow]:
    """What answers a packet that is not there: Binding Successes, SIP responses and ACKs of nothing."""
    late = {leg.call_id for leg in case.legs if leg.state == "starts_mid_call"}
    asked = {(row.call_id, row.cseq, row.method) for row in case.messages if row.method}
    finals = {(row.call_id, row.cseq) for row in case.messages if (row.status or 0) >= 200}
    unasked: list[PacketRow] = [row for row in case.bindings if row.outcome == "response_only"]
    for row in case.messages:
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
