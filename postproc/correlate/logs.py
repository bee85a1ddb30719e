"""The call of each line of a FreeSWITCH log, and its time on the captures' clock.

``log_channels`` matches lines to legs. A log that names none of the captures' legs is of another day or
system, and nothing of it is used.
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

# The offset of a log's clock from the capture's, time zone and daylight saving time included.
#
# It is measured on lines whose packet is known: an INVITE, else the answer or the end of a call. A log has
# steps of some 20 ms, and on some systems its times precede the packet: so the median counts, and the spread
# is reported. If the clock jumped by whole hours, each stretch of the log has its own offset.


HOUR = 3600 * NS_PER_S
# An anchor this far from the others was matched to the wrong packet (a retry with the same Call-ID). A choice
# far above a log's steps of 20 ms; smaller, it drops anchors of a loaded server whose log lags.
OFF = 5 * NS_PER_S


class Anchor(NamedTuple):
    """A line and the packet it reports; times in ns since 1970, each by its own clock."""

    frame: int
    log: int
    packet: int

    @property
    def offset(self) -> int:
        return self.log - self.packet


class Stretch(NamedTuple):
    """An anchor with the clock offset (ns) that applies around it."""

    anchor: Anchor
    offset: int


class Clock(NamedTuple):
    """A log's clock: ``offset`` and ``spread`` of its anchors in ns, and the number of ``anchors``."""

    offset: int
    spread: int
    anchors: int
    stretches: tuple[Stretch, ...] = ()  # in the order of the log, where the offset changed

    def offset_at(self, frame: int, time: int) -> int:
        """Return a line's offset in ns: that of the neighbouring stretch whose times enclose the line's."""
        if not self.stretches:
            return self.offset
        place = bisect_left(self.stretches, frame, key=lambda stretch: stretch.anchor.frame)
        before, after = self.stretches[max(place - 1, 0)], self.stretches[min(place, len(self.stretches) - 1)]
        fits = before.anchor.packet - OFF <= time - before.offset <= after.anchor.packet + OFF
        return before.offset if fits else after.offset

    def away(self) -> "Clock":
        """Return the clock for another log of the same machine: one offset throughout."""
        return self._replace(stretches=())


def clock(anchors: Iterable[Anchor]) -> Clock | None:
    """Return the clock of a log from its anchors, None without anchors."""
    ordered = sorted(anchors)
    if not ordered:
        return None
    middle = median_low(anchor.offset for anchor in ordered)
    steps = {anchor: round((anchor.offset - middle) / HOUR) * HOUR for anchor in ordered}
    rest = {anchor: anchor.offset - middle - step for anchor, step in steps.items()}
    good = [anchor for anchor in ordered if abs(rest[anchor]) <= OFF]
    skew = median_low(rest[anchor] for anchor in good)
    exact = [rest[anchor] for anchor in good]
    stretches = tuple(Stretch(anchor, middle + skew + steps[anchor]) for anchor in good)
    changed = len({stretch.offset for stretch in stretches}) > 1
    return Clock(middle + skew, max(exact) - min(exact), len(good), stretches if changed else ())


def anchored(lines: Iterable[tuple[int, int, str]], packets: Iterable[tuple[int, str, int]]) -> list[Anchor]:
    """Match a log's lines (frame, time, Call-ID) to ``packets`` (recording, Call-ID, time).

    Recordings have their own clocks: the one that shows most of the log's calls is used.
    """
    written = list(lines)
    times_of: Mapping[int, dict[str, int]] = defaultdict(dict)
    for recording, call_id, time in packets:
        times_of[recording].setdefault(call_id, time)
    matches = Counter(
        {
            recording: sum(call_id in times for _, _, call_id in written)
            for recording, times in times_of.items()
        }
    )
    if not matches:
        return []
    times = times_of[min(matches, key=lambda recording: (-matches[recording], recording))]
    return [Anchor(frame, time, times[call_id]) for frame, time, call_id in written if call_id in times]


