"""Which call each line of a FreeSWITCH log is about, and when it was on the captures' clock.

Where lines belong is log_channels' business. A log in which none of the captures' legs is found is of another
day or system: nothing of it is used.
"""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from statistics import median_low
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from postproc.correlate.log_channels import ChannelLine, LogLine, Owners, channel_legs, with_channels
from postproc.correlate.rows import NS_PER_S, column, records
from postproc.model.tables import LOG_EVENTS, LOGS, Tables

# How far a log's clock is from the capture's, time zone and summer time included.
#
# Learnt from lines whose packet is known: an INVITE, else the answer or the end of a call. A log ticks in
# steps of some 20 ms, on some systems it is earlier than the packet: the median counts, the spread is told.
# When the clock was changed by whole hours meanwhile, each stretch of the log has its own offset.


HOUR = 3600 * NS_PER_S
OFF = 5 * NS_PER_S  # an anchor this far from the others is not about the packet it was taken for


class Anchor(NamedTuple):
    """A line and the packet it is about; times in ns."""

    frame: int
    log: int
    packet: int

    @property
    def offset(self) -> int:
        return self.log - self.packet


class Stretch(NamedTuple):
    """Anchor with the offset that holds around it."""

    anchor: Anchor
    offset: int


class Clock(NamedTuple):
    """A log's clock: ``offset`` in ns, ``spread`` of what it was learnt from, and how many those were."""

    offset: int
    spread: int
    anchors: int
    stretches: tuple[Stretch, ...] = ()  # in the order of the log, where the offset changed

    def offset_at(self, frame: int, time: int) -> int:
        """Offset of a line: of the stretches beside it that in which its time fits between theirs."""
        if not self.stretches:
            return self.offset
        place = bisect_left(self.stretches, frame, key=lambda stretch: stretch.anchor.frame)
        before, after = self.stretches[max(place - 1, 0)], self.stretches[min(place, len(self.stretches) - 1)]
        fits = before.anchor.packet - OFF <= time - before.offset <= after.anchor.packet + OFF
        return before.offset if fits else after.offset

    def away(self) -> "Clock":
        """Return the clock as another log of the same machine has it."""
        return self._replace(stretches=())


def clock(anchors: Iterable[Anchor]) -> Clock | None:
    """Return the clock that the anchors of one log show, or None where there are none."""
    known = sorted(anchors)
    if not known:
        return None
    middle = median_low(anchor.offset for anchor in known)
    steps = {anchor: round((anchor.offset - middle) / HOUR) * HOUR for anchor in known}
    rest = {anchor: anchor.offset - middle - step for anchor, step in steps.items()}
    good = [anchor for anchor in known if abs(rest[anchor]) <= OFF]
    skew = median_low(rest[anchor] for anchor in good)
    exact = [rest[anchor] for anchor in good]
    stretches = tuple(Stretch(anchor, middle + skew + steps[anchor]) for anchor in good)
    changed = len({stretch.offset for stretch in stretches}) > 1
    return Clock(middle + skew, max(exact) - min(exact), len(good), stretches if changed else ())


def anchored(lines: Iterable[tuple[int, int, str]], packets: Iterable[tuple[int, str, int]]) -> list[Anchor]:
    """Match a log's lines (frame, time, Call-ID) to ``packets`` (recording, Call-ID, time).

    Recordings have clocks of their own: the one that shows most of the log's calls is taken.
    """
    written = list(lines)
    seen: Mapping[int, dict[str, int]] = defaultdict(dict)
    for recording, call_id, time in packets:
        seen[recording].setdefault(call_id, time)
    matches = Counter(
        {recording: sum(call_id in times for _, _, call_id in written) for recording, times in seen.items()}
    )
    if not matches:
        return []
    times = seen[min(matches, key=lambda recording: (-matches[recording], recording))]
    return [Anchor(frame, time, times[call_id]) for frame, time, call_id in written if call_id in times]


# Which call each line of a FreeSWITCH log is about, and when it was on the captures' clock.
#
# Where lines belong is log_channels' and log_ties' business, what time it was log_clock's. A log in which
# none of the captures' legs is found is of another day or system: nothing of it is used.


