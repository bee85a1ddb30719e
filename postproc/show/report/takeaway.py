"""What is taken out of the report: filters of a call and its legs, and the firewall hand-out."""

from collections.abc import Mapping
from dataclasses import dataclass

from postproc.model import filters
from postproc.model.tables import Tables
from postproc.model.text import Lang
from postproc.show import callfilters, firewall, handout, overview
from postproc.show.callfilters import call_ids
from postproc.show.overview import Line
from postproc.show.report.cells import COPIED, Copy, copies
from postproc.show.report.words import PAGE
from postproc.show.terminal import clean

LINES = 200  # of a hand-out


@dataclass(frozen=True)
class Shelf:
    """What all calls take from, made once per run."""

    lines: Mapping[int, Line]
    filters: Mapping[int, str]
    holes: Mapping[int, firewall.Hole]
    call_ids: Mapping[int, list[str]]


def shelf(tables: Tables) -> Shelf:
    return Shelf(
        {line.call: line for line in overview.lines(tables)},
        callfilters.call_filters(tables),
        firewall.holes(tables),
        call_ids(tables),
    )


def filters_of(call: int, held: Shelf, lang: Lang) -> tuple[Copy, ...]:
    """The whole call's display filter, that of the plug-in, one for each leg."""
    leg, ids = PAGE["leg"].of(lang), held.call_ids.get(call, [])
    legs = [(f"{leg} {n}", filters.equals("sip.Call-ID", [each]), None) for n, each in enumerate(ids, 1)]
    whole = (PAGE["whole_call"].of(lang), held.filters.get(call), None)
    return copies(whole, (PAGE["with_plugin"].of(lang), f"legs.call == {call}", None), *legs)


def hand_out(call: int, held: Shelf, lang: Lang) -> Copy:
    """The same lines as `postproc filter` prints, those cut that are longer than a page can bear."""
    lines = list(handout.lines(held.lines[call], held.filters.get(call, ""), held.holes.get(call), lang))
    kept = [clean(line) for line in lines[:LINES] if len(line) <= COPIED]
    left_out = len(lines) - len(kept)
    more = [PAGE["more"].of(lang, n=left_out)] if left_out else []
    return Copy(PAGE["handout"].of(lang), "\n".join([*kept, *more]), long=True)
