"""The report: a run's tables as plain data, and the HTML file made from it, which needs no other file.

A page must open at once wherever it is read. So of very many calls only the worst are shown in full, and of
many only the worst and a few good ones have pictures: pictures cost as much as all else of a call. Templates
escape everything but the SVG that ``show.pictures`` made. The content security policy allows this page's own
script and style, known by their hashes, no text to become markup or code (Trusted Types), and no request.
"""

import base64
import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from postproc.files.private import replace_file
from postproc.model.calls import Call, Calls
from postproc.model.clocks import on_one_clock
from postproc.model.described import Described, of_table
from postproc.model.loading import load
from postproc.model.messages import in_language
from postproc.model.rows import CaptureRow, LogRow, RtpStreamRow
from postproc.model.tables import Tables
from postproc.model.text import Lang
from postproc.model.vocabulary import CALLS, CAPTURES, PACKETS_COUNTED, counted
from postproc.show import colors, pictures
from postproc.show.report.calls import RANKS, Detail, Entry, detail, entry, shelf
from postproc.show.report.cells import Sheet, clock, day, shown
from postproc.show.report.compiled import Compiled
from postproc.show.report.findings import Box, Card, boxes, cards
from postproc.show.report.messages import NO_TEXTS, Texts
from postproc.show.report.sheets import stray_streams
from postproc.show.report.summary import Summary, by_rank, summary
from postproc.show.report.way_in import first_chart
from postproc.show.report.words import PAGE, page, verdict_word
from postproc.show.store import NOTHING, Answers, Walks
from postproc.show.zones import LOCAL, LOG, by_name, log_minutes

# Choices that bound the page's size and loading time, which grow in proportion to them:
DETAILED = 500  # calls shown in full
PICTURED = 250  # calls with pictures
WELL = 10  # of them, calls that are ok; each costs 10 ms and 50 KB
PICTURE_BYTES = 8_000_000  # of all pictures together
ROWS_SHOWN = 200  # rows of calls that scripts show at once: 5,000 take a browser two seconds to lay out
CALLS_OVER_TIME = 3  # calls from which on there is a picture of all; fewer are told apart in the list


@dataclass(frozen=True)
class Limits:
    """Upper bounds of a report; with ``calls``, only these calls, by number, are shown."""

    detailed: int = DETAILED
    pictured: int = PICTURED
    well: int = WELL
    picture_bytes: int = PICTURE_BYTES
    calls: Collection[int] = ()


class File(NamedTuple):
    """A capture or a log: its description and its warnings."""

    name: str
    facts: str
    warnings: tuple[str, ...]


class Report(NamedTuple):
    """Everything the page shows; ``verdicts`` are (name, word, number of calls), worst first."""

    lang: Lang
    version: str
    run: str  # its id
    when: str
    verdicts: tuple[tuple[str, str, int], ...]
    summary: Summary | None
    entries: tuple[Entry, ...]  # worst first
    details: tuple[Detail, ...]
    beside: tuple[Card, ...]  # findings that belong to no call
    way_in: tuple[Box, ...]  # the first chart, where captures show anything of it
    captures: tuple[File, ...]
    logs: tuple[File, ...]
    unread: tuple[tuple[str, str], ...]
    strays: Sheet | None  # media of no call
    overview: str  # an SVG element; "" for fewer than CALLS_OVER_TIME calls
    log_minutes: int | None = None  # by which the log's zone is ahead of UTC
    zone: str = LOCAL  # of the times shown at first, as ``zones.zone`` takes it

    @property
    def detailed(self) -> frozenset[int]:
        return frozenset(item.entry.number for item in self.details)

    @property
    def read(self) -> str:
        """The capture's name, or how many captures there are."""
        if len(self.captures) == 1:
            return self.captures[0].name
        return counted(CAPTURES, len(self.captures), self.lang)

    @property
    def counted(self) -> str:
        return counted(CALLS, len(self.entries), self.lang)

    @property
    def zone_names(self) -> dict[str, str]:
        """Names of the zones to choose from, by value."""
        names = {"viewer": PAGE["zone_viewer"].of(self.lang), "utc": "UTC"}
        if self.log_minutes is not None:
            names[LOG] = PAGE["zone_log"].of(self.lang)
        return names | ({"named": self.zone} if by_name(self.zone) else {})

    @property
    def first_zone(self) -> str:
        """The zone selected at first: UTC where the log's is asked for and unknown, as in the terminal."""
        word = "named" if by_name(self.zone) else self.zone.lower()
        return {LOCAL: "viewer", LOG: LOG if self.log_minutes is not None else "utc"}.get(word, word)

    @property
    def one_day(self) -> bool:
        return len({row.day for row in self.entries}) < 2

    @property
    def warnings(self) -> int:
        return sum(len(file.warnings) for file in (*self.captures, *self.logs)) + len(self.unread)


