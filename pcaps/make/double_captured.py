"""Every packet twice, on a bridge and on its port: the same IP identification 40 microseconds later."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.links import Interface
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "a whole call with each packet captured on two interfaces"


def make() -> Files:
    recording = Recording("2026-12-03T02:00:00", Interface("eth0"), Interface("br0"))
    call = Call(recording, "double_captured", on=(0, 1))
    call.play(talk=0.8)
    capture = pcapng(recording)
    return product(
        "double_captured",
        {"double_captured.pcapng": capture},
        WHAT,
        [call.truth()],
        view="server: eth0 + br0",
        copies=2,
    )