# Lines without a channel are kept from this long before the first leg to this long after the last. A choice:
# longer keeps more lines about calls that the captures do not show.
MARGIN = 5 * NS_PER_S
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
    """LOG_EVENTS of the calls, LOGS with offset and use, and pairs of Call-IDs that are one call."""

    events: pd.DataFrame
    about: pd.DataFrame
    joins: list[tuple[str, str]]


def logs(events: Tables, legs: pd.DataFrame, recordings: "pd.Series[int]") -> Logs:
    """Attribute the lines of ``events.log_events`` to ``legs`` and convert them to the captures' clock.

    ``recordings`` maps captures to recordings.
    """
    if events.logs.empty:
        return Logs(LOG_EVENTS.empty(), LOGS.empty(), [])
    ordered = _in_order(events.log_events)
    lines = _by_channel(ordered)
    ties = channel_legs(lines, events)
    clocks = _clocks(lines, ties.legs, legs, recordings)
    used = _used(ordered, lines, ties.owners, clocks, _span(legs))
    return Logs(used, _about(events.logs, used, clocks), ties.joins)


def stream(log: str) -> str:
    """Return a log's name without the date, number or compression suffix that rotation adds."""
    return ROTATED.sub("", PACKED.sub("", log))


def _in_order(log_events: pd.DataFrame) -> pd.DataFrame:
    """Return the lines in the order they were written: rotated files one after the other."""
    first = log_events.groupby("capture")["time"].transform("min")
    streams = log_events["capture"].map({name: stream(name) for name in log_events["capture"].unique()})
    keys = log_events.assign(stream=streams, first=first)
    return keys.sort_values(["stream", "first", "capture", "frame"], ignore_index=True)


def _by_channel(written: pd.DataFrame) -> list[ChannelLine]:
    names = column(written["stream"])
    rows = records(written, "capture", "frame", "time", "kind", "text", "uuid", "call_id")
    entries = zip(names, map(LogLine._make, rows), strict=True)
    return [
        each
        for _, group in groupby(entries, key=lambda item: item[0])
        for each in with_channels([line for _, line in group])
    ]


def _clocks(
    lines: list[ChannelLine], legs_of: Owners, legs: pd.DataFrame, recordings: "pd.Series[int]"
) -> dict[str, Clock]:
    """Return the clock of each log; a rotated file without anchors takes its neighbour's."""
    numbers = [int(recordings[name]) for name in column(legs["capture"])]
    of_calls: dict[str, list[ChannelLine]] = defaultdict(list)
    for line in lines:
        if line.uuid in legs_of:
            of_calls[line.line.log].append(line)
    clocks: dict[str, Clock] = {}
    for kind, moment in ANCHORS:
        packets = _packets(numbers, legs, moment)
        for log in of_calls.keys() - clocks.keys():
            if measured := clock(anchored(_first(of_calls[log], kind, legs_of), packets)):
                clocks[log] = measured
        clocks = _with_neighbours(clocks, of_calls)
    return clocks


def _packets(numbers: list[int], legs: pd.DataFrame, moment: str) -> list[tuple[int, str, int]]:
    rows = zip(numbers, records(legs, "call_id", moment), strict=True)
    return [(number, call_id, time) for number, (call_id, time) in rows if call_id and time is not None]


def _first(lines: list[ChannelLine], kind: str, legs_of: Owners) -> list[tuple[int, int, str]]:
    """Return frame, time and Call-ID of each channel's first line of a kind."""
    first: dict[str, tuple[int, int, str]] = {}
    for line in lines:
        if line.uuid and line.line.kind == kind:
            first.setdefault(line.uuid, (line.line.frame, line.line.time, legs_of[line.uuid]))
    return list(first.values())


