"""The events of a call as a ladder shows them, in order: each once, the description with its message.

Two captures of one call show many packets twice: those of the second are left out.
"""

from collections import Counter
from dataclasses import dataclass, replace

from postproc.model.text import Lang
from postproc.show.pictures.columns import Columns
from postproc.show.pictures.cut import CallRows, Row
from postproc.show.pictures.facts import UNKNOWN, Binding, Facts, facts
from postproc.show.pictures.lettering import plain
from postproc.show.pictures.records import NS_PER_S, records
from postproc.show.pictures.wording import duration, event, say

Frame = tuple[str, int | None]  # capture and number
ANSWERS = ("success", "error")


@dataclass(frozen=True)
class Event:
    """``frames`` are all it stands for, the first one shown; ``src`` and ``dst`` are columns.

    ``base`` is the label without what differs from one check to the next; ``rtt_ms``
    is that. ``arrives`` is False for what was not answered.
    """

    time: int
    last: int
    frames: tuple[Frame, ...]
    leg: int | None
    lane: str
    kind: str
    label: str
    base: str
    src: int | None
    dst: int | None
    severity: str = "normal"
    count: int = 1
    arrives: bool = True
    rtt_ms: tuple[float, ...] = ()
    purpose: str | None = None  # of a binding
    identity: object = None  # what a second capture of it shares


def events(tables: CallRows, found: Columns, lang: Lang) -> list[Event]:
    """Return the events of a call in the order of time."""
    known = facts(tables, lang)
    rows = [
        _event(row, found, known, lang)
        for row in tables.timeline
        if row.time is not None and not (row.lane == "media" and row.kind == "end")  # a band's end shows it
    ]
    return _once(_with_descriptions(rows), _overlapping(tables))


def _event(row: Row, found: Columns, known: Facts, lang: Lang) -> Event:
    at = (row.capture, row.frame)
    binding = known.bindings.get(at, UNKNOWN) if row.lane == "stun" else UNKNOWN
    stream = known.streams.get((*at, row.src, row.dst)) if row.kind == "start" else None
    base = stream.said if stream else _base(row, binding, lang)
    own = row.lane == "log"  # src is a source file
    return Event(
        row.time,
        row.time,
        (at,),
        row.leg,
        row.lane or "",
        row.kind or "",
        base if binding.rtt_ms is None else f"{base}, {duration(binding.rtt_ms / 1000, lang)}",
        base,
        None if own else found.of(row.leg, row.src),
        None if own else found.of(row.leg, row.dst),
        row.severity or "normal",
        arrives=binding.outcome != "unanswered" or row.kind in ANSWERS,
        rtt_ms=() if binding.rtt_ms is None else (binding.rtt_ms,),
        purpose=binding.purpose,
        identity=stream.ssrc if stream else binding.transaction or known.requests.get(at),
    )


def _base(row: Row, binding: Binding, lang: Lang) -> str:
    """The label without the round-trip time at its end; of an open check, that it is open."""
    said = plain(row.label)
    if binding.rtt_ms is not None and ", " in said:
        said = said.rpartition(", ")[0]
    text = event(row.lane or "", said, lang)
    return f"{text}, {say('pending', lang)}" if binding.outcome == "pending" else text


def _with_descriptions(rows: list[Event]) -> list[Event]:
    """Put a description to the message that carries it."""
    told = {(row.frames[0], row.leg): row.label for row in rows if row.lane == "sdp"}
    carried = {(row.frames[0], row.leg) for row in rows if row.lane == "sip"}
    return [
        replace(row, label=f"{row.label} ({told[at]})", base=f"{row.base} ({told[at]})")
        if row.lane == "sip" and (at := (row.frames[0], row.leg)) in told
        else row
        for row in rows
        if row.lane != "sdp" or (row.frames[0], row.leg) not in carried
    ]


def _overlapping(tables: CallRows) -> bool:
    """Whether two captures of the call ran at the same time: files of a ring buffer follow each other."""
    names = {event.capture for event in tables.timeline}
    if len(names) < 2:
        return False
    spans = sorted(
        (first, last)
        for name, first, last in records(tables.captures, "capture", "first_time", "last_time")
        if name in names and first is not None and last is not None
    )
    latest = 0
    for first, last in spans:
        if first < latest:
            return True
        latest = max(latest, last)
    return False


def _once(rows: list[Event], overlapping: bool) -> list[Event]:
    """Leave out what another capture has shown: the n-th of a kind here is the n-th there."""
    if not overlapping:
        return rows
    counted: Counter[object] = Counter()
    shown: dict[object, int] = {}
    kept: list[Event] = []
    for row in rows:
        what = (row.lane, row.kind, row.leg, row.src, row.dst, row.base, row.identity)
        capture = row.frames[0][0]
        counted[capture, what] += 1
        key = (what, counted[capture, what])
        if key in shown and kept[shown[key]].frames[0][0] != capture:
            first = kept[shown[key]]
            kept[shown[key]] = replace(first, frames=first.frames + row.frames)
        else:
            shown[key] = len(kept)
            kept.append(row)
    return kept


def seconds(earlier: int, later: int) -> float:
    return (later - earlier) / NS_PER_S
