"""The callee is busy: leg 2 ends with 486, and so does leg 1."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "callee busy: 486 on both legs, no media"
BUSY = ['Reason: Q.850;cause=17;text="USER_BUSY"']


def make() -> Files:
    recording = Recording("2026-12-03T10:00:00")
    call = Call(recording, "busy_486")
    call.begin(0.1)
    call.check(0.12)
    call.secure(0.146)
    call.leg2.refuse(0.5, 486)
    call.leg1.refuse(0.506, 486, extra=BUSY)
    return product(
        "busy_486", {"busy_486.pcapng": pcapng(recording)}, WHAT, [call.truth()], view="server: eth0"
    )
