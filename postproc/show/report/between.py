"""Sheets that compare the places of a call: packets that passed between them, SIP that was rewritten."""

from postproc.model.calls import Call
from postproc.model.text import Lang
from postproc.model.transit import Alteration, Spot, Transit, alterations, spots, transits
from postproc.model.vocabulary import PASSING, PLACES, word
from postproc.show.report.cells import Cell, Sheet, code, leg_cell, millis, place, sheet, shown, time_cell

MOST_STRETCHES, MOST_LINES = 60, 40  # rows shown; a choice: the table passages has all


def passages(call: Call, lang: Lang) -> Sheet | None:
    """Return one row per leg, kind, direction and stretch."""
    columns = "leg kind stretch sent arrived lost first_lost last_lost delay from to"
    return sheet(
        "passages", lang, columns, [_stretch(transit, lang) for transit in transits(call)], MOST_STRETCHES
    )


def _stretch(transit: Transit, lang: Lang) -> tuple[Cell, ...]:
    lost = "bad" if not transit.arrived else "doubt" if transit.lost else "faint"
    widest = max(transit.flows, key=lambda row: row.sent)
    return (
        leg_cell(transit.leg),
        Cell(shown(word(PASSING, transit.kind, lang))),
        Cell(f"{_name(transit.origin, lang)} → {_name(transit.target, lang)}"),
        Cell(str(transit.sent), "figure"),
        Cell(str(transit.arrived), "figure"),
        Cell(str(transit.lost), f"figure {lost}"),
        time_cell(transit.first_lost),
        time_cell(transit.last_lost),
        Cell(millis(transit.delay_ms, lang), "figure"),
        code(place(widest.from_src_addr, widest.from_src_port)),
        code(place(widest.from_dst_addr, widest.from_dst_port)),
    )


def _name(spot: Spot, lang: Lang) -> str:
    return shown(word(PLACES, spot.name, lang), 60)


def rewritten(call: Call, lang: Lang) -> Sheet | None:
    """Return one row per line of a SIP message that differs between two captures, side by side."""
    names = {spot.capture: _name(spot, lang) for spot in spots(call)}
    rows = [row for altered in alterations(call) for row in _lines(call, altered, names)]
    return sheet("sip_messages", lang, "message line here there", rows, MOST_LINES)


def _lines(call: Call, altered: Alteration, names: dict[str, str]) -> list[tuple[Cell, ...]]:
    labels = [
        f"{names.get(call.place(row.capture), shown(row.capture, 60))} #{row.frame}"
        for row in (altered.message, altered.other)
    ]
    return [
        (
            Cell(shown(altered.name, 60)),
            Cell(shown(line.what, 60)),
            Cell(f"{labels[0]}: {shown(line.here, 200)}", "code long"),
            Cell(f"{labels[1]}: {shown(line.there, 200)}", "code long"),
        )
        for line in altered.lines
    ]
