"""The events of a call as rows of its ladder: duplicates dropped, repetitions folded, idle time named.

A session description is merged into the message that carries it. Where two captures show one call, packets of
the second that the first has, too, are left out. Repeated checks fold into one row; very long calls are cut
in their middle.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import pandas as pd

from postproc.model.addresses import transport_address
from postproc.model.calls import Call
from postproc.model.enumerations import EventSeverity, Lane, Outcome, Purpose
from postproc.model.rows import TimelineRow
from postproc.model.text import Lang
from postproc.model.vocabulary import count, decimal
from postproc.show import phases
from postproc.show.pictures import wording
from postproc.show.pictures.annotations import seconds
from postproc.show.pictures.layout import plain
from postproc.show.pictures.machines import Machines
from postproc.show.pictures.wording import duration, say

Frame = tuple[str, int | None]  # capture and number
RESPONSES = ("success", "error")

# Choices; moving one changes only how many rows a ladder has:
IDLE_S = 2.0  # longer time without events gets a row; pauses within a call's set-up are usually shorter
PLENTY = 120  # rows, four printed pages; beyond it, requests that repeat inside a dialog are folded as well
MOST_ROWS = 600  # rows, twenty printed pages; beyond it, the middle is left out
RHYTHM_S = 0.1  # shortest interval of repetitions that is stated; shorter ones are a burst
FOLDED = {"stun", "icmp"}
REPEATED = ("INFO", "OPTIONS", "MESSAGE", "NOTIFY", "UPDATE")  # without description, and their responses


@dataclass(frozen=True)
class Event:
    """An event drawn in the ladder, or several folded into one.

    ``frames`` are all it stands for, the first of which is shown; ``src`` and ``dst`` are columns. ``base``
    is the label without the round-trip time, which differs from check to check; ``rtt_ms`` has these times.
    ``arrives`` is False for what was not answered, or not seen at the next place.
    """

    time: pd.Timestamp
    last: pd.Timestamp
    frames: tuple[Frame, ...]
    leg: int | None
    lane: Lane
    kind: str
    label: str
    base: str
    src: int | None
    dst: int | None
    severity: EventSeverity = "normal"
    count: int = 1
    arrives: bool = True
    rtt_ms: tuple[float, ...] = ()
    purpose: Purpose | None = None  # of a binding
    identity: object = None  # equal in every capture of the same packet
    place: str = ""  # where it was captured: the recording, named by its first capture


class Row(NamedTuple):
    """An event, or a note across all columns: idle time, events left out, a phase that begins."""

    event: Event | None
    note: str = ""
    close: bool = False  # drawn close to the row above


class Binding(NamedTuple):
    """What the bindings table has on a frame; only responses have a round-trip time."""

    transaction: str | None = None
    rtt_ms: float | None = None
    outcome: Outcome | None = None
    purpose: Purpose | None = None


class Stream(NamedTuple):
    ssrc: int | None
    text: str  # codec and figures


StreamKey = tuple[str, int | None, str | None, str | None]  # capture, first frame, source, destination


def rows_of(call: Call, machines: Machines, lang: Lang) -> list[Row]:
    """Return the rows of a ladder from top to bottom."""
    return _with_notes(rows(events(call, machines, lang), lang), phase_notes(call, lang))


Note = tuple[pd.Timestamp, str]


def phase_notes(call: Call, lang: Lang) -> list[Note]:
    """Return where a phase of a leg's media that differs from the last begins, and each silence."""
    notes: list[Note] = []
    last: dict[int | None, str] = {}
    for row in call.phases:
        doubt = phases.verdict(row, lang) if row.verdict != "ok" else ""
        state = ", ".join(filter(None, (phases.kind(row, lang), phases.restriction(row, lang), doubt)))
        if row.started is not None and last.get(row.leg) != state:
            notes.append((row.started, f"{say('leg', lang, leg=row.leg)}: {state}"))
            last[row.leg] = state
    for (leg, side), spans in phases.silent(call, phases.runs(call)).items():
        for begin, end in spans:
            text = say(f"silent_{side}", lang, duration=duration(seconds(begin, end), lang))
            notes.append((begin, f"{say('leg', lang, leg=leg)}: {text}"))
    return sorted(notes)


def _with_notes(rows: Sequence[Row], notes: Sequence[Note]) -> list[Row]:
    """Put each note before the first row, event or idle time, that ends after it."""
    merged: list[Row] = []
    pending = list(notes)
    for n, row in enumerate(rows):
        ahead = next((later.event.time for later in rows[n:] if later.event), None)
        while pending and ahead is not None and pending[0][0] < ahead:
            merged.append(Row(None, pending.pop(0)[1], close=True))
        merged.append(row)
    return merged + [Row(None, text, close=True) for _, text in pending if rows]


