"""The pictures of a call by name, as layouts and as SVG: for reports, without matplotlib."""

from collections.abc import Callable, Mapping

from postproc.present.figures import svg
from postproc.present.figures.binding_rows import bindings
from postproc.present.figures.calls import overview
from postproc.present.figures.cut import CallRows, each_call, of_call
from postproc.present.figures.ladder import ladder
from postproc.present.figures.media import media
from postproc.present.figures.picture import Picture
from postproc.present.figures.records import HasTables
from postproc.present.figures.timeline import timeline
from postproc.text import Lang

__all__ = ["PICTURES", "CallRows", "each_call", "of_call", "overview_svg", "svgs"]


def _ladder(tables: CallRows, lang: Lang = "en") -> Picture:
    return ladder(tables, lang).picture


PICTURES: Mapping[str, Callable[[CallRows, Lang], Picture]] = {
    "ladder": _ladder,
    "call_timeline": timeline,
    "bindings": bindings,
    "media": media,
}


def svgs(tables: CallRows, lang: Lang = "en") -> dict[str, str]:
    """Every picture of a call as an ``<svg>`` element, ids unique in a page of many calls."""
    return {
        name: svg.element(picture(tables, lang), f"call{tables.number}-{name}")
        for name, picture in PICTURES.items()
    }


def overview_svg(run: HasTables, lang: Lang = "en") -> str:
    """The calls of a run over time as an ``<svg>`` element."""
    return svg.element(overview(run, lang), "overview")
