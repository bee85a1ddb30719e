"""How a call was refused: by what response, how soon, and who said so first."""

import re
from dataclasses import dataclass

from postproc.diagnose.case.case import Case
from postproc.model.rows import LegRow, SipMessageRow
from postproc.model.vocabulary import EVERYDAY_ENDS

CHALLENGES = frozenset({401, 407})
Q850 = re.compile(r"Q\.850\s*;[^,]*?cause\s*=\s*(\d{1,3})(?!\d)", re.IGNORECASE)
INCOMPATIBLE = 88  # Q.850: incompatible destination


@dataclass(frozen=True)
class Rejection:
    """The final failure of a call's first leg.

    ``origin`` is the failure it goes back to, on whatever leg; ``only``: nothing
    else was answered to the leg, neither a challenge nor anything provisional;
    ``asked_on``: another leg was begun before it; ``status``: the response's.
    """

    leg: LegRow
    invite: SipMessageRow
    response: SipMessageRow
    origin: SipMessageRow
    only: bool
    asked_on: bool
    status: int

    @property
    def phrase(self) -> str:
        """Status and reason phrase."""
        return f"{self.status} {self.response.reason or ''}".strip()

    @property
    def after_ms(self) -> float:
        """From the INVITE to the response."""
        return float((self.response.time - self.invite.time).total_seconds() * 1000)

    @property
    def cause(self) -> int | None:
        """The Q.850 cause (RFC 3326) of the response, else of the one it goes back to."""
        return q850(self.response.reason_header) or q850(self.origin.reason_header)

    def own(self, case: Case) -> bool:
        """The machine decided by itself: at once, as its only answer, and without asking anybody."""
        prompt = self.after_ms <= case.deployment.thresholds.at_once_ms
        return self.only and prompt and not self.asked_on and self.origin is self.response


def q850(header: str | None) -> int | None:
    """The Q.850 cause in a Reason header."""
    found = Q850.search(header or "")
    return int(found[1]) if found else None


def rejection(case: Case) -> Rejection | None:
    """How the first leg was refused; None where it was not, or as calls are refused every day."""
    first = [leg for leg in case.legs if leg.leg == 1]
    if not first or any(leg.answer_time is not None or leg.state == "cancelled" for leg in first):
        return None
    for leg in first:
        if leg.final_status is not None and leg.final_status >= 400 and leg.final_status not in EVERYDAY_ENDS:
            return _rejection(case, leg)
    return None


def _rejection(case: Case, leg: LegRow) -> Rejection | None:
    mine = [row for row in case.messages if row.call_id == leg.call_id]
    invites = [row for row in mine if row.method == "INVITE" and row.to_tag is None]
    refused = leg.final_status
    refusals = [row for row in mine if row.status == refused and row.cseq_method == "INVITE"]
    last = next((row for row in refusals if invites and row.cseq == invites[-1].cseq), None)
    if last is None or refused is None:
        return None
    invite = next(row for row in invites if row.cseq == last.cseq)
    said = {row.status for row in mine if row.status is not None and row.time <= last.time}
    asked_on = any(
        other.leg != leg.leg and other.invite_time and invite.time <= other.invite_time <= last.time
        for other in case.legs
    )
    return Rejection(leg, invite, last, _origin(case, leg, last), said == {last.status}, asked_on, refused)


def _origin(case: Case, leg: LegRow, response: SipMessageRow) -> SipMessageRow:
    """The failure of another leg that was passed on: the last one before, of the same status if there is one."""
    status = {each.call_id: each.final_status for each in case.legs if each.leg != leg.leg}
    earlier = [
        row
        for row in case.messages
        if row.status is not None
        and row.status >= 400
        and row.cseq_method == "INVITE"
        and row.time <= response.time
        and row.status == status.get(row.call_id)
    ]
    same = [row for row in earlier if row.status == response.status]
    if not (same or earlier):
        return response
    passed = (same or earlier)[-1]
    hops = (row for row in earlier if (row.call_id, row.cseq) == (passed.call_id, passed.cseq))
    return next(hops)