def events(call: Call, machines: Machines, lang: Lang) -> list[Event]:
    """Return the events of a call in order of time, each packet once."""
    bindings, streams = _bindings(call), _streams(call, lang)
    requests = {(row.capture, row.frame): (row.call_id, row.cseq, row.branch) for row in call.sip_messages}
    lost, listed = _lost_media(call), list[Event]()
    for row in call.timeline:
        if row.lane == "media" and row.kind == "end":  # a band's end shows it
            continue
        frame = (row.capture, row.frame)
        binding = bindings.get(frame, Binding()) if row.lane == "stun" else Binding()
        stream = streams.get((*frame, row.src, row.dst)) if row.kind == "start" else None
        event = _event(row, binding, machines, stream.text if stream else _base(row, binding, lang), lang)
        identity = stream.ssrc if stream else binding.transaction or requests.get(frame)
        place = call.place(row.capture)
        arrives = event.arrives and (row.lane != "media" or (place, row.src, row.dst) not in lost)
        listed.append(replace(event, identity=identity, arrives=arrives, place=place))
    joined = _with_descriptions(listed)
    if call.clocks:  # the table has one place after the other; times are on one clock by now
        joined.sort(key=lambda event: event.time)
    return _once(joined) if call.clocks or _overlapping(call) else joined


def _lost_media(call: Call) -> set[tuple[str, str | None, str | None]]:
    """Return capture, source and destination of streams of which the next place shows nothing."""
    return {
        (
            row.from_capture,
            transport_address(row.from_src_addr, row.from_src_port),
            transport_address(row.from_dst_addr, row.from_dst_port),
        )
        for row in call.passages
        if row.kind == "rtp" and row.lost and not row.arrived
    }


def _event(row: TimelineRow, binding: Binding, machines: Machines, base: str, lang: Lang) -> Event:
    rtt = binding.rtt_ms
    in_log = row.lane == "log"  # src is a source file
    return Event(
        row.time,
        row.time,
        ((row.capture, row.frame),),
        row.leg,
        row.lane,
        row.kind,
        base if rtt is None else f"{base}, {duration(rtt / 1000, lang)}",
        base,
        None if in_log else machines.column(row.leg, row.src),
        None if in_log else machines.column(row.leg, row.dst),
        row.severity,
        arrives=binding.outcome != "unanswered" or row.kind in RESPONSES,
        rtt_ms=() if rtt is None else (rtt,),
        purpose=binding.purpose,
    )


def _base(row: TimelineRow, binding: Binding, lang: Lang) -> str:
    """Return the label without its round-trip time; that of a pending check says so."""
    label = plain(row.label)
    if binding.rtt_ms is not None and ", " in label:
        label = label.rpartition(", ")[0]
    text = wording.event(row.lane, label, lang)
    return f"{text}, {say('pending', lang)}" if binding.outcome == "pending" else text


def _bindings(call: Call) -> dict[Frame, Binding]:
    by_frame: dict[Frame, Binding] = {}
    for row in call.bindings:
        if row.response_frame is not None:
            response = Binding(row.transaction_id, row.rtt_ms, row.outcome, row.purpose)
            by_frame[call.located(row.capture, row.response_frame)] = response
        if row.frame is not None and row.frame != row.response_frame:
            by_frame[row.capture, row.frame] = Binding(row.transaction_id, None, row.outcome, row.purpose)
    return by_frame


def _streams(call: Call, lang: Lang) -> dict[StreamKey, Stream]:
    by_key: dict[StreamKey, Stream] = {}
    for row in call.rtp_streams:
        payload = f"{'SRTP' if row.secured else 'RTP'} {plain(row.codec)}".strip()
        packets, lost = count(row.packets, lang), count(row.lost or 0, lang)
        text = say("media", lang, what=payload, packets=packets, lost=lost)
        if row.jitter_ms is not None:
            text += ", " + say("jitter", lang, jitter=decimal(f"{row.jitter_ms:.1f} ms", lang))
        ends = transport_address(row.src_addr, row.src_port), transport_address(row.dst_addr, row.dst_port)
        by_key[row.capture, row.frame, *ends] = Stream(row.ssrc, text)
    return by_key


def _with_descriptions(events: list[Event]) -> list[Event]:
    """Append each session description to the label of the message that carries it."""
    descriptions = {(event.frames[0], event.leg): event.label for event in events if event.lane == "sdp"}
    messages = {(event.frames[0], event.leg) for event in events if event.lane == "sip"}
    joined: list[Event] = []
    for event in events:
        key = (event.frames[0], event.leg)
        if event.lane == "sip" and key in descriptions:
            text = f" ({descriptions[key]})"
            joined.append(replace(event, label=event.label + text, base=event.base + text))
        elif event.lane != "sdp" or key not in messages:
            joined.append(event)
    return joined


