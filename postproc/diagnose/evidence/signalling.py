"""SIP and SDP of a call: how it was refused, the audio codecs of its legs, ends identified by markers.

A refusal is traced to the response that caused it; codecs are those offered and answered (RFC 3264).
"""

import re
from collections.abc import Container
from datetime import timedelta
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.q850 import BROKEN_DOWN
from postproc.diagnose.evidence.timers import in_ms
from postproc.model.deployment import SERVER, marked
from postproc.model.rows import LegRow, SdpMediaRow, SipMessageRow
from postproc.model.statuses import CHALLENGES, TERMINATED, TRYING, is_failure
from postproc.model.vocabulary import EVERYDAY_ENDS

Q850 = re.compile(r"Q\.850\s*;[^,]*?cause\s*=\s*(\d{1,3})(?!\d)", re.IGNORECASE)
RELEASE = re.compile(r"\bRELEASE_CAUSE\s*;[^,]*?cause\s*=\s*(\d)(?!\d)", re.IGNORECASE)
SIP_CAUSE = re.compile(r"\bSIP\s*;[^,]*?cause\s*=\s*(\d{3})(?!\d)", re.IGNORECASE)
# Causes in a CANCEL by which somebody hung up, or let it ring long enough (RFC 3326, section 3.1): with these it is everyday.
NOT_FAILURES = frozenset({408, 480, 486, 487, 600, 603})
# Of RELEASE_CAUSE (3GPP TS 24.229, section 7.2A.18.11): bearer lost, no ACK, no response, redirection failed. 1 is a
# person, 2 wants media, 6 is an INVITE that rang long enough.
RELEASED = frozenset({3, 4, 5, 7})
# Of Q.850: resource, bearer capability, service or destination does not fit.
INCAPABLE = frozenset({47, 58, 65, 69, 70, 79, 88})
# Warn codes 304 and 305: media type, or media format, not available (RFC 3261, section 20.43); others say it in words.
OF_CODECS = re.compile(r"(?:^|, *)30[45] |codec|media format", re.IGNORECASE)
ONE_PACKET = 1472  # bytes of a datagram in an Ethernet frame: 1,500 less the headers of IPv4 and UDP
INCOMPATIBLE = 88  # Q.850: incompatible destination
# Within which a B2BUA makes one leg's failure its answer on the other (FreeSWITCH: 20 ms). A third would do; with three
# times, a destination that is tried next, unseen, is left out.
AT_ONCE = timedelta(seconds=2)
# A failure in the words of a response, where a person's refusal says Decline, Busy Here, Temporarily Unavailable.
FAILING = re.compile(r"fail|error|unable|\bsdp\b|codec|not supported|incompatible", re.IGNORECASE)
# Q.850 defines no cause 0: Asterisk sends it with 603 where it has no other, as when no codec fits.
NO_PERSON = BROKEN_DOWN | {0, 88}
UNREACHED = frozenset(
    {408, *range(500, 600)}
)  # SIP statuses in a Reason: what the everyday answer was made of


def phrase(status: int | None, reason: str | None) -> str:
    """Return status and reason phrase as a status line has them (RFC 3261, section 7.2)."""
    return f"{status} {reason or ''}".strip()


def author(row: SipMessageRow) -> tuple[str, str | None]:
    """Return Call-ID and tag of the side that made a message, wherever it was sent from."""
    return row.call_id, row.from_tag if row.method is not None else row.to_tag


class Rejection(NamedTuple):
    """The final failure of a call's first leg.

    ``origin``: the failure that caused it, on any leg; ``before``: statuses of the
    leg's earlier responses, challenges and provisional ones; ``asked_on``: another leg
    was started before it; ``status``: that of ``response``.
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
        return phrase(self.status, self.response.reason)

    @property
    def after_ms(self) -> float:
        """Milliseconds from the INVITE to the response."""
        return in_ms(self.response.time - self.invite.time)

    @property
    def cause(self) -> int | None:
        """The Q.850 cause (RFC 3326) of the response, else of its origin; or None."""
        return q850(self.response.reason_header) or q850(self.origin.reason_header)

    @property
    def warning(self) -> str | None:
        """The Warning header of the origin, else of the response: why, in the words of whoever refused."""
        return self.origin.warning or self.response.warning

    @property
    def of_codecs(self) -> bool:
        """Whether the Warning header names the offer's codecs as the reason."""
        return bool(OF_CODECS.search(self.warning or ""))

    def own(self, case: Case) -> bool:
        """Whether the machine itself refused: at once, as its only response, without another leg."""
        prompt = self.after_ms <= case.deployment.thresholds.at_once_ms
        return not self.before and prompt and not self.asked_on and self.origin is self.response

    @property
    def unasked(self) -> bool:
        """Whether no other leg was started, and at most 100 Trying came before."""
        return self.before <= {TRYING} and not self.asked_on and self.origin is self.response


