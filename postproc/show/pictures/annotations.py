"""What surrounds a picture: its heading, the time axis, the findings as badges and as a list."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from postproc.model.calls import Call
from postproc.model.enumerations import Severity
from postproc.model.text import Lang
from postproc.model.vocabulary import VERDICTS, count, decimal
from postproc.show.colors import FAINT, INK, MUTED, PAPER, PROBLEM
from postproc.show.pictures.layout import (
    Area,
    Label,
    Layer,
    Picture,
    Stroke,
    plain,
    rectangle,
    shortened,
    width,
)
from postproc.show.pictures.wording import say

HEADING_HEIGHT = 40.0  # of the two lines above a picture
NS_PER_S = 1_000_000_000
EPOCH = pd.Timestamp(0, tz="UTC")
SMALL = 6.5  # points, the smallest font size; a choice: legible on paper at 100 %

TICKS_APART = 46.0  # points between two ticks at least: the widest text, "1:02:03", and a gap
SHORTEST_S = 0.001  # of an axis, so that a call with a single event has a scale
STEPS = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),  # seconds
    *(60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200),  # minutes and hours
    *(86400, 172800, 604800, 2592000, 31536000),  # days, a week, a month, a year
)

WORST_FIRST: Mapping[Severity, int] = {"error": 0, "warning": 1, "note": 2, "info": 3}
BADGE_FILLS: Mapping[Severity, tuple[str, str]] = {  # and ink; of the others ink on paper
    "error": (PROBLEM.fill, PROBLEM.text),
    "warning": (PROBLEM.text, INK),
}
BADGE_HEIGHT, BADGE_PADDING, LIST_ROW = 10.0, 3.0, 14.0
LISTED = 10  # findings named below a picture; a choice: the report lists all of them beside it
LONGEST_CODE = 12


def title(call: Call, picture: str, lang: Lang) -> str:
    """Return ``Ladder: call 1, 721 → +49...``."""
    caller, called = _users(call)
    return f"{say(picture, lang)}: {say('call', lang, call=call.number)}, {caller} → {called}"


def draw_heading(picture: Picture, call: Call, name: str, left: float, lang: Lang) -> None:
    """Draw two lines at the top of the picture ``name``: parties, then time, verdict and headline."""
    caller, called = _users(call)
    text = f"{say('call', lang, call=call.number)}: {caller} → {called}"
    room = picture.width - left - 10
    picture.write(
        Label(left, 14, shortened(text, room, 10.5, bold=True), 10.5, color=INK, bold=True),
        Label(left, 29, shortened(_summary(call, name, lang), room, 7.5), 7.5, color=MUTED),
    )


def clock(time: pd.Timestamp) -> str:
    """Return ``2026-11-22 22:38:49.496 UTC``."""
    return f"{time:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"


def _users(call: Call) -> tuple[str, str]:
    return plain(call.call.from_user) or "–", plain(call.call.to_user) or "–"


def _summary(call: Call, name: str, lang: Lang) -> str:
    row = call.call
    texts = [
        say(name, lang),
        clock(row.start) if row.start is not None else "",
        VERDICTS[row.verdict].of(lang) if row.verdict is not None else "",
        plain(row.headline),
    ]
    return " · ".join(text for text in texts if text)


class TimeAxis(NamedTuple):
    """Maps times to x: ``start`` and ``end`` are at ``left`` and ``right``, in points."""

    start: pd.Timestamp
    end: pd.Timestamp
    left: float
    right: float

    def x(self, time: pd.Timestamp, after_s: float = 0.0) -> float:
        """Return x of a time, or of so many seconds after it, clipped to the axis."""
        share = (seconds(self.start, time) + after_s) / self.length_s
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    @property
    def length_s(self) -> float:
        return max(seconds(self.start, self.end), SHORTEST_S)

    @property
    def step(self) -> float:
        """Seconds between two ticks."""
        span = self.length_s
        most = max((self.right - self.left) / TICKS_APART, 1)
        longest = STEPS[-1] * math.ceil(span / STEPS[-1] / most)
        return next((step for step in STEPS if span / step <= most), longest)

    def ticks(self, lang: Lang, *, clock: bool = False) -> list[tuple[float, str]]:
        """Return x and text of each tick: the time since the start, or the time of day (UTC)."""
        start, step = self.start.value, round(self.step * NS_PER_S)
        first = -(-start // step) * step if clock else start
        return [
            (
                self.x(self.start, (time - start) / NS_PER_S),
                self._time_of_day(time) if clock else self._since_start((time - start) / NS_PER_S, lang),
            )
            for time in range(first, start + round(self.length_s * NS_PER_S) + 1, step)
        ]

    def _since_start(self, seconds: float, lang: Lang) -> str:
        if self.step >= 60:
            minutes, rest = divmod(round(seconds), 60)
            hours, minutes_of_hour = divmod(minutes, 60)
            return f"{hours}:{minutes_of_hour:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
        digits = 0 if self.step >= 1 else len(f"{self.step:g}".partition(".")[2])
        return decimal(f"{seconds:.{digits}f}", lang) + " s"

    def _time_of_day(self, time: int) -> str:
        moment = pd.Timestamp(time, tz="UTC")
        if self.step >= 86400:
            return f"{moment:%Y-%m-%d}"
        if self.step >= 60:
            return f"{moment:%H:%M}"
        return f"{moment:%H:%M:%S}" if self.step >= 1 else f"{moment:%H:%M:%S.%f}"[:-3]


def axis_over(times: Sequence[pd.Timestamp], left: float, right: float) -> TimeAxis:
    """Return an axis over all these times; without any, over the first second of 1970."""
    start, end = (min(times), max(times)) if times else (EPOCH, EPOCH + pd.Timedelta(seconds=1))
    return TimeAxis(start, end, left, right)


def seconds(earlier: pd.Timestamp, later: pd.Timestamp) -> float:
    """Return the seconds from one time to another."""
    return (later.value - earlier.value) / NS_PER_S


def draw_axis(
    picture: Picture, axis: TimeAxis, top: float, bottom: float, lang: Lang, *, clock: bool = False
) -> None:
    """Draw the grid from top to bottom, and the ticks' texts below it."""
    free_from = float("-inf")
    for x, text in axis.ticks(lang, clock=clock):
        picture.strokes.append(Stroke(((x, top), (x, bottom)), FAINT, 0.6, layer=Layer.RAILS))
        half = width(text, SMALL) / 2
        if x - half > free_from and x + half < picture.width:
            picture.write(Label(x, bottom + 8, text, SMALL, "center", MUTED))
            free_from = x + half + 4


