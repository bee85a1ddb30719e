"""The pictures of a call by name, as layouts and as SVG: for reports, without matplotlib.

Each picture is laid out once, from the call's rows to a layout.Picture, and painted by svg.py (the report) or
figures.py (matplotlib: notebooks and files). Where a bug keeps a picture from being drawn, a line of text
replaces it, and the other pictures are drawn.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from postproc.model.calls import Call
from postproc.model.rows import CallRow
from postproc.model.text import Lang
from postproc.show.colors import MUTED
from postproc.show.pictures import charts, places, svg, timeline
from postproc.show.pictures.ladder import ladder
from postproc.show.pictures.layout import Label, Picture, plain
from postproc.show.pictures.wording import say

__all__ = [
    "PICTURES",
    "layout",
    "overview_layout",
    "overview_svg",
    "svgs",
]

WIDTH, HEIGHT, LONGEST = 560.0, 40.0, 100  # points and characters of the line that replaces a picture


def _ladder(call: Call, lang: Lang = "en") -> Picture:
    return ladder(call, lang).picture


PICTURES: Mapping[str, Callable[[Call, Lang], Picture]] = {
    "places": places.places,
    "route": places.route,
    "ladder": _ladder,
    "call_timeline": timeline.timeline,
    "bindings": timeline.bindings,
    "media": charts.media,
}
OF_PLACES = ("places", "route")  # of calls that were captured at several places


def layout(name: str, call: Call, lang: Lang = "en") -> Picture:
    """Return a picture of a call, or the line that replaces it."""
    return _or_line(partial(PICTURES[name], call, lang), lang)


def overview_layout(calls: Iterable[CallRow], lang: Lang = "en") -> Picture:
    """Return the calls of a run over time, or the line that replaces the picture."""
    return _or_line(partial(charts.overview, calls, lang), lang)


def svgs(call: Call, lang: Lang = "en", links: svg.Links = svg.NONE) -> dict[str, str]:
    """Return the pictures of a call as ``<svg>`` elements, with ids unique in a page of many calls.

    ``links`` maps messages to their anchors in the page.
    """
    names = [name for name in PICTURES if call.passages or name not in OF_PLACES]
    return {name: svg.element(layout(name, call, lang), f"call{call.number}-{name}", links) for name in names}


def overview_svg(calls: Iterable[CallRow], lang: Lang = "en") -> str:
    """Return the calls of a run over time as an ``<svg>`` element."""
    return svg.element(overview_layout(calls, lang), "overview")


def _or_line(lay_out: Callable[[], Picture], lang: Lang) -> Picture:
    with ThreadPoolExecutor(1) as thread:  # the future keeps any exception, without ``except Exception``
        future = thread.submit(lay_out)
    error = future.exception()
    if not isinstance(error, Exception):
        return future.result()
    text = say("undrawn", lang, error=plain(f"{type(error).__name__}: {error}"))
    picture = Picture(WIDTH, HEIGHT, text)
    picture.write(Label(14, 20, text[:LONGEST], 8, color=MUTED))
    return picture
