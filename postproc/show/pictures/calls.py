"""The calls of a run over time: one row of bars per verdict.

Before diagnosis there is one row: calls not diagnosed.
"""

from collections import Counter

from postproc.model.text import Lang
from postproc.model.vocabulary import count
from postproc.show import colors
from postproc.show.colors import FAINT, INK, MUTED
from postproc.show.pictures import axis
from postproc.show.pictures.axis import TimeAxis
from postproc.show.pictures.cut import Row, rows
from postproc.show.pictures.heading import clock
from postproc.show.pictures.lanes import SIZE
from postproc.show.pictures.picture import Area, Label, Layer, Picture, Stroke, rectangle
from postproc.show.pictures.records import HasTables
from postproc.show.pictures.wording import say

LEFT, NAMES, PLOT, NOTES, HIGH, APART = 14.0, 110.0, 620.0, 30.0, 44.0, 12.0
BINS = 60
VERDICTS = {  # worst first; colours beside the words
    "fault": colors.LEG_1.fill, "suspect": "#e0a100", "cannot_tell": "#8a8f98", "ok": colors.MEDIA.line,
    "undiagnosed": "#b8bec6",
}  # fmt: skip


def overview(run: HasTables, lang: Lang = "en") -> Picture:
    """Lay out the calls of a run."""
    calls = [call for call in rows("calls", run.calls) if call.start is not None]
    held = {name: [call.start for call in calls if _verdict(call) == name] for name in VERDICTS}
    shown = {name: times for name, times in held.items() if times}
    top = 44.0
    bottom = top + (HIGH + APART) * max(len(shown), 1) - APART
    picture = Picture(LEFT + NAMES + PLOT + NOTES, bottom + 24, say("overview", lang))
    picture.write(Label(LEFT, 14, say("overview", lang), 10.5, bold=True))
    if not calls:
        picture.write(Label(LEFT, 32, say("none_calls", lang), 8, color=MUTED))
        return picture
    times = [call.start for call in calls]
    picture.write(Label(LEFT, 29, f"{clock(min(times))} – {clock(max(times))}", 7.5, color=MUTED))
    where = axis.around(times, LEFT + NAMES, LEFT + NAMES + PLOT)
    binned = {name: _binned(found, where) for name, found in shown.items()}
    most = max(max(found.values()) for found in binned.values())
    for n, (name, found) in enumerate(binned.items()):
        _row(picture, name, found, where, top=top + n * (HIGH + APART), most=most, lang=lang)
    axis.write(picture, where, top, bottom, lang, clock=True)
    return picture


def _verdict(call: Row) -> str:
    return call.verdict if call.verdict in VERDICTS else "undiagnosed"


def _binned(times: list[int], where: TimeAxis) -> Counter[int]:
    span = max(where.end - where.start, 1)
    return Counter(min((time - where.start) * BINS // span, BINS - 1) for time in times)


def _row(
    picture: Picture, name: str, found: Counter[int], where: TimeAxis, *, top: float, most: int, lang: Lang
) -> None:
    """One verdict: its word and number left, its bars on the common scale."""
    bottom = top + HIGH
    wide = (where.right - where.left) / BINS
    picture.strokes.append(
        Stroke(((where.left, bottom), (where.right, bottom)), FAINT, 0.8, layer=Layer.RAILS)
    )
    picture.areas.append(Area(rectangle(LEFT, bottom - 9, LEFT + 8, bottom - 1), VERDICTS[name]))
    total = sum(found.values())
    picture.write(
        Label(LEFT + 12, bottom - 5, say(name, lang), 7.5, color=INK),
        Label(LEFT + 12, bottom - 17, count(total, lang), 9, bold=True),
        Label(where.left - 4, top + 3, str(most), SIZE, "right", MUTED),
    )
    for n, number in found.items():
        left = where.left + n * wide
        shape = rectangle(left + 0.8, bottom - HIGH * number / most, left + wide - 0.8, bottom)
        picture.areas.append(Area(shape, VERDICTS[name], layer=Layer.FRONT))
