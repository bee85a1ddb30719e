"""A whole call captured on Linux's any device, cooked version 1."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.links import LINUX_SLL, Interface
from pcaps.make.builders.product import Files, pcap, product
from pcaps.make.builders.recording import Recording

WHAT = "a whole call in Linux cooked capture v1"


def make() -> Files:
    recording = Recording("2026-12-01T16:00:00", Interface("any", LINUX_SLL))
    call = Call(recording, "sll")
    call.play()
    return product("sll", {"sll.pcap": pcap(recording)}, WHAT, [call.truth()], view="server")
