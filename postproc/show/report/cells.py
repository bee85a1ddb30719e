"""What the report is made of: cells, sheets of them, and texts to copy.

Texts come from strangers: what moves the cursor or turns the writing is shown
as an escape, and nothing is longer than a page can bear.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from postproc.model.addresses import endpoint
from postproc.model.text import Lang
from postproc.show.report.words import PAGE, TITLES, headings
from postproc.show.terminal import clean

LONGEST = 240  # characters of a text that are shown
UNBROKEN = 54  # characters of an IPv6 address with port and type
COPIED = 20_000  # characters of a text that can be copied
NONE = "–"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text of a sheet; ``kind`` is how it looks: good, bad, doubt, faint, figure, leg1, ..."""

    text: str
    kind: str = ""
    time: str = ""  # the moment it tells (ISO 8601), for which the page can choose a zone


@dataclass(frozen=True, slots=True)
class Sheet:
    """A small table: headings, rows of as many cells, and a line on rows left out."""

    name: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """A text with a button that copies it, in one line or ``long``; ``where``: its capture.

    ``lang`` is its language where that may be another than the page's.
    """

    label: str
    text: str
    where: str = ""
    long: bool = False
    lang: Lang | None = None


def shown(text: object, limit: int = LONGEST) -> str:
    """A stranger's text in one line, at most ``limit`` characters; NONE for None and ""."""
    if text is None or text == "":
        return NONE
    held = text if isinstance(text, str) else str(text)
    return clean(held[:limit]) + ("…" if len(held) > limit else "")


def place(addr: str | None, port: int | None) -> str:
    """A transport address: ``192.0.2.1:5060``, ``[2001:db8::1]:5060``."""
    return shown(endpoint(addr, port)) if addr else NONE


def code(text: str) -> Cell:
    """An address or the like, unbroken unless it is longer than any address."""
    if text == NONE:
        return Cell(text, "faint")
    return Cell(text, "code long" if len(text) > UNBROKEN else "code")


def clock(time: pd.Timestamp | None) -> str:
    """Time of day in UTC with milliseconds."""
    return f"{time:%H:%M:%S}.{time.microsecond // 1000:03}" if time is not None else NONE


def time_cell(time: pd.Timestamp | None) -> Cell:
    """The time of day of a moment."""
    return Cell(clock(time), "figure", moment(time))


def moment(time: pd.Timestamp | None) -> str:
    """In UTC with milliseconds (ISO 8601); "" if unknown."""
    return f"{day(time)}T{clock(time)}Z" if time is not None else ""


def day(time: pd.Timestamp | None) -> str:
    """The date in UTC."""
    return f"{time:%Y-%m-%d}" if time is not None else ""


def span(first: pd.Timestamp | None, last: pd.Timestamp | None, lang: Lang) -> str:
    """Seconds from one time to another: ``12.3 s``."""
    if first is None or last is None:
        return NONE
    return f"{decimal((last - first).total_seconds(), lang)} s"


def decimal(number: float, lang: Lang, digits: int = 1) -> str:
    """A number with a decimal point, or comma."""
    text = f"{number:.{digits}f}"
    return text.replace(".", ",") if lang == "de" else text


def amount(number: int | None) -> str:
    """A whole number; NONE if unknown."""
    return str(number) if number is not None else NONE


def millis(number: float | None, lang: Lang, digits: int = 1) -> str:
    """Milliseconds: ``12.3 ms``; NONE if unknown."""
    return f"{decimal(number, lang, digits)} ms" if number is not None else NONE


def leg_kind(leg: int | None) -> str:
    """How a leg is coloured: leg1, leg2, or legs for all further ones."""
    return f"leg{leg}" if leg in (1, 2) else "legs"


def leg_cell(leg: int | None) -> Cell:
    return Cell(str(leg) if leg is not None else NONE, f"leg {leg_kind(leg)}")


def sheet(name: str, lang: Lang, columns: str, rows: Sequence[tuple[Cell, ...]], limit: int) -> Sheet | None:
    """The first rows of what comes from table ``name``, with the headings named; None without any."""
    if not rows:
        return None
    left_out = len(rows) - limit
    more = PAGE["more_rows"].of(lang, n=left_out, table=name) if left_out > 0 else ""
    return Sheet(name, TITLES[name].of(lang), headings(columns, lang), tuple(rows[:limit]), more)


def copies(*held: tuple[str, str | None, str | None]) -> tuple[Copy, ...]:
    """Label, text, capture of each; what is empty, or longer than anybody would paste, is left out."""
    return tuple(
        Copy(label, clean(text), shown(where, 120) if where else "")
        for label, text, where in held
        if text and len(text) <= COPIED
    )


def frame_filter(frames: Sequence[int]) -> str:
    """A display filter of these frames: "" if there are none."""
    if len(frames) > 1:
        return f"frame.number in {{{', '.join(map(str, frames))}}}"
    return f"frame.number == {frames[0]}" if frames else ""
