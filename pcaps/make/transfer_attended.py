"""An attended transfer: the REFER names the consultation call to replace (RFC 3891)."""

from urllib.parse import quote

from pcaps.make.builders import sdp
from pcaps.make.builders.plain import Leg, PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "an attended transfer: a phone consults 7002 and hands its call over to it by REFER with Replaces"
AGENTS = ("Yealink SIP-T46U 108.86.0.20", "Asterisk PBX 20.9.3")
PHONE, SERVER = "192.0.2.73", ("192.0.2.22", 5060)
HEAD = ("Event: refer", "Subscription-State: terminated;reason=noresource", "Content-Type: message/sipfrag")


def make() -> Files:
    recording = Recording("2026-12-07T14:00:00")
    call = PlainCall(recording, "transfer_attended", callee="7001")
    first = call.leg((PHONE, 5060), SERVER, ((PHONE, 11780), (SERVER[0], 17890)), AGENTS)
    _talk(first, 0.1, 3.6)
    call.callee = "7002"
    second = call.leg((PHONE, 5060), SERVER, ((PHONE, 11782), (SERVER[0], 17892)), AGENTS)
    _talk(second, 2.0, 3.5)
    dialog = second.dialog
    replaces = quote(f"{dialog.call_id};to-tag={dialog.uas_tag};from-tag={dialog.uac_tag}", safe="")
    refer_to = f"Refer-To: <sip:7002@{SERVER[0]}?Replaces={replaces}>"
    first.dialog.exchange(3.5, "REFER", status=202, extra=[refer_to])
    first.dialog.exchange(3.56, "NOTIFY", "uas", extra=HEAD, body="SIP/2.0 200 OK\r\n")
    second.dialog.bye(3.6, "uas")
    first.dialog.bye(3.7)
    truth = call.truth() | {"number": "7001"}
    return product(
        "transfer_attended", {"transfer_attended.pcapng": pcapng(recording)}, WHAT, [truth], view="server"
    )


def _talk(leg: Leg, at: float, until: float) -> None:
    begin(leg, at, sdp.audio("-", leg.media["uac"], leg.session["uac"]))
    answer(leg, at + 0.4, sdp.audio("root", leg.media["uas"], leg.session["uas"]))
    leg.rtp("uac", at + 0.42, until)
    leg.rtp("uas", at + 0.43, until)
