"""Draws a Picture with matplotlib: the only module that knows it.

No pyplot: no backend is chosen, no window opens and nothing outlives the figure.
"""

import io
from functools import lru_cache
from itertools import groupby

from postproc.current_folder import elsewhere
from postproc.show.colors import PAPER
from postproc.show.pictures import svg
from postproc.show.pictures.picture import Area, Label, Layer, Picture, Stroke

with elsewhere():  # it takes a matplotlibrc of the current folder before the user's
    import matplotlib as mpl
    from matplotlib.backend_bases import RendererBase
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties, findfont, get_font
    from matplotlib.text import Text

FONT = "DejaVu Sans"
INCH = 72.0
MISSING = "�"


class Drawing(Figure):
    """A figure that a notebook shows by itself, with or without ``%matplotlib inline``."""

    picture: Picture

    def _repr_svg_(self) -> str:
        return svg.element(self.picture)

    def draw(self, renderer: RendererBase) -> None:
        """Draw with letters as wide as the layout reckoned: hinting would change them with the resolution."""
        with mpl.rc_context({"text.hinting": "none"}):
            super().draw(renderer)


def draw(picture: Picture) -> Drawing:
    """Return the figure of a picture; one point of the picture is one of the figure."""
    figure = Drawing(figsize=(picture.width / INCH, picture.height / INCH), facecolor=PAPER)
    figure.picture = picture
    figure.set_label(picture.title)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, picture.width), ylim=(picture.height, 0))
    axes.set_axis_off()
    for layer in Layer:
        for shapes in _areas([area for area in picture.areas if area.layer == layer]):
            axes.add_collection(shapes, autolim=False)
        for lines in _strokes([stroke for stroke in picture.strokes if stroke.layer == layer]):
            axes.add_collection(lines, autolim=False)
    for label in picture.labels:
        axes.add_artist(_text(label))
    return figure


def png(figure: Figure, dpi: float = 150) -> bytes:
    """Return the figure as a PNG file's bytes."""
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=dpi, metadata={"Software": None})
    return target.getvalue()


def _areas(areas: list[Area]) -> list[PolyCollection]:
    """One collection per layer: the order within it is kept."""
    if not areas:
        return []
    edges = [area.edge or "none" for area in areas]
    held = PolyCollection(
        [area.points for area in areas],
        facecolors=[area.fill for area in areas],
        edgecolors=edges,
        linewidths=[0.7 if area.edge else 0.0 for area in areas],
        zorder=areas[0].layer,
        clip_on=False,
    )
    return [held]


def _strokes(strokes: list[Stroke]) -> list[LineCollection]:
    """One collection per kind of dash: matplotlib reckons dashes per collection."""
    ordered = sorted(strokes, key=lambda stroke: stroke.dash)
    return [
        _lines(dash, list(held)) for dash, held in groupby(ordered, key=lambda stroke: stroke.dash)
    ]  # fmt: skip


def _lines(dash: tuple[float, ...], strokes: list[Stroke]) -> LineCollection:
    style = (0, dash) if dash else "solid"
    return LineCollection(
        [stroke.points for stroke in strokes],
        colors=[stroke.color for stroke in strokes],
        linewidths=[stroke.width for stroke in strokes],
        linestyles=[style],
        zorder=strokes[0].layer + 0.5,
        clip_on=False,
    )


def _text(label: Label) -> Text:
    return Text(
        label.x,
        label.baseline,
        drawable(label.text),
        color=label.color,
        fontfamily=FONT,
        fontsize=label.size,
        fontweight="bold" if label.bold else "normal",
        horizontalalignment=label.align,
        verticalalignment="baseline",
        parse_math=False,
        zorder=10,
    )


def drawable(text: str) -> str:
    """The text with a replacement character for each that the font lacks: no tofu, no warnings."""
    return text if text.isascii() else "".join(c if ord(c) in _glyphs() else MISSING for c in text)


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=FONT))).get_charmap())
