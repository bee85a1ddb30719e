"""The ladder of a call: machines as columns, time downwards, all legs side by side.

SIP is drawn in the legs' colors; STUN and DTLS between its arrows, media as bands from the first packet to
the last. Color is never the only distinction: events carry their leg's number, lanes differ in their dashes,
and what was not answered ends in a cross.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from postproc.model.addresses import transport_address
from postproc.model.calls import Call
from postproc.model.text import Lang
from postproc.model.vocabulary import decimal
from postproc.show import colors
from postproc.show.colors import FAINT, MUTED
from postproc.show.pictures.annotations import (
    HEADING_HEIGHT,
    Mark,
    badges_width,
    draw_badge,
    draw_heading,
    draw_list,
    list_height,
    marks_of,
    marks_on,
    seconds,
    title,
)
from postproc.show.pictures.events import Event, Row, rows_of
from postproc.show.pictures.ladder_events import (
    HEADING,
    LABEL,
    NAME,
    SMALL,
    arrow_length,
    draw_event,
    hook_width,
    link,
)
from postproc.show.pictures.layout import (
    DOTTED,
    Area,
    Label,
    Layer,
    Picture,
    Stroke,
    middle_cut,
    rectangle,
    shortened,
    width,
)
from postproc.show.pictures.machines import Heading, Machines
from postproc.show.pictures.wording import say

MARGIN, TIME, FRAME = 12.0, 46.0, 50.0  # left edge; right edge of times; left edge of frames
NARROWEST_PICTURE = 420.0  # the heading's room
PITCH, CLOSE = 18.0, 12.0  # from row to row, and to a row whose text stands on the line
LINES = 3  # of addresses above a column
NARROWEST, WIDEST = 92.0, 280.0  # between two columns
NAMES_EVERY, NAMES_REST = 40, 10  # rows between repeated column names; none before the last so many rows
BAND = 0.55  # opacity of a band's color, so that labels on it remain readable


class Grid(NamedTuple):
    """Positions in points: ``xs`` of columns, ``ys`` of rows, ``names`` of the repeated column names."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    names: tuple[float, ...]
    top: float
    bottom: float
    times: tuple[pd.Timestamp, ...]  # of the rows that are events
    time_ys: tuple[float, ...]

    def y_of(self, time: pd.Timestamp) -> float:
        """Return y of a time, interpolated between the rows before and after it."""
        after = bisect_right(self.times, time)
        if after == 0:
            return self.time_ys[0] if self.time_ys else self.top
        if after == len(self.times):
            return self.time_ys[-1] + PITCH / 2
        begin, end = self.times[after - 1], self.times[after]
        share = seconds(begin, time) / seconds(begin, end)
        return self.time_ys[after - 1] + share * (self.time_ys[after] - self.time_ys[after - 1])


class Band(NamedTuple):
    """A stream between two columns; ``left`` and ``right`` are columns, ``top`` and ``bottom`` points."""

    leg: int | None
    left: int
    right: int
    top: float
    bottom: float
    hold: bool = False


class Ladder(NamedTuple):
    """The ladder's content and positions, and the picture it is drawn to."""

    headings: list[Heading]
    rows: list[Row]
    grid: Grid
    bands: list[Band]
    marks: list[list[Mark]]  # of each row
    picture: Picture


def ladder(call: Call, lang: Lang = "en") -> Ladder:
    """Lay out the ladder of a call."""
    machines = Machines(call)
    return laid_out(call, machines.headings(lang), rows_of(call, machines, lang), lang, machines)


def laid_out(
    call: Call, headings: list[Heading], rows: list[Row], lang: Lang, machines: Machines | None = None
) -> Ladder:
    """Lay out a ladder with these columns and rows.

    With ``machines`` it has media as bands between them; without, the columns are places.
    """
    name = "ladder" if machines else "route"
    letters = _letters(call)
    frames = [_frame(row, letters) for row in rows]
    left = MARGIN + FRAME + max((width(frame, SMALL) for frame in frames), default=0) + 12
    grid = _grid(rows, headings, left, HEADING_HEIGHT)
    findings = marks_of(call)
    marks = [marks_on(findings, row.event.frames) if row.event else [] for row in rows]
    edge = _labels_end(rows, headings, grid)
    wide = edge + max(map(badges_width, marks), default=0.0) + MARGIN
    high = grid.bottom + 24 + 11 * len(letters) + list_height(findings) + 10
    picture = Picture(max(wide, NARROWEST_PICTURE), high, title(call, name, lang))
    bands = _bands(call, machines, grid) if machines else []
    drawn = Ladder(headings, rows, grid, bands, marks, picture)
    _draw_headings(drawn)
    _draw_bands(drawn)
    _draw_rows(drawn, frames, edge, lang)
    _draw_foot(drawn, findings, letters, lang)
    draw_heading(picture, call, name, MARGIN, lang)
    _draw_rails(drawn)
    return drawn


