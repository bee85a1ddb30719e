"""A call's candidates, pairs, bindings, legs, DTLS handshakes and RTP streams as sheets."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

import pandas as pd

from postproc.model.calls import Call, counting
from postproc.model.rows import BindingRow, CandidateRow, DtlsRow, LegRow, PairRow, PhaseRow, RtpStreamRow
from postproc.model.statuses import is_success
from postproc.model.text import Lang
from postproc.model.vocabulary import (
    ACL_VERDICTS,
    ADDRESS_CLASSES,
    DIRECTIONS,
    DTLS_STATES,
    LEG_STATES,
    OUTCOMES,
    PAIR_STATES,
    PURPOSES,
    ROLES,
    SIDES,
    STREAMS_OF_NO_CALL,
    capital,
    word,
)
from postproc.show import phases as phase_texts
from postproc.show.report.cells import (
    NONE,
    Cell,
    Sheet,
    amount,
    code,
    decimal,
    leg_cell,
    millis,
    place,
    sheet,
    shown,
    span,
    time_cell,
)
from postproc.show.report.words import HEADINGS, PAGE
from postproc.show.selection import Quoted

COLUMNS = ("leg", "type", "address", "class", "base", "acl", "checks", "frame")
MOST_CANDIDATES = 40  # rows of a side; like MOST_CHECKS and MOST_FLOWS a choice: the tables have all
ACL_KINDS = {"allowed": "good", "denied": "bad", "unknown": "faint"}
Place = tuple[str | None, int | None]


class Side(NamedTuple):
    """One side's candidates; ``owner`` is the software its session description names."""

    name: str
    title: str
    owner: str
    sheet: Sheet | None


class Offered(NamedTuple):
    """The candidates of a call, side by side, and whether there were others before an ICE restart."""

    sides: tuple[Side, ...]
    restarted: bool = False


def offered(call: Call, lang: Lang) -> Offered:
    """Return the candidates of client and server, and of a third side if it offers any.

    Without any candidates there are no sides.
    """
    candidates = call.candidates
    if not candidates:
        return Offered(())
    current = latest(candidates)
    columns = _columns(current)
    checked = _checked(counting(call.pairs))
    sides = []
    for name in SIDES:
        of_side = [row for row in current if (row.side or "other") == name]
        if of_side or name != "other":
            sides.append(
                _side(name, [_candidate(row, checked, lang) for row in of_side], of_side, columns, lang)
            )
    return Offered(tuple(sides), restarted=len(_distinct(candidates)) > len(current))


def _columns(rows: Sequence[CandidateRow]) -> list[str]:
    """Return the columns with content; the leg only where there are several."""
    idle = {
        "leg": len({row.leg for row in rows}) < 2,
        "base": not any(row.related_addr for row in rows),
        "acl": not any(row.acl_verdict for row in rows),
    }
    return [name for name in COLUMNS if not idle.get(name)]


def latest(rows: Sequence[CandidateRow]) -> list[CandidateRow]:
    """Return for each leg and side the candidates of the ufrags in its last message, without duplicates."""
    last: dict[tuple[object, object], pd.Timestamp] = {}
    for row in rows:
        last[row.leg, row.side] = max(last.get((row.leg, row.side), row.time), row.time)
    current = {(row.leg, row.side, row.ufrag) for row in rows if row.time == last[row.leg, row.side]}
    return _distinct(row for row in rows if (row.leg, row.side, row.ufrag) in current)


def _distinct(rows: Iterable[CandidateRow]) -> list[CandidateRow]:
    unique: dict[tuple[object, ...], CandidateRow] = {}
    for row in rows:
        unique.setdefault((row.leg, row.side, row.transport, row.addr, row.port, row.type), row)
    return list(unique.values())


def _side(
    name: str, cells: list[dict[str, Cell]], rows: Sequence[CandidateRow], columns: list[str], lang: Lang
) -> Side:
    owner = next((row.sdp_owner for row in rows if row.sdp_owner), None)
    title = capital(SIDES[name]).of(lang) if name in SIDES else name
    if rows and rows[0].leg is not None and "leg" not in columns:
        title = f"{title}, {PAGE['leg'].of(lang)} {rows[0].leg}"
    shown_cells = [tuple(row[column] for column in columns) for row in cells]
    table = sheet("candidates", lang, " ".join(columns), shown_cells, MOST_CANDIDATES)
    return Side(name, title, shown(owner) if owner else "", table)


