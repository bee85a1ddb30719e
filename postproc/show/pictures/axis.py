"""A time axis: where a time stands, and which ticks are written."""

import math
from dataclasses import dataclass

import pandas as pd

from postproc.model.text import Lang
from postproc.model.vocabulary import decimal
from postproc.show.colors import FAINT, MUTED
from postproc.show.pictures.lettering import width
from postproc.show.pictures.picture import Label, Layer, Picture, Stroke
from postproc.show.pictures.records import NS_PER_S

SIZE = 6.5
APART = 46.0  # points between two ticks, at least
STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900,
         1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800, 2592000, 31536000)  # fmt: skip


@dataclass(frozen=True)
class TimeAxis:
    """``start`` and ``end`` in ns stand at ``left`` and ``right`` in points."""

    start: int
    end: int
    left: float
    right: float

    def x(self, time: int) -> float:
        share = (time - self.start) / max(self.end - self.start, 1)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    @property
    def step(self) -> float:
        """Seconds between two ticks."""
        span = max(self.end - self.start, 1) / NS_PER_S
        most = max((self.right - self.left) / APART, 1)
        longest = STEPS[-1] * math.ceil(span / STEPS[-1] / most)
        return next((step for step in STEPS if span / step <= most), longest)

    def ticks(self, lang: Lang, *, clock: bool = False) -> list[tuple[float, str]]:
        """Places and texts: time since the start, or the time of day (UTC)."""
        step = round(self.step * NS_PER_S)
        first = -(-self.start // step) * step if clock else self.start
        times = range(first, self.end + 1, step)
        return [(self.x(time), self._text(time, lang, clock)) for time in times]

    def _text(self, time: int, lang: Lang, clock: bool) -> str:
        if clock:
            at = pd.Timestamp(time, tz="UTC")
            return _clock(at, self.step)
        seconds = (time - self.start) / NS_PER_S
        if self.step >= 60:
            minutes, rest = divmod(round(seconds), 60)
            return (
                f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
            )
        digits = 0 if self.step >= 1 else len(f"{self.step:g}".partition(".")[2])
        return decimal(f"{seconds:.{digits}f}", lang) + " s"


def _clock(at: pd.Timestamp, step: float) -> str:
    if step >= 86400:
        return f"{at:%Y-%m-%d}"
    if step >= 60:
        return f"{at:%H:%M}"
    return f"{at:%H:%M:%S}" if step >= 1 else f"{at:%H:%M:%S.%f}"[:-3]


def around(times: list[int], left: float, right: float) -> TimeAxis:
    """An axis over all these times."""
    start, end = (min(times), max(times)) if times else (0, NS_PER_S)
    return TimeAxis(start, max(end, start + NS_PER_S // 1000), left, right)


def write(
    picture: Picture, axis: TimeAxis, top: float, bottom: float, lang: Lang, *, clock: bool = False
) -> None:
    """Draw the grid from top to bottom, the ticks' texts below it."""
    until = float("-inf")
    for x, text in axis.ticks(lang, clock=clock):
        picture.strokes.append(Stroke(((x, top), (x, bottom)), FAINT, 0.6, layer=Layer.RAILS))
        half = width(text, SIZE) / 2
        if x - half > until and x + half < picture.width:
            picture.write(Label(x, bottom + 8, text, SIZE, "center", MUTED))
            until = x + half + 4
