"""A classic pcap with nanosecond timestamps whose last three digits are not zero."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.product import Files, pcap, product
from pcaps.make.builders.recording import Recording

WHAT = "a whole call in a nanosecond pcap"
TICK = 1e-9


def make() -> Files:
    recording = Recording("2026-12-02T12:00:00", unit_ns=1)
    call = Call(recording, "nanosecond")
    call.play(0.1 + 123 * TICK)
    capture = pcap(recording, nanoseconds=True)
    return product("nanosecond", {"nanosecond.pcap": capture}, WHAT, [call.truth()], view="server")
