"""The ladder of a call: machines as columns, time downwards, all legs side by side.

SIP in the legs' colours, between its arrows STUN, DTLS and media; what belongs to a
leg bears its number, lanes differ in their dashes, what was not answered ends in a
cross: nothing is said by colour alone.
"""

from dataclasses import dataclass

from postproc.model.text import Lang
from postproc.model.vocabulary import decimal
from postproc.show import colors
from postproc.show.colors import FAINT, MUTED
from postproc.show.pictures import arrows, heading, marks
from postproc.show.pictures.bands import Band, bands
from postproc.show.pictures.columns import Column, columns
from postproc.show.pictures.cut import CallRows
from postproc.show.pictures.events import events, seconds
from postproc.show.pictures.folding import Row, rows
from postproc.show.pictures.ladder_grid import (
    HEAD,
    HEADING,
    LABEL,
    LINES,
    Grid,
    grid,
    heading_width,
)
from postproc.show.pictures.lettering import middle_cut, shortened, width
from postproc.show.pictures.marks import Mark
from postproc.show.pictures.picture import (
    DOTTED,
    Area,
    Label,
    Layer,
    Picture,
    Stroke,
    rectangle,
)
from postproc.show.pictures.wording import say

MARGIN, TIME, FRAME = 12.0, 46.0, 50.0  # left edge; right edge of times; left edge of frames
BAND = 0.55  # strength of a band's colour: labels stand on it


@dataclass(frozen=True)
class Ladder:
    """What is drawn, in words and in points."""

    headings: list[Column]
    rows: list[Row]
    grid: Grid
    bands: list[Band]
    marks: list[list[Mark]]  # of each row
    picture: Picture


def ladder(tables: CallRows, lang: Lang = "en") -> Ladder:
    """Lay out the ladder of a call."""
    found = columns(tables)
    headings = found.headings(lang)
    held = rows(events(tables, found, lang), lang)
    letters = _letters(tables)
    left = MARGIN + FRAME + max((_frame_width(row, letters) for row in held), default=0) + 12
    where = grid(held, headings, left, heading.HIGH)
    every = marks.marks(tables)
    marked = [marks.on(every, row.event.frames) if row.event else [] for row in held]
    edge = _right_edge(held, headings, where)
    badges = max(map(marks.width_of, marked), default=0.0)
    picture = _picture(tables, where, every, edge + badges, len(letters), lang=lang)
    drawn = Ladder(headings, held, where, bands(tables, found, where), marked, picture)
    _draw(drawn, letters, edge, lang)
    _foot(drawn, every, letters, lang)
    heading.write(picture, tables, "ladder", MARGIN, lang)
    _rails(drawn)
    return drawn


def _letters(tables: CallRows) -> dict[str, str]:
    """A letter for each capture the call is seen in; none where there is but one."""
    seen = {event.capture for event in tables.timeline if event.capture}
    captures = [row.capture for row in tables.captures if row.capture in seen]
    names = [*captures, *sorted(seen - set(captures))]
    if len(names) < 2:
        return {}
    return {name: chr(ord("a") + n) if n < 26 else "z" for n, name in enumerate(names)}


def _frame(row: Row, letters: dict[str, str]) -> str:
    if row.event is None or row.event.frames[0][1] is None:
        return ""
    capture, number = row.event.frames[0]
    return f"{letters.get(capture, '')}#{number}"


def _frame_width(row: Row, letters: dict[str, str]) -> float:
    return width(_frame(row, letters), LABEL - 0.5)


def _right_edge(held: list[Row], headings: list[Column], where: Grid) -> float:
    """Where the badges of findings begin: right of all labels."""
    last = where.xs[-1] if where.xs else 0.0
    half = heading_width(headings[-1]) / 2 if headings else 0.0
    return last + max([half, *(arrows.beyond(row.event) for row in held if row.event)]) + 8


def _picture(
    tables: CallRows, where: Grid, every: list[Mark], wide: float, captures: int, *, lang: Lang
) -> Picture:
    high = where.bottom + 24 + 11 * captures + marks.below(every) + 10
    return Picture(max(wide + MARGIN, 420.0), high, heading.title(tables, "ladder", lang))