def _candidate(row: CandidateRow, checked: dict[Place, list[int]], lang: Lang) -> dict[str, Cell]:
    """Return a cell for each of COLUMNS."""
    answered, sent = checked.get((row.addr, row.port), (0, 0))
    transport = f" {shown(row.transport)}" if row.transport not in (None, "udp") else ""
    return {
        "leg": leg_cell(row.leg),
        "type": Cell(shown(row.type) + transport),
        "address": code(place(row.addr, row.port)),
        "class": Cell(shown(word(ADDRESS_CLASSES, row.addr_class, lang))),
        "base": code(place(row.related_addr, row.related_port)),
        "acl": Cell(
            shown(word(ACL_VERDICTS, row.acl_verdict, lang)), ACL_KINDS.get(row.acl_verdict or "", "faint")
        ),
        "checks": Cell(f"{answered}/{sent}", _check_kind(answered, sent)) if sent else Cell(NONE, "faint"),
        "frame": Cell(amount(row.frame), "figure"),
    }


def _check_kind(answered: int, sent: int) -> str:
    return "figure good" if answered == sent else "figure doubt" if answered else "figure bad"


def _checked(pairs: Iterable[PairRow]) -> dict[Place, list[int]]:
    """Return address -> checks answered and sent on pairs with it."""
    by_address: dict[Place, list[int]] = {}
    for pair in pairs:
        ends = {(pair.local_addr, pair.local_port), (pair.remote_addr, pair.remote_port)}
        for end in ends:
            counts = by_address.setdefault(end, [0, 0])
            counts[0] += pair.answered or 0
            counts[1] += pair.sent or 0
    return by_address


MOST_CHECKS = 100
NAMED = 2  # frames of bindings in one row
PAIR_KINDS = {"succeeded": "good", "half": "doubt", "failed": "bad", "never_checked": "faint"}
OUTCOME_KINDS = {
    "success": "good",
    "error": "bad",
    "unanswered": "bad",
    "pending": "doubt",
    "response_only": "faint",
}
DTLS_KINDS = {"complete": "good"}


def pairs(call: Call, lang: Lang) -> Sheet | None:
    """Return one row per candidate pair seen in checks."""
    columns = "leg local remote answered errors nominated dtls media state"
    return sheet("pairs", lang, columns, [_pair(row, lang) for row in counting(call.pairs)], MOST_CHECKS)


def _pair(row: PairRow, lang: Lang) -> tuple[Cell, ...]:
    return (
        leg_cell(row.leg),
        code(_end(row.local_addr, row.local_port, row.local_type)),
        code(_end(row.remote_addr, row.remote_port, row.remote_type)),
        Cell(f"{row.answered or 0}/{row.sent or 0}", "figure"),
        Cell(amount(row.errors), "figure bad" if row.errors else "figure faint"),
        Cell(HEADINGS["yes" if row.nominated else "no"].of(lang), "" if row.nominated else "faint"),
        Cell(
            shown(word(DTLS_STATES, row.dtls, lang)),
            DTLS_KINDS.get(row.dtls or "", "doubt") if row.dtls else "faint",
        ),
        Cell(amount(row.media_packets), "figure"),
        Cell(shown(word(PAIR_STATES, row.state, lang)), PAIR_KINDS.get(row.state or "", "")),
    )


def _end(addr: str | None, port: int | None, kind: str | None) -> str:
    return f"{place(addr, port)} {shown(kind)}" if kind else place(addr, port)


def bindings(call: Call, lang: Lang) -> Sheet | None:
    """Return bindings in order of time; equal ones in succession share a row."""
    columns = "time leg purpose direction from to requests outcome rtt seen_as frames"
    ordered = sorted(counting(call.bindings), key=lambda row: row.time)
    rows = [_binding(list(group), lang) for _, group in groupby(ordered, key=_alike)]
    return sheet("bindings", lang, columns, rows, MOST_CHECKS)


def _alike(row: BindingRow) -> tuple[object, ...]:
    ends = (row.src_addr, row.src_port, row.dst_addr, row.dst_port)
    result = (row.mapped_addr, row.mapped_port, row.icmp)
    return row.capture, row.leg, row.purpose, row.direction, ends, row.outcome, row.error_code, result


