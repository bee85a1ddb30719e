"""The caller hangs up while it rings: CANCEL and 487 on both legs."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording
from pcaps.make.builders.sip import Dialog

WHAT = "caller cancels: 487 on both legs, no media"
GONE = ['Reason: SIP;cause=487;text="ORIGINATOR_CANCEL"']


def make() -> Files:
    recording = Recording("2026-12-03T12:00:00")
    call = Call(recording, "cancelled_487")
    call.begin(0.1)
    call.check(0.12)
    call.secure(0.146)
    call.ring(0.4)
    _cancel(call.leg1, 2.3, [])
    _cancel(call.leg2, 2.31, GONE)
    return product(
        "cancelled_487",
        {"cancelled_487.pcapng": pcapng(recording)},
        WHAT,
        [call.truth()],
        view="server: eth0",
    )


def _cancel(leg: Dialog, at: float, reason: list[str]) -> None:
    leg.cancel(at, reason)
    leg.respond(at + 0.002, 200, method="CANCEL")
    leg.refuse(at + 0.003, 487)
    leg.ended_by = "CANCEL by the uac"
