"""SIP on unregistered ports: leg 1 on TCP 4988, leg 2 on UDP 15062, both directions."""

from dataclasses import replace

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "a whole call with SIP on TCP 4988 and UDP 15062"
LAB = replace(
    SATELLITE,
    sip_server=("10.0.50.117", 40112),
    b2bua=("10.0.50.118", 4988),
    trunk=("10.0.50.118", 15062),
    gateway=("10.0.50.20", 15062),
)


def make() -> Files:
    recording = Recording("2026-12-03T16:00:00")
    call = Call(recording, "sip_odd_ports", LAB)
    call.play()
    capture = pcapng(recording)
    return product(
        "sip_odd_ports", {"sip_odd_ports.pcapng": capture}, WHAT, [call.truth()], view="server: eth0"
    )
