"""The two pictures made of lanes: a call over time, and the bindings of its candidate pairs.

Time runs evenly from left to right. In the timeline every lane is one thing of one leg: the leg from
INVITE to BYE, candidates, checks, DTLS, media, log. In the bindings every lane is a candidate pair:
ticks above its middle are checks of the local side (the server's), those below it of the remote side;
pairs nobody checked are listed without ticks.
"""

from collections.abc import Iterator
from itertools import pairwise

from postproc.model.text import Lang
from postproc.model.vocabulary import count, direction
from postproc.model.vocabulary import side as side_name
from postproc.show import colors
from postproc.show.colors import MUTED, PAPER
from postproc.show.pictures.annotations import (
    HEADING_HEIGHT,
    LISTED,
    SMALL,
    Mark,
    axis_over,
    draw_axis,
    draw_badge,
    draw_heading,
    draw_list,
    list_height,
    marks_of,
    title,
)
from postproc.show.pictures.cut import CallRows, Row, Rows
from postproc.show.pictures.lanes import (
    FULL,
    MEDIUM,
    OUTCOMES,
    THIN,
    Frame,
    Lane,
    Rule,
    Span,
    Tick,
    draw_baseline,
    draw_lanes,
    draw_legend,
    outcome_color,
)
from postproc.show.pictures.layout import DOTTED, Label, Picture, plain
from postproc.show.pictures.records import NS_PER_S, place
from postproc.show.pictures.wording import duration, say

LEFT, NAMES, PLOT, NOTES = 14.0, 150.0, 560.0, 120.0  # of the timeline, in points
PURPOSES = {"check": "checks", "discovery": "discovery", "keepalive": "keepalive"}
MOST_LANES = 60  # two printed pages
BADGE_ROW = 14.0

PAIR_NAMES, PAIR_PLOT, PAIR_NOTES, PAIR_HEIGHT = 220.0, 490.0, 150.0, 34.0
CHECK_UP = 8.0  # how far ticks stand from the middle of a pair's lane
SILENCE_S = 5.0  # longer without any answer is silence: five checks of a second, one of RFC 7675
MOST_PAIRS = 30  # one printed page


def timeline(call: CallRows, lang: Lang = "en") -> Picture:
    """Lay out a call over time, its findings below the time of their evidence."""
    lanes = [*_lanes(call, lang)][:MOST_LANES]
    marks = marks_of(call)
    right = LEFT + NAMES + PLOT
    frame = Frame(LEFT, axis_over(_times(call), LEFT + NAMES, right), right + 8, HEADING_HEIGHT + 4)
    bottom = frame.top + sum(lane.height for lane in lanes)
    badges = _stacked(call, marks, frame)
    badge_rows = max((row for row, _, _ in badges), default=-1) + 1
    below = bottom + (BADGE_ROW * badge_rows + 4 if badges else 0)
    high = below + (44 if badges else 34)  # with the axis' texts and the legend
    picture = Picture(right + NOTES, high + list_height(marks), title(call, "timeline", lang))
    draw_heading(picture, call, "timeline", LEFT, lang)
    draw_lanes(picture, lanes, frame)
    if not lanes:
        picture.write(Label(LEFT, bottom, say("nothing", lang), 8, color=MUTED))
    for row, x, mark in badges:
        draw_badge(picture, x, bottom + 9 + BADGE_ROW * row, mark)
    draw_baseline(picture, frame, below)
    draw_axis(picture, frame.axis, frame.top, below, lang)
    draw_legend(picture, LEFT, below + 24, lang)
    draw_list(picture, LEFT, high - 6, marks, lang)
    return picture


def _lanes(call: CallRows, lang: Lang) -> Iterator[Lane]:
    legs = {leg.call_id: leg for leg in sorted(call.legs, key=lambda leg: leg.leg or 0)}
    yield from (_leg(leg, call, lang) for leg in legs.values())
    yield from _candidates(call, lang)
    yield from _checks(call, lang)
    yield from _handshakes(call, lang)
    yield from _media(call, lang)
    yield from _log(call, lang)


def _times(call: CallRows) -> list[int]:
    """All times of the call that a lane may show."""
    times = [event.time for event in call.timeline]
    times += [time for stream in call.rtp_streams for time in (stream.first_time, stream.last_time)]
    times += [time for leg in call.legs for time in (leg.invite_time, leg.end_time)]
    return [time for time in times if time is not None]


def _leg(leg: Row, call: CallRows, lang: Lang) -> Lane:
    """Set-up thin, ringing half as high as talk."""
    color = colors.leg(leg.leg)
    begin = leg.invite_time if leg.invite_time is not None else leg.time
    end = leg.end_time if leg.end_time is not None else max(_times(call), default=0)
    users = f"{plain(leg.from_user) or '–'} → {plain(leg.to_user) or '–'}"
    status = "" if leg.final_status is None else str(leg.final_status)
    note = f"{status} {leg.state or ''}".strip()
    lane = Lane(say("leg", lang, leg=leg.leg), leg.leg, color, below=users, note=note)
    if begin is None:
        return lane
    phases = [
        (word, time, half)
        for word, time, half in (
            ("trying", begin, THIN),
            ("ringing", leg.ringing_time, MEDIUM),
            ("talk", leg.answer_time, FULL),
        )
        if time is not None
    ]
    for (word, time, half), after in zip(phases, [*phases[1:], None], strict=True):
        until = end if after is None else after[1]
        if until >= time:
            text = f"{say(word, lang)} {duration((until - time) / NS_PER_S, lang)}" if half > THIN else ""
            goes_on = after is None and leg.end_time is None
            lane.spans.append(Span(time, until, color.fill, color.line, half, text, color.text, open=goes_on))
    return lane


