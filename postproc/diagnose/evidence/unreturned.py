"""Why nothing comes back to a side that sends: what the captures show of it, for rule ``one-way-media``."""

from postproc.diagnose.evidence.candidates import PRIVATE, PUBLIC
from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.media import Way, names_no_address
from postproc.diagnose.evidence.negotiation import exchanges
from postproc.model.addresses import addr_class
from postproc.model.rows import PhaseRow, RtpStreamRow, SdpMediaRow


def hung_up_after(case: Case, source: str, sent: Way) -> float | None:
    """Return how long the side that hears nothing sent until it hung up; None if it did not."""
    bye = next((row for row in case.sip_messages if row.method == "BYE"), None)
    if bye is None or bye.src_addr != source or sent.first is None:
        return None
    return (bye.time - sent.first).total_seconds()


def fed_on_the_other_hop(case: Case, sent: Way) -> RtpStreamRow | None:
    """Return the stream that comes to a relay between two hops of a leg from beyond it, and that it does not pass on."""
    source, relay = sent.rows[0].src_addr, sent.rows[0].dst_addr
    least = case.deployment.thresholds.one_way_packets
    leg = [row for row in case.rtp_streams if row.leg == sent.rows[0].leg]
    beyond = {row.dst_addr for row in leg if row.src_addr == relay} - {source}
    coming = (row for row in leg if row.dst_addr == relay and row.src_addr in beyond)
    return next((row for row in coming if (row.packets or 0) >= least), None)


def garbled_by(case: Case, leg: int | None, stream: RtpStreamRow) -> SdpMediaRow | None:
    """Return the last description from a stream's sender if it names a port and no address; without ICE."""
    own = _description_of_sender(case, leg, stream)
    return own if own is not None and names_no_address(own) else None


def told_elsewhere(case: Case, leg: int | None, stream: RtpStreamRow) -> str | None:
    """Return the media address in the description of a stream's sender if it is not the one it sends from; without ICE."""
    own = _description_of_sender(case, leg, stream)
    elsewhere = own is not None and own.connection_addr != stream.src_addr and not names_no_address(own)
    return own.connection_addr if own is not None and elsewhere else None


def _description_of_sender(case: Case, leg: int | None, stream: RtpStreamRow) -> SdpMediaRow | None:
    """Return the last accepted description of the side that sends a stream to where the other's says; without ICE."""
    last = next((each for each in reversed(exchanges(case, leg)) if each.accepted), None)
    if last is None or last.ice:
        return None
    there = (stream.dst_addr, stream.dst_port)
    senders = (
        author.audio
        for author, reader in last.descriptions
        if (reader.audio.connection_addr, reader.audio.port) == there
    )
    return next(senders, None)


def fed_by(case: Case, leg: int | None, server: str) -> PhaseRow | None:
    """Return the phase of another leg from whose far end audio comes to the server all along; None if there is none.

    ``server`` is the address that sends nothing on this leg, if it is that of the server there.
    """
    own = [each for each in case.phases if each.leg == leg and each.local_addr == server and each.started]
    least = case.deployment.thresholds.one_way_packets
    return next(
        (
            phase
            for phase in case.phases
            if phase.leg != leg
            and phase.kind not in ("early", "hold")
            and (phase.packets_from_client or 0) >= least
            and any(_meet(phase, each) for each in own)
        ),
        None,
    )


def _meet(one: PhaseRow, other: PhaseRow) -> bool:
    if one.started is None or one.ended is None or other.started is None or other.ended is None:
        return False
    return one.started < other.ended and other.started < one.ended


def wants_video(case: Case, leg: int | None, own: set[str]) -> bool:
    """Whether video was agreed on a leg, and none came to these addresses."""
    sections = [row for row in case.sdp_media if row.media == "video" and case.leg_of.get(row.call_id) == leg]
    came = any(row.media == "video" and row.leg == leg and row.dst_addr in own for row in case.rtp_streams)
    return any(row.port for row in sections) and not came


def beside(case: Case, source: str, target: str) -> bool:
    """Whether a capture is in the sender's own network and shows both directions there: SIP came in to the same address."""
    heard = any(row.dst_addr == source for row in case.sip_messages)
    return heard and addr_class(source) in PRIVATE and addr_class(target) in PUBLIC
