"""Candidate pairs and bindings of a call as sheets."""

from itertools import groupby

from postproc.model.text import Lang
from postproc.model.vocabulary import DIRECTIONS, DTLS_STATES, OUTCOMES, PAIR_STATES, PURPOSES, word
from postproc.show.report.cells import (
    Cell,
    Sheet,
    amount,
    clock,
    code,
    decimal,
    leg_cell,
    place,
    sheet,
    shown,
    span,
)
from postproc.show.report.rows import CallRows, Row, Rows
from postproc.show.report.words import HEADINGS

MOST = 100
NAMED = 2  # frames of bindings in one row
STATE_KINDS = {"succeeded": "good", "half": "doubt", "failed": "bad", "never_checked": "faint"}
OUTCOME_KINDS = {
    "success": "good",
    "error": "bad",
    "unanswered": "bad",
    "pending": "doubt",
    "response_only": "faint",
}
DTLS = {"complete": "good"}


def pairs(call: CallRows, lang: Lang) -> Sheet | None:
    """One row per candidate pair seen in checks."""
    columns = "leg local remote answered errors nominated dtls media state"
    return sheet("pairs", lang, columns, [_pair(row, lang) for row in call["pairs"]], MOST)


def _pair(row: Row, lang: Lang) -> tuple[Cell, ...]:
    return (
        leg_cell(row.leg),
        code(_end(row.local_addr, row.local_port, row.local_type)),
        code(_end(row.remote_addr, row.remote_port, row.remote_type)),
        Cell(f"{row.answered or 0}/{row.sent or 0}", "figure"),
        Cell(amount(row.errors), "figure bad" if row.errors else "figure faint"),
        Cell(HEADINGS["yes" if row.nominated else "no"].of(lang), "" if row.nominated else "faint"),
        Cell(
            shown(word(DTLS_STATES, row.dtls, lang)),
            DTLS.get(row.dtls or "", "doubt") if row.dtls else "faint",
        ),
        Cell(amount(row.media_packets), "figure"),
        Cell(shown(word(PAIR_STATES, row.state, lang)), STATE_KINDS.get(row.state or "", "")),
    )


def _end(addr: str | None, port: int | None, kind: str | None) -> str:
    return f"{place(addr, port)} {shown(kind)}" if kind else place(addr, port)


def bindings(call: CallRows, lang: Lang) -> Sheet | None:
    """Bindings in the order of time; equal ones that follow each other are one row."""
    columns = "time leg purpose direction from to requests outcome rtt seen_as frames"
    ordered = sorted(call["bindings"], key=lambda row: row.time or 0)
    rows = [_binding(list(held), lang) for _, held in groupby(ordered, key=_alike)]
    return sheet("bindings", lang, columns, rows, MOST)


def _alike(row: Row) -> tuple[object, ...]:
    ends = (row.src_addr, row.src_port, row.dst_addr, row.dst_port)
    seen = (row.mapped_addr, row.mapped_port, row.icmp)
    return row.capture, row.leg, row.purpose, row.direction, ends, row.outcome, row.error_code, seen


def _binding(held: Rows, lang: Lang) -> tuple[Cell, ...]:
    row = held[0]
    requests = sum(each.requests or 0 for each in held)
    direction = word(DIRECTIONS, row.direction, lang) if row.direction != "other" else None
    return (
        Cell(clock(row.time), "figure"),
        leg_cell(row.leg),
        Cell(shown(word(PURPOSES, row.purpose, lang))),
        Cell(shown(direction)),
        code(place(row.src_addr, row.src_port)),
        code(place(row.dst_addr, row.dst_port)),
        Cell(str(requests), "figure"),
        Cell(_outcome(held, lang), OUTCOME_KINDS.get(row.outcome or "", "")),
        Cell(_round_trips(held, lang), "figure"),
        code(place(row.mapped_addr, row.mapped_port)),
        Cell(_frames(held), "figure"),
    )


def _outcome(held: Rows, lang: Lang) -> str:
    """Like ``error 487``, ``12 × unanswered, ICMP 3 (11.0 s)``."""
    row, last = held[0], held[-1]
    number = f" {row.error_code}" if row.outcome == "error" and row.error_code is not None else ""
    icmp = f", ICMP {row.icmp}" if row.icmp is not None else ""
    told_as = f"{shown(word(OUTCOMES, row.outcome, lang))}{number}{icmp}"
    return f"{len(held)} × {told_as} ({span(row.time, last.time, lang)})" if len(held) > 1 else told_as


def _round_trips(held: Rows, lang: Lang) -> str:
    took = [row.rtt_ms for row in held if row.rtt_ms is not None]
    if not took:
        return "–"
    least, most = decimal(min(took), lang), decimal(max(took), lang)
    return f"{least} ms" if least == most else f"{least}–{most} ms"


def _frames(held: Rows) -> str:
    """Request and response: ``12→14``; of many the first and how many more."""
    named = [f"{row.frame}→{row.response_frame}" if row.response_frame else f"{row.frame}" for row in held]
    return ", ".join(named[:NAMED]) + (" …" if len(named) > NAMED else "")
