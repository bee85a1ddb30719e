"""Missing media that an end reports in the Reason header of its BYE (RFC 3326)."""

import re
from datetime import timedelta
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, answered_once
from postproc.model.rows import PhaseRow, RtpStreamRow, SipMessageRow

# FreeSWITCH: MEDIA_TIMEOUT; JsSIP and others: RTP Timeout; gateways: media inactivity, RTP broken connection.
WANTS_MEDIA = re.compile(
    r"(media|rtc?p)[ _-]*(time[d _-]*out|inactiv|broken|lost)|no[ _-]+(media|rtp)\b", re.IGNORECASE
)
# A sender stops within a second or two of the hang-up. With a third of it a gap of silence suppression ends a
# stream too soon, with three times it a stream that really stopped counts as sent.
STILL_SENT = timedelta(seconds=2)


class Complaint(NamedTuple):
    """A BYE for missing media, and the streams that were being sent to its sender until then; none if none were due."""

    bye: SipMessageRow
    streams: tuple[RtpStreamRow, ...]


@answered_once
def complaint(case: Case) -> Complaint | None:
    """Return the first BYE of a call if it reports media missing that the captures show until then, or that were not due.

    A later BYE only forwards why another leg ended, as the first may where a leg cannot be read.
    """
    bye = next((row for row in case.sip_messages if row.method == "BYE"), None)
    if bye is None or case.unread_legs or not WANTS_MEDIA.search(bye.reason_header or ""):
        return None
    own = {bye.src_addr} | _described(case, bye)
    streams = tuple(
        row
        for row in case.rtp_streams
        if row.leg == case.leg_of.get(bye.call_id)
        and row.dst_addr in own
        and row.media != "video"
        and (row.packets or 0) >= case.deployment.thresholds.one_way_packets
        and row.last_time >= bye.time - STILL_SENT
    )
    return Complaint(bye, streams) if streams or _none_due(case, bye, own) else None


def _none_due(case: Case, bye: SipMessageRow, own: set[str]) -> bool:
    """Whether the other side was not to send at the end: a listener, a hold."""
    last = next((phase for phase in reversed(case.phases) if phase.leg == case.leg_of.get(bye.call_id)), None)
    if last is None or last.kind == "early":
        return False
    if last.local_addr in own:
        return last.may_send_client is False
    return last.remote_addr in own and last.may_send_server is False


def unfed_hold(case: Case) -> tuple[SipMessageRow, PhaseRow] | None:
    """Return the first BYE of a call if it reports missing media while its leg is on hold and nothing came, and that hold."""
    bye = next((row for row in case.sip_messages if row.method == "BYE"), None)
    if bye is None or not WANTS_MEDIA.search(bye.reason_header or ""):
        return None
    leg = case.leg_of.get(bye.call_id)
    here = [each for each in case.phases if each.leg == leg and (each.started or each.time) <= bye.time]
    held = here[-1] if here and here[-1].kind == "hold" else None
    came = held is not None and (held.packets_from_client or held.packets_from_server)
    return None if held is None or came or held.packets_undirected else (bye, held)


def _described(case: Case, bye: SipMessageRow) -> set[str]:
    """Return the media addresses in the descriptions of the BYE's sender."""
    sent = {
        (row.capture, row.frame)
        for row in case.sip_messages
        if (row.call_id, row.src_addr) == (bye.call_id, bye.src_addr)
    }
    sections = (row for row in case.sdp_media if row.call_id == bye.call_id)
    return {
        row.connection_addr for row in sections if (row.capture, row.frame) in sent and row.connection_addr
    }
