"""The bindings of a call: one row per candidate pair, attempts of both ways by outcome, silence.

Marks above a row's middle are checks of the local side (the server's), below it
those of the remote side. Pairs nobody checked are listed without marks.
"""

from collections.abc import Iterator
from itertools import pairwise

from postproc.model.text import Lang
from postproc.model.vocabulary import count
from postproc.show import colors
from postproc.show.colors import MUTED
from postproc.show.pictures import axis, heading
from postproc.show.pictures.cut import CallRows, Row, Rows
from postproc.show.pictures.lanes import Frame, Lane, Rule, Tick, baseline, legend, place
from postproc.show.pictures.lettering import plain
from postproc.show.pictures.picture import DOTTED, Label, Picture
from postproc.show.pictures.records import NS_PER_S
from postproc.show.pictures.records import place as address
from postproc.show.pictures.timeline import OUTCOMES
from postproc.show.pictures.wording import duration, say

LEFT, NAMES, PLOT, NOTES, HIGH = 14.0, 220.0, 490.0, 150.0, 34.0
UP = 8.0  # how far marks stand from the middle of a row
SILENCE_S = 5.0  # longer without any answer is silence: five checks of a second, one of RFC 7675
MOST = 30  # rows


def bindings(tables: CallRows, lang: Lang = "en") -> Picture:
    """Lay out the bindings of a call."""
    checks = [row for row in tables.bindings if row.purpose == "check" and row.time is not None]
    pairs = sorted(
        tables.pairs, key=lambda pair: (pair.leg or 0, pair.first_time is None, pair.first_time or 0)
    )
    ends = _span(tables, checks)
    lanes = [_lane(pair, _of(pair, checks), lang) for pair in pairs[:MOST]]
    right = LEFT + NAMES + PLOT
    where = Frame(LEFT, axis.around(ends, LEFT + NAMES, right), right + 8, heading.HIGH + 4)
    bottom = where.top + max(HIGH * len(lanes), 20.0)
    picture = Picture(right + NOTES, bottom + 46, heading.title(tables, "bindings", lang))
    heading.write(picture, tables, "bindings", LEFT, lang)
    place(picture, lanes, where)
    if not lanes:
        picture.write(Label(LEFT, where.top + 8, say("none_bindings", lang), 8, color=MUTED))
        return picture
    baseline(picture, where, bottom)
    axis.write(picture, where.axis, where.top, bottom, lang)
    _foot(picture, bottom + 26, len(pairs) - len(lanes), lang)
    return picture


def _span(tables: CallRows, checks: Rows) -> list[int]:
    """From the first to the last that is known of the call: silence at its end is seen."""
    held = [row.time for row in checks]
    held += [time for call in tables.calls for time in (call.start, call.end) if time is not None]
    held += [pair.last_time for pair in tables.pairs if pair.last_time is not None]
    return [min(held), max(held)] if held else []


def _of(pair: Row, checks: Rows) -> list[tuple[Row, bool]]:
    """A pair's checks, and whether its local side sent them."""
    local, remote = (pair.local_addr, pair.local_port), (pair.remote_addr, pair.remote_port)
    found: list[tuple[Row, bool]] = []
    for row in checks:
        if row.capture == pair.capture and row.leg == pair.leg:
            ends = (row.src_addr, row.src_port), (row.dst_addr, row.dst_port)
            if ends in ((local, remote), (remote, local)):
                found.append((row, ends[0] == local))
    return sorted(found, key=lambda item: item[0].time)


def _lane(pair: Row, checks: list[tuple[Row, bool]], lang: Lang) -> Lane:
    local, remote = (
        f"{address(plain(addr) or None, port) or '?'} {kind or ''}".strip()
        for addr, port, kind in (
            (pair.local_addr, pair.local_port, pair.local_type),
            (pair.remote_addr, pair.remote_port, pair.remote_type),
        )
    )
    return Lane(
        local, pair.leg, colors.CHECK, below=f"↔ {remote}", note=_note(pair, lang), high=HIGH,
        ticks=[_tick(row, own) for row, own in checks],
        rules=list(_silences([row for row, _ in checks], lang)),
    )  # fmt: skip


def _tick(row: Row, own: bool) -> Tick:
    color = colors.REFUSED.line if row.outcome == "error" else colors.CHECK.line
    return Tick(row.time, OUTCOMES.get(row.outcome, "dot"), color, UP if own else -UP)


def _note(pair: Row, lang: Lang) -> str:
    if not pair.sent:
        return say("never_checked", lang)
    said = say("of_answered", lang, good=count(pair.answered or 0, lang), all=count(pair.sent, lang))
    if pair.nominated:
        said += ", " + say("nominated", lang)
    return said


def _silences(checks: Rows, lang: Lang) -> Iterator[Rule]:
    """Times in which checks are sent on a pair and none is answered."""
    asked = [row.time for row in checks]
    if not asked:
        return
    good = [row.time for row in checks if row.outcome == "success"]
    last = max(asked)
    for begin, end in pairwise([min(asked), *good, last]):
        if end - begin > SILENCE_S * NS_PER_S and any(begin < time < end for time in asked):
            text = say("silence", lang, duration=duration((end - begin) / NS_PER_S, lang))
            yield Rule(begin, end, text, colors.REFUSED.line, DOTTED)


def _foot(picture: Picture, y: float, left_out: int, lang: Lang) -> None:
    color = colors.CHECK.line
    marks = [
        (shape, colors.REFUSED.line if word == "error" else color, say(word, lang))
        for word, shape in OUTCOMES.items()
    ]
    legend(picture, LEFT, y, marks)
    if left_out > 0:
        text = say("more_rows", lang, count=count(left_out, lang))
        picture.write(Label(picture.width - 14, y, text, 6.5, "right", MUTED))
