"""A whole call captured on Linux's any device, cooked version 2."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.links import LINUX_SLL2, Interface
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "a whole call in Linux cooked capture v2"


def make() -> Files:
    recording = Recording("2026-12-01T18:00:00", Interface("any", LINUX_SLL2))
    call = Call(recording, "sll2")
    call.play()
    return product("sll2", {"sll2.pcapng": pcapng(recording)}, WHAT, [call.truth()], view="server")