def _binding(group: Sequence[BindingRow], lang: Lang) -> tuple[Cell, ...]:
    row = group[0]
    requests = sum(binding.requests or 0 for binding in group)
    direction = word(DIRECTIONS, row.direction, lang) if row.direction != "other" else None
    return (
        time_cell(row.time),
        leg_cell(row.leg),
        Cell(shown(word(PURPOSES, row.purpose, lang))),
        Cell(shown(direction)),
        code(place(row.src_addr, row.src_port)),
        code(place(row.dst_addr, row.dst_port)),
        Cell(str(requests), "figure"),
        Cell(_outcome(group, lang), OUTCOME_KINDS.get(row.outcome or "", "")),
        Cell(_round_trips(group, lang), "figure"),
        code(place(row.mapped_addr, row.mapped_port)),
        Cell(_frames(group), "figure"),
    )


def _outcome(group: Sequence[BindingRow], lang: Lang) -> str:
    """Return ``error 487`` or ``12 × unanswered, ICMP 3 (11.0 s)``."""
    row, last = group[0], group[-1]
    number = f" {row.error_code}" if row.outcome == "error" and row.error_code is not None else ""
    icmp = f", ICMP {row.icmp}" if row.icmp is not None else ""
    text = f"{shown(word(OUTCOMES, row.outcome, lang))}{number}{icmp}"
    return f"{len(group)} × {text} ({span(row.time, last.time, lang)})" if len(group) > 1 else text


def _round_trips(group: Sequence[BindingRow], lang: Lang) -> str:
    times = [row.rtt_ms for row in group if row.rtt_ms is not None]
    if not times:
        return "–"
    least, most = decimal(min(times), lang), decimal(max(times), lang)
    return f"{least} ms" if least == most else f"{least}–{most} ms"


def _frames(group: Sequence[BindingRow]) -> str:
    """Return request and response frames, ``12→14``; of many the first few."""
    texts = [f"{row.frame}→{row.response_frame}" if row.response_frame else f"{row.frame}" for row in group]
    return ", ".join(texts[:NAMED]) + (" …" if len(texts) > NAMED else "")


MOST_FLOWS = 60
VERDICT_KINDS = {"ok": "good", "fault": "bad", "suspect": "doubt"}
HANDSHAKE_KINDS = {"complete": "good", "none": "faint"}
# Loss in % from which on a stream is marked as doubtful and as bad, after ITU-T G.113, appendix I: it impairs
# codecs without loss concealment from about 1 % on. Moving them changes colors only.
LOSS = (1.0, 5.0)


def log_warnings(lines: Sequence[Quoted], lang: Lang) -> Sheet | None:
    """Return one row per warning or error of the logs on a call's channels."""
    return sheet(
        "log_events", lang, "time level text times line", [_warning(line) for line in lines], MOST_FLOWS
    )


def _warning(line: Quoted) -> tuple[Cell, ...]:
    return (
        time_cell(line.time),
        Cell(shown(line.level), "doubt" if line.level == "WARNING" else "bad"),
        Cell(shown(line.text, 400), "long"),
        Cell(str(line.times), "figure"),
        code(f"{shown(line.log, 120)}:{line.line}"),
    )


def legs(call: Call, lang: Lang) -> Sheet | None:
    """Return one row per leg."""
    columns = "leg role from to agents time ringing answer end status state"
    return sheet("legs", lang, columns, [_leg(row, lang) for row in call.legs], MOST_FLOWS)


def _leg(row: LegRow, lang: Lang) -> tuple[Cell, ...]:
    agents = " → ".join(shown(agent, 80) for agent in (row.uac_agent, row.uas_agent))
    reason = f" {shown(row.final_reason, 60)}" if row.final_reason else ""
    kind = "" if row.final_status is None else "good" if is_success(row.final_status) else "doubt"
    return (
        leg_cell(row.leg),
        Cell(shown(word(ROLES, row.role, lang))),
        code(f"{shown(row.from_user, 60)} {place(row.uac_addr, row.uac_port)}"),
        code(f"{shown(row.to_user, 60)} {place(row.uas_addr, row.uas_port)}"),
        Cell(agents, "long"),
        time_cell(row.invite_time),
        time_cell(row.ringing_time),
        time_cell(row.answer_time),
        time_cell(row.end_time),
        Cell(amount(row.final_status) + reason, kind),
        Cell(shown(word(LEG_STATES, row.state, lang))),
    )


def handshakes(call: Call, lang: Lang) -> Sheet | None:
    """Return one row per DTLS handshake."""
    columns = "time leg dtls_client dtls_server state duration fingerprint frame"
    return sheet("dtls", lang, columns, [_handshake(row, lang) for row in counting(call.dtls)], MOST_FLOWS)


