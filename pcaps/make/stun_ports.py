"""Checks on UDP ports that other protocols have registered: jmirror, busmirroring, uaudp twice, eobi."""

from dataclasses import replace

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "four calls whose checks run between server ports 30030, 30511, 32000, 32512 and client port 56000"
SERVER_PORTS = (30030, 30511, 32000, 32512)
CLIENT_PORT = 56000


def make() -> Files:
    recording = Recording("2026-12-02T00:00:00")
    calls = [_call(recording, nth, port) for nth, port in enumerate(SERVER_PORTS)]
    for nth, call in enumerate(calls):
        call.play(0.1 + 20 * nth, talk=0.4)
    truths = [call.truth(nth + 1) for nth, call in enumerate(calls)]
    return product("stun_ports", {"stun_ports.pcapng": pcapng(recording)}, WHAT, truths, view="server: eth0")


def _call(recording: Recording, nth: int, port: int) -> Call:
    lab = replace(
        SATELLITE,
        sip_server=("10.0.50.117", 4910 + nth),
        media=("10.0.50.118", port),
        media_public=("203.0.113.10", port),
        client=("192.168.178.34", CLIENT_PORT),
        client_public=("198.51.100.77", CLIENT_PORT),
        trunk_media=("10.0.50.118", 31000 + 2 * nth),
    )
    return Call(recording, f"stun_ports {port}", lab, callee=f"+49893610{nth}55")
