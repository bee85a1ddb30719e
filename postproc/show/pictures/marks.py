"""Findings on a picture: a badge with the code where the evidence is, and what each code says below."""

from collections.abc import Iterable
from dataclasses import dataclass

from postproc.model.text import Lang
from postproc.model.vocabulary import count
from postproc.show.colors import INK, PAPER, PROBLEM
from postproc.show.pictures.cut import CallRows
from postproc.show.pictures.lettering import plain, shortened, width
from postproc.show.pictures.picture import Area, Label, Picture, rectangle
from postproc.show.pictures.records import records
from postproc.show.pictures.wording import say

WORST_FIRST = {"error": 0, "warning": 1, "note": 2, "info": 3}
FILLS = {"error": (PROBLEM.fill, PROBLEM.text), "warning": (PROBLEM.text, INK)}  # else ink on paper
SIZE, HIGH, PAD, ROW = 6.5, 10.0, 3.0, 14.0
MOST = 10  # findings named below a picture
LONGEST_CODE = 12


@dataclass(frozen=True)
class Mark:
    """A finding; ``frames`` are its evidence: (capture, frame)."""

    code: str
    severity: str
    title: str
    frames: frozenset[tuple[str, int]]

    @property
    def width(self) -> float:
        return width(self.code, SIZE, bold=True) + 2 * PAD


def marks(tables: CallRows) -> list[Mark]:
    """The findings of a call, worst first; good news is not marked."""
    names = ("code", "name", "severity", "verdict", "title", "capture", "frames", "frame")
    held = [
        Mark(
            plain(code or name)[:LONGEST_CODE] or "?",
            severity or "note",
            plain(title) or plain(name),
            frozenset((capture, number) for number in _numbers(frames, frame)),
        )
        for code, name, severity, verdict, title, capture, frames, frame in records(tables.findings, *names)
        if verdict != "ok"
    ]
    return sorted(held, key=lambda mark: (WORST_FIRST.get(mark.severity, 2), mark.code))


def _numbers(frames: str | None, frame: int | None) -> list[int]:
    listed = [int(part) for part in (frames or "").split(",") if part.strip().isdecimal()]
    return listed or ([frame] if frame is not None else [])


def on(held: Iterable[Mark], frames: Iterable[tuple[str, int | None]]) -> list[Mark]:
    """The findings whose evidence is among these frames, each code once."""
    wanted = set(frames)
    found = [mark for mark in held if not mark.frames.isdisjoint(wanted)]
    return list({mark.code: mark for mark in found}.values())


def badge(picture: Picture, left: float, y: float, mark: Mark) -> float:
    """Draw a badge; return where it ends."""
    fill, color = FILLS.get(mark.severity, (PAPER, INK))
    right = left + mark.width
    picture.areas.append(Area(rectangle(left, y - HIGH / 2, right, y + HIGH / 2), fill, INK))
    picture.write(Label((left + right) / 2, y, mark.code, SIZE, "center", color, bold=True))
    return right


def width_of(held: list[Mark]) -> float:
    """The room badges beside each other take."""
    return sum(mark.width + 2 for mark in held)


def below(held: list[Mark]) -> float:
    """The height of the list of findings."""
    return ROW * (min(len(held), MOST) + (len(held) > MOST)) + 6 if held else 0.0


def write(picture: Picture, left: float, top: float, held: list[Mark], lang: Lang) -> None:
    """Write the list of findings: badge and title, one line each."""
    y = top + ROW / 2
    column = max((mark.width for mark in held[:MOST]), default=0) + 6
    for mark in held[:MOST]:
        badge(picture, left, y, mark)
        room = picture.width - left - column - 10
        picture.write(Label(left + column, y, shortened(mark.title, room, 7.5), 7.5))
        y += ROW
    if len(held) > MOST:
        text = say("more_findings", lang, count=count(len(held) - MOST, lang))
        picture.write(Label(left + column, y, text, 7.5))