def _handshake(row: DtlsRow, lang: Lang) -> tuple[Cell, ...]:
    alert = f": {shown(row.alert, 60)}" if row.alert else ""
    matches = row.fingerprint_matches
    match = Cell("–", "faint") if matches is None else _match(matches=bool(matches), lang=lang)
    return (
        time_cell(row.started),
        leg_cell(row.leg),
        code(place(row.client_addr, row.client_port)),
        code(place(row.server_addr, row.server_port)),
        Cell(shown(word(DTLS_STATES, row.state, lang)) + alert, HANDSHAKE_KINDS.get(row.state or "", "bad")),
        Cell(millis(row.duration_ms, lang), "figure"),
        match,
        Cell(amount(row.frame), "figure"),
    )


def _match(*, matches: bool, lang: Lang) -> Cell:
    return Cell(HEADINGS["matches" if matches else "differs"].of(lang), "good" if matches else "bad")


def phases(call: Call, lang: Lang) -> Sheet | None:
    """Return one row per phase of a leg's media."""
    columns = "leg phase time duration opened_by may_send from_far_end from_server silence dtls verdict"
    return sheet("phases", lang, columns, [_phase(row, lang) for row in call.phases], MOST_FLOWS)


def _phase(row: PhaseRow, lang: Lang) -> tuple[Cell, ...]:
    """Return a phase's cells; packets of unknown senders are in parentheses where neither side has any."""
    far, server = row.packets_from_client, row.packets_from_server
    unknown = row.packets_undirected if not far and not server else None
    return (
        leg_cell(row.leg),
        Cell(phase_texts.kind(row, lang)),
        time_cell(row.started),
        Cell(span(row.started, row.ended, lang), "figure"),
        Cell(amount(row.opened_by), "figure"),
        Cell(phase_texts.senders(row, lang) or NONE),
        Cell(f"({unknown})" if unknown else amount(far), "figure"),
        Cell(amount(server), "figure"),
        Cell(_silence(row, lang), "figure"),
        Cell(shown(word(DTLS_STATES, row.dtls, lang)), HANDSHAKE_KINDS.get(row.dtls or "", "")),
        Cell(phase_texts.verdict(row, lang) or NONE, VERDICT_KINDS.get(row.verdict or "", "faint")),
    )


def _silence(row: PhaseRow, lang: Lang) -> str:
    """Return the longest silence of far end and server in s; NONE for a side that need not send."""
    lengths = [NONE if seconds is None else decimal(seconds, lang) for seconds in phase_texts.silences(row)]
    return f"{' / '.join(lengths)} s" if lengths != [NONE, NONE] else NONE


def streams(call: Call, lang: Lang) -> Sheet | None:
    """Return one row per RTP stream."""
    columns = "leg direction from to codec packets lost jitter gap time end"
    return sheet(
        "rtp_streams", lang, columns, [_stream(row, lang) for row in counting(call.rtp_streams)], MOST_FLOWS
    )


def stray_streams(rows: Sequence[RtpStreamRow], lang: Lang) -> Sheet | None:
    """Return the RTP streams that belong to no call, those with most packets first."""
    columns = "capture from to codec packets lost jitter gap time end"
    fullest = sorted(rows, key=lambda row: -row.packets)
    cells = [(Cell(shown(row.capture, 120)), *_stream(row, lang)[2:]) for row in fullest]
    table = sheet("rtp_streams", lang, columns, cells, MOST_FLOWS)
    return table._replace(title=STREAMS_OF_NO_CALL.of(lang)) if table else None


def _stream(row: RtpStreamRow, lang: Lang) -> tuple[Cell, ...]:
    direction = word(DIRECTIONS, row.direction, lang) if row.direction != "other" else None
    return (
        leg_cell(row.leg),
        Cell(shown(direction)),
        code(place(row.src_addr, row.src_port)),
        code(place(row.dst_addr, row.dst_port)),
        Cell(shown(row.codec, 40) + (" SRTP" if row.secured else "")),
        Cell(amount(row.packets), "figure"),
        _lost(row, lang),
        Cell(millis(row.jitter_ms, lang), "figure"),
        Cell(millis(row.max_gap_ms, lang, 0), "figure"),
        time_cell(row.first_time),
        time_cell(row.last_time),
    )


def _lost(row: RtpStreamRow, lang: Lang) -> Cell:
    if row.lost is None or not row.expected:
        return Cell("–", "figure faint")
    share = 100 * row.lost / row.expected
    doubtful, bad = LOSS
    kind = "bad" if share > bad else "doubt" if share > doubtful else ""
    return Cell(f"{row.lost} ({decimal(share, lang)} %)", f"figure {kind}".strip())
