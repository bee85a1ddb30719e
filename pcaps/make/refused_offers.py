"""Two calls that are refused before ringing: no registered contact, and a trunk that rejects SRTP."""

from pcaps.make.builders import sdp
from pcaps.make.builders.plain import PlainCall, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = (
    "a proxy answers 480 with Q.850 cause 20 after 9 ms, as the called phone is not registered; and a trunk"
    " refuses with 488 an offer that demands SRTP with keys in SDP"
)
ABSENT = ('Reason: Q.850;cause=20;text="Subscriber absent"',)
KEYS = (
    "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
    "crypto:2 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj",
)


def make() -> Files:
    absent, first = _absent()
    demanded, second = _demanded()
    return product(
        "refused_offers",
        {"refused_offers_absent.pcapng": pcapng(absent), "refused_offers_srtp.pcapng": pcapng(demanded)},
        WHAT,
        [first, second | {"call": 2}],
        view="server",
    )


def _absent() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-07T08:00:00")
    call = PlainCall(recording, "refused_offers_absent", callee="2214")
    phone, proxy = ("192.0.2.71", 11820), ("192.0.2.20", 5060)
    agents = ("Yealink SIP-T54W 96.86.0.70", "kamailio (5.7.4 (x86_64/linux))")
    leg = call.leg((phone[0], 5062), proxy, (phone, (proxy[0], 0)), agents)
    begin(leg, 0.1, sdp.audio("-", phone, leg.session["uac"], formats=(9, 8, 0, 101)))
    leg.dialog.refuse(0.109, 480, extra=ABSENT)
    return recording, call.truth()


def _demanded() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-07T09:00:00")
    call = PlainCall(recording, "refused_offers_srtp", callee="+4989307098765")
    server, trunk = ("203.0.113.52", 24118), ("198.51.100.32", 5060)
    agents = ("Asterisk PBX 20.5.2", "Cirpack/v4.76 (gw_sip)")
    leg = call.leg((server[0], 5060), trunk, (server, (trunk[0], 0)), agents)
    offer = sdp.audio(
        "-", server, leg.session["uac"], profile="RTP/SAVP", formats=(8, 0, 101), attributes=KEYS
    )
    begin(leg, 0.1, offer)
    leg.dialog.refuse(0.162, 488)
    return recording, call.truth()
