"""Transfers that fail: a REFER that the server refuses, and one whose new call ends with 503."""

from collections.abc import Callable

from pcaps.make.builders.phones import PhoneCall
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.sip import Dialog

WHAT = (
    "transfers that fail: a server that refuses REFER with 603, and one that accepts it, calls the target,"
    " gets 503 and says so by NOTIFY; the call that was to be handed on goes on in both"
)


def make() -> Files:
    first, call = _transfer("transfer_failed_refused", "2026-12-05T20:00:00", 91, _refused)
    second, other = _transfer("transfer_failed_target", "2026-12-05T21:00:00", 92, _no_target)
    return product(
        "transfer_failed",
        {"transfer_failed_refused.pcapng": pcapng(first), "transfer_failed_target.pcapng": pcapng(second)},
        WHAT,
        [call[0].truth(1, *call[1:]), other[0].truth(2, *other[1:])],
        view="server: eth0",
    )


Happening = Callable[[PhoneCall], list[Dialog]]
Transfer = tuple[PhoneCall, *tuple[Dialog, ...]]


def _transfer(name: str, start: str, host: int, happens: Happening) -> tuple[Recording, Transfer]:
    recording = Recording(start)
    call = PhoneCall(
        recording,
        name,
        (f"198.51.100.{host}", 5060),
        (f"203.0.113.{host}", 5060),
        (f"198.51.100.{host}", 40300),
        (f"203.0.113.{host}", 11300),
        ("snomD785/10.1", "Asterisk PBX 20.9.3"),
    )
    call.begin(0.1)
    call.talk(1.2, 3.6)
    more = happens(call)
    call.leg.bye(3.8, "uas")
    return recording, (call, *more)


def _refused(call: PhoneCall) -> list[Dialog]:
    call.leg.exchange(2.0, "REFER", status=603, extra=[f"Refer-To: <sip:9111@{call.server[0]}>"])
    return []


def _no_target(call: PhoneCall) -> list[Dialog]:
    call.leg.exchange(2.0, "REFER", status=202, extra=[f"r: <sip:9112@{call.server[0]}>"])
    ends = {"uac": call.server, "uas": ("203.0.113.200", 5060)}
    trunk = Dialog(
        UdpPath(call.recording, ends),
        ends,
        call.seed.child("trunk"),
        call.seed.hex(20),
        caller=call.caller,
        callee="9112",
        agents=("Asterisk PBX 20.9.3", "Trunk"),
    )
    trunk.invite(2.05, call.answer_sdp())
    trunk.refuse(2.4, 503)
    head = (
        "Event: refer",
        "Subscription-State: terminated;reason=noresource",
        "Content-Type: message/sipfrag",
    )
    call.leg.exchange(2.41, "NOTIFY", "uas", extra=head, body="SIP/2.0 503 Service Unavailable\r\n")
    return [trunk]
