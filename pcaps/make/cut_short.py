"""A capture that ends within its last packet, as when the disk is full or dumpcap is killed."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.product import Files, pcap, product
from pcaps.make.builders.recording import Recording

WHAT = "a whole call; the file ends within one packet more, which is lost"
MISSING = 75


def make() -> Files:
    recording = Recording("2026-12-02T06:00:00")
    call = Call(recording, "cut_short")
    call.play()
    truth = call.truth()
    recording.udp(4.0, call.lab.media, call.lab.client_public, bytes(160))
    capture = pcap(recording)[:-MISSING]
    return product("cut_short", {"cut_short.pcap": capture}, WHAT, [truth], view="server", cut_short=True)
