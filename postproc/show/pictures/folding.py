"""A ladder's rows: repeated checks folded into one, idle time named, very long calls cut in their middle."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from postproc.model.text import Lang
from postproc.model.vocabulary import count
from postproc.show.pictures.events import Event, seconds
from postproc.show.pictures.wording import duration, say

IDLE_S = 2.0  # longer time without events gets a mark
PLENTY = 120  # rows; with more, requests that repeat inside a dialog are folded as well
MOST = 600  # rows; a picture of more is no picture
FOLDED = {"stun", "icmp"}
REPEATED = ("INFO", "OPTIONS", "MESSAGE", "NOTIFY", "UPDATE")  # without description, and their responses


@dataclass(frozen=True)
class Row:
    """An event, or a note across all columns (idle time, what is left out)."""

    event: Event | None
    note: str = ""


def rows(events: list[Event], lang: Lang) -> list[Row]:
    """Return the rows of a ladder from top to bottom."""
    folded = fold(events, lang)
    if len(folded) > PLENTY:
        folded = fold(events, lang, repeated=True)
    return _bounded(list(_with_gaps(folded, lang)), lang)


def fold(events: list[Event], lang: Lang, *, repeated: bool = False) -> list[Event]:
    """Fold what is alike between two other events into the first of it.

    Checks and ICMP errors are folded; ``repeated``: requests that repeat, too.
    """
    folded: list[Event] = []
    stretch: dict[Hashable, list[Event]] = {}
    for event in events:
        if event.lane in FOLDED or (repeated and _repeats(event)):
            stretch.setdefault(_likeness(event), []).append(event)
            continue
        folded += _in_order(stretch.values(), lang)
        stretch = {}
        folded.append(event)
    return folded + _in_order(stretch.values(), lang)


def _repeats(event: Event) -> bool:
    about = event.base.rpartition("(")[2].rstrip(")") if event.kind == "response" else event.base
    return event.lane == "sip" and about in REPEATED


def _likeness(event: Event) -> Hashable:
    return (event.lane, event.kind, event.leg, event.base, event.src, event.dst, event.severity,
            event.arrives, event.frames[0][0])  # fmt: skip


def _in_order(groups: Iterable[list[Event]], lang: Lang) -> list[Event]:
    return sorted((_one(group, lang) for group in groups), key=lambda event: event.time)


def _one(group: list[Event], lang: Lang) -> Event:
    first = group[0]
    if len(group) == 1:
        return first
    said = f"{first.base} × {count(len(group), lang)}"
    rtts = [rtt for event in group for rtt in event.rtt_ms]
    apart = [seconds(a.time, b.time) for a, b in pairwise(group)]
    if rtts:
        low, high = (duration(rtt / 1000, lang) for rtt in (min(rtts), max(rtts)))
        said += f", {low}" + (f" – {high}" if low != high else "")
    elif median(apart) >= 0.1:
        said += ", " + say("every", lang, duration=duration(median(apart), lang))
    frames = tuple(frame for event in group for frame in event.frames)
    return replace(
        first, last=group[-1].last, frames=frames, label=said, count=len(group), rtt_ms=tuple(rtts)
    )


def _with_gaps(events: list[Event], lang: Lang) -> Iterator[Row]:
    until: int | None = None
    for event in events:
        if until is not None and (idle := seconds(until, event.time)) > IDLE_S:
            yield Row(None, say("gap", lang, duration=duration(idle, lang)))
        until = max(until or event.last, event.last)
        yield Row(event)


def _bounded(held: list[Row], lang: Lang) -> list[Row]:
    if len(held) <= MOST:
        return held
    left_out = sum(row.event.count for row in held[MOST // 2 : -MOST // 2] if row.event)
    note = Row(None, say("left_out", lang, count=count(left_out, lang)))
    return [*held[: MOST // 2], note, *held[-MOST // 2 :]]
