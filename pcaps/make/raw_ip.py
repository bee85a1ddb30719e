"""A whole call captured on a tunnel device, without link layer."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.links import RAW, Interface
from pcaps.make.builders.product import Files, pcap, product
from pcaps.make.builders.recording import Recording

WHAT = "a whole call in raw IP packets"


def make() -> Files:
    recording = Recording("2026-12-01T20:00:00", Interface("tun0", RAW))
    call = Call(recording, "raw_ip")
    call.play()
    return product("raw_ip", {"raw_ip.pcap": pcap(recording)}, WHAT, [call.truth()], view="server")