class Mark(NamedTuple):
    """A finding to be drawn; ``frames`` are its evidence: (capture, frame)."""

    code: str
    severity: Severity
    title: str
    frames: frozenset[tuple[str, int]]

    @property
    def width(self) -> float:
        return width(self.code, SMALL, bold=True) + 2 * BADGE_PADDING


def marks_of(call: Call) -> list[Mark]:
    """Return the findings of a call, most severe first, without those whose verdict is ok."""
    marks = [
        Mark(
            plain(row.code or row.name)[:LONGEST_CODE] or "?",
            row.severity,
            plain(row.title) or plain(row.name),
            frozenset((row.capture, number) for number in _numbers(row.frames, row.frame)),
        )
        for row in call.findings
        if row.verdict != "ok"
    ]
    return sorted(marks, key=lambda mark: (WORST_FIRST.get(mark.severity, 2), mark.code))


def _numbers(frames: str | None, frame: int | None) -> list[int]:
    listed = [int(number) for number in (frames or "").split(",") if number.strip().isdecimal()]
    return listed or ([frame] if frame is not None else [])


def marks_on(marks: Iterable[Mark], frames: Iterable[tuple[str, int | None]]) -> list[Mark]:
    """Return the findings with evidence among these frames, each code once."""
    shown = set(frames)
    evident = [mark for mark in marks if not mark.frames.isdisjoint(shown)]
    return list({mark.code: mark for mark in evident}.values())


def draw_badge(picture: Picture, left: float, y: float, mark: Mark) -> float:
    """Draw a finding's code in a box; return its right edge."""
    fill, color = BADGE_FILLS.get(mark.severity, (PAPER, INK))
    right = left + mark.width
    box = rectangle(left, y - BADGE_HEIGHT / 2, right, y + BADGE_HEIGHT / 2)
    picture.areas.append(Area(box, fill, INK))
    picture.write(Label((left + right) / 2, y, mark.code, SMALL, "center", color, bold=True))
    return right


def badges_width(marks: Iterable[Mark]) -> float:
    """Return the width of badges beside each other."""
    return sum(mark.width + 2 for mark in marks)


def list_height(marks: Sequence[Mark]) -> float:
    """Return the height of the list of findings, in points."""
    return LIST_ROW * (min(len(marks), LISTED) + (len(marks) > LISTED)) + 6 if marks else 0.0


def draw_list(picture: Picture, left: float, top: float, marks: Sequence[Mark], lang: Lang) -> None:
    """Draw the list of findings below a picture: badge and title, one line each."""
    y = top + LIST_ROW / 2
    column = max((mark.width for mark in marks[:LISTED]), default=0) + 6
    for mark in marks[:LISTED]:
        draw_badge(picture, left, y, mark)
        room = picture.width - left - column - 10
        picture.write(Label(left + column, y, shortened(mark.title, room, 7.5), 7.5))
        y += LIST_ROW
    if len(marks) > LISTED:
        text = say("more_findings", lang, count=count(len(marks) - LISTED, lang))
        picture.write(Label(left + column, y, text, 7.5))
