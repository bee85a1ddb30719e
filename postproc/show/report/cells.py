"""Elements of the report: cells, sheets of them, and texts to copy.

Texts come from strangers: characters that move the cursor or change the writing direction are shown as
escapes, and lengths are bounded.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from postproc.model.addresses import endpoint
from postproc.model.text import Lang
from postproc.show.report.words import PAGE, TITLES, headings
from postproc.show.terminal import clean

LONGEST = 240  # characters of a text that are shown; a choice that bounds what strangers can put on the page
UNBROKEN = 54  # characters of the longest IPv6 address with port and candidate type
COPIED = 20_000  # characters of a text that can be copied; a choice: more than anybody pastes
NONE = "–"


class Cell(NamedTuple):
    """A text of a sheet; ``kind`` is its CSS classes: good, bad, doubt, faint, figure, leg1, ..."""

    text: str
    kind: str = ""
    time: str = ""  # the time it shows (ISO 8601), which the page converts to the chosen zone


class Sheet(NamedTuple):
    """A small table: headings, rows with as many cells, and a line about rows left out."""

    name: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: str = ""


class Copy(NamedTuple):
    """A text with a button that copies it, on one line or ``long``; ``where`` is its capture.

    ``lang`` is its language where it may differ from the page's.
    """

    label: str
    text: str
    where: str = ""
    long: bool = False
    lang: Lang | None = None


def shown(text: object, limit: int = LONGEST) -> str:
    """Return an untrusted text on one line, of at most ``limit`` characters; NONE for None and ""."""
    if text is None or text == "":
        return NONE
    whole = text if isinstance(text, str) else str(text)
    return clean(whole[:limit]) + ("…" if len(whole) > limit else "")


def place(addr: str | None, port: int | None) -> str:
    """Return a transport address: ``192.0.2.1:5060``, ``[2001:db8::1]:5060``."""
    return shown(endpoint(addr, port)) if addr else NONE


def code(text: str) -> Cell:
    """Return a cell that is not broken, such as an address, unless it is longer than any address."""
    if text == NONE:
        return Cell(text, "faint")
    return Cell(text, "code long" if len(text) > UNBROKEN else "code")


def clock(time: pd.Timestamp | None) -> str:
    """Return the time of day in UTC with milliseconds; NONE if unknown."""
    return f"{time:%H:%M:%S}.{time.microsecond // 1000:03}" if time is not None else NONE


def time_cell(time: pd.Timestamp | None) -> Cell:
    """Return a cell with the time of day."""
    return Cell(clock(time), "figure", moment(time))


def moment(time: pd.Timestamp | None) -> str:
    """Return the time in UTC with milliseconds (ISO 8601); "" if unknown."""
    return f"{day(time)}T{clock(time)}Z" if time is not None else ""


def day(time: pd.Timestamp | None) -> str:
    """Return the date in UTC; "" if unknown."""
    return f"{time:%Y-%m-%d}" if time is not None else ""


def span(first: pd.Timestamp | None, last: pd.Timestamp | None, lang: Lang) -> str:
    """Return the seconds from one time to another, ``12.3 s``; NONE if unknown."""
    if first is None or last is None:
        return NONE
    return f"{decimal((last - first).total_seconds(), lang)} s"


def decimal(number: float, lang: Lang, digits: int = 1) -> str:
    """Return a number with a decimal point, or a comma in German."""
    text = f"{number:.{digits}f}"
    return text.replace(".", ",") if lang == "de" else text


def amount(number: int | None) -> str:
    """Return a whole number; NONE if unknown."""
    return str(number) if number is not None else NONE


def millis(number: float | None, lang: Lang, digits: int = 1) -> str:
    """Return milliseconds, ``12.3 ms``; NONE if unknown."""
    return f"{decimal(number, lang, digits)} ms" if number is not None else NONE


def leg_kind(leg: int | None) -> str:
    """Return the CSS class of a leg: leg1, leg2, or legs for all further ones."""
    return f"leg{leg}" if leg in (1, 2) else "legs"


def leg_cell(leg: int | None) -> Cell:
    return Cell(str(leg) if leg is not None else NONE, f"leg {leg_kind(leg)}")


def sheet(name: str, lang: Lang, columns: str, rows: Sequence[tuple[Cell, ...]], limit: int) -> Sheet | None:
    """Return a sheet of the first ``limit`` rows from table ``name``; None without rows."""
    if not rows:
        return None
    left_out = len(rows) - limit
    more = PAGE["more_rows"].of(lang, n=left_out, table=name) if left_out > 0 else ""
    return Sheet(name, TITLES[name].of(lang), headings(columns, lang), tuple(rows[:limit]), more)


def copies(*labelled: tuple[str, str | None, str | None]) -> tuple[Copy, ...]:
    """Return copies of (label, text, capture), without empty texts and those longer than COPIED."""
    return tuple(
        Copy(label, clean(text), shown(where, 120) if where else "")
        for label, text, where in labelled
        if text and len(text) <= COPIED
    )


def frame_filter(frames: Sequence[int]) -> str:
    """Return a display filter of these frames; "" if there are none."""
    if len(frames) > 1:
        return f"frame.number in {{{', '.join(map(str, frames))}}}"
    return f"frame.number == {frames[0]}" if frames else ""
