"""A call of the report: its row in the overview, its details, and what to take along."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from postproc.model import filters
from postproc.model.calls import Call
from postproc.model.described import Described
from postproc.model.rows import CallRow
from postproc.model.tables import Tables
from postproc.model.text import Lang
from postproc.model.vocabulary import joined
from postproc.show import calls, firewall, handout, selection
from postproc.show.calls import Line
from postproc.show.report import between, sheets, takeaway
from postproc.show.report.cells import (
    COPIED,
    NONE,
    Cell,
    Copy,
    Sheet,
    clock,
    copies,
    day,
    moment,
    shown,
    span,
)
from postproc.show.report.findings import Box, Card, boxes, cards, flat
from postproc.show.report.messages import NO_TEXTS, Messages, Texts, messages
from postproc.show.report.sheets import Offered, offered
from postproc.show.report.words import PAGE, verdict_word
from postproc.show.selection import Quoted, call_ids, log_warnings
from postproc.show.store import NOTHING, Answers, Walks
from postproc.show.terminal import clean

LINES = 200  # of a hand-out; a choice: `postproc filter` prints all


@dataclass(frozen=True)
class Shelf:
    """What the details of all calls draw on, computed once per run."""

    lines: Mapping[int, Line]
    filters: Mapping[int, str]
    holes: Mapping[int, firewall.Hole]
    call_ids: Mapping[int, list[str]]
    warned: Mapping[int, list[Quoted]]
    of_several: bool  # captures
    answers: Answers = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)  # of captures, by name
    place: Path | None = None  # the folder of the results
    texts: Texts = field(default_factory=dict)  # of SIP messages


def shelf(
    tables: Tables, answers: Answers = NOTHING, place: Path | None = None, texts: Texts = NO_TEXTS
) -> Shelf:
    return Shelf(
        {line.call: line for line in calls.call_lines(tables)},
        selection.call_filters(tables),
        firewall.holes(tables),
        call_ids(tables),
        log_warnings(tables),
        len(tables.captures) > 1,
        answers,
        dict(tables.captures.dropna(subset=["path"])[["capture", "path"]].itertuples(index=False, name=None)),
        place,
        texts,
    )


def filters_of(call: int, shared: Shelf, lang: Lang) -> tuple[Copy, ...]:
    """Return display filters.

    Of the whole call, by the plug-in, which numbers one capture's calls, and by leg.
    """
    leg, ids = PAGE["leg"].of(lang), shared.call_ids.get(call, [])
    legs = [
        (f"{leg} {n}", filters.equals("sip.Call-ID", [call_id]), None) for n, call_id in enumerate(ids, 1)
    ]
    whole = (PAGE["whole_call"].of(lang), shared.filters.get(call), None)
    plugin = [] if shared.of_several else [(PAGE["with_plugin"].of(lang), f"legs.call == {call}", None)]
    return copies(whole, *plugin, *legs)


def hand_out(call: int, shared: Shelf, lang: Lang) -> Copy:
    """Return the lines that `postproc filter` prints, without those that are too long for a page."""
    filters, hole = shared.filters.get(call, ""), shared.holes.get(call)
    lines = list(handout.handout(shared.lines[call], filters, hole, lang, of_several=shared.of_several))
    shown_lines = [clean(line) for line in lines[:LINES] if len(line) <= COPIED]
    left_out = len(lines) - len(shown_lines)
    more = [PAGE["more"].of(lang, n=left_out)] if left_out else []
    return Copy(PAGE["handout"].of(lang), "\n".join([*shown_lines, *more]), long=True)


RANKS = {verdict: rank for rank, verdict in enumerate(("fault", "suspect", "cannot_tell", "ok"))}
SEARCHED = ("call_id", "uac_addr", "uas_addr", "from_user", "to_user")  # of a leg
WORDS = 800  # characters of a call that can be searched for; a choice: 10,000 calls take 8 MB of the page


class Entry(NamedTuple):
    """A call's row in the overview; ``words`` is the text that a search looks through."""

    number: int
    verdict: str
    word: str
    rank: int
    cause: str | None  # name of the rule whose finding is the root cause
    headline: str
    captures: str
    day: str
    time: str
    moment: str
    start: int
    parties: str
    legs: Cell
    status: Cell
    checks: tuple[Cell, Cell]
    dtls: Cell
    media: tuple[Cell, Cell]
    words: str


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything shown of a call."""

    entry: Entry
    duration: str
    joined: str
    ambiguous: bool
    steps: tuple[Box, ...]
    findings: tuple[Card, ...]
    warned: Sheet | None
    candidates: Offered
    sheets: tuple[Sheet, ...]
    filters: tuple[Copy, ...]
    handout: Copy
    commands: tuple[Copy, ...]
    answers: tuple[Copy, ...]
    messages: Messages = field(default_factory=Messages)
    pictures: dict[str, str] = field(default_factory=dict)  # SVG elements by name

    @property
    def troubled(self) -> bool:
        return self.entry.verdict in ("fault", "suspect")


def entry(call: Call, line: Line, findings: Sequence[Described], lang: Lang) -> Entry:
    """Return the call's row in the overview."""
    row = call.call
    verdict = line.verdict if line.verdict in RANKS else "cannot_tell"
    parties = f"{shown(line.from_user, 60)} → {shown(line.to_user, 60)}"
    cells = calls.cells(line, lang)
    return Entry(
        number=row.call,
        verdict=verdict,
        word=verdict_word(verdict, lang),
        rank=RANKS[verdict],
        cause=row.cause,
        headline=shown(line.headline, 600),
        captures=", ".join(shown(name, 120) for name in _captures(call)),
        day=day(row.start),
        time=clock(row.start)[:8],
        moment=moment(row.start),
        start=row.start.value if row.start is not None else 0,
        parties=parties,
        legs=_figure(cells.legs),
        status=_figure(cells.status),
        checks=_figures(cells.checks),
        dtls=Cell(*cells.dtls),
        media=_figures(cells.media),
        words=_words(call, findings),
    )


