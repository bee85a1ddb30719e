"""A call over time: legs from INVITE to BYE, candidates, checks, DTLS, media, log, findings.

Every lane is one thing of one leg; time runs evenly from left to right.
"""

from collections.abc import Iterator

from postproc.model.text import Lang
from postproc.model.vocabulary import count, direction
from postproc.model.vocabulary import side as side_name
from postproc.show import colors
from postproc.show.colors import MUTED, PAPER
from postproc.show.pictures import axis, heading, marks
from postproc.show.pictures.cut import CallRows, Row, Rows
from postproc.show.pictures.lanes import (
    FULL,
    MEDIUM,
    THIN,
    Frame,
    Lane,
    Span,
    Tick,
    baseline,
    legend,
    place,
)
from postproc.show.pictures.lettering import plain
from postproc.show.pictures.marks import Mark
from postproc.show.pictures.picture import Label, Picture
from postproc.show.pictures.wording import duration, say

LEFT, NAMES, PLOT, NOTES = 14.0, 150.0, 560.0, 120.0
OUTCOMES = {"success": "bar", "error": "cross", "unanswered": "hollow", "pending": "dot"}
PURPOSES = {"check": "checks", "discovery": "discovery", "keepalive": "keepalive"}
MOST = 60  # lanes


def timeline(tables: CallRows, lang: Lang = "en") -> Picture:
    """Lay out the time picture of a call."""
    lanes = [*_lanes(tables, lang)][:MOST]
    found = marks.marks(tables)
    right = LEFT + NAMES + PLOT
    where = Frame(LEFT, axis.around(_times(tables), LEFT + NAMES, right), right + 8, heading.HIGH + 4)
    bottom = where.top + sum(lane.high for lane in lanes)
    stacked = _stacked(tables, found, where)
    high = bottom + 14 * max((row for row, _, _ in stacked), default=-1) + 14 * bool(stacked) + 48
    picture = Picture(right + NOTES, high + marks.below(found), heading.title(tables, "timeline", lang))
    heading.write(picture, tables, "timeline", LEFT, lang)
    place(picture, lanes, where)
    if not lanes:
        picture.write(Label(LEFT, bottom, say("nothing", lang), 8, color=MUTED))
    for row, x, mark in stacked:
        marks.badge(picture, x, bottom + 9 + 14 * row, mark)
    under = bottom + (14 * (max(row for row, _, _ in stacked) + 1) + 4 if stacked else 0)
    baseline(picture, where, under)
    axis.write(picture, where.axis, where.top, under, lang)
    _legend(picture, under + 24, lang)
    marks.write(picture, LEFT, high - 6, found, lang)
    return picture


def _lanes(tables: CallRows, lang: Lang) -> Iterator[Lane]:
    legs = {leg.call_id: leg for leg in sorted(tables.legs, key=lambda leg: leg.leg or 0)}
    yield from (_leg(leg, tables, lang) for leg in legs.values())
    yield from _candidates(tables, lang)
    yield from _checks(tables, lang)
    yield from _handshakes(tables, lang)
    yield from _media(tables, lang)
    yield from _log(tables, lang)


def _times(tables: CallRows) -> list[int]:
    """All times of the call that a lane may show."""
    held = [event.time for event in tables.timeline]
    held += [time for stream in tables.rtp_streams for time in (stream.first_time, stream.last_time)]
    held += [time for leg in tables.legs for time in (leg.invite_time, leg.end_time)]
    return [time for time in held if time is not None]


def _leg(leg: Row, tables: CallRows, lang: Lang) -> Lane:
    """Set-up thin, ringing half as high as talk."""
    color = colors.leg(leg.leg)
    last = max(_times(tables), default=0)
    begin = leg.invite_time if leg.invite_time is not None else leg.time
    end = leg.end_time if leg.end_time is not None else last
    ring, answer = leg.ringing_time, leg.answer_time
    users = f"{plain(leg.from_user) or '–'} → {plain(leg.to_user) or '–'}"
    status = "" if leg.final_status is None else str(leg.final_status)
    lane = Lane(
        say("leg", lang, leg=leg.leg), leg.leg, color, below=users, note=f"{status} {leg.state or ''}".strip()
    )
    if begin is None:
        return lane
    stages = [("trying", begin, THIN), ("ringing", ring, MEDIUM), ("talk", answer, FULL)]
    known = [(word, time, half) for word, time, half in stages if time is not None]
    for (word, time, half), after in zip(known, [*known[1:], None], strict=True):
        until = end if after is None else after[1]
        if until >= time:
            text = f"{say(word, lang)} {duration((until - time) / 1e9, lang)}" if half > THIN else ""
            still = after is None and leg.end_time is None
            lane.spans.append(Span(time, until, color.fill, color.line, half, text, color.text, open=still))
    return lane


