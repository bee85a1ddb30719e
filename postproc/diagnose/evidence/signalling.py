"""SIP and SDP of a call: how it was refused, the audio codecs of its legs, ends that markers name.

A refusal is traced to the response it goes back to; codecs are those offered and answered (RFC 3264).
"""

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case
from postproc.model.deployment import SERVER, marked
from postproc.model.rows import LegRow, SdpMediaRow, SipMessageRow
from postproc.model.vocabulary import EVERYDAY_ENDS

CHALLENGES = frozenset({401, 407})
Q850 = re.compile(r"Q\.850\s*;[^,]*?cause\s*=\s*(\d{1,3})(?!\d)", re.IGNORECASE)
TRYING = 100
INCOMPATIBLE = 88  # Q.850: incompatible destination


@dataclass(frozen=True)
class Rejection:
    """The final failure of a call's first leg.

    ``origin`` is the failure it goes back to, on whatever leg; ``before``: statuses
    of what else was answered to the leg, challenges and provisional responses;
    ``asked_on``: another leg was begun before it; ``status``: the response's.
    """

    leg: LegRow
    invite: SipMessageRow
    response: SipMessageRow
    origin: SipMessageRow
    before: frozenset[int]
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
        return not self.before and prompt and not self.asked_on and self.origin is self.response

    @property
    def unasked(self) -> bool:
        """Nobody else was called, and nothing but 100 Trying came before."""
        return self.before <= {TRYING} and not self.asked_on and self.origin is self.response


def q850(header: str | None) -> int | None:
    """The Q.850 cause in a Reason header."""
    found = Q850.search(header or "")
    return int(found[1]) if found else None


def rejection(case: Case) -> Rejection | None:
    """How the first leg was refused; None where it was not, or as calls are refused every day."""
    return refusal(case, range(400, 700), but=EVERYDAY_ENDS)


def refusal(case: Case, statuses: Container[int], but: Container[int] = ()) -> Rejection | None:
    """How the first leg was refused with one of these statuses; None where it was not."""
    first = [leg for leg in case.legs if leg.leg == 1]
    if not first or any(leg.answer_time is not None or leg.state == "cancelled" for leg in first):
        return None
    for leg in first:
        if leg.final_status is not None and leg.final_status in statuses and leg.final_status not in but:
            return _rejection(case, leg)
    return None


def _rejection(case: Case, leg: LegRow) -> Rejection | None:
    mine = [row for row in case.sip_messages if row.call_id == leg.call_id]
    invites = [row for row in mine if row.method == "INVITE" and row.to_tag is None]
    refused = leg.final_status
    refusals = [row for row in mine if row.status == refused and row.cseq_method == "INVITE"]
    last = next((row for row in refusals if invites and row.cseq == invites[-1].cseq), None)
    if last is None or refused is None:
        return None
    invite = next(row for row in invites if row.cseq == last.cseq)
    before = {row.status for row in mine if row.status is not None and row.time <= last.time} - {last.status}
    asked_on = any(
        other.leg != leg.leg and other.invite_time and invite.time <= other.invite_time <= last.time
        for other in case.legs
    )
    return Rejection(leg, invite, last, _origin(case, leg, last), frozenset(before), asked_on, refused)


