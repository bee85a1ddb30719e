"""Media that pass the capture point but do not arrive, according to the receiver's RTCP reports."""

import gzip

from pcaps.make.builders import sdp
from pcaps.make.builders.plain import Leg, PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath
from postproc.wire.rtp import sender_report

WHAT = (
    "a call whose caller hears nothing from the fifth second on, and one whose caller lacks a third of the"
    " packets: the server sends them all, only the caller's RTCP reports tell"
)
ANSWERED, ENDS, EVERY = 0.8, 16.0, 2.5  # seconds
STOPS = 4.5


def make() -> Files:
    stops, first = _call("stops", "2026-12-09T04:00:00")
    lossy, second = _call("lossy", "2026-12-09T05:00:00")
    captures = {"stops": stops, "lossy": lossy}
    return product(
        "receiver_reports",
        {
            f"receiver_reports_{name}.pcapng.gz": gzip.compress(pcapng(recording), mtime=0)
            for name, recording in captures.items()
        },
        WHAT,
        [first, second | {"call": 2}],
        view="server: eth0",
    )


def _call(name: str, start: str) -> tuple[Recording, dict[str, object]]:
    recording = Recording(start)
    call = PlainCall(recording, f"receiver_reports_{name}", callee="804")
    phone, server = ("198.51.100.94", 11796), ("203.0.113.91", 15706)
    leg = call.leg(
        (phone[0], 5060), (server[0], 5060), (phone, server), ("PJSUA v2.14", "Asterisk PBX 20.9.3")
    )
    begin(leg, 0.1, sdp.audio("-", phone, leg.session["uac"]))
    answer(leg, ANSWERED, sdp.audio("root", server, leg.session["uas"]))
    for who in ("uac", "uas"):
        leg.rtp(who, ANSWERED + 0.05, ENDS)
    _report(recording, leg, name)
    leg.dialog.bye(ENDS + 0.1)
    return recording, call.truth()


def _report(recording: Recording, leg: Leg, name: str) -> None:
    """Send both sides' reports every 2.5 s on the media ports + 1; the caller reports what arrives there."""
    ends = {who: (leg.media[who][0], leg.media[who][1] + 1) for who in ("uac", "uas")}
    path, ssrc = UdpPath(recording, ends), {who: leg.ssrc[who] for who in ends}
    at = ANSWERED + EVERY
    while at < ENDS:
        sent = round((at - ANSWERED - 0.05) * 50)
        arrived = min(sent, round((STOPS - ANSWERED - 0.05) * 50)) if name == "stops" else sent
        for who, other, highest, lost in (
            ("uac", "uas", arrived, arrived // 3 if name == "lossy" else 0),
            ("uas", "uac", sent, 0),
        ):
            block = (ssrc[other], lost, highest + (ssrc[other] >> 8 & 0x7FFF), 12, 0, 0)
            info = (0xEE000000 + int(at), 0, sent * 160, sent, sent * 160)
            path.send(at, who, bytes(sender_report(ssrc[who], info, [block])))
        at += EVERY
