"""The SIP messages of both legs: a table of lines, which are then sent."""

from itertools import groupby
from typing import NamedTuple

from bench import sip
from bench.plan import CANCELLED_AFTER, Call, Script
from bench.sip import Dialog
from bench.wire import Write


class Line(NamedTuple):
    """A message: seconds after the call's first INVITE, its leg, and whether the caller's side sends it."""

    after: float
    dialog: Dialog
    by_uac: bool
    data: bytes


def signal(script: Script, call: Call) -> int:
    """Send both legs' messages; return their number."""
    ends = {"answered": _answered, "busy": _busy, "cancelled": _cancelled}
    lines = _set_up(call) + ends[call.plan.outcome](call)
    for line in lines:
        if line.dialog is call.outbound:
            _send_datagram(script, call, line)
    _send_stream(script, call, [line for line in lines if line.dialog is call.inbound])
    return len(lines)


def _set_up(call: Call) -> list[Line]:
    leg1, leg2 = call.inbound, call.outbound
    trying = 0.008 if call.plan.coalesced else 0.001
    mark = [f"X-Call-Reference: {leg1.call_id}"] if call.plan.marked else []
    offer = sip.secured_sdp("softphone", call.client_media, call.client)
    return [
        Line(0.000, leg1, True, sip.invite(leg1, offer)),
        Line(trying, leg1, False, sip.response(leg1, 100)),
        Line(0.008, leg1, False, sip.response(leg1, 183, sdp=_answer(call))),
        Line(0.010, leg2, True, sip.invite(leg2, sip.plain_sdp("b2bua", call.trunk_media), mark)),
        Line(0.030, leg2, False, sip.response(leg2, 100)),
    ]


def _answered(call: Call) -> list[Line]:
    leg1, leg2 = call.inbound, call.outbound
    ended = call.plan.end - call.plan.start
    by_carrier = call.plan.number % 2 == 1
    first, second = (leg2, leg1) if by_carrier else (leg1, leg2)
    return [
        Line(0.300, leg2, False, sip.response(leg2, 180)),
        Line(1.000, leg2, False, sip.response(leg2, 200, sdp=sip.plain_sdp("carrier", call.carrier_media))),
        Line(1.003, leg2, True, sip.ack(leg2, success=True)),
        Line(1.010, leg1, False, sip.response(leg1, 200, sdp=_answer(call))),
        Line(1.013, leg1, True, sip.ack(leg1, success=True)),
        Line(ended, first, not by_carrier, sip.bye(first, by_carrier)),
        Line(ended + 0.002, first, by_carrier, sip.response(first, 200, "BYE", cseq=2, by_uac=by_carrier)),
        Line(ended + 0.004, second, not by_carrier, sip.bye(second, by_carrier)),
        Line(ended + 0.020, second, by_carrier, sip.response(second, 200, "BYE", cseq=2, by_uac=by_carrier)),
    ]


def _busy(call: Call) -> list[Line]:
    leg1, leg2 = call.inbound, call.outbound
    return [
        Line(0.300, leg2, False, sip.response(leg2, 486)),
        Line(0.301, leg2, True, sip.ack(leg2, success=False)),
        Line(0.305, leg1, False, sip.response(leg1, 486)),
        Line(0.306, leg1, True, sip.ack(leg1, success=False)),
    ]


def _cancelled(call: Call) -> list[Line]:
    leg1, leg2, cancel = call.inbound, call.outbound, CANCELLED_AFTER
    return [
        Line(0.300, leg2, False, sip.response(leg2, 180)),
        Line(cancel, leg1, True, sip.cancel(leg1)),
        Line(cancel + 0.001, leg1, False, sip.response(leg1, 200, "CANCEL")),
        Line(cancel + 0.002, leg1, False, sip.response(leg1, 487)),
        Line(cancel + 0.003, leg1, True, sip.ack(leg1, success=False)),
        Line(cancel + 0.004, leg2, True, sip.cancel(leg2)),
        Line(cancel + 0.020, leg2, False, sip.response(leg2, 200, "CANCEL")),
        Line(cancel + 0.021, leg2, False, sip.response(leg2, 487)),
        Line(cancel + 0.022, leg2, True, sip.ack(leg2, success=False)),
    ]


def _answer(call: Call) -> str:
    return sip.secured_sdp("b2bua", call.server_advertised, call.server)


def _send_datagram(script: Script, call: Call, line: Line) -> None:
    ends = line.dialog.uac, line.dialog.uas
    src, dst = ends if line.by_uac else ends[::-1]
    script.wire.udp(call.plan.start + line.after, src, dst, line.data)


def _send_stream(script: Script, call: Call, lines: list[Line]) -> None:
    """Send messages of equal time and sender in one segment, the INVITE in as many as planned."""
    for (after, by_uac), group in groupby(lines, key=lambda line: (line.after, line.by_uac)):
        sender = call.inbound.uac if by_uac else call.inbound.uas
        data = b"".join(line.data for line in group)
        pieces = _pieces(data, call.plan.segments if after == 0 else 1)
        script.writes.append(Write(call.plan.start + after, sender, pieces))


def _pieces(data: bytes, number: int) -> list[bytes]:
    size = -(-len(data) // number)
    return [data[start : start + size] for start in range(0, len(data), size)]