def _with_neighbours(clocks: dict[str, Clock], logs: Iterable[str]) -> dict[str, Clock]:
    of_stream = {stream(log): measured.away() for log, measured in sorted(clocks.items())}
    borrowed = {log: of_stream[stream(log)] for log in logs if stream(log) in of_stream}
    return borrowed | clocks


def _span(legs: pd.DataFrame) -> tuple[int, int]:
    """Return from when to when (ns) a line without a channel may concern the legs."""
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
    """Return LOG_EVENTS of the lines of a call, and of lines without a channel at the time of one."""
    offsets = [_offset(line.line, clocks) for line in lines]
    call_ids = [owners.get(line.uuid) if line.uuid else None for line in lines]
    used = [
        call_id is not None or _at_that_time(line, offset, span)
        for line, call_id, offset in zip(lines, call_ids, offsets, strict=True)
    ]
    has_clock = np.array([offset is not None for offset in offsets], dtype=bool)
    offset_ns = np.array([offset or 0 for offset in offsets], dtype="int64")
    return LOG_EVENTS.conform(
        written.assign(
            uuid=pd.array([line.uuid for line in lines], "string"),
            call_id=pd.array(call_ids, "string"),
            time=(written["time"] - pd.to_timedelta(offset_ns, unit="ns")).where(has_clock),
            offset_ms=pd.Series(offset_ns / 1e6).where(has_clock),
        )[np.array(used, dtype=bool)].sort_values(["capture", "frame"])
    )


def _offset(line: LogLine, clocks: Mapping[str, Clock]) -> int | None:
    log_clock = clocks.get(line.log)
    return log_clock.offset_at(line.frame, line.time) if log_clock else None


def _at_that_time(line: ChannelLine, offset: int | None, span: tuple[int, int]) -> bool:
    of_none = line.uuid is None and (line.line.kind == "acl" or line.facts.get("verdict") == "Failed")
    return of_none and offset is not None and span[0] <= line.line.time - offset <= span[1]


def _about(logs: pd.DataFrame, used: pd.DataFrame, clocks: Mapping[str, Clock]) -> pd.DataFrame:
    lines = used["capture"].value_counts()
    calls = used.groupby("capture")["call_id"].nunique()
    spans = used.groupby("capture")["time"].agg(["min", "max"])
    rows = ({str(name): value for name, value in row.items()} for row in logs.to_dict("records"))
    return LOGS.rows(_row(row, lines, calls, spans, clocks.get(row["capture"])) for row in rows)


def _row(
    row: dict[str, Any], lines: pd.Series, calls: pd.Series, spans: pd.DataFrame, log_clock: Clock | None
) -> dict[str, Any]:
    """Return the row of LOGS with the log's use, clock and warnings."""
    if pd.isna(row["lines"]):  # it was not read
        return row
    name = row["capture"]
    usage: dict[str, Any] = {"used": int(lines.get(name, 0)), "calls": int(calls.get(name, 0))}
    warnings = None if pd.isna(row["warnings"]) else row["warnings"]
    if not usage["used"]:
        return row | usage | {"warnings": _and(warnings, _useless(row))}
    if log_clock is None:
        return row | usage | {"warnings": _and(warnings, NO_CLOCK)}
    first, last = spans.loc[name]
    clock = {
        "offset_ms": log_clock.offset / 1e6,
        "spread_ms": log_clock.spread / 1e6,
        "anchors": log_clock.anchors,
    }
    return row | usage | clock | {"first_time": first, "last_time": last, "warnings": warnings}


def _useless(row: dict[str, Any]) -> str:
    if pd.isna(row["first_time"]):
        return EMPTY
    return UNRELATED.format(
        first=f"{row['first_time']:%Y-%m-%d %H:%M:%S}", last=f"{row['last_time']:%Y-%m-%d %H:%M:%S}"
    )


def _and(warnings: str | None, more: str) -> str:
    return f"{warnings}\n{more}" if warnings else more