def report(
    tables: Tables,
    walks: Walks,
    lang: Lang,
    *,
    unread: Iterable[tuple[str, str]] = (),
    answers: Answers = NOTHING,
    place: Path | None = None,
    texts: Texts = NO_TEXTS,
    version: str = "",
    run: str = "",
    limits: Limits = Limits(),
    zone: str = LOCAL,
) -> Report:
    """Return what the page shows of a run; ``unread`` are files and why they were not read.

    ``answers`` are texts for mails; ``place`` is the folder of the results, in which the shown commands are
    to be run; ``texts`` are those of SIP messages; ``zone`` is that of the times shown at first.
    """
    calls, shared = Calls(tables, on_one_clock(tables)), shelf(tables, answers, place, texts)
    described = list(of_table(tables.findings))
    by_call = _by_call(described)
    beside = cards(0, by_call[None], lang)
    shown_calls = [call for call in calls if not limits.calls or call.number in limits.calls]
    entries = [entry(call, shared.lines[call.number], by_call[call.number], lang) for call in shown_calls]
    worst = _worst(entries, limits.detailed)
    in_full = Calls(tables, on_one_clock(tables), only={row.number for row in worst})
    details = [
        detail(in_full[row.number], row, by_call[row.number], walks, shared, lang=lang) for row in worst
    ]
    return Report(
        lang=lang,
        version=version,
        run=run,
        when=_when(calls.captures),
        verdicts=_counts(entries, lang),
        summary=summary(entries, by_call, walks, lang),
        entries=tuple(sorted(entries, key=by_rank)),
        beside=beside,
        way_in=() if limits.calls else boxes(0, first_chart(tables, described, lang), beside, lang),
        details=tuple(_with_pictures(details, in_full, lang, limits)),
        captures=tuple(_captures(calls.captures, lang)),
        logs=tuple(_logs(load(LogRow, tables.logs), lang)),
        unread=tuple((shown(path), shown(in_language(reason, lang), 600)) for path, reason in unread),
        strays=None if limits.calls else stray_streams(calls.of_none(RtpStreamRow, "rtp_streams"), lang),
        overview=_overview(entries, calls, lang, limits),
        log_minutes=log_minutes(tables.logs),
        zone=zone,
    )


def _by_call(findings: Iterable[Described]) -> defaultdict[int | None, list[Described]]:
    by_call: defaultdict[int | None, list[Described]] = defaultdict(list)
    for finding in findings:
        by_call[finding.call].append(finding)
    return by_call


def _worst(entries: Sequence[Entry], limit: int) -> list[Entry]:
    """Return the worst ``limit`` calls, in the order of their numbers."""
    selected = sorted(entries, key=by_rank)[:limit]
    return sorted(selected, key=lambda row: row.number)


def _with_pictures(details: Sequence[Detail], calls: Calls, lang: Lang, limits: Limits) -> list[Detail]:
    """Add pictures to the worst and a few good calls, up to the limits."""
    ranked = sorted((item.entry.rank, item.entry.number) for item in details)
    good_calls = [number for rank, number in ranked if rank == RANKS["ok"]]
    left_out = set() if limits.calls else set(good_calls[limits.well :])
    by_call: dict[int, dict[str, str]] = {}
    by_number = {item.entry.number: item for item in details}
    room = limits.picture_bytes
    for number in [number for _, number in ranked if number not in left_out][: limits.pictured]:
        drawn = _drawn(calls[number], lang, by_number[number].messages.anchors)
        room -= sum(map(len, drawn.values()))
        if room < 0:
            break
        by_call[number] = drawn
    return [replace(item, pictures=by_call.get(item.entry.number, {})) for item in details]


