"""Lanes of a time picture: bars and ticks of different shapes, and how they are laid out.

A lane is what is to be shown, in ns; ``place`` turns lanes into a Picture. Texts
stand in a bar where there is room, else beside it, else not at all: they never meet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from postproc.show.colors import FAINT, INK, MUTED, Color
from postproc.show.pictures.axis import TimeAxis
from postproc.show.pictures.lettering import middle_cut, shortened, width
from postproc.show.pictures.picture import (
    DASHED,
    DOTTED,
    Area,
    Dash,
    Label,
    Layer,
    Picture,
    Stroke,
    cross,
    disc,
    rectangle,
)

HIGH = 20.0  # of a lane
SIZE = 6.5
THIN, MEDIUM, FULL = 2.0, 4.8, 6.8  # half heights of bars
SHAPES = ("bar", "cross", "hollow", "dot", "diamond", "triangle")


@dataclass(frozen=True)
class Span:
    """``half``: half its height; a span that is ``open`` has no end: its right edge is dashed."""

    start: int
    end: int
    fill: str
    edge: str
    half: float = FULL
    text: str = ""
    ink: str = INK
    open: bool = False


@dataclass(frozen=True)
class Tick:
    """``shape``: bar (answered), cross (error), hollow (unanswered), dot (open), diamond, triangle."""

    time: int
    shape: str
    color: str
    up: float = 0.0  # points above the middle of the lane


@dataclass(frozen=True)
class Rule:
    """A line between two times, with a word on it: silence."""

    start: int
    end: int
    text: str
    color: str
    dash: Dash = DASHED


@dataclass
class Lane:
    """``name`` stands left, after the badge of its leg; ``note`` right."""

    name: str
    leg: int | None = None
    color: Color | None = None
    below: str = ""
    note: str = ""
    spans: list[Span] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    high: float = HIGH


@dataclass(frozen=True)
class Frame:
    """Where lanes stand: names from ``left``, time on ``axis``, notes from ``right``, all in points."""

    left: float
    axis: TimeAxis
    right: float
    top: float


def place(picture: Picture, lanes: Sequence[Lane], where: Frame) -> float:
    """Draw the lanes; return where the last one ends."""
    y = where.top
    for n, lane in enumerate(lanes):
        middle = y + lane.high / 2
        if n % 2 == 0:
            band = rectangle(where.left - 4, y, picture.width - 8, y + lane.high)
            picture.areas.append(Area(band, "#f6f7f8", layer=Layer.BACK))
        _name(picture, lane, where, middle)
        taken = [_span(picture, span, where.axis, middle) for span in lane.spans]
        _texts(picture, lane, where, middle, taken)
        for tick in lane.ticks:
            _tick(picture, tick, where.axis.x(tick.time), middle - tick.up)
        room = picture.width - where.right - 12
        picture.write(Label(where.right, middle, shortened(lane.note, room, SIZE), SIZE, color=MUTED))
        y += lane.high
    return y


def _name(picture: Picture, lane: Lane, where: Frame, middle: float) -> None:
    left = where.left
    if lane.color:
        left += 14
        box = rectangle(where.left, middle - 4.6, where.left + 9.2, middle + 4.6)
        picture.areas.append(Area(box, lane.color.fill, lane.color.line))
        if lane.leg is not None and 0 <= lane.leg < 100:
            size = 6.5 if lane.leg < 10 else 5.0
            picture.write(Label(where.left + 4.6, middle, str(lane.leg), size, "center", lane.color.text))
    room = where.axis.left - left - 8
    up = 4.5 if lane.below else 0.0
    picture.write(
        Label(left, middle - up, middle_cut(lane.name, room, 7.0), 7.0),
        Label(left, middle + up, middle_cut(lane.below, room, SIZE), SIZE, color=MUTED),
    )


def _span(picture: Picture, span: Span, axis: TimeAxis, middle: float) -> tuple[float, float]:
    left, right = axis.x(span.start), max(axis.x(span.end), axis.x(span.start) + 1.2)
    picture.areas.append(
        Area(
            rectangle(left, middle - span.half, right, middle + span.half), span.fill, span.edge, Layer.FRONT
        )
    )
    if span.open:
        end = ((right, middle - span.half - 2), (right, middle + span.half + 2))
        picture.strokes.append(Stroke(end, span.edge, 1.4, DOTTED, Layer.TOP))
    return left, right


def _texts(
    picture: Picture, lane: Lane, where: Frame, middle: float, taken: list[tuple[float, float]]
) -> None:
    """The words of spans and rules: inside, else right of all that is there."""
    free = max(
        [right for _, right in taken] + [where.axis.x(tick.time) + 4 for tick in lane.ticks], default=0.0
    )
    for span, (left, right) in zip(lane.spans, taken, strict=True):
        long = width(span.text, SIZE) + 4
        if long <= right - left and span.half >= MEDIUM:
            picture.write(Label((left + right) / 2, middle, span.text, SIZE, "center", span.ink))
        elif span.text and free + 4 + long <= where.right:
            picture.write(Label(free + 4, middle, span.text, SIZE, color=MUTED))
            free += 4 + long
    for rule in lane.rules:
        _rule(picture, rule, where.axis, middle)


def _rule(picture: Picture, rule: Rule, axis: TimeAxis, middle: float) -> None:
    left, right = axis.x(rule.start), axis.x(rule.end)
    long = width(rule.text, SIZE) + 6
    parts = [(left, right)]
    if long < right - left - 8:
        center = (left + right) / 2
        picture.write(Label(center, middle, rule.text, SIZE, "center", rule.color))
        parts = [(left, center - long / 2), (center + long / 2, right)]
    for begin, end in parts:
        picture.strokes.append(Stroke(((begin, middle), (end, middle)), rule.color, 0.9, rule.dash))


def _tick(picture: Picture, tick: Tick, x: float, y: float) -> None:
    """One mark; the shape says what the colour says."""
    if tick.shape == "bar":
        picture.strokes.append(Stroke(((x, y - 4), (x, y + 4)), tick.color, 1.2, layer=Layer.TOP))
    elif tick.shape == "cross":
        picture.strokes += cross(x, y, 2.8, tick.color)
    elif tick.shape == "hollow":
        picture.areas.append(Area(disc(x, y, 2.6), "#ffffff", tick.color))
    elif tick.shape == "dot":
        picture.areas.append(Area(disc(x, y, 1.6), tick.color))
    elif tick.shape == "diamond":
        picture.areas.append(Area(((x, y - 4), (x + 4, y), (x, y + 4), (x - 4, y)), tick.color))
    else:
        picture.areas.append(Area(((x, y - 3.6), (x + 3.6, y + 2.8), (x - 3.6, y + 2.8)), "#ffd740", INK))


def legend(picture: Picture, left: float, y: float, marks: Sequence[tuple[str, str, str]]) -> None:
    """One line: shape, colour and word of each kind of tick."""
    x = left + 4
    for shape, color, word in marks:
        _tick(picture, Tick(0, shape, color), x, y)
        picture.write(Label(x + 7, y, word, SIZE, color=MUTED))
        x += 7 + width(word, SIZE) + 16


def baseline(picture: Picture, where: Frame, bottom: float) -> None:
    """A line under the lanes."""
    ends = ((where.axis.left, bottom), (where.axis.right, bottom))
    picture.strokes.append(Stroke(ends, FAINT, 0.8, layer=Layer.RAILS))
