"""Holds that outlast the attempt to end them (RFC 3264, section 8.4).

By offer and answer such a phase is a hold, in which silence is agreed; the attempt shows that it is unwanted.
"""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, answered_once
from postproc.diagnose.evidence.negotiation import OFFERING
from postproc.diagnose.evidence.signalling import offered_audio
from postproc.model.addresses import UNSPECIFIED
from postproc.model.rows import PhaseRow, SipMessageRow
from postproc.model.statuses import CHALLENGES, is_final, is_refusal

# A B2BUA forwards a sender's silence, or a hold, to its other leg within a packet or two; a jitter buffer adds some
# 100 ms. At a third of this, delays begin to look like separate silences; at three times, two parties
# hanging up one after the other look like one silence.
PASSED_ON = timedelta(seconds=1)


class Kept(NamedTuple):
    """A phase that stays on hold from ``since`` on although one side ended the hold.

    ``asked`` is the offer that should have ended it and ``refused`` its final response: None where there is
    none, a 2xx where the answer keeps the hold. ``resumed`` is the phase in which the other leg of a B2BUA
    was resumed, ``relay`` the address of that B2BUA.
    """

    phase: PhaseRow
    since: datetime
    asked: SipMessageRow
    refused: SipMessageRow | None = None
    resumed: PhaseRow | None = None
    relay: str | None = None

    @property
    def seconds(self) -> float:
        return (_times(self.phase)[1] - self.since).total_seconds()


def _times(phase: PhaseRow) -> tuple[datetime, datetime]:
    started = phase.started or phase.time
    return started, phase.ended or started


@answered_once
def kept(case: Case) -> list[Kept]:
    """Return the holds that last for long after one side ended them, each phase once."""
    held = [each for each in case.phases if each.kind == "hold"]
    looks = (_tried, _answered, _left_behind)
    found = [
        found for phase in held if (found := next(filter(None, (look(case, phase) for look in looks)), None))
    ]
    return [each for each in found if each.seconds >= case.deployment.thresholds.stopped_seconds]


def _tried(case: Case, phase: PhaseRow) -> Kept | None:
    """Return a hold whose holder offers to send and receive again, and is refused or not answered."""
    held_by, (started, ended) = _opener(case, phase), _times(phase)
    for row in case.sip_messages:
        if (
            held_by is not None
            and row.method in OFFERING
            and (row.call_id, row.src_addr) == (held_by.call_id, held_by.src_addr)
            and started < row.time < ended
            and _both_ways(case, row)
        ):
            answers = [r for r in case.sip_messages if _answers(r, row)]
            last = max(answers, key=lambda r: r.status or 0, default=None)
            if last is None or (is_refusal(last.status) and last.status not in CHALLENGES):
                return Kept(phase, row.time, row, last)
    return None


def _answered(case: Case, phase: PhaseRow) -> Kept | None:
    """Return a hold whose holder resumes, and whose other side, which holds the call no longer or never did, answers with a hold."""
    asked = _opener(case, phase)
    before = next(
        (each for each in case.phases if (each.leg, each.phase) == (phase.leg, (phase.phase or 0) - 1)), None
    )
    held_by = _opener(case, before) if before is not None and before.kind == "hold" else None
    if asked is None or held_by is None or not _both_ways(case, asked):
        return None
    own, other = (_wanted(case, asked, side) for side in (asked.src_addr, asked.dst_addr))
    holds = asked.src_addr == held_by.src_addr or own is False
    if not holds or other is False or _held_elsewhere(case, phase):
        return None
    answer = next((r for r in case.sip_messages if _answers(r, asked)), None)
    return Kept(phase, _times(phase)[0], asked, answer) if answer is not None else None


def _wanted(case: Case, asked: SipMessageRow, sender: str) -> bool | None:
    """Whether the latest offer of a side before another one lets both send; None if it had made none."""
    offers = [
        row for row in case.sip_messages if _offers_of(row, sender, asked.call_id) and row.time < asked.time
    ]
    return _both_ways(case, offers[-1]) if offers else None


def _offers_of(row: SipMessageRow, sender: str, call_id: str) -> bool:
    return (row.call_id, row.src_addr) == (call_id, sender) and row.method in OFFERING and row.has_sdp


def _held_elsewhere(case: Case, phase: PhaseRow) -> bool:
    """Whether another leg is on hold meanwhile, which a B2BUA forwards."""
    started, ended = _times(phase)
    spans = [_times(each) for each in case.phases if each.leg != phase.leg and each.kind == "hold"]
    return any(since < ended and started < until for since, until in spans)


def _answers(row: SipMessageRow, asked: SipMessageRow) -> bool:
    same = (row.call_id, row.cseq, row.cseq_method) == (asked.call_id, asked.cseq, asked.method)
    return same and is_final(row.status) and row.dst_addr == asked.src_addr


def _both_ways(case: Case, offer: SipMessageRow) -> bool:
    section = offered_audio(case, offer)
    if section is None or section.connection_addr in UNSPECIFIED or not section.port:
        return False
    return section.direction in (None, "sendrecv")


def _left_behind(case: Case, phase: PhaseRow) -> Kept | None:
    """Return a hold that a B2BUA started after another leg's, and keeps when that leg is resumed."""
    asked, relay = _opener(case, phase), _relay(case, phase.leg)
    if asked is None or relay is None or asked.src_addr != relay:
        return None
    started, ended = _times(phase)
    others = sorted(
        (each for each in case.phases if each.leg != phase.leg), key=lambda p: (p.leg or 0, p.phase)
    )
    for before, after in pairwise(others):
        back, until = _times(after)
        if (
            before.leg == after.leg
            and (before.kind, after.kind) == ("hold", "resumed")
            and _may_talk(after)
            and max(started, back) < min(ended, until)
            and _talked(case, phase.leg, _times(before)[0] - PASSED_ON)
        ):
            return Kept(phase, max(started, back), asked, resumed=after, relay=relay)
    return None


def _opener(case: Case, phase: PhaseRow) -> SipMessageRow | None:
    """Return the offer that opened a phase."""
    opened = (phase.capture, phase.opened_by)
    return next((row for row in case.sip_messages if (row.capture, row.frame) == opened), None)


def _relay(case: Case, number: int | None) -> str | None:
    """Return the address of the B2BUA between the legs, on this leg."""
    for leg in case.legs:
        if leg.leg == number and leg.role in ("inbound", "outbound"):
            return leg.uas_addr if leg.role == "inbound" else leg.uac_addr
    return None


def _talked(case: Case, leg: int | None, at: datetime) -> bool:
    """Whether both sides of a leg may send at a given time."""
    spans = [_times(each) for each in case.phases if each.leg == leg and _may_talk(each)]
    return any(started <= at < ended for started, ended in spans)


def _may_talk(phase: PhaseRow) -> bool:
    return bool(phase.may_send_client and phase.may_send_server)
