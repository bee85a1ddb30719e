"""A Picture as an SVG element that can be embedded in an HTML page with many others.

Written without matplotlib, since a report has hundreds of pictures. Text stays text (searchable, small); the
same picture gives the same bytes; there is no style sheet and no id but the title's, so that pictures do not
affect each other. Inks follow the page's CSS variables ``--plot-ink``, ``--plot-muted``, ``--plot-faint`` and
``--plot-paper``, so that a dark page can have light ones. They are presentation attributes: a page's content
security policy need not allow ``style`` attributes.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from html import escape
from types import MappingProxyType
from typing import TypeVar

from postproc.show.colors import FAINT, INK, MUTED, PAPER
from postproc.show.pictures.layout import EDGE, Label, Picture, Point, plain

FAMILY = "DejaVu Sans,Verdana,sans-serif"
VARIABLES = {INK: "--plot-ink", MUTED: "--plot-muted", FAINT: "--plot-faint", PAPER: "--plot-paper"}
ANCHORS = {"left": "", "center": ' text-anchor="middle"', "right": ' text-anchor="end"'}

Links = Mapping[tuple[str, int], str]
NONE: Links = MappingProxyType({})
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def element(picture: Picture, prefix: str | None = None, links: Links = NONE) -> str:
    """Return the ``<svg>`` element; its one id begins with ``prefix``, else with a hash of the content.

    ``links`` maps messages that labels stand for to their anchors in the page.
    """
    body = "".join(_body(picture, links))
    mark = prefix or "plot-" + hashlib.sha256((picture.title + body).encode()).hexdigest()[:10]
    wide, high = _number(picture.width), _number(picture.height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}pt" height="{high}pt" '
        f'viewBox="0 0 {wide} {high}" role="img" aria-labelledby="{escape(mark)}-title" '
        f'font-family="{FAMILY}" fill="none" stroke-linejoin="round">'
        f'<title id="{escape(mark)}-title">{escape(plain(picture.title))}</title>{body}</svg>'
    )


def _body(picture: Picture, links: Links) -> Iterator[str]:
    yield f'<path d="M0 0H{_number(picture.width)}V{_number(picture.height)}H0Z" {_paint(fill=PAPER)}/>'
    for layer_areas, layer_strokes in picture.layers():
        for (fill, edge), areas in _grouped(layer_areas, lambda area: (area.fill, area.edge)).items():
            paint = _paint(fill=fill, stroke=edge) + (f' stroke-width="{EDGE}"' if edge else "")
            yield f'<path d="{"".join(_path(area.points) + "Z" for area in areas)}" {paint}/>'
        pens = _grouped(layer_strokes, lambda stroke: (stroke.color, stroke.width, stroke.dash))
        for pen, strokes in pens.items():
            yield f'<path d="{"".join(_path(stroke.points) for stroke in strokes)}" {_pen(*pen)}/>'
    labels = _grouped(picture.labels, lambda label: (label.size, label.align, label.color, label.bold))
    for (size, align, color, bold), texts in labels.items():
        weight = ' font-weight="bold"' if bold else ""
        yield f'<g font-size="{_number(size)}" {_paint(fill=color)}{ANCHORS[align]}{weight}>'
        yield "".join(_text(label, links) for label in texts) + "</g>"


def _grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Group items by ``key``: those that look alike share one element."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _path(points: Iterable[Point]) -> str:
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)


def _pen(color: str, width: float, dash: tuple[float, ...]) -> str:
    dashes = f' stroke-dasharray="{" ".join(map(_number, dash))}"' if dash else ""
    return f'{_paint(stroke=color)} stroke-width="{_number(width)}"{dashes}'


def _paint(**colors: str | None) -> str:
    """Return the attributes ``fill`` and ``stroke``; inks become CSS variables, which a page may set."""
    return " ".join(f'{what}="{_ink(color)}"' for what, color in colors.items() if color)


def _ink(color: str) -> str:
    return f"var({VARIABLES[color]},{color})" if color in VARIABLES else color


def _text(label: Label, links: Links) -> str:
    text = escape(label.text, quote=False)
    element_text = f'<text x="{_number(label.x)}" y="{_number(label.baseline)}">{text}</text>'
    target = links.get(label.link) if label.link else None
    return f'<a href="#{escape(target)}">{element_text}</a>' if target else element_text


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
