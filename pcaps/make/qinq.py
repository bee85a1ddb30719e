"""A whole call with two VLAN tags: 802.1ad outside, 802.1Q inside."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.links import Interface
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "a whole call in QinQ: service VLAN 300, customer VLAN 50"


def make() -> Files:
    recording = Recording("2026-12-01T14:00:00", Interface(vlans=((0x88A8, 300), (0x8100, 50))))
    call = Call(recording, "qinq")
    call.play()
    return product("qinq", {"qinq.pcapng": pcapng(recording)}, WHAT, [call.truth()], view="server")
