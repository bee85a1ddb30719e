"""What a run prints at its end: headlines, with -v walk and findings, then the logs used and not used."""

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
from postproc.show.zones import QUARTER_MS

STYLES = {"fault": "red", "suspect": "yellow", "failed": "red", "passed": "green", "cannot_tell": "yellow"}
LOG_WARNINGS = Text("warnings and errors in the log", "Warnungen und Fehler im Log")
TIMES = Text("{n} times", "{n}-mal")
SHOWN = 12  # frames listed: about one line of 80 columns; a choice, report and JSON have all of them
NOTHING: Mapping[int, Sequence[str]] = MappingProxyType({})


def headlines(
    lines: Sequence[Line], width: int | None, lang: Lang, between: Mapping[int, Sequence[str]] = NOTHING
) -> list[Styled]:
    """Return ``call 5: No Binding Success ...`` for each call whose verdict is not ok, folded to ``width``.

    ``between`` has the lines of ``lost_between``, which follow the headline of their call.
    """
    styled = []
    for line in lines:
        if line.verdict not in (None, "ok") and line.headline:
            text = f"{CALL_NUMBER.of(lang, call=line.call)}: {clean(line.headline)}"
            styled += [Styled(row, STYLES.get(line.verdict or "", "")) for row in folded(text, width, 2)]
            ways = (row for way in between.get(line.call, ()) for row in folded(f"  {way}", width, 4))
            styled += map(Styled, ways)
    return styled


def lost_between(tables: Tables, lang: Lang) -> dict[int, list[str]]:
    """Return call -> lines of loss: ``STUN packets, leg 1: server → WAN 17 of 17 · WAN → client 0 of 17``."""
    calls = Calls(tables)
    by_call = {call.number: list(_lost(call, lang)) for call in calls if call.passages}
    return {number: lines for number, lines in by_call.items() if lines}


def _lost(call: Call, lang: Lang) -> Iterator[str]:
    for stretches in courses(call):
        if any(stretch.lost for stretch in stretches):
            first = stretches[0]
            counts = [
                (stretch.origin.name, stretch.target.name, stretch.arrived, stretch.sent)
                for stretch in stretches
            ]
            leg = f", {LEG_NUMBER.of(lang, leg=first.leg)}" if first.leg is not None else ""
            yield clean(f"{word(PASSING, first.kind, lang)}{leg}: {way(counts, lang)}")


def details(tables: Tables, walks: Walks, width: int | None, lang: Lang) -> list[Styled]:
    """Return every call's walk, losses, media phases, findings with evidence and advice, and log warnings."""
    by_call: dict[int | None, list[Described]] = {}
    warnings = log_warnings(tables)
    for finding in of_table(tables.findings):
        by_call.setdefault(finding.call, []).append(finding)
    of_phases = by(load(PhaseRow, tables.phases), "call")
    between = lost_between(tables, lang)
    styled: list[Styled] = []
    for call, headline in zip(tables.calls["call"], tables.calls["headline"], strict=True):
        title = f"{CALL_NUMBER.of(lang, call=call)}: {clean(headline)}"
        styled += [Styled(""), *(Styled(part, "bold") for part in folded(title, width, 2))]
        styled += [line for step in walks.get(call, ()) for line in _step(step, width, lang)]
        if call in between:
            styled += map(Styled, [f"  {BETWEEN.of(lang)}", *(f"    {path}" for path in between[call])])
        styled += list(_phases(of_phases.get(call, ()), width, lang))
        styled += [line for finding in by_call.get(call, []) for line in _finding(finding, width, lang)]
        styled += _warnings(warnings.get(call, ()), width, lang)
    return styled


def beside_calls(tables: Tables, width: int | None, lang: Lang, *, verbose: bool) -> list[Styled]:
    """Return the findings that belong to no call, such as failed registrations or TLS handshakes."""
    styled: list[Styled] = []
    for finding in of_table(tables.findings[tables.findings["call"].isna()]):
        if verbose:
            styled += [Styled(""), *_finding(finding, width, lang)]
        else:
            text = f"{word(VERDICTS, finding.verdict, lang)}: {clean(finding.title)}"
            styled += [Styled(part, STYLES.get(finding.verdict, "")) for part in folded(text, width, 2)]
    return styled


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


def _finding(finding: Described, width: int | None, lang: Lang) -> Iterator[Styled]:
    indent = 4 if finding.caused_by else 2
    head = f"{' ' * indent}{finding.code} {word(VERDICTS, finding.verdict, lang)}: {clean(finding.title)}"
    for part in folded(head, width, indent + 2):
        yield Styled(part, STYLES.get(finding.verdict, ""))
    yield from _block(finding.detail, width, indent + 2)
    if finding.frames:
        frames = f"{FRAMES.of(lang)} {frame_list(finding.frames)} ({finding.capture})"
        yield from _block(frames, width, indent + 2)
    for title, lines in sections(finding):
        yield Styled(f"{' ' * (indent + 2)}{title.of(lang)}:")
        for line in lines:
            yield from _block(f"- {line}", width, indent + 4, hanging=2)


