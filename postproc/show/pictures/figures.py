"""Pictures of a call as matplotlib figures: in a notebook, ``figures.ladder(run, 1)`` is enough.

Functions take a run or its tables. Figures are made without pyplot: no backend is chosen, no window opens,
and no global state keeps them alive; ``figure.savefig("ladder.pdf")`` writes SVG, PDF or PNG. They raise
LookupError when a run has no call of that number. The only module that imports matplotlib.
"""

import io
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

from postproc.current_folder import elsewhere
from postproc.model.calls import Calls, Run
from postproc.model.clocks import on_one_clock
from postproc.model.loading import load
from postproc.model.rows import CallRow
from postproc.model.text import Lang
from postproc.show import pictures
from postproc.show.colors import PAPER
from postproc.show.pictures import heat
from postproc.show.pictures import svg as svg_
from postproc.show.pictures.layout import EDGE, Area, Label, Picture, Stroke
from postproc.show.store import Walks

with elsewhere():  # matplotlib would read a matplotlibrc of the current folder, which may be a stranger's
    import matplotlib as mpl
    from matplotlib.backend_bases import RendererBase
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties, findfont, get_font
    from matplotlib.text import Text

__all__ = [
    "bindings",
    "call_timeline",
    "draw",
    "ladder",
    "media",
    "overview",
    "places",
    "png",
    "route",
    "steps",
    "svg",
]

FONT = "DejaVu Sans"
FITTING = "max-width:100%;height:auto"  # many ladders are wider than a notebook's page
INCH = 72.0
MISSING = "�"


class Drawing(Figure):
    """A figure that a notebook shows by itself, with or without ``%matplotlib inline``."""

    picture: Picture

    def _repr_svg_(self) -> str:
        return svg_.element(self.picture).replace("<svg ", f'<svg style="{FITTING}" ', 1)

    def draw(self, renderer: RendererBase) -> None:
        """Draw with letters as wide as in the layout: hinting would change widths with the resolution."""
        with mpl.rc_context({"text.hinting": "none"}):
            super().draw(renderer)


def places(run: Run, call: int = 1, lang: Lang = "en") -> Drawing:
    """Draw the places a call was captured at, with what arrived on each stretch between them."""
    return _drawn("places", run, call, lang)


def route(run: Run, call: int = 1, lang: Lang = "en") -> Drawing:
    """Draw places as columns: each packet once, lost ones as broken arrows."""
    return _drawn("route", run, call, lang)


def ladder(run: Run, call: int = 1, lang: Lang = "en") -> Drawing:
    """Draw machines as columns, all legs side by side, STUN, DTLS and media between the SIP arrows."""
    return _drawn("ladder", run, call, lang)


def call_timeline(run: Run, call: int = 1, lang: Lang = "en") -> Drawing:
    """Draw legs, candidates, checks, DTLS, media and log lines over time."""
    return _drawn("call_timeline", run, call, lang)


def bindings(run: Run, call: int = 1, lang: Lang = "en") -> Drawing:
    """Draw one row per candidate pair: checks by outcome, and silence."""
    return _drawn("bindings", run, call, lang)


def media(run: Run, call: int = 1, lang: Lang = "en") -> Drawing:
    """Draw packets per second, loss and jitter of each leg and direction."""
    return _drawn("media", run, call, lang)


def overview(run: Run, lang: Lang = "en") -> Drawing:
    """Draw the calls of a run over time, by verdict."""
    return draw(pictures.overview_layout(load(CallRow, run.calls), lang))


def steps(walks: Walks, calls: Sequence[int], lang: Lang = "en") -> Drawing:
    """Draw the steps of each call's walk by state, one row per call."""
    return draw(heat.steps(walks, calls, lang))


def _drawn(name: str, run: Run, call: int, lang: Lang) -> Drawing:
    return draw(pictures.layout(name, Calls(run, on_one_clock(run), only={call})[call], lang))


def svg(figure: Drawing, prefix: str | None = None) -> str:
    """Return the figure as an ``<svg>`` element for a page of many; its ids begin with ``prefix``."""
    return svg_.element(figure.picture, prefix)


def png(figure: Figure, dpi: float = 150) -> bytes:
    """Return the figure as the bytes of a PNG file."""
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=dpi, metadata={"Software": None})
    return target.getvalue()


def draw(picture: Picture) -> Drawing:
    """Return the figure of a picture; one point of the picture is one of the figure."""
    figure = Drawing(figsize=(picture.width / INCH, picture.height / INCH), facecolor=PAPER)
    figure.picture = picture
    figure.set_label(picture.title)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, picture.width), ylim=(picture.height, 0))
    axes.set_axis_off()
    for areas, strokes in picture.layers():
        if areas:
            axes.add_collection(_polygons(areas), autolim=False)
        ordered = sorted(strokes, key=lambda stroke: stroke.dash)  # dashes are of a whole collection
        for _, dashed_alike in groupby(ordered, key=lambda stroke: stroke.dash):
            axes.add_collection(_lines(list(dashed_alike)), autolim=False)
    for label in picture.labels:
        axes.add_artist(_text(label))
    return figure


def _polygons(areas: Sequence[Area]) -> PolyCollection:
    return PolyCollection(
        [area.points for area in areas],
        facecolors=[area.fill for area in areas],
        edgecolors=[area.edge or "none" for area in areas],
        linewidths=[EDGE if area.edge else 0.0 for area in areas],
        zorder=areas[0].layer,
        clip_on=False,
    )


def _lines(strokes: Sequence[Stroke]) -> LineCollection:
    dash = strokes[0].dash
    return LineCollection(
        [stroke.points for stroke in strokes],
        colors=[stroke.color for stroke in strokes],
        linewidths=[stroke.width for stroke in strokes],
        linestyles=[(0, dash) if dash else "solid"],
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
    """Replace each character that the font lacks, which avoids empty boxes and warnings."""
    return text if text.isascii() else "".join(c if ord(c) in _glyphs() else MISSING for c in text)


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=FONT))).get_charmap())
