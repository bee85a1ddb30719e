"""A mobile phone behind 464XLAT offers its CLAT address; the server sends there until the end."""

from pcaps.make.builders import sdp
from pcaps.make.builders.plain import PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcap, product
from pcaps.make.builders.recording import Recording

WHAT = (
    "c= of a phone behind 464XLAT is 192.0.0.4: the server sends there, though the phone is heard elsewhere"
)
PHONE, SERVER, CLAT = "203.0.113.200", "198.51.100.5", ("192.0.0.4", 4014)


def make() -> Files:
    recording = Recording("2026-12-04T06:30:00")
    call = PlainCall(recording, "clat_address", callee="601")
    leg = call.leg(
        (PHONE, 50114),
        (SERVER, 5060),
        ((PHONE, 61820), (SERVER, 12034)),
        ("PJSUA v2.14", "Asterisk PBX 20.5.0"),
    )
    begin(leg, 0.2, sdp.audio("-", CLAT, leg.session["uac"], formats=(111, 0, 8, 101)))
    answer(leg, 2.1, sdp.audio("asterisk", leg.media["uas"], leg.session["uas"]))
    leg.rtp("uac", 2.15, 6.15)
    leg.rtp("uas", 2.17, 6.15, to=CLAT)
    leg.dialog.bye(6.3, "uas")
    return product(
        "clat_address", {"clat_address.pcap": pcap(recording)}, WHAT, [call.truth()], view="server"
    )
