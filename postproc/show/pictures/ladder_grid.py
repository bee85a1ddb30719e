"""Where a ladder's columns and rows stand, in points."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from postproc.show.pictures.columns import Column
from postproc.show.pictures.events import Event
from postproc.show.pictures.folding import Row
from postproc.show.pictures.lettering import width

PITCH, CLOSE = 18.0, 12.0  # from row to row, and to a row whose text stands on the line
LABEL = 7.0  # size of letters
HEAD = 8.5  # of a column's name
LINES = 3  # of addresses above a column
NARROWEST, WIDEST = 92.0, 280.0  # between two columns
HEADING = 120.0  # width of what stands above a column, at most
ROOM = 30.0  # of an arrow beyond its label: badge, head
REACH = 0.9  # how far an arrow gets that does not arrive
SIGN, SIGNED = 9.0, ("warning", "error")  # width of the sign before a label, and who has one
AGAIN, LEFT_ALONE = 40, 10  # rows after which the columns' names come once more; not for so few


@dataclass(frozen=True)
class Grid:
    """``xs``: the columns; ``ys``: the rows; ``again``: where the names are repeated."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    again: tuple[float, ...]
    top: float
    bottom: float
    times: tuple[int, ...]  # of the rows that are events
    time_ys: tuple[float, ...]

    def y_of(self, time: int) -> float:
        """How far down a time is: between the rows before and after it."""
        after = bisect_right(self.times, time)
        if after == 0:
            return self.time_ys[0] if self.time_ys else self.top
        if after == len(self.times):
            return self.time_ys[-1] + PITCH / 2
        begin, end = self.times[after - 1], self.times[after]
        share = (time - begin) / (end - begin)
        return self.time_ys[after - 1] + share * (self.time_ys[after] - self.time_ys[after - 1])


def grid(rows: Sequence[Row], headings: Sequence[Column], left: float, top: float) -> Grid:
    """Return the grid of rows whose columns begin at ``left`` and whose headings begin at ``top``."""
    gaps = _gaps([row.event for row in rows if row.event], headings)
    x = left + heading_width(headings[0]) / 2 if headings else left
    xs = [x]
    for gap in gaps:
        xs.append(x := x + gap)
    start = top + heading_height(headings)
    ys, again, y = [], [], start + PITCH
    for n, row in enumerate(rows):
        named = n > 0 and n % AGAIN == 0 and len(rows) - n > LEFT_ALONE
        y -= PITCH - CLOSE if n and not named and _is_close(row) else 0.0
        if named:
            again.append(y)
            y += PITCH
        ys.append(y)
        y += PITCH
    timed = [(row.event.time, at) for row, at in zip(rows, ys, strict=True) if row.event]
    times, time_ys = (tuple(part) for part in zip(*timed, strict=True)) if timed else ((), ())
    return Grid(tuple(xs), tuple(ys), tuple(again), start, y - PITCH / 3, times, time_ys)


def _is_close(row: Row) -> bool:
    return row.event is not None and row.event.src is None and row.event.dst is None


def heading_width(column: Column) -> float:
    lines = [width(column.name, HEAD, bold=True), width(column.agent or "", LABEL - 0.5)]
    return min(max([*lines, *(width(host, LABEL - 0.5) for host in column.hosts[:LINES])]), HEADING)


def heading_height(headings: Iterable[Column]) -> float:
    lines = max((min(len(column.hosts), LINES) for column in headings), default=0)
    return 11.0 + 9.0 * (1 + lines) + 4.0


def needed(event: Event) -> float:
    """The length of arrow that bears its whole label."""
    sign = SIGN if event.severity in SIGNED else 0.0
    return (width(event.label, LABEL) + sign) / (1.0 if event.arrives else REACH) + ROOM


def _gaps(events: Sequence[Event], headings: Sequence[Column]) -> list[float]:
    """The distance of each column from the one before: as its headings and labels need."""
    gaps = [
        max(NARROWEST, (heading_width(one) + heading_width(other)) / 2 + 10)
        for one, other in pairwise(headings)
    ]
    spans: dict[tuple[int, int], float] = {}
    for event in events:
        if event.src is not None and event.dst is not None and event.src != event.dst:
            ends = (min(event.src, event.dst), max(event.src, event.dst))
            spans[ends] = max(spans.get(ends, 0.0), needed(event))
    for (begin, end), need in sorted(spans.items(), key=lambda item: item[0][1] - item[0][0]):
        steps = end - begin
        missing = min(need, WIDEST * (1 if steps == 1 else 1.4)) - sum(gaps[begin:end])
        if missing > 0:
            gaps[begin:end] = [gap + missing / steps for gap in gaps[begin:end]]
    return gaps
