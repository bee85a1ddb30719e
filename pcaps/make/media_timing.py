"""Early media of a branch that lost goes on in the talk; and a phone whose RTP timestamps stand still."""

import gzip

from pcaps.make.builders import sdp
from pcaps.make.builders.plain import Leg, PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.rtp import FRAME_S, FRAME_SAMPLES, PCMA
from postproc.wire.rtp import Packet

WHAT = (
    "a call whose caller goes on hearing the early media of a branch that lost, over the talk with the one"
    " that answered; and one whose caller sends a packet every 20 ms, all with the same RTP timestamp"
)
ANSWERED, ENDS = 0.8, 6.2  # seconds
PLAYER = ("203.0.113.93", 18004)


def make() -> Files:
    two, first = _two()
    stands, second = _stands()
    captures = {"two": two, "stands": stands}
    return product(
        "media_timing",
        {
            f"media_timing_{name}.pcapng.gz": gzip.compress(pcapng(recording), mtime=0)
            for name, recording in captures.items()
        },
        WHAT,
        [first, second | {"call": 2}],
        view="server: eth0",
    )


def _two() -> tuple[Recording, dict[str, object]]:
    recording, call, leg = _begun("two", "2026-12-12T15:00:00", 95)
    early = sdp.audio("player", PLAYER, leg.session["uas"])
    leg.dialog.respond(0.2, 183, body=early, tag="early1")
    tones = UdpPath(recording, {"uas": PLAYER, "uac": leg.media["uac"]})
    ssrc = leg.seed.number(2**24, 2**32 - 1)
    leg.streams[str(ssrc)] = _send(tones, "uas", 0.25, ssrc, stands=False)
    _answered(leg)
    leg.rtp("uac", ANSWERED + 0.05, ENDS)
    leg.dialog.bye(ENDS + 0.1)
    return recording, call.truth()


def _stands() -> tuple[Recording, dict[str, object]]:
    recording, call, leg = _begun("stands", "2026-12-12T16:00:00", 96)
    _answered(leg)
    path = UdpPath(recording, leg.media)
    leg.streams[str(leg.ssrc["uac"])] = _send(path, "uac", ANSWERED + 0.05, leg.ssrc["uac"], stands=True)
    leg.dialog.bye(ENDS + 0.1)
    return recording, call.truth()


def _begun(name: str, start: str, host: int) -> tuple[Recording, PlainCall, Leg]:
    recording = Recording(start)
    call = PlainCall(recording, f"media_timing_{name}", callee="805")
    phone, server = (f"198.51.100.{host}", 11798), ("203.0.113.92", 15708)
    ends = (phone[0], 5060), (server[0], 5060)
    leg = call.leg(*ends, (phone, server), ("Linphone/5.2", "Kamailio B2BUA 5.7.4"))
    begin(leg, 0.1, sdp.audio("-", phone, leg.session["uac"]))
    return recording, call, leg


def _answered(leg: Leg) -> None:
    answer(leg, ANSWERED, sdp.audio("root", leg.media["uas"], leg.session["uas"]))
    leg.rtp("uas", ANSWERED + 0.05, ENDS)


def _send(path: UdpPath, sender: str, at: float, ssrc: int, *, stands: bool) -> int:
    """Send PCMA until the end; its timestamps stand still or advance. Return how many packets were sent."""
    packets = round((ENDS - at) / FRAME_S)
    for number in range(packets):
        timestamp = 7 * 160 if stands else number * FRAME_SAMPLES
        data = Packet(PCMA, 4000 + number, timestamp, ssrc, b"\xd5" * FRAME_SAMPLES, marker=number == 0)
        path.send(at + number * FRAME_S, sender, bytes(data))
    return packets
