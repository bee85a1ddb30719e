"""Two anonymous callers reach one number within a millisecond; the second legs leave in the other order.

Numbers, hosts and times of the INVITEs say nothing about which legs belong
together. Each leg's progress, answer and end does: the B2BUA passes them on.
"""

from dataclasses import replace

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE, Lab
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "two calls to one number in the same second, joined by nothing but causality"
OTHER = replace(
    SATELLITE,
    sip_server=("10.0.50.117", 4902),
    media=("10.0.50.118", 31240),
    media_public=("203.0.113.10", 31240),
    client=("192.168.178.51", 42267),
    client_public=("198.51.100.77", 42267),
    trunk_media=("10.0.50.118", 30116),
    gateway_media=("10.0.50.20", 11802),
)


def make() -> Files:
    recording = Recording("2026-12-02T14:00:00")
    calls = [
        anonymous_call(recording, "two_calls_same_number 1"),
        anonymous_call(recording, "two_calls_same_number 2", OTHER),
    ]
    first, second = calls
    begin(first, invite=0.1000, second_leg=0.1169, ring=0.400)
    begin(second, invite=0.1007, second_leg=0.1165, ring=0.450)
    end(first, answer=1.4, bye=2.1)
    end(second, answer=0.9, bye=2.4)
    truths = [call.truth(nth) for nth, call in enumerate(calls, start=1)]
    capture = pcapng(recording)
    return product(
        "two_calls_same_number", {"two_calls_same_number.pcapng": capture}, WHAT, truths, view="server: eth0"
    )


def anonymous_call(recording: Recording, name: str, lab: Lab = SATELLITE) -> Call:
    return Call(recording, name, lab, caller="anonymous", caller_name="Anonymous")


def begin(call: Call, invite: float, second_leg: float, ring: float) -> None:
    """Without pre_answer: leg 1 gets 180 1 ms after leg 2."""
    call.leg1.invite(invite, call.offer())
    call.leg1.respond(invite + 0.003, 100)
    call.invite_leg2(second_leg)
    call.ring(ring)
    call.leg1.respond(ring + 0.001, 183, body=call.answer_sdp())
    call.check(ring + 0.010)
    call.secure(ring + 0.036)


def end(call: Call, answer: float, bye: float) -> None:
    call.answer(answer)
    call.talk(answer + 0.02, bye - 0.05)
    call.hang_up(bye)
