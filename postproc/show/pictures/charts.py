"""Charts of numbers over time: the media of a call, and the calls of a run.

Media: packets per second, loss and jitter, one row per leg and direction. Calls: one row of bars per verdict,
the worst first. Rows of a kind share their scale, so that they can be compared by eye.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import pandas as pd

from postproc.model.addresses import endpoint
from postproc.model.calls import Call, counting
from postproc.model.enumerations import CallVerdict
from postproc.model.loading import by
from postproc.model.rows import CallRow, RtpSecondRow, RtpStreamRow
from postproc.model.text import Lang
from postproc.model.vocabulary import count, decimal, direction
from postproc.show import colors
from postproc.show.colors import FAINT, INK, MUTED
from postproc.show.pictures.annotations import (
    HEADING_HEIGHT,
    SMALL,
    TimeAxis,
    axis_over,
    clock,
    draw_axis,
    draw_heading,
    seconds,
    title,
)
from postproc.show.pictures.lanes import STRIPE, draw_leg
from postproc.show.pictures.layout import (
    Area,
    Label,
    Layer,
    Picture,
    Point,
    Stroke,
    middle_cut,
    plain,
    rectangle,
)
from postproc.show.pictures.wording import say

LEFT = 14.0
NAMES, PANEL, GAP, ROW, APART = 150.0, 200.0, 34.0, 46.0, 16.0  # of the media, in points
TOP = HEADING_HEIGHT + 24  # of their first row
KINDS = (("packets", "packets_axis"), ("lost", "lost_axis"), ("jitter_ms", "jitter_axis"))
MOST_STREAMS = 12  # one printed page
MOST_POINTS = 300  # bars in a panel, 1.5 per point of its width; longer streams have several seconds per bar
# Least part of a second over which a rate is computed. A choice: 10 packets of 20 ms; over less, one packet
# more or less changes the rate by more than a tenth.
SHORTEST_S = 0.2

VERDICT_NAMES, VERDICT_PLOT, VERDICT_NOTES, VERDICT_ROW, VERDICTS_APART = 110.0, 620.0, 30.0, 44.0, 12.0
# A gap without calls splits the overview if it is longer than this share of the whole time and than APART_S.
# Both are choices: half the width would be empty; and a weekend or a week of leave does not split a run.
EMPTY = 0.5
APART_S = 7 * 86_400
BINS = 60  # a bar is 10 points wide
Bar = CallVerdict | Literal["undiagnosed"]  # before diagnosis
VERDICTS: Mapping[Bar, str] = {  # worst first; each has its word beside it
    "fault": colors.LEG_1.fill,
    "suspect": "#e0a100",
    "cannot_tell": "#8a8f98",
    "ok": colors.MEDIA.line,
    "undiagnosed": "#b8bec6",
}


class Series(NamedTuple):
    """A stream as (seconds since its first packet, value) by kind; seconds without packets are zeros."""

    stream: RtpStreamRow
    values: dict[str, list[tuple[int, float]]]
    step: int  # seconds per value

    @property
    def length_s(self) -> float:
        return seconds(self.stream.first_time, self.stream.last_time)


def media(call: Call, lang: Lang = "en") -> Picture:
    """Lay out the media of a call: a row per stream, with packets/s, losses/s and jitter over time."""
    streams = series(call)
    high = TOP + (ROW + APART) * max(len(streams[:MOST_STREAMS]), 1) + 20
    picture = Picture(LEFT + NAMES + 3 * (PANEL + GAP) + 6, high, title(call, "media_title", lang))
    draw_heading(picture, call, "media_title", LEFT, lang)
    if not streams:
        picture.write(Label(LEFT, HEADING_HEIGHT + 10, say("none_media", lang), 8, color=MUTED))
        return picture
    times = [time for stream in streams for time in (stream.stream.first_time, stream.stream.last_time)]
    for n, (kind, word) in enumerate(KINDS):
        left = LEFT + NAMES + GAP + n * (PANEL + GAP)
        axis = axis_over(times, left, left + PANEL)
        picture.write(Label(left, HEADING_HEIGHT + 8, say(word, lang), 7, bold=True))
        _draw_column(picture, streams[:MOST_STREAMS], kind, axis, lang)
    _draw_names(picture, streams, lang)
    return picture


def series(call: Call) -> list[Series]:
    """Return the series of the streams that count, by leg, direction and time."""
    rows = by(call.rtp_seconds, "stream")
    streams = sorted(
        counting(call.rtp_streams), key=lambda row: (row.leg or 0, row.direction or "", row.first_time)
    )
    return [_series(row, rows.get(row.stream, ())) for row in streams]


def _series(stream: RtpStreamRow, rows: Sequence[RtpSecondRow]) -> Series:
    """Return the stream's values; missing seconds count as no packets, over MOST_POINTS they are averaged."""
    by_second = {row.second: row for row in rows}
    length = seconds(stream.first_time, stream.last_time)
    last = min(max(by_second, default=0), int(length) + 1)
    step = -(-(last + 1) // MOST_POINTS)
    values: dict[str, list[tuple[int, float]]] = {kind: [] for kind, _ in KINDS}
    bars: dict[int, list[RtpSecondRow]] = {}
    for second, row in by_second.items():
        if second <= last:
            bars.setdefault(second // step, []).append(row)
    for begin in range(0, last + 1, step):  # by bar: where a clock jumps, seconds may be many and empty
        bar = bars.get(begin // step, [])
        covered = min(length - begin, step)
        if covered < SHORTEST_S and begin:
            break
        packets, lost = sum(row.packets for row in bar), sum(row.lost or 0 for row in bar)
        values["packets"].append((begin, packets / max(covered, SHORTEST_S)))
        values["lost"].append((begin, lost / max(covered, 1.0)))
        if jitter := [row.jitter_ms for row in bar if row.jitter_ms is not None]:
            values["jitter_ms"].append((begin, max(jitter)))
    return Series(stream, values, step)


def _scale(streams: Sequence[Series], kind: str) -> float:
    """Return the end of a scale: 1, 2 or 5 times a power of ten."""
    highest = max((value for stream in streams for _, value in stream.values[kind]), default=0.0)
    power = 1.0
    while power < highest:
        power *= 10
    return next((power * share for share in (0.1, 0.2, 0.5) if power > 1 and highest <= power * share), power)


def _draw_column(picture: Picture, streams: Sequence[Series], kind: str, axis: TimeAxis, lang: Lang) -> None:
    highest = _scale(streams, kind)
    y = TOP
    for stream in streams:
        bottom = y + ROW
        picture.areas.append(Area(rectangle(axis.left, y, axis.right, bottom), STRIPE, layer=Layer.BACK))
        picture.write(
            Label(axis.left - 4, y + 3, decimal(f"{highest:g}", lang), SMALL, "right", MUTED),
            Label(axis.left - 4, bottom - 3, "0", SMALL, "right", MUTED),
        )
        _draw_values(picture, stream, kind, axis, bottom=bottom, scale=ROW / highest)
        y += ROW + APART
    draw_axis(picture, axis, TOP, y - APART, lang)


def _draw_values(
    picture: Picture, series: Series, kind: str, axis: TimeAxis, *, bottom: float, scale: float
) -> None:
    """Draw packets as an area, losses as bars, jitter as a line."""
    values, first = series.values[kind], series.stream.first_time
    if kind == "jitter_ms":
        points = tuple((axis.x(first, after), bottom - value * scale) for after, value in values)
        if len(points) > 1:
            picture.strokes.append(Stroke(points, INK, 1.0, layer=Layer.TOP))
        return
    spans = [
        (
            axis.x(first, after),
            axis.x(first, min(after + series.step, series.length_s)),
            bottom - value * scale,
        )
        for after, value in values
    ]
    if kind == "lost":
        for left, right, top in spans:
            if top < bottom:
                bar = rectangle(left, top, max(right, left + 1), bottom)
                picture.areas.append(Area(bar, colors.PROBLEM.fill, layer=Layer.FRONT))
    elif spans:
        outline: list[Point] = [(spans[0][0], bottom)]
        for left, right, top in spans:
            outline += [(left, top), (right, top)]
        outline.append((spans[-1][1], bottom))
        picture.areas.append(Area(tuple(outline), colors.MEDIA.fill, colors.MEDIA.line, Layer.FRONT))


def _draw_names(picture: Picture, streams: Sequence[Series], lang: Lang) -> None:
    """Draw leg, direction, addresses and figures of each stream to the left of its row."""
    y = TOP
    for row in [stream.stream for stream in streams[:MOST_STREAMS]]:
        draw_leg(picture, LEFT, y + 6.6, row.leg, color=colors.MEDIA, size=5.5)
        payload = f"{'SRTP' if row.secured else 'RTP'} {plain(row.codec)}".strip()
        packets, lost = count(row.packets, lang), count(row.lost or 0, lang)
        src, dst = endpoint(row.src_addr, row.src_port), endpoint(row.dst_addr, row.dst_port)
        lines = [line for line in (direction(row.direction, lang), src, f"→ {dst}") if line]
        lines.append(say("media", lang, what=payload, packets=packets, lost=lost))
        for n, line in enumerate(lines):
            indent = 14 if n == 0 else 0
            text = middle_cut(line, NAMES - 6 - indent, SMALL)
            color = INK if n == 0 else MUTED
            picture.write(Label(LEFT + indent, y + 6.6 + 11 * n, text, SMALL, color=color))
        y += ROW + APART
    if len(streams) > MOST_STREAMS:
        text = say("more_rows", lang, count=count(len(streams) - MOST_STREAMS, lang))
        picture.write(Label(LEFT, y, text, SMALL, color=MUTED))


def overview(calls: Iterable[CallRow], lang: Lang = "en") -> Picture:
    """Lay out the calls of a run by start time, a row of bars per verdict."""
    started = [(call.start, call.verdict or "undiagnosed") for call in calls if call.start is not None]
    drawn = _together(started)
    starts = {name: [start for start, verdict in drawn if verdict == name] for name in VERDICTS}
    starts = {name: times for name, times in starts.items() if times}
    top, left = 44.0, LEFT + VERDICT_NAMES
    bottom = top + (VERDICT_ROW + VERDICTS_APART) * max(len(starts), 1) - VERDICTS_APART
    picture = Picture(left + VERDICT_PLOT + VERDICT_NOTES, bottom + 24, say("overview", lang))
    picture.write(Label(LEFT, 14, say("overview", lang), 10.5, bold=True))
    if not drawn:
        picture.write(Label(LEFT, 32, say("none_calls", lang), 8, color=MUTED))
        return picture
    times = [start for start, _ in drawn]
    period = f"{clock(min(times))} – {clock(max(times))}"
    if len(started) > len(drawn):
        period += f" · {say('far_away', lang, n=len(started) - len(drawn))}"
    picture.write(Label(LEFT, 29, period, 7.5, color=MUTED))
    axis = axis_over(times, left, left + VERDICT_PLOT)
    bars = {name: _binned(times, axis) for name, times in starts.items()}
    highest = max(max(bins.values()) for bins in bars.values())
    for n, (name, bins) in enumerate(bars.items()):
        y = top + n * (VERDICT_ROW + VERDICTS_APART)
        _draw_verdict(picture, name, bins, axis, top=y, highest=highest, lang=lang)
    draw_axis(picture, axis, top, bottom, lang, clock=True)
    return picture


def _together(started: Sequence[tuple[pd.Timestamp, str]]) -> list[tuple[pd.Timestamp, str]]:
    """Return the group of calls with the most calls.

    One of another year would squeeze all others into one bar.
    """
    ordered = sorted(started, key=lambda call: call[0])
    if not ordered:
        return []
    least = max(seconds(ordered[0][0], ordered[-1][0]) * EMPTY, APART_S)
    gaps = [n for n in range(1, len(ordered)) if seconds(ordered[n - 1][0], ordered[n][0]) > least]
    starts = [0, *gaps]
    groups = [ordered[first:last] for first, last in zip(starts, [*gaps, len(ordered)], strict=True)]
    return max(groups, key=len)


def _binned(times: Sequence[pd.Timestamp], axis: TimeAxis) -> Counter[int]:
    shares = (seconds(axis.start, time) / axis.length_s for time in times)
    return Counter(min(int(share * BINS), BINS - 1) for share in shares)


def _draw_verdict(
    picture: Picture,
    name: Bar,
    bins: Counter[int],
    axis: TimeAxis,
    *,
    top: float,
    highest: int,
    lang: Lang,
) -> None:
    """Draw a row: its verdict and number to the left, its bars on the common scale."""
    bottom = top + VERDICT_ROW
    bar_width = (axis.right - axis.left) / BINS
    line = ((axis.left, bottom), (axis.right, bottom))
    picture.strokes.append(Stroke(line, FAINT, 0.8, layer=Layer.RAILS))
    picture.areas.append(Area(rectangle(LEFT, bottom - 9, LEFT + 8, bottom - 1), VERDICTS[name]))
    picture.write(
        Label(LEFT + 12, bottom - 5, say(name, lang), 7.5, color=INK),
        Label(LEFT + 12, bottom - 17, count(sum(bins.values()), lang), 9, bold=True),
        Label(axis.left - 4, top + 3, str(highest), SMALL, "right", MUTED),
    )
    for n, number in bins.items():
        left = axis.left + n * bar_width
        bar = rectangle(left + 0.8, bottom - VERDICT_ROW * number / highest, left + bar_width - 0.8, bottom)
        picture.areas.append(Area(bar, VERDICTS[name], layer=Layer.FRONT))
