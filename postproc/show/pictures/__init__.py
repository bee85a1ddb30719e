"""The pictures of a call by name, as layouts and as SVG: for reports, without matplotlib.

Each picture is laid out once, from the call's rows to a layout.Picture, and painted by svg.py (the
report) or figures.py (matplotlib: notebooks and files). A picture that our own mistake keeps from being
drawn has a line instead, and costs no other.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from postproc.model.text import Lang
from postproc.show.colors import MUTED
from postproc.show.pictures import charts, svg, timeline
from postproc.show.pictures.cut import CallRows, each_call, of_call
from postproc.show.pictures.ladder import ladder
from postproc.show.pictures.layout import Label, Picture, plain
from postproc.show.pictures.records import HasTables
from postproc.show.pictures.wording import say

__all__ = [
    "PICTURES",
    "CallRows",
    "each_call",
    "layout",
    "of_call",
    "overview_layout",
    "overview_svg",
    "svgs",
]

WIDTH, HEIGHT, LONGEST = 560.0, 40.0, 100  # points and characters of the line that stands for a picture


def _ladder(call: CallRows, lang: Lang = "en") -> Picture:
    return ladder(call, lang).picture


PICTURES: Mapping[str, Callable[[CallRows, Lang], Picture]] = {
    "ladder": _ladder,
    "call_timeline": timeline.timeline,
    "bindings": timeline.bindings,
    "media": charts.media,
}


def layout(name: str, call: CallRows, lang: Lang = "en") -> Picture:
    """A picture of a call, or the line that stands for it."""
    return _or_line(partial(PICTURES[name], call, lang), lang)


def overview_layout(run: HasTables, lang: Lang = "en") -> Picture:
    """The calls of a run over time, or the line that stands for the picture."""
    return _or_line(partial(charts.overview, run, lang), lang)


def svgs(call: CallRows, lang: Lang = "en") -> dict[str, str]:
    """Every picture of a call as an ``<svg>`` element, ids unique in a page of many calls."""
    return {name: svg.element(layout(name, call, lang), f"call{call.number}-{name}") for name in PICTURES}


def overview_svg(run: HasTables, lang: Lang = "en") -> str:
    """The calls of a run over time as an ``<svg>`` element."""
    return svg.element(overview_layout(run, lang), "overview")


def _or_line(lay_out: Callable[[], Picture], lang: Lang) -> Picture:
    with ThreadPoolExecutor(1) as thread:  # a future keeps what went wrong
        future = thread.submit(lay_out)
    error = future.exception()
    if not isinstance(error, Exception):
        return future.result()
    text = say("undrawn", lang, error=plain(f"{type(error).__name__}: {error}"))
    picture = Picture(WIDTH, HEIGHT, text)
    picture.write(Label(14, 20, text[:LONGEST], 8, color=MUTED))
    return picture
