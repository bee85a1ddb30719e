"""A classic pcap written on a big-endian machine."""

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.product import Files, pcap, product
from pcaps.make.builders.recording import Recording

WHAT = "a whole call in a big-endian pcap"


def make() -> Files:
    recording = Recording("2026-12-02T10:00:00")
    call = Call(recording, "big_endian")
    call.play()
    return product(
        "big_endian", {"big_endian.pcap": pcap(recording, order=">")}, WHAT, [call.truth()], view="server"
    )
