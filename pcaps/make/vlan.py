"""A whole call with an 802.1Q tag on every frame; short frames are padded."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.links import Interface
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "a whole call in VLAN 50"


def make() -> Files:
    recording = Recording("2026-12-01T12:00:00", Interface(vlans=((0x8100, 50),), padded=True))
    call = Call(recording, "vlan")
    call.play()
    return product("vlan", {"vlan.pcapng": pcapng(recording)}, WHAT, [call.truth()], view="server")
