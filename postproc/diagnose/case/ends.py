"""Which ends of a call a deployment's markers know: by User-Agent, and by what they write in SDP."""

from postproc.diagnose.case.case import Case
from postproc.model.deployment import SERVER, marked
from postproc.model.rows import LegRow


def server_calls(case: Case, leg: LegRow) -> bool:
    """The leg's caller bears a marker of the server: the B2BUA makes this leg."""
    return _server(case, leg, leg.uac_agent, leg.uac_addr)


def server_called(case: Case, leg: LegRow) -> bool:
    """The leg's called party bears a marker of the server: the B2BUA takes this leg."""
    return _server(case, leg, leg.uas_agent, leg.uas_addr) and not server_calls(case, leg)


def with_ice(case: Case, leg: LegRow) -> bool:
    """A description of the leg has an ufrag: ICE is offered or answered on it."""
    return any(row.ufrag for row in case.sdp if row.call_id == leg.call_id)


def _server(case: Case, leg: LegRow, agent: str | None, addr: str | None) -> bool:
    markers = case.deployment.markers
    if marked(markers.user_agent, agent) == SERVER:
        return True
    if leg.uac_addr == leg.uas_addr:
        return False  # who wrote which description cannot be told by address
    sent = {
        (row.capture, row.frame)
        for row in case.messages
        if row.call_id == leg.call_id and row.src_addr == addr
    }
    written = (row for row in case.sdp if row.call_id == leg.call_id and (row.capture, row.frame) in sent)
    return any(marked(markers.sdp_owner, row.sdp_owner) == SERVER for row in written)