def _warnings(lines: Sequence[Quoted], width: int | None, lang: Lang) -> Iterator[Styled]:
    if lines:
        yield Styled(f"  {LOG_WARNINGS.of(lang)}:")
    for line in lines:
        times = f" ({TIMES.of(lang, n=line.times)})" if line.times > 1 else ""
        yield from _block(f"- {line.level} {line.text}{times} ({line.log}:{line.line})", width, 4, hanging=2)


def frame_list(frames: Sequence[int]) -> str:
    """Return ``19, 21``; of more than ``SHOWN`` frames the first, then an ellipsis."""
    return ", ".join(map(str, frames[:SHOWN])) + (" …" if len(frames) > SHOWN else "")


def sections(finding: Described) -> list[tuple[Text, tuple[str, ...]]]:
    """Return heading and lines of a finding's causes and remedies; empty unless it gives advice."""
    both = ((CAUSES, finding.causes), (REMEDIES, finding.remedies))
    return [(title, lines) for title, lines in both if lines and finding.advised]


def _block(text: str, width: int | None, indent: int, hanging: int = 0) -> Iterator[Styled]:
    for part in folded(f"{' ' * indent}{clean(text)}", width, indent + hanging):
        yield Styled(part)


UNCHANGED = Text(" ({n} unchanged, not read again)", " ({n} unverändert, nicht neu gelesen)")


def closing(calls: int, captures: int, unchanged: int, lang: Lang) -> str:
    """Return ``54 calls in 46 captures (46 unchanged, not read again)``."""
    text = counted(CALLS_IN_CAPTURES, captures, lang, calls=counted(CALLS, calls, lang))
    return text + (UNCHANGED.of(lang, n=unchanged) if unchanged else "")


STRAYS = (
    Text("{streams} ({packets}) belongs to no call", "{streams} ({packets}) gehört zu keinem Anruf"),
    Text("{streams} ({packets}) belong to no call", "{streams} ({packets}) gehören zu keinem Anruf"),
)


def stray_streams(rtp_streams: pd.DataFrame, lang: Lang) -> list[str]:
    """Return one line that counts the RTP streams of no call; empty if there are none."""
    strays = rtp_streams[rtp_streams["call"].isna()]
    if strays.empty:
        return []
    packets = counted(PACKETS_COUNTED, int(strays["packets"].sum()), lang)
    streams = counted(STREAMS_COUNTED, len(strays), lang)
    return [counted(STRAYS, len(strays), lang, streams=streams, packets=packets)]


LISTED = 3  # names in one line; a choice: the rest is counted
HOUR_MS = 3_600_000
FARTHEST_MS = 14 * HOUR_MS  # UTC+14 (Pacific/Kiritimati) is the zone farthest from UTC in the IANA database

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
    """Return one line per log used, one per warning, one for all logs not used, and one for those not given.

    ``beside`` are FreeSWITCH logs found beside the captures; ``others`` are logs of other programs there, all
    of which are named since no other output mentions them.
    """
    rows = [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in logs.to_dict("records")
    ]
    used = [row for row in rows if row["used"]]
    unused = [row for row in rows if row["used"] == 0]
    lines = [_used_log(row, lang) for row in used]
    lines += [_unused_logs(unused, lang)] if unused else []
    lines += [
        LOG_WARNING.of(lang, name=row["capture"], line=in_language(line, lang))
        for row in rows
        if row["used"] != 0 and row["warnings"]
        for line in row["warnings"].splitlines()
    ]
    lines += [BESIDE.of(lang, names=_names([path.name for path in beside], lang))] if beside else []
    lines += [OTHERS.of(lang, names=", ".join(path.name for path in others))] if others else []
    return list(map(clean, lines))


def _used_log(row: dict[str, Any], lang: Lang) -> str:
    return USED.of(
        lang,
        name=row["capture"],
        log_lines=_counted(LOG_LINES, row["used"], lang),
        legs=_counted(LOG_LEGS, row["calls"], lang),
        clock=_clock(row["offset_ms"], row["spread_ms"], row["anchors"], lang),
    )


def _clock(offset: float | None, spread: float | None, anchors: int | None, lang: Lang) -> str:
    """Describe the log's offset from UTC as a time zone and the remainder as skew of its clock."""
    if offset is None:
        return NO_CLOCK.of(lang)
    spread_note = SPREAD.of(lang, spread=round(spread or 0)) if (anchors or 0) > 1 else ""
    if abs(offset) > FARTHEST_MS:
        return WRONG.of(lang, hours=offset / HOUR_MS, spread=spread_note)
    zone = round(offset / QUARTER_MS) * QUARTER_MS
    hours, minutes = divmod(abs(zone) // 60_000, 60)
    name = f"UTC{'-' if zone < 0 else '+'}{hours}" + (f":{minutes:02}" if minutes else "") if zone else "UTC"
    skew = round(offset - zone)
    return (BEHIND if skew < 0 else AHEAD).of(lang, zone=name, ms=abs(skew), spread=spread_note)


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
