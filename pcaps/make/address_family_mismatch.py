"""No common IP version: a browser in an IPv6-only network, and a trunk that answers with IPv6."""

from pcaps.make.builders import sdp
from pcaps.make.builders.plain import PlainCall, answer, begin, ice_session, web_audio
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording
from pcaps.make.builders.seed import Seed

WHAT = (
    "no common IP version: a browser offers IPv6 candidates only to a server that has IPv4 only, and nobody"
    " checks; and a trunk that answers an IPv4 offer with an IPv6 address, to which the server cannot send"
)
BROWSER, SERVER = ("2001:db8:91::2a", 54012), ("203.0.113.77", 17120)
PBX, TRUNK, TRUNK_MEDIA = ("192.0.2.70", 22140), ("192.0.2.61", 5060), ("2001:db8:61::10", 40210)


def make() -> Files:
    browser, first = _browser()
    trunk, second = _trunk()
    return product(
        "address_family_mismatch",
        {
            "address_family_mismatch_browser.pcapng": pcapng(browser),
            "address_family_mismatch_trunk.pcapng": pcapng(trunk),
        },
        WHAT,
        [first, second | {"call": 2}],
        view="server",
    )


def _browser() -> tuple[Recording, dict[str, object]]:
    """Reach the server through a SIP proxy with both IP versions."""
    recording = Recording("2026-12-06T13:00:00")
    call = PlainCall(recording, "address_family_mismatch_browser", callee="4713")
    leg = call.leg(
        ("203.0.113.60", 5060), (SERVER[0], 5060), (BROWSER, SERVER), ("JsSIP 3.10.1", "Asterisk PBX 21.1.0")
    )
    ice = ice_session(Seed("address_family_mismatch_browser ice"), BROWSER, SERVER)
    begin(leg, 0.1, web_audio("-", BROWSER, leg.session["uac"], ice.agents["client"], setup="actpass"))
    answer(leg, 1.2, web_audio("root", SERVER, leg.session["uas"], ice.agents["server"], setup="active"))
    leg.dialog.bye(9.4)
    return recording, call.truth(ice)


def _trunk() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-06T14:00:00")
    call = PlainCall(recording, "address_family_mismatch_trunk", callee="+4930220077889")
    agents = ("FreeSWITCH-mod_sofia/1.10.12-release", "Carrier SBC")
    leg = call.leg((PBX[0], 5080), TRUNK, (PBX, TRUNK_MEDIA), agents)
    begin(leg, 0.1, sdp.audio("FreeSWITCH", PBX, leg.session["uac"], formats=(8, 101)))
    leg.dialog.respond(0.6, 183, body=sdp.audio("sbc", TRUNK_MEDIA, leg.session["uas"], formats=(8, 101)))
    answer(leg, 2.3, sdp.audio("sbc", TRUNK_MEDIA, leg.session["uas"], formats=(8, 101)))
    leg.dialog.bye(8.1, "uas")
    return recording, call.truth()
