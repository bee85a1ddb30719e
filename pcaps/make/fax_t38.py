"""A call that switches to fax: the gateway re-INVITEs to T.38, alone or beside audio that is refused."""

from pcaps.make.builders import sdp
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.plain import Leg, PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.sdp import Session

WHAT = (
    "calls that turn to fax: a re-INVITE to T.38 over UDPTL in place of audio, and one with audio at port 0"
    " beside it; tones before, no RTP after, and nothing is wrong"
)
CALLER, GATEWAY = ("198.51.100.90", 18010), ("203.0.113.90", 22040)


def make() -> Files:
    alone, first = _fax("alone", "2026-12-06T22:00:00", beside_audio=False)
    beside, second = _fax("beside", "2026-12-06T23:00:00", beside_audio=True)
    return product(
        "fax_t38",
        {"fax_t38_alone.pcapng": pcapng(alone), "fax_t38_beside_audio.pcapng": pcapng(beside)},
        WHAT,
        [first, second | {"call": 2}],
        view="server",
    )


def _fax(name: str, start: str, *, beside_audio: bool) -> tuple[Recording, dict[str, object]]:
    recording = Recording(start)
    call = PlainCall(recording, f"fax_t38_{name}", callee="+4930220090909")
    agents = ("Audiocodes-Sip-Gateway/7.20A", "Asterisk PBX 20.5.0")
    leg = call.leg((CALLER[0], 5060), (GATEWAY[0], 5060), (CALLER, GATEWAY), agents)
    begin(leg, 0.1, sdp.audio("-", CALLER, leg.session["uac"], formats=(0, 8)))
    answer(leg, 1.0, sdp.audio("root", GATEWAY, leg.session["uas"], formats=(8,)))
    for end in ("uac", "uas"):
        leg.rtp(end, 1.05, 2.5)
    begin(leg, 2.6, _t38(CALLER, leg.session["uac"], beside_audio=beside_audio))
    answer(leg, 2.7, _t38(GATEWAY, leg.session["uas"], beside_audio=beside_audio))
    _udptl(recording, leg, 2.8, 13.0)
    leg.dialog.bye(13.1, "uas")
    return recording, call.truth()


def _t38(media: Endpoint, session: Session, *, beside_audio: bool) -> str:
    """ITU-T T.38, annex D."""
    head, _, _ = sdp.audio("-", media, Session(session.number, session.version + 1)).partition("m=audio")
    audio = "m=audio 0 RTP/AVP 8\r\n" if beside_audio else ""
    return f"{head}{audio}m=image {media[1]} udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\n"


def _udptl(recording: Recording, leg: Leg, at: float, until: float) -> None:
    """Send UDPTL packets (ITU-T T.38, annex D): sequence number, no-signal indicator, no redundancy.

    200 ms each.
    """
    path = UdpPath(recording, leg.media)
    for number in range(round((until - at) / 0.2)):
        sender = ("uac", "uas")[number % 2]
        path.send(at + number * 0.2, sender, number.to_bytes(2) + bytes([0x01, 0x00, 0x00, 0x00]))
