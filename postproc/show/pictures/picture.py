"""A picture before it is drawn: lines, areas and labels in points, y downwards.

Layouts make it, tests look at it, canvas.py draws it. Every text that will be
seen is a Label, and knows the box it takes.
"""

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Literal, NamedTuple

from postproc.show.colors import INK
from postproc.show.pictures.lettering import plain, width

Point = tuple[float, float]
Dash = tuple[float, ...]  # lengths in points: on, off, ...; () is a solid line

SOLID: Dash = ()
DASHED: Dash = (4, 2)
DOTTED: Dash = (1, 1.6)
DASH_DOT: Dash = (5, 1.6, 1, 1.6)


class Layer(IntEnum):
    """What lies over what."""

    BACK = 0  # bands, grids
    RAILS = 1  # lifelines, axes
    FRONT = 2  # arrows, ticks
    TOP = 3  # heads, badges


class Box(NamedTuple):
    """A rectangle: left, top, right, bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True)
class Stroke:
    points: tuple[Point, ...]
    color: str
    width: float = 0.8
    dash: Dash = SOLID
    layer: Layer = Layer.FRONT


@dataclass(frozen=True)
class Area:
    points: tuple[Point, ...]
    fill: str
    edge: str | None = None
    layer: Layer = Layer.TOP


@dataclass(frozen=True)
class Label:
    """A text; ``y`` is the middle of its height, ``x`` its edge or middle as ``align`` says."""

    x: float
    y: float
    text: str
    size: float = 7.0
    align: Literal["left", "center", "right"] = "left"
    color: str = INK
    bold: bool = False

    @property
    def box(self) -> Box:
        wide = width(self.text, self.size, bold=self.bold)
        left = self.x - wide * {"left": 0.0, "center": 0.5, "right": 1.0}[self.align]
        return Box(left, self.y - self.size * 0.6, left + wide, self.y + self.size * 0.6)

    @property
    def baseline(self) -> float:
        return self.y + 0.36 * self.size  # half of the capitals' height below the middle


@dataclass
class Picture:
    """``title`` says in words what is seen, for those who do not see it.

    Within a layer areas lie below strokes; areas of one layer that overlap have one colour.
    """

    width: float
    height: float
    title: str
    strokes: list[Stroke] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def write(self, *labels: Label) -> None:
        """Add labels; empty ones are left out, and what no text should hold is taken out of all."""
        cleaned = [(label, plain(label.text)) for label in labels]
        self.labels += [
            label if text == label.text else replace(label, text=text) for label, text in cleaned if text
        ]


def rectangle(left: float, top: float, right: float, bottom: float) -> tuple[Point, ...]:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def disc(x: float, y: float, radius: float) -> tuple[Point, ...]:
    """An eight-cornered dot: small, and few bytes."""
    long, short = radius * 0.924, radius * 0.383
    around = ((long, short), (short, long), (-short, long), (-long, short))
    return tuple((x + sign * dx, y + sign * dy) for sign in (1, -1) for dx, dy in around)


def cross(x: float, y: float, radius: float, color: str, layer: Layer = Layer.TOP) -> list[Stroke]:
    """Two strokes: what did not arrive."""
    return [
        Stroke(((x - radius, y - sign * radius), (x + radius, y + sign * radius)), color, 1.2, layer=layer)
        for sign in (1, -1)
    ]
