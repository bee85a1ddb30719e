"""What a run says at its end: headlines, with -v the walk and the findings, logs used and not used."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from rich.text import Text as Styled

from postproc.model.calls import Call, Calls
from postproc.model.described import Described, of_table
from postproc.model.loading import by, load
from postproc.model.messages import in_language
from postproc.model.rows import PhaseRow
from postproc.model.tables import Tables
from postproc.model.text import Lang, Text
from postproc.model.transit import courses
from postproc.model.vocabulary import (
    BETWEEN,
    CALL_NUMBER,
    CALLS,
    CALLS_IN_CAPTURES,
    CAUSES,
    FRAMES,
    LEG_NUMBER,
    PACKETS_COUNTED,
    PASSING,
    REMEDIES,
    STATES,
    STREAMS_COUNTED,
    VERDICTS,
    counted,
    way,
    word,
)
from postproc.show import phases
from postproc.show.calls import Line
from postproc.show.selection import Quoted, log_warnings
from postproc.show.store import Walks
from postproc.show.terminal import clean, folded

STYLES = {"fault": "red", "suspect": "yellow", "failed": "red", "passed": "green", "cannot_tell": "yellow"}
LOG_WARNINGS = Text("warnings and errors in the log", "Warnungen und Fehler im Log")
TIMES = Text("{n} times", "{n}-mal")
SHOWN = 12  # frames named
NOTHING: Mapping[int, Sequence[str]] = MappingProxyType({})


def headlines(
    lines: Sequence[Line], width: int | None, lang: Lang, between: Mapping[int, Sequence[str]] = NOTHING
) -> list[Styled]:
    """``call 5: No Binding Success ...`` of each call that is not well, and its losses ``between`` places."""
    told = []
    for line in lines:
        if line.verdict not in (None, "ok") and line.headline:
            text = f"{CALL_NUMBER.of(lang, call=line.call)}: {clean(line.headline)}"
            told += [Styled(part, STYLES.get(line.verdict or "", "")) for part in folded(text, width, 2)]
            ways = (part for way in between.get(line.call, ()) for part in folded(f"  {way}", width, 4))
            told += map(Styled, ways)
    return told


def lost_between(tables: Tables, lang: Lang) -> dict[int, list[str]]:
    """By call ``STUN packets, leg 1: server → WAN 17 of 17 · WAN → client 0 of 17``, of what is lost."""
    passed = Calls(tables)
    every = {call.number: list(_lost(call, lang)) for call in passed if call.passages}
    return {number: lines for number, lines in every.items() if lines}


def _lost(call: Call, lang: Lang) -> Iterator[str]:
    for stretches in courses(call):
        if any(each.lost for each in stretches):
            first = stretches[0]
            counts = [(each.origin.name, each.target.name, each.arrived, each.sent) for each in stretches]
            leg = f", {LEG_NUMBER.of(lang, leg=first.leg)}" if first.leg is not None else ""
            yield clean(f"{word(PASSING, first.kind, lang)}{leg}: {way(counts, lang)}")


def details(tables: Tables, walks: Walks, width: int | None, lang: Lang) -> list[Styled]:
    """Of every call the walk, the phases of its media, the findings with evidence, causes and remedies."""
    by_call: dict[int | None, list[Described]] = {}
    warned = log_warnings(tables)
    for each in of_table(tables.findings):
        by_call.setdefault(each.call, []).append(each)
    of_phases = by(load(PhaseRow, tables.phases), "call")
    between = lost_between(tables, lang)
    told: list[Styled] = []
    for call, headline in zip(tables.calls["call"], tables.calls["headline"], strict=True):
        title = f"{CALL_NUMBER.of(lang, call=call)}: {clean(headline)}"
        told += [Styled(""), *(Styled(part, "bold") for part in folded(title, width, 2))]
        told += [line for step in walks.get(call, ()) for line in _step(step, width, lang)]
        if call in between:
            told += map(Styled, [f"  {BETWEEN.of(lang)}", *(f"    {each}" for each in between[call])])
        told += list(_phases(of_phases.get(call, ()), width, lang))
        told += [line for each in by_call.get(call, []) for line in _finding(each, width, lang)]
        told += _warned(warned.get(call, ()), width, lang)
    return told


def beside_calls(tables: Tables, width: int | None, lang: Lang, *, verbose: bool) -> list[Styled]:
    """What was found beside the calls: failed registrations, TLS that does not come about."""
    told: list[Styled] = []
    for each in of_table(tables.findings[tables.findings["call"].isna()]):
        if verbose:
            told += [Styled(""), *_finding(each, width, lang)]
        else:
            text = f"{word(VERDICTS, each.verdict, lang)}: {clean(each.title)}"
            told += [Styled(part, STYLES.get(each.verdict, "")) for part in folded(text, width, 2)]
    return told


def _step(step: Mapping[str, Any], width: int | None, lang: Lang) -> Iterator[Styled]:
    state = STATES[step["state"]].of(lang)
    text = f"  {step['question']} {state}: {clean(step['said'])}"
    for part in folded(text, width, 4):
        yield Styled(part, STYLES.get(step["state"], "dim"))


def _phases(rows: Sequence[PhaseRow], width: int | None, lang: Lang) -> Iterator[Styled]:
    if rows:
        yield Styled(f"  {phases.HEADING.of(lang)}")
    for text, verdict in phases.lines(rows, lang):
        for part in folded(f"    {text}", width, 6):
            yield Styled(part, STYLES.get(verdict or "", "dim"))


def _finding(found: Described, width: int | None, lang: Lang) -> Iterator[Styled]:
    indent = 4 if found.caused_by else 2
    head = f"{' ' * indent}{found.code} {word(VERDICTS, found.verdict, lang)}: {clean(found.title)}"
    for part in folded(head, width, indent + 2):
        yield Styled(part, STYLES.get(found.verdict, ""))
    yield from _block(found.detail, width, indent + 2)
    if found.frames:
        frames = f"{FRAMES.of(lang)} {frame_list(found.frames)} ({found.capture})"
        yield from _block(frames, width, indent + 2)
    for title, lines in sections(found):
        yield Styled(f"{' ' * (indent + 2)}{title.of(lang)}:")
        for line in lines:
            yield from _block(f"- {line}", width, indent + 4, hanging=2)


def _warned(lines: Sequence[Quoted], width: int | None, lang: Lang) -> Iterator[Styled]:
    if lines:
        yield Styled(f"  {LOG_WARNINGS.of(lang)}:")
    for line in lines:
        times = f" ({TIMES.of(lang, n=line.times)})" if line.times > 1 else ""
        yield from _block(f"- {line.level} {line.text}{times} ({line.log}:{line.line})", width, 4, hanging=2)


def frame_list(frames: Sequence[int]) -> str:
    """``19, 21``; of many the first."""
    return ", ".join(map(str, frames[:SHOWN])) + (" …" if len(frames) > SHOWN else "")


def sections(found: Described) -> list[tuple[Text, tuple[str, ...]]]:
    """What a finding advises, where it is to be shown: heading and lines."""
    both = ((CAUSES, found.causes), (REMEDIES, found.remedies))
    return [(title, lines) for title, lines in both if lines and found.advised]


def _block(text: str, width: int | None, indent: int, hanging: int = 0) -> Iterator[Styled]:
    for part in folded(f"{' ' * indent}{clean(text)}", width, indent + hanging):
        yield Styled(part)


UNCHANGED = Text(" ({n} unchanged, not read again)", " ({n} unverändert, nicht neu gelesen)")


def closing(calls: int, captures: int, unchanged: int, lang: Lang) -> str:
    """``54 calls in 46 captures (46 unchanged, not read again)``."""
    text = counted(CALLS_IN_CAPTURES, captures, lang, calls=counted(CALLS, calls, lang))
    return text + (UNCHANGED.of(lang, n=unchanged) if unchanged else "")


STRAYS = (
    Text("{streams} ({packets}) belongs to no call", "{streams} ({packets}) gehört zu keinem Anruf"),
    Text("{streams} ({packets}) belong to no call", "{streams} ({packets}) gehören zu keinem Anruf"),
)


def stray_streams(rtp_streams: pd.DataFrame, lang: Lang) -> list[str]:
    """A line on the media for which no call was found; the report and the table have them one by one."""
    strays = rtp_streams[rtp_streams["call"].isna()]
    if strays.empty:
        return []
    packets = counted(PACKETS_COUNTED, int(strays["packets"].sum()), lang)
    streams = counted(STREAMS_COUNTED, len(strays), lang)
    return [counted(STRAYS, len(strays), lang, streams=streams, packets=packets)]


LISTED = 3  # names in one line
QUARTER_MS, HOUR_MS = 15 * 60_000, 3_600_000  # time zones differ by quarters of an hour
FARTHEST_MS = 14 * HOUR_MS  # no time zone is farther from UTC

USED = Text("log {name}: {log_lines} about {legs}; {clock}", "Log {name}: {log_lines} zu {legs}; {clock}")
AHEAD = Text("its clock: {zone}, {ms} ms ahead{spread}", "seine Uhr: {zone}, {ms} ms vor{spread}")
BEHIND = Text("its clock: {zone}, {ms} ms behind{spread}", "seine Uhr: {zone}, {ms} ms nach{spread}")
WRONG = Text(
    "its clock is wrong by {hours:+.1f} h{spread}", "seine Uhr geht um {hours:+.1f} h falsch{spread}"
)
SPREAD = Text(" (spread {spread} ms)", " (Streuung {spread} ms)")
NO_CLOCK = Text("its clock is unknown", "seine Uhr ist unbekannt")
LOG_LINES = (Text("{count} line", "{count} Zeile"), Text("{count} lines", "{count} Zeilen"))
LOG_LEGS = (Text("{count} leg", "{count} Leg"), Text("{count} legs", "{count} Legs"))
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
LOG_WARNING = Text("warning: {name}: {line}", "Warnung: {name}: {line}")
BESIDE = Text(
    "FreeSWITCH logs beside the captures, not used (--fs-log uses them): {names}",
    "FreeSWITCH-Logs neben den Mitschnitten, nicht benutzt (--fs-log benutzt sie): {names}",
)
OTHERS = Text(
    "logs beside the captures that are not FreeSWITCH's and so cannot be read: {names}",
    "Logs neben den Mitschnitten, die nicht von FreeSWITCH sind und daher nicht gelesen werden: {names}",
)
MORE_LOGS = Text("{names} and {count} more", "{names} und {count} weitere")


def log_lines(
    logs: pd.DataFrame, beside: Sequence[Path], lang: Lang = "en", others: Sequence[Path] = ()
) -> list[str]:
    """A line per log that is used, and per warning; one for those not used; one for those ``beside``.

    ``others`` are not FreeSWITCH's; all of them are named, as nobody else says that they are there.
    """
    rows = [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in logs.to_dict("records")
    ]
    used = [row for row in rows if row["used"]]
    unused = [row for row in rows if row["used"] == 0]
    said = [_used_log(row, lang) for row in used]
    said += [_unused_logs(unused, lang)] if unused else []
    said += [
        LOG_WARNING.of(lang, name=row["capture"], line=in_language(line, lang))
        for row in rows
        if row["used"] != 0 and row["warnings"]
        for line in row["warnings"].splitlines()
    ]
    said += [BESIDE.of(lang, names=_names([path.name for path in beside], lang))] if beside else []
    said += [OTHERS.of(lang, names=", ".join(path.name for path in others))] if others else []
    return list(map(clean, said))


def _used_log(row: dict[str, Any], lang: Lang) -> str:
    return USED.of(
        lang,
        name=row["capture"],
        log_lines=_counted(LOG_LINES, row["used"], lang),
        legs=_counted(LOG_LEGS, row["calls"], lang),
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


def _unused_logs(rows: list[dict[str, Any]], lang: Lang) -> str:
    names = _names([_span(row, lang) for row in rows], lang)
    return UNUSED[len(rows) > 1].of(lang, names=names, count=len(rows))


def _span(row: dict[str, Any], lang: Lang) -> str:
    if row["first_time"] is None:
        return str(row["capture"])
    first, last = row["first_time"], row["last_time"]
    until = f"{last:%H:%M:%S}" if last.date() == first.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    return SPAN.of(lang, name=row["capture"], first=f"{first:%Y-%m-%d %H:%M:%S}", last=until)


def _names(names: list[str], lang: Lang) -> str:
    shown = ", ".join(names[:LISTED])
    more = len(names) - LISTED
    return MORE_LOGS.of(lang, names=shown, count=more) if more > 0 else shown


def _counted(texts: tuple[Text, Text], count: int, lang: Lang) -> str:
    return texts[count != 1].of(lang, count=count)
