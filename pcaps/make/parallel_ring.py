"""Parallel ringing: one first leg, two second legs through two gateways; one answers, one is cancelled."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.sip import Dialog

WHAT = "one call with two second legs ringing at once: one answered, the other cancelled"
OTHER_GATEWAY = ("10.0.50.21", 5060)
ELSEWHERE = ['Reason: SIP;cause=200;text="Call completed elsewhere"']


def make() -> Files:
    recording = Recording("2026-12-02T18:00:00")
    call = Call(recording, "parallel_ring")
    loser = _second_gateway(call)
    call.begin(0.1)
    loser.invite(0.1171, call.trunk_offer())
    loser.respond(0.1192, 100)
    loser.respond(0.35, 180)
    call.finish(0.1)
    _cancel(loser, 0.703)
    truth = call.truth(legs=(call.leg1, call.leg2, loser))
    return product(
        "parallel_ring", {"parallel_ring.pcapng": pcapng(recording)}, WHAT, [truth], view="server: eth0"
    )


def _second_gateway(call: Call) -> Dialog:
    ends = {"uac": call.lab.trunk, "uas": OTHER_GATEWAY}
    seed = call.seed.child("leg 3")
    path = UdpPath(call.recording, ends)
    return Dialog(
        path,
        ends,
        seed,
        seed.uuid(),
        call.caller,
        call.callee,
        call.caller_name,
        cseq=seed.number(10**8, 2 * 10**8),
    )


def _cancel(leg: Dialog, at: float) -> None:
    leg.cancel(at, ELSEWHERE)
    leg.respond(at + 0.003, 200, method="CANCEL")
    leg.refuse(at + 0.004, 487)
    leg.ended_by = "CANCEL by the uac"
