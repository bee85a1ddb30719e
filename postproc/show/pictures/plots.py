"""Pictures of a call as matplotlib figures: ``plots.ladder(run, 1)`` in a notebook is enough.

A run, its tables or the rows of a call go in. Figures are made without pyplot: no
backend, no window, nothing to close; ``figure.savefig("ladder.pdf")`` writes SVG,
PDF or PNG. LookupError when a run has no call of that number.
"""

from postproc.model.text import Lang
from postproc.show.pictures import svg as svg_
from postproc.show.pictures.canvas import Drawing, draw, png
from postproc.show.pictures.cut import CallRows, of_call
from postproc.show.pictures.records import HasTables
from postproc.show.pictures.saved import layout, overview_layout

__all__ = ["bindings", "call_timeline", "ladder", "media", "overview", "png", "svg"]

Source = HasTables | CallRows


def ladder(run: Source, call: int = 1, lang: Lang = "en") -> Drawing:
    """Machines as columns, all legs side by side, STUN, DTLS and media between the SIP arrows."""
    return _drawn("ladder", run, call, lang)


def call_timeline(run: Source, call: int = 1, lang: Lang = "en") -> Drawing:
    """Legs, candidates, checks, DTLS, media and log lines over time."""
    return _drawn("call_timeline", run, call, lang)


def bindings(run: Source, call: int = 1, lang: Lang = "en") -> Drawing:
    """One row per candidate pair: checks by outcome, and silence."""
    return _drawn("bindings", run, call, lang)


def media(run: Source, call: int = 1, lang: Lang = "en") -> Drawing:
    """Packets per second, loss and jitter of each leg and direction."""
    return _drawn("media", run, call, lang)


def overview(run: HasTables, lang: Lang = "en") -> Drawing:
    """The calls of a run over time, by verdict."""
    return draw(overview_layout(run, lang))


def svg(figure: Drawing, prefix: str | None = None) -> str:
    """The figure as an ``<svg>`` element for a page of many; its ids begin with ``prefix``."""
    return svg_.element(figure.picture, prefix)


def _drawn(name: str, run: Source, call: int, lang: Lang) -> Drawing:
    return draw(layout(name, of_call(run, call), lang))
