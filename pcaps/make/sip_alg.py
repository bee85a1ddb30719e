"""A router's ALG rewrites Via, Contact and SDP of a phone's call: captured on both sides of it."""

from pcaps.make.builders import sdp
from pcaps.make.builders.ice import new_counts
from pcaps.make.builders.links import Interface
from pcaps.make.builders.plain import PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Path, Recording, UdpPath

WHAT = (
    "a router's SIP ALG writes its own address into a phone's Via, Contact and SDP: captured at the phone and"
    " at the server. It forgets the port of the media, so neither side's RTP arrives"
)
INSIDE, OUTSIDE, SERVER = "192.168.10.40", "198.51.100.94", "203.0.113.92"  # the first two of equal length
PHONE, ONLINE = "sip_alg_phone.pcapng", "sip_alg_server.pcapng"
ONE_WAY = 0.018
AGENTS = ("Yealink SIP-T46U 108.86.0.20", "Asterisk PBX 20.9.3")


class Gateway:
    """The router between two captures: outside, its own address replaces the phone's."""

    def __init__(self, inside: Path, outside: Path) -> None:
        self.inside, self.outside = inside, outside

    def send(self, at: float, sender: str, payload: bytes) -> None:
        delay = ONE_WAY if sender == "uac" else -ONE_WAY
        self.inside.send(at, sender, payload)
        self.outside.send(at + delay, sender, payload.replace(INSIDE.encode(), OUTSIDE.encode()))


def make() -> Files:
    start = "2026-12-08T07:00:00"
    at_phone = Recording(start, Interface("wlan0", host=INSIDE))
    at_server = Recording(start, Interface("eth0"))
    call = PlainCall(at_phone, "sip_alg", callee="804")
    media = ((INSIDE, 11796), (SERVER, 15706))
    leg = call.leg((INSIDE, 5060), (SERVER, 5060), media, AGENTS)
    outside = UdpPath(at_server, {"uac": (OUTSIDE, 5060), "uas": (SERVER, 5060)})
    leg.dialog.path = Gateway(leg.dialog.path, outside)
    begin(leg, 0.1, sdp.audio("-", media[0], leg.session["uac"]))
    answer(leg, 0.9, sdp.audio("root", media[1], leg.session["uas"]))
    leg.rtp("uac", 1.0, 4.5)
    phones = dict(leg.streams)
    leg.recording = at_server
    leg.rtp("uas", 1.0, 4.5, to=(OUTSIDE, 11796))
    leg.dialog.bye(4.8)
    leg.dialog.messages *= 2
    servers = {ssrc: count for ssrc, count in leg.streams.items() if ssrc not in phones}
    nothing = {way: new_counts() for way in ("server_to_client", "client_to_server", "discovery")}
    by_capture = {
        PHONE: {"bindings": nothing, "media": {"leg1": phones}},
        ONLINE: {"bindings": nothing, "media": {"leg1": servers}},
    }
    captures = {PHONE: pcapng(at_phone), ONLINE: pcapng(at_server)}
    truth = call.truth(by_capture=by_capture)
    return product("sip_alg", captures, WHAT, [truth], view="phone: wlan0; server: eth0")