def q850(header: str | None) -> int | None:
    """Return the Q.850 cause in a Reason header, or None."""
    match = Q850.search(header or "")
    return int(match[1]) if match else None


def given_up(case: Case) -> tuple[SipMessageRow, SipMessageRow] | None:
    """Return the INVITE of the first leg and the CANCEL by which the caller's side itself, not a person, ends the call.

    None if there are no such two in the captures.
    """
    first = {leg.call_id for leg in case.legs if leg.leg == 1 and leg.answer_time is None}
    cancels = (row for row in case.sip_messages if row.method == "CANCEL" and row.call_id in first)
    cancel = next((row for row in cancels if _failed(row.reason_header)), None)
    invites = (row for row in case.sip_messages if row.method == "INVITE")
    invite = next((row for row in invites if cancel is not None and row.call_id == cancel.call_id), None)
    return (invite, cancel) if invite is not None and cancel is not None else None


def _failed(reason: str | None) -> bool:
    status = sip_cause(reason) or 0
    own = q850(reason) in INCAPABLE or release_cause(reason) in RELEASED
    return own or (status >= 400 and status not in NOT_FAILURES)


def sip_cause(header: str | None) -> int | None:
    """Return the SIP status in a Reason header, or None."""
    match = SIP_CAUSE.search(header or "")
    return int(match[1]) if match else None


def release_cause(header: str | None) -> int | None:
    """Return the cause by which a mobile phone or its network ends a call (3GPP TS 24.229), in a Reason header, or None."""
    match = RELEASE.search(header or "")
    return int(match[1]) if match else None


def rejection(case: Case) -> Rejection | None:
    """Return how the first leg was refused; None if it was not, or with an everyday status that hides no other."""
    plain = refusal(case, range(400, 700), but=EVERYDAY_ENDS)
    everyday = None if plain else refusal(case, EVERYDAY_ENDS)
    return everyday if everyday and _hides_failure(case, everyday) else plain


def _hides_failure(case: Case, refused: Rejection) -> bool:
    """Whether an everyday status stands for a failure: of the only leg that the server tried, or by its own words.

    After ringing, any status may be somebody's refusal.
    """
    if by_machine(refused):
        return True
    origin, onward = refused.origin, [leg for leg in case.legs if leg.leg != refused.leg.leg]
    return (
        (uncalled_for(refused) or (origin.status or 0) not in {*EVERYDAY_ENDS, *CHALLENGES})
        and refused.response.time - origin.time <= AT_ONCE
        and all(leg.call_id == origin.call_id and leg.ringing_time is None for leg in onward)
    )


def uncalled_for(refused: Rejection) -> bool:
    """Whether the onward leg alone ended as cancelled (487), and nobody had cancelled it (RFC 3261, section 9.2)."""
    return refused.status != TERMINATED and refused.origin.status == TERMINATED


def by_machine(refused: Rejection) -> bool:
    """Whether nobody declined a call that got an everyday status: it did not ring, and the response names a failure."""
    unheard = refused.leg.ringing_time is None and refused.origin is refused.response
    reason = refused.response.reason_header
    failed = q850(reason) in NO_PERSON or sip_cause(reason) in UNREACHED
    words = FAILING.search(refused.response.reason or "")
    return unheard and refused.status in EVERYDAY_ENDS and (failed or bool(words))


def refusal(case: Case, statuses: Container[int], but: Container[int] = ()) -> Rejection | None:
    """Return how the first leg was refused with one of ``statuses`` except ``but``; or None."""
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
    """Return the other leg's failure that was passed on: the last one before, preferably of equal status."""
    status = {each.call_id: each.final_status for each in case.legs if each.leg != leg.leg}
    taken_back = {(row.call_id, row.cseq) for row in case.sip_messages if row.method == "CANCEL"}
    earlier = [
        row
        for row in case.sip_messages
        if is_failure(row.status)
        and row.cseq_method == "INVITE"
        and row.time <= response.time
        and row.status == status.get(row.call_id)
        and (
            row.status != TERMINATED or (row.call_id, row.cseq) not in taken_back
        )  # which answers the server's own CANCEL
    ]
    same = [row for row in earlier if row.status == response.status]
    if not (same or earlier):
        return response
    passed = (same or earlier)[-1]
    hops = (row for row in earlier if (row.call_id, row.cseq) == (passed.call_id, passed.cseq))
    return next(hops)