MARGIN = (
    5 * NS_PER_S
)  # lines of no channel are kept from so long before the first leg to so long after the last
ANCHORS = (("invite", "invite_time"), ("answered", "answer_time"), ("hangup", "end_time"))
PACKED = re.compile(r"\.(?:gz|bz2|xz)$")
ROTATED = re.compile(r"[._-]?\d{4}[._-]?\d\d[._-]?\d\d(?:[._T-]?\d\d[._-]?\d\d[._-]?\d\d)?|(?:\.\d{1,4})+$")
UNRELATED = (
    "none of the captures' calls is in it, so nothing of it is used; "
    "its lines about calls are from {first} to {last} by its own clock"
)
EMPTY = "no line about a call is in it"
NO_CLOCK = "no INVITE, answer or end of its calls is in the captures: its lines have no time"


class Logs(NamedTuple):
    """LOG_EVENTS of the calls, LOGS with what was learnt, and pairs of Call-IDs that are one call."""

    events: pd.DataFrame
    about: pd.DataFrame
    joins: list[tuple[str, str]]


def logs(events: Tables, legs: pd.DataFrame, recordings: "pd.Series[int]") -> Logs:
    """Tie the lines of ``events.log_events`` to ``legs`` and put them on the clock of the captures.

    ``recordings`` maps captures to recordings.
    """
    if events.logs.empty:
        return Logs(LOG_EVENTS.empty(), LOGS.empty(), [])
    written = _in_order(events.log_events)
    lines = _told(written)
    found = channel_legs(lines, events)
    clocks = _clocks(lines, found.legs, legs, recordings)
    used = _used(written, lines, found.owners, clocks, _span(legs))
    return Logs(used, _about(events.logs, used, clocks), found.joins)


def stream(log: str) -> str:
    """Name of a log without what sets rotated files apart: date, number, packing."""
    return ROTATED.sub("", PACKED.sub("", log))


def _in_order(log_events: pd.DataFrame) -> pd.DataFrame:
    """Return the lines as they were written: rotated files one after the other."""
    first = log_events.groupby("capture")["time"].transform("min")
    streams = log_events["capture"].map({name: stream(name) for name in log_events["capture"].unique()})
    keys = log_events.assign(stream=streams, first=first)
    return keys.sort_values(["stream", "first", "capture", "frame"], ignore_index=True)


def _told(written: pd.DataFrame) -> list[ChannelLine]:
    names = column(written["stream"])
    rows = records(written, "capture", "frame", "time", "kind", "text", "uuid", "call_id")
    named = zip(names, map(LogLine._make, rows), strict=True)
    return [
        each
        for _, group in groupby(named, key=lambda item: item[0])
        for each in with_channels([line for _, line in group])
    ]


def _clocks(
    lines: list[ChannelLine], legs_of: Owners, legs: pd.DataFrame, recordings: "pd.Series[int]"
) -> dict[str, Clock]:
    """Return the clock of each log; a rotated file that shows none has its neighbour's."""
    numbers = [int(recordings[name]) for name in column(legs["capture"])]
    of_calls: dict[str, list[ChannelLine]] = defaultdict(list)
    for each in lines:
        if each.uuid in legs_of:
            of_calls[each.line.log].append(each)
    found: dict[str, Clock] = {}
    for kind, moment in ANCHORS:
        packets = _packets(numbers, legs, moment)
        for log in of_calls.keys() - found.keys():
            if learnt := clock(anchored(_first(of_calls[log], kind, legs_of), packets)):
                found[log] = learnt
        found = _with_neighbours(found, of_calls)
    return found


def _packets(numbers: list[int], legs: pd.DataFrame, moment: str) -> list[tuple[int, str, int]]:
    rows = zip(numbers, records(legs, "call_id", moment), strict=True)
    return [(number, call_id, time) for number, (call_id, time) in rows if call_id and time is not None]


def _first(lines: list[ChannelLine], kind: str, legs_of: Owners) -> list[tuple[int, int, str]]:
    """Return frame, time and Call-ID of each channel's first line of a kind."""
    first: dict[str, tuple[int, int, str]] = {}
    for each in lines:
        if each.uuid and each.line.kind == kind:
            first.setdefault(each.uuid, (each.line.frame, each.line.time, legs_of[each.uuid]))
    return list(first.values())


