"""Checks answered by ICMP port unreachable errors that quote them: over IPv4, in a second call over IPv6."""

from collections.abc import Sequence
from dataclasses import replace

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "two calls whose checks are refused by ICMP and ICMPv6 port unreachable; no media on leg 1"
V6 = replace(
    SATELLITE,
    sip_server=("10.0.50.117", 4902),
    media=("2001:db8:50::118", 30880),
    media_public=("2001:db8:50::118", 30880),
    client=("2001:db8:178::51", 42102),
    client_public=("2001:db8:178::51", 42102),
    trunk_media=("10.0.50.118", 31080),
    stun_server=("2001:db8:53::53", 3478),
)
REFUSED = (0.12, 1.13, 2.14, 3.15)


def make() -> Files:
    recording = Recording("2026-12-02T02:00:00")
    old = Call(recording, "icmp_quotes_stun v4")
    new = Call(
        recording, "icmp_quotes_stun v6", V6, caller="760", caller_name="Erik Sand", callee="+4930998877"
    )
    _refused_call(old, 0.0)
    _refused_call(new, 30.0)
    capture = pcapng(recording)
    facts = {"view": "server: eth0", "icmp_errors": {"call 1": len(REFUSED), "call 2": len(REFUSED)}}
    return product(
        "icmp_quotes_stun", {"icmp_quotes_stun.pcapng": capture}, WHAT, [old.truth(), new.truth(2)], **facts
    )


def _refused_call(call: Call, start: float, refused: Sequence[float] = REFUSED) -> None:
    call.begin(start + 0.1)
    for at in refused:
        call.ice.check(call.media, start + at, "server", answer=None)
        call.media.refuse(start + at + 0.023, "server", call.lab.client_public[0])
    call.ring(start + 0.4)
    call.answer(start + 0.9)
    call.stream("gateway", start + 0.93, start + 3.4)
    call.leg1.bye(start + 3.4, answered=0.028)
    call.leg2.bye(start + 3.44, extra=['Reason: SIP;cause=487;text="ORIGINATOR_CANCEL"'])