def _candidates(tables: CallRows, lang: Lang) -> Iterator[Lane]:
    """When each side named its candidates."""
    held: dict[tuple[int | None, str], dict[int, set[object]]] = {}
    for row in tables.candidates:
        if row.time is not None and row.addr:
            times = held.setdefault((row.leg, row.side or "other"), {})
            times.setdefault(row.time, set()).add((row.addr, row.port, row.type))
    for (leg, side), times in sorted(held.items(), key=lambda item: (item[0][0] or 0, item[0][1])):
        number = len(set().union(*times.values()))
        ticks = [Tick(time, "diamond", colors.leg(leg).line) for time in sorted(times)]
        name = f"{say('candidates', lang)}, {side_name(side, lang)}"
        yield Lane(name, leg, colors.leg(leg), note=f"{number}", ticks=ticks)


def _checks(tables: CallRows, lang: Lang) -> Iterator[Lane]:
    """Attempts by outcome, one lane per direction."""
    held: dict[tuple[int | None, str, str], Rows] = {}
    for row in tables.bindings:
        if row.time is not None and row.outcome in OUTCOMES:
            held.setdefault((row.leg, row.purpose or "check", row.direction or "other"), []).append(row)
    for (leg, purpose, way), rows in sorted(held.items(), key=lambda item: (item[0][0] or 0, *item[0][1:])):
        good = sum(row.outcome == "success" for row in rows)
        color = colors.DISCOVERY if purpose == "discovery" else colors.CHECK
        name = say(PURPOSES.get(purpose, "checks"), lang)
        yield Lane(
            name, leg, color, below=direction(way, lang),
            note=f"{count(good, lang)}/{count(len(rows), lang)} {say('answered', lang)}",
            ticks=[_attempt(row, color.line) for row in rows],
        )  # fmt: skip


def _attempt(row: Row, color: str) -> Tick:
    return Tick(row.time, OUTCOMES[row.outcome], colors.REFUSED.line if row.outcome == "error" else color)


def _handshakes(tables: CallRows, lang: Lang) -> Iterator[Lane]:
    last = max(_times(tables), default=0)
    held: dict[int | None, Rows] = {}
    for row in tables.dtls:
        if row.started is not None:
            held.setdefault(row.leg, []).append(row)
    for leg, rows in sorted(held.items(), key=lambda item: item[0] or 0):
        lane = Lane(
            say("dtls", lang), leg, colors.DTLS, note=", ".join(dict.fromkeys(row.state for row in rows))
        )
        for row in rows:
            done = row.completed is not None
            end = row.completed if done else last
            fill = colors.DTLS.fill if done else PAPER
            text = duration((end - row.started) / 1e9, lang) if done else ""
            lane.spans.append(Span(row.started, end, fill, colors.DTLS.line, MEDIUM, text, open=not done))
        yield lane


def _media(tables: CallRows, lang: Lang) -> Iterator[Lane]:
    held: dict[tuple[int | None, str, str], Rows] = {}
    for row in tables.rtp_streams:
        if row.first_time is not None and row.last_time is not None:
            ends = f"{row.src_addr} → {row.dst_addr}"
            held.setdefault((row.leg, row.direction or "other", ends), []).append(row)
    for (leg, way, ends), rows in sorted(held.items(), key=lambda item: (item[0][0] or 0, *item[0][1:])):
        packets, lost = (sum(getattr(row, what) or 0 for row in rows) for what in ("packets", "lost"))
        what = "SRTP" if any(row.secured for row in rows) else "RTP"
        text = say("media", lang, what=what, packets=count(packets, lang), lost=count(lost, lang))
        spans = [Span(row.first_time, row.last_time, colors.MEDIA.fill, colors.MEDIA.line) for row in rows]
        below = direction(way, lang) or ends
        name = f"{say('rtp', lang)} {plain(rows[0].codec)}".strip()
        yield Lane(name, leg, colors.MEDIA, below=below, note=text, spans=spans)


def _log(tables: CallRows, lang: Lang) -> Iterator[Lane]:
    lines = [event for event in tables.timeline if event.lane == "log" and event.time is not None]
    if lines:
        ticks = [
            Tick(line.time, "triangle" if line.severity in ("warning", "error") else "bar", MUTED)
            for line in lines
        ]
        yield Lane(say("log", lang), note=count(len(lines), lang), ticks=ticks)


def _stacked(tables: CallRows, found: list[Mark], where: Frame) -> list[tuple[int, float, Mark]]:
    """Badges below the lanes at the time of their first evidence: row, left edge, mark."""
    times: dict[tuple[str, int], int] = {}
    for event in tables.timeline:
        times.setdefault((event.capture, event.frame), event.time)
    ends: list[float] = []
    placed: list[tuple[int, float, Mark]] = []
    for mark in found[: marks.MOST]:
        at = min((times[frame] for frame in mark.frames if frame in times), default=None)
        if at is None:
            continue
        x = min(where.axis.x(at), where.right - mark.width)
        row = next((n for n, end in enumerate(ends) if end + 3 < x), len(ends))
        ends[row : row + 1] = [x + mark.width]
        placed.append((row, x, mark))
    return placed


def _legend(picture: Picture, y: float, lang: Lang) -> None:
    color = colors.CHECK.line
    legend(
        picture,
        LEFT,
        y,
        [
            (shape, colors.REFUSED.line if word == "error" else color, say(word, lang))
            for word, shape in OUTCOMES.items()
        ],
    )
