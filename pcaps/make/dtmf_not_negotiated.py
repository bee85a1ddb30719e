"""Calls with good audio in which DTMF cannot be sent as RTP events (RFC 4733)."""

from pcaps.make.builders import sdp
from pcaps.make.builders.plain import PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = (
    "good audio without telephone-event: a trunk leaves it out of its answer; and a phone that does not offer"
    " it signals three keys by SIP INFO, which its server refuses with 415"
)
KEY = ("Content-Type: application/dtmf-relay",)


def make() -> Files:
    left_out, first = _left_out()
    info, second = _by_info()
    return product(
        "dtmf_not_negotiated",
        {
            "dtmf_not_negotiated_answer.pcapng": pcapng(left_out),
            "dtmf_not_negotiated_info.pcapng": pcapng(info),
        },
        WHAT,
        [first, second | {"call": 2}],
        view="server",
    )


def _left_out() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-06T15:00:00")
    call = PlainCall(recording, "dtmf_not_negotiated_answer", callee="+4930220044557")
    agents = ("snomD785/10.1.148", "Patton SN4970")
    phone, gateway = ("192.0.2.70", 22180), ("192.0.2.64", 4904)
    leg = call.leg((phone[0], 5080), (gateway[0], 5060), (phone, gateway), agents)
    begin(leg, 0.1, sdp.audio("root", phone, leg.session["uac"]))
    answer(leg, 1.5, sdp.audio("MxSIP", gateway, leg.session["uas"], formats=(8,)))
    leg.rtp("uac", 1.52, 3.5)
    leg.rtp("uas", 1.54, 3.5)
    leg.dialog.bye(3.6)
    return recording, call.truth()


def _by_info() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-06T16:00:00")
    call = PlainCall(recording, "dtmf_not_negotiated_info", callee="7000")
    phone, server = ("198.51.100.188", 9078), ("203.0.113.89", 15440)
    agents = ("Zoiper rv2.10.20", "Asterisk PBX 18.9-cert5")
    leg = call.leg((phone[0], 5072), (server[0], 5060), (phone, server), agents)
    begin(leg, 0.1, sdp.audio("Z", phone, leg.session["uac"], formats=(0, 8)))
    answer(leg, 0.7, sdp.audio("root", server, leg.session["uas"], formats=(0,)))
    leg.rtp("uac", 0.72, 3.3)
    leg.rtp("uas", 0.73, 3.3)
    for at in (1.4, 1.9, 2.5):
        leg.dialog.exchange(at, "INFO", status=415, extra=KEY, body="Signal=5\r\nDuration=160\r\n")
    leg.dialog.bye(3.4, "uas")
    return recording, call.truth()