def _with_neighbours(found: dict[str, Clock], logs: Iterable[str]) -> dict[str, Clock]:
    of_stream = {stream(log): learnt.away() for log, learnt in sorted(found.items())}
    borrowed = {log: of_stream[stream(log)] for log in logs if stream(log) in of_stream}
    return borrowed | found


def _span(legs: pd.DataFrame) -> tuple[int, int]:
    """Return from when to when a line of no channel may be about the legs; ns."""
    starts = [time for time in column(legs["time"]) if time is not None]
    ends = [time for time in column(legs["end_time"]) if time is not None]
    return (min(starts) - MARGIN, max(starts + ends) + MARGIN) if starts else (0, 0)


def _used(
    written: pd.DataFrame,
    lines: list[ChannelLine],
    owners: Owners,
    clocks: Mapping[str, Clock],
    span: tuple[int, int],
) -> pd.DataFrame:
    """Return LOG_EVENTS of the lines that belong to a call, or to none but are of its time."""
    offsets = [_offset(each.line, clocks) for each in lines]
    call_ids = [owners.get(each.uuid) if each.uuid else None for each in lines]
    used = [
        call_id is not None or _at_that_time(each, offset, span)
        for each, call_id, offset in zip(lines, call_ids, offsets, strict=True)
    ]
    known = np.array([offset is not None for offset in offsets], dtype=bool)
    offset_ns = np.array([offset or 0 for offset in offsets], dtype="int64")
    return LOG_EVENTS.conform(
        written.assign(
            uuid=pd.array([each.uuid for each in lines], "string"),
            call_id=pd.array(call_ids, "string"),
            time=(written["time"] - pd.to_timedelta(offset_ns, unit="ns")).where(known),
            offset_ms=pd.Series(offset_ns / 1e6).where(known),
        )[np.array(used, dtype=bool)].sort_values(["capture", "frame"])
    )


def _offset(line: LogLine, clocks: Mapping[str, Clock]) -> int | None:
    learnt = clocks.get(line.log)
    return learnt.offset_at(line.frame, line.time) if learnt else None


def _at_that_time(each: ChannelLine, offset: int | None, span: tuple[int, int]) -> bool:
    of_none = each.uuid is None and (each.line.kind == "acl" or each.facts.get("verdict") == "Failed")
    return of_none and offset is not None and span[0] <= each.line.time - offset <= span[1]


def _about(logs: pd.DataFrame, used: pd.DataFrame, clocks: Mapping[str, Clock]) -> pd.DataFrame:
    lines = used["capture"].value_counts()
    calls = used.groupby("capture")["call_id"].nunique()
    known = used.groupby("capture")["time"].agg(["min", "max"])
    rows = ({str(name): value for name, value in row.items()} for row in logs.to_dict("records"))
    return LOGS.rows(_row(row, lines, calls, known, clocks.get(row["capture"])) for row in rows)


def _row(
    row: dict[str, Any], lines: pd.Series, calls: pd.Series, known: pd.DataFrame, learnt: Clock | None
) -> dict[str, Any]:
    """Return the row of LOGS with what was learnt of the log."""
    if pd.isna(row["lines"]):  # it was not read
        return row
    name = row["capture"]
    told: dict[str, Any] = {"used": int(lines.get(name, 0)), "calls": int(calls.get(name, 0))}
    warnings = None if pd.isna(row["warnings"]) else row["warnings"]
    if not told["used"]:
        return row | told | {"warnings": _and(warnings, _useless(row))}
    if learnt is None:
        return row | told | {"warnings": _and(warnings, NO_CLOCK)}
    first, last = known.loc[name]
    clock = {"offset_ms": learnt.offset / 1e6, "spread_ms": learnt.spread / 1e6, "anchors": learnt.anchors}
    return row | told | clock | {"first_time": first, "last_time": last, "warnings": warnings}


def _useless(row: dict[str, Any]) -> str:
    if pd.isna(row["first_time"]):
        return EMPTY
    return UNRELATED.format(
        first=f"{row['first_time']:%Y-%m-%d %H:%M:%S}", last=f"{row['last_time']:%Y-%m-%d %H:%M:%S}"
    )


def _and(warnings: str | None, more: str) -> str:
    return f"{warnings}\n{more}" if warnings else more
