"""Two SDP mismatches: a c= address that is no candidate, and two sides that are both passive in DTLS."""

from dataclasses import replace

from pcaps.make.builders import sdp
from pcaps.make.builders.plain import PlainCall, answer, begin, ice_session, web_audio
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.seed import Seed

WHAT = (
    "a router puts its own address into c= and m= and leaves the candidates as they are, so that the server"
    " answers without ICE; and two sides that both say a=setup:passive: ICE connects, nobody begins DTLS"
)
RTT = 0.028


def make() -> Files:
    rewritten, first = _rewritten()
    waiting, second = _waiting()
    return product(
        "web_misfits",
        {"web_misfits_address.pcapng": pcapng(rewritten), "web_misfits_passive.pcapng": pcapng(waiting)},
        WHAT,
        [first, second | {"call": 2}],
        view="server",
    )


def _rewritten() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-07T10:00:00")
    call = PlainCall(recording, "web_misfits_address", callee="8800")
    inside, outside, server = ("192.168.2.31", 7078), ("198.51.100.203", 62078), ("203.0.113.61", 18344)
    agents = ("Linphone-Desktop/5.2.4", "Asterisk PBX 18.20.0")
    leg = call.leg((outside[0], 5060), (server[0], 5060), (outside, server), agents)
    ice = ice_session(Seed("web_misfits_address ice"), inside, server)
    ice.agents["server"] = replace(ice.agents["server"], candidates=())
    lines = sdp.ice_lines(ice.agents["client"])
    begin(leg, 0.1, sdp.audio("721", outside, leg.session["uac"], attributes=lines))
    answer(leg, 0.8, sdp.audio("root", server, leg.session["uas"]))
    leg.rtp("uas", 0.83, 6.0)
    leg.dialog.bye(6.1)
    return recording, call.truth(ice)


def _waiting() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-07T11:00:00")
    call = PlainCall(recording, "web_misfits_passive", callee="4713")
    browser, server = ("198.51.100.119", 50518), ("203.0.113.78", 21090)
    agents = ("JsSIP 3.9.0", "FreeSWITCH-mod_sofia/1.10.9-release")
    leg = call.leg((browser[0], 5070), (server[0], 5060), (browser, server), agents)
    ice = ice_session(Seed("web_misfits_passive ice"), browser, server)
    begin(leg, 0.1, web_audio("-", browser, leg.session["uac"], ice.agents["client"], setup="passive"))
    answer(
        leg, 1.2, web_audio("FreeSWITCH", server, leg.session["uas"], ice.agents["server"], setup="passive")
    )
    path = UdpPath(recording, {"client": browser, "server": server})
    for nth in range(4):
        ice.check(path, 1.22 + 2.5 * nth, "client", answer=0.0006, nominate=nth > 0)
        ice.check(path, 1.23 + 2.5 * nth, "server", answer=RTT)
    leg.dialog.bye(11.4)
    return recording, call.truth(ice)
