"""The two pictures made of lanes: a call over time, and the bindings of its candidate pairs.

Time is linear from left to right. In the timeline every lane is one aspect of one leg: the leg from INVITE to
BYE, candidates, checks, DTLS, media; the log is one lane. In the bindings every lane is a candidate pair:
ticks above its middle are checks of the local side (the server's), those below it of the remote side; pairs
that were never checked have no ticks.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TypeVar

import pandas as pd

from postproc.model.addresses import transport_address
from postproc.model.calls import Call, counting
from postproc.model.enumerations import Direction, PhaseKind, Purpose
from postproc.model.loading import by
from postproc.model.rows import BindingRow, DtlsRow, LegRow, PairRow, RtpStreamRow
from postproc.model.text import Lang
from postproc.model.vocabulary import DTLS_STATES, LEG_STATES, count, direction, word
from postproc.model.vocabulary import side as side_name
from postproc.show import colors, phases
from postproc.show.colors import HELD, MUTED, PAPER
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
    seconds,
    title,
)
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
from postproc.show.pictures.wording import duration, say

LEFT, NAMES, PLOT, NOTES = 14.0, 150.0, 560.0, 120.0  # of the timeline, in points
PHASE_FILLS: dict[PhaseKind, str] = {"early": PAPER, "hold": HELD}  # else the media's
PURPOSES: dict[Purpose, str] = {"check": "checks", "discovery": "discovery", "keepalive": "keepalive"}
MOST_LANES = 60  # two printed pages
BADGE_ROW = 14.0

S = TypeVar("S", bound=str)

PAIR_NAMES, PAIR_PLOT, PAIR_NOTES, PAIR_HEIGHT = 220.0, 490.0, 150.0, 34.0
CHECK_UP = 8.0  # distance of ticks from the middle of a pair's lane
# Checks without an answer for longer are drawn as silence: one consent check fails (RFC 7675, section 5.1,
# sends them every 5 s). At a third of it single lost packets show; at three times it short outages do not.
SILENCE_S = 5.0
MOST_PAIRS = 30  # one printed page


def timeline(call: Call, lang: Lang = "en") -> Picture:
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


def _lanes(call: Call, lang: Lang) -> Iterator[Lane]:
    legs = {leg.call_id: leg for leg in sorted(call.legs, key=lambda leg: leg.leg)}
    yield from (_leg(leg, call, lang) for leg in legs.values())
    yield from _phases(call, lang)
    yield from _candidates(call, lang)
    yield from _checks(call, lang)
    yield from _handshakes(call, lang)
    yield from _media(call, lang)
    yield from _log(call, lang)


def _times(call: Call) -> list[pd.Timestamp]:
    """Return all times of the call that a lane may show."""
    times = [event.time for event in call.timeline]
    times += [time for stream in call.rtp_streams for time in (stream.first_time, stream.last_time)]
    ends = [time for leg in call.legs for time in (leg.invite_time, leg.end_time)]
    return times + [time for time in ends if time is not None]


def _leg(leg: LegRow, call: Call, lang: Lang) -> Lane:
    """Return the lane of a leg, with bars of growing height for set-up, ringing and talk."""
    color = colors.leg(leg.leg)
    begin = leg.invite_time if leg.invite_time is not None else leg.time
    end = leg.end_time if leg.end_time is not None else max(_times(call), default=begin)
    users = f"{plain(leg.from_user) or '–'} → {plain(leg.to_user) or '–'}"
    status = "" if leg.final_status is None else str(leg.final_status)
    note = f"{status} {word(LEG_STATES, leg.state, lang)}".strip()
    lane = Lane(say("leg", lang, leg=leg.leg), leg.leg, color, below=users, note=note)
    states = [
        (state, time, half)
        for state, time, half in (
            ("trying", begin, THIN),
            ("ringing", leg.ringing_time, MEDIUM),
            ("talk", leg.answer_time, FULL),
        )
        if time is not None
    ]
    for (state, time, half), after in zip(states, [*states[1:], None], strict=True):
        until = end if after is None else after[1]
        if until >= time:
            text = f"{say(state, lang)} {duration(seconds(time, until), lang)}" if half > THIN else ""
            goes_on = after is None and leg.end_time is None
            lane.spans.append(Span(time, until, color.fill, color.line, half, text, color.text, open=goes_on))
    return lane


def _phases(call: Call, lang: Lang) -> Iterator[Lane]:
    """Yield a lane per leg with its phases, with who may send and, unless it is ok, the verdict."""
    for leg, rows in sorted(by(call.phases, "leg").items()):
        lane = Lane(say("phases", lang), leg, colors.MEDIA)
        for row in rows:
            if row.started is None or row.ended is None:
                continue
            doubt = phases.verdict(row, lang) if row.verdict != "ok" else ""
            kind = phases.kind(row, lang)
            text = ", ".join(filter(None, (kind, phases.restriction(row, lang), doubt)))
            lane.spans.append(
                Span(
                    row.started,
                    row.ended,
                    PHASE_FILLS.get(row.kind or "answered", colors.MEDIA.fill),
                    colors.REFUSED.line if row.verdict in ("fault", "suspect") else colors.MEDIA.line,
                    MEDIUM,
                    text,
                    short=", ".join(filter(None, (kind, doubt))),
                )
            )
        yield lane


def _candidates(call: Call, lang: Lang) -> Iterator[Lane]:
    """Yield a lane per leg and side with the times at which candidates were sent."""
    sides: dict[tuple[int | None, str], dict[pd.Timestamp, set[object]]] = {}
    for row in call.candidates:
        if row.addr:
            times = sides.setdefault((row.leg, row.side or "other"), {})
            times.setdefault(row.time, set()).add((row.addr, row.port, row.type))
    for (leg, side), times in sorted(sides.items(), key=lambda item: (item[0][0] or 0, item[0][1])):
        number = len(set().union(*times.values()))
        ticks = [Tick(time, "diamond", colors.leg(leg).line) for time in sorted(times)]
        name = f"{say('candidates', lang)}, {side_name(side, lang)}"
        yield Lane(name, leg, colors.leg(leg), note=f"{number}", ticks=ticks)


def _checks(call: Call, lang: Lang) -> Iterator[Lane]:
    """Yield a lane per leg, purpose and direction with its transactions by outcome."""
    attempts: dict[tuple[int | None, Purpose, Direction], list[BindingRow]] = {}
    for row in counting(call.bindings):
        if row.outcome in OUTCOMES:
            attempts.setdefault((row.leg, row.purpose, row.direction), []).append(row)
    for (leg, purpose, way), rows in sorted(attempts.items(), key=_by_leg):
        good = sum(row.outcome == "success" for row in rows)
        color = colors.DISCOVERY if purpose == "discovery" else colors.CHECK
        yield Lane(
            say(PURPOSES[purpose], lang),
            leg,
            color,
            below=direction(way, lang),
            note=f"{count(good, lang)}/{count(len(rows), lang)} {say('answered', lang)}",
            ticks=[Tick(row.time, OUTCOMES[row.outcome], outcome_color(row.outcome, color)) for row in rows],
        )


def _by_leg(item: tuple[tuple[int | None, S, S], object]) -> tuple[int, S, S]:
    (leg, first, second), _ = item
    return leg or 0, first, second


def _handshakes(call: Call, lang: Lang) -> Iterator[Lane]:
    last = max(_times(call), default=None)
    handshakes: dict[int | None, list[DtlsRow]] = {}
    for row in counting(call.dtls):
        handshakes.setdefault(row.leg, []).append(row)
    for leg, rows in sorted(handshakes.items(), key=lambda item: item[0] or 0):
        states = ", ".join(dict.fromkeys(word(DTLS_STATES, row.state, lang) or "" for row in rows))
        lane = Lane(say("dtls", lang), leg, colors.DTLS, note=states)
        for row in rows:
            begin = row.started or row.time
            if row.completed is None:
                lane.spans.append(Span(begin, last or begin, PAPER, colors.DTLS.line, MEDIUM, open=True))
            else:
                text = duration(seconds(begin, row.completed), lang)
                lane.spans.append(
                    Span(begin, row.completed, colors.DTLS.fill, colors.DTLS.line, MEDIUM, text)
                )
        yield lane


def _media(call: Call, lang: Lang) -> Iterator[Lane]:
    flowed = phases.runs(call)
    silent = phases.silent(call, flowed)
    streams: dict[tuple[int | None, str, str], list[RtpStreamRow]] = {}
    for row in counting(call.rtp_streams):
        ends = f"{row.src_addr} → {row.dst_addr}"
        streams.setdefault((row.leg, row.direction or "other", ends), []).append(row)
    for (leg, way, ends), rows in sorted(streams.items(), key=_by_leg):
        packets, lost = sum(row.packets for row in rows), sum(row.lost or 0 for row in rows)
        payload = "SRTP" if any(row.secured for row in rows) else "RTP"
        text = say("media", lang, what=payload, packets=count(packets, lang), lost=count(lost, lang))
        spans = [
            Span(begin, end, colors.MEDIA.fill, colors.MEDIA.line)
            for row in rows
            for begin, end in flowed[row.stream]
        ]
        gaps = silent.pop((leg, phases.sender(rows[0]) or ""), [])  # of several paths, on the first
        name = f"{say('rtp', lang)} {plain(rows[0].codec)}".strip()
        below = direction(way, lang) or ends
        yield Lane(name, leg, colors.MEDIA, below, text, spans, rules=[*_quiet(gaps, lang)])


def _quiet(gaps: Iterable[tuple[pd.Timestamp, pd.Timestamp]], lang: Lang) -> Iterator[Rule]:
    for begin, end in gaps:
        text = say("silence", lang, duration=duration(seconds(begin, end), lang))
        yield Rule(begin, end, text, colors.REFUSED.line, DOTTED)


def _log(call: Call, lang: Lang) -> Iterator[Lane]:
    lines = [event for event in call.timeline if event.lane == "log"]
    if lines:
        ticks = [
            Tick(line.time, "triangle" if line.severity in ("warning", "error") else "bar", MUTED)
            for line in lines
        ]
        yield Lane(say("log", lang), note=count(len(lines), lang), ticks=ticks)


def _stacked(call: Call, marks: list[Mark], frame: Frame) -> list[tuple[int, float, Mark]]:
    """Return row, left edge and mark of the badges below the lanes, at the time of their evidence."""
    times = {(event.capture, event.frame): event.time for event in reversed(call.timeline)}
    ends: list[float] = []
    badges: list[tuple[int, float, Mark]] = []
    for mark in marks[:LISTED]:
        at = min((times[frame_key] for frame_key in mark.frames if frame_key in times), default=None)
        if at is None:
            continue
        x = min(frame.axis.x(at), frame.right - mark.width)
        row = next((n for n, end in enumerate(ends) if end + 3 < x), len(ends))
        ends[row : row + 1] = [x + mark.width]
        badges.append((row, x, mark))
    return badges


def bindings(call: Call, lang: Lang = "en") -> Picture:
    """Lay out the bindings of a call: one lane per candidate pair, checks by outcome, silence."""
    checks = [row for row in counting(call.bindings) if row.purpose == "check"]
    pairs = sorted(
        counting(call.pairs),
        key=lambda pair: (pair.leg or 0, pair.first_time is None, pair.first_time or pair.time),
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


def _extent(call: Call, checks: list[BindingRow]) -> list[pd.Timestamp]:
    """Return the times the axis has to cover: the whole call, so that silence at its end is visible."""
    times = [row.time for row in checks]
    times += [time for time in (call.call.start, call.call.end) if time is not None]
    times += [pair.last_time for pair in call.pairs if pair.last_time is not None]
    return [min(times), max(times)] if times else []


def _checks_on(pair: PairRow, checks: list[BindingRow]) -> list[tuple[BindingRow, bool]]:
    """Return a pair's checks, and whether its local side sent them."""
    local, remote = (pair.local_addr, pair.local_port), (pair.remote_addr, pair.remote_port)
    on_pair: list[tuple[BindingRow, bool]] = []
    for row in checks:
        if row.capture == pair.capture and row.leg == pair.leg:
            ends = (row.src_addr, row.src_port), (row.dst_addr, row.dst_port)
            if ends in ((local, remote), (remote, local)):
                on_pair.append((row, ends[0] == local))
    return sorted(on_pair, key=lambda item: item[0].time)


def _pair(pair: PairRow, checks: list[tuple[BindingRow, bool]], lang: Lang) -> Lane:
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
    return f"{transport_address(plain(addr) or None, port) or '?'} {kind or ''}".strip()


def _result(pair: PairRow, lang: Lang) -> str:
    if not pair.sent:
        return say("never_checked", lang)
    text = say("of_answered", lang, good=count(pair.answered, lang), all=count(pair.sent, lang))
    return f"{text}, {say('nominated', lang)}" if pair.nominated else text


def _silences(checks: list[BindingRow], lang: Lang) -> Iterator[Rule]:
    """Yield the spans in which checks are sent on a pair and none is answered."""
    sent = [row.time for row in checks]
    if not sent:
        return
    answered = [row.time for row in checks if row.outcome == "success"]
    spans = pairwise([min(sent), *answered, max(sent)])
    yield from _quiet(
        (
            (begin, end)
            for begin, end in spans
            if seconds(begin, end) > SILENCE_S and any(begin < time < end for time in sent)
        ),
        lang,
    )
