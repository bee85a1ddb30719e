"""What a run says of the logs it was given, and of those it was not.

Pure: tables in, lines out.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from postproc.model.text import Lang, Text
from postproc.show.terminal import clean

SHOWN = 3  # names in one line
QUARTER_MS, HOUR_MS = 15 * 60_000, 3_600_000  # time zones differ by quarters of an hour
FARTHEST_MS = 14 * HOUR_MS  # no time zone is farther from UTC

USED = Text("log {name}: {lines} about {legs}; {clock}", "Log {name}: {lines} zu {legs}; {clock}")
AHEAD = Text("its clock: {zone}, {ms} ms ahead{spread}", "seine Uhr: {zone}, {ms} ms vor{spread}")
BEHIND = Text("its clock: {zone}, {ms} ms behind{spread}", "seine Uhr: {zone}, {ms} ms nach{spread}")
WRONG = Text(
    "its clock is wrong by {hours:+.1f} h{spread}", "seine Uhr geht um {hours:+.1f} h falsch{spread}"
)
SPREAD = Text(" (spread {spread} ms)", " (Streuung {spread} ms)")
NO_CLOCK = Text("its clock is unknown", "seine Uhr ist unbekannt")
LINES = (Text("{count} line", "{count} Zeile"), Text("{count} lines", "{count} Zeilen"))
LEGS = (Text("{count} leg", "{count} Leg"), Text("{count} legs", "{count} Legs"))
UNUSED = (
    Text(
        "warning: log {names}: none of the captures' calls is in it, so it is not used",
        "Warnung: Log {names}: enthält keinen Anruf der Mitschnitte und wird nicht benutzt",
    ),
    Text(
        "warning: {count} logs with none of the captures' calls are not used: {names}",
        "Warnung: {count} Logs ohne einen Anruf der Mitschnitte werden nicht benutzt: {names}",
    ),
)
SPAN = Text("{name} (calls from {first} to {last})", "{name} (Anrufe von {first} bis {last})")
WARNING = Text("warning: {name}: {line}", "Warnung: {name}: {line}")
BESIDE = Text(
    "FreeSWITCH logs beside the captures, not used (--fs-log uses them): {names}",
    "FreeSWITCH-Logs neben den Mitschnitten, nicht benutzt (--fs-log benutzt sie): {names}",
)
MORE = Text("{names} and {count} more", "{names} und {count} weitere")


def lines(logs: pd.DataFrame, beside: Sequence[Path], lang: Lang = "en") -> list[str]:
    """A line per log that is used, and per warning; one for those not used; one for those ``beside``."""
    rows = [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in logs.to_dict("records")
    ]
    used = [row for row in rows if row["used"]]
    unused = [row for row in rows if row["used"] == 0]
    said = [_used(row, lang) for row in used]
    said += [_unused(unused, lang)] if unused else []
    said += [
        WARNING.of(lang, name=row["capture"], line=line)
        for row in rows
        if row["used"] != 0 and row["warnings"]
        for line in row["warnings"].splitlines()
    ]
    said += [BESIDE.of(lang, names=_names([path.name for path in beside], lang))] if beside else []
    return list(map(clean, said))


def _used(row: dict[str, Any], lang: Lang) -> str:
    return USED.of(
        lang,
        name=row["capture"],
        lines=_count(LINES, row["used"], lang),
        legs=_count(LEGS, row["calls"], lang),
        clock=_clock(row["offset_ms"], row["spread_ms"], row["anchors"], lang),
    )


def _clock(offset: float | None, spread: float | None, anchors: int | None, lang: Lang) -> str:
    """The offset as a time zone and what it is off from that."""
    if offset is None:
        return NO_CLOCK.of(lang)
    told = SPREAD.of(lang, spread=round(spread or 0)) if (anchors or 0) > 1 else ""
    if abs(offset) > FARTHEST_MS:
        return WRONG.of(lang, hours=offset / HOUR_MS, spread=told)
    zone = round(offset / QUARTER_MS) * QUARTER_MS
    hours, minutes = divmod(abs(zone) // 60_000, 60)
    name = f"UTC{'-' if zone < 0 else '+'}{hours}" + (f":{minutes:02}" if minutes else "") if zone else "UTC"
    skew = round(offset - zone)
    return (BEHIND if skew < 0 else AHEAD).of(lang, zone=name, ms=abs(skew), spread=told)


def _unused(rows: list[dict[str, Any]], lang: Lang) -> str:
    names = _names([_span(row, lang) for row in rows], lang)
    return UNUSED[len(rows) > 1].of(lang, names=names, count=len(rows))


def _span(row: dict[str, Any], lang: Lang) -> str:
    if row["first_time"] is None:
        return str(row["capture"])
    first, last = row["first_time"], row["last_time"]
    until = f"{last:%H:%M:%S}" if last.date() == first.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    return SPAN.of(lang, name=row["capture"], first=f"{first:%Y-%m-%d %H:%M:%S}", last=until)


def _names(names: list[str], lang: Lang) -> str:
    shown = ", ".join(names[:SHOWN])
    more = len(names) - SHOWN
    return MORE.of(lang, names=shown, count=more) if more > 0 else shown


def _count(texts: tuple[Text, Text], count: int, lang: Lang) -> str:
    return texts[count != 1].of(lang, count=count)
