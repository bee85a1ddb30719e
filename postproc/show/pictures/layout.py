"""A picture before it is painted: areas, strokes and labels in points, y downwards.

The modules of the single pictures lay it out; svg.py and figures.py paint the same layout. Every visible text
is a Label and knows the box it takes.

Text widths are those of DejaVu Sans, which matplotlib ships: a layout can be computed and tested without a
font, and the fonts that browsers substitute are narrower. Texts come from strangers: characters that move the
cursor or change the writing direction are removed.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Literal, NamedTuple

from postproc.show.colors import INK

# Advance widths of the characters from space to tilde, in 1/1000 of the font size.
ADVANCES = """
318 401 460 838 636 950 780 275 390 390 500 838 318 361 318 337 636 636 636 636 636 636 636 636 636
636 337 337 838 838 838 531 1000 684 686 698 770 632 575 775 752 295 295 656 557 863 748 787 603
787 695 635 611 732 684 989 685 611 685 390 337 390 838 500 500 613 635 550 635 615 352 635 634 278
278 579 278 974 634 612 635 635 411 521 392 634 592 818 592 592 525 636 337 636 838
"""
ASCII = tuple(map(int, ADVANCES.split()))
OTHERS = {"×": 838, "→": 838, "…": 1000, "·": 318, "–": 500}
WIDEST = 1300  # of all other characters: no glyph of the font is wider but for a few ligatures
BOLD = 1.24  # largest ratio of a bold character's advance to the regular one
LONGEST = 300  # characters of a text that are used: 1,260 points at size 7, wider than any label's room
MARKS = 2  # combining marks kept on one character: Vietnamese needs two
ELLIPSIS = "…"
EDGE = 0.7  # width of an area's edge

Point = tuple[float, float]
Dash = tuple[float, ...]  # lengths in points: on, off, ...; () is a solid line

SOLID: Dash = ()
DASHED: Dash = (4, 2)
DOTTED: Dash = (1, 1.6)
DASH_DOT: Dash = (5, 1.6, 1, 1.6)


class Layer(IntEnum):
    """Drawing order, from back to front."""

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


class Stroke(NamedTuple):
    points: tuple[Point, ...]
    color: str
    width: float = 0.8
    dash: Dash = SOLID
    layer: Layer = Layer.FRONT


class Area(NamedTuple):
    points: tuple[Point, ...]
    fill: str
    edge: str | None = None
    layer: Layer = Layer.TOP


class Label(NamedTuple):
    """A text; ``y`` is the middle of its height, ``x`` its edge or middle depending on ``align``."""

    x: float
    y: float
    text: str
    size: float = 7.0
    align: Literal["left", "center", "right"] = "left"
    color: str = INK
    bold: bool = False
    link: tuple[str, int] | None = None  # capture and frame of the message it stands for

    @property
    def box(self) -> Box:
        wide = width(self.text, self.size, bold=self.bold)
        left = self.x - wide * {"left": 0.0, "center": 0.5, "right": 1.0}[self.align]
        return Box(left, self.y - self.size * 0.6, left + wide, self.y + self.size * 0.6)

    @property
    def baseline(self) -> float:
        return self.y + 0.36 * self.size  # half the cap height of DejaVu Sans (0.729 em)


@dataclass
class Picture:
    """``title`` describes the picture in words, for screen readers."""

    width: float
    height: float
    title: str
    strokes: list[Stroke] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def write(self, *labels: Label) -> None:
        """Add labels, with their texts cleaned by ``plain``; empty ones are left out."""
        texts = [(label, plain(label.text)) for label in labels]
        self.labels += [
            label if text == label.text else label._replace(text=text) for label, text in texts if text
        ]

    def layers(self) -> Iterator[tuple[list[Area], list[Stroke]]]:
        """Yield areas and strokes of each layer from back to front; within a layer areas lie below strokes.

        Areas of one layer that overlap have the same color, so painters may draw them in any order.
        """
        for layer in Layer:
            yield (
                [area for area in self.areas if area.layer == layer],
                [stroke for stroke in self.strokes if stroke.layer == layer],
            )


def rectangle(left: float, top: float, right: float, bottom: float) -> tuple[Point, ...]:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def disc(x: float, y: float, radius: float) -> tuple[Point, ...]:
    """Return an octagon: it looks round at this size and takes few bytes."""
    long, short = radius * 0.924, radius * 0.383
    around = ((long, short), (short, long), (-short, long), (-long, short))
    return tuple((x + sign * dx, y + sign * dy) for sign in (1, -1) for dx, dy in around)


def cross(x: float, y: float, radius: float, color: str, layer: Layer = Layer.TOP) -> list[Stroke]:
    """Return two strokes that mark what did not arrive."""
    return [
        Stroke(((x - radius, y - sign * radius), (x + radius, y + sign * radius)), color, 1.2, layer=layer)
        for sign in (1, -1)
    ]


def plain(text: str | None) -> str:
    """Return the text on one line, without control, format and unassigned characters, and bounded."""
    if not text:
        return ""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST:
        return " ".join(text.split())
    composed = unicodedata.normalize("NFC", text[:LONGEST])
    kept: list[str] = []
    marks = 0
    for char in composed:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if kind[0] == "Z" or char in "\t\r\n":
            kept.append(" ")
        elif kind[0] != "C" and marks <= MARKS:
            kept.append(char)
    return " ".join("".join(kept).split()) + (ELLIPSIS if len(text) > LONGEST else "")


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return an upper bound of the width in points of a text set in ``size`` points."""
    return sum(map(_advance, text)) * size / 1000 * (BOLD if bold else 1.0)


@lru_cache(maxsize=4096)
def _advance(char: str) -> int:
    code = ord(char)
    if 32 <= code < 127:
        return ASCII[code - 32]
    if unicodedata.combining(char):
        return 0
    base = unicodedata.normalize("NFD", char)[0]
    return ASCII[ord(base) - 32] if 32 <= ord(base) < 127 else OTHERS.get(char, WIDEST)


def shortened(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """Cut the text to ``room`` points with an ellipsis at its end; "" where not even that fits."""
    if width(text, size, bold=bold) <= room:
        return text
    room -= width(ELLIPSIS, size, bold=bold)
    used, kept = 0.0, 0
    for char in text:
        used += width(char, size, bold=bold)
        if used > room:
            break
        kept += 1
    return text[:kept].rstrip() + ELLIPSIS if room >= 0 else ""


def middle_cut(text: str, room: float, size: float) -> str:
    """Cut the middle out of a text that is too long: addresses are distinguished by their ends."""
    if width(text, size) <= room:
        return text
    half = (room - width(ELLIPSIS, size)) / 2
    head = shortened(text, half + width(ELLIPSIS, size), size)[:-1]
    tail = shortened(text[::-1], half + width(ELLIPSIS, size), size)[:-1]
    return head + ELLIPSIS + tail[::-1] if half > 0 else ""
