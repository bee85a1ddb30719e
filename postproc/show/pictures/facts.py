"""What other tables know of a timeline's events: of checks, streams and SIP requests, by their frames."""

from typing import Any, NamedTuple

from postproc.model.text import Lang
from postproc.model.vocabulary import count, decimal
from postproc.show.pictures.cut import CallRows
from postproc.show.pictures.lettering import plain
from postproc.show.pictures.records import place
from postproc.show.pictures.wording import say

Frame = tuple[str, int | None]  # capture and number


class Binding(NamedTuple):
    """``rtt_ms`` is known of responses only."""

    transaction: str | None
    rtt_ms: float | None
    outcome: str | None
    purpose: str | None


class Stream(NamedTuple):
    ssrc: int | None
    said: str  # codec and figures


class Facts(NamedTuple):
    bindings: dict[Frame, Binding]
    streams: dict[tuple[Any, ...], Stream]  # by capture, first frame, source and destination
    requests: dict[Frame, tuple[str | None, int | None]]  # Call-ID and CSeq of SIP messages


UNKNOWN = Binding(None, None, None, None)


def facts(tables: CallRows, lang: Lang) -> Facts:
    """Gather what is known of the events of a call."""
    requests = {(row.capture, row.frame): (row.call_id, row.cseq) for row in tables.sip_messages}
    return Facts(_bindings(tables), _streams(tables, lang), requests)


def _bindings(tables: CallRows) -> dict[Frame, Binding]:
    found: dict[Frame, Binding] = {}
    for row in tables.bindings:
        if row.response_frame is not None:
            answer = Binding(row.transaction_id, row.rtt_ms, row.outcome, row.purpose)
            found[row.capture, row.response_frame] = answer
        if row.frame is not None and row.frame != row.response_frame:
            found[row.capture, row.frame] = Binding(row.transaction_id, None, row.outcome, row.purpose)
    return found


def _streams(tables: CallRows, lang: Lang) -> dict[tuple[Any, ...], Stream]:
    found: dict[tuple[Any, ...], Stream] = {}
    for row in tables.rtp_streams:
        codec = plain(row.codec)
        what = f"{'SRTP' if row.secured else 'RTP'} {codec}".strip()
        packets, lost = count(row.packets or 0, lang), count(row.lost or 0, lang)
        said = say("media", lang, what=what, packets=packets, lost=lost)
        if row.jitter_ms is not None:
            said += ", " + say("jitter", lang, jitter=decimal(f"{row.jitter_ms:.1f} ms", lang))
        ends = place(row.src_addr, row.src_port), place(row.dst_addr, row.dst_port)
        found[row.capture, row.frame, *ends] = Stream(row.ssrc, said)
    return found