def _letters(call: Call) -> dict[str, str]:
    """Return a letter for each capture that shows the call; empty where there is only one."""
    showing = {event.capture for event in call.timeline}
    captures = [row.capture for row in call.run_captures if row.capture in showing]
    names = [*captures, *sorted(showing - set(captures))]
    if len(names) < 2:
        return {}
    return {name: chr(ord("a") + n) if n < 26 else "z" for n, name in enumerate(names)}


def _frame(row: Row, letters: dict[str, str]) -> str:
    if row.event is None or row.event.frames[0][1] is None:
        return ""
    capture, number = row.event.frames[0]
    return f"{letters.get(capture, '')}#{number}"


def _grid(rows: Sequence[Row], headings: Sequence[Heading], left: float, top: float) -> Grid:
    """Return the grid of rows with columns from ``left`` on and headings from ``top`` on."""
    x = left + _heading_width(headings[0]) / 2 if headings else left
    xs = [x]
    for gap in _gaps([row.event for row in rows if row.event], headings):
        xs.append(x := x + gap)
    start = top + _heading_height(headings)
    ys, names, y = [], [], start + PITCH
    for n, row in enumerate(rows):
        repeats_names = n > 0 and n % NAMES_EVERY == 0 and len(rows) - n > NAMES_REST
        y -= PITCH - CLOSE if n and not repeats_names and (row.close or _is_remark(row.event)) else 0.0
        if repeats_names:
            names.append(y)
            y += PITCH
        ys.append(y)
        y += PITCH
    timed = [(row.event.time, at) for row, at in zip(rows, ys, strict=True) if row.event]
    times, time_ys = (tuple(values) for values in zip(*timed, strict=True)) if timed else ((), ())
    return Grid(tuple(xs), tuple(ys), tuple(names), start, y - PITCH / 3, times, time_ys)


def _is_remark(event: Event | None) -> bool:
    return event is not None and event.src is None and event.dst is None


def _heading_width(column: Heading) -> float:
    lines = [width(column.name, NAME, bold=True), width(column.agent or "", SMALL)]
    return min(max([*lines, *(width(host, SMALL) for host in column.hosts[:LINES])]), HEADING)


def _heading_height(headings: Iterable[Heading]) -> float:
    lines = max((min(len(column.hosts), LINES) for column in headings), default=0)
    return 11.0 + 9.0 * (1 + lines) + 4.0


def _gaps(events: Iterable[Event], headings: Sequence[Heading]) -> list[float]:
    """Return the distance of each column from the one before, wide enough for headings and labels."""
    gaps = [
        max(NARROWEST, (_heading_width(one) + _heading_width(other)) / 2 + 10)
        for one, other in pairwise(headings)
    ]
    spans: dict[tuple[int, int], float] = {}
    for event in events:
        if event.src is not None and event.dst is not None and event.src != event.dst:
            ends = (min(event.src, event.dst), max(event.src, event.dst))
            spans[ends] = max(spans.get(ends, 0.0), arrow_length(event))
    for (begin, end), need in sorted(spans.items(), key=lambda item: item[0][1] - item[0][0]):
        steps = end - begin
        missing = min(need, WIDEST * (1 if steps == 1 else 1.4)) - sum(gaps[begin:end])
        if missing > 0:
            gaps[begin:end] = [gap + missing / steps for gap in gaps[begin:end]]
    return gaps


def _labels_end(rows: Sequence[Row], headings: Sequence[Heading], grid: Grid) -> float:
    """Return x of the findings' badges: right of all labels."""
    last = grid.xs[-1] if grid.xs else 0.0
    half = _heading_width(headings[-1]) / 2 if headings else 0.0
    return last + max([half, *(hook_width(row.event) for row in rows if row.event)]) + 8


def _bands(call: Call, machines: Machines, grid: Grid) -> list[Band]:
    """Return one band per leg and pair of columns, for both directions.

    Split where streams are apart in time.
    """
    spans: dict[tuple[int | None, int, int], list[tuple[pd.Timestamp, pd.Timestamp]]] = {}
    for row in sorted(call.rtp_streams, key=lambda stream: stream.first_time):
        src = machines.column(row.leg, transport_address(row.src_addr, row.src_port))
        dst = machines.column(row.leg, transport_address(row.dst_addr, row.dst_port))
        first, last = row.first_time, row.last_time
        if src is None or dst is None or src == dst:
            continue
        stretches = spans.setdefault((row.leg, min(src, dst), max(src, dst)), [])
        if stretches and first <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], last))
        else:
            stretches.append((first, last))
    return [band for key, stretches in spans.items() for band in _cut(key, stretches, call, grid)]


def _cut(
    key: tuple[int | None, int, int],
    stretches: Sequence[tuple[pd.Timestamp, pd.Timestamp]],
    call: Call,
    grid: Grid,
) -> Iterator[Band]:
    """Yield the bands of a leg's media, and of its holds, which interrupt them."""
    holds = [
        (row.started, row.ended)
        for row in call.phases
        if row.leg == key[0] and row.kind == "hold" and row.started is not None and row.ended is not None
    ]
    for first, last in stretches:
        begin = first
        for started, ended in holds:
            if begin < started and first < ended:
                yield Band(*key, grid.y_of(begin), grid.y_of(min(started, last)))
            begin = max(begin, ended)
        if begin < last or not holds:
            yield Band(*key, grid.y_of(begin), grid.y_of(last))
    for started, ended in holds:
        yield Band(*key, grid.y_of(started), grid.y_of(ended), hold=True)


