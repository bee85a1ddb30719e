"""One event in a ladder: an arrow between two columns, a hook at one, or a remark across all.

Events carry their leg's number; lanes differ in their dashes, and what does not arrive ends in a cross.
"""

from collections.abc import Sequence

from postproc.model.enumerations import EventSeverity, Lane
from postproc.show import colors
from postproc.show.colors import INK, MUTED, PROBLEM, Color
from postproc.show.pictures.events import Event
from postproc.show.pictures.lanes import BADGE, triangle
from postproc.show.pictures.layout import (
    DASH_DOT,
    DASHED,
    DOTTED,
    SOLID,
    Area,
    Dash,
    Label,
    Layer,
    Picture,
    Stroke,
    cross,
    disc,
    rectangle,
    shortened,
    width,
)

LABEL, SMALL, NAME = 7.0, 6.5, 8.5  # sizes of letters: labels; times, frames, addresses; a column's name
HEADING = 120.0  # width of what stands above a column, at most
ARROW_ENDS = 30.0  # what an arrow needs beyond its label: badge, head
REACH = 0.9  # how far an arrow gets that does not arrive
SIGN, SIGNED = 9.0, ("warning", "error")  # width of the sign before a label, and who has one
HOOK = 170.0  # width of a hook and its label right of the last column, at most
DASHES: dict[Lane, Dash] = {"stun": DASHED, "dtls": DASH_DOT, "icmp": DOTTED}
LANES: dict[Lane, Color] = {"dtls": colors.DTLS, "media": colors.MEDIA}


def draw_event(picture: Picture, event: Event, y: float, xs: Sequence[float]) -> None:
    """Draw an arrow between two columns, a hook at one, or a remark without any."""
    src, dst = event.src, event.dst
    if src is not None and dst is not None and src != dst:
        _draw_arrow(picture, event, y, xs[src], xs[dst])
    elif src is not None or dst is not None:
        _draw_hook(picture, event, y, xs, src if src is not None else dst or 0)
    else:
        _draw_remark(picture, event, y, xs[0] + 8, xs[-1] + HEADING / 2)


def _color(event: Event) -> Color:
    if event.lane == "stun":
        color = colors.DISCOVERY if event.purpose == "discovery" else colors.CHECK
        return colors.REFUSED if event.kind == "error" else color
    if event.lane in ("sip", "sdp"):
        return colors.leg(event.leg)
    return LANES.get(event.lane, colors.PROBLEM)


def _draw_arrow(picture: Picture, event: Event, y: float, begin: float, end: float) -> None:
    color, way = _color(event), 1 if end > begin else -1
    tip = end if event.arrives else begin + (end - begin) * REACH
    thick = 2.0 if event.lane == "media" else 1.0
    line = ((begin, y), (tip - way * 4, y))
    picture.strokes.append(Stroke(line, color.line, thick, DASHES.get(event.lane, SOLID)))
    if event.arrives:
        _draw_head(picture, end, y, way, color.line)
    else:
        picture.strokes += cross(tip, y, 3.2, color.line)
    _draw_leg(picture, begin, y, event, color)
    sign = sign_width(event)
    middle = (begin + tip) / 2
    text = shortened(event.label, abs(tip - begin) - 2 * BADGE - 4 - sign, LABEL)
    picture.write(Label(middle + sign / 2, y - 6.2, text, LABEL, "center", color.line, link=link(event)))
    if sign and text:
        _draw_sign(picture, event.severity, middle - (width(text, LABEL) + sign) / 2 + 3.4, y - 6.2)


def link(event: Event) -> tuple[str, int] | None:
    """Return capture and frame of the message that a SIP arrow stands for."""
    capture, frame = event.frames[0]
    return (capture, frame) if event.lane in ("sip", "sdp") and frame is not None else None


def _draw_head(picture: Picture, x: float, y: float, way: int, color: str) -> None:
    picture.areas.append(Area(((x, y), (x - way * 7, y - 2.8), (x - way * 7, y + 2.8)), color))


def _draw_leg(picture: Picture, x: float, y: float, event: Event, color: Color) -> None:
    """Draw the leg's number where an arrow begins, or a dot without a leg."""
    if event.leg is None:
        picture.areas.append(Area(disc(x, y, 2.4), color.line))
        return
    picture.areas.append(Area(rectangle(x - BADGE, y - BADGE, x + BADGE, y + BADGE), color.fill, color.line))
    number = str(event.leg) if event.leg < 100 else "…"
    picture.write(Label(x, y, number, 6.5 if event.leg < 10 else 5.5, "center", color.text))


def _draw_sign(picture: Picture, severity: EventSeverity, x: float, y: float) -> None:
    """Draw an error as a black box with a bar, a warning as a yellow triangle."""
    if severity == "error":
        picture.areas.append(Area(rectangle(x - 3.2, y - 3.2, x + 3.2, y + 3.2), PROBLEM.fill))
        picture.strokes.append(Stroke(((x, y - 2.2), (x, y + 2.2)), PROBLEM.text, 1.3, layer=Layer.TOP))
    else:
        picture.areas.append(Area(triangle(x, y), PROBLEM.text, INK))


def _draw_hook(picture: Picture, event: Event, y: float, xs: Sequence[float], column: int) -> None:
    """Draw what a machine sends to itself, or to or from an unknown machine, beside its line."""
    color, x = _color(event), xs[column]
    room = (xs[column + 1] - x - 34) if column + 1 < len(xs) else HOOK - 26
    line = ((x, y - 3), (x + 14, y - 3), (x + 14, y + 4), (x + 6, y + 4))
    picture.strokes.append(Stroke(line, color.line, 1.0, DASHES.get(event.lane, SOLID)))
    _draw_head(picture, x + BADGE, y + 4, -1, color.line)
    _draw_leg(picture, x, y - 3, event, color)
    picture.write(Label(x + 19, y, shortened(event.label, room, LABEL), LABEL, color=color.line))


def _draw_remark(picture: Picture, event: Event, y: float, x: float, end: float) -> None:
    """Draw a log line from the first column across the others."""
    sign = sign_width(event)
    picture.areas.append(Area(rectangle(x - 2, y - 2, x + 2, y + 2), MUTED))
    if sign:
        _draw_sign(picture, event.severity, x + 9, y)
    text = shortened(event.label, end - x - 8 - sign, LABEL)
    picture.write(Label(x + 7 + sign, y, text, LABEL, color=INK))


def arrow_length(event: Event) -> float:
    """Return the length of an arrow that has room for its whole label."""
    return (width(event.label, LABEL) + sign_width(event)) / (1.0 if event.arrives else REACH) + ARROW_ENDS


def sign_width(event: Event) -> float:
    return SIGN if event.severity in SIGNED else 0.0


def hook_width(event: Event) -> float:
    """Return the width that a hook and its label need to the right of its column."""
    is_hook = len({event.src, event.dst} - {None}) == 1
    return min(width(event.label, LABEL) + 26, HOOK) if is_hook else 0.0
