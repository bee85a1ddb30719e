"""One call in the first and third file of a ring buffer: the second, with 1.2 s of media, is missing."""

from pcaps.make.builders import files
from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.product import Files, product
from pcaps.make.builders.recording import Recording
from pcaps.make.ring_buffer import difference, so_far

WHAT = "one call in two files of a ring buffer; the file between them is missing"
NAMES = ("ring_gap_00001_20261203010000.pcapng", "ring_gap_00003_20261203010003.pcapng")
BEGIN, BEFORE, MISSING, AFTER = 0.72, 30, 60, 20  # seconds; packets of each stream, 50 a second
SWITCH = 2.0


def make() -> Files:
    recording = Recording("2026-12-03T01:00:00")
    call = Call(recording, "ring_gap")
    call.begin(0.1)
    call.check(0.12)
    call.secure(0.146)
    call.ring(0.4)
    call.answer(0.7)
    for nth, who in enumerate(SENDERS):
        call.stream(who, _at(nth, 0), _at(nth, BEFORE))
    first = so_far(call)
    lost, all_of_it = range(BEFORE, BEFORE + MISSING), BEFORE + MISSING + AFTER
    for nth, who in enumerate(SENDERS):
        call.stream(who, _at(nth, BEFORE), _at(nth, all_of_it), lost=lost)
    call.hang_up(_at(0, all_of_it) + 0.05)
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
    return product("ring_gap", captures, WHAT, [call.truth(by_capture=by_capture)], view="server: eth0")


SENDERS = ("client", "server", "gateway", "trunk")


def _at(nth: int, packets: int) -> float:
    return BEGIN + nth * 0.0041 + packets * 0.02