def _overlapping(call: Call) -> bool:
    """Tell whether two captures of the call ran at the same time; files of a ring buffer do not."""
    names = {event.capture for event in call.timeline}
    spans = sorted(
        (row.first_time, row.last_time)
        for row in call.run_captures
        if row.capture in names and row.first_time is not None and row.last_time is not None
    )
    return any(later < last for (_, last), (later, _) in pairwise(spans))


def _once(events: list[Event]) -> list[Event]:
    """Merge events that another capture shows: the n-th of a kind here is the n-th there."""
    numbers: Counter[object] = Counter()
    shown: dict[object, int] = {}
    kept: list[Event] = []
    for event in events:
        # Outcome and round-trip time of a check differ from place to place; its transaction ID does not.
        label = None if event.lane == "stun" and event.identity else event.base
        kind = (event.lane, event.kind, event.leg, event.src, event.dst, label, event.identity)
        numbers[event.place, kind] += 1
        key = (kind, numbers[event.place, kind])
        if key in shown and kept[shown[key]].place != event.place:
            first = kept[shown[key]]
            kept[shown[key]] = replace(
                first, frames=first.frames + event.frames, arrives=first.arrives or event.arrives
            )
        else:
            shown[key] = len(kept)
            kept.append(event)
    return kept


def rows(events: Sequence[Event], lang: Lang) -> list[Row]:
    """Fold repetitions, name idle time, and cut the middle out of a ladder that is too long."""
    folded = fold(events, lang)
    if len(folded) > PLENTY:
        folded = fold(events, lang, repeated=True)
    return _bounded(list(_with_gaps(folded, lang)), lang)


def fold(events: Iterable[Event], lang: Lang, *, repeated: bool = False) -> list[Event]:
    """Fold events that are alike, between two others, into the first of them.

    Checks and ICMP errors are folded; with ``repeated``, SIP requests of REPEATED methods, too.
    """
    folded: list[Event] = []
    groups: dict[Hashable, list[Event]] = {}
    for event in events:
        if event.lane in FOLDED or (repeated and _repeats(event)):
            groups.setdefault(_likeness(event), []).append(event)
            continue
        folded += _in_order(groups.values(), lang)
        groups = {}
        folded.append(event)
    return folded + _in_order(groups.values(), lang)


def _repeats(event: Event) -> bool:
    method = event.base.rpartition("(")[2].rstrip(")") if event.kind == "response" else event.base
    return event.lane == "sip" and method in REPEATED


def _likeness(event: Event) -> Hashable:
    kind = (event.lane, event.kind, event.leg, event.base, event.severity, event.arrives)
    return kind, event.src, event.dst, event.place


def _in_order(groups: Iterable[list[Event]], lang: Lang) -> list[Event]:
    return sorted((_folded(group, lang) for group in groups), key=lambda event: event.time)


def _folded(group: list[Event], lang: Lang) -> Event:
    first = group[0]
    if len(group) == 1:
        return first
    label = f"{first.base} × {count(len(group), lang)}"
    rtts = [rtt for event in group for rtt in event.rtt_ms]
    interval = median(seconds(earlier.time, later.time) for earlier, later in pairwise(group))
    if rtts:
        low, high = (duration(rtt / 1000, lang) for rtt in (min(rtts), max(rtts)))
        label += f", {low}" + (f" – {high}" if low != high else "")
    elif interval >= RHYTHM_S:
        label += ", " + say("every", lang, duration=duration(interval, lang))
    frames = tuple(frame for event in group for frame in event.frames)
    return replace(
        first, last=group[-1].last, frames=frames, label=label, count=len(group), rtt_ms=tuple(rtts)
    )


def _with_gaps(events: Iterable[Event], lang: Lang) -> Iterator[Row]:
    until: pd.Timestamp | None = None
    for event in events:
        if until is not None and (idle := seconds(until, event.time)) > IDLE_S:
            yield Row(None, say("gap", lang, duration=duration(idle, lang)))
        until = max(until or event.last, event.last)
        yield Row(event)


def _bounded(rows: list[Row], lang: Lang) -> list[Row]:
    if len(rows) <= MOST_ROWS:
        return rows
    half = MOST_ROWS // 2
    left_out = sum(row.event.count for row in rows[half:-half] if row.event)
    note = Row(None, say("left_out", lang, count=count(left_out, lang)))
    return [*rows[:half], note, *rows[-half:]]
