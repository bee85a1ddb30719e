"""A FreeSWITCH in a container announces the container's address to phone and trunk, so no RTP reaches it."""

from pcaps.make.builders import sdp
from pcaps.make.builders.plain import PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = (
    "c= names a container's address, 172.17.0.3, to phone and trunk outside: no RTP comes to it on either leg"
)
CONTAINER, PHONE, TRUNK = "172.17.0.3", "198.51.100.24", "192.0.2.61"
AGENT = "FreeSWITCH-mod_sofia/1.10.11-release"


def make() -> Files:
    recording = Recording("2026-12-04T06:00:00")
    call = PlainCall(recording, "container_address")
    one = call.leg(
        (PHONE, 5062), (CONTAINER, 5060), ((PHONE, 16402), (CONTAINER, 24780)), ("Zoiper rv2.10.20", AGENT)
    )
    two = call.leg(
        (CONTAINER, 5080), (TRUNK, 5060), ((CONTAINER, 21416), (TRUNK, 40112)), (AGENT, "Carrier SBC")
    )
    begin(one, 0.1, sdp.audio("Z", ("192.168.0.17", 16402), one.session["uac"]))
    begin(two, 0.15, sdp.audio("FreeSWITCH", two.media["uac"], two.session["uac"]))
    answer(two, 1.0, sdp.audio("sbc", two.media["uas"], two.session["uas"], formats=(8, 101)))
    answer(one, 1.05, sdp.audio("FreeSWITCH", one.media["uas"], one.session["uas"]))
    one.rtp("uas", 1.1, 5.1, to=("192.168.0.17", 16402))
    two.rtp("uac", 1.1, 5.1)
    one.dialog.bye(5.2)
    two.dialog.bye(5.22)
    return product(
        "container_address",
        {"container_address.pcapng": pcapng(recording)},
        WHAT,
        [call.truth()],
        view="host of the container",
    )