def _candidates(call: CallRows, lang: Lang) -> Iterator[Lane]:
    """When each side named its candidates."""
    sides: dict[tuple[int | None, str], dict[int, set[object]]] = {}
    for row in call.candidates:
        if row.time is not None and row.addr:
            times = sides.setdefault((row.leg, row.side or "other"), {})
            times.setdefault(row.time, set()).add((row.addr, row.port, row.type))
    for (leg, side), times in sorted(sides.items(), key=lambda item: (item[0][0] or 0, item[0][1])):
        number = len(set().union(*times.values()))
        ticks = [Tick(time, "diamond", colors.leg(leg).line) for time in sorted(times)]
        name = f"{say('candidates', lang)}, {side_name(side, lang)}"
        yield Lane(name, leg, colors.leg(leg), note=f"{number}", ticks=ticks)


def _checks(call: CallRows, lang: Lang) -> Iterator[Lane]:
    """Attempts by outcome, one lane per direction."""
    attempts: dict[tuple[int | None, str, str], Rows] = {}
    for row in call.bindings:
        if row.time is not None and row.outcome in OUTCOMES:
            key = (row.leg, row.purpose or "check", row.direction or "other")
            attempts.setdefault(key, []).append(row)
    for (leg, purpose, way), rows in sorted(attempts.items(), key=_by_leg):
        good = sum(row.outcome == "success" for row in rows)
        color = colors.DISCOVERY if purpose == "discovery" else colors.CHECK
        yield Lane(
            say(PURPOSES.get(purpose, "checks"), lang),
            leg,
            color,
            below=direction(way, lang),
            note=f"{count(good, lang)}/{count(len(rows), lang)} {say('answered', lang)}",
            ticks=[Tick(row.time, OUTCOMES[row.outcome], outcome_color(row.outcome, color)) for row in rows],
        )


def _by_leg(item: tuple[tuple[int | None, str, str], Rows]) -> tuple[int, str, str]:
    (leg, first, second), _ = item
    return leg or 0, first, second


def _handshakes(call: CallRows, lang: Lang) -> Iterator[Lane]:
    last = max(_times(call), default=0)
    handshakes: dict[int | None, Rows] = {}
    for row in call.dtls:
        if row.started is not None:
            handshakes.setdefault(row.leg, []).append(row)
    for leg, rows in sorted(handshakes.items(), key=lambda item: item[0] or 0):
        states = ", ".join(dict.fromkeys(row.state for row in rows))
        lane = Lane(say("dtls", lang), leg, colors.DTLS, note=states)
        for row in rows:
            done = row.completed is not None
            end = row.completed if done else last
            fill = colors.DTLS.fill if done else PAPER
            text = duration((end - row.started) / NS_PER_S, lang) if done else ""
            lane.spans.append(Span(row.started, end, fill, colors.DTLS.line, MEDIUM, text, open=not done))
        yield lane


def _media(call: CallRows, lang: Lang) -> Iterator[Lane]:
    streams: dict[tuple[int | None, str, str], Rows] = {}
    for row in call.rtp_streams:
        if row.first_time is not None and row.last_time is not None:
            ends = f"{row.src_addr} → {row.dst_addr}"
            streams.setdefault((row.leg, row.direction or "other", ends), []).append(row)
    for (leg, way, ends), rows in sorted(streams.items(), key=_by_leg):
        packets, lost = sum(row.packets or 0 for row in rows), sum(row.lost or 0 for row in rows)
        what = "SRTP" if any(row.secured for row in rows) else "RTP"
        text = say("media", lang, what=what, packets=count(packets, lang), lost=count(lost, lang))
        spans = [Span(row.first_time, row.last_time, colors.MEDIA.fill, colors.MEDIA.line) for row in rows]
        name = f"{say('rtp', lang)} {plain(rows[0].codec)}".strip()
        yield Lane(name, leg, colors.MEDIA, below=direction(way, lang) or ends, note=text, spans=spans)


def _log(call: CallRows, lang: Lang) -> Iterator[Lane]:
    lines = [event for event in call.timeline if event.lane == "log" and event.time is not None]
    if lines:
        ticks = [
            Tick(line.time, "triangle" if line.severity in ("warning", "error") else "bar", MUTED)
            for line in lines
        ]
        yield Lane(say("log", lang), note=count(len(lines), lang), ticks=ticks)


