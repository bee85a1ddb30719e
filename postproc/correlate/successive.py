"""Streams that go on from one call to the next: their sender keeps its port and SSRC.

An SSRC is to be chosen at random for each session (RFC 3550, section 8.1), but some devices keep one for
ever. A capture has one row for them; it is cut where the call changes, by what is known of each second.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.rows import NS_PER_MS, column, records
from postproc.correlate.whose import Owner, Traffic
from postproc.model.columns import array
from postproc.model.tables import RTP_SECONDS, RTP_STREAMS

# Seconds tell no shorter pause. Between a hang-up and media of the next call a person dials or a phone rings.
PAUSE_MS = 1000.0
# What is known of a whole stream only, and cannot be told of its parts.
OF_THE_WHOLE = (
    "duplicates",
    "reordered",
    "reports",
    "reported_until",
    "unreported",
    "report_frame",
    "reported_lost",
    "reported_expected",
    "sender_received",
)


class Second(NamedTuple):
    """A row of rtp_seconds, and its place there."""

    place: int
    frame: int
    time: int
    last: int
    second: int
    packets: int
    lost: int
    jitter_ms: float | None


Part = list[Second]  # of a stream, all of one call
Owns = Callable[[Traffic], Owner | None]


def cut_by_call(
    rtp_streams: pd.DataFrame, rtp_seconds: pd.DataFrame, flows: Sequence[Traffic | None], owns: Owns
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return rtp_streams and rtp_seconds with a row of streams for each call that a stream serves.

    ``flows`` are the streams' packets as rows of rtp_streams, ``owns`` finds the call of a part of them.
    """
    gaps = column(rtp_streams["max_gap_ms"])
    several = {
        row: traffic
        for row, (traffic, gap) in enumerate(zip(flows, gaps, strict=True))
        if traffic and (gap or 0) >= PAUSE_MS and _changes(traffic, owns)
    }
    if not several:
        return rtp_streams, rtp_seconds
    keys = [*records(rtp_streams, "capture", "stream")]
    seconds = _seconds(rtp_seconds, {keys[row] for row in several})
    parts = {row: _parts(seconds.get(keys[row], []), traffic, owns) for row, traffic in several.items()}
    cut = {row: each for row, each in parts.items() if len(each) > 1}
    return _cut(rtp_streams, rtp_seconds, cut) if cut else (rtp_streams, rtp_seconds)


def _changes(traffic: Traffic, owns: Owns) -> bool:
    """Return whether the first and the last packets are of different calls."""
    ends = owns(traffic._replace(last=traffic.first)), owns(traffic._replace(first=traffic.last))
    first, last = (end and end.call for end in ends)
    return None not in (first, last) and first != last


def _seconds(rtp_seconds: pd.DataFrame, keys: set[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[Second]]:
    """Return the seconds of these streams, each stream's in order."""
    found: dict[tuple[Any, ...], list[Second]] = {}
    names = ("frame", "time", "last_time", "second", "packets", "lost", "jitter_ms")
    rows = zip(records(rtp_seconds, "capture", "stream"), records(rtp_seconds, *names), strict=True)
    for place, (key, (frame, time, last, second, packets, lost, jitter)) in enumerate(rows):
        if key in keys:
            told = Second(
                place, frame, time, time if last is None else last, second, packets, lost or 0, jitter
            )
            found.setdefault(key, []).append(told)
    return {key: sorted(rows, key=lambda each: each.second) for key, rows in found.items()}


def _parts(seconds: Sequence[Second], traffic: Traffic, owns: Owns) -> list[Part]:
    """Return a stream's seconds by call; what no call owns goes with what is before it."""
    spells: list[Part] = []
    for each in seconds:
        if not spells or each.time - spells[-1][-1].last >= PAUSE_MS * NS_PER_MS:
            spells.append([])
        spells[-1].append(each)
    parts: list[Part] = []
    current: int | None = None
    for spell in spells:
        found = owns(traffic._replace(first=spell[0].time, last=spell[-1].last))
        if not parts or (found and current is not None and found.call != current):
            parts.append([])
        parts[-1] += spell
        current = found.call if found else current
    return parts


def _cut(
    rtp_streams: pd.DataFrame, rtp_seconds: pd.DataFrame, parts: dict[int, list[Part]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables with these parts, by row, in the place of whole streams."""
    whole = {name: column(rtp_streams[name]) for name in ("stream", "bytes", "packets")}
    unused = max((number for number in whole["stream"] if number is not None), default=0) + 1
    places = [row for row in range(len(rtp_streams)) for _ in parts.get(row, (None,))]
    changed: dict[int, dict[str, Any]] = {}  # by place in the new table
    numbers, second, lost = (column(rtp_seconds[name]) for name in ("stream", "second", "lost"))
    for row, its_parts in parts.items():
        for at, part in enumerate(its_parts, places.index(row)):
            number = whole["stream"][row]
            if part is not its_parts[0]:
                number, unused = unused, unused + 1
                lost[part[0].place] = None  # numbers may have gone on between the calls: that is no loss
                part[0] = part[0]._replace(lost=0)
            share = sum(each.packets for each in part) / max(whole["packets"][row] or 1, 1)
            changed[at] = _told(part) | {"stream": number, "bytes": round((whole["bytes"][row] or 0) * share)}
            for each in part:
                numbers[each.place] = number
                second[each.place] = each.second - part[0].second
    cut = rtp_streams.take(places)
    for name in (*next(iter(changed.values())), *OF_THE_WHOLE):
        values = column(cut[name])
        for at, told in changed.items():
            values[at] = told.get(name)
        cut[name] = array(values, RTP_STREAMS.dtypes[name])
    types = RTP_SECONDS.dtypes
    told = {"stream": numbers, "second": second, "lost": lost}
    seconds = rtp_seconds.assign(**{name: array(values, types[name]) for name, values in told.items()})
    return cut.reset_index(drop=True), seconds


def _told(part: Part) -> dict[str, Any]:
    """Return the columns of rtp_streams that the seconds of a part tell."""
    packets, lost = sum(each.packets for each in part), sum(each.lost for each in part)
    weighed = [(each.jitter_ms, each.packets) for each in part if each.jitter_ms is not None]
    known = sum(weight for _, weight in weighed)
    pauses = [after.time - before.last for before, after in pairwise(part)]
    return {
        "frame": part[0].frame,
        "time": part[0].time,
        "first_time": part[0].time,
        "last_time": part[-1].last,
        "packets": packets,
        "expected": packets + lost,
        "lost": lost,
        "jitter_ms": sum(jitter * weight for jitter, weight in weighed) / known if known else None,
        "max_gap_ms": max(pauses, default=0) / NS_PER_MS,
    }
