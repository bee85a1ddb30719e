"""A pcapng compressed with gzip, as Wireshark can save it."""

import gzip

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "a whole call, the file compressed by gzip"


def make() -> Files:
    recording = Recording("2026-12-02T08:00:00")
    call = Call(recording, "compressed")
    call.play()
    capture = gzip.compress(pcapng(recording), mtime=0)
    return product("compressed", {"compressed.pcapng.gz": capture}, WHAT, [call.truth()], view="server: eth0")
