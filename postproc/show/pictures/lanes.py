"""Lanes of a picture over time: bars and ticks of different shapes, and their layout.

``draw_lanes`` draws lanes into a Picture. A text is drawn inside its bar where it fits, else beside it, else
left out, so that texts never overlap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import pandas as pd

from postproc.model.enumerations import Outcome
from postproc.model.text import Lang
from postproc.show import colors
from postproc.show.colors import FAINT, INK, MUTED, PAPER, PROBLEM, Color
from postproc.show.pictures.annotations import SMALL, TimeAxis
from postproc.show.pictures.layout import (
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
    middle_cut,
    rectangle,
    shortened,
    width,
)
from postproc.show.pictures.wording import say

HEIGHT = 20.0  # of a lane
THIN, MEDIUM, FULL = 2.0, 4.8, 6.8  # half heights of bars
BADGE = 4.6  # half the width of the box with a leg's number
STRIPE = "#f6f7f8"  # behind every other lane

Shape = Literal["bar", "cross", "hollow", "dot", "diamond", "triangle"]
OUTCOMES: dict[Outcome, Shape] = {
    "success": "bar",
    "error": "cross",
    "unanswered": "hollow",
    "pending": "dot",
}


class Span(NamedTuple):
    """A bar; ``half`` is half its height. An ``open`` one has no known end: its right edge is dotted."""

    start: pd.Timestamp
    end: pd.Timestamp
    fill: str
    edge: str
    half: float = FULL
    text: str = ""
    ink: str = INK
    short: str = ""  # for a bar without room for the text
    open: bool = False


class Tick(NamedTuple):
    time: pd.Timestamp
    shape: Shape
    color: str
    up: float = 0.0  # points above the middle of the lane


class Rule(NamedTuple):
    """A dashed line between two times with a word on it: silence."""

    start: pd.Timestamp
    end: pd.Timestamp
    text: str
    color: str
    dash: Dash = DASHED


@dataclass
class Lane:
    """One row: ``name`` to the left, after the badge of its leg; ``note`` to the right."""

    name: str
    leg: int | None = None
    color: Color | None = None
    below: str = ""
    note: str = ""
    spans: list[Span] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    height: float = HEIGHT


class Frame(NamedTuple):
    """Positions in points.

    Names from ``left``, time on ``axis``, notes from ``right``, lanes from ``top``.
    """

    left: float
    axis: TimeAxis
    right: float
    top: float


def draw_lanes(picture: Picture, lanes: Iterable[Lane], frame: Frame) -> None:
    y = frame.top
    for n, lane in enumerate(lanes):
        middle = y + lane.height / 2
        if n % 2 == 0:
            stripe = rectangle(frame.left - 4, y, picture.width - 8, y + lane.height)
            picture.areas.append(Area(stripe, STRIPE, layer=Layer.BACK))
        _draw_name(picture, lane, frame, middle)
        bars = [_draw_span(picture, span, frame.axis, middle) for span in lane.spans]
        _draw_texts(picture, lane, frame, middle, bars)
        for rule in lane.rules:
            _draw_rule(picture, rule, frame.axis, middle)
        for tick in lane.ticks:
            _draw_tick(picture, tick.shape, tick.color, frame.axis.x(tick.time), middle - tick.up)
        room = picture.width - frame.right - 12
        picture.write(Label(frame.right, middle, shortened(lane.note, room, SMALL), SMALL, color=MUTED))
        y += lane.height


def draw_leg(
    picture: Picture, left: float, middle: float, leg: int | None, *, color: Color, size: float
) -> None:
    """Draw the box of a leg, with its number unless it is unknown or has over two digits."""
    box = rectangle(left, middle - BADGE, left + 2 * BADGE, middle + BADGE)
    picture.areas.append(Area(box, color.fill, color.line))
    if leg is not None and 0 <= leg < 100:
        picture.write(Label(left + BADGE, middle, str(leg), size, "center", color.text))


def _draw_name(picture: Picture, lane: Lane, frame: Frame, middle: float) -> None:
    left = frame.left
    if lane.color:
        left += 14
        size = SMALL if (lane.leg or 0) < 10 else 5.0
        draw_leg(picture, frame.left, middle, lane.leg, color=lane.color, size=size)
    room = frame.axis.left - left - 8
    up = 4.5 if lane.below else 0.0
    picture.write(
        Label(left, middle - up, middle_cut(lane.name, room, 7.0), 7.0),
        Label(left, middle + up, middle_cut(lane.below, room, SMALL), SMALL, color=MUTED),
    )


def _draw_span(picture: Picture, span: Span, axis: TimeAxis, middle: float) -> tuple[float, float]:
    """Draw the bar of a span; return its left and right edge."""
    left, right = axis.x(span.start), max(axis.x(span.end), axis.x(span.start) + 1.2)
    bar = rectangle(left, middle - span.half, right, middle + span.half)
    picture.areas.append(Area(bar, span.fill, span.edge, Layer.FRONT))
    if span.open:
        end = ((right, middle - span.half - 2), (right, middle + span.half + 2))
        picture.strokes.append(Stroke(end, span.edge, 1.4, DOTTED, Layer.TOP))
    return left, right


def _draw_texts(
    picture: Picture, lane: Lane, frame: Frame, middle: float, bars: Sequence[tuple[float, float]]
) -> None:
    """Draw the texts of spans: inside, else to the right of all bars and ticks."""
    free_from = max(
        [right for _, right in bars] + [frame.axis.x(tick.time) + 4 for tick in lane.ticks], default=0.0
    )
    for span, (left, right) in zip(lane.spans, bars, strict=True):
        length = width(span.text, SMALL) + 4
        inside = span.text if length <= right - left else span.short
        if inside and width(inside, SMALL) + 4 <= right - left and span.half >= MEDIUM:
            picture.write(Label((left + right) / 2, middle, inside, SMALL, "center", span.ink))
        elif span.text and free_from + 4 + length <= frame.right:
            picture.write(Label(free_from + 4, middle, span.text, SMALL, color=MUTED))
            free_from += 4 + length


def _draw_rule(picture: Picture, rule: Rule, axis: TimeAxis, middle: float) -> None:
    left, right = axis.x(rule.start), axis.x(rule.end)
    length = width(rule.text, SMALL) + 6
    lines = [(left, right)]
    if length < right - left - 8:
        center = (left + right) / 2
        picture.write(Label(center, middle, rule.text, SMALL, "center", rule.color))
        lines = [(left, center - length / 2), (center + length / 2, right)]
    for begin, end in lines:
        picture.strokes.append(Stroke(((begin, middle), (end, middle)), rule.color, 0.9, rule.dash))


def _draw_tick(picture: Picture, shape: Shape, color: str, x: float, y: float) -> None:
    """Draw one tick; its shape carries the same information as its color."""
    match shape:
        case "bar":
            picture.strokes.append(Stroke(((x, y - 4), (x, y + 4)), color, 1.2, layer=Layer.TOP))
        case "cross":
            picture.strokes += cross(x, y, 2.8, color)
        case "hollow":
            picture.areas.append(Area(disc(x, y, 2.6), PAPER, color))
        case "dot":
            picture.areas.append(Area(disc(x, y, 1.6), color))
        case "diamond":
            picture.areas.append(Area(((x, y - 4), (x + 4, y), (x, y + 4), (x - 4, y)), color))
        case "triangle":
            picture.areas.append(Area(triangle(x, y), PROBLEM.text, INK))


def triangle(x: float, y: float) -> tuple[tuple[float, float], ...]:
    """Return the outline of a warning sign."""
    return ((x, y - 3.6), (x + 3.6, y + 2.8), (x - 3.6, y + 2.8))


def outcome_color(outcome: Outcome, color: Color) -> str:
    """Return the color of a check's tick: ``color``, but for errors, which have their own."""
    return colors.REFUSED.line if outcome == "error" else color.line


def draw_legend(picture: Picture, left: float, y: float, lang: Lang) -> None:
    """Draw one line with the tick and the word of each outcome of a check."""
    x = left + 4
    for outcome, shape in OUTCOMES.items():
        word = say(outcome, lang)
        _draw_tick(picture, shape, outcome_color(outcome, colors.CHECK), x, y)
        picture.write(Label(x + 7, y, word, SMALL, color=MUTED))
        x += 7 + width(word, SMALL) + 16


def draw_baseline(picture: Picture, frame: Frame, bottom: float) -> None:
    """Draw a line below the lanes."""
    ends = ((frame.axis.left, bottom), (frame.axis.right, bottom))
    picture.strokes.append(Stroke(ends, FAINT, 0.8, layer=Layer.RAILS))