def _draw(drawn: Ladder, letters: dict[str, str], edge: float, lang: Lang) -> None:
    picture, where = drawn.picture, drawn.grid
    _headings(drawn)
    for y in where.again:
        for x, column in zip(where.xs, drawn.headings, strict=False):
            picture.write(Label(x, y, shortened(column.name, 80, LABEL), LABEL, "center", MUTED))
    for band in drawn.bands:
        shape = rectangle(where.xs[band.left], band.top, where.xs[band.right], band.bottom)
        picture.areas.append(Area(shape, colors.tint(colors.MEDIA.fill, BAND), layer=Layer.BACK))
    first = next((row.event.time for row in drawn.rows if row.event), 0)
    for row, y, found in zip(drawn.rows, where.ys, drawn.marks, strict=True):
        if row.event is None:
            _note(drawn, row.note, y)
            continue
        past = decimal(f"{seconds(first, row.event.time):.3f}", lang)
        picture.write(
            Label(MARGIN + TIME, y, past, LABEL - 0.5, "right", MUTED),
            Label(MARGIN + FRAME, y, _frame(row, letters), LABEL - 0.5, color=MUTED),
        )
        arrows.write(picture, where, row.event, y)
        x = edge
        for mark in found:
            x = marks.badge(picture, x, y, mark) + 2


def _headings(drawn: Ladder) -> None:
    for x, column in zip(drawn.grid.xs, drawn.headings, strict=False):
        y = heading.HIGH + 6
        name = shortened(column.name, HEADING, HEAD, bold=True)
        agent = shortened(column.agent or "", HEADING, LABEL - 0.5)
        hosts = [middle_cut(host, HEADING, LABEL - 0.5) for host in column.hosts[:LINES]]
        if len(column.hosts) > LINES:
            hosts[-1] = f"+ {len(column.hosts) - LINES + 1}"
        drawn.picture.write(Label(x, y, name, HEAD, "center", bold=True))
        lines = [line for line in (agent, *hosts) if line and line != name]
        for n, line in enumerate(lines, 1):
            drawn.picture.write(Label(x, y + 1 + 9 * n, line, LABEL - 0.5, "center", MUTED))


def _note(drawn: Ladder, text: str, y: float) -> None:
    """A note across all columns: time without events."""
    xs = drawn.grid.xs
    middle = (xs[0] + xs[-1]) / 2
    half = width(text, LABEL) / 2 + 6
    drawn.picture.write(Label(middle, y, text, LABEL, "center", MUTED))
    for begin, end in ((xs[0] - 20, middle - half), (middle + half, xs[-1] + 20)):
        if end > begin:
            drawn.picture.strokes.append(Stroke(((begin, y), (end, y)), MUTED, 0.6, DOTTED))


def _rails(drawn: Ladder) -> None:
    """The machines' lines, broken where a text crosses them."""
    where = drawn.grid
    boxes = [label.box for label in drawn.picture.labels]
    for x in where.xs[: len(drawn.headings)]:
        y = where.top
        crossing = sorted((box.top, box.bottom) for box in boxes if box.left - 1 < x < box.right + 1)
        for top, bottom in crossing:
            if bottom <= where.top or top >= where.bottom:
                continue
            if top > y:
                drawn.picture.strokes.append(_rail(x, y, top))
            y = max(y, bottom)
        if y < where.bottom:
            drawn.picture.strokes.append(_rail(x, y, where.bottom))


def _rail(x: float, top: float, bottom: float) -> Stroke:
    return Stroke(((x, top), (x, bottom)), FAINT, 0.9, layer=Layer.RAILS)


def _foot(drawn: Ladder, every: list[Mark], letters: dict[str, str], lang: Lang) -> None:
    """What the captures' letters and the findings' codes mean."""
    y = drawn.grid.bottom + 14
    if not drawn.rows:
        drawn.picture.write(Label(MARGIN, drawn.grid.bottom, say("nothing", lang), 8, color=MUTED))
    for name, letter in letters.items():
        text = shortened(f"{letter}: {name}", drawn.picture.width - 2 * MARGIN, LABEL)
        drawn.picture.write(Label(MARGIN, y, text, LABEL, color=MUTED))
        y += 11
    marks.write(drawn.picture, MARGIN, y, every, lang)