# Auxiliary formats: tones, comfort noise, redundancy, error correction.
BESIDE = frozenset({"telephone-event", "cn", "red", "ulpfec", "flexfec", "rtx"})
COMMON = frozenset({"pcma", "pcmu", "g722", "opus"})  # any current softphone server supports one of them


class Negotiated(NamedTuple):
    """The audio sections of a leg's first answered offer and its answer."""

    offer: SdpMediaRow
    answer: SdpMediaRow


def codecs(section: SdpMediaRow) -> frozenset[str] | None:
    """Return a section's audio codecs in lower case, such as ``opus/48000``; None if one is unknown."""
    names_by_type = dict(part.partition("=")[::2] for part in (section.codecs or "").split(",") if part)
    formats = [each for each in (section.formats or "").split(",") if each]
    if not formats or any(each not in names_by_type for each in formats):
        return None
    names = {names_by_type[each].lower() for each in formats}
    return frozenset(name for name in names if name.partition("/")[0] not in BESIDE)


def shown(section: SdpMediaRow) -> list[str]:
    """Return a section's audio codecs as written, unknown ones as payload types."""
    names_by_type = dict(part.partition("=")[::2] for part in (section.codecs or "").split(",") if part)
    names = [names_by_type.get(each, each) for each in (section.formats or "").split(",") if each]
    return [name for name in names if name.partition("/")[0].lower() not in BESIDE]


def disjoint(one: SdpMediaRow, other: SdpMediaRow) -> bool:
    """Whether all codecs of both sections are known and none is common; the answer may have none but events and noise."""
    first, second = codecs(one), codecs(other)
    if not first or second is None or not (second or other.port):
        return False
    return not first & second


def well_known(section: SdpMediaRow) -> bool:
    """Whether a section has one of the common codecs."""
    return any(name.partition("/")[0].lower() in COMMON for name in shown(section))


def negotiated(case: Case, call_id: str) -> Negotiated | None:
    """Return a leg's first answered audio offer and its answer (an ACK if the offer is in a response)."""
    offer: tuple[SdpMediaRow, bool] | None = None
    for section, in_request in _descriptions(case, call_id):
        if offer is not None and in_request != offer[1]:
            return Negotiated(offer[0], section)
        offer = section, in_request
    return None


def offered_audio(case: Case, message: SipMessageRow) -> SdpMediaRow | None:
    """Return the first audio section in a message, or None."""
    place = (message.capture, message.frame, message.call_id)
    here = (row for row in case.sdp_media if (row.capture, row.frame, row.call_id) == place)
    return next((row for row in here if row.media == "audio"), None)


def refused_offer(case: Case, refused: Rejection) -> tuple[SipMessageRow, SdpMediaRow] | None:
    """Return the INVITE whose refusal is the origin, on any leg, and its audio offer; or None."""
    origin = refused.origin
    for row in case.sip_messages:
        if (row.call_id, row.cseq, row.method) == (origin.call_id, origin.cseq, "INVITE"):
            audio = offered_audio(case, row)
            if audio is not None:
                return row, audio
    return None


def _descriptions(case: Case, call_id: str) -> list[tuple[SdpMediaRow, bool]]:
    """Return the first audio section of each message of a leg, and whether the message is a request."""
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
    """Whether the leg's caller has a server marker: the B2BUA makes this leg."""
    return _server(case, leg, leg.uac_agent, leg.uac_addr)


def server_called(case: Case, leg: LegRow) -> bool:
    """Whether only the leg's called party has a server marker: the B2BUA takes this leg."""
    return _server(case, leg, leg.uas_agent, leg.uas_addr) and not server_calls(case, leg)


def with_ice(case: Case, leg: LegRow) -> bool:
    """Whether a description of the leg has an ufrag, i.e. ICE is offered or answered."""
    return any(row.ufrag for row in case.sdp_media if row.call_id == leg.call_id)


def _server(case: Case, leg: LegRow, agent: str | None, addr: str | None) -> bool:
    markers = case.deployment.markers
    if marked(markers.user_agent, agent) == SERVER:
        return True
    if leg.uac_addr == leg.uas_addr:
        return False  # the address does not identify the author of a description
    sent = {
        (row.capture, row.frame)
        for row in case.sip_messages
        if row.call_id == leg.call_id and row.src_addr == addr
    }
    written = (
        row for row in case.sdp_media if row.call_id == leg.call_id and (row.capture, row.frame) in sent
    )
    return any(marked(markers.sdp_owner, row.sdp_owner) == SERVER for row in written)
