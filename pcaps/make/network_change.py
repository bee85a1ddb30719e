"""A browser's call moves from IPv4 on Wi-Fi to IPv6 on the mobile network by an ICE restart."""

from dataclasses import replace

from pcaps.make.builders import certificates
from pcaps.make.builders.dtls import Handshake
from pcaps.make.builders.ice import IceSession
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.plain import Leg, PlainCall, answer, begin, ice_session, web_audio
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.seed import Seed

WHAT = "a browser's call moves from IPv4 on Wi-Fi to IPv6 of a mobile network by an ICE restart; a gap of 2 s"
WIFI, SERVER = ("198.51.100.166", 58110), ("203.0.113.77", 17080)
MOBILE, SERVER6 = ("2001:db8:7a::166", 58144), ("2001:db8:77::77", 17080)
RTT = 0.035


def make() -> Files:
    recording = Recording("2026-12-06T12:00:00")
    call = PlainCall(recording, "network_change_ipv6", callee="4712")
    leg = call.leg(
        (WIFI[0], 5068), (SERVER[0], 5060), (WIFI, SERVER), ("SIP.js/0.21.2", "Asterisk PBX 21.1.0")
    )
    first = ice_session(Seed("network_change_ipv6 wifi"), WIFI, SERVER)
    begin(leg, 0.1, _offer(leg, first, WIFI))
    answer(leg, 0.9, _answer(leg, first, SERVER))
    _connect(leg, first, 0.92, WIFI, SERVER)
    leg.rtp("uac", 1.2, 2.0, secured=True)
    leg.rtp("uas", 1.2, 3.9, secured=True)
    second = ice_session(Seed("network_change_ipv6 mobile"), MOBILE, SERVER6)
    for end in leg.session:
        leg.session[end] = replace(leg.session[end], version=2)
    begin(leg, 3.4, _offer(leg, second, MOBILE))
    answer(leg, 3.45, _answer(leg, second, SERVER6))
    _connect(leg, second, 3.5, MOBILE, SERVER6)
    leg.media = {"uac": MOBILE, "uas": SERVER6}
    leg.rtp("uac", 4.0, 5.6, secured=True)
    leg.rtp("uas", 3.92, 5.6, secured=True)
    leg.dialog.bye(5.7)
    for side, numbers in second.counts.items():
        for name, count in numbers.items():
            second.counts[side][name] = count + first.counts[side][name]
    earlier = {
        f"{name}_ufrag": first.agents[side].ufrag
        for name, side in (("client", "client"), ("freeswitch", "server"))
    }
    truth = call.truth(second, earlier_ufrags=[earlier], dtls={"done": True, "handshakes": 2})
    return product(
        "network_change", {"network_change_ipv6.pcapng": pcapng(recording)}, WHAT, [truth], view="server"
    )


def _offer(leg: Leg, ice: IceSession, media: Endpoint) -> str:
    return web_audio("-", media, leg.session["uac"], ice.agents["client"], setup="actpass")


def _answer(leg: Leg, ice: IceSession, media: Endpoint) -> str:
    return web_audio("root", media, leg.session["uas"], ice.agents["server"], setup="active")


def _connect(leg: Leg, ice: IceSession, at: float, client: Endpoint, server: Endpoint) -> None:
    """Checks in both directions, the nomination, and DTLS."""
    path = UdpPath(leg.recording, {"client": client, "server": server})
    ice.check(path, at, "client", answer=0.0006)
    ice.check(path, at + 0.002, "server", answer=RTT)
    ice.check(path, at + 0.04, "client", nominate=True)
    shake = Handshake(
        path, ice.seed.child("dtls"), "server", "client", certificates.SERVER, certificates.CLIENT
    )
    shake.play(at + 0.06, RTT)
