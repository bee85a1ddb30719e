"""One event of a ladder: an arrow, a hook or a remark, with its label and its leg's badge."""

from postproc.show import colors
from postproc.show.colors import INK, MUTED, PROBLEM, Color
from postproc.show.pictures.events import Event
from postproc.show.pictures.ladder_grid import HEADING, LABEL, REACH, SIGN, SIGNED, Grid
from postproc.show.pictures.lettering import shortened, width
from postproc.show.pictures.picture import (
    DASH_DOT,
    DASHED,
    DOTTED,
    SOLID,
    Area,
    Dash,
    Label,
    Layer,
    Picture,
    Point,
    Stroke,
    cross,
    disc,
    rectangle,
)

BADGE = 4.6  # half of a leg's badge
HOOKED = 170.0  # width of a hook and its label right of the last column, at most
DASHES: dict[str, Dash] = {"stun": DASHED, "dtls": DASH_DOT, "icmp": DOTTED}


def write(picture: Picture, where: Grid, event: Event, y: float) -> None:
    """Draw an event in its row."""
    if event.src is None and event.dst is None:
        _remark(picture, where, event, y)
    elif event.src is None or event.dst is None or event.src == event.dst:
        _hook(picture, where, event, y)
    else:
        _arrow(picture, event, y, where.xs[event.src], where.xs[event.dst])


def beyond(event: Event) -> float:
    """The room an event takes right of its column: of a hook, what its label needs."""
    hooked = len({event.src, event.dst} - {None}) == 1
    return min(width(event.label, LABEL) + 26, HOOKED) if hooked else 0.0


def color_of(event: Event) -> Color:
    if event.lane == "stun":
        own = colors.DISCOVERY if event.purpose == "discovery" else colors.CHECK
        return colors.REFUSED if event.kind == "error" else own
    if event.lane in ("sip", "sdp"):
        return colors.leg(event.leg)
    return {"dtls": colors.DTLS, "media": colors.MEDIA}.get(event.lane, colors.PROBLEM)


def _arrow(picture: Picture, event: Event, y: float, begin: float, end: float) -> None:
    color, way = color_of(event), 1 if end > begin else -1
    thick = 2.0 if event.lane == "media" else 1.0
    tip = end if event.arrives else begin + (end - begin) * REACH
    line = Stroke(((begin, y), (tip - way * 4, y)), color.line, thick, DASHES.get(event.lane, SOLID))
    picture.strokes.append(line)
    if event.arrives:
        _head(picture, end, y, way, color.line)
    else:
        picture.strokes += cross(tip, y, 3.2, color.line)
    _badge(picture, begin, y, event, color)
    low, high = sorted((begin, tip))
    _said(picture, event, ((low + high) / 2, y - 6.2), high - low - 2 * BADGE - 4, color)


def _head(picture: Picture, x: float, y: float, way: int, color: str) -> None:
    picture.areas.append(Area(((x, y), (x - way * 7, y - 2.8), (x - way * 7, y + 2.8)), color))


def _badge(picture: Picture, x: float, y: float, event: Event, color: Color) -> None:
    """The leg's number where an arrow begins; a dot where there is none."""
    if event.leg is None:
        picture.areas.append(Area(disc(x, y, 2.4), color.line))
        return
    picture.areas.append(Area(rectangle(x - BADGE, y - BADGE, x + BADGE, y + BADGE), color.fill, color.line))
    number = str(event.leg) if event.leg < 100 else "…"
    picture.write(Label(x, y, number, 6.5 if event.leg < 10 else 5.5, "center", color.text))


def _said(picture: Picture, event: Event, at: Point, room: float, color: Color) -> None:
    """The label, before it the sign of its severity."""
    x, y = at
    sign = SIGN if event.severity in SIGNED else 0.0
    text = shortened(event.label, room - sign, LABEL)
    picture.write(Label(x + sign / 2, y, text, LABEL, "center", color.line))
    if sign and text:
        _sign(picture, event.severity, x - (width(text, LABEL) + sign) / 2 + 3.4, y)


def _sign(picture: Picture, severity: str, x: float, y: float) -> None:
    """An error is a black box with a bar, a warning a yellow triangle."""
    if severity == "error":
        picture.areas.append(Area(rectangle(x - 3.2, y - 3.2, x + 3.2, y + 3.2), PROBLEM.fill))
        picture.strokes.append(Stroke(((x, y - 2.2), (x, y + 2.2)), PROBLEM.text, 1.3, layer=Layer.TOP))
    else:
        points = ((x, y - 3.6), (x + 3.6, y + 2.8), (x - 3.6, y + 2.8))
        picture.areas.append(Area(points, PROBLEM.text, INK))


def _hook(picture: Picture, where: Grid, event: Event, y: float) -> None:
    """What a machine says to itself, or to or from a place not known: beside its line."""
    at = event.src if event.src is not None else event.dst or 0
    xs, color = where.xs, color_of(event)
    x = xs[at]
    room = (xs[at + 1] - x - 34) if at + 1 < len(xs) else HOOKED - 26
    picture.strokes.append(
        Stroke(((x, y - 3), (x + 14, y - 3), (x + 14, y + 4), (x + 6, y + 4)), color.line, 1.0,
               DASHES.get(event.lane, SOLID))
    )  # fmt: skip
    _head(picture, x + BADGE, y + 4, -1, color.line)
    _badge(picture, x, y - 3, event, color)
    text = shortened(event.label, room, LABEL)
    picture.write(Label(x + 19, y, text, LABEL, color=color.line))


def _remark(picture: Picture, where: Grid, event: Event, y: float) -> None:
    """A line of a log: beside the first column, across the others."""
    x, end = where.xs[0] + 8, where.xs[-1] + HEADING / 2
    sign = SIGN if event.severity in SIGNED else 0.0
    picture.areas.append(Area(rectangle(x - 2, y - 2, x + 2, y + 2), MUTED))
    if sign:
        _sign(picture, event.severity, x + 9, y)
    text = shortened(event.label, end - x - 8 - sign, LABEL)
    picture.write(Label(x + 7 + sign, y, text, LABEL, color=INK))
