"""The media of a call: packets per second, loss and jitter, one row per leg and direction.

The rows of a kind share their scale, so that they can be compared by eye.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from postproc.model.text import Lang
from postproc.model.vocabulary import count, decimal, direction
from postproc.show import colors
from postproc.show.colors import INK, MUTED
from postproc.show.pictures import axis, heading
from postproc.show.pictures.axis import TimeAxis
from postproc.show.pictures.cut import CallRows, Row, Rows
from postproc.show.pictures.lanes import SIZE
from postproc.show.pictures.lettering import middle_cut, plain
from postproc.show.pictures.picture import Area, Label, Layer, Picture, Point, Stroke, rectangle
from postproc.show.pictures.records import NS_PER_S
from postproc.show.pictures.records import place as address
from postproc.show.pictures.wording import say

LEFT, NAMES, PANEL, GAP, HIGH, APART = 14.0, 150.0, 200.0, 34.0, 46.0, 16.0
KINDS = (("packets", "packets_axis"), ("lost", "lost_axis"), ("jitter_ms", "jitter_axis"))
MOST = 12  # streams
POINTS = 300  # seconds drawn one by one; of longer streams several share a bar


@dataclass(frozen=True)
class Series:
    """A stream second by second: (time in ns, value); seconds without a row have no packets."""

    stream: Row
    values: dict[str, list[tuple[int, float]]]
    step: int  # ns from one value to the next


def media(tables: CallRows, lang: Lang = "en") -> Picture:
    """Lay out the media of a call."""
    held = series(tables)
    high = heading.HIGH + 24 + (HIGH + APART) * max(len(held[:MOST]), 1) + 20
    wide = LEFT + NAMES + 3 * (PANEL + GAP) + 6
    picture = Picture(wide, high, heading.title(tables, "media_title", lang))
    heading.write(picture, tables, "media_title", LEFT, lang)
    if not held:
        picture.write(Label(LEFT, heading.HIGH + 10, say("none_media", lang), 8, color=MUTED))
        return picture
    times = [time for one in held for time in (one.stream.first_time, one.stream.last_time)]
    for n, (kind, title) in enumerate(KINDS):
        left = LEFT + NAMES + GAP + n * (PANEL + GAP)
        where = axis.around(times, left, left + PANEL)
        picture.write(Label(left, heading.HIGH + 8, say(title, lang), 7, bold=True))
        _column(picture, held[:MOST], kind, where, lang)
    _names(picture, held, lang)
    return picture


def series(tables: CallRows) -> list[Series]:
    """The streams with packets, by leg and time."""
    seconds: dict[int, Rows] = {}
    for row in tables.rtp_seconds:
        if row.second is not None:
            seconds.setdefault(row.stream, []).append(row)
    known = [row for row in tables.rtp_streams if row.first_time is not None and row.last_time is not None]
    known.sort(key=lambda row: (row.leg or 0, row.direction or "", row.first_time))
    return [_series(row, seconds.get(row.stream, [])) for row in known]


def _series(stream: Row, rows: Rows) -> Series:
    """Missing seconds count as no packets; over POINTS seconds are averaged together."""
    found = {row.second: row for row in rows}
    last = min(max(found, default=0), (stream.last_time - stream.first_time) // NS_PER_S + 1)
    step = -(-(last + 1) // POINTS)
    values: dict[str, list[tuple[int, float]]] = {kind: [] for kind, _ in KINDS}
    shares: dict[int, Rows] = {}
    for second, row in found.items():
        if second <= last:
            shares.setdefault(second // step, []).append(row)
    for begin in range(0, last + 1, step):  # by share, not by second: a clock that jumps makes many of these
        held = shares.get(begin // step, [])
        time = stream.first_time + begin * NS_PER_S
        covered = min((stream.last_time - time) / NS_PER_S, step)
        if covered < 0.2 and begin:
            break  # the rest of the last second says nothing of a rate
        for kind in ("packets", "lost"):
            rate = sum(getattr(row, kind) or 0 for row in held) / max(covered, 1.0 if kind == "lost" else 0.2)
            values[kind].append((time, rate))
        known = [row.jitter_ms for row in held if row.jitter_ms is not None]
        if known:
            values["jitter_ms"].append((time, max(known)))
    return Series(stream, values, step * NS_PER_S)


def _top(held: Sequence[Series], kind: str) -> float:
    """The end of a scale: 1, 2 or 5 times a power of ten."""
    most = max((value for one in held for _, value in one.values[kind]), default=0.0)
    scale = 1.0
    while scale < most:
        scale *= 10
    for part in (0.1, 0.2, 0.5):
        if scale > 1 and most <= scale * part:
            return scale * part
    return scale


def _column(picture: Picture, held: Sequence[Series], kind: str, where: TimeAxis, lang: Lang) -> None:
    most = _top(held, kind)
    y = heading.HIGH + 24
    for one in held:
        bottom = y + HIGH
        picture.areas.append(Area(rectangle(where.left, y, where.right, bottom), "#f6f7f8", layer=Layer.BACK))
        top = decimal(f"{most:g}", lang)
        picture.write(
            Label(where.left - 4, y + 3, top, SIZE, "right", MUTED),
            Label(where.left - 4, bottom - 3, "0", SIZE, "right", MUTED),
        )
        _values(picture, one, kind, where, bottom=bottom, scale=HIGH / most)
        y += HIGH + APART
    axis.write(picture, where, heading.HIGH + 24, y - APART, lang)


def _values(
    picture: Picture, one: Series, kind: str, where: TimeAxis, *, bottom: float, scale: float
) -> None:
    """Packets as an area, losses as bars, jitter as a line."""
    held = one.values[kind]
    if kind == "jitter_ms":
        points = tuple((where.x(time), bottom - value * scale) for time, value in held)
        if len(points) > 1:
            picture.strokes.append(Stroke(points, INK, 1.0, layer=Layer.TOP))
        return
    until = one.stream.last_time
    spans = [
        (where.x(time), where.x(min(time + one.step, until)), bottom - value * scale) for time, value in held
    ]
    if kind == "lost":
        for left, right, top in spans:
            if top < bottom:
                shape = rectangle(left, top, max(right, left + 1), bottom)
                picture.areas.append(Area(shape, colors.PROBLEM.fill, layer=Layer.FRONT))
    elif spans:
        outline: list[Point] = [(spans[0][0], bottom)]
        for left, right, top in spans:
            outline += [(left, top), (right, top)]
        outline.append((spans[-1][1], bottom))
        picture.areas.append(Area(tuple(outline), colors.MEDIA.fill, colors.MEDIA.line, Layer.FRONT))


def _names(picture: Picture, held: list[Series], lang: Lang) -> None:
    y = heading.HIGH + 24
    room = NAMES - 6
    for one in held[:MOST]:
        row = one.stream
        color = colors.MEDIA
        picture.areas.append(Area(rectangle(LEFT, y + 2, LEFT + 9.2, y + 11.2), color.fill, color.line))
        if row.leg is not None and 0 <= row.leg < 100:
            picture.write(Label(LEFT + 4.6, y + 6.6, str(row.leg), 5.5, "center", color.text))
        what = f"{'SRTP' if row.secured else 'RTP'} {plain(row.codec)}".strip()
        figures = say("media", lang, what=what, packets=count(row.packets or 0, lang),
                      lost=count(row.lost or 0, lang))  # fmt: skip
        ends = (address(row.src_addr, row.src_port), address(row.dst_addr, row.dst_port))
        lines = [direction(row.direction, lang), ends[0] or "", f"→ {ends[1] or ''}"]
        for n, line in enumerate([line for line in lines if line] + [figures]):
            left = LEFT + (14 if n == 0 else 0)
            text = middle_cut(line, room - (left - LEFT), SIZE)
            picture.write(Label(left, y + 6.6 + 11 * n, text, SIZE, color=INK if n == 0 else MUTED))
        y += HIGH + APART
    if len(held) > MOST:
        text = say("more_rows", lang, count=count(len(held) - MOST, lang))
        picture.write(Label(LEFT, y, text, SIZE, color=MUTED))
