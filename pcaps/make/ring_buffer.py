"""One call in two files of a ring buffer: INVITE in the first, BYE in the second, checks and RTP in both.

``dumpcap -b``: the same interfaces, the second file begins where the first ends.
"""

from collections.abc import Mapping
from typing import Any

from pcaps.make.builders import files
from pcaps.make.builders.b2bua import RTT, Call
from pcaps.make.builders.product import Files, product
from pcaps.make.builders.recording import Recording

WHAT = "one call spanning two files of a ring buffer"
SWITCH = 1.5
NAMES = ("ring_buffer_00001_20261203000000.pcapng", "ring_buffer_00002_20261203000001.pcapng")


def make() -> Files:
    recording = Recording("2026-12-03T00:00:00")
    call = Call(recording, "ring_buffer")
    _before(call)
    first = so_far(call)
    _after(call)
    records = recording.records()
    halves = (
        [record for record in records if record.time_ns < recording.time_ns(SWITCH)],
        [record for record in records if record.time_ns >= recording.time_ns(SWITCH)],
    )
    captures = {
        name: files.pcapng(recording.interfaces, half) for name, half in zip(NAMES, halves, strict=True)
    }
    second = difference(so_far(call), first)
    by_capture = {NAMES[0]: {**first, "dtls": {"done": True}}, NAMES[1]: {**second, "dtls": {"done": False}}}
    return product("ring_buffer", captures, WHAT, [call.truth(by_capture=by_capture)], view="server: eth0")


def _before(call: Call) -> None:
    call.begin(0.1)
    call.check(0.12)
    call.secure(0.146)
    call.ring(0.4)
    call.answer(0.7)
    call.talk(0.72, 1.46)


def _after(call: Call) -> None:
    call.talk(1.51, 2.41)
    call.ice.check(call.media, 1.62, "server", answer=RTT)
    call.ice.check(call.media, 2.10, "client")
    call.hang_up(2.45)


def so_far(call: Call) -> dict[str, Any]:
    media = {leg: dict(streams) for leg, streams in call.streams.items()}
    return {"messages": call.leg1.messages + call.leg2.messages, "bindings": call.bindings(), "media": media}


def difference(all_of_it: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, Any]:
    """Subtract the numbers of nested mappings."""
    return {
        key: difference(value, first[key]) if isinstance(value, Mapping) else value - first[key]
        for key, value in all_of_it.items()
    }