def _drawn(call: Call, lang: Lang, links: pictures.svg.Links) -> dict[str, str]:
    """Return the pictures that show anything."""
    empty = {"bindings": not call.bindings, "media": not call.rtp_streams}
    return {
        name: element for name, element in pictures.svgs(call, lang, links).items() if not empty.get(name)
    }


def _overview(entries: Sequence[Entry], calls: Calls, lang: Lang, limits: Limits) -> str:
    if len(entries) < CALLS_OVER_TIME or limits.calls:
        return ""
    return pictures.overview_svg((call.call for call in calls), lang)


def _counts(entries: Sequence[Entry], lang: Lang) -> tuple[tuple[str, str, int], ...]:
    verdicts = [row.verdict for row in entries]
    return tuple((name, verdict_word(name, lang), verdicts.count(name)) for name in RANKS if name in verdicts)


def _when(captures: Sequence[CaptureRow]) -> str:
    """Return the time from the first packet to the last, in UTC."""
    times = [time for row in captures for time in (row.first_time, row.last_time) if time is not None]
    return _from_to(min(times), max(times)) if times else ""


def _from_to(first: pd.Timestamp, last: pd.Timestamp) -> str:
    until = clock(last)[:8] if day(first) == day(last) else f"{day(last)} {clock(last)[:8]}"
    return f"{day(first)} {clock(first)[:8]} – {until} UTC"


def _captures(captures: Iterable[CaptureRow], lang: Lang) -> Iterable[File]:
    for row in captures:
        times = ""
        if row.first_time is not None and row.last_time is not None:
            times = _from_to(row.first_time, row.last_time)
        packets = counted(PACKETS_COUNTED, row.packets, lang) if row.packets is not None else ""
        facts = [packets, times, shown(row.interfaces) if row.interfaces else ""]
        yield File(shown(row.capture), " · ".join(filter(None, facts)), _lines(row.warnings, lang))


def _logs(logs: Iterable[LogRow], lang: Lang) -> Iterable[File]:
    for row in logs:
        used = PAGE["log_used"].of(lang, used=row.used or 0, lines=row.lines or 0)
        yield File(shown(row.capture), used, _lines(row.warnings, lang))


def _lines(warnings: str | None, lang: Lang) -> tuple[str, ...]:
    return tuple(shown(in_language(line, lang), 600) for line in (warnings or "").splitlines() if line)


FOLDER = Path(__file__).parent
NAME = "report.html"
POLICY = (
    "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{early}' 'sha256-{script}'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
# Runs before anything is drawn, so that long tables start short where scripts run, without a second layout.
EARLY = 'document.documentElement.classList.add("js");'
LEGS = {"leg1": colors.LEG_1, "leg2": colors.LEG_2, "legs": colors.FURTHER_LEG}


def html(report: Report) -> str:
    """Return the whole page."""
    script, style = _read("page.js"), _leg_style() + _read("page.css")  # trusted: part of the package
    template = _environment().get_template("page.html.j2")
    return template.render(
        report=report,
        t=SimpleNamespace(**page(report.lang)),
        policy=POLICY.format(early=_hash(EARLY), script=_hash(script), style=_hash(style)),
        rows_shown=ROWS_SHOWN,
        style=Markup(style),
        early=Markup(EARLY),
        script=Markup(script),
    )


def write(report: Report, path: Path) -> None:
    """Write the page; raises OSError if that fails."""
    save(html(report), path)


def save(text: str, path: Path) -> None:
    """Write a page already rendered; raises OSError if that fails."""
    replace_file(path, lambda place: place.write_bytes(text.encode("utf-8", "replace")))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        bytecode_cache=Compiled(FOLDER / "__pycache__"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn: Callable[[str], Markup] = Markup
    environment.filters["drawn"] = drawn  # SVG elements, escaped where they are made
    environment.filters["breakable"] = _breakable
    return environment


def _breakable(name: str) -> Markup:
    """Mark where the name of a file may be broken: after a separator, not within a word."""
    return Markup("<wbr>").join(re.split(r"(?<=[/_.-])", name))


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the hash by which a content security policy allows a script or style (CSP level 3, 2.3.1)."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _leg_style() -> str:
    """Return CSS variables with the legs' colors, which are those of Wireshark's profile."""
    rules = (f"--{name}:{color.fill};--{name}-text:{color.text}" for name, color in LEGS.items())
    return f":root{{{';'.join(rules)}}}\n"
