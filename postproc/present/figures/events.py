"""The events of a call as a ladder shows them, in order: each once, the description with its message.

Two captures of one call show many packets twice: those of the second are left out.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from postproc.present.figures.columns import Columns
from postproc.present.figures.cut import CallRows
from postproc.present.figures.lettering import plain
from postproc.present.figures.records import NS_PER_S, place, records
from postproc.present.figures.wording import count, decimal, duration, event, say
from postproc.text import Lang

Frame = tuple[str, int | None]  # capture and number


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
    identity: object = None  # what a second capture of it shares


def events(tables: CallRows, found: Columns, lang: Lang) -> list[Event]:
    """Return the events of a call in the order of time."""
    rows = list(_read(tables, found, lang))
    return _once(_with_descriptions(rows), _overlapping(tables))


def _read(tables: CallRows, found: Columns, lang: Lang) -> Iterator[Event]:
    bindings = _bindings(tables)
    streams = _streams(tables, lang)
    numbers = _cseqs(tables)
    names = ("time", "capture", "frame", "leg", "lane", "kind", "label", "src", "dst", "severity")
    for time, capture, frame, leg, lane, kind, label, src, dst, severity in records(tables.timeline, *names):
        if time is None or (lane == "media" and kind == "end"):
            continue  # a band's end shows it
        at = (capture, frame)
        transaction, rtt, outcome = bindings.get(at, (None, None, None)) if lane == "stun" else (None,) * 3
        said = plain(label)
        base = event(lane, said.rpartition(", ")[0] if rtt is not None and ", " in said else said, lang)
        if outcome == "pending":
            base += ", " + say("pending", lang)
        identity: object = transaction or numbers.get(at)
        if lane == "media" and kind == "start":
            identity, base = streams.get((*at, src, dst), (None, base))
        full = base if rtt is None else f"{base}, {duration(rtt / 1000, lang)}"
        own = lane == "log"
        yield Event(
            time, time, (at,), leg, lane, kind or "", full, base,
            None if own else found.of(leg, src), None if own else found.of(leg, dst), severity or "normal",
            arrives=not (outcome == "unanswered" and kind not in ("success", "error")),
            rtt_ms=() if rtt is None else (rtt,), identity=identity,
        )  # fmt: skip


def _bindings(tables: CallRows) -> dict[Frame, tuple[str | None, float | None, str | None]]:
    """Transaction, round-trip time and outcome by the frames of request and response."""
    found: dict[Frame, tuple[str | None, float | None, str | None]] = {}
    names = ("capture", "frame", "response_frame", "transaction_id", "rtt_ms", "outcome")
    for capture, frame, response, transaction, rtt, outcome in records(tables.bindings, *names):
        if response is not None:
            found[capture, response] = (transaction, rtt, outcome)
        if frame is not None and frame != response:
            found[capture, frame] = (transaction, None, outcome)
    return found


def _cseqs(tables: CallRows) -> dict[Frame, tuple[str, int | None]]:
    rows = records(tables.sip_messages, "capture", "frame", "call_id", "cseq")
    return {(capture, frame): (call_id, cseq) for capture, frame, call_id, cseq in rows}


def _streams(tables: CallRows, lang: Lang) -> dict[tuple[object, ...], tuple[object, str]]:
    """SSRC and what is to be said of each stream, by its first frame and its ends."""
    names = ("capture", "frame", "src_addr", "src_port", "dst_addr", "dst_port", "ssrc", "codec", "secured",
             "packets", "lost", "jitter_ms")  # fmt: skip
    found: dict[tuple[object, ...], tuple[object, str]] = {}
    for capture, frame, *row in records(tables.rtp_streams, *names):
        ssrc, codec, secured, packets, lost, jitter = row[4:]
        what = ("SRTP " if secured else "RTP ") + (plain(codec) or "")
        text = say(
            "media", lang, what=what.strip(), packets=count(packets or 0, lang), lost=count(lost or 0, lang)
        )
        if jitter is not None:
            text += ", " + say("jitter", lang, jitter=decimal(f"{jitter:.1f} ms", lang))
        found[capture, frame, place(*row[:2]), place(*row[2:4])] = (ssrc, text)
    return found


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