def detail(
    call: Call,
    overview_entry: Entry,
    findings: Sequence[Described],
    walks: Walks,
    shelf: Shelf,
    *,
    lang: Lang,
) -> Detail:
    """Return everything shown of a call but its pictures."""
    row, number = call.call, overview_entry.number
    tree = cards(number, findings, lang)
    makers = (
        between.passages,
        between.rewritten,
        sheets.phases,
        sheets.pairs,
        sheets.bindings,
        sheets.handshakes,
        sheets.streams,
        sheets.legs,
    )
    return Detail(
        entry=overview_entry,
        duration=span(row.start, row.end, lang),
        joined=_joined(row, lang),
        ambiguous=bool(row.ambiguous),
        steps=boxes(number, walks.get(number, ()), flat(tree), lang),
        findings=tree,
        warned=sheets.log_warnings(shelf.warned.get(number, ()), lang),
        candidates=offered(call, lang),
        sheets=tuple(table for make in makers if (table := make(call, lang)) is not None),
        filters=filters_of(number, shelf, lang),
        handout=hand_out(number, shelf, lang),
        commands=tuple(
            Copy(line.split()[1] if line.startswith("postproc ") else "Wireshark", line)
            for line in takeaway.commands(call, shelf.filters.get(number, ""), shelf.paths, shelf.place)
        ),
        messages=messages(call, shelf.texts),
        answers=takeaway.answers(
            shelf.lines[number],
            shelf.answers,
            shelf.holes.get(number),
            shelf.call_ids.get(number, []),
            lang,
        ),
    )


def _captures(call: Call) -> list[str]:
    names = [call.call.capture, *(leg.capture for leg in call.legs)]
    return list(dict.fromkeys(names))


def _joined(row: CallRow, lang: Lang) -> str:
    if (row.legs or 0) < 2:
        return ""
    confidence = f" ({100 * row.joined_confidence:.0f} %)" if row.joined_confidence is not None else ""
    return shown(joined(row.joined_by, lang) or NONE) + confidence


def _figure(cell: calls.Cell) -> Cell:
    return Cell(cell.text, f"figure {cell.rating}".strip())


def _figures(both: tuple[calls.Cell, calls.Cell]) -> tuple[Cell, Cell]:
    return _figure(both[0]), _figure(both[1])


def _words(call: Call, findings: Sequence[Described]) -> str:
    """Return the search text: Call-IDs, addresses, rules and titles, which the row itself does not show."""
    texts = [getattr(leg, name) for leg in call.legs for name in SEARCHED]
    texts += [word for finding in findings for word in (finding.code, finding.name)]
    texts += [call.call.capture] + [row.addr for row in call.candidates]
    texts += [finding.title for finding in findings]
    unique = dict.fromkeys(shown(word, 120).lower() for word in texts if word)
    return " ".join(unique)[:WORDS]
