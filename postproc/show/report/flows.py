"""Legs, DTLS handshakes and RTP streams of a call as sheets."""

from postproc.model.text import Lang
from postproc.model.vocabulary import DIRECTIONS, DTLS_STATES, LEG_STATES, ROLES, word
from postproc.show.report.cells import (
    Cell,
    Sheet,
    amount,
    clock,
    code,
    decimal,
    leg_cell,
    millis,
    place,
    sheet,
    shown,
)
from postproc.show.report.rows import CallRows, Row
from postproc.show.report.words import HEADINGS

MOST = 60
STATES = {"complete": "good", "none": "faint"}
LOSS = (1.0, 5.0)  # per cent: worth a look, bad (ITU-T G.113 appendix I)


def legs(call: CallRows, lang: Lang) -> Sheet | None:
    """One row per leg."""
    columns = "leg role from to agents time ringing answer end status state"
    return sheet("legs", lang, columns, [_leg(row, lang) for row in call["legs"]], MOST)


def _leg(row: Row, lang: Lang) -> tuple[Cell, ...]:
    agents = " → ".join(shown(agent, 80) for agent in (row.uac_agent, row.uas_agent))
    reason = f" {shown(row.final_reason, 60)}" if row.final_reason else ""
    known = row.final_status is not None
    rated = "" if not known else "good" if row.final_status < 300 else "doubt"
    return (
        leg_cell(row.leg),
        Cell(shown(word(ROLES, row.role, lang))),
        code(f"{shown(row.from_user, 60)} {place(row.uac_addr, row.uac_port)}"),
        code(f"{shown(row.to_user, 60)} {place(row.uas_addr, row.uas_port)}"),
        Cell(agents, "long"),
        Cell(clock(row.invite_time), "figure"),
        Cell(clock(row.ringing_time), "figure"),
        Cell(clock(row.answer_time), "figure"),
        Cell(clock(row.end_time), "figure"),
        Cell(amount(row.final_status) + reason, rated),
        Cell(shown(word(LEG_STATES, row.state, lang))),
    )


def handshakes(call: CallRows, lang: Lang) -> Sheet | None:
    """One row per DTLS handshake."""
    columns = "time leg dtls_client dtls_server state duration fingerprint frame"
    return sheet("dtls", lang, columns, [_handshake(row, lang) for row in call["dtls"]], MOST)


def _handshake(row: Row, lang: Lang) -> tuple[Cell, ...]:
    alert = f": {shown(row.alert, 60)}" if row.alert else ""
    held = row.fingerprint_matches
    match = Cell("–", "faint") if held is None else _match(matches=bool(held), lang=lang)
    return (
        Cell(clock(row.started), "figure"),
        leg_cell(row.leg),
        code(place(row.client_addr, row.client_port)),
        code(place(row.server_addr, row.server_port)),
        Cell(shown(word(DTLS_STATES, row.state, lang)) + alert, STATES.get(row.state or "", "bad")),
        Cell(millis(row.duration_ms, lang), "figure"),
        match,
        Cell(amount(row.frame), "figure"),
    )


def _match(*, matches: bool, lang: Lang) -> Cell:
    return Cell(HEADINGS["matches" if matches else "differs"].of(lang), "good" if matches else "bad")


def streams(call: CallRows, lang: Lang) -> Sheet | None:
    """One row per RTP stream."""
    columns = "leg direction from to codec packets lost jitter gap time end"
    return sheet("rtp_streams", lang, columns, [_stream(row, lang) for row in call["rtp_streams"]], MOST)


def _stream(row: Row, lang: Lang) -> tuple[Cell, ...]:
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
        Cell(clock(row.first_time), "figure"),
        Cell(clock(row.last_time), "figure"),
    )


def _lost(row: Row, lang: Lang) -> Cell:
    if row.lost is None or not row.expected:
        return Cell("–", "figure faint")
    share = 100 * row.lost / row.expected
    note, bad = LOSS
    kind = "bad" if share > bad else "doubt" if share > note else ""
    return Cell(f"{row.lost} ({decimal(share, lang)} %)", f"figure {kind}".strip())
