"""NAT gives a stream another mapping in mid-call; no SDP announces it, and the server does not follow."""

from pcaps.make.builders import sdp
from pcaps.make.builders.plain import PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = (
    "a phone's NAT mapping changes in mid-call without a word in SDP, seen at the server: one server goes on"
    " sending to the port of before; another phone has got another address of its carrier, and the server's"
    " media to the old one is refused by ICMP"
)
SERVER = ("203.0.113.71", 16390)
PHONE, REMAPPED = ("198.51.100.71", 40010), ("198.51.100.71", 52111)
MOBILE, OTHER_ADDRESS = ("198.51.100.140", 31220), ("198.51.100.199", 31220)


def make() -> Files:
    port, first = _another_port()
    addr, second = _another_address()
    return product(
        "nat_remapped",
        {"nat_remapped_port.pcapng": pcapng(port), "nat_remapped_address.pcapng": pcapng(addr)},
        WHAT,
        [first, second | {"call": 2}],
        view="server",
        icmp_errors={"2": 1},
    )


def _another_port() -> tuple[Recording, dict[str, object]]:
    """Behind a home router: SDP has the private address, which the server does not use (symmetric RTP)."""
    recording = Recording("2026-12-06T20:00:00")
    call = PlainCall(recording, "nat_remapped_port", callee="+4930220071717")
    leg = call.leg(
        (PHONE[0], 5070), (SERVER[0], 5060), (PHONE, SERVER), ("Linphone/5.2.0", "Asterisk PBX 20.5.0")
    )
    begin(leg, 0.1, sdp.audio("-", ("192.168.1.20", 7078), leg.session["uac"]))
    answer(leg, 1.0, sdp.audio("root", SERVER, leg.session["uas"]))
    leg.rtp("uac", 1.05, 3.0)
    leg.rtp("uas", 1.2, 6.6)
    leg.media["uac"] = REMAPPED
    leg.rtp("uac", 3.02, 6.6)
    leg.dialog.bye(6.7)
    return recording, call.truth()


def _another_address() -> tuple[Recording, dict[str, object]]:
    """After a reconnect the phone registers again, sends nothing in the dialog, and continues its media."""
    recording = Recording("2026-12-06T21:00:00")
    call = PlainCall(recording, "nat_remapped_address", callee="+4930220072727")
    server = (SERVER[0], 16440)
    agents = ("baresip v3.5.0 (arm64/linux)", "FreeSWITCH-mod_sofia/1.10.12-release")
    leg = call.leg((MOBILE[0], 5062), (SERVER[0], 5060), (MOBILE, server), agents)
    begin(leg, 0.1, sdp.audio("-", MOBILE, leg.session["uac"]))
    answer(leg, 1.0, sdp.audio("FreeSWITCH", server, leg.session["uas"]))
    leg.rtp("uac", 1.05, 3.0)
    sent = leg.rtp("uas", 1.2, 6.6)
    leg.media["uac"] = OTHER_ADDRESS
    leg.rtp("uac", 3.4, 6.6)
    sent.refuse(6.599, "uas", MOBILE[0])
    leg.dialog.bye(6.7, "uas")
    return recording, call.truth()