def _draw_headings(drawn: Ladder) -> None:
    """Draw name, User-Agent and addresses above each column, and the name again down a long ladder."""
    picture, y = drawn.picture, HEADING_HEIGHT + 6
    for x, column in zip(drawn.grid.xs, drawn.headings, strict=False):
        name = shortened(column.name, HEADING, NAME, bold=True)
        agent = shortened(column.agent or "", HEADING, SMALL)
        hosts = [middle_cut(host, HEADING, SMALL) for host in column.hosts[:LINES]]
        if len(column.hosts) > LINES:
            hosts[-1] = f"+ {len(column.hosts) - LINES + 1}"
        picture.write(Label(x, y, name, NAME, "center", bold=True))
        lines = [line for line in (agent, *hosts) if line and line != name]
        for n, line in enumerate(lines, 1):
            picture.write(Label(x, y + 1 + 9 * n, line, SMALL, "center", MUTED))
    for y_again in drawn.grid.names:
        for x, column in zip(drawn.grid.xs, drawn.headings, strict=False):
            picture.write(Label(x, y_again, shortened(column.name, 80, LABEL), LABEL, "center", MUTED))


def _draw_bands(drawn: Ladder) -> None:
    xs = drawn.grid.xs
    for band in drawn.bands:
        fill = colors.HELD if band.hold else colors.tint(colors.MEDIA.fill, BAND)
        shape = rectangle(xs[band.left], band.top, xs[band.right], band.bottom)
        drawn.picture.areas.append(Area(shape, fill, layer=Layer.BACK))


def _draw_rows(drawn: Ladder, frames: Sequence[str], edge: float, lang: Lang) -> None:
    """Draw each row's time and frame, its event or note, and its findings' badges right of ``edge``."""
    picture, xs = drawn.picture, drawn.grid.xs
    for row, y, frame, marks in zip(drawn.rows, drawn.grid.ys, frames, drawn.marks, strict=True):
        if row.event is None:
            _draw_note(drawn, row.note, y)
            continue
        elapsed = decimal(f"{seconds(drawn.grid.times[0], row.event.time):.3f}", lang)
        picture.write(
            Label(MARGIN + TIME, y, elapsed, SMALL, "right", MUTED),
            Label(MARGIN + FRAME, y, frame, SMALL, color=MUTED, link=link(row.event)),
        )
        draw_event(picture, row.event, y, xs)
        x = edge
        for mark in marks:
            x = draw_badge(picture, x, y, mark) + 2


def _draw_note(drawn: Ladder, text: str, y: float) -> None:
    """Draw a note across all columns."""
    xs = drawn.grid.xs
    middle = (xs[0] + xs[-1]) / 2
    room = min(middle, drawn.picture.width - middle) - MARGIN
    text = shortened(text, 2 * room, LABEL)
    half = width(text, LABEL) / 2 + 6
    drawn.picture.write(Label(middle, y, text, LABEL, "center", MUTED))
    for begin, end in ((xs[0] - 20, middle - half), (middle + half, xs[-1] + 20)):
        if end > begin:
            drawn.picture.strokes.append(Stroke(((begin, y), (end, y)), MUTED, 0.6, DOTTED))


def _draw_rails(drawn: Ladder) -> None:
    """Draw the machines' lines, interrupted where a text crosses them."""
    grid = drawn.grid
    boxes = [label.box for label in drawn.picture.labels]
    for x in grid.xs[: len(drawn.headings)]:
        y = grid.top
        crossing = sorted((box.top, box.bottom) for box in boxes if box.left - 1 < x < box.right + 1)
        texts = [(top, bottom) for top, bottom in crossing if bottom > grid.top and top < grid.bottom]
        for top, bottom in [*texts, (grid.bottom, grid.bottom)]:
            if top > y:
                drawn.picture.strokes.append(Stroke(((x, y), (x, top)), FAINT, 0.9, layer=Layer.RAILS))
            y = max(y, bottom)


def _draw_foot(drawn: Ladder, marks: list[Mark], letters: dict[str, str], lang: Lang) -> None:
    """Draw the legend of the captures' letters and the list of findings."""
    y = drawn.grid.bottom + 14
    if not drawn.rows:
        drawn.picture.write(Label(MARGIN, drawn.grid.bottom, say("nothing", lang), 8, color=MUTED))
    for name, letter in letters.items():
        text = shortened(f"{letter}: {name}", drawn.picture.width - 2 * MARGIN, LABEL)
        drawn.picture.write(Label(MARGIN, y, text, LABEL, color=MUTED))
        y += 11
    draw_list(drawn.picture, MARGIN, y, marks, lang)
