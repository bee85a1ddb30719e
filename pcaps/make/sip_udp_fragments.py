"""SIP over UDP in IP fragments: an INVITE larger than the MTU, despite RFC 3261, section 18.1.1."""

from dataclasses import replace

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath

WHAT = "a whole call with leg 1 over UDP, its INVITE in three IP fragments"
LAB = replace(SATELLITE, sip_server=("10.0.50.117", 5060), b2bua=("10.0.50.118", 5080))
MANY_CODECS = [
    f"a=rtpmap:{96 + i} telephone-event/{8000 * (i + 1)}\r\na=fmtp:{96 + i} 0-16,32-36,66,70"
    for i in range(28)
]
LONG_NOTE = [f"X-Presence-Note: {'please ring at the back door ' * 9}end"]


def make() -> Files:
    recording = Recording("2026-12-01T10:00:00")
    leg1 = UdpPath(recording, {"uac": LAB.sip_server, "uas": LAB.b2bua}, mtu=1500)
    call = Call(
        recording,
        "sip_udp_fragments",
        LAB,
        leg1_path=leg1,
        leg1_transport="UDP",
        offer_extra=MANY_CODECS,
        invite1_extra=LONG_NOTE,
    )
    call.play()
    capture = pcapng(recording)
    return product(
        "sip_udp_fragments", {"sip_udp_fragments.pcapng": capture}, WHAT, [call.truth()], view="server: eth0"
    )