def _stacked(call: CallRows, marks: list[Mark], frame: Frame) -> list[tuple[int, float, Mark]]:
    """Badges below the lanes at the time of their first evidence: row, left edge, mark."""
    events = [event for event in call.timeline if event.time is not None]
    times = {(event.capture, event.frame): event.time for event in reversed(events)}
    ends: list[float] = []
    badges: list[tuple[int, float, Mark]] = []
    for mark in marks[:LISTED]:
        at = min((times[each] for each in mark.frames if each in times), default=None)
        if at is None:
            continue
        x = min(frame.axis.x(at), frame.right - mark.width)
        row = next((n for n, end in enumerate(ends) if end + 3 < x), len(ends))
        ends[row : row + 1] = [x + mark.width]
        badges.append((row, x, mark))
    return badges


def bindings(call: CallRows, lang: Lang = "en") -> Picture:
    """Lay out the bindings of a call: one lane per candidate pair, attempts by outcome, silence."""
    checks = [row for row in call.bindings if row.purpose == "check" and row.time is not None]
    pairs = sorted(
        call.pairs, key=lambda pair: (pair.leg or 0, pair.first_time is None, pair.first_time or 0)
    )
    lanes = [_pair(pair, _checks_on(pair, checks), lang) for pair in pairs[:MOST_PAIRS]]
    left, right = LEFT + PAIR_NAMES, LEFT + PAIR_NAMES + PAIR_PLOT
    frame = Frame(LEFT, axis_over(_extent(call, checks), left, right), right + 8, HEADING_HEIGHT + 4)
    bottom = frame.top + max(PAIR_HEIGHT * len(lanes), 20.0)
    picture = Picture(right + PAIR_NOTES, bottom + 46, title(call, "bindings", lang))
    draw_heading(picture, call, "bindings", LEFT, lang)
    draw_lanes(picture, lanes, frame)
    if not lanes:
        picture.write(Label(LEFT, frame.top + 8, say("none_bindings", lang), 8, color=MUTED))
        return picture
    draw_baseline(picture, frame, bottom)
    draw_axis(picture, frame.axis, frame.top, bottom, lang)
    draw_legend(picture, LEFT, bottom + 26, lang)
    if left_out := len(pairs) - len(lanes):
        text = say("more_rows", lang, count=count(left_out, lang))
        picture.write(Label(picture.width - 14, bottom + 26, text, SMALL, "right", MUTED))
    return picture


def _extent(call: CallRows, checks: Rows) -> list[int]:
    """From the first to the last event of the call: silence at its end is seen."""
    times = [row.time for row in checks]
    times += [time for row in call.calls for time in (row.start, row.end) if time is not None]
    times += [pair.last_time for pair in call.pairs if pair.last_time is not None]
    return [min(times), max(times)] if times else []


def _checks_on(pair: Row, checks: Rows) -> list[tuple[Row, bool]]:
    """A pair's checks, and whether its local side sent them."""
    local, remote = (pair.local_addr, pair.local_port), (pair.remote_addr, pair.remote_port)
    found: list[tuple[Row, bool]] = []
    for row in checks:
        if row.capture == pair.capture and row.leg == pair.leg:
            ends = (row.src_addr, row.src_port), (row.dst_addr, row.dst_port)
            if ends in ((local, remote), (remote, local)):
                found.append((row, ends[0] == local))
    return sorted(found, key=lambda item: item[0].time)


def _pair(pair: Row, checks: list[tuple[Row, bool]], lang: Lang) -> Lane:
    local = _candidate(pair.local_addr, pair.local_port, pair.local_type)
    remote = _candidate(pair.remote_addr, pair.remote_port, pair.remote_type)
    ticks = [
        Tick(
            row.time,
            OUTCOMES.get(row.outcome, "dot"),
            outcome_color(row.outcome, colors.CHECK),
            CHECK_UP if by_local else -CHECK_UP,
        )
        for row, by_local in checks
    ]
    silences = list(_silences([row for row, _ in checks], lang))
    return Lane(
        local,
        pair.leg,
        colors.CHECK,
        below=f"↔ {remote}",
        note=_result(pair, lang),
        ticks=ticks,
        rules=silences,
        height=PAIR_HEIGHT,
    )


def _candidate(addr: str | None, port: int | None, kind: str | None) -> str:
    return f"{place(plain(addr) or None, port) or '?'} {kind or ''}".strip()


def _result(pair: Row, lang: Lang) -> str:
    if not pair.sent:
        return say("never_checked", lang)
    text = say("of_answered", lang, good=count(pair.answered or 0, lang), all=count(pair.sent, lang))
    return f"{text}, {say('nominated', lang)}" if pair.nominated else text


def _silences(checks: Rows, lang: Lang) -> Iterator[Rule]:
    """Times in which checks are sent on a pair and none is answered."""
    sent = [row.time for row in checks]
    if not sent:
        return
    answered = [row.time for row in checks if row.outcome == "success"]
    for begin, end in pairwise([min(sent), *answered, max(sent)]):
        if end - begin > SILENCE_S * NS_PER_S and any(begin < time < end for time in sent):
            text = say("silence", lang, duration=duration((end - begin) / NS_PER_S, lang))
            yield Rule(begin, end, text, colors.REFUSED.line, DOTTED)
