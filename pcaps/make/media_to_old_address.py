"""Media continues to an address that the other side has left: after a 200, and after a re-INVITE."""

from dataclasses import replace

from pcaps.make.builders import sdp
from pcaps.make.builders.plain import PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = (
    "media to an old address: a gateway's 183 names another port than its 200, and the server sends to the"
    " first one, which ICMP refuses; and, seen at a phone, a server that sends to where the phone was before"
    " its re-INVITE"
)
TRUNK, GATEWAY = ("10.0.50.118", 31566), ("10.0.50.20", 11950)
ANSWERED = ("10.0.50.20", 12014)
LAN, TUNNEL, SERVER = ("192.0.2.34", 4006), ("198.51.100.213", 4010), ("203.0.113.88", 15320)


def make() -> Files:
    ringing, first = _after_ringing()
    moved, second = _after_moving()
    return product(
        "media_to_old_address",
        {
            "media_to_old_address_200.pcapng": pcapng(ringing),
            "media_to_old_address_reinvite.pcapng": pcapng(moved),
        },
        WHAT,
        [first, second | {"call": 2}],
        view="server; client",
        icmp_errors={"1": 1},
    )


def _after_ringing() -> tuple[Recording, dict[str, object]]:
    """A forking gateway: the announcement comes from another port than the answered call's media."""
    recording = Recording("2026-12-06T10:00:00")
    call = PlainCall(recording, "media_to_old_address_200", callee="+4930220044556")
    agents = ("FreeSWITCH-mod_sofia/1.10.12-release", "Carrier SBC")
    leg = call.leg(("10.0.50.118", 5080), (GATEWAY[0], 5060), (TRUNK, GATEWAY), agents)
    begin(leg, 0.1, sdp.audio("FreeSWITCH", TRUNK, leg.session["uac"], formats=(8, 101)))
    leg.dialog.respond(0.4, 183, body=sdp.audio("sbc", GATEWAY, leg.session["uas"], formats=(8, 101)))
    leg.rtp("uas", 0.41, 1.0)
    sent = leg.rtp("uac", 0.42, 5.0)
    leg.session["uas"] = replace(leg.session["uas"], version=2)
    answer(leg, 1.1, sdp.audio("sbc", ANSWERED, leg.session["uas"], formats=(8, 101)))
    leg.media["uas"] = ANSWERED
    leg.rtp("uas", 1.15, 5.0)
    sent.refuse(4.999, "uac", GATEWAY[0])
    leg.dialog.bye(5.1)
    return recording, call.truth()


def _after_moving() -> tuple[Recording, dict[str, object]]:
    """A phone starts a VPN; the server accepts the re-INVITE but keeps sending to the earlier address."""
    recording = Recording("2026-12-06T11:00:00")
    call = PlainCall(recording, "media_to_old_address_reinvite", callee="+4930220011223")
    agents = ("MicroSIP/3.21.3", "Asterisk PBX 18.9-cert5")
    leg = call.leg((LAN[0], 5064), (SERVER[0], 5060), (LAN, SERVER), agents)
    begin(leg, 0.1, sdp.audio("-", LAN, leg.session["uac"]))
    answer(leg, 1.0, sdp.audio("root", SERVER, leg.session["uas"]))
    leg.rtp("uac", 1.05, 2.9)
    leg.rtp("uas", 1.06, 6.6)
    leg.session["uac"] = replace(leg.session["uac"], version=2)
    begin(leg, 3.0, sdp.audio("-", TUNNEL, leg.session["uac"]))
    answer(leg, 3.1, sdp.audio("root", SERVER, leg.session["uas"]))
    leg.media["uac"] = TUNNEL
    leg.rtp("uac", 3.15, 6.6)
    leg.dialog.bye(6.7)
    return recording, call.truth()