def _origin(case: Case, leg: LegRow, response: SipMessageRow) -> SipMessageRow:
    """The failure of another leg that was passed on: the last one before, of the same status if there is one."""
    status = {each.call_id: each.final_status for each in case.legs if each.leg != leg.leg}
    earlier = [
        row
        for row in case.sip_messages
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


# Not audio of its own: tones, comfort noise, redundancy, error correction.
BESIDE = frozenset({"telephone-event", "cn", "red", "ulpfec", "flexfec", "rtx"})
COMMON = frozenset({"pcma", "pcmu", "g722", "opus"})  # every softphone server of today knows one of them


class Negotiated(NamedTuple):
    """The audio sections of a leg's first offer and of the answer to it."""

    offer: SdpMediaRow
    answer: SdpMediaRow


def codecs(section: SdpMediaRow) -> frozenset[str] | None:
    """Names of a section's audio codecs in lower case, as ``opus/48000``; None where one is not known."""
    named = dict(part.partition("=")[::2] for part in (section.codecs or "").split(",") if part)
    formats = [each for each in (section.formats or "").split(",") if each]
    if not formats or any(each not in named for each in formats):
        return None
    names = {named[each].lower() for each in formats}
    return frozenset(name for name in names if name.partition("/")[0] not in BESIDE)


def shown(section: SdpMediaRow) -> list[str]:
    """Names of a section's audio codecs as written, those not known by their number."""
    named = dict(part.partition("=")[::2] for part in (section.codecs or "").split(",") if part)
    names = [named.get(each, each) for each in (section.formats or "").split(",") if each]
    return [name for name in names if name.partition("/")[0].lower() not in BESIDE]


def disjoint(one: SdpMediaRow, other: SdpMediaRow) -> bool:
    """Both sections are known whole and have no codec in common."""
    first, second = codecs(one), codecs(other)
    return bool(first and second and not first & second)


def well_known(section: SdpMediaRow) -> bool:
    """One of the codecs that servers know is in it."""
    return any(name.partition("/")[0].lower() in COMMON for name in shown(section))


def negotiated(case: Case, call_id: str) -> Negotiated | None:
    """A leg's first audio offer that was answered, and the answer; a response's offer is answered by ACK."""
    offer: tuple[SdpMediaRow, bool] | None = None
    for section, in_request in _descriptions(case, call_id):
        if offer is not None and in_request != offer[1]:
            return Negotiated(offer[0], section)
        offer = section, in_request
    return None


def offered_audio(case: Case, message: SipMessageRow) -> SdpMediaRow | None:
    """The audio section of the description in a message."""
    place = (message.capture, message.frame, message.call_id)
    here = (row for row in case.sdp_media if (row.capture, row.frame, row.call_id) == place)
    return next((row for row in here if row.media == "audio"), None)


def refused_offer(case: Case, refused: Rejection) -> tuple[SipMessageRow, SdpMediaRow] | None:
    """The INVITE to which a refusal goes back, on whatever leg, and the audio it offers."""
    origin = refused.origin
    for row in case.sip_messages:
        if (row.call_id, row.cseq, row.method) == (origin.call_id, origin.cseq, "INVITE"):
            audio = offered_audio(case, row)
            if audio is not None:
                return row, audio
    return None


def _descriptions(case: Case, call_id: str) -> list[tuple[SdpMediaRow, bool]]:
    """First audio section of each message of a leg, and whether the message is a request."""
    kinds = {
        (row.capture, row.frame): row.method is not None
        for row in case.sip_messages
        if row.call_id == call_id and row.has_sdp
    }
    first: dict[tuple[str, int | None], SdpMediaRow] = {}
    for row in case.sdp_media:
        if row.call_id == call_id and row.media == "audio":
            first.setdefault((row.capture, row.frame), row)
    return [(row, kinds[place]) for place, row in first.items() if place in kinds]


def server_calls(case: Case, leg: LegRow) -> bool:
    """The leg's caller bears a marker of the server: the B2BUA makes this leg."""
    return _server(case, leg, leg.uac_agent, leg.uac_addr)


def server_called(case: Case, leg: LegRow) -> bool:
    """The leg's called party bears a marker of the server: the B2BUA takes this leg."""
    return _server(case, leg, leg.uas_agent, leg.uas_addr) and not server_calls(case, leg)


def with_ice(case: Case, leg: LegRow) -> bool:
    """A description of the leg has an ufrag: ICE is offered or answered on it."""
    return any(row.ufrag for row in case.sdp_media if row.call_id == leg.call_id)


def _server(case: Case, leg: LegRow, agent: str | None, addr: str | None) -> bool:
    markers = case.deployment.markers
    if marked(markers.user_agent, agent) == SERVER:
        return True
    if leg.uac_addr == leg.uas_addr:
        return False  # who wrote which description cannot be told by address
    sent = {
        (row.capture, row.frame)
        for row in case.sip_messages
        if row.call_id == leg.call_id and row.src_addr == addr
    }
    written = (
        row for row in case.sdp_media if row.call_id == leg.call_id and (row.capture, row.frame) in sent
    )
    return any(marked(markers.sdp_owner, row.sdp_owner) == SERVER for row in written)
